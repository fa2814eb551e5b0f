//! Every place of the console in a terminal, with nobody in the network answering any more: how it looks, ends and stops.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

mod pty;
mod support;

use std::time::{Duration, Instant};

use pty::{LANGDECK, Pty, any_cell, colour_codes};
use rustix::process::Signal;
use support::scenario::{Player, Scenario};

/// A place of the console: the keys that lead there from the first screen, what is seen there, and whether `q` ends there.
const PLACES: [(&str, &str, bool); 7] = [
    ("", "Fleet", true),
    ("\r", "next step", true),
    ("?", "j and k scroll", false),
    ("f", "Fire a test alert", false),
    ("F", "Compose an alert", false),
    ("/", " 1 of 1", false),
    (":", "Palette", false),
];

/// Well below the five seconds for which an answer is awaited, well above what any machine needs.
const AT_ONCE: Duration = Duration::from_secs(3);

/// An agent that has been heard of and is asked in vain now.
struct Hung {
    agent: Player,
}

impl Hung {
    async fn start() -> Self {
        Self { agent: Scenario::read("hung").play("pod-x").await }
    }

    /// Makes the agent hang, and waits until it has been asked since.
    async fn hang(&self) {
        self.agent.next();
        let asked = async {
            while self.agent.asked() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        support::within("a question that nobody answers", asked).await;
    }

    /// A console that has seen the agent, with the agent hung.
    async fn console(args: &[&str], env: &[(&str, &str)]) -> (Self, Pty) {
        let hung = Self::start().await;
        let url = hung.agent.url();
        let pty = Pty::spawn(LANGDECK, &[&["--url", &url], args].concat(), env, 120, 40);
        pty.see("checkout-api");
        hung.hang().await;
        (hung, pty)
    }

    /// The same at a place.
    async fn console_at(keys: &str, seen: &str) -> (Self, Pty) {
        let (hung, mut pty) = Self::console(&[], &[]).await;
        pty.send(keys);
        pty.see(seen);
        (hung, pty)
    }
}

/// Goes to every place, looks there, and ends the console; answers with all that was written to the terminal.
fn everywhere(mut pty: Pty, mut look: impl FnMut(&Pty, &str)) -> Vec<u8> {
    for (keys, seen, _) in PLACES {
        pty.send(keys);
        pty.see(seen);
        look(&pty, seen);
        if !keys.is_empty() {
            pty.send("\u{1b}");
            pty.wait("the first screen again", |screen| {
                screen.contents().contains("Fleet") && !screen.contents().contains(seen)
            });
        }
    }
    pty.send("q");
    pty.ended_restored(0);
    pty.bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_place_has_a_colour_where_none_is_wanted_and_what_is_selected_is_still_seen() {
    let (_hung, pty) = Hung::console(&[], &[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]).await;
    let bytes = everywhere(pty, |pty, seen| {
        if !matches!(seen, "j and k scroll" | "Compose an alert") {
            pty.wait(&format!("something selected beside {seen:?}"), |screen| any_cell(screen, vt100::Cell::inverse));
        }
    });
    assert!(colour_codes(&bytes).is_empty(), "{:?}", colour_codes(&bytes));
    let (_hung, pty) = Hung::console(&[], &[]).await;
    assert!(!colour_codes(&everywhere(pty, |_, _| {})).is_empty(), "the test itself sees no colours");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ascii_means_ascii_in_every_place_to_the_last_byte() {
    let (_hung, pty) = Hung::console(&["--ascii"], &[]).await;
    let bytes = everywhere(pty, |_, _| {});
    let foreign: Vec<u8> = bytes.into_iter().filter(|byte| !byte.is_ascii()).collect();
    assert!(foreign.is_empty(), "{:?}", String::from_utf8_lossy(&foreign));
}

fn ends_at_once(mut pty: Pty, end: impl FnOnce(&mut Pty), code: u32) {
    let began = Instant::now();
    end(&mut pty);
    pty.ended_restored(code);
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_end_it_from_every_place() {
    for (keys, seen, q_ends) in PLACES {
        let (_hung, pty) = Hung::console_at(keys, seen).await;
        ends_at_once(pty, |pty| pty.send("\u{3}"), 0);
        if q_ends {
            let (_hung, pty) = Hung::console_at(keys, seen).await;
            ends_at_once(pty, |pty| pty.send("q"), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_end_it_from_every_place() {
    for (keys, seen, _) in PLACES {
        for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
            let (_hung, pty) = Hung::console_at(keys, seen).await;
            ends_at_once(pty, |pty| pty.signal(signal), code);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_before_anyone_has_ever_answered() {
    for end in ["q", "\u{3}"] {
        let hung = Hung::start().await;
        hung.agent.next();
        let pty = Pty::langdeck(&["--url", &hung.agent.url()], 120, 40);
        pty.see("Connecting");
        ends_at_once(pty, |pty| pty.send(end), 0);
    }
}

/// A shell with job control, in which the console runs on a hung agent.
async fn shell() -> (Hung, Pty) {
    let hung = Hung::start().await;
    let mut shell = Pty::spawn("/bin/sh", &["-i"], &[("PS1", "READY> "), ("ENV", "")], 120, 40);
    shell.see("READY>");
    shell.send(&format!("{LANGDECK} --url {}\n", hung.agent.url()));
    shell.see("checkout-api");
    hung.hang().await;
    (hung, shell)
}

/// Stops the console for so many times, this one included.
fn stop(shell: &mut Pty, times: usize) {
    shell.send("\u{1a}");
    shell.wait("the shell again", |screen| {
        !screen.alternate_screen() && screen.contents().matches("Stopped").count() == times
    });
    shell.check_restored();
}

fn go_on(shell: &mut Pty) {
    shell.send("fg\n");
    shell.wait("the console again, with cursor, mouse and pasting in its hands", |screen| {
        screen.contents().contains("checkout-api")
            && screen.alternate_screen()
            && screen.hide_cursor()
            && screen.bracketed_paste()
            && screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_gets_the_terminal_back_and_gives_it_again() {
    let (_hung, mut shell) = shell().await;
    for times in [1, 2] {
        stop(&mut shell, times);
        go_on(&mut shell);
    }
    shell.send("q");
    shell.wait("the shell at the end", |screen| !screen.alternate_screen());
    shell.send("echo code=$?\n");
    shell.see("code=0");
    shell.check_restored();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_console_can_be_ended_where_it_is() {
    let (_hung, mut shell) = shell().await;
    stop(&mut shell, 1);
    // Only a job that goes on can take the signal; but here the shell keeps the terminal for itself. It answers with 128
    // and the number of the stop for as long as that is all it knows.
    let end = "wait %1; stopped=$?; kill %1; kill -CONT %1";
    let wait = "until wait %1; code=$?; [ $code -ne $stopped ]; do sleep 0.02; done; echo code=$code";
    shell.send(&format!("{end}; {wait}\n"));
    shell.see("code=143");
    shell.check_restored();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_background_it_leaves_the_terminal_and_its_keys_alone() {
    let (_hung, mut shell) = shell().await;
    stop(&mut shell, 1);
    shell.send("bg\n");
    for digit in 1..=2 {
        shell.send(&format!("echo $((4000000 + {digit}))\n"));
        shell.see(&format!("400000{digit}"));
    }
    shell.send("jobs\n");
    shell.see("Running");
    shell.check_restored();
    go_on(&mut shell);
    shell.send("q");
    shell.wait("the shell at the end", |screen| !screen.alternate_screen());
}
