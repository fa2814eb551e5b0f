//! Programs that others wrote: found on the path, started with a folder of their own, ended with their test.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;

use tempfile::TempDir;

use crate::support::DEADLINE;

/// Set where these programs must be there: then a test that lacks one fails.
const REQUIRED: &str = "LANGDECK_REQUIRE_REAL";

/// A program on the path, by its Debian name or by its own. Where it is absent, says why the test is skipped, unless it
/// must be there.
pub(crate) fn find(names: &[&str], debian_package: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let files = env::split_paths(&path).flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    let found = files.into_iter().find(|file| file.is_file());
    if found.is_none() {
        let absent = format!("no {} on the path; Debian's package is {debian_package}", names.join(" or "));
        assert!(env::var_os(REQUIRED).is_none_or(|value| value != "1"), "{absent}");
        eprintln!("skipped: {absent}");
    }
    found
}

/// What is committed in `docs/examples/`, with each of these texts, which stands there once, replaced.
pub(crate) fn example(file: &str, replaced: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples").join(file);
    let mut text = std::fs::read_to_string(path).unwrap();
    for (old, new) in replaced {
        assert_eq!(text.matches(old).count(), 1, "{file} has {old:?} once");
        text = text.replace(old, new);
    }
    text
}

/// A running program. It does not outlive its test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running server with a folder of its own.
pub(crate) struct Program {
    _running: Running,
    pub(crate) url: String,
    _folder: TempDir,
}

impl Program {
    /// Starts a server on a free port with this configuration, and waits until it says where it listens.
    pub(crate) fn start(program: &Path, config: &str, data_flag: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.yml");
        std::fs::write(&file, config).unwrap();
        let mut child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("{data_flag}={}", folder.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = child.stderr.take().unwrap();
        let mut started = Self { _running: Running(child), url: String::new(), _folder: folder };
        started.url = format!("http://{}", listens_at(log));
        started
    }
}

/// The address that a server's log tells. The rest of the log is shown when the test fails.
fn listens_at(log: ChildStderr) -> String {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if line.contains(r#"msg="Listening on""#)
                && let Some((_, address)) = line.split_once("address=")
            {
                // Nobody waits for a second one.
                let _ = tell.send(address.split(' ').next().unwrap_or_default().to_owned());
            }
            println!("{line}");
        }
    });
    told.recv_timeout(DEADLINE).expect("the server says where it listens")
}
