//! Commands that print, run as people run them: with nothing to read, and both outputs in pipes.

use std::process::{Child, Command, Output, Stdio};

use super::within;

/// What a command printed, and how it ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// `langdeck` with these arguments, in a plain environment.
pub(crate) fn langdeck(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_langdeck"));
    command.args(args).env_remove("LANGDECK_URL").env_remove("NO_COLOR");
    // Agents are never behind the system's proxy.
    command.env("HTTP_PROXY", "http://127.0.0.1:9").env("http_proxy", "http://127.0.0.1:9");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits for the end of a command.
pub(crate) async fn ended(child: Child) -> Ran {
    let ran = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let ran = Ran::from(within("the command's end", ran).await.unwrap());
    assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "escape codes in a pipe");
    ran
}

/// Runs `langdeck` with these arguments to its end.
pub(crate) async fn run(args: &[&str]) -> Ran {
    ended(langdeck(args).spawn().unwrap()).await
}
