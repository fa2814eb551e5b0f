//! The agent written with FastAPI, as its users would run it: uvicorn in a virtual environment under the target folder.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::Process;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/fastapi");
const ENVIRONMENT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/fastapi");

/// Starts it, with its packages installed first where they are missing.
pub(crate) async fn start() -> io::Result<Process> {
    if !program("uvicorn").exists() {
        eprintln!("installing FastAPI under {ENVIRONMENT}");
        run(Command::new("python3").args(["-m", "venv", ENVIRONMENT]))?;
        let requirements = Path::new(SOURCE).join("requirements.txt");
        let bounds = ["--quiet", "--disable-pip-version-check", "--timeout=15", "--retries=1"];
        run(Command::new(program("pip")).arg("install").args(bounds).arg("-r").arg(requirements))?;
    }
    Process::start(|address| {
        let mut command = Command::new(program("uvicorn"));
        command.args(["main:app", "--app-dir", SOURCE, "--no-access-log", "--log-level=warning"]);
        command.arg(format!("--host={}", address.ip())).arg(format!("--port={}", address.port()));
        // A bench leaves nothing among the sources, and no other program's deprecations among its figures.
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONWARNINGS", "ignore").env_remove("AGENT_SIM_LATENCY");
        command
    })
    .await
}

/// The versions that it runs on, where it is installed.
pub(crate) fn versions() -> Option<String> {
    let script = "import sys; from importlib.metadata import version as v; \
                  print('FastAPI', v('fastapi') + ', uvicorn', v('uvicorn') + ', Python', sys.version.split()[0])";
    let output = Command::new(program("python")).args(["-c", script]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn program(name: &str) -> PathBuf {
    Path::new(ENVIRONMENT).join("bin").join(name)
}

fn run(command: &mut Command) -> io::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |reason: String| io::Error::other(format!("{program}: {reason}"));
    let status = command.stdin(Stdio::null()).status().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}
