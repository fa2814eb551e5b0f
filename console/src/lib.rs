//! The parts of the `langdeck` command: state, network, screens.

#![forbid(unsafe_code)]

pub mod alarm;
pub mod app;
pub mod cli;
pub mod commands;
pub mod crash;
#[cfg(test)]
mod hostile;
pub mod net;
#[cfg(test)]
mod readme;
pub mod run;
pub mod signals;
pub mod terminal;
pub mod view;
pub mod widgets;
