//! What the contract promises of an answer and types cannot say: which numbers are possible, and that names have names.
//!
//! An answer that breaks a promise is refused whole, with the reason. A number that cannot be would bend every sum and
//! every axis that it entered, of other replicas too.

use std::sync::Arc;

use langdeck_shared::{Accepted, Investigation, ReplicaStatus, ReplicaUpdate, Sample, ServicePattern, Spend, Usd};
use serde::de::DeserializeOwned;
use serde_json::Value;
use unicode_width::UnicodeWidthChar;

use super::bound::{self, LISTED, WHOLE};

/// The largest number that every reader of JSON holds exactly (RFC 8259, section 6); of money, so many nano-dollars.
const MOST: u64 = (1 << 53) - 1;
/// By how much the clocks of one answer may differ, in milliseconds: its parts are not all from one moment.
const SLACK_MS: u64 = 60_000;
/// Far more samples than an agent keeps.
const MAX_SAMPLES: usize = 2_000;
/// Far more investigations and patterns than a page has.
const MAX_PAGE: usize = 2_000;
/// Far more steps than a plan has.
const MAX_STEPS: usize = 64;
/// Far more alert types than a pattern tells apart.
const MAX_ALERT_TYPES: usize = 256;
/// What stands for a name of which nothing can be seen.
const BLANK: &str = "(blank)";

/// What an agent answers with.
pub(super) trait Answer: DeserializeOwned {
    /// Cuts what is too long, before it gets its types.
    fn bound(_value: &mut Value) {}

    /// Makes names visible, and checks what the contract promises.
    ///
    /// # Errors
    ///
    /// The field and what is wrong with it.
    fn check(&mut self) -> Result<(), String>;
}

impl Answer for ReplicaUpdate {
    fn bound(value: &mut Value) {
        if let Some(Value::Array(investigations)) = value.get_mut("investigations") {
            investigations.iter_mut().for_each(|investigation| bound::bound(investigation, LISTED));
        }
    }

    fn check(&mut self) -> Result<(), String> {
        name_visibly(&mut self.replica);
        not_blank("boot_id", &self.boot_id)?;
        not_blank("cursor", &self.cursor)?;
        if !matches!(self.status, ReplicaStatus::Ready | ReplicaStatus::Draining) {
            return Err(format!("status: no replica that answers is {}", self.status));
        }
        let totals = &self.totals;
        numbers(
            "",
            &[
                ("missed", self.missed),
                ("uptime_ms", self.uptime_ms),
                ("running", self.running),
                ("queued", self.queued),
                ("totals.requests", totals.requests),
                ("totals.succeeded", totals.succeeded),
                ("totals.partial", totals.partial),
                ("totals.failed", totals.failed),
                ("totals.cancelled", totals.cancelled),
                ("totals.tools_executed", totals.tools_executed),
                ("memory.services", self.memory.services),
            ],
        )?;
        spend("totals.spend.", &totals.spend)?;
        if let Some(latency) = &self.latency {
            let figures = [
                ("count", latency.count),
                ("p50_ms", latency.p50_ms),
                ("p95_ms", latency.p95_ms),
                ("p99_ms", latency.p99_ms),
            ];
            numbers("latency.", &figures)?;
        }
        let longest = self.uptime_ms.saturating_add(SLACK_MS);
        samples(&self.samples, longest / 1000)?;
        few("investigations", self.investigations.len(), MAX_PAGE)?;
        for (index, investigation) in self.investigations.iter_mut().enumerate() {
            self::investigation(&format!("investigations[{index}]."), investigation, longest)?;
        }
        few("memory.patterns", self.memory.patterns.len(), MAX_PAGE)?;
        for (index, pattern) in self.memory.patterns.iter_mut().enumerate() {
            self::pattern(&format!("memory.patterns[{index}]."), pattern)?;
        }
        Ok(())
    }
}

impl Answer for Investigation {
    fn bound(value: &mut Value) {
        bound::bound(value, WHOLE);
    }

    fn check(&mut self) -> Result<(), String> {
        investigation("", self, MOST)
    }
}

impl Answer for Accepted {
    fn check(&mut self) -> Result<(), String> {
        name_visibly_shared(&mut self.replica);
        not_blank("investigation_id", &self.investigation_id)
    }
}

