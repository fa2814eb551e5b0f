//! Attempts: how often, after which waits, and what becomes of them.

use super::*;

/// Investigates with one tool, and says how long it took.
async fn timed(model: FakeModel, behaviour: Behaviour) -> (Outcome, Vec<String>, Duration) {
    let start = Instant::now();
    let (outcome, lines) = investigate(model, tools(&[("a", behaviour)]), Sequential).await;
    (outcome, lines, start.elapsed())
}

fn planned() -> FakeModel {
    FakeModel::planning(&["a"])
}

fn count(lines: &[String], start: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(start)).count()
}

fn summary(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Concluded { conclusion, .. } => &conclusion.summary,
        Outcome::Failed(reason) => reason,
    }
}

#[tokio::test(start_paused = true)]
async fn a_flapping_tool_is_tried_again_with_the_same_arguments_and_nothing_is_missing() {
    let (outcome, lines, _) = timed(planned(), Behaviour::Flaps(2)).await;
    assert_eq!(confidence(&outcome), (true, 0.8));
    assert_eq!(
        lines[3..9],
        [
            "1 began",
            "1 spent 10+1",
            r#"1 called with {"of":"a"}"#,
            "1 tries the Tool again: broken",
            "1 tries the Tool again: broken",
            "1 found at attempt 3",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn waits_lie_between_nothing_and_twice_as_long_each_time() {
    fastrand::seed(4711);
    let mut waits = Vec::new();
    for _ in 0..100 {
        let (_, lines, took) = timed(planned(), Behaviour::Fails).await;
        assert_eq!(count(&lines, "1 tries"), 2);
        assert_eq!(count(&lines, "1 failed: broken"), 1);
        waits.push(took);
    }
    // Each timer goes off at the next whole millisecond.
    assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(302)), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait < Duration::from_millis(150)), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait > Duration::from_millis(150)), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_good_is_not_tried_again() {
    let (outcome, lines, took) = timed(planned(), Behaviour::FailsForGood).await;
    assert_eq!(confidence(&outcome), (false, 0.0));
    assert_eq!((count(&lines, "1 tries"), count(&lines, "1 failed: forbidden"), took), (0, 1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_tool_times_out_at_each_attempt_and_the_others_go_on() {
    let start = Instant::now();
    let (outcome, lines) =
        investigate(FakeModel::planning(&["hung", "a"]), tools(&[("hung", Behaviour::Hangs), ("a", SOON)]), Sequential)
            .await;
    assert_eq!(confidence(&outcome), (false, 0.4));
    let took = start.elapsed();
    assert!((Duration::from_millis(30_010)..Duration::from_millis(30_315)).contains(&took), "{took:?}");
    assert_eq!(count(&lines, "1 tries the Tool again: no result within 10s"), 2, "{lines:#?}");
    assert_eq!(count(&lines, "1 timed out: no result within 10s"), 1, "{lines:#?}");
    assert_eq!(count(&lines, "2 found"), 1, "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_does_not_answer_is_asked_again_and_only_answers_are_paid_for() {
    for (step, call) in [(0, Call::Plan), (1, Call::Arguments), (2, Call::Conclude)] {
        let (outcome, lines, _) = timed(planned().failing_first(2, call, Fault::NoAnswer), SOON).await;
        assert_eq!(confidence(&outcome), (true, 0.8), "{call:?}");
        let again = format!("{step} tries the Model again: the model did not answer: out of order");
        assert_eq!((count(&lines, &again), count(&lines, &format!("{step} spent"))), (2, 1), "{lines:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_used_is_paid_for_and_not_asked_for_again() {
    for (step, call) in [(0, Call::Plan), (1, Call::Arguments), (2, Call::Conclude)] {
        let (_, lines, _) = timed(planned().failing(call, Fault::Unusable), SOON).await;
        let step_lines = |what: &str| count(&lines, &format!("{step} {what}"));
        assert_eq!((step_lines("spent"), step_lines("tries"), step_lines("failed")), (1, 0, 1), "{lines:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_hangs_times_out() {
    let start = Instant::now();
    let (outcome, lines, _) = timed(planned().failing(Call::Arguments, Fault::Hang), SOON).await;
    assert_eq!(confidence(&outcome), (false, 0.0));
    assert_eq!(count(&lines, "1 timed out: the model did not answer within 30s"), 1, "{lines:#?}");
    assert!(start.elapsed() >= Duration::from_secs(90));
}

#[tokio::test]
async fn a_panic_ends_its_step_and_no_other() {
    let (outcome, lines) = investigate(
        FakeModel::planning(&["bad", "a"]),
        tools(&[("bad", Behaviour::Panics), ("a", Behaviour::Flaps(0))]),
        Parallel,
    )
    .await;
    assert_eq!(confidence(&outcome), (false, 0.4));
    assert_eq!(count(&lines, "1 failed: the tool panicked"), 1, "{lines:#?}");
    assert_eq!((count(&lines, "1 tries"), count(&lines, "2 found")), (0, 1), "{lines:#?}");
    for (step, call) in [(0, Call::Plan), (1, Call::Arguments), (2, Call::Conclude)] {
        let (_, lines, _) = timed(planned().failing(call, Fault::Panic), Behaviour::Flaps(0)).await;
        assert!(lines.iter().any(|line| line.starts_with(&format!("{step} failed")) && line.contains("panicked")));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_told_also_where_the_model_says_nothing() {
    let (outcome, _) = investigate(
        FakeModel::planning(&["a", "bad"]).failing(Call::Conclude, Fault::NoAnswer),
        tools(&[("a", SOON), ("bad", Behaviour::FailsForGood)]),
        Sequential,
    )
    .await;
    let summary = summary(&outcome);
    assert!(summary.ends_with("what 1 of the tools found stands in their steps; without bad: forbidden"), "{summary}");
}

#[tokio::test]
async fn long_texts_are_cut_and_say_so() {
    let (_, lines, _) = timed(planned(), Behaviour::Floods(100_000)).await;
    let found = lines.iter().find(|line| line.starts_with("1 found")).unwrap();
    assert!(found.len() <= 16 * 1024 + "1 found ".len() && found.ends_with(" bytes left out)"), "{}", found.len());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_no_clock_can_hold_is_not_begun() {
    let (outcome, lines, took) = timed(planned(), Behaviour::AsksForEternity).await;
    assert_eq!((confidence(&outcome), took), ((false, 0.0), Duration::ZERO));
    assert_eq!((count(&lines, "1 tries"), count(&lines, "1 failed: broken")), (0, 1), "{lines:#?}");
}
