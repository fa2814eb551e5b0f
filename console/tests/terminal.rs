//! The terminal is always given back, whatever ends the console, and never frozen, whatever the agents do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

mod pty;
mod support;

use std::time::{Duration, Instant};

use pty::{LANGDECK, Pty, any_cell, colour_codes};
use rustix::process::Signal;
use support::{Reply, Scripted, alone, nobody, snapshot};

/// A console on an address where nothing listens: it shows that, and needs no agent.
async fn lonely(env: &[(&str, &str)]) -> Pty {
    let url = nobody().await.to_string();
    let pty = Pty::spawn(LANGDECK, &["--url", &url], env, 100, 30);
    pty.see(&url);
    pty
}

#[tokio::test]
async fn it_is_taken_over_and_given_back() {
    let mut pty = lonely(&[]).await;
    pty.wait("the alternate screen, the mouse, pasting", |screen| {
        screen.alternate_screen()
            && screen.hide_cursor()
            && screen.bracketed_paste()
            && screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None
    });
    pty.send("q");
    pty.ended_restored(0);
}

#[tokio::test]
async fn control_c_gives_it_back() {
    let mut pty = lonely(&[]).await;
    pty.send("\u{3}");
    pty.ended_restored(0);
}

#[tokio::test]
async fn signals_give_it_back_and_are_told_in_the_exit_code() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)] {
        let mut pty = lonely(&[]).await;
        pty.signal(signal);
        pty.ended_restored(code);
    }
}

#[tokio::test]
async fn a_console_without_a_shell_is_not_stopped_for_ever() {
    let mut pty = lonely(&[]).await;
    // Nobody could type `fg` here: the system ignores the stop, and the console comes back.
    pty.send("\u{1a}");
    pty.send("?");
    pty.wait("the help", |screen| screen.alternate_screen() && screen.contents().contains("Keys"));
    pty.send("\u{1b}");
    pty.see_gone("Keys ");
    pty.send("q");
    pty.ended_restored(0);
}

#[tokio::test]
async fn a_stop_from_outside_is_mended_when_it_goes_on() {
    let mut pty = lonely(&[]).await;
    let entered = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches("\u{1b}[?1049h").count();
    assert_eq!(entered(&pty.bytes()), 1);
    pty.signal(Signal::STOP);
    pty.signal(Signal::CONT);
    pty.wait("the terminal taken over anew", |_| true);
    let until = Instant::now() + pty::DEADLINE;
    while entered(&pty.bytes()) < 2 {
        assert!(Instant::now() < until, "not taken over anew");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    pty.see("No agent answers");
    pty.send("q");
    pty.ended_restored(0);
}

#[tokio::test]
async fn without_colour_no_colour_code_is_sent_and_the_selection_is_still_seen() {
    let mut pty = lonely(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]).await;
    pty.send(":");
    pty.wait("a selected row", |screen| any_cell(screen, vt100::Cell::inverse));
    pty.send("\u{1b}");
    pty.see_gone("Palette");
    pty.send("q");
    pty.ended_restored(0);
    let codes = colour_codes(&pty.bytes());
    assert!(codes.is_empty(), "{codes:?}");

    let mut colourful = lonely(&[]).await;
    colourful.send("q");
    colourful.ended_restored(0);
    assert!(!colour_codes(&colourful.bytes()).is_empty(), "the test itself sees no colours");
}

#[tokio::test]
async fn colours_are_those_that_the_terminal_says_it_has() {
    let environments: [&[(&str, &str)]; 3] = [
        &[("TERM", "xterm")],
        &[("TERM", "xterm-256color")],
        &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")],
    ];
    let mut seen = Vec::new();
    for env in environments {
        let mut pty = lonely(env).await;
        pty.send("q");
        pty.ended_restored(0);
        let codes = colour_codes(&pty.bytes()).join(" ");
        assert!(!codes.is_empty(), "{env:?}");
        // Crossterm writes the sixteen as indexed colours as well.
        let most =
            codes.split("38;5;").skip(1).filter_map(|code| code.split([' ', ';']).next()?.parse::<u8>().ok()).max();
        seen.push((codes.contains("38;2;"), most.is_some_and(|most| most > 15)));
    }
    assert_eq!(seen, [(false, false), (false, true), (true, false)], "of 24 bits, of more than 16");
}

#[tokio::test]
async fn ascii_means_ascii_to_the_last_byte() {
    let url = nobody().await.to_string();
    let mut pty = Pty::langdeck(&["--ascii", "--url", &url], 100, 30);
    pty.see("No agent answers");
    pty.send("?");
    pty.see("Keys");
    pty.send("q");
    pty.see_gone("Keys ");
    pty.send("q");
    pty.ended_restored(0);
    let foreign: Vec<u8> = pty.bytes().into_iter().filter(|byte| !byte.is_ascii()).collect();
    assert!(foreign.is_empty(), "{:?}", String::from_utf8_lossy(&foreign));
}

