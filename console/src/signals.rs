//! Signals: those that end the console, and those that stop it and let it go on.

#[cfg(unix)]
pub use unix::{Heard, Signals, foreground, stop};

#[cfg(not(unix))]
pub use other::{Heard, Signals, foreground, stop};

#[cfg(unix)]
mod unix {
    use std::io;
    use std::time::Duration;

    use rustix::process::{Signal as Kill, getpgrp, kill_current_process_group};
    use rustix::termios::tcgetpgrp;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// How long a stop may take to come: all of the process's threads have to notice it.
    const STOP_WITHIN: Duration = Duration::from_millis(200);

    /// How often the console looks whether the terminal is its own again; only while it is not.
    const LOOK_EVERY: Duration = Duration::from_millis(100);

    /// A signal that arrived.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Heard {
        /// One that ends the console, by its number.
        End(u8),
        /// The process was stopped and goes on.
        Continued,
    }

    /// The signals that the console listens to.
    #[derive(Debug)]
    pub struct Signals {
        terminate: Signal,
        hangup: Signal,
        interrupt: Signal,
        quit: Signal,
        continued: Signal,
    }

    impl Signals {
        /// Begins to listen. Until then, and after this is dropped, a signal does what it always did.
        ///
        /// # Errors
        ///
        /// When the system refuses.
        pub fn listen() -> io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                hangup: signal(SignalKind::hangup())?,
                interrupt: signal(SignalKind::interrupt())?,
                quit: signal(SignalKind::quit())?,
                // No constant of tokio's: the number differs from system to system.
                continued: signal(SignalKind::from_raw(Kill::CONT.as_raw()))?,
            })
        }

        /// The next signal.
        pub async fn next(&mut self) -> Heard {
            tokio::select! {
                _ = self.terminate.recv() => Heard::End(15),
                _ = self.hangup.recv() => Heard::End(1),
                _ = self.interrupt.recv() => Heard::End(2),
                _ = self.quit.recv() => Heard::End(3),
                _ = self.continued.recv() => Heard::Continued,
            }
        }
    }

    /// Stops the whole job, as the terminal's own Ctrl-Z does, and returns when it goes on. Where nobody could let it go
    /// on (no shell is above it) the system ignores the stop, and this returns soon.
    pub async fn stop(signals: &mut Signals) {
        if kill_current_process_group(Kill::TSTP).is_ok() {
            let _ignored = tokio::time::timeout(STOP_WITHIN, signals.continued.recv()).await;
        }
    }

    /// Waits until the terminal belongs to this job: after `bg`, or when a stopped job is ended, it goes on while a shell
    /// has the terminal, and to touch that would stop it again. Answers with the number of a signal that ends the console,
    /// where one comes first.
    pub async fn foreground(signals: &mut Signals) -> Option<u8> {
        // Where nothing says whose the terminal is, there are no jobs.
        while tcgetpgrp(io::stdout()).is_ok_and(|group| group != getpgrp()) {
            if let Ok(Heard::End(number)) = tokio::time::timeout(LOOK_EVERY, signals.next()).await {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;

    /// A signal that arrived.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Heard {
        /// One that ends the console, by its number.
        End(u8),
        /// The process was stopped and goes on.
        Continued,
    }

    /// The signals that the console listens to.
    #[derive(Debug)]
    pub struct Signals;

    impl Signals {
        /// Begins to listen.
        ///
        /// # Errors
        ///
        /// None here.
        pub fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        /// The next signal.
        pub async fn next(&mut self) -> Heard {
            match tokio::signal::ctrl_c().await {
                Ok(()) => Heard::End(2),
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// There is no job control here.
    pub async fn stop(_signals: &mut Signals) {}

    /// There is no job control here.
    pub async fn foreground(_signals: &mut Signals) -> Option<u8> {
        None
    }
}