/// Checks an investigation that cannot have run longer than `longest` milliseconds.
fn investigation(at: &str, investigation: &mut Investigation, longest: u64) -> Result<(), String> {
    not_blank(&format!("{at}investigation_id"), &investigation.investigation_id)?;
    name_visibly_shared(&mut investigation.replica);
    let alert = &investigation.alert;
    if is_blank(&alert.alert_type) || is_blank(&alert.service) {
        let alert = Arc::make_mut(&mut investigation.alert);
        name_visibly(&mut alert.alert_type);
        name_visibly(&mut alert.service);
    }
    let unpriced = ("unpriced_tokens", investigation.unpriced_tokens);
    numbers(at, &[("tokens", investigation.tokens), unpriced])?;
    money(&format!("{at}cost_usd"), investigation.cost_usd)?;
    time(&format!("{at}elapsed_ms"), investigation.elapsed_ms, longest)?;
    if let Some(confidence) = investigation.confidence {
        fraction(&format!("{at}confidence"), confidence)?;
    }
    if let Some(report) = &investigation.report {
        fraction(
            &format!("{at}report.chain_execution.reasoner.confidence"),
            report.chain_execution.reasoner.confidence,
        )?;
    }
    few(&format!("{at}steps"), investigation.steps.len(), MAX_STEPS)?;
    for (index, step) in investigation.steps.iter_mut().enumerate() {
        let at = format!("{at}steps[{index}].");
        name_visibly_shared(&mut step.name);
        let tokens = [("input_tokens", step.input_tokens), ("output_tokens", step.output_tokens)];
        numbers(&at, &[("tokens", step.tokens), tokens[0], tokens[1]])?;
        money(&format!("{at}cost_usd"), step.cost_usd.unwrap_or_default())?;
        time(&format!("{at}start_offset_ms"), step.start_offset_ms.unwrap_or(0), longest)?;
        time(&format!("{at}duration_ms"), step.duration_ms.unwrap_or(0), longest)?;
    }
    Ok(())
}

fn samples(samples: &[Sample], last: u64) -> Result<(), String> {
    few("samples", samples.len(), MAX_SAMPLES)?;
    for (index, sample) in samples.iter().enumerate() {
        let at = format!("samples[{index}].");
        if sample.second > last {
            return Err(format!("{at}second: {} lies after all of its uptime", sample.second));
        }
        if index > 0 && sample.second <= samples[index - 1].second {
            return Err(format!("{at}second: {} comes after {}", sample.second, samples[index - 1].second));
        }
        numbers(&at, &[("requests", sample.requests), ("errors", sample.errors), ("tokens", sample.tokens)])?;
        money(&format!("{at}cost_usd"), sample.cost_usd)?;
    }
    Ok(())
}

fn pattern(at: &str, pattern: &mut ServicePattern) -> Result<(), String> {
    name_visibly(&mut pattern.service);
    name_visibly(&mut pattern.last_alert_type);
    numbers(at, &[("investigations", pattern.investigations)])?;
    few(&format!("{at}alert_types"), pattern.alert_types.len(), MAX_ALERT_TYPES)?;
    money(&format!("{at}mean_cost_usd"), pattern.mean_cost_usd)?;
    fraction(&format!("{at}mean_confidence"), pattern.mean_confidence)
}

fn spend(at: &str, spend: &Spend) -> Result<(), String> {
    let figures = [
        ("calls", spend.calls),
        ("tokens", spend.tokens),
        ("input_tokens", spend.input_tokens),
        ("output_tokens", spend.output_tokens),
        ("unpriced_tokens", spend.unpriced_tokens),
    ];
    numbers(at, &figures)?;
    money(&format!("{at}cost_usd"), spend.cost_usd)
}

fn numbers(at: &str, figures: &[(&str, u64)]) -> Result<(), String> {
    match figures.iter().find(|(_, figure)| *figure > MOST) {
        Some((field, figure)) => Err(format!("{at}{field}: {figure} is more than can be counted")),
        None => Ok(()),
    }
}

fn money(field: &str, amount: Usd) -> Result<(), String> {
    if amount.nanos() > MOST { Err(format!("{field}: {amount} is more money than can be counted")) } else { Ok(()) }
}

fn time(field: &str, ms: u64, longest: u64) -> Result<(), String> {
    if ms > longest { Err(format!("{field}: {ms} ms is longer than its replica has been up")) } else { Ok(()) }
}

fn fraction(field: &str, fraction: f64) -> Result<(), String> {
    if (0.0..=1.0).contains(&fraction) { Ok(()) } else { Err(format!("{field}: {fraction:e} is not from 0 to 1")) }
}

fn few(field: &str, count: usize, most: usize) -> Result<(), String> {
    if count > most { Err(format!("{field}: {count} of them, at most {most} are expected")) } else { Ok(()) }
}

fn not_blank(field: &str, text: &str) -> Result<(), String> {
    if is_blank(text) { Err(format!("{field}: is blank")) } else { Ok(()) }
}

fn name_visibly(name: &mut String) {
    if is_blank(name) {
        BLANK.clone_into(name);
    }
}

fn name_visibly_shared(name: &mut Arc<str>) {
    if is_blank(name) {
        *name = BLANK.into();
    }
}