/// What is copied from a web page may hold more than is seen there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pasted_into_the_form_is_harmless() {
    let agent = Scripted::start(|_| Reply::Json(200, alone(snapshot("pod-a", "1")))).await;
    let mut pty = Pty::langdeck(&["--url", &agent.url().to_string()], 100, 30);
    pty.see("pod-a");
    pty.send("F");
    pty.see("Compose an alert");
    let hostile = "evil\u{1b}]0;owned\u{7}\u{1b}[?1049l\u{9b}2J\u{202e}\u{200b}\r\nq\u{3}name";
    pty.send(&format!("\u{1b}[200~{hostile}\u{1b}[201~"));
    // Neither did its q or its Ctrl-C end the console, nor its line break send the alert.
    pty.wait("its text and no more, in the form", |screen| {
        let text = screen.contents();
        text.contains("evil") && text.contains("qname") && text.contains("Compose an alert") && !text.contains("owned")
    });
    pty.send("\u{3}");
    pty.ended_restored(0);
    let text = String::from_utf8_lossy(&pty.bytes()).into_owned();
    assert!(!text.contains("owned") && !text.contains('\u{202e}') && !text.contains('\u{9b}'));
    assert_eq!(text.matches("\u{1b}[?1049l").count(), 1, "left the alternate screen before its end");
    assert!(agent.requests().iter().all(|request| request.starts_with("GET ")), "the alert was sent");
}

#[tokio::test]
async fn sizes_may_change_as_they_like() {
    let mut pty = lonely(&[]).await;
    for (columns, rows) in [(1, 1), (200, 50), (0, 0), (3, 40), (80, 2), (300, 100), (20, 5), (100, 30)] {
        pty.resize(columns, rows);
    }
    pty.resize(20, 5);
    pty.see("too small");
    pty.resize(100, 30);
    pty.wait("one whole screen, from its first row to its last", |screen| {
        let rows: Vec<String> = screen.rows(0, 100).collect();
        let title = rows.iter().filter(|row| row.contains("No agent answers"));
        rows[0].starts_with(" langdeck") && title.count() == 1 && rows[29].contains("q quit")
    });
    assert!(!pty.text().contains("too small"), "{}", pty.text());
    pty.send("q");
    pty.ended_restored(0);
}

#[tokio::test]
async fn it_opens_on_a_terminal_without_any_size() {
    let url = nobody().await.to_string();
    let mut pty = Pty::langdeck(&["--url", &url], 0, 0);
    pty.wait("the terminal in its hands", vt100::Screen::alternate_screen);
    pty.resize(100, 30);
    pty.see("No agent answers");
    pty.send("q");
    pty.ended_restored(0);
}

/// As Windows and some terminals tell of keys: each with its release.
#[tokio::test]
async fn a_key_that_is_let_go_does_nothing() {
    let press = |key: char| format!("\u{1b}[{};1:1u", u32::from(key));
    let release = |key: char| format!("\u{1b}[{};1:3u", u32::from(key));
    let mut pty = lonely(&[]).await;
    pty.send(&release('q'));
    // Once for the press: a second time would close it.
    pty.send(&(press('?') + &release('?')));
    pty.see("j and k scroll");
    pty.send(&(press('q') + &release('q')));
    pty.see_gone("j and k scroll");
    // What was typed before is done with, since keys come in order; the console goes on.
    pty.send(":");
    pty.see("Palette");
    pty.send("\u{3}");
    pty.ended_restored(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_text_never_reaches_the_terminal() {
    let agent = Scripted::start(|_| {
        let mut body = snapshot("a", "1");
        body["replica"] = "evil\u{1b}]0;owned\u{7}\u{1b}[?1049l\u{1b}[2J\u{9b}31m\u{202e}pod".into();
        Reply::Json(200, alone(body))
    })
    .await;
    let mut pty = Pty::langdeck(&["--url", &agent.url().to_string()], 120, 40);
    pty.see("evilpod");
    assert!(pty.bytes().windows(5).all(|bytes| bytes != b"owned"));
    pty.send("q");
    pty.ended_restored(0);
    let text = String::from_utf8_lossy(&pty.bytes()).into_owned();
    assert_eq!(text.matches("\u{1b}[?1049l").count(), 1, "left the alternate screen before its end");
    assert!(!text.contains('\u{202e}') && !text.contains('\u{9b}'));
}
