//! One console on fleets of several sizes, each through one replica: what it costs the console, and who answers it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use langdeck_console::net::{BaseUrl, Client};
use langdeck_shared::AlertRequest;
use tokio::runtime::Builder;

use crate::farm::Farm;
use crate::kernel::resident;
use crate::report::{Table, mebibytes, time};
use crate::terminals::open;
use crate::usage::Usage;

/// How many replicas the fleets have, the one that answers among them.
const SIZES: [usize; 4] = [3, 30, 300, 1_000];
/// The console asks more often while there is news, and for a while after.
const SETTLING: Duration = Duration::from_secs(6);
/// How many replicas have something to tell.
const WITH_HISTORY: usize = 30;

/// Measures all and says what was found, in Markdown.
pub(crate) fn measure(quick: bool) -> io::Result<String> {
    let watched = Duration::from_secs(if quick { 5 } else { 20 });
    let mut table = Table::new([
        "replicas, through one of them",
        "first whole picture",
        "a quiet tick on the wire",
        "the console, of a core",
        "its memory",
        "the replica that answers, of a core",
        "its processor time a tick",
        "its memory",
    ]);
    let bounds =
        ["at least, for 1,000", "under 3 s", "under 64 KiB", "under 5 %", "under 64 MiB", "under 15 %", "", ""];
    table.row(bounds.map(str::to_owned));
    for size in SIZES {
        table.row(of(size, watched)?);
    }
    Ok(table.to_string())
}

fn of(size: usize, watched: Duration) -> io::Result<[String; 8]> {
    let farm = Farm::start(size - 1)?;
    let front = Farm::front(&farm.urls)?;
    investigate(&farm.urls)?;
    // A moment for the investigations to have ended; then nothing moves any more.
    thread::sleep(Duration::from_secs(1));

    let began = Instant::now();
    let console = open(&front.urls);
    console.wait("every replica", |screen| screen.contents().contains(&format!("{size} of {size} replicas answer")));
    let whole = began.elapsed();
    thread::sleep(SETTLING);

    let (console_before, front_before) = (Usage::of(console.id())?, Usage::of(front.id())?);
    let began = Instant::now();
    thread::sleep(watched);
    let (console_used, front_used) = (Usage::of(console.id())?, Usage::of(front.id())?);
    let watched = began.elapsed();
    let (console_used, front_used) = (console_used.since(&console_before), front_used.since(&front_before));
    let ticks = watched.as_secs_f64();
    Ok([
        format!("{size}"),
        time(whole),
        format!("{} bytes", quiet_tick(&front.urls[0])?),
        console_used.share(watched),
        mebibytes(resident(console.id())?),
        front_used.share(watched),
        time(front_used.processor.div_f64(ticks)),
        mebibytes(resident(front.id())?),
    ])
}

/// Some replicas have investigated an alert.
fn investigate(urls: &[String]) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let alert = AlertRequest {
        alert_type: "high_latency".to_owned(),
        service: "checkout-api".to_owned(),
        ..AlertRequest::default()
    };
    runtime.block_on(async {
        for url in urls.iter().take(WITH_HISTORY) {
            let url: BaseUrl = url.parse().map_err(io::Error::other)?;
            let client = Client::new(std::slice::from_ref(&url)).map_err(io::Error::other)?;
            client.submit(&url, None, &alert, &url.to_string()).await.map_err(io::Error::other)?;
        }
        Ok(())
    })
}

/// How many bytes an answer has, with its head, that tells of nothing; and those of its question.
fn quiet_tick(url: &str) -> io::Result<usize> {
    let ask = |path: &str| -> io::Result<(usize, String)> {
        let address = url.trim_start_matches("http://");
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: application/json\r\nconnection: close\r\n\r\n");
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok((request.len() + answer.len(), answer))
    };
    let mut path = "/v1/fleet".to_owned();
    loop {
        let (bytes, answer) = ask(&path)?;
        let cursor =
            answer.split_once("\"cursor\":\"").and_then(|(_, rest)| rest.split_once('"')).map(|(cursor, _)| cursor);
        path = format!("/v1/fleet?since={}", cursor.ok_or_else(|| io::Error::other("an answer without a cursor"))?);
        if answer.contains("\"replicas\":[]") {
            return Ok(bytes);
        }
    }
}
