//! Settings: flags and environment, and what is refused.

use clap::{CommandFactory, FromArgMatches, Parser};

use super::*;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

fn parse(arguments: &[&str]) -> Result<Config, String> {
    let arguments = std::iter::once(&"agent").chain(arguments);
    let matches = Cli::command().try_get_matches_from(arguments).map_err(|error| error.to_string())?;
    let Cli { config } = Cli::from_arg_matches(&matches).map_err(|error| error.to_string())?;
    config.validate().and_then(|()| config.check_given(&matches)).map_err(|error| error.to_string())?;
    Ok(config)
}

#[test]
fn the_command_lines_defaults_are_those_of_the_library() {
    assert_eq!(parse(&[]).unwrap(), Config::default());
}

#[test]
fn every_flag_sets_its_setting() {
    let config = parse(&[
        "--listen=[::]:0",
        "--replica-name=a",
        "--peers=dns://agents:8000, http://[::1]",
        "--dns-server=[::1]:53",
        "--sim-delay=0",
        "--tool-mode=parallel",
        "--run-deadline=1m 30s",
        "--history=1",
        "--max-running=2",
        "--max-queued=0",
        "--drain-delay=1m 5s",
        "--grace=250ms",
        "--scenarios=more.toml",
        "--policy=policy.toml",
        "--cache-ttl=1h 30m",
        "--budget-usd=2.50",
        "--budget-window=month",
        "--budget-at-limit=degrade",
        "--service-labels=app,job",
        "--decision-log=decisions.ndjson",
        "--decision-log-size=1GiB",
        "--decision-log-files=2",
        "--log=warn",
    ]);
    let expected = Config {
        listen: "[::]:0".parse().unwrap(),
        replica_name: "a".to_owned(),
        peers: ["dns://agents:8000", "http://[::1]:80"].map(|peer| peer.parse().unwrap()).into(),
        dns_server: Some("[::1]:53".parse().unwrap()),
        sim_delay: 0.0,
        tool_mode: ToolMode::Parallel,
        run_deadline: Duration::from_secs(90),
        history: 1,
        max_running: 2,
        max_queued: 0,
        drain_delay: Duration::from_secs(65),
        grace: Duration::from_millis(250),
        scenarios: Some("more.toml".into()),
        policy: Some("policy.toml".into()),
        cache_ttl: Some(Duration::from_secs(5400)),
        budget_usd: Some(Usd::from_nanos(2_500_000_000)),
        budget_window: BudgetWindow::Month,
        budget_at_limit: AtLimit::Degrade,
        service_labels: vec!["app".to_owned(), "job".to_owned()],
        decision_log: Some("decisions.ndjson".into()),
        decision_log_size: 1 << 30,
        decision_log_files: 2,
        log: "warn".to_owned(),
    };
    assert_eq!(config.unwrap(), expected);
}

#[test]
fn of_several_peers_the_bad_one_is_named() {
    let error = parse(&["--peers=http://agent-0:8000,dns://agents,http://agent-2:8000"]).unwrap_err();
    assert!(error.contains("'dns://agents'") && error.contains("the port is missing"), "{error}");
}

#[test]
fn there_is_a_most_of_peers() {
    let peers = |count| (1..=count).map(|port| format!("http://a:{port}")).collect::<Vec<_>>().join(",");
    assert_eq!(parse(&["--peers", &peers(MAX_PEERS)]).unwrap().peers.len(), MAX_PEERS);
    let error = parse(&["--peers", &peers(MAX_PEERS + 1)]).unwrap_err();
    assert!(error.contains("4097 addresses") && error.contains(PEERS.expected), "{error}");
}

#[test]
fn the_deadline_grows_with_the_delay_and_does_not_shrink_with_it() {
    for (sim_delay, seconds) in [(0.0, 120), (0.5, 120), (1.0, 120), (8.0, 960), (1000.0, 120_000)] {
        let config = Config { sim_delay, ..Config::default() };
        assert_eq!(config.simulated_run_deadline(), Duration::from_secs(seconds), "{sim_delay}");
    }
}

