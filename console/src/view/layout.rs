//! Where everything stands, for drawing and for the mouse alike.

use ratatui::layout::Rect;

use super::connection;
use crate::app::{App, CostPane, Tab};

/// Columns and rows below which nothing useful can be shown.
pub(super) const SMALLEST: (u16, u16) = (40, 12);
/// From how many columns on the list and the timeline stand side by side, and the charts in one row.
const WIDE: u16 = 116;
/// From how many rows on there are charts.
const TALL: u16 = 32;
/// From how many rows on the tabs have a row of their own.
const WITH_TABS: u16 = TALL + 2;
/// Rows of a panel that are frame.
const FRAME: u16 = 2;
/// The rows of a timeline of three tools: axis, planner, tools, reasoner.
const TIMELINE: u16 = FRAME + 6;

/// The whole screen.
///
/// ```text
/// header
/// tabs, where it is high
/// body
/// banner, over the end of the body while something is wrong, so that nothing moves
/// footer
/// ```
pub(super) struct Areas {
    pub(super) header: Rect,
    /// May be empty.
    pub(super) tabs: Rect,
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
    Cost(Cost),
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

/// ```text
/// ┌ spent ───────────────────────────┐
/// ├ budgets ─────────────────────────┤
/// ├ shares ──────────────────────────┤
/// ├ what-if ────────┬ outliers ──────┤   one of them where it is narrow, none where it is low
/// └─────────────────┴────────────────┘
/// ```
pub(super) struct Cost {
    pub(super) spent: Rect,
    pub(super) budgets: Rect,
    /// Gives way to the outliers where these have no place of their own and keys go to them.
    pub(super) shares: Option<Rect>,
    pub(super) what_if: Option<Rect>,
    pub(super) outliers: Option<Rect>,
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
            let (tabs, _) = cut_top(rest, 0);
            return Some(Self { header, tabs, body: Body::NoConnection(rest), banner, footer, overlay });
        }
        let (tabs, rest) = cut_top(rest, u16::from(area.height >= WITH_TABS));
        let (above, banner) = cut_bottom(rest, connection::banner_rows(app).min(rest.height / 3));
        let body = match app.opened() {
            Some(detail) => {
                let known = app.opened_known().map_or(0, |known| known.investigation.steps.len());
                let steps = detail.whole.as_ref().map_or(0, |whole| whole.steps.len()).max(known);
                Body::Detail(Detail::of(rest, steps).above(above.bottom()))
            }
            None if app.tab == Tab::Cost => Body::Cost(Cost::of(app, above)),
            None => Body::Overview(Overview::of(rest, app.fleet.known_count())),
        };
        Some(Self { header, tabs, body, banner, footer, overlay })
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

/// Rows below which there is nothing under the shares.
const COST_LOW: u16 = 17;

impl Cost {
    fn of(app: &App, area: Rect) -> Self {
        let spending = &app.spending;
        let (spent, rest) = cut_top(area, FRAME + 2 + u16::from(spending.is_partial()));
        // With heads over its rows; without a budget it is a sentence.
        let budgets = u16::try_from(spending.count(CostPane::Budgets)).unwrap_or(u16::MAX);
        let rows = if budgets == 0 { 1 } else { 1 + budgets.clamp(1, (area.height / 7).max(1)) };
        let (budgets, rest) = cut_top(rest, FRAME + rows);
        let on_outliers = spending.pane == CostPane::Outliers;
        let mut cost = Self { spent, budgets, shares: Some(rest), what_if: None, outliers: None };
        if area.height < COST_LOW {
            if on_outliers {
                (cost.shares, cost.outliers) = (None, Some(rest));
            }
            return cost;
        }
        let (shares, below) = cut_bottom(rest, (area.height / 4).clamp(5, 11));
        cost.shares = Some(shares);
        if area.width >= WIDE {
            let (what_if, outliers) = cut_left(below, area.width * 2 / 5);
            (cost.what_if, cost.outliers) = (Some(what_if), Some(outliers));
        } else if on_outliers || spending.count(CostPane::Outliers) > 0 {
            cost.outliers = Some(below);
        } else {
            cost.what_if = Some(below);
        }
        cost
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
