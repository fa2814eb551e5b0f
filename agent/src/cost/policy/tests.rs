//! Policies that are taken, and those that are refused, by line and reason.

use jiff::Timestamp;
use langdeck_shared::{AtLimit, BudgetWindow};

use super::*;
use crate::cost::Scope;

const GOOD: &str = r#"
[[price]]
model = "m"
from = 2026-01-31
input = 2.50
cached_input = "0.25"
output = 10
source = "the provider's page"
"#;

fn policy(text: &str) -> Result<Policy, PolicyError> {
    Policy::from_sources(&[("policy.toml", text), (BUILT_IN_NAME, BUILT_IN)])
}

/// The line and the reason of an error that names the setting and the file.
fn told(error: &PolicyError) -> (usize, String) {
    let text = error.to_string();
    let told = text.strip_prefix("--policy (environment: LANGDECK_POLICY): policy.toml, line ");
    let (line, reason) = told.and_then(|told| told.split_once(": ")).unwrap_or_else(|| panic!("{text}"));
    (line.parse().unwrap(), reason.to_owned())
}

fn refused(text: &str) -> (usize, String) {
    told(&policy(text).expect_err(text))
}

#[test]
fn amounts_are_read_as_they_are_written() {
    let source = Source { file: "f", text: GOOD };
    let document: Document = toml::from_str(GOOD).unwrap();
    let (model, price) = source.prices(&document.price).unwrap().remove(0);
    assert_eq!((&*model, &*price.version), ("m", "2026-01-31 the provider's page"));
    let rates = [price.input, price.cached_input, price.output].map(Usd::nanos);
    assert_eq!(rates, [2_500_000_000, 250_000_000, 10_000_000_000]);
    assert_eq!(price.from.to_string(), "2026-01-31T00:00:00Z");
}

#[test]
fn a_file_replaces_what_is_built_in_of_a_model_and_leaves_the_rest() {
    let dearer = GOOD.replace("\"m\"", "\"simulated-gpt-4\"");
    let policy = Policy::from_sources(&[("policy.toml", &dearer), (BUILT_IN_NAME, BUILT_IN)]).unwrap();
    let versions: Vec<_> = ["simulated-gpt-4", "simulated-gpt-3.5"]
        .map(|model| policy.prices.versions(model).map(ToString::to_string).collect::<Vec<_>>())
        .into();
    assert_eq!(versions, [["2026-01-31 the provider's page"], ["2025-01-01 built in"]]);
}

#[test]
fn what_cannot_be_is_refused_by_its_line() {
    for (from, to, line, reason) in [
        ("input = 2.50", "input = -2.5", 5, "input: -2.5 is no amount in USD, such as \"0.02\": it is negative"),
        ("input = 2.50", "input = \"free\"", 5, "it is no decimal number"),
        ("input = 2.50", "input = 1e3", 5, "it is no decimal number"),
        ("input = 2.50", "input = nan", 5, "it is no decimal number"),
        ("input = 2.50", "input = 0.0000000001", 5, "it has more than nine decimals"),
        (
            "input = 2.50",
            "input = true",
            5,
            "input: true is no amount in USD, such as \"0.02\": it is of the type boolean",
        ),
        (
            "input = 2.50",
            "input = \"\"",
            5,
            "input: \"\" is no amount in USD, such as \"0.02\": it is no decimal number",
        ),
        ("input = 2.50", "input = 99999999999", 5, "it is too large"),
        ("input = 2.50", "input = 2.50\ninput = 3", 6, "duplicate key `input`; keep one of them"),
        ("input = 2.50\n", "", 2, "[[price]]: missing field `input`"),
        ("cached_input = \"0.25\"", "cached_input = -0.25", 6, "cached_input: -0.25 is no amount"),
        ("cached_input = \"0.25\"\n", "", 2, "[[price]]: missing field `cached_input`"),
        ("output = 10", "output = \"-10\"", 7, "output: \"-10\" is no amount in USD, such as \"0.02\": it is negative"),
        ("output = 10\n", "", 2, "[[price]]: missing field `output`"),
        ("output = 10", "output = 10\ncurrency = \"EUR\"", 8, "unknown field `currency`, expected one of `model`"),
        ("from = 2026-01-31", "from = 2026-01-31T10:00:00Z", 4, "from: 2026-01-31T10:00:00Z is no day"),
        ("from = 2026-01-31", "from = 2026-01-31T10:00:00", 4, "from: 2026-01-31T10:00:00 is no day"),
        ("from = 2026-01-31", "from = 10:00:00", 4, "is no day"),
        ("from = 2026-01-31", "from = \"2026-01-31\"", 4, "is no day, such as 2026-01-31 (without quotes)"),
        ("from = 2026-01-31\n", "", 2, "[[price]]: missing field `from`"),
        ("model = \"m\"", "model = \" \"", 3, "model: must not be blank"),
        ("model = \"m\"", "model = 4", 3, "model: invalid type: integer `4`, expected a string"),
        ("model = \"m\"\n", "", 2, "[[price]]: missing field `model`"),
        ("the provider's page", "a\\u001b[31m", 8, "source: must not contain control characters, found U+001B"),
        ("source = \"the provider's page\"\n", "", 2, "[[price]]: missing field `source`"),
        ("[[price]]", "[[prices]]", 2, "unknown field `prices`"),
        (
            "[[price]]",
            "[price]",
            2,
            "price: invalid type: map, expected a sequence; each is a table that begins with [[price]]",
        ),
        ("[[price]]", "[[price]", 2, "unclosed array table"),
    ] {
        assert!(GOOD.contains(from));
        let (found, why) = refused(&GOOD.replacen(from, to, 1));
        assert_eq!(found, line, "{to}: {why}");
        assert!(why.contains(reason), "{to}: {why:?} does not say {reason:?}");
    }
}

