//! What happens at ten times what an agent can take: to those that it accepts, to those that it refuses, and to itself.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use langdeck_agent::Config;

use crate::client::Ask;
use crate::generator::{Outcome, Until, closed_loop, open_loop};
use crate::report::{Table, count, mebibytes, quantile, time};
use crate::subjects::{self, investigate};

const TIMES: f64 = 10.0;
/// Places to run and to wait: none to wait, half as many as to run, as many, twice as many; the defaults come last.
const PLACES: [(usize, usize); 4] = [(64, 0), (64, 32), (64, 64), (64, 128)];
/// Few enough that none of them waits for another.
const UNLOADED_CONNECTIONS: usize = 4;
const SPARE_CONNECTIONS: usize = 64;
/// One that waits for nobody, enough to keep a few processors busy, and ten times that.
const CONNECTIONS: [usize; 3] = [1, 32, 320];

/// Latencies in order.
struct Sorted(Vec<Duration>);

impl Sorted {
    fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    fn p50(&self) -> Duration {
        quantile(&self.0, 0.5)
    }

    fn p99(&self) -> Duration {
        quantile(&self.0, 0.99)
    }

    fn show(&self) -> String {
        if self.0.is_empty() {
            return "none".to_owned();
        }
        format!("{}, {}", time(self.p50()), time(self.p99()))
    }
}

/// Measures all and says what was found, in Markdown.
pub(crate) async fn measure(quick: bool) -> io::Result<String> {
    let length = Duration::from_secs(if quick { 1 } else { 5 });
    Ok(format!("{}\n{}", by_places(length).await?, by_processor(length).await?))
}

/// The places are what there is too little of: work takes its documented time and next to no processor.
async fn by_places(length: Duration) -> io::Result<Table<9>> {
    let mut table = Table::new([
        "places to run, to wait",
        "offered",
        "accepted",
        "unloaded p50, p99",
        "accepted p50, p99",
        "p99 beside unloaded",
        "refused p50, p99",
        "memory before, after",
        "load late by",
    ]);
    let Config { max_running, max_queued, .. } = Config::default();
    for (running, queued) in PLACES.into_iter().chain([(max_running, max_queued)]) {
        let limits = [format!("--max-running={running}"), format!("--max-queued={queued}")];
        let agent = subjects::agent(&[&limits[0], &limits[1]]).await?;
        let unloaded = closed_loop(agent.address, &kinds(), UNLOADED_CONNECTIONS, Until::Elapsed(length)).await?;
        let unloaded = Sorted::new(unloaded.none_refused()?.answered);
        let before = agent.resident()?;
        let places = u32::try_from(running).map_err(io::Error::other)?;
        let offered = TIMES * f64::from(places) / unloaded.p50().as_secs_f64();
        // The connections of those who are accepted, and some for the refusals in between.
        let connections = running + queued + SPARE_CONNECTIONS;
        let Outcome { answered, refused, elapsed, late, .. } =
            open_loop(agent.address, &kinds(), connections, offered, length).await?;
        // Who was refused must have left no trace.
        subjects::audit(&agent, (unloaded.0.len() + answered.len()) as u64, None).await?;
        let accepted = rate(answered.len(), elapsed);
        let (answered, refused) = (Sorted::new(answered), Sorted::new(refused));
        table.row([
            format!("{running}, {queued}"),
            format!("{}/s", count(offered)),
            accepted,
            unloaded.show(),
            answered.show(),
            format!("{:.2} ×", answered.p99().as_secs_f64() / unloaded.p99().as_secs_f64()),
            refused.show(),
            format!("{}, {}", mebibytes(before), mebibytes(agent.resident()?)),
            time(late),
        ]);
    }
    Ok(table)
}

/// The processor is what there is too little of: work takes no time but its own.
async fn by_processor(length: Duration) -> io::Result<Table<5>> {
    let agent = subjects::agent(&["--sim-delay=0"]).await?;
    let mut table = Table::new(["connections", "accepted", "accepted p50, p99", "refused", "memory after"]);
    for connections in CONNECTIONS {
        let Outcome { answered, refused, elapsed, .. } =
            closed_loop(agent.address, &kinds(), connections, Until::Elapsed(length)).await?;
        table.row([
            connections.to_string(),
            rate(answered.len(), elapsed),
            Sorted::new(answered).show(),
            rate(refused.len(), elapsed),
            mebibytes(agent.resident()?),
        ]);
    }
    Ok(table)
}

fn rate(answers: usize, elapsed: Duration) -> String {
    let answers = f64::from(u32::try_from(answers).unwrap_or(u32::MAX));
    format!("{}/s", count(answers / elapsed.as_secs_f64()))
}

fn kinds() -> Arc<[Ask]> {
    Arc::new([investigate()])
}
