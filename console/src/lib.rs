//! The parts of the `langdeck` command: state, network, screens.

#![forbid(unsafe_code)]

pub mod app;
pub mod net;
pub mod view;
pub mod widgets;