#[test]
fn a_budget_that_cannot_be_is_refused_by_its_line() {
    let good = "investigation_cap_usd = \"0.01\"\n[[budget]]\nlimit_usd = \"5\"\nwindow = \"hour\"\n";
    let taken = policy(good).unwrap();
    let expected = Rule::total(Usd::from_nanos(5_000_000_000), BudgetWindow::Hour, AtLimit::Reject);
    assert_eq!((taken.rules(), taken.cap()), (vec![expected], Some(Usd::from_nanos(10_000_000))));
    for (from, to, line, reason) in [
        ("limit_usd = \"5\"", "limit_usd = 0", 3, "limit_usd: must be more than zero"),
        ("limit_usd = \"5\"", "limit_usd = -5", 3, "it is negative"),
        ("limit_usd = \"5\"", "", 2, "[[budget]]: missing field `limit_usd`"),
        ("limit_usd = \"5\"", "limit_usd = \"\"", 3, "limit_usd: \"\" is no amount in USD, such as \"0.02\""),
        ("\"hour\"", "\"week\"", 4, "window: \"week\" is not `hour`, `day` or `month`"),
        ("\"hour\"", "\"\"", 4, "window: \"\" is not `hour`, `day` or `month`"),
        ("\"hour\"", "3600", 4, "window: 3600 is not `hour`, `day` or `month`"),
        ("\"hour\"", "\"hour\"\nwindow = \"day\"", 5, "duplicate key `window`; keep one of them"),
        (
            "\"hour\"",
            "\"hour\"\nat_limit = \"explode\"",
            5,
            "at_limit: \"explode\" is not `reject`, `degrade` or `warn`",
        ),
        ("\"hour\"", "\"hour\"\nthreshold_percent = 0", 5, "threshold_percent: 0 is no whole number from 1 to 100"),
        ("\"hour\"", "\"hour\"\nthreshold_percent = 101", 5, "threshold_percent: 101 is no whole number from 1"),
        ("\"hour\"", "\"hour\"\nthreshold_percent = 300", 5, "threshold_percent: 300 is no whole number from 1"),
        ("\"hour\"", "\"hour\"\nthreshold_percent = \"80\"", 5, "threshold_percent: \"80\" is no whole number"),
        ("\"hour\"", "\"hour\"\nservice = 7", 5, "service: invalid type: integer `7`, expected a string"),
        ("\"hour\"", "\"hour\"\nservice = \"\"", 5, "service: must not be blank"),
        ("\"hour\"", "\"hour\"\nscope = \"total\"", 5, "unknown field `scope`, expected one of `service`"),
        ("[[budget]]", "[budget]", 2, "each is a table that begins with [[budget]]"),
        ("[[budget]]", "degrade_to = \"\"\n[[budget]]", 2, "degrade_to: must not be blank"),
        ("[[budget]]", "degrade_to = 3.5\n[[budget]]", 2, "degrade_to: invalid type: floating point `3.5`"),
        ("\"hour\"", "\"hour\"\nservice = \"a\"\nalert_type = \"b\"", 6, "make it two"),
        (
            "\"hour\"",
            "\"hour\"\n[[budget]]\nlimit_usd = 1\nwindow = \"month\"\n[[budget]]\nlimit_usd = 1\nwindow = \"hour\"",
            9,
            "`total` has a budget per hour already, at line 3; keep one of them",
        ),
        ("\"hour\"", "\"hour\"\n[[route]]\nmodel = \"m\"", 6, "a route needs an `alert_type`"),
        ("\"hour\"", "\"hour\"\n[[route]]\nservice = \"a\"", 5, "[[route]]: missing field `model`"),
        ("\"hour\"", "\"hour\"\n[[route]]\nservice = \"a\"\nmodel = \"\"", 7, "model: must not be blank"),
        ("\"0.01\"", "0", 1, "investigation_cap_usd: must be more than zero"),
        ("[[budget]]", "replica_hour_usd = 0\n[[budget]]", 2, "replica_hour_usd: must be more than zero"),
        ("[[budget]]", "replica_hour_usd = \"-0.04\"\n[[budget]]", 2, "replica_hour_usd: \"-0.04\" is no amount"),
        ("[[budget]]", "replica_hour_usd = true\n[[budget]]", 2, "replica_hour_usd: true is no amount"),
    ] {
        let (found, why) = refused(&good.replacen(from, to, 1));
        assert_eq!(found, line, "{to}: {why}");
        assert!(why.contains(reason), "{to}: {why:?} does not say {reason:?}");
    }
}

