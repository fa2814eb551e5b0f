//! From a key to its frame, while every replica hangs.

use std::thread;
use std::time::Duration;

use crate::HEAD;
use crate::network::Agents;
use crate::report::Table;
use crate::terminals::open;
use crate::times::{Times, timed};

/// What only the help says.
const HELP: &str = "j and k scroll";

/// Measures it and says what was found, in Markdown.
pub(crate) fn measure(quick: bool) -> String {
    let presses = if quick { 20 } else { 50 };
    let agents = Agents::start(3);
    agents.investigate();
    let mut console = open(&agents.urls);
    console.see("pod-2");
    let _hung = agents.hang();
    console.see("3 stale");
    let mut table = Table::new(HEAD);
    // At once, a key meets the console's pause between two frames; a person's mostly does not.
    for (when, pause) in
        [("pressed at rest", Duration::from_millis(30)), ("pressed as soon as the one before is there", Duration::ZERO)]
    {
        let times = Times::of(presses, |round| {
            thread::sleep(pause);
            timed(|| {
                if round % 2 == 0 {
                    console.send("?");
                    console.see(HELP);
                } else {
                    console.send("\u{1b}");
                    console.see_gone(HELP);
                }
            })
        });
        table.row([
            format!("a key to its frame with every replica hung, {when}"),
            times.whole(),
            "under 50 ms".to_owned(),
        ]);
    }
    table.to_string()
}
