//! What a frame and a key cost, in the states that cost most. `cargo bench -p langdeck`
//!
//! The real state and the real drawing, down to the bytes that a terminal would get; only the terminal is none.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot go on has failed")]

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent};
use langdeck_console::app::{App, AppOptions, Message, SourceId};
use langdeck_console::net::{BaseUrl, Client};
use langdeck_console::view::theme::{ColorDepth, Theme};
use langdeck_console::view::{self, Texts};
use langdeck_shared::{Investigation, ReplicaUpdate};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use serde_json::{Value, json};

/// The screen of the figures.
const SCREEN: Rect = Rect::new(0, 0, 200, 50);

fn main() {
    println!("{:<62} {:>9} {:>9} {:>9}", "at 200x50, in microseconds", "median", "p99", "most");
    a_fleet("12 replicas, 1,000 investigations: a frame", 12, 1_000);
    a_fleet("1,000 replicas, 20,000 investigations: a frame", 1_000, 20_000);
    a_filter();
    the_largest_report();
}

/// Twelve replicas at work, each frame a moment later than the one before.
fn a_fleet(what: &str, replicas: usize, investigations: usize) {
    let mut bench = Bench::new();
    bench.fill(replicas, investigations);
    measure(what, 400, |_| bench.frame());
}

/// Every key of a filter, and what comes in while it is set.
fn a_filter() {
    let mut bench = Bench::new();
    bench.fill(12, 20_000);
    bench.key(KeyCode::Char('/'));
    let typed = ['c', 'h', 'e', 'c', 'k'];
    measure("a filter on 20,000: a key and its frame", 200, |round| {
        match typed.get(round % (2 * typed.len())) {
            Some(c) => bench.key(KeyCode::Char(*c)),
            None => bench.key(KeyCode::Backspace),
        }
        bench.frame();
    });
    bench.key(KeyCode::Char('c'));
    bench.key(KeyCode::Enter);
    measure("a filter on 20,000: an answer with one that moved, and its frame", 200, |round| {
        bench.answer(round % 12, update(round % 12, vec![investigation(round % 12, round)]));
        bench.frame();
    });
}

/// One investigation in an answer as long as any that is read, opened: the first frame wraps its texts.
fn the_largest_report() {
    let mut bench = Bench::new();
    bench.fill(1, 1);
    bench.key(KeyCode::Enter);
    let whole = fetched(largest());
    let id = whole.investigation_id.clone();
    let mut answers = vec![Ok(Box::new(whole)); 100];
    measure("the largest report: the frame after it came", 100, |_| {
        let result = answers.pop().unwrap();
        bench.app.update(Message::Detail { id: id.clone(), result }, bench.now);
        bench.frame();
    });
    measure("the largest report: any other frame", 400, |_| {
        bench.key(KeyCode::PageDown);
        bench.frame();
    });
}

/// Prints how long something takes; `work` is given how often it was done before.
fn measure(what: &str, rounds: usize, mut work: impl FnMut(usize)) {
    let mut took: Vec<Duration> = (0..rounds)
        .map(|round| {
            let began = Instant::now();
            work(round);
            began.elapsed()
        })
        .collect();
    took.sort();
    let [median, p99, most] = [rounds / 2, rounds * 99 / 100, rounds - 1].map(|place| took[place].as_micros());
    println!("{what:<62} {median:>9} {p99:>9} {most:>9}");
}

struct Bench {
    app: App,
    terminal: Terminal<CrosstermBackend<io::Sink>>,
    theme: Theme,
    texts: Texts,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::now();
        let sources = (0..1_000).map(|source| format!("http://agent-{source}")).collect();
        let options = TerminalOptions { viewport: Viewport::Fixed(SCREEN) };
        Self {
            app: App::new(AppOptions { sources, demo: false }, 7, now),
            terminal: Terminal::with_options(CrosstermBackend::new(io::sink()), options).unwrap(),
            theme: Theme::new(ColorDepth::TrueColor, false),
            texts: Texts::default(),
            now,
        }
    }

    fn fill(&mut self, replicas: usize, investigations: usize) {
        for replica in 0..replicas {
            let mine = (0..investigations).filter(|number| number % replicas == replica);
            self.answer(replica, update(replica, mine.map(|number| investigation(replica, number)).collect()));
        }
    }

    fn answer(&mut self, source: usize, update: ReplicaUpdate) {
        let (source, took) = (SourceId(source), Duration::from_millis(12));
        self.app.update(Message::Updated { source, update: Box::new(update), received: self.now, took }, self.now);
    }

    fn key(&mut self, code: KeyCode) {
        self.app.update(Message::Key(KeyEvent::from(code)), self.now);
    }

    fn frame(&mut self) {
        self.now += Duration::from_millis(100);
        let Self { app, terminal, theme, texts, now } = self;
        let mut beyond = 0;
        terminal.draw(|frame| beyond = view::draw(app, frame, theme, texts, *now)).unwrap();
        app.limit_scroll(beyond);
    }
}

