//! How the widgets look, and that no area and no data can make one of them panic or draw outside its area.

use insta::assert_snapshot;
use langdeck_shared::{StepKind, StepStatus};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::panel::Panel;
use super::spark::{Resample, Sparkline};
use super::table::{Column, Keep, Table, first_row, fit_columns, rows_in};
use super::waterfall::{Waterfall, WaterfallRow, span_ms, strip};
use crate::view::testing::render;
use crate::view::theme::{ColorDepth, Theme};

fn colourful() -> Theme {
    Theme::new(ColorDepth::TrueColor, false)
}

fn ascii() -> Theme {
    Theme::new(ColorDepth::None, true)
}

/// What `draw` makes of an empty screen.
fn drawn(width: u16, height: u16, draw: impl FnOnce(Rect, &mut Buffer)) -> String {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    draw(buffer.area, &mut buffer);
    render(&buffer)
}

fn step(
    label: &'static str,
    kind: StepKind,
    state: StepStatus,
    start_ms: Option<u64>,
    duration_ms: Option<u64>,
    right: &str,
) -> WaterfallRow<'static> {
    WaterfallRow { label, attempts: 1, kind, state, start_ms, duration_ms, right: right.to_owned() }
}

/// A run after 1.9 seconds, one tool after the other.
fn sequential() -> Vec<WaterfallRow<'static>> {
    use StepKind::{Planner, Reasoner, Tool};
    use StepStatus::{Running, Succeeded, Waiting};
    vec![
        step("planner", Planner, Succeeded, Some(0), Some(410), "410ms   45 tok"),
        step("check_pods", Tool, Succeeded, Some(410), Some(450), "450ms   12 tok"),
        step("get_metrics", Tool, Succeeded, Some(860), Some(320), "320ms   15 tok"),
        step("get_logs", Tool, Running, Some(1180), None, "720ms    – tok"),
        step("reasoner", Reasoner, Waiting, None, None, ""),
    ]
}

/// A run whose tools overlap, and one of them failed.
fn parallel() -> Vec<WaterfallRow<'static>> {
    use StepKind::{Planner, Reasoner, Tool};
    use StepStatus::{Cancelled, Failed, Succeeded};
    vec![
        step("planner", Planner, Succeeded, Some(0), Some(60), "60ms"),
        step("check_pods", Tool, Succeeded, Some(60), Some(45), "45ms"),
        step("get_metrics", Tool, Failed, Some(60), Some(120), "120ms"),
        step("get_logs", Tool, Succeeded, Some(60), Some(2), "2ms"),
        step("reasoner", Reasoner, Cancelled, None, None, ""),
    ]
}

#[test]
fn waterfall_of_a_run_under_way() {
    let rows = sequential();
    assert_snapshot!(drawn(78, 6, |area, buffer| Waterfall::new(&rows, 1900).render(area, buffer, &colourful())));
}

#[test]
fn a_step_that_was_tried_again_says_how_often_however_narrow_it_is() {
    let mut rows = sequential();
    rows[2].attempts = 3;
    rows[3].attempts = 2;
    let draw =
        |width, theme: &Theme| drawn(width, 6, |area, buffer| Waterfall::new(&rows, 1900).render(area, buffer, theme));
    assert_snapshot!(draw(78, &colourful()));
    assert!(draw(78, &ascii()).contains("get_metrics x3"));
    for width in [14, 20, 40] {
        let screen = draw(width, &ascii());
        assert!(screen.contains(" x3") && screen.contains(" x2"), "{screen}");
    }
}

#[test]
fn waterfall_of_parallel_tools_in_ascii_with_a_selected_row() {
    let rows = parallel();
    let waterfall = Waterfall { selected: Some(2), focused: true, ..Waterfall::new(&rows, 234) };
    assert_snapshot!(drawn(60, 6, |area, buffer| waterfall.render(area, buffer, &ascii())));
}

#[test]
fn waterfall_gives_up_figures_then_axis_then_bars_as_it_narrows() {
    let rows = parallel();
    let mut all = String::new();
    for width in [32, 23, 18, 7] {
        all.push_str(&drawn(width, 6, |area, buffer| Waterfall::new(&rows, 234).render(area, buffer, &ascii())));
    }
    assert_snapshot!(all);
}

#[test]
fn waterfall_keeps_the_running_step_in_sight_when_it_is_low() {
    let rows = sequential();
    let mut all = String::new();
    for height in 1..=5 {
        all.push_str(&drawn(60, height, |area, buffer| Waterfall::new(&rows, 1900).render(area, buffer, &ascii())));
    }
    assert_snapshot!(all);
}

