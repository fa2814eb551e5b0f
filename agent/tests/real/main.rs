//! The agent between a real Alertmanager and a real Prometheus, each started here on loopback.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod alertmanager;
mod program;
mod prometheus;
mod support;
