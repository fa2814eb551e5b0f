//! Why an investigation went as it did: its decisions in order, with the time, who made them, and what they stand on.

use jiff::Timestamp;
use langdeck_shared::{Actor, Decision, DecisionCode, Usd};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::Number;

use super::text::{self, Key, What};
use super::theme::Theme;
use super::{Scene, detail, format};
use crate::app::{Detail, Known};
use crate::widgets::panel::Panel;

/// The columns of time and actor.
const TIME: usize = 7;
const ACTOR: usize = 9;
/// Where the words begin.
const INDENT: usize = TIME + 1 + ACTOR + 1;
/// A space at which no line ends.
const TIE: &str = "\u{a0}";
/// From how many columns of words on there is room for what could have been decided instead.
const WITH_ALTERNATIVES: usize = 40;

/// Draws the panel; answers how far the decisions reach beyond it.
pub(super) fn render(scene: Scene<'_>, detail: &Detail, known: &Known, area: Rect, buffer: &mut Buffer) -> usize {
    let count = detail.whole.as_ref().map_or(0, |whole| whole.decisions.len());
    let figure = if count == 0 { String::new() } else { format::count(count as u64) };
    let panel = Panel::new("Decisions").figure(figure).focused(detail.reads_decisions());
    let width = usize::from(panel.inner(area).width);
    let key = Key { what: What::Decisions, revision: scene.app.detail_revision(), width };
    let lines = scene.texts.lines(key, || lines(scene, detail, known, width));
    detail::scrolled(scene, panel, &lines, detail.decisions_scroll, area, buffer)
}

fn lines(scene: Scene<'_>, detail: &Detail, known: &Known, width: usize) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let dim = |words: &str| text::wrap(words, width).into_iter().map(|line| Line::styled(line, theme.dim)).collect();
    let Some(whole) = &detail.whole else { return dim(&detail::why_not_whole(scene, detail, known, "decisions")) };
    if whole.decisions.is_empty() {
        return dim(if known.is_moving() { "none yet" } else { "none" });
    }
    // The same zero as the timeline's.
    let zero = whole.started_at.unwrap_or(whole.accepted_at);
    let mut lines: Vec<_> = whole.decisions.iter().flat_map(|decision| entry(decision, zero, width, theme)).collect();
    if whole.decisions_left_out > 0 {
        let left_out =
            format!("{} more, which the replica does not keep here", format::count(whole.decisions_left_out));
        lines.extend::<Vec<_>>(dim(&left_out));
    }
    lines
}

/// ```text
///   490ms executor  try get_metrics again
///                   503 from the metrics store · attempt 1 · wait 120ms
/// ```
fn entry(decision: &Decision, zero: Timestamp, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let Decision { time, actor, code, choice, alternatives, figures, reason, .. } = decision;
    let room = width.saturating_sub(INDENT);
    let mut why = vec![reason.clone()];
    // A name and its figure stay in one line.
    why.extend(figures.iter().map(|(name, number)| figure(name, number).replace(' ', TIE)));
    if room >= WITH_ALTERNATIVES && !alternatives.is_empty() {
        why.push(format!("or: {}", alternatives.join(", ")));
    }
    why.retain(|part| !part.is_empty());
    let why = why.join(&format!("{TIE}{} ", theme.glyphs.dot));
    let words = text::wrap(choice, room).into_iter().map(|line| Span::styled(line, tone(*code, theme)));
    let words =
        words.chain(text::wrap(&why, room).into_iter().map(|line| Span::styled(line.replace(TIE, " "), theme.dim)));
    let head = [
        Span::styled(format!("{:>TIME$} ", offset(*time, zero)), theme.dim),
        Span::styled(format!("{actor:<ACTOR$} "), who(*actor, theme)),
    ];
    let mut heads = std::iter::once(head.to_vec());
    let head = || heads.next().unwrap_or_else(|| vec![Span::raw(" ".repeat(INDENT))]);
    std::iter::repeat_with(head)
        .zip(words)
        .map(|(mut line, words)| {
            line.push(words);
            Line::from(line)
        })
        .collect()
}

