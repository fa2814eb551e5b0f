//! The colours for terminals that show more than sixteen.

use ratatui::style::Color;

/// What the palettes of 256 and of all colours differ in.
pub(super) struct Palette {
    pub(super) accent: Color,
    pub(super) teal: Color,
    pub(super) green: Color,
    pub(super) amber: Color,
    pub(super) red: Color,
    pub(super) violet: Color,
    pub(super) grey: Color,
    pub(super) faint: Color,
    /// Text and background.
    pub(super) selected: [Color; 2],
    pub(super) unfocused: [Color; 2],
    pub(super) spark: [Color; 4],
    pub(super) spark_money: [Color; 4],
}

impl Palette {
    /// The 256 of xterm.
    pub(super) const INDEXED: Self = Self {
        accent: Color::Indexed(68),
        teal: Color::Indexed(66),
        green: Color::Indexed(71),
        amber: Color::Indexed(172),
        red: Color::Indexed(167),
        violet: Color::Indexed(134),
        grey: Color::Indexed(244),
        faint: Color::Indexed(240),
        selected: [Color::Indexed(255), Color::Indexed(236)],
        unfocused: [Color::Indexed(253), Color::Indexed(235)],
        spark: [Color::Indexed(25), Color::Indexed(32), Color::Indexed(68), Color::Indexed(75)],
        spark_money: [Color::Indexed(97), Color::Indexed(97), Color::Indexed(134), Color::Indexed(140)],
    };

    /// Eight bits for each of red, green and blue.
    pub(super) const TRUE_COLOR: Self = Self {
        accent: Color::Rgb(0x43, 0x90, 0xde),
        teal: Color::Rgb(0x3f, 0x8f, 0x94),
        green: Color::Rgb(0x46, 0xa3, 0x61),
        amber: Color::Rgb(0xc8, 0x8c, 0x25),
        red: Color::Rgb(0xe0, 0x56, 0x4e),
        violet: Color::Rgb(0xa2, 0x82, 0xd2),
        grey: Color::Rgb(0x7f, 0x88, 0x93),
        faint: Color::Rgb(0x59, 0x62, 0x6d),
        selected: [Color::Rgb(0xf0, 0xf4, 0xf8), Color::Rgb(0x1e, 0x32, 0x47)],
        unfocused: [Color::Rgb(0xe0, 0xe4, 0xe8), Color::Rgb(0x24, 0x2a, 0x31)],
        spark: [
            Color::Rgb(0x35, 0x63, 0x94),
            Color::Rgb(0x3b, 0x77, 0xb6),
            Color::Rgb(0x43, 0x90, 0xde),
            Color::Rgb(0x62, 0xa8, 0xee),
        ],
        spark_money: [
            Color::Rgb(0x70, 0x5c, 0x92),
            Color::Rgb(0x88, 0x6e, 0xb1),
            Color::Rgb(0xa2, 0x82, 0xd2),
            Color::Rgb(0xb8, 0x9c, 0xe4),
        ],
    };
}
