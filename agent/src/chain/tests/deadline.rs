//! The run's deadline: what is found in time is the answer.

use super::*;

const TEN_SECONDS: Duration = Duration::from_secs(10);

/// Investigates within ten seconds, two of which are the reasoner's, and takes no longer.
async fn within_ten_seconds(model: FakeModel, tools: Vec<Arc<dyn Tool>>, mode: ToolMode) -> (Outcome, Vec<String>) {
    let start = Instant::now();
    let result = investigate_within(TEN_SECONDS, model, tools, mode).await;
    assert!(start.elapsed() <= TEN_SECONDS, "{:?}", start.elapsed());
    result
}

fn has(lines: &[String], line: &str) -> bool {
    lines.iter().any(|other| other == line)
}

const OVER: &str = "the time for tools is over, the run's deadline of 10s is near";

#[tokio::test(start_paused = true)]
async fn at_the_deadline_what_was_found_is_concluded_from() {
    let start = Instant::now();
    let (outcome, lines) = within_ten_seconds(
        FakeModel::planning(&["a", "hung", "b"]),
        tools(&[("a", SOON), ("hung", Behaviour::Hangs), ("b", SOON)]),
        Sequential,
    )
    .await;
    assert_eq!(start.elapsed(), Duration::from_secs(8));
    let (complete, confidence) = confidence(&outcome);
    assert!(!complete && (confidence - 0.8 / 3.0).abs() < 1e-9, "{confidence}");
    assert!(has(&lines, &format!("2 stopped: {OVER}")), "{lines:#?}");
    assert!(has(&lines, &format!("3 skipped: {OVER}")) && !has(&lines, "3 began"), "{lines:#?}");
    assert!(has(&lines, "4 done"), "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn tools_that_run_at_once_are_stopped_together() {
    let model = FakeModel::planning(&["hung", "a", "hung"]);
    let (outcome, lines) = within_ten_seconds(model, tools(&[("a", SOON), ("hung", Behaviour::Hangs)]), Parallel).await;
    assert!(!confidence(&outcome).0);
    for step in [1, 3] {
        assert!(has(&lines, &format!("{step} stopped: {OVER}")), "{lines:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_reasoner_is_told_what_there_was_no_time_for() {
    let model = Arc::new(FakeModel::planning(&["hung", "a"]));
    let tools = tools(&[("hung", Behaviour::Hangs), ("a", SOON)]);
    let engine = Engine::new(Arc::clone(&model) as _, tools, Sequential, TEN_SECONDS);
    run(&engine, Instant::now(), &Notes::default()).await;
    let told = model.told.lock().unwrap();
    assert!(told.iter().all(|finding| finding.result == Err(OVER.into())), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reasoner_without_time_leaves_what_was_found() {
    let hangs = || FakeModel::planning(&["a"]).failing(Call::Conclude, Fault::Hang);
    let (outcome, lines) = within_ten_seconds(hangs(), tools(&[("a", SOON)]), Sequential).await;
    assert_eq!(confidence(&outcome), (false, 0.0));
    assert!(has(&lines, "2 stopped: no conclusion: the run's deadline of 10s passed"), "{lines:#?}");

    let (outcome, _) = within_ten_seconds(hangs(), tools(&[("a", Behaviour::Hangs)]), Sequential).await;
    assert_eq!(outcome, Outcome::Failed("no conclusion: the run's deadline of 10s passed".into()));
}

#[tokio::test(start_paused = true)]
async fn a_planner_without_an_answer_until_the_deadline_fails_the_investigation() {
    let model = FakeModel::planning(&["a"]).failing(Call::Plan, Fault::Hang);
    let (outcome, _) = within_ten_seconds(model, tools(&[("a", SOON)]), Sequential).await;
    assert_eq!(outcome, Outcome::Failed("no plan: the run's deadline of 10s passed".into()));
}

#[tokio::test(start_paused = true)]
async fn no_attempt_is_waited_for_that_cannot_be_made() {
    // Every wait goes beyond a deadline of no time at all; the first attempt needs none.
    let (outcome, lines) = investigate_within(
        Duration::from_nanos(5),
        FakeModel::planning(&["a"]).failing(Call::Plan, Fault::NoAnswer),
        tools(&[("a", SOON)]),
        Sequential,
    )
    .await;
    assert_eq!(outcome, Outcome::Failed("no plan: the model did not answer: out of order".into()));
    assert!(!lines.iter().any(|line| line.contains("again")), "{lines:#?}");
}
