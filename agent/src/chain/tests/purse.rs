//! What an investigation may spend: the calls that there is not enough for are not made, and what was found is told.

use super::*;

/// Eleven tokens at 2,000 nano-dollars.
const CALL: u64 = 22_000;

async fn spending(calls: u64, model: FakeModel, mode: ToolMode) -> (Outcome, Vec<String>) {
    let notes = Notes::default();
    let engine = Engine::new(Arc::new(model.priced()), tools(&[("a", SOON)]), mode, LIMIT);
    let outcome = run_with(Some(Usd::from_nanos(calls * CALL)), &engine, Instant::now(), &notes).await;
    (outcome, notes.lines())
}

fn spent(lines: &[String]) -> usize {
    lines.iter().filter(|line| line.contains("spent")).count()
}

#[tokio::test(start_paused = true)]
async fn what_is_just_enough_is_enough() {
    for mode in [Sequential, Parallel] {
        let (outcome, lines) = spending(5, FakeModel::planning(&["a", "a", "a"]), mode).await;
        assert_eq!((confidence(&outcome), spent(&lines)), ((true, 0.8), 5));
    }
}

#[tokio::test(start_paused = true)]
async fn with_less_the_last_tools_are_left_out_and_the_conclusion_is_not() {
    for mode in [Sequential, Parallel] {
        let (outcome, lines) = spending(4, FakeModel::planning(&["a", "a", "a"]), mode).await;
        assert!(!confidence(&outcome).0);
        let skipped = "3 unaffordable: of the 0.000088 USD that this investigation may spend, too little is left";
        assert!(lines.iter().any(|line| line == skipped), "{lines:#?}");
        assert_eq!((spent(&lines), lines.last().unwrap().as_str()), (4, "4 done"));
    }
}

#[tokio::test(start_paused = true)]
async fn without_enough_for_anything_nothing_is_asked() {
    let (outcome, lines) = spending(0, FakeModel::planning(&["a"]), Sequential).await;
    let Outcome::Failed(reason) = outcome else { panic!("{outcome:?}") };
    // A plan may have 16 tools.
    let lack = "; the policy's investigation_cap_usd leaves it 0 USD, and an investigation of such an alert may cost \
                0.000396 USD";
    assert!(reason.starts_with("no plan: of the 0 USD") && reason.ends_with(lack), "{reason}");
    assert_eq!(spent(&lines), 0);
}

#[tokio::test(start_paused = true)]
async fn with_enough_for_the_plan_alone_it_says_what_more_would_take() {
    let (outcome, lines) = spending(1, FakeModel::planning(&["a"]), Sequential).await;
    let Outcome::Failed(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.starts_with("no conclusion: of the 0.000022 USD"), "{reason}");
    assert!(reason.contains("investigation_cap_usd leaves it 0.000022 USD") && reason.contains("0.000396"), "{reason}");
    assert_eq!(spent(&lines), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_call_did_not_take_is_there_for_the_next() {
    // Five calls that may take ten times what they do.
    let model = FakeModel {
        most: Some(Usage { input: 100, output: 10, ..Usage::default() }),
        ..FakeModel::planning(&["a", "a", "a"])
    };
    let (outcome, lines) = spending(24, model, Sequential).await;
    assert_eq!((confidence(&outcome).0, spent(&lines)), (true, 5));
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_costs_nothing_however_it_ends() {
    for fault in [Fault::NoAnswer, Fault::Panic, Fault::Hang] {
        let model = FakeModel::planning(&["a", "a"]).failing_first(3, Call::Arguments, fault);
        let (_, lines) = spending(4, model, Sequential).await;
        assert!(lines.iter().all(|line| !line.contains("too little")), "{fault:?}: {lines:#?}");
    }
}