#[test]
fn a_bar_grows_and_its_scale_waits() {
    let mut rows = sequential();
    let mut before = String::new();
    let mut changes = 0;
    for now in 1510..2000 {
        rows[3].right = "…".to_owned();
        let now_drawn = drawn(60, 6, |area, buffer| Waterfall::new(&rows, now).render(area, buffer, &ascii()));
        let finished = |text: &str| text.lines().take(4).map(str::to_owned).collect::<Vec<_>>();
        assert!(before.is_empty() || finished(&before) == finished(&now_drawn), "{now}");
        changes += usize::from(before != now_drawn);
        before = now_drawn;
    }
    assert!(changes > 5, "the bar under way did not grow: {changes}");
}

#[test]
fn strips_of_both_runs() {
    let theme = colourful();
    assert_snapshot!(drawn(24, 2, |area, buffer| {
        strip(&sequential(), 1900, span_ms(1900), super::row(area, 0), buffer, &theme);
        strip(&parallel(), 234, span_ms(234), super::row(area, 1), buffer, &theme);
    }));
}

const SERIES: [Option<u64>; 12] =
    [Some(0), Some(0), Some(1), Some(3), Some(8), None, None, Some(20), Some(0), Some(40), Some(33), Some(1)];

#[test]
fn sparklines_tell_zero_from_a_gap_and_a_little() {
    let mut all = drawn(14, 1, |area, buffer| Sparkline::new(&SERIES).render(area, buffer, &colourful()));
    all.push_str(&drawn(14, 3, |area, buffer| Sparkline::new(&SERIES).render(area, buffer, &colourful())));
    all.push_str(&drawn(14, 3, |area, buffer| Sparkline::new(&SERIES).render(area, buffer, &ascii())));
    assert_snapshot!(all);
}

/// The text of a sparkline in ASCII, one row high.
fn spark(sparkline: Sparkline<'_>, width: u16) -> String {
    let text = drawn(width, 1, |area, buffer| sparkline.render(area, buffer, &ascii()));
    text.lines().next().unwrap_or_default().trim_matches('│').to_owned()
}

#[test]
fn sparklines_take_the_largest_or_the_sum_of_what_shares_a_cell() {
    let data = [1, 1, 0, 4, 2, 2].map(Some);
    assert_eq!(spark(Sparkline::new(&data), 3), "-#=");
    assert_eq!(spark(Sparkline::new(&data).resample(Resample::Sum), 3), "=##");
}

#[test]
fn a_moving_sparkline_keeps_its_groups() {
    // All values come again within the window, so that the largest, and with it the scale, stays the same.
    let all: Vec<Option<u64>> = (0..200).map(|second| Some(second * 7919 % 50)).collect();
    let at = |end: usize| spark(Sparkline::new(&all[end - 60..end]).end(end as u64), 17);
    let mut moved = 0;
    for end in 80..180 {
        let (before, after) = (at(end), at(end + 1));
        // What is settled stands still, or moves on by one cell as a whole.
        let stands = before[1..16] == after[1..16];
        let moves = before[2..16] == after[1..15];
        assert!(stands || moves, "{end}: {before} {after}");
        moved += usize::from(!stands);
    }
    assert!((20..=32).contains(&moved), "{moved}");
}

#[test]
fn a_young_sparkline_has_the_scale_of_its_neighbours() {
    let data = [Some(9); 12];
    assert_eq!(spark(Sparkline::new(&data).window(60), 20), format!("{}####", " ".repeat(16)));
    assert_eq!(spark(Sparkline::new(&data).window(60), 100), format!("{}{}", " ".repeat(88), "#".repeat(12)));
}

#[test]
fn panels_give_up_note_figures_and_title_as_they_narrow() {
    let theme = colourful();
    let mut all = String::new();
    for width in [60, 44, 34, 24, 14, 6, 3, 2, 1] {
        all.push_str(&drawn(width, 3, |area, buffer| {
            let panel = Panel::new("Investigations").styled_figure("2 running", theme.running).figure("377 done");
            panel.note("by cost ▾").focused(width > 50).render(area, buffer, &theme);
        }));
    }
    assert_snapshot!(all);
}

#[test]
fn the_inside_of_a_panel() {
    let panel = Panel::new("Fleet");
    assert_eq!(panel.inner(Rect::new(5, 5, 20, 4)), Rect::new(7, 6, 16, 2));
    assert_eq!(panel.flush().inner(Rect::new(5, 5, 20, 4)), Rect::new(7, 6, 17, 2));
}

