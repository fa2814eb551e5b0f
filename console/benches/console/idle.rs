//! What the console uses while nothing happens, beside `htop` and `bottom` in the same seconds.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, io, thread};

use crate::kernel::resident;
use crate::network::Agents;
use crate::pty::Pty;
use crate::report::{Table, mebibytes};
use crate::terminals::open;
use crate::usage::Usage;
use crate::{COLUMNS, ROWS};

/// Until everybody has settled; the console asks more often in its first seconds.
const SETTLING: Duration = Duration::from_secs(5);
/// Others that draw a screen once in a while, by package and program.
const OTHERS: [(&str, &str); 2] = [("htop", "htop"), ("bottom", "btm")];

/// Measures all and says what was found, in Markdown.
pub(crate) fn measure(quick: bool) -> io::Result<String> {
    let while_idle = Duration::from_secs(if quick { 5 } else { 20 });
    let agents = Agents::start(3);
    agents.investigate();
    // They would find a person's settings, and leave theirs, at home.
    let home = tempfile::tempdir()?;
    let mut programs = vec![
        ("the console on three replicas, one URL".to_owned(), Some(open(&agents.urls[..1]))),
        ("the console on three replicas, a URL each".to_owned(), Some(open(&agents.urls))),
    ];
    for (name, program) in OTHERS {
        let terminal = find(program).map(|program| other(&program, home.path()));
        programs.push((name.to_owned(), terminal));
    }
    for (name, terminal) in &programs {
        if let Some(terminal) = terminal {
            terminal.wait(&format!("a screen of {name}"), |screen| !screen.contents().trim().is_empty());
        }
    }
    thread::sleep(SETTLING);

    let ids: Vec<_> = programs.iter().map(|(_, terminal)| terminal.as_ref().map(Pty::id)).collect();
    let before = ids.iter().map(|id| id.map(Usage::of).transpose()).collect::<io::Result<Vec<_>>>()?;
    thread::sleep(while_idle);
    let mut table = Table::new(["while nothing happens", "of a core", "wakeups a second", "resident memory"]);
    table.row([
        "at least, for one URL".to_owned(),
        "under 0.35 %".to_owned(),
        "at most 4".to_owned(),
        "under 16 MiB".to_owned(),
    ]);
    for ((name, _), (id, before)) in programs.iter().zip(ids.into_iter().zip(before)) {
        let cells = match (id, before) {
            (Some(id), Some(before)) => {
                let used = Usage::of(id)?.since(&before);
                [used.share(while_idle), used.wakeups(while_idle), mebibytes(resident(id)?)]
            }
            _ => ["not measured", "", ""].map(str::to_owned),
        };
        let [processor, wakeups, memory] = cells;
        table.row([name.clone(), processor, wakeups, memory]);
    }
    Ok(table.to_string())
}

/// The versions of the others, where they are installed.
pub(crate) fn others() -> String {
    let version = |(name, program): (&str, &str)| {
        let output = Command::new(find(program)?).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let number = text.lines().next()?.split_ascii_whitespace().nth(1)?;
        Some(format!("{name} {number}"))
    };
    OTHERS.map(|other| version(other).unwrap_or_else(|| format!("no {}", other.0))).join(", ")
}

/// Another program with its default settings, in a terminal like the console's.
fn other(program: &Path, home: &Path) -> Pty {
    let home = home.to_string_lossy();
    Pty::spawn(&program.to_string_lossy(), &[], &[("HOME", &home), ("XDG_CONFIG_HOME", &home)], COLUMNS, ROWS)
}

/// Where on the path a program is.
fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}
