//! `langdeck costs`: what was spent, on what, and how the budgets stand, printed.

use std::collections::HashSet;

use futures_util::future::join_all;
use jiff::tz::TimeZone;
use langdeck_shared::{Budget, Costs, Counted, FailureKind, MissingReplica, PeerFailure, Spend};

use super::table::{Align, Table, terminal_width};
use super::{Failure, hint, output, runtime};
use crate::app::{Reach, Split, without_repeats};
use crate::cli;
use crate::commands::status;
use crate::crash::WORKER_THREAD;
use crate::net::{BaseUrl, Client, CostSpanFilter, FleetAnswer, NetError};
use crate::view::budget;
use crate::view::format::{count, date_clock, percent, usd};

/// Asks every fleet behind the addresses once, prints what they have spent together, and exits with 1 when no agent
/// answers.
///
/// # Errors
///
/// When no agent answers, or the output cannot be written.
pub fn run(costs: &cli::Costs, urls: &[BaseUrl]) -> Result<u8, Failure> {
    let client = Client::new(urls).map_err(|error| Failure::new(error.to_string()))?;
    let runtime = runtime(WORKER_THREAD, 1)?;
    let answers = runtime.block_on(ask(&client, urls, &costs.span()));
    runtime.shutdown_background();
    // With a single address the reason is all that there is to say.
    if !costs.json
        && let ([url], [(_, Err(error))]) = (urls, answers.as_slice())
    {
        return Err(Failure::new(hint::no_answer(url, error)));
    }
    let whole = together(answers).ok_or_else(|| Failure::new("no agent answers"))?;
    let text = if costs.json {
        serde_json::to_string_pretty(&whole).map_err(|error| Failure::new(error.to_string()))? + "\n"
    } else if costs.csv {
        // Its rows have no place for the reason.
        output::write_err(&missing(&whole));
        let only = costs.by.map(Split::dimension);
        whole.to_csv(only).map_err(|error| Failure::new(format!("cannot write CSV: {error}")))?
    } else {
        render(&whole, costs.by.unwrap_or_default(), terminal_width())
    };
    output::print(&text)?;
    Ok(0)
}

/// What each fleet answers, with the address that was asked for it.
async fn ask(client: &Client, urls: &[BaseUrl], span: &CostSpanFilter) -> Vec<(BaseUrl, Result<Costs, NetError>)> {
    let mut answers = Vec::new();
    let asked = if let [url] = urls {
        vec![url]
    } else {
        // Several addresses may lead to one fleet, which is to be counted once.
        let fleets = status::ask(client, urls).await;
        let reach: Vec<_> = fleets.iter().map(|fleet| fleet.as_ref().ok().map(reach)).collect();
        let asked = without_repeats(&reach).into_iter().map(|at| &urls[at]).collect();
        let failed = urls.iter().cloned().zip(fleets).filter_map(|(url, fleet)| Some((url, Err(fleet.err()?))));
        answers.extend(failed);
        asked
    };
    let costs = join_all(asked.iter().map(|url| client.costs(url, span))).await;
    answers.extend(asked.into_iter().cloned().zip(costs));
    answers
}

fn reach(fleet: &FleetAnswer) -> Reach<'_> {
    let lives: HashSet<&str> = fleet.update.replicas.iter().map(|replica| replica.boot_id.as_str()).collect();
    Reach { answers: true, via: &fleet.update.boot_id, lives }
}

/// What all have spent; an address without an answer is missing in it. None where there is no answer at all.
fn together(answers: Vec<(BaseUrl, Result<Costs, NetError>)>) -> Option<Costs> {
    let (mut whole, mut missing): (Option<Costs>, Vec<MissingReplica>) = (None, Vec::new());
    for (url, answer) in answers {
        match (answer, &mut whole) {
            (Ok(costs), Some(whole)) => whole.absorb(costs, 0),
            (Ok(costs), None) => whole = Some(costs),
            (Err(error), _) => {
                let failure = PeerFailure::new(kind(&error), error.to_string());
                missing.push(MissingReplica { replica: url.to_string(), boot_id: None, failure });
            }
        }
    }
    whole.as_mut()?.missing.extend(missing);
    whole
}