#[test]
fn a_scope_may_have_a_budget_a_window() {
    use BudgetWindow::{Day, Hour, Month};
    let windows = [Month, Hour, Day];
    let budget = |of: &str, window| format!("[[budget]]\n{of}limit_usd = 1\nwindow = \"{window}\"\n");
    let scopes = ["", "service = \"api\"\n", "alert_type = \"HighCPU\"\n"];
    let text: String = scopes.iter().flat_map(|of| windows.map(|window| budget(of, window))).collect();
    let load = |text: &str| policy(text).unwrap();
    let meant = |name: &str| (name == "HighCPU").then(|| "high_cpu".into());
    let mut policy = load(&text);
    policy.resolve(meant).unwrap();
    let found: Vec<_> = policy.rules().iter().map(|rule| (rule.scope.to_string(), rule.window)).collect();
    let expected = ["total", "service:api", "alert_type:high_cpu"];
    assert_eq!(found, expected.map(|scope| windows.map(|window| (scope.to_owned(), window))).concat());

    let alias = |window| load(&[budget(scopes[2], window), budget("alert_type = \"high_cpu\"\n", Day)].concat());
    assert_eq!(alias(Hour).resolve(meant), Ok(()));
    let twice = alias(Day).resolve(meant).unwrap_err().to_string();
    assert!(twice.contains("`HighCPU` is an alias of `high_cpu`, which has a budget per day already"), "{twice}");

    let total = |window| Rule::total(Usd::from_nanos(1), window, AtLimit::Reject);
    let mut policy = load(&budget("", Day));
    assert_eq!(policy.limit_total(total(Month)), Ok(()));
    let twice = policy.limit_total(total(Day)).unwrap_err().to_string();
    assert!(twice.contains("it is one of everything per day, as --budget-usd"), "{twice}");
}

#[test]
fn what_is_too_much_is_refused_by_the_first_that_is() {
    for (entry, most, what) in [
        (GOOD.trim_start(), 256, "prices"),
        ("[[budget]]\nlimit_usd = 1\n", 64, "budgets"),
        ("[[route]]\nmodel = \"m\"\n", 64, "routes"),
    ] {
        let (line, reason) = refused(&entry.repeat(most + 1));
        assert!(line > entry.lines().count() * most, "{line}: {reason}");
        assert_eq!(reason, format!("there are more than {most} {what}"));
    }
}

#[test]
fn a_file_that_is_no_text_is_refused_by_its_line() {
    let error = source::text("policy.toml", b"# one\n# two \xff\n").unwrap_err();
    assert_eq!(told(&error), (2, "it is no UTF-8, which a TOML file has to be".to_owned()));
}

/// What is wrong with a policy for an agent with these models.
fn unfit(text: &str, models: &[&str]) -> Option<PolicyError> {
    policy(text).unwrap().check_models(models, Timestamp::now()).err()
}

