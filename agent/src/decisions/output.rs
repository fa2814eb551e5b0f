//! Where the decision log is written: a file that is rotated, or standard output.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::writer::Lines;

/// How far back the end of a line is looked for; no line is as long.
const LONGEST_LINE: u64 = 256 * 1024;

/// How each line begins.
const START: &[u8] = br#"{"seq":"#;

/// When a log is rotated, and how much of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// How long a file may become, in bytes.
    pub(crate) size: u64,
    /// How many files there are, the one that is written included.
    pub(crate) files: usize,
}

/// An open log.
#[derive(Debug)]
pub(crate) struct Output {
    file: File,
    /// What a line lacks that was written in part, where that cannot be undone.
    rest: Vec<u8>,
    /// Of a regular file.
    rotated: Option<Rotated>,
}

#[derive(Debug)]
struct Rotated {
    path: PathBuf,
    rotation: Rotation,
    length: u64,
    /// The length at which the next rotation is due.
    due: u64,
}

impl Output {
    /// Standard output, of which nothing is kept back.
    ///
    /// # Errors
    ///
    /// When it is closed.
    pub(crate) fn standard_output() -> io::Result<Self> {
        let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self { file, rest: Vec::new(), rotated: None })
    }

    /// A file, which is made where there is none and continued where there is one.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or somebody else writes it.
    pub(crate) fn file(path: &Path, rotation: Rotation) -> io::Result<Self> {
        // To open a pipe would wait for its reader.
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.file_type().is_char_device()) {
            return Err(io::Error::other("it is no file"));
        }
        let file = open(path)?;
        if !file.metadata()?.is_file() {
            return Ok(Self { file, rest: Vec::new(), rotated: None });
        }
        let length = whole_lines(&file)?;
        let rotated = Rotated { path: path.to_owned(), rotation, length, due: rotation.size };
        Ok(Self { file, rest: Vec::new(), rotated: Some(rotated) })
    }
}

impl Lines for Output {
    fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        while !self.rest.is_empty() {
            let written = write(&mut self.file, &self.rest)?;
            self.rest.drain(..written);
        }
        if let Some(rotated) = &mut self.rotated
            && rotated.length > 0
            && rotated.length + line.len() as u64 > rotated.due
        {
            match rotated.rotate() {
                Ok(file) => self.file = file,
                // Better a file that is too long than a line that is missing.
                Err(error) => {
                    rotated.due = rotated.length.saturating_add(rotated.rotation.size);
                    tracing::error!(%error, path = %rotated.path.display(), "the decision log cannot be rotated; it goes on in the same file");
                }
            }
        }
        let mut written = 0;
        while written < line.len() {
            match write(&mut self.file, &line[written..]) {
                Ok(more) => written += more,
                Err(error) if written == 0 => return Err(error),
                // A line that was written in part is taken back; where that cannot be, its rest goes before the next.
                Err(error) => match &self.rotated {
                    Some(rotated) if self.file.set_len(rotated.length).is_ok() => return Err(error),
                    _ => {
                        self.rest = line[written..].to_owned();
                        break;
                    }
                },
            }
        }
        if let Some(rotated) = &mut self.rotated {
            rotated.length += line.len() as u64;
        }
        Ok(())
    }
}

impl Rotated {
    /// Moves the file aside, the oldest out, and begins a new one.
    fn rotate(&mut self) -> io::Result<File> {
        // It is not there where it was moved before and a new one could not be made.
        if self.path.try_exists()? {
            let last = self.rotation.files - 1;
            // Only as far as the first free number, so that none is moved out for nothing.
            let free = (1..last).find(|&number| !self.numbered(number).exists()).unwrap_or(last);
            for number in (1..free).rev() {
                fs::rename(self.numbered(number), self.numbered(number + 1))?;
            }
            fs::rename(&self.path, self.numbered(1))?;
        }
        let file = open(&self.path)?;
        (self.length, self.due) = (0, self.rotation.size);
        Ok(file)
    }

    /// Where the file goes that was moved aside so many times.
    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(format!(".{number}"));
        name.into()
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => Err(io::Error::other("another agent writes it; each needs its own")),
        // A file system without locks.
        _ => Ok(file),
    }
}

fn write(file: &mut File, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match file.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            written => return written,
        }
    }
}

/// Takes away what a process left behind that was killed within a line; the length after that.
fn whole_lines(mut file: &File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(LONGEST_LINE);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let last = tail[..whole.saturating_sub(1)].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let torn = &tail[whole..];
    // Of something else entirely nothing is ours to cut, or to move aside.
    let is_ours = |line: &[u8]| line.starts_with(&START[..START.len().min(line.len())]);
    if !is_ours(&tail[last..whole]) || !is_ours(torn) {
        return Err(io::Error::other("it holds something else than decisions"));
    }
    let torn = torn.len();
    if torn > 0 {
        tracing::warn!(bytes = torn, "the decision log ends within a line, which is taken away");
        file.set_len(length - torn as u64)?;
    }
    Ok(length - torn as u64)
}
