//! Policies that are taken, and those that are refused, by line and reason.

use langdeck_shared::BudgetWindow;

use super::*;

const GOOD: &str = r#"
[[price]]
model = "m"
from = 2026-01-31
input = 2.50
cached_input = "0.25"
output = 10
source = "the provider's page"
"#;

fn refused(text: &str) -> (usize, String) {
    match Policy::from_sources(&[("policy.toml", text), (BUILT_IN_NAME, BUILT_IN)]) {
        Err(PolicyError::Invalid { file, line, reason }) => {
            assert_eq!(file, "policy.toml");
            (line, reason)
        }
        other => panic!("{other:?} of {text}"),
    }
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
        ("input = 2.50", "input = true", 5, "a boolean is no amount"),
        ("output = 10\n", "", 2, "missing field `output`"),
        ("output = 10", "output = 10\ncurrency = \"EUR\"", 8, "unknown field `currency`"),
        ("from = 2026-01-31", "from = 2026-01-31T10:00:00Z", 4, "from: 2026-01-31T10:00:00Z is no day"),
        ("from = 2026-01-31", "from = 10:00:00", 4, "is no day"),
        ("from = 2026-01-31", "from = \"soon\"", 4, "invalid type"),
        ("model = \"m\"", "model = \" \"", 3, "model: must not be blank"),
        ("the provider's page", "a\\u001b[31m", 8, "source: "),
        ("[[price]]", "[[prices]]", 2, "unknown field `prices`"),
        ("[[price]]", "[[price]", 2, ""),
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
    let policy = Policy::from_sources(&[("f", good), (BUILT_IN_NAME, BUILT_IN)]).unwrap();
    let expected = Rule::total(Usd::from_nanos(5_000_000_000), BudgetWindow::Hour, AtLimit::Reject);
    assert_eq!((policy.budgets, policy.cap), (vec![expected], Some(Usd::from_nanos(10_000_000))));
    for (from, to, line, reason) in [
        ("limit_usd = \"5\"", "limit_usd = 0", 3, "limit_usd: must be more than zero"),
        ("limit_usd = \"5\"", "limit_usd = -5", 3, "it is negative"),
        ("limit_usd = \"5\"", "", 2, "missing field `limit_usd`"),
        ("\"hour\"", "\"week\"", 4, "expected one of `hour`, `day`, `month`"),
        ("\"hour\"", "\"hour\"\nat_limit = \"explode\"", 5, "expected one of `reject`, `degrade`, `warn`"),
        ("\"hour\"", "\"hour\"\nthreshold_percent = 101", 5, "101 is not from 1 to 100"),
        ("\"hour\"", "\"hour\"\nthreshold_percent = 300", 5, "300 is not from 1 to 100"),
        ("\"hour\"", "\"hour\"\nservice = \"a\"\nalert_type = \"b\"", 6, "make it two"),
        (
            "\"hour\"",
            "\"hour\"\n[[budget]]\nlimit_usd = 1\nwindow = \"month\"\n[[budget]]\nlimit_usd = 1\nwindow = \"hour\"",
            9,
            "`total` has a budget per hour already, at line 3; keep one of them",
        ),
        ("\"hour\"", "\"hour\"\n[[route]]\nmodel = \"m\"", 6, "a route needs an `alert_type`"),
        ("\"0.01\"", "0", 1, "investigation_cap_usd: must be more than zero"),
        ("[[budget]]", "replica_hour_usd = 0\n[[budget]]", 2, "replica_hour_usd: must be more than zero"),
        ("[[budget]]", "replica_hour_usd = \"-0.04\"\n[[budget]]", 2, "replica_hour_usd: -0.04 is no amount"),
        ("[[budget]]", "replica_hour_usd = true\n[[budget]]", 2, "replica_hour_usd: a boolean is no amount"),
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
    let load = |text: &str| Policy::from_sources(&[("f", text), (BUILT_IN_NAME, BUILT_IN)]).unwrap();
    let meant = |name: &str| (name == "HighCPU").then(|| "high_cpu".into());
    let mut policy = load(&text);
    policy.resolve(meant).unwrap();
    let found: Vec<_> = policy.budgets.iter().map(|rule| (rule.scope.to_string(), rule.window)).collect();
    let expected = ["total", "service:api", "alert_type:high_cpu"];
    assert_eq!(found, expected.map(|scope| windows.map(|window| (scope.to_owned(), window))).concat());

    let alias = |window| load(&[budget(scopes[2], window), budget("alert_type = \"high_cpu\"\n", Day)].concat());
    assert_eq!(alias(Hour).resolve(meant), Ok(()));
    let twice = alias(Day).resolve(meant).unwrap_err().to_string();
    assert!(
        twice.contains("`HighCPU` is an alias of `alert_type:high_cpu`, which has a budget per day too"),
        "{twice}"
    );

    let total = |window| Rule::total(Usd::from_nanos(1), window, AtLimit::Reject);
    let mut policy = load(&budget("", Day));
    assert_eq!(policy.limit_total(total(Month)), Ok(()));
    let twice = policy.limit_total(total(Day)).unwrap_err().to_string();
    assert!(twice.contains("a budget of the total per day too"), "{twice}");
}

#[test]
fn a_limit_is_one_of_models_that_there_are_and_that_have_a_price() {
    let now = Timestamp::now();
    let check = |text: &str, models: &[&str]| {
        let policy = Policy::from_sources(&[("f", text), (BUILT_IN_NAME, BUILT_IN)]).unwrap();
        policy.check_models(models, now).map_err(|error| error.to_string())
    };
    let degrading = "[[budget]]\nlimit_usd = 1\nat_limit = \"degrade\"";
    assert_eq!(check("", &["no-price"]), Ok(()));
    assert_eq!(check(degrading, &["simulated-gpt-4", "simulated-gpt-3.5"]), Ok(()));
    let unpriced = check("[[budget]]\nlimit_usd = 1", &["no-price"]).unwrap_err();
    assert!(unpriced.contains("`no-price` has no price"), "{unpriced}");
    let route = "[[route]]\nseverity = \"info\"\nmodel = \"other\"\n";
    let missing = check(route, &["m"]).unwrap_err();
    assert!(missing.contains("[[route]] 1, of severity info: there is no model `other`, only m"), "{missing}");
    assert_eq!(check(route, &["m", "other"]), Ok(()));
    let unpriced = check(&format!("{route}{degrading}"), &["simulated-gpt-4", "simulated-gpt-3.5", "other"]);
    assert!(unpriced.unwrap_err().contains("`other` has no price"));
    let missing = check(degrading, &["simulated-gpt-4"]).unwrap_err();
    assert!(missing.contains("there is no model `simulated-gpt-3.5`, only simulated-gpt-4"), "{missing}");
}

#[test]
fn a_model_has_one_price_a_day() {
    let (line, reason) = refused(&format!("{GOOD}{GOOD}"));
    assert_eq!((line, reason.as_str()), (11, "`m` has a price from 2026-01-31 already, at line 3; keep one of them"));
    assert!(Policy::from_sources(&[("f", &format!("{GOOD}{}", GOOD.replace("01-31", "02-01")))]).is_ok());
}