const fn kind(error: &NetError) -> FailureKind {
    match error {
        NetError::Refused => FailureKind::Refused,
        NetError::Unreachable(_) => FailureKind::Unreachable,
        NetError::TimedOut(_) => FailureKind::TimedOut,
        NetError::Lost(_) | NetError::Internal(_) => FailureKind::Lost,
        NetError::Malformed(_) | NetError::Problem(_) => FailureKind::Faulty,
    }
}

/// Whose part it is without, and why: a line each.
fn missing(costs: &Costs) -> String {
    let line = |missing: &MissingReplica| format!("without {}: {}\n", missing.replica, missing.failure.detail);
    costs.missing.iter().map(line).collect()
}

fn render(costs: &Costs, by: Split, room: Option<usize>) -> String {
    let (spend, attribution) = costs.asked_for();
    let mut table = Table::new(&[
        (by.heading(), Align::Left, 0),
        ("COST", Align::Right, 0),
        ("SHARE", Align::Right, 2),
        ("TOKENS", Align::Right, 1),
        ("IN", Align::Right, 4),
        ("CACHED", Align::Right, 6),
        ("OUT", Align::Right, 5),
        ("UNPRICED", Align::Right, 7),
        ("CALLS", Align::Right, 3),
    ]);
    for share in by.of(attribution) {
        table.row(entries(&share.key, &share.spend, spend));
    }
    let mut text = table.render(room);
    text.push('\n');
    let zone = TimeZone::system();
    if let Some(span) = &costs.span {
        let (from, to) = (date_clock(span.from, &zone), date_clock(span.to, &zone));
        text.push_str(&format!("{} from {from} to {to}\n", usd(spend.cost_usd)));
    }
    text.push_str(&format!(
        "{} since {} · {}/h in the last 5 minutes, {}/h in the last 60 · {} this month (UTC) at this rate\n",
        usd(costs.totals.cost_usd),
        date_clock(costs.since, &zone),
        usd(costs.burn.last_5m_usd_per_hour),
        usd(costs.burn.last_60m_usd_per_hour),
        usd(costs.month_usd),
    ));
    if costs.totals.unpriced_tokens > 0 {
        text.push_str(&format!("{} tokens are without a price, and not in it\n", count(costs.totals.unpriced_tokens)));
    }
    let savings = &costs.savings;
    text.push_str(&format!(
        "{} saved by cheaper models, {} by {} cached reports and {} joined alerts\n",
        usd(savings.models_usd),
        usd(savings.cache_usd),
        count(savings.cache_hits),
        count(savings.cache_joins),
    ));
    if let Some(replicas) = &costs.infrastructure {
        let (cost, rate) = (usd(replicas.cost_usd), usd(replicas.usd_per_hour));
        text.push_str(&format!("{cost} for the replicas themselves, {rate}/h\n"));
    }
    for budget in &costs.budgets {
        text.push_str(&budget_line(budget));
    }
    text + &missing(costs)
}

fn entries(key: &str, spend: &Spend, all: &Spend) -> Vec<String> {
    let share = if all.cost_usd.nanos() == 0 { 0.0 } else { spend.cost_usd.as_f64() / all.cost_usd.as_f64() };
    let has_no_price = spend.unpriced_tokens > 0 && spend.cost_usd.nanos() == 0;
    let cost = if has_no_price { "unpriced".to_owned() } else { usd(spend.cost_usd) };
    let tokens =
        [spend.tokens, spend.input_tokens, spend.cached_input_tokens, spend.output_tokens, spend.unpriced_tokens];
    let mut entries = vec![key.to_owned(), cost, percent(share)];
    entries.extend(tokens.into_iter().chain([spend.calls]).map(count));
    entries
}