fn update(replica: usize, investigations: Vec<Investigation>) -> ReplicaUpdate {
    let samples: Vec<Value> = (0..300)
        .map(|second| json!({"second": second, "requests": 1, "errors": 0, "tokens": second * 7 % 400, "cost_usd": 0.0003}))
        .collect();
    let mut update: ReplicaUpdate = serde_json::from_value(json!({
        "cursor": "1", "reset": false, "more": false, "missed": 0,
        "replica": format!("langchain-free-7d9c-{replica:05}"), "boot_id": format!("boot-{replica}"),
        "status": "ready", "version": "0.1.0", "model": "simulated-gpt-4", "tool_mode": "sequential",
        "started_at": "2026-01-01T00:00:00Z", "now": "2026-01-01T00:05:00Z", "uptime_ms": 300_000,
        "totals": {
            "requests": 300, "succeeded": 290, "partial": 8, "failed": 2, "cancelled": 0, "tools_executed": 900,
            "spend": {"calls": 1500, "tokens": 47_100, "input_tokens": 30_000, "output_tokens": 17_100, "cost_usd": 0.0942},
        },
        "latency": {"count": 300, "p50_ms": 231, "p95_ms": 239, "p99_ms": 260},
        "running": 2, "queued": 1, "samples": samples, "investigations": [], "memory": {"services": 0, "patterns": []},
    }))
    .unwrap();
    update.investigations = investigations;
    update
}

fn investigation(replica: usize, number: usize) -> Investigation {
    const SERVICES: [&str; 4] = ["checkout-api", "payment-api", "search", "ledger"];
    let status = if number.is_multiple_of(20) { "running" } else { "succeeded" };
    let second = number % 60;
    let step = |name: &str, kind: &str, start: usize| {
        json!({
            "name": name, "kind": kind, "status": "succeeded", "start_offset_ms": start, "duration_ms": 45,
            "tokens": 12, "input_tokens": 8, "output_tokens": 4, "cost_usd": 0.000024,
        })
    };
    serde_json::from_value(json!({
        "investigation_id": format!("inv_boot{replica}_{number}"), "replica": format!("langchain-free-7d9c-{replica:05}"),
        "status": status,
        "alert": {
            "alert_type": "high_latency", "service": SERVICES[number % 4], "severity": "critical",
            "timestamp": "2026-01-01T00:00:00Z",
        },
        "accepted_at": format!("2026-01-01T00:00:{second:02}Z"), "started_at": format!("2026-01-01T00:00:{second:02}Z"),
        "elapsed_ms": 234, "tokens": 157, "cost_usd": 0.000314, "confidence": 0.85,
        "root_cause": "database connection pool exhaustion",
        "steps": [
            step("planner", "planner", 0), step("check_pods", "tool", 45), step("get_metrics", "tool", 90),
            step("get_logs", "tool", 135), step("reasoner", "reasoner", 180),
        ],
    }))
    .unwrap()
}

/// The first investigation of the first replica, with as much text as an answer may have.
fn largest() -> String {
    let mut whole = serde_json::to_value(investigation(0, 0)).unwrap();
    let lines = "connection to the database timed out after 30 s; 数据库 ".repeat(256);
    for step in whole["steps"].as_array_mut().unwrap() {
        step["output"] = json!(vec![&lines; 60]);
    }
    let reasoner = json!({
        "summary": lines, "root_cause": lines, "recommendations": vec![&lines; 60], "confidence": 0.85, "tokens_used": 67,
    });
    whole["report"] = json!({
        "investigation_id": whole["investigation_id"], "replica": "a", "status": "succeeded", "alert": whole["alert"],
        "chain_execution": {
            "planner": {"plan": ["check_pods"], "reasoning": lines, "tokens_used": 45},
            "executor": {"mode": "sequential", "steps": [], "total_tokens": 45},
            "reasoner": reasoner,
        },
        "cost_tracking": {
            "total_tokens": 157, "breakdown": {"planner": 45, "executor": 45, "reasoner": 67}, "cost_usd": 0.000314,
            "model": "simulated-gpt-4",
        },
        "execution_time_ms": 234, "memory_updated": true,
    });
    let text = whole.to_string();
    assert!((4 << 20..8 << 20).contains(&text.len()), "{} bytes", text.len());
    text
}

/// An answer as the console gets it: over HTTP, cleaned, cut and checked.
fn fetched(body: String) -> Investigation {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url: BaseUrl = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let agent = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _head = stream.read(&mut request).unwrap();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).unwrap();
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::new(std::slice::from_ref(&url)).unwrap();
    let began = Instant::now();
    let whole = runtime.block_on(client.investigation(&url, "inv_boot0_0")).unwrap();
    agent.join().unwrap();
    println!("(read, cleaned and cut in {} ms, off the thread that draws)", began.elapsed().as_millis());
    whole
}
