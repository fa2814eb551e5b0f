//! The real server on a loopback port: every endpoint, as its clients use it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod alertmanager;
mod budget_windows;
mod budgets;
mod cache;
mod cancelling;
mod clients;
mod costs;
mod decisions;
mod decisions_of_money;
mod document;
mod documented;
mod failing;
mod feed;
mod feed_under_load;
mod fleet;
mod fuzz;
mod invalid;
mod large_notifications;
mod lists;
mod openapi;
mod operations;
mod raw;
mod submitting;
mod support;
