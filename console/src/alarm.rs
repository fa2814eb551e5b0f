//! An alarm clock that wakes its thread once, when it is time.

use std::future;
use std::time::Instant;

/// Waits for moments. Tokio's own timers wake their thread once or twice on the way to a moment that is further off than
/// some milliseconds, which would be half of what an idle console does; Linux has a clock that does not.
#[derive(Debug, Default)]
pub struct Alarm {
    /// None where the system has no more of them to give; tokio's do then.
    #[cfg(target_os = "linux")]
    clock: Option<linux::Clock>,
}

impl Alarm {
    /// An alarm of the runtime around it.
    #[must_use]
    pub fn new() -> Self {
        #[cfg(target_os = "linux")]
        return Self { clock: linux::Clock::new().ok() };
        #[cfg(not(target_os = "linux"))]
        Self::default()
    }

    /// Waits until then, or forever. What was waited for before is forgotten.
    pub async fn until(&mut self, when: Option<Instant>) {
        #[cfg(target_os = "linux")]
        if let Some(clock) = &self.clock
            && clock.until(when).await.is_ok()
        {
            return;
        }
        match when {
            Some(when) => tokio::time::sleep_until(when.into()).await,
            None => future::pending().await,
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    #[derive(Debug)]
    pub(super) struct Clock(AsyncFd<OwnedFd>);

    impl Clock {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let clock = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            #[expect(deprecated, reason = "unsound for what may change its descriptor; one that is owned never does")]
            AsyncFd::with_interest(clock, Interest::READABLE).map(Self)
        }

        pub(super) async fn until(&self, when: Option<Instant>) -> io::Result<()> {
            loop {
                let left = when.map(|when| when.saturating_duration_since(Instant::now()));
                if left.is_some_and(|left| left.is_zero()) {
                    return Ok(());
                }
                // Nothing left means never.
                self.set(left.unwrap_or_default())?;
                // It may have rung for what was waited for before, so the time is looked at again.
                self.0.readable().await?.clear_ready();
            }
        }

        fn set(&self, left: Duration) -> io::Result<()> {
            let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            let once = Itimerspec { it_interval: zero, it_value: left };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_rings_when_it_is_time_and_not_for_what_was_given_up() {
        let mut alarm = Alarm::new();
        let soon = Instant::now() + Duration::from_millis(5);
        tokio::select! {
            biased;
            () = alarm.until(Some(soon)) => {}
            () = async {} => {}
        }
        while Instant::now() < soon + Duration::from_millis(1) {
            std::thread::yield_now();
        }
        // It has rung for that by now.
        let later = Instant::now() + Duration::from_millis(20);
        alarm.until(Some(later)).await;
        assert!(Instant::now() >= later);
        alarm.until(Some(soon)).await;
    }
}