#[test]
fn what_would_be_without_effect_is_named_with_what_it_needs() {
    for (setting, value, more, needed) in [
        (&BUDGET_WINDOW, "hour", &[][..], &BUDGET_USD),
        // Also where the default is given.
        (&BUDGET_WINDOW, "day", &[], &BUDGET_USD),
        (&BUDGET_AT_LIMIT, "reject", &["--policy=policy.toml"], &BUDGET_USD),
        (&DECISION_LOG_SIZE, "64MiB", &[], &DECISION_LOG),
        (&DECISION_LOG_FILES, "2", &[], &DECISION_LOG),
        (&DECISION_LOG_SIZE, "1MiB", &["--decision-log=-"], &DECISION_LOG),
        (&DECISION_LOG_FILES, "2", &["--decision-log", "-"], &DECISION_LOG),
    ] {
        let given = format!("{}={value}", setting.flag);
        let error = parse(&[&[&*given], more].concat()).expect_err(&given);
        for part in [setting.flag, setting.env, needed.flag, needed.env] {
            assert!(error.contains(part), "{given}: {part:?} is not in: {error}");
        }
    }
    for fits in [
        &["--budget-usd=1", "--budget-window=hour", "--budget-at-limit=warn"][..],
        &["--decision-log=d.ndjson", "--decision-log-size=1MiB", "--decision-log-files=2"],
        &["--decision-log=-"],
        &["--budget-usd=1"],
    ] {
        parse(fits).unwrap();
    }
}

#[test]
fn a_bad_value_is_named_with_its_flag_its_variable_and_what_is_expected() {
    let too_long = "x".repeat(254);
    let bad = [
        (&LISTEN, "localhost"),
        (&LISTEN, "127.0.0.1:99999"),
        (&REPLICA_NAME, ""),
        (&REPLICA_NAME, "two words"),
        (&REPLICA_NAME, "naïve"),
        (&REPLICA_NAME, &too_long),
        (&PEERS, ""),
        (&PEERS, "agent-0:8000"),
        (&PEERS, "https://agent-0:8000"),
        (&PEERS, "http://agent-0:8000/metrics"),
        (&DNS_SERVER, "localhost:53"),
        (&DNS_SERVER, "10.96.0.10"),
        (&DNS_SERVER, "10.96.0.10:0"),
        (&SIM_DELAY, "fast"),
        (&SIM_DELAY, "-1"),
        (&SIM_DELAY, "1001"),
        (&SIM_DELAY, "NaN"),
        (&SIM_DELAY, "inf"),
        (&TOOL_MODE, "both"),
        (&RUN_DEADLINE, "0s"),
        (&RUN_DEADLINE, "9ms"),
        (&RUN_DEADLINE, "2h"),
        (&RUN_DEADLINE, "never"),
        (&HISTORY, "0"),
        (&HISTORY, "100001"),
        (&HISTORY, "many"),
        (&MAX_RUNNING, "0"),
        (&MAX_RUNNING, "-3"),
        (&MAX_QUEUED, "100001"),
        (&DRAIN_DELAY, "5"),
        (&DRAIN_DELAY, "2h"),
        (&GRACE, "soon"),
        (&GRACE, "2h"),
        (&SERVICE_LABELS, "service,,job"),
        (&SERVICE_LABELS, "service,service"),
        (&SERVICE_LABELS, ""),
        (&CACHE_TTL, "0s"),
        (&CACHE_TTL, "999ms"),
        (&CACHE_TTL, "8d"),
        (&CACHE_TTL, "600"),
        (&CACHE_TTL, "none"),
        (&BUDGET_USD, "0"),
        (&BUDGET_USD, "-1"),
        (&BUDGET_USD, "1e3"),
        (&BUDGET_USD, "0.0000000001"),
        (&BUDGET_WINDOW, "week"),
        (&BUDGET_AT_LIMIT, "explode"),
        (&DECISION_LOG_SIZE, "64"),
        (&DECISION_LOG_SIZE, "2.0 TiB"),
        (&DECISION_LOG_SIZE, "large"),
        (&DECISION_LOG_FILES, "1"),
        (&DECISION_LOG_FILES, "1001"),
        (&LOG, "langdeck=loud"),
    ];
    for (setting, value) in bad {
        let error = parse(&[&format!("{}={value}", setting.flag)]).expect_err(value);
        for part in [setting.flag, setting.env, setting.expected, value] {
            assert!(error.contains(part), "{part:?} is not in: {error}");
        }
    }
}
