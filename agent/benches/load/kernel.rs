//! What the kernel tells of a process, in `/proc`.

use std::fs;
use std::io;
use std::time::Duration;

/// In which Linux tells user space how much time a process has used, whatever its own clock.
const TICKS_PER_SECOND: u64 = 100;

/// How much processor time a process has used, in user and system mode.
pub(crate) fn processor_time(id: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name before it is in parentheses and may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut ticks = fields.split_ascii_whitespace().skip(11).map_while(|field| field.parse::<u64>().ok());
    match (ticks.next(), ticks.next()) {
        (Some(user), Some(system)) => Ok(Duration::from_millis((user + system) * 1000 / TICKS_PER_SECOND)),
        _ => Err(io::Error::other("no times in /proc/PID/stat")),
    }
}

/// A process's resident memory in bytes.
pub(crate) fn resident(id: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kibibytes.map(|kibibytes| kibibytes * 1024).ok_or_else(|| io::Error::other("no VmRSS in /proc/PID/status"))
}