/// How long after the timeline's zero it was decided.
fn offset(time: Timestamp, zero: Timestamp) -> String {
    let after = time.duration_since(zero);
    let ms = u64::try_from(after.as_millis().unsigned_abs()).unwrap_or(u64::MAX);
    let sign = if after.is_negative() && ms > 0 { "-" } else { "" };
    format!("{sign}{}", format::duration_ms(ms))
}

/// A figure by its name, whose end is its unit: `wait 120ms`, `limit $0.000314`, `threshold 80 %`, `attempt 1`.
fn figure(name: &str, number: &Number) -> String {
    let named = |name: &str, figure: String| format!("{} {figure}", name.replace('_', " "));
    let amount = number.as_f64().and_then(|amount| Usd::from_f64(amount).ok());
    match (name.rsplit_once('_'), amount, number.as_u64()) {
        (Some((name, "usd")), Some(amount), _) => named(name, format::usd(amount)),
        (Some((name, "ms")), _, Some(ms)) => named(name, format::duration_ms(ms)),
        (Some((name, "percent")), ..) => named(name, format!("{number} %")),
        (None, Some(_), _) if name == "confidence" => named(name, format::percent(number.as_f64().unwrap_or_default())),
        _ => named(name, number.to_string()),
    }
}

/// Planner, executor and reasoner have the colours of their bars.
const fn who(actor: Actor, theme: &Theme) -> Style {
    match actor {
        Actor::Planner | Actor::Reasoner => theme.bar_model,
        Actor::Executor => theme.bar_tool,
        Actor::Budget | Actor::Router | Actor::Cache => theme.money,
        Actor::Admission | Actor::Operator | Actor::DecisionLog | Actor::Other => theme.text,
    }
}

/// What cost something, or may, stands out.
const fn tone(code: DecisionCode, theme: &Theme) -> Style {
    match code {
        DecisionCode::Retry
        | DecisionCode::AttemptTimedOut
        | DecisionCode::Degraded
        | DecisionCode::LimitExceeded
        | DecisionCode::Capped => theme.warning,
        DecisionCode::ToolFailed | DecisionCode::DeadlineStop | DecisionCode::InvestigationFailed => theme.failed,
        DecisionCode::ToolSkipped | DecisionCode::FallbackConclusion | DecisionCode::PartialReport => theme.partial,
        _ => theme.text,
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_figure_has_the_unit_that_its_name_ends_with() {
        let cases = [
            ("attempt", json!(2), "attempt 2"),
            ("wait_ms", json!(1200), "wait 1.2s"),
            ("set_aside_usd", json!(0.000_031_4), "set aside $0.000031"),
            ("threshold_percent", json!(80), "threshold 80 %"),
            ("confidence", json!(0.283_333), "confidence 28 %"),
            ("tools_found", json!(1), "tools found 1"),
            // What no agent says.
            ("limit_usd", json!(-1.5), "limit usd -1.5"),
            ("wait_ms", json!(-1), "wait ms -1"),
            ("_usd", json!(u64::MAX), " usd 18446744073709551615"),
            ("", json!(0), " 0"),
        ];
        for (name, number, expected) in cases {
            let number = serde_json::from_value(number).expect("a number");
            assert_eq!(figure(name, &number), expected);
        }
    }

    #[test]
    fn the_time_is_that_of_the_timeline_whenever_it_was() {
        let zero = Timestamp::UNIX_EPOCH;
        let after = |ms| offset(zero + SignedDuration::from_millis(ms), zero);
        assert_eq!([0, 410, 61_000, -2].map(after), ["0ms", "410ms", "1m 01s", "-2ms"]);
        assert_eq!(offset(Timestamp::MAX, Timestamp::MIN), "7.3Md");
        assert_eq!(offset(Timestamp::MIN, Timestamp::MAX), "-7.3Md");
    }
}
