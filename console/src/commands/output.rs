//! Writing to standard output as a good neighbour in a pipe.

use std::io::{self, Write};

/// Prints text to standard output. A reader that has seen enough (`| head`) is no error.
///
/// # Errors
///
/// When it cannot be written for another reason, such as a full disk.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| io::Error::new(error.kind(), format!("cannot write the output: {error}"))),
    }
}
