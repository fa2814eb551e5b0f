//! An agent's life: start, serve, drain, stop.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api;
use crate::chain::Engine;
use crate::config::{Config, ConfigError};
use crate::cost::{Policy, PolicyError, Rule};
use crate::decisions::Writing;
use crate::fleet::{Directory, Fleet};
use crate::identity::Identity;
use crate::metrics::Meters;
use crate::model::{Model, SIMULATED_MODELS, ScenarioError, Scenarios, SimulatedModel};
use crate::runs::{Limits, Room, Runs};
use crate::serve::{Bounds, serve};
use crate::tools::{Tool, simulated_tools};

/// How long answers under way may take to leave once all work has ended; then connections are left to themselves.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// How long cancelled work may take to notice.
const LAST_WORK: Duration = Duration::from_secs(2);
/// How long the decision log may take to be written to its end.
const LAST_DECISIONS: Duration = Duration::from_secs(2);

/// A running agent. It serves until [`shutdown`](Self::shutdown), or until it is dropped, which takes no new
/// connections but waits for nothing.
pub struct Agent {
    address: SocketAddr,
    identity: Arc<Identity>,
    runs: Arc<Runs>,
    drain_delay: Duration,
    grace: Duration,
    decision_log: Option<Writing>,
    /// Stops the server when it is dropped.
    stop: watch::Sender<()>,
    server: JoinHandle<()>,
}

/// What an agent works with.
pub struct Parts {
    /// The model behind planner, tool steps and reasoner.
    pub model: Arc<dyn Model>,
    /// More models, which a policy can choose by their names.
    pub other_models: Vec<Arc<dyn Model>>,
    /// The tools that a plan can choose from.
    pub tools: Vec<Arc<dyn Tool>>,
}

