//! The figures in `docs/performance.md`, and the machine that they are of.

use std::process::Command;
use std::{fs, io, thread};

use jiff::Zoned;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/performance.md");

/// When, on what and with which versions it is measured, as a paragraph; `beside` are the versions of the others.
pub(crate) fn machine(measured: &str, beside: &str) -> String {
    let date = Zoned::now().date();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let model = first_of("/proc/cpuinfo", "model name");
    let memory = first_of("/proc/meminfo", "MemTotal");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let compiler = Command::new("rustc").arg("--version").output();
    let compiler =
        compiler.map_or_else(|_| "rustc unknown".into(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
    let (kernel, compiler) = (kernel.trim(), compiler.trim());
    format!(
        "Measured on {date}: {cores} cores of {model}, {memory} of memory, Linux {kernel}; {measured}, {compiler}; \
         {beside}.\n"
    )
}

/// The first value under a name in one of the kernel's lists.
fn first_of(path: &str, name: &str) -> String {
    let list = fs::read_to_string(path).unwrap_or_default();
    let value = list.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    value.map_or_else(|| "unknown".to_owned(), |value| value.trim().to_owned())
}

/// Puts the figures between the marks of this name.
pub(crate) fn write(marks: &str, machine: &str, sections: &str) -> io::Result<()> {
    let (begin, end) = (format!("<!-- {marks}:start -->\n"), format!("<!-- {marks}:end -->"));
    let text = fs::read_to_string(DOCUMENT)?;
    let parts = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let Some((before, after)) = parts else {
        return Err(io::Error::other(format!("{DOCUMENT} lacks the lines {begin:?} and {end:?}")));
    };
    fs::write(DOCUMENT, format!("{before}{begin}\n{machine}\n{sections}{end}{after}"))
}
