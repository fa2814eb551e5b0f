//! The fleet's last minutes: tokens and money per second.

use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Scene, format};
use crate::app::{Replica, hourly, series};
use crate::widgets::panel::Panel;
use crate::widgets::spark::{Resample, Sparkline};
use langdeck_shared::Usd;

/// Over how many seconds the rate in a title is taken.
const RATE: usize = 10;

/// Tokens per second of all replicas together.
pub(super) fn tokens(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let data = sum(scene, area, |sample| sample.tokens);
    let recent: Vec<u64> = data.iter().rev().take(RATE).flatten().copied().collect();
    let mut panel = Panel::new("Tokens/s");
    if !recent.is_empty() {
        let total = recent.iter().fold(0, |sum: u64, tokens| sum.saturating_add(*tokens));
        panel = panel.styled_figure(format::count(total / recent.len() as u64), scene.theme.strong);
        panel = panel.figure(format!("peak {}", format::count(data.iter().flatten().copied().max().unwrap_or(0))));
    }
    let inner = panel.render(area, buffer, scene.theme);
    chart(scene, &data).render(inner, buffer, scene.theme);
}

/// Money per second of all replicas together.
pub(super) fn money(scene: Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let data = sum(scene, area, |sample| sample.cost_usd.nanos());
    let minute = data.iter().rev().take(60).map(|nanos| nanos.map(Usd::from_nanos));
    let rate = hourly(minute).map_or_else(|| scene.theme.glyphs.dash.to_owned(), format::usd);
    let panel = Panel::new("Spend").styled_figure(format!("{rate} per hour"), scene.theme.money);
    let inner = panel.render(area, buffer, scene.theme);
    chart(scene, &data).ramp(&scene.theme.spark_money).render(inner, buffer, scene.theme);
}

/// One value a second for at least two minutes, or as many as there are columns.
fn sum(scene: Scene<'_>, area: Rect, value: impl Fn(&langdeck_shared::Sample) -> u64) -> Vec<Option<u64>> {
    let seconds = usize::from(area.width).clamp(120, series::SECONDS);
    let all = scene.app.fleet.replicas().iter().map(|replica| (&replica.series, silent(replica, scene.now)));
    series::sum(all, seconds, value)
}

/// For how many seconds a replica has said nothing; none while it is fresh, since answers come a little apart.
fn silent(replica: &Replica, now: Instant) -> usize {
    if replica.is_fresh(now) { 0 } else { usize::try_from(replica.age(now).as_secs()).unwrap_or(usize::MAX) }
}

fn chart<'a>(scene: Scene<'_>, data: &'a [Option<u64>]) -> Sparkline<'a> {
    let end = scene.app.fleet.replicas().iter().map(|replica| replica.series.end()).max().unwrap_or(0);
    Sparkline::new(data).end(end).resample(Resample::Sum)
}