/// `budget total: ok, $0.118 of $0.840 (14 %) spent today UTC, resets 2026-01-16 00:00:00 UTC; at the limit …`.
fn budget_line(budget: &Budget) -> String {
    let state = match budget.state {
        langdeck_shared::BudgetState::Ok => "ok",
        langdeck_shared::BudgetState::Warning => "warning",
        langdeck_shared::BudgetState::Exceeded => "exceeded",
    };
    let counted = match budget.counted {
        Counted::ThisReplicaThisLife => "counted from the replica's start".to_owned(),
        Counted::EachReplicaItsLife => {
            format!("the sum of {} replicas, each for itself from its start", budget.replicas)
        }
    };
    let spent_at =
        budget.exhausted_at.map(|time| format!(", spent by {} at this rate", date_clock(time, &TimeZone::UTC)));
    format!(
        "budget {}: {state}, {} of {} ({}) spent {}{}, resets {}; at the limit {}; {counted}\n",
        budget::scope(budget),
        usd(budget.spent_usd),
        usd(budget.limit_usd),
        budget::percent(budget),
        budget::window(budget),
        spent_at.unwrap_or_default(),
        date_clock(budget.resets_at, &TimeZone::UTC),
        budget::at_limit(budget),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::{costs, enormous_costs, no_costs};

    #[test]
    fn everything_that_is_told_is_printed() {
        let text = render(&costs("a", "one"), Split::Model, None);
        for said in [
            "MODEL                  COST  SHARE  TOKENS",
            "local-llm          unpriced    0 %    3.2k",
            "$0.0360/h in the last 5 minutes, $0.0290/h in the last 60 · $13.28 this month (UTC) at this rate\n",
            "3.2k tokens are without a price",
            "$0.0166 saved by cheaper models, $0.00440 by 14 cached reports and 3 joined alerts\n",
            "$0.250 for the replicas themselves, $0.120/h\n",
            "budget total: ok, $0.353 of $0.840 (42 %) spent today UTC, spent by 2026-01-15 12:40:00 UTC at this rate, \
             resets 2026-01-16 00:00:00 UTC; at the limit alerts are refused; the sum of 3 replicas, each for itself",
            "budget service checkout-api: warning, ",
            "without langchain-free-7d9c-k7rtd: no answer within 2 s\n",
        ] {
            assert!(text.contains(said), "{said:?}\n{text}");
        }
        assert!(!render(&enormous_costs("a", "one"), Split::Step, Some(60)).is_empty());
    }

    #[test]
    fn who_gives_no_costs_is_missing_and_without_any_answer_there_is_nothing() {
        let [a, b]: [BaseUrl; 2] = ["http://a", "http://b"].map(|url| url.parse().unwrap());
        let answers = vec![(a.clone(), Err(NetError::Refused)), (b, Ok(no_costs("b", "two")))];
        let whole = together(answers).unwrap();
        assert_eq!(
            (whole.missing[0].replica.as_str(), whole.missing[0].failure.kind),
            ("http://a", FailureKind::Refused)
        );
        assert_eq!(together(vec![(a, Err(NetError::Refused))]), None);
    }

    #[test]
    fn csv_holds_the_list_that_was_asked_for_or_all_and_who_is_missing() {
        let mut costs = costs("a", "one");
        costs.by.by_model[0].key = "=HYPERLINK(\"http://x\")".to_owned();
        let models = costs.to_csv(Some(Split::Model.dimension())).unwrap();
        assert_eq!(
            models.lines().collect::<Vec<_>>(),
            [
                "dimension,key,calls,tokens,input_tokens,cached_input_tokens,output_tokens,cost_usd,unpriced_tokens",
                "total,,2012,62400,41600,6933,20800,0.1184,3200",
                "model,\"'=HYPERLINK(\"\"http://x\"\")\",1612,50000,33333,5555,16667,0.1,0",
                "model,simulated-gpt-3.5,296,9200,6133,1022,3067,0.0184,0",
                "model,local-llm,103,3200,2133,355,1067,0,3200",
                "missing,langchain-free-7d9c-k7rtd,,,,,,,",
            ]
        );
        let dimensions = |text: &str| {
            let mut dimensions: Vec<_> = text.lines().map(|line| line.split(',').next().unwrap().to_owned()).collect();
            dimensions.dedup();
            dimensions
        };
        let all = ["dimension", "total", "replica", "step", "model", "service", "alert_type", "missing"];
        assert_eq!(dimensions(&costs.to_csv(None).unwrap()), all);
    }
}
