//! Start to first frame, and `q` to exit, in every state of the network.

use std::time::{Duration, Instant};

use crate::HEAD;
use crate::network::{Agents, nobody};
use crate::report::Table;
use crate::terminals::{is_painted, open};
use crate::times::Times;

/// What the console has met when it is told to end.
#[derive(Clone, Copy)]
enum Met {
    Agents,
    Nobody,
    NoAnswerEver,
    NoAnswerAnyMore,
    AgentsGone,
}

impl Met {
    const ALL: [Self; 5] = [Self::Agents, Self::Nobody, Self::NoAnswerEver, Self::NoAnswerAnyMore, Self::AgentsGone];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Agents => "while three agents answer",
            Self::Nobody => "while nobody listens",
            Self::NoAnswerEver => "while three have taken its connections and never answer",
            Self::NoAnswerAnyMore => "while three that answered hang",
            Self::AgentsGone => "after three that answered went away and refuse it",
        }
    }
}

/// Measures all and says what was found, in Markdown.
pub(crate) fn measure(quick: bool) -> String {
    let rounds = if quick { 1 } else { 5 };
    let (mut first_frames, mut ends) = (Vec::new(), Table::new(HEAD));
    for met in Met::ALL {
        let mut quits = Vec::new();
        for _ in 0..rounds {
            let (first_frame, quit) = open_and_quit(met);
            first_frames.push(first_frame);
            quits.push(quit);
        }
        let quits: Times = quits.into_iter().collect();
        ends.row([format!("`q` to exit {}", met.as_str()), quits.most(), "under 200 ms".to_owned()]);
    }
    let first_frames: Times = first_frames.into_iter().collect();
    ends.row(["start to first frame".to_owned(), first_frames.most(), String::new()]);
    ends.to_string()
}

/// How long it took to open the console until its first frame was there, and to end it.
fn open_and_quit(met: Met) -> (Duration, Duration) {
    let mut agents = if let Met::Nobody = met { None } else { Some(Agents::start(3)) };
    let urls = agents.as_ref().map_or_else(|| vec![nobody()], |agents| agents.urls.clone());
    let hang = |agents: &Option<Agents>| agents.as_ref().map(Agents::hang);
    // Declared after the agents, so that it is dropped before them: they cannot end while they hang.
    let mut _hung = if let Met::NoAnswerEver = met { hang(&agents) } else { None };

    let began = Instant::now();
    let mut console = open(&urls);
    console.wait("its first frame", is_painted);
    let first_frame = began.elapsed();

    if let Met::Agents | Met::NoAnswerAnyMore | Met::AgentsGone = met {
        console.see("pod-2");
    }
    match met {
        Met::Agents => {}
        Met::Nobody => console.see("No agent answers"),
        Met::NoAnswerEver => console.see("waiting for an answer for 1s"),
        Met::NoAnswerAnyMore => {
            _hung = hang(&agents);
            console.see("3 stale");
        }
        Met::AgentsGone => {
            agents.take().into_iter().for_each(Agents::end);
            console.see("3 of 3 down");
        }
    }
    let pressed = Instant::now();
    console.send("q");
    let status = console.ended();
    let quit = pressed.elapsed();
    assert!(status.success(), "{status}");
    (first_frame, quit)
}