const COLUMNS: [Column<'static>; 5] = [
    Column::new("REPLICA", 8, 12).keep(Keep::End),
    Column::new("STATE", 7, 9),
    Column::new("RUN", 3, 3).right().priority(2),
    Column::new("COST", 7, 8).right().priority(1),
    Column::new("LAST 60 S", 5, 10).flex().priority(3),
];

fn fleet(width: u16, height: u16, table: Table<'_>, theme: &Theme) -> String {
    drawn(width, height, |area, buffer| {
        table.render(area, buffer, theme, |index, row| {
            row.text(0, &format!("langchain-free-{index:05}"), theme.text);
            row.text(1, "● ready", theme.done);
            row.text(2, &index.to_string(), theme.text);
            row.text(3, "$0.0672", theme.money);
            row.draw(4, |area, buffer| Sparkline::new(&SERIES).render(area, buffer, theme));
        });
    })
}

#[test]
fn a_table_with_all_its_columns_and_more_rows_than_fit() {
    let table = Table { selected: Some(3), focused: true, ..Table::new(&COLUMNS, 40) };
    assert_snapshot!(fleet(64, 6, table, &colourful()));
}

#[test]
fn tables_give_up_the_least_important_columns_as_they_narrow() {
    let mut all = String::new();
    for width in [50, 38, 30, 20, 9] {
        let table = Table { selected: Some(0), ..Table::new(&COLUMNS, 2) };
        let hidden = fit_columns(&COLUMNS, width).iter().filter(|place| place.is_none()).count();
        all.push_str(&format!("{hidden} columns hidden\n"));
        all.push_str(&fleet(width, 3, table, &ascii()));
    }
    assert_snapshot!(all);
}

#[test]
fn a_table_asks_only_for_the_rows_in_sight() {
    let mut asked = Vec::new();
    let table = Table { selected: Some(usize::MAX - 1), ..Table::new(&COLUMNS, usize::MAX) };
    let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 5));
    table.render(buffer.area, &mut buffer, &ascii(), |index, _| asked.push(index));
    assert_eq!(asked, (usize::MAX - 4..usize::MAX).collect::<Vec<_>>());
    let drawn = rows_in(buffer.area, table.header, table.selected, table.rows);
    assert_eq!(drawn.row_at(4, 0), None);
    assert_eq!(drawn.row_at(4, 4), Some(usize::MAX - 1));
    assert_eq!(drawn.row_at(4, 5), None);
}

#[test]
fn the_first_row_moves_no_more_than_the_selection_makes_it() {
    for ((selected, height, rows), first) in [
        ((None, 5, 3), 0),
        ((None, 5, 20), 0),
        ((Some(4), 5, 20), 0),
        ((Some(5), 5, 20), 1),
        ((Some(19), 5, 20), 15),
        ((Some(99), 5, 20), 15),
        ((Some(7), 0, 20), 8),
    ] {
        assert_eq!(first_row(selected, height, rows), first, "{selected:?} {height} {rows}");
    }
}

/// Areas within, across and outside the buffer of [`inside_its_area`].
fn area() -> impl Strategy<Value = Rect> {
    let corner = prop_oneof![9 => 0u16..60, 1 => Just(u16::MAX)];
    let size = prop_oneof![9 => 0u16..60, 1 => Just(u16::MAX)];
    (corner.clone(), corner, size.clone(), size).prop_map(|(x, y, width, height)| Rect { x, y, width, height })
}

fn theme() -> impl Strategy<Value = Theme> {
    use ColorDepth::{Ansi16, Indexed256, None, TrueColor};
    (prop::sample::select(vec![None, Ansi16, Indexed256, TrueColor]), any::<bool>())
        .prop_map(|(depth, ascii)| Theme::new(depth, ascii))
}

fn time() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![Just(None), (0u64..3000).prop_map(Some), any::<u64>().prop_map(Some)]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_]{0,12}", ".{0,20}", "[数据库👩\u{200d}\u{301}\u{1}]{0,30}"]
}

