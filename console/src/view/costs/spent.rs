//! What was spent, how fast, what the month comes to, and what was saved.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::{Scene, format};
use crate::app::Whole;
use crate::widgets::panel::Panel;
use crate::widgets::{cells, put, row, skip};

/// Cells between two figures.
const GAP: u16 = 3;

/// A name, what is said under it, and what explains it where there is room.
struct Figure {
    said: [Span<'static>; 2],
    explained: Span<'static>,
}

/// Draws the panel; `left_out` is what else finds no room on the screen.
///
/// ```text
/// ╭ Spent · $0.118 · in 2h 05m ─────────────────────────────────── no room for what-if ─╮
/// │ last 5 min $0.012/h   last 60 min $0.010/h   month at this rate $7.40   saved $0.0021 …  │
/// │ ? without agent-2 (connection refused)                                               │
/// ╰──────────────────────────────────────────────────────────────────────────────────────╯
/// ```
pub(super) fn render(scene: Scene<'_>, left_out: &str, area: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, now, .. } = scene;
    let Some(whole) = app.spending.whole() else {
        let inner = Panel::new("Spent").note(left_out.to_owned()).render(area, buffer, theme);
        put(inner, "asking the agents", theme.dim, buffer);
        partial(scene, inner, buffer);
        return;
    };
    let costs = &whole.costs;
    let lasted = app.fleet.clock().map(|clock| clock.since(costs.since, now)).unwrap_or_default();
    let old = app.spending.age(now).map(|age| format!("{} {} old", theme.glyphs.stale, format::age(age)));
    let mut panel = Panel::new("Spent").styled_figure(format::usd(costs.totals.cost_usd), theme.money);
    panel = panel.styled_figure(old.unwrap_or_default(), theme.warning).figure(format!("in {}", span(lasted)));
    let mut inner = panel.inner(area);
    let last = if app.spending.is_partial() { 1 } else { 0 };
    inner.height = inner.height.saturating_sub(last);
    let all = figures(scene, whole);
    let shown = flow(&all, inner, buffer);
    let hidden = match all.len() - shown {
        0 => left_out.to_owned(),
        1 => "1 figure hidden".to_owned(),
        count => format!("{count} figures hidden"),
    };
    let inner = panel.note(hidden).render(area, buffer, theme);
    partial(scene, inner, buffer);
}

/// The figures, the most important first.
fn figures(scene: Scene<'_>, whole: &Whole) -> Vec<Figure> {
    let theme = scene.theme;
    let costs = &whole.costs;
    let figure = |name: &str, said: String, style: Style| Figure {
        said: [Span::styled(format!("{name} "), theme.dim), Span::styled(said, style)],
        explained: Span::default(),
    };
    let mut all = Vec::new();
    if costs.totals.unpriced_tokens > 0 {
        let tokens = format!("{} {} tokens", theme.glyphs.stale, format::count(costs.totals.unpriced_tokens));
        all.push(figure("without a price", tokens, theme.warning));
    }
    let rate = |rate| format!("{}/h", format::usd(rate));
    all.push(figure("last 5 min", rate(costs.burn.last_5m_usd_per_hour), theme.money));
    all.push(figure("last 60 min", rate(costs.burn.last_60m_usd_per_hour), theme.money));
    all.push(figure("month at this rate", format::usd(costs.month_usd), theme.money));
    let savings = &costs.savings;
    let mut saved = figure("saved", format::usd(savings.models_usd + savings.cache_usd), theme.money);
    let models = format!(": {} by cheaper models", format::usd(savings.models_usd));
    let [hits, joins] = [savings.cache_hits, savings.cache_joins].map(format::count);
    let cache = format!(", {} by {hits} cached and {joins} joined", format::usd(savings.cache_usd));
    saved.explained = Span::styled(models + &cache, theme.dim);
    all.push(saved);
    if let Some(replicas) = &costs.infrastructure {
        let said = format!("{}, {}", format::usd(replicas.cost_usd), rate(replicas.usd_per_hour));
        let mut figure = figure("infrastructure", said, theme.text);
        figure.explained = Span::styled(" for the replicas themselves", theme.dim);
        all.push(figure);
    }
    all
}

/// Writes figures side by side, row by row, with what explains them where all find room so; answers how many did.
fn flow(figures: &[Figure], area: Rect, buffer: &mut Buffer) -> usize {
    let explained = places(figures, true, area);
    let is_explained = explained.len() == figures.len();
    let places = if is_explained { explained } else { places(figures, false, area) };
    for (figure, mut place) in figures.iter().zip(&places).map(|(figure, place)| (figure, *place)) {
        for span in figure.said.iter().chain(is_explained.then_some(&figure.explained)) {
            place = skip(place, put(place, &span.content, span.style, buffer));
        }
    }
    places.len()
}

/// Where figures stand, as many as find room.
fn places(figures: &[Figure], explained: bool, area: Rect) -> Vec<Rect> {
    let (mut places, mut x, mut y) = (Vec::new(), 0, 0);
    for figure in figures {
        let extra = if explained { figure.explained.width() } else { 0 };
        let width = cells(figure.said.iter().map(Span::width).sum::<usize>() + extra);
        if x > 0 && x + width > area.width {
            (x, y) = (0, y + 1);
        }
        if y >= area.height || width > area.width {
            break;
        }
        places.push(Rect { width, ..skip(row(area, y), x) });
        x += width + GAP;
    }
    places
}

/// Whose part is missing, and who said nothing when asked last, in the last row.
fn partial(scene: Scene<'_>, inner: Rect, buffer: &mut Buffer) {
    let Scene { app, theme, .. } = scene;
    if !app.spending.is_partial() || inner.height == 0 {
        return;
    }
    let silent = app.spending.failures().map(|(source, error)| {
        let url = app.sources.get(source.0).map_or("", |source| source.url.as_str());
        format!("no answer from {url} ({error})")
    });
    let missing = app.spending.whole().map_or(&[][..], |whole| &whole.costs.missing);
    let missing = missing.iter().map(|missing| format!("without {} ({})", missing.replica, missing.failure.detail));
    let said: Vec<String> = silent.chain(missing).collect();
    let text = format!("{} {}", theme.glyphs.stale, said.join(", "));
    let line = row(inner, inner.height - 1);
    put(line, &format::fit(&text, usize::from(line.width), theme.glyphs.ellipsis), theme.warning, buffer);
}

fn span(lasted: Duration) -> String {
    format::duration_ms(u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX))
}
