//! The agent between a real Alertmanager, a real Prometheus and a real DNS server, each started here on loopback.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod alertmanager;
mod dns;
mod fleet;
mod program;
mod prometheus;
mod support;
