//! Where everything stands, for drawing and for the mouse alike.

use ratatui::layout::Rect;

use super::connection;
use crate::app::App;

/// Columns and rows below which nothing useful can be shown.
pub(super) const SMALLEST: (u16, u16) = (40, 12);
/// From how many columns on the list and the timeline stand side by side, and the charts in one row.
const WIDE: u16 = 116;
/// From how many rows on there are charts.
const TALL: u16 = 32;
/// Rows of a panel that are frame.
const FRAME: u16 = 2;
/// The rows of a timeline of three tools: axis, planner, tools, reasoner.
const TIMELINE: u16 = FRAME + 6;

/// The whole screen.
///
/// ```text
/// header
/// body
/// banner, over the end of the body while something is wrong, so that nothing moves
/// footer
/// ```
pub(super) struct Areas {
    pub(super) header: Rect,
    pub(super) body: Body,
    /// May be empty.
    pub(super) banner: Rect,
    pub(super) footer: Rect,
    /// Where overlays may stand.
    pub(super) overlay: Rect,
}

/// What stands between header and footer.
pub(super) enum Body {
    /// Nobody has answered yet.
    NoConnection(Rect),
    Overview(Overview),
    Detail(Detail),
}

/// ```text
/// ┌ fleet ───────────────────────────┐
/// ├ list ───────────┬ timeline ──────┤   the timeline stands below the list where it is narrow
/// ├ tokens ─┬ money ┴┬ memory ───────┤   one line where it is low, none where it is very low
/// └─────────┴────────┴───────────────┘
/// ```
pub(super) struct Overview {
    pub(super) fleet: Rect,
    pub(super) list: Rect,
    pub(super) timeline: Rect,
    pub(super) charts: Charts,
}

pub(super) enum Charts {
    None,
    /// Everything in one line.
    Line(Rect),
    Panels(Panels),
}

pub(super) struct Panels {
    pub(super) tokens: Rect,
    pub(super) money: Rect,
    pub(super) memory: Rect,
}

/// ```text
/// ┌ timeline ────────┬ decisions ────┐
/// ├ step ────────────┤               │   where it is narrow, the decisions take the step's place while keys go to them,
/// │                  ├ report ───────┤   and the report has none of its own
/// └──────────────────┴───────────────┘
/// ```
#[derive(Clone, Copy)]
pub(super) struct Detail {
    pub(super) timeline: Rect,
    pub(super) step: Rect,
    pub(super) beside: Option<Beside>,
}

/// What stands beside timeline and step where it is wide.
#[derive(Clone, Copy)]
pub(super) struct Beside {
    pub(super) decisions: Rect,
    pub(super) report: Rect,
}

impl Areas {
    /// Where everything stands on a screen of this size; none when it is too small for anything.
    pub(super) fn of(app: &App, area: Rect) -> Option<Self> {
        let (columns, rows) = SMALLEST;
        if area.width < columns || area.height < rows {
            return None;
        }
        let (header, rest) = cut_top(area, 1);
        let (rest, footer) = cut_bottom(rest, 1);
        let overlay = rest;
        if app.fleet.known_count() == 0 {
            let (_, banner) = cut_bottom(rest, connection::fault_rows(app));
            return Some(Self { header, body: Body::NoConnection(rest), banner, footer, overlay });
        }
        let (above, banner) = cut_bottom(rest, connection::banner_rows(app).min(rest.height / 3));
        let body = match app.opened() {
            Some(detail) => {
                let known = app.investigations.get(&detail.id).map_or(0, |known| known.investigation.steps.len());
                let steps = detail.whole.as_ref().map_or(0, |whole| whole.steps.len()).max(known);
                Body::Detail(Detail::of(rest, steps).above(above.bottom()))
            }
            None => Body::Overview(Overview::of(rest, app.fleet.known_count())),
        };
        Some(Self { header, body, banner, footer, overlay })
    }
}

impl Overview {
    fn of(area: Rect, replicas: usize) -> Self {
        let rows = u16::try_from(replicas).unwrap_or(u16::MAX).clamp(1, (area.height / 4).max(1));
        let (fleet, rest) = cut_top(area, rows + 1 + FRAME);
        let (rest, charts) = if area.height + 2 >= TALL {
            let (rest, panels) = cut_bottom(rest, (area.height / 5).clamp(5, 10));
            (rest, Charts::Panels(Panels::of(panels)))
        } else if rest.height > 2 * TIMELINE - 2 {
            let (rest, line) = cut_bottom(rest, 1);
            (rest, Charts::Line(line))
        } else {
            (rest, Charts::None)
        };
        let (list, timeline) = if area.width >= WIDE {
            cut_left(rest, area.width * 11 / 20)
        } else {
            let wanted = TIMELINE.max(rest.height * 2 / 5);
            cut_bottom(rest, wanted.min(rest.height.div_ceil(2)))
        };
        Self { fleet, list, timeline, charts }
    }
}

impl Panels {
    fn of(area: Rect) -> Self {
        let quarter = area.width / 4;
        let (tokens, rest) = cut_left(area, quarter);
        let (money, memory) = cut_left(rest, quarter);
        Self { tokens, money, memory }
    }
}

impl Detail {
    fn of(area: Rect, steps: usize) -> Self {
        let rows = u16::try_from(steps).unwrap_or(u16::MAX).clamp(3, (area.height / 3).max(3));
        let (left, right) = if area.width >= WIDE {
            let (left, right) = cut_left(area, area.width * 11 / 20);
            (left, Some(right))
        } else {
            (area, None)
        };
        let (timeline, step) = cut_top(left, rows + 1 + FRAME);
        let beside = right.map(|right| {
            let (decisions, report) = cut_top(right, (right.height * 2 / 5).max(timeline.height));
            Beside { decisions, report }
        });
        Self { timeline, step, beside }
    }

    /// The same with its texts ending before a row, so that their last lines can be read.
    fn above(self, row: u16) -> Self {
        let end = |area: Rect| Rect { height: row.saturating_sub(area.y).min(area.height), ..area };
        let beside =
            self.beside.map(|Beside { decisions, report }| Beside { decisions: end(decisions), report: end(report) });
        Self { step: end(self.step), beside, ..self }
    }
}

fn cut_top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    (Rect { height: rows, ..area }, Rect { y: area.y + rows, height: area.height - rows, ..area })
}

fn cut_bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    cut_top(area, area.height - rows.min(area.height))
}

fn cut_left(area: Rect, columns: u16) -> (Rect, Rect) {
    let columns = columns.min(area.width);
    (Rect { width: columns, ..area }, Rect { x: area.x + columns, width: area.width - columns, ..area })
}

/// A place in the middle of an area, as large as asked where there is room.
pub(super) fn centred(area: Rect, columns: u16, rows: u16) -> Rect {
    let (width, height) = (columns.min(area.width), rows.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}