/// Draws into a buffer that does not start at the origin, and fails when a cell outside `area` has changed.
fn inside_its_area(area: Rect, draw: impl FnOnce(&mut Buffer)) -> Result<(), TestCaseError> {
    let mut buffer = Buffer::empty(Rect::new(3, 2, 40, 12));
    draw(&mut buffer);
    let blank = ratatui::buffer::Cell::default();
    for position in buffer.area.positions() {
        let inside = position.x >= area.x
            && position.x - area.x < area.width
            && position.y >= area.y
            && position.y - area.y < area.height;
        prop_assert!(inside || buffer[position] == blank, "{position:?} is outside {area:?}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn waterfalls_stay_inside(
        area in area(),
        theme in theme(),
        labels in prop::collection::vec((name(), name(), any::<u32>()), 0..9),
        times in prop::collection::vec((time(), time(), 0..5u8, 0..3u8), 9),
        now in time(),
        selected in prop::option::of(0..20usize),
    ) {
        use StepStatus::{Cancelled, Failed, Running, Succeeded, Waiting};
        let rows: Vec<WaterfallRow<'_>> = labels.iter().zip(times).map(|((label, right, attempts), (start, duration, state, kind))| {
            WaterfallRow {
                label,
                attempts: *attempts,
                kind: [StepKind::Planner, StepKind::Tool, StepKind::Reasoner][usize::from(kind)],
                state: [Waiting, Running, Succeeded, Failed, Cancelled][usize::from(state)],
                start_ms: start,
                duration_ms: duration,
                right: right.clone(),
            }
        }).collect();
        let now = now.unwrap_or(0);
        inside_its_area(area, |buffer| {
            Waterfall { selected, focused: true, ..Waterfall::new(&rows, now) }.render(area, buffer, &theme);
        })?;
        inside_its_area(area, |buffer| strip(&rows, now, span_ms(now), area, buffer, &theme))?;
        inside_its_area(area, |buffer| strip(&rows, now, 0, area, buffer, &theme))?;
    }

    #[test]
    fn sparklines_stay_inside(
        area in area(),
        theme in theme(),
        data in prop::collection::vec(prop::option::of(any::<u64>()), 0..90),
        end in prop_oneof![0u64..200, any::<u64>()],
        window in prop_oneof![0usize..200, any::<usize>()],
        sum in any::<bool>(),
    ) {
        let sparkline = Sparkline::new(&data).end(end).window(window);
        let sparkline = if sum { sparkline.resample(Resample::Sum) } else { sparkline };
        inside_its_area(area, |buffer| sparkline.render(area, buffer, &theme))?;
    }

    #[test]
    fn panels_stay_inside(
        area in area(),
        theme in theme(),
        texts in prop::collection::vec(name(), 4),
    ) {
        inside_its_area(area, |buffer| {
            let panel = Panel::new(texts[0].as_str()).figure(texts[1].as_str()).figure(texts[2].as_str());
            let inner = panel.note(texts[3].as_str()).render(area, buffer, &theme);
            assert!(inner.is_empty() || inner.union(buffer.area) == buffer.area);
        })?;
    }

    #[test]
    fn tables_stay_inside(
        area in area(),
        theme in theme(),
        columns in prop::collection::vec((name(), 0u16..30, 0u16..60, 0u8..4, any::<(bool, bool)>()), 0..8),
        texts in prop::collection::vec(name(), 8),
        rows in prop_oneof![0usize..30, any::<usize>()],
        selected in prop::option::of(prop_oneof![0usize..40, any::<usize>()]),
    ) {
        let columns: Vec<Column<'_>> = columns.iter().map(|(title, min, ideal, priority, (right, flex))| {
            let column = Column::new(title, *min, *ideal).priority(*priority);
            let column = if *right { column.right().keep(Keep::End) } else { column };
            if *flex { column.flex() } else { column }
        }).collect();
        let table = Table { selected, ..Table::new(&columns, rows) };
        inside_its_area(area, |buffer| {
            table.render(area, buffer, &theme, |_, row| {
                for (column, text) in texts.iter().enumerate() {
                    row.text(column, text, theme.text);
                }
            });
        })?;
    }

    #[test]
    fn columns_never_overlap(
        columns in prop::collection::vec((0u16..30, 0u16..60, 0u8..4, any::<bool>()), 0..12),
        width in 0u16..300,
    ) {
        let columns: Vec<Column<'_>> = columns.iter().map(|(min, ideal, priority, flex)| {
            let column = Column::new("", *min, *ideal).priority(*priority);
            if *flex { column.flex() } else { column }
        }).collect();
        let places = fit_columns(&columns, width);
        let mut end = 0;
        for (start, width) in places.iter().flatten() {
            prop_assert!(*start >= end);
            end = start + width + 2;
        }
        let fits = columns.iter().zip(&places).all(|(_, place)| place.is_none_or(|(start, size)| size > 0 && start + size < width));
        let only_the_lasting = places.iter().flatten().count() == columns.iter().filter(|column| !column.may_go()).count();
        prop_assert!(fits || only_the_lasting);
    }
}
