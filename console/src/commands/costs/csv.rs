//! Costs as CSV, in the rows and columns of an agent's own: the whole, and each key's part of it, for spreadsheets.

use ::csv::{Terminator, WriterBuilder};
use langdeck_shared::{CostShare, Costs, Spend};

use super::asked_for;
use crate::app::Split;
use crate::commands::Failure;

const HEADER: [&str; 9] = [
    "dimension",
    "key",
    "calls",
    "tokens",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "cost_usd",
    "unpriced_tokens",
];

/// The lists of an agent's CSV, in its order, by their names there.
const LISTS: [(&str, Split); 5] = [
    ("replica", Split::Replica),
    ("step", Split::Step),
    ("model", Split::Model),
    ("service", Split::Service),
    ("alert_type", Split::AlertType),
];

/// What was spent in the span that was asked for, else in the whole life, by this or by everything, and who is missing in
/// it. Addresses of several fleets are added up before, so no agent can be asked for it.
pub(super) fn render(costs: &Costs, by: Option<Split>) -> Result<String, Failure> {
    let bytes = write(costs, by).map_err(|error| Failure::new(format!("cannot write CSV: {error}")))?;
    String::from_utf8(bytes).map_err(|error| Failure::new(format!("cannot write CSV: {error}")))
}

fn write(costs: &Costs, by: Option<Split>) -> ::csv::Result<Vec<u8>> {
    let (total, attribution) = asked_for(costs);
    let mut csv = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    csv.write_record(HEADER)?;
    csv.write_record(row("total", "", Some(total)))?;
    for (dimension, split) in LISTS.into_iter().filter(|(_, split)| by.is_none_or(|by| by == *split)) {
        for CostShare { key, spend } in split.of(attribution) {
            csv.write_record(row(dimension, key, Some(spend)))?;
        }
    }
    // A file must not look whole that is not.
    for missing in &costs.missing {
        csv.write_record(row("missing", &missing.replica, None))?;
    }
    csv.into_inner().map_err(|error| error.into_error().into())
}

/// A row; without figures where none are known.
fn row(dimension: &str, key: &str, spend: Option<&Spend>) -> [String; 9] {
    let figures = spend.map_or_else(Default::default, |spend| {
        let tokens = [spend.tokens, spend.input_tokens, spend.cached_input_tokens, spend.output_tokens];
        let [tokens, input, cached, output] = tokens.map(|tokens| tokens.to_string());
        let [calls, unpriced] = [spend.calls, spend.unpriced_tokens].map(|count| count.to_string());
        [calls, tokens, input, cached, output, spend.cost_usd.to_string(), unpriced]
    });
    let [calls, tokens, input, cached, output, cost, unpriced] = figures;
    [dimension.to_owned(), as_text(key), calls, tokens, input, cached, output, cost, unpriced]
}

/// A key that no spreadsheet takes for a formula: anybody can send an alert, and so name a service.
fn as_text(key: &str) -> String {
    if key.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{key}") } else { key.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::costs;

    #[test]
    fn it_holds_the_list_that_was_asked_for_or_all_and_who_is_missing() {
        let mut costs = costs("a", "one");
        costs.by.by_model[0].key = "=HYPERLINK(\"http://x\")".to_owned();
        let models = render(&costs, Some(Split::Model)).unwrap();
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
        assert_eq!(dimensions(&render(&costs, None).unwrap()), all);
    }
}