/// Whether nothing of a text can be seen. Some characters are wide and blank all the same: fillers and empty patterns.
fn is_blank(text: &str) -> bool {
    let unseen = |c: char| {
        c.is_whitespace()
            || c.width().unwrap_or(0) == 0
            || matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
    };
    text.chars().all(unseen)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use langdeck_shared::{Latency, MemoryDelta, Status};

    use super::*;
    use crate::app::testing::{enormous, idle, investigation, pattern, samples, totals};

    /// A truthful answer with a bit of everything.
    fn truthful() -> ReplicaUpdate {
        let mut update = idle("a", "one");
        update.totals = totals(3, 1, 1);
        update.latency = Some(Latency { count: 5, p50_ms: 231, p95_ms: 239, p99_ms: 260 });
        update.samples = samples(1);
        let age = Duration::from_secs(4);
        update.investigations = vec![investigation("inv_1", "a", ("high_cpu", "api"), Status::Partial, age)];
        update.memory = MemoryDelta { services: 1, patterns: vec![pattern("api", "high_cpu", 4, "a cause", age)] };
        update
    }

    type Lie = fn(&mut ReplicaUpdate);

    #[test]
    fn each_promise_is_checked_and_the_field_named() {
        assert_eq!(truthful().check(), Ok(()));
        let lies: [(&str, Lie); 20] = [
            ("boot_id: is blank", |update| update.boot_id = "\u{200b}".to_owned()),
            ("cursor: is blank", |update| update.cursor.clear()),
            ("status: no replica that answers is gone", |update| update.status = ReplicaStatus::Gone),
            ("totals.requests: 18446744073709551615 is more", |update| update.totals.requests = u64::MAX),
            ("totals.spend.tokens: 9007199254740992 is more", |update| update.totals.spend.tokens = 1 << 53),
            ("totals.spend.cost_usd: 18446744073.", |update| update.totals.spend.cost_usd = Usd::from_nanos(u64::MAX)),
            ("latency.p95_ms", |update| {
                update.latency = Some(Latency { count: 1, p50_ms: 1, p95_ms: u64::MAX, p99_ms: 1 })
            }),
            ("samples[120].second: 18446744073709551615 lies", |update| update.samples[120].second = u64::MAX),
            ("samples[1].second: 0 comes after 0", |update| update.samples[1].second = 0),
            ("samples[7].tokens", |update| update.samples[7].tokens = u64::MAX),
            ("samples: 1000000 of them, at most 2000", |update| update.samples = vec![Sample::default(); 1_000_000]),
            ("investigations[0].investigation_id: is blank", |update| {
                update.investigations[0].investigation_id.clear()
            }),
            ("investigations[0].elapsed_ms: 500000 ms", |update| update.investigations[0].elapsed_ms = 500_000),
            ("investigations[0].steps[2].start_offset_ms", |update| {
                update.investigations[0].steps[2].start_offset_ms = Some(u64::MAX)
            }),
            ("investigations[0].steps[0].duration_ms", |update| {
                update.investigations[0].steps[0].duration_ms = Some(1 << 60)
            }),
            ("investigations[0].steps: 65 of them", |update| {
                update.investigations[0].steps = vec![update.investigations[0].steps[0].clone(); 65];
            }),
            ("investigations[0].confidence: 1e308 is not", |update| update.investigations[0].confidence = Some(1e308)),
            ("investigations: 2001 of them", |update| {
                update.investigations = vec![update.investigations[0].clone(); 2001];
            }),
            ("memory.patterns[0].mean_confidence: -1e0", |update| update.memory.patterns[0].mean_confidence = -1.0),
            ("memory.patterns[0].alert_types: 300 of them", |update| {
                update.memory.patterns[0].alert_types = (0..300).map(|number| (format!("t{number}"), 1)).collect();
            }),
        ];
        for (reason, lie) in lies {
            let mut update = truthful();
            lie(&mut update);
            let said = update.check().expect_err(reason);
            assert!(said.starts_with(reason), "{said:?} instead of {reason:?}");
        }
        assert!(enormous("a", "one").check().is_err());
    }

    #[test]
    fn times_far_away_are_no_lie() {
        // A replica's clock may be wrong; nothing here is reckoned by it.
        let mut update = truthful();
        (update.now, update.started_at) = (Timestamp::MIN, Timestamp::MAX);
        update.investigations[0].accepted_at = Timestamp::MAX;
        assert_eq!(update.check(), Ok(()));
    }

    #[test]
    fn names_of_which_nothing_is_seen_become_visible() {
        for blank in ["", "   ", "\u{301}\u{301}", "\u{3164}", "\u{2800}\u{2800}"] {
            let mut update = truthful();
            blank.clone_into(&mut update.replica);
            let investigation = &mut update.investigations[0];
            investigation.replica = blank.into();
            investigation.steps[1].name = blank.into();
            let alert = Arc::make_mut(&mut investigation.alert);
            blank.clone_into(&mut alert.alert_type);
            blank.clone_into(&mut update.memory.patterns[0].service);
            assert_eq!(update.check(), Ok(()));
            let investigation = &update.investigations[0];
            let names = [&*update.replica, &investigation.replica, &investigation.steps[1].name];
            assert_eq!(names, [BLANK; 3], "{blank:?}");
            assert_eq!((investigation.alert.alert_type.as_str(), &*investigation.alert.service), (BLANK, "api"));
            assert_eq!(update.memory.patterns[0].service, BLANK);
        }
    }
}
