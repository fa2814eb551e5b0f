//! The fleet's last minutes: tokens and money per second.

use std::time::Duration;

use langdeck_shared::Usd;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::theme::Theme;
use super::{Scene, format};
use crate::app::{hourly, series};
use crate::widgets::panel::Panel;
use crate::widgets::spark::{Resample, Sparkline};
use crate::widgets::{put, skip};

/// Over how many seconds the rate in a title is taken.
const RATE: usize = 10;

/// Tokens and money per second of all replicas together, in panels of one width.
pub(super) fn panels(scene: Scene<'_>, tokens: Rect, money: Rect, buffer: &mut Buffer) {
    let theme = scene.theme;
    let sums = Sums::of(scene, tokens);
    let peak = sums.tokens.iter().flatten().max().map(|peak| format!("peak {}", format::count(*peak)));
    let panel = Panel::new("Tokens/s").styled_figure(token_rate(scene, &sums.tokens), theme.strong);
    let inner = panel.figure(peak.unwrap_or_default()).note(span(tokens)).render(tokens, buffer, theme);
    chart(scene, &sums.tokens).render(inner, buffer, theme);

    let rate = format!("{} per hour", money_rate(scene, &sums.money));
    let panel = Panel::new("Spend").styled_figure(rate, theme.money);
    let inner = panel.note(span(money)).render(money, buffer, theme);
    chart(scene, &sums.money).ramp(&theme.spark_money).render(inner, buffer, theme);
}

/// Both, and what memory knows, in one line.
///
/// ```text
///  tokens/s 412 ▂▃▅▆▇█▇▅▃▂▂▃▅   $/h 0.020 ▂▃▅▆▇█▇▅▃▂▂▃▅   memory checkout-api 7× and 2 more
/// ```
pub(super) fn line(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let theme = scene.theme;
    let third = |index: u16| Rect { x: area.x + 1 + index * (area.width / 3), width: area.width / 3 - 2, ..area };
    let sums = Sums::of(scene, area);
    let place = label(third(0), "tokens/s", &token_rate(scene, &sums.tokens), theme.strong, theme, buffer);
    chart(scene, &sums.tokens).render(place, buffer, theme);
    let place = label(third(1), "per hour", &money_rate(scene, &sums.money), theme.money, theme, buffer);
    chart(scene, &sums.money).ramp(&theme.spark_money).render(place, buffer, theme);

    let recalled = scene.app.memory.recall();
    let last = recalled.first().map_or_else(
        || theme.glyphs.dash.to_owned(),
        |last| format!("{} {}{}", last.service, format::count(last.investigations), theme.glyphs.times),
    );
    let place = label(third(2), "memory", &last, theme.strong, theme, buffer);
    let more = format!("and {} more", recalled.len().saturating_sub(1));
    if recalled.len() > 1 && format::width(&more) <= usize::from(place.width) {
        put(place, &more, theme.dim, buffer);
    }
}

/// Writes a name and its figure; what is left of the place comes back.
fn label(place: Rect, name: &str, figure: &str, style: Style, theme: &Theme, buffer: &mut Buffer) -> Rect {
    let place = skip(place, put(place, name, theme.dim, buffer) + 1);
    skip(place, put(place, figure, style, buffer) + 1)
}

/// One value for each second of a chart, in tokens and in nano-dollars; a gap where nothing is known.
struct Sums {
    tokens: Vec<Option<u64>>,
    money: Vec<Option<u64>>,
}

impl Sums {
    fn of(scene: Scene<'_>, area: Rect) -> Self {
        let sums = scene.app.fleet.charts(seconds(area), scene.now);
        Self {
            tokens: sums.iter().map(|second| second.map(|second| second.tokens)).collect(),
            money: sums.iter().map(|second| second.map(|second| second.cost_usd.nanos())).collect(),
        }
    }
}

/// The tokens per second of the last seconds.
fn token_rate(scene: Scene<'_>, data: &[Option<u64>]) -> String {
    let recent: Vec<u64> = data.iter().rev().take(RATE).flatten().copied().collect();
    let total = recent.iter().fold(0, |sum: u64, tokens| sum.saturating_add(*tokens));
    let rate = total.checked_div(recent.len() as u64);
    rate.map_or_else(|| scene.theme.glyphs.dash.to_owned(), format::count)
}

/// The money per hour that the last minute amounts to.
fn money_rate(scene: Scene<'_>, data: &[Option<u64>]) -> String {
    let minute = data.iter().rev().take(60).map(|nanos| nanos.map(Usd::from_nanos));
    hourly(minute).map_or_else(|| scene.theme.glyphs.dash.to_owned(), format::usd)
}

/// How many seconds a chart shows: two minutes, or as many as there are columns.
fn seconds(area: Rect) -> usize {
    usize::from(area.width).clamp(120, series::SECONDS)
}

/// The same in words.
fn span(area: Rect) -> String {
    format!("last {}", format::age(Duration::from_secs(seconds(area) as u64)))
}

fn chart<'a>(scene: Scene<'_>, data: &'a [Option<u64>]) -> Sparkline<'a> {
    let end = scene.app.fleet.replicas().iter().map(|replica| replica.series.end()).max().unwrap_or(0);
    Sparkline::new(data).end(end).resample(Resample::Sum)
}
