//! Real agents in this process.

use langdeck_agent::{Agent, Config};

/// An agent of this name on a free port, whose simulated work takes no time.
pub(crate) fn config(name: &str) -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        replica_name: name.to_owned(),
        sim_delay: 0.0,
        ..Config::default()
    }
}

/// Starts one.
pub(crate) async fn agent(name: &str) -> Agent {
    start(config(name)).await
}

/// Starts one that is set otherwise.
pub(crate) async fn start(config: Config) -> Agent {
    Agent::start(config).await.unwrap()
}