#[test]
fn a_limit_is_one_of_models_that_there_are_and_that_have_a_price() {
    let both = ["simulated-gpt-4", "simulated-gpt-3.5"];
    let degrading = "[[budget]]\nlimit_usd = 1\nat_limit = \"degrade\"\n";
    let route = "[[route]]\nseverity = \"info\"\nmodel = \"other\"\n";
    let later = GOOD.replace("\"m\"", "\"simulated-gpt-4\"").replace("2026-01-31", "9998-01-01");
    for (text, models) in
        [("", &["no-price"][..]), (degrading, &both), (route, &["m", "other"]), (&later, &both), (GOOD, &["no-price"])]
    {
        assert_eq!(unfit(text, models), None, "{text}");
    }
    let no_price = |model: &str| format!("`{model}` has no price today");
    for (text, models, line, reason) in [
        ("[[budget]]\nlimit_usd = 1", &["no-price"][..], 2, no_price("no-price")),
        ("# why\ninvestigation_cap_usd = 1", &["no-price"], 2, no_price("no-price")),
        (&*format!("{later}[[budget]]\nlimit_usd = 1"), &both, 10, no_price("simulated-gpt-4")),
        (&*format!("{route}{degrading}"), &["simulated-gpt-4", "simulated-gpt-3.5", "other"], 3, no_price("other")),
        (route, &["m"], 3, "model: there is no model `other`, only m".to_owned()),
        (
            "degrade_to = \"other\"",
            &both,
            1,
            format!("degrade_to: there is no model `other`, only {}", both.join(", ")),
        ),
        (
            &*format!("degrade_to = \"other\"\n{degrading}"),
            &both,
            1,
            "degrade_to: there is no model `other`".to_owned(),
        ),
        (degrading, &["simulated-gpt-4"], 2, "[[budget]]: to degrade is to go on with `simulated-gpt-3.5`".to_owned()),
    ] {
        let (found, why) = told(&unfit(text, models).expect(text));
        assert_eq!(found, line, "{text}: {why}");
        assert!(why.contains(&reason), "{text}: {why:?} does not say {reason:?}");
    }
}

#[test]
fn a_budget_of_flags_that_cannot_be_names_the_flags() {
    let mut flags = policy("").unwrap();
    flags.limit_total(Rule::total(Usd::from_nanos(1), BudgetWindow::Day, AtLimit::Degrade)).unwrap();
    for models in [&["no-price", "simulated-gpt-3.5"][..], &["simulated-gpt-4"]] {
        let error = flags.check_models(models, Timestamp::now()).unwrap_err().to_string();
        assert!(error.starts_with("--budget-usd (environment: LANGDECK_BUDGET_USD): "), "{error}");
    }
}

#[test]
fn there_is_one_budget_of_a_scope_and_window_whoever_says_it_and_under_which_name() {
    let rule = Rule::total(Usd::from_nanos(1), BudgetWindow::Day, AtLimit::Reject);
    let mut twice = policy("[[budget]]\nservice = \"a\"\nlimit_usd = 1\n[[budget]]\nlimit_usd = 1").unwrap();
    let (line, reason) = told(&twice.limit_total(rule).unwrap_err());
    assert_eq!(line, 5);
    assert!(reason.contains("as --budget-usd (environment: LANGDECK_BUDGET_USD) is; keep one of them"), "{reason}");

    let of_types = |names: [&str; 2]| {
        let budgets = names.map(|name| format!("[[budget]]\nalert_type = \"{name}\"\nlimit_usd = 1\n"));
        let mut policy = policy(&budgets.concat()).unwrap();
        policy.resolve(|name| (name == "HighCPU").then(|| "high_cpu".into())).map(|()| policy)
    };
    let scopes = of_types(["HighCPU", "disk_full"]).unwrap().rules().into_iter().map(|rule| rule.scope);
    assert_eq!(scopes.collect::<Vec<_>>(), ["high_cpu", "disk_full"].map(|name| Scope::AlertType(name.into())));
    for (names, line, other) in [(["high_cpu", "HighCPU"], 6, 3), (["HighCPU", "high_cpu"], 3, 6)] {
        let reason = format!(
            "[[budget]]: `HighCPU` is an alias of `high_cpu`, which has a budget per day already, at line {other}; \
             keep one of them"
        );
        assert_eq!(told(&of_types(names).unwrap_err()), (line, reason));
    }
}

#[test]
fn who_leaves_a_field_out_is_told_no_more_than_that() {
    for (table, field) in [("price", "model"), ("budget", "limit_usd"), ("route", "model")] {
        let (line, reason) = refused(&format!("[[{table}]]\n"));
        assert_eq!((line, reason), (1, format!("[[{table}]]: missing field `{field}`")));
    }
    let (_, reason) = refused("[price]\nmodel = \"m\"\n");
    assert!(reason.ends_with("; each is a table that begins with [[price]]"), "{reason}");
}

#[test]
fn a_model_has_one_price_a_day() {
    let (line, reason) = refused(&format!("{GOOD}{GOOD}"));
    assert_eq!((line, reason.as_str()), (11, "`m` has a price from 2026-01-31 already, at line 3; keep one of them"));
    assert!(Policy::from_sources(&[("f", &format!("{GOOD}{}", GOOD.replace("01-31", "02-01")))]).is_ok());
}