/// Why an agent did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is out of its bounds, or without effect.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The scenarios cannot be used.
    #[error("{0}")]
    Scenarios(#[from] ScenarioError),
    /// The policy cannot be used.
    #[error("{0}")]
    Policy(#[from] PolicyError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another address with --listen (LANGDECK_LISTEN)")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The decision log has no thread.
    #[error("cannot start the writer of the decision log: {0}")]
    DecisionLog(io::Error),
    /// A metric could not be made.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The OpenAPI document could not be written.
    #[error("OpenAPI document: {0}")]
    OpenApi(#[from] serde_json::Error),
}

impl StartError {
    /// Whether the settings are at fault, and not the machine.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Config(_) | Self::Scenarios(_) | Self::Policy(_))
    }
}

impl Agent {
    /// Starts an agent with the simulated model and tools.
    ///
    /// # Errors
    ///
    /// When a setting is out of bounds, the scenarios or the policy cannot be used, or the address cannot be listened on;
    /// nothing is left running then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::simulated(config, None).await
    }

    /// Starts an agent where somebody listens already, whatever the setting says: those who are to be each other's peers
    /// have to know all addresses before the first of them starts.
    ///
    /// # Errors
    ///
    /// As with [`start`](Self::start).
    pub async fn start_on(listener: TcpListener, config: Config) -> Result<Self, StartError> {
        Self::simulated(config, Some(listener)).await
    }

    async fn simulated(config: Config, listener: Option<TcpListener>) -> Result<Self, StartError> {
        config.validate()?;
        let scenarios = Arc::new(Scenarios::load(config.scenarios.as_deref())?);
        let [model, cheaper] = SIMULATED_MODELS.map(|name| {
            Arc::new(SimulatedModel::new(name, Arc::clone(&scenarios), config.sim_delay)) as Arc<dyn Model>
        });
        let parts = Parts { model, other_models: vec![cheaper], tools: simulated_tools(&scenarios, config.sim_delay) };
        let limit = config.simulated_run_deadline();
        Self::assemble(config, scenarios, parts, limit, listener).await
    }

    /// Starts an agent with other parts. Aliases of alert types are still those of the scenarios.
    ///
    /// # Errors
    ///
    /// As with [`start`](Self::start).
    pub async fn start_with(config: Config, parts: Parts) -> Result<Self, StartError> {
        config.validate()?;
        let scenarios = Arc::new(Scenarios::load(config.scenarios.as_deref())?);
        let limit = config.run_deadline;
        Self::assemble(config, scenarios, parts, limit, None).await
    }

    async fn assemble(
        config: Config,
        scenarios: Arc<Scenarios>,
        parts: Parts,
        limit: Duration,
        listener: Option<TcpListener>,
    ) -> Result<Self, StartError> {
        let Parts { model, other_models, tools } = parts;
        let policy = policy(&config, &scenarios, &model, &other_models)?;
        let decision_log = config.open_decision_log()?;
        let identity = Arc::new(Identity::new(&config.replica_name, model.name(), config.tool_mode));
        let engine = Engine::new(model, tools, config.tool_mode, limit).with_models(other_models);
        let meters = Arc::new(Meters::new(engine.tools(), policy.models(&identity.model))?);
        let limits = Limits { running: config.max_running, queued: config.max_queued };
        let bounds = Bounds::beside(limits.running.saturating_add(limits.queued));
        let room = Room { limits, history: config.history, cache_ttl: config.cache_ttl };
        let runs = Runs::new(engine, scenarios, Arc::clone(&identity), Arc::clone(&meters), room, policy);
        let directory = Directory::new(&config.peers, config.dns_server);
        let fleet = Fleet::new(Arc::clone(&identity), Arc::clone(&runs), directory, Arc::clone(&meters));
        let service = api::service(Arc::clone(&runs), Arc::clone(&identity), fleet, meters, config.service_labels)?;

        let (listener, address) = listen(listener, config.listen).await?;
        let write = |output| Writing::start(runs.decisions(), output);
        let decision_log = decision_log.map(write).transpose().map_err(StartError::DecisionLog)?;
        let (stop, stopped) = watch::channel(());
        let server = tokio::spawn(serve(listener, Arc::new(service), bounds, stopped));
        tracing::info!(%address, replica = %identity.replica, boot_id = identity.boot_id, "listening");
        let (drain_delay, grace) = (config.drain_delay, config.grace);
        Ok(Self { address, identity, runs, drain_delay, grace, decision_log, stop, server })
    }

    /// The address that it listens on; with the port that it was given where port 0 was asked for.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The URL under which this machine reaches it.
    #[must_use]
    pub fn url(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// The replica's name.
    #[must_use]
    pub fn replica(&self) -> &str {
        &self.identity.replica
    }

    /// The id of this life of the replica.
    #[must_use]
    pub fn boot_id(&self) -> &str {
        &self.identity.boot_id
    }

    /// Drains and stops: `/readyz` says 503 at once, work is still taken for the drain delay, what was accepted may
    /// finish within the grace, the rest is cancelled. The last answers leave before this returns.
    pub async fn shutdown(self) {
        let Self { runs, drain_delay, grace, decision_log, stop, server, .. } = self;
        runs.start_draining();
        tracing::info!(drain_delay = %humantime::format_duration(drain_delay), "draining");
        if !drain_delay.is_zero() {
            tokio::time::sleep(drain_delay).await;
        }
        runs.close();
        if tokio::time::timeout(grace, runs.idle()).await.is_err() {
            tracing::warn!(grace = %humantime::format_duration(grace), "the grace is over, cancelling what still runs");
            runs.cancel_all();
            // Work that does not notice even that ends with the process.
            let _ = tokio::time::timeout(LAST_WORK, runs.idle()).await;
        }
        drop(stop);
        let abort = server.abort_handle();
        if tokio::time::timeout(LAST_ANSWERS, server).await.is_err() {
            abort.abort();
        }
        if let Some(log) = decision_log
            && !log.end(LAST_DECISIONS).await
        {
            tracing::error!("the decision log takes too long, its end is not written");
        }
        tracing::info!("stopped");
    }
}

/// What the policy file and the flags say together, if it can be done.
fn policy(
    config: &Config,
    scenarios: &Scenarios,
    model: &Arc<dyn Model>,
    other_models: &[Arc<dyn Model>],
) -> Result<Policy, PolicyError> {
    let mut policy = Policy::load(config.policy.as_deref())?;
    if let Some(limit) = config.budget_usd {
        policy.limit_total(Rule::total(limit, config.budget_window, config.budget_at_limit))?;
    }
    policy.resolve(|alias| scenarios.resolve(alias).cloned())?;
    let models: Vec<_> = std::iter::once(model).chain(other_models).map(|model| model.name()).collect();
    policy.check_models(&models, Timestamp::now())?;
    Ok(policy)
}

async fn listen(listener: Option<TcpListener>, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = async {
        let listener = match listener {
            Some(listener) => listener,
            None => TcpListener::bind(address).await?,
        };
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bound.await.map_err(|source| StartError::Listen { address, source })
}
