//! What a process uses, thread by thread, from `/proc`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;
use std::{fs, io};

/// What each thread of a process has used since its start.
pub(crate) struct Usage(BTreeMap<OsString, Thread>);

/// What a process has used between two moments.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    /// Time on processors.
    pub(crate) processor: Duration,
    /// How often a thread of it was woken.
    pub(crate) wakeups: u64,
}

/// What a thread has used.
#[derive(Clone, Copy, Default)]
struct Thread {
    /// On a processor, in nanoseconds: the times of a whole process come in steps of a hundredth of a second.
    nanos: u64,
    /// How often it has gone to sleep, and so has been woken.
    sleeps: u64,
}

impl Usage {
    pub(crate) fn of(id: u32) -> io::Result<Self> {
        let mut threads = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{id}/task"))? {
            let task = task?;
            let read = |name| fs::read_to_string(task.path().join(name));
            let (status, schedule) = (read("status")?, read("schedstat")?);
            let sleeps = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            let number = |text: Option<&str>| text.and_then(|text| text.trim().parse().ok());
            match (number(schedule.split(' ').next()), number(sleeps)) {
                (Some(nanos), Some(sleeps)) => threads.insert(task.file_name(), Thread { nanos, sleeps }),
                _ => return Err(io::Error::other("no times or no switches in /proc/PID/task")),
            };
        }
        Ok(Self(threads))
    }

    /// What was used since then.
    pub(crate) fn since(&self, before: &Self) -> Used {
        let (mut nanos, mut wakeups) = (0, 0);
        for (id, thread) in &self.0 {
            let before = before.0.get(id).copied().unwrap_or_default();
            nanos += thread.nanos - before.nanos;
            wakeups += thread.sleeps - before.sleeps;
        }
        Used { processor: Duration::from_nanos(nanos), wakeups }
    }
}

impl Used {
    /// Which share of a core it had, in percent, in a time that was so long.
    pub(crate) fn share(&self, time: Duration) -> String {
        format!("{:.2} %", 100.0 * self.processor.as_secs_f64() / time.as_secs_f64())
    }

    /// How often a second it was woken.
    pub(crate) fn wakeups(&self, time: Duration) -> String {
        #[expect(clippy::cast_precision_loss, reason = "far less than 2^53 wakeups")]
        let wakeups = self.wakeups as f64;
        format!("{:.1}", wakeups / time.as_secs_f64())
    }
}
