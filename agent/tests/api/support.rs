//! A server to talk to, and a model and a tool that do as they are told.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use langdeck_agent::{
    Agent, Answer, Arguments, ArgumentsRequest, Conclusion, ConclusionRequest, Config, Model, ModelCall, ModelError,
    Parts, Plan, PlanRequest, Question, ReportedUsage, StartError, Tool, ToolCall, ToolError, Usage,
};
use langdeck_shared::{Alert, Investigation, Problem, ReplicaUpdate};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub(crate) const REPLICA: &str = "test-replica";

/// No simulated delay, any free port.
pub(crate) fn config() -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        replica_name: REPLICA.to_owned(),
        sim_delay: 0.0,
        ..Config::default()
    }
}

/// A running agent and a client for it.
pub(crate) struct Server {
    pub(crate) agent: Agent,
    client: Client,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self::around(Agent::start(config).await.unwrap())
    }

    /// An agent whose one tool waits at a gate.
    pub(crate) async fn gated(config: Config) -> (Self, Arc<Gate>) {
        Self::gated_from_attempt(1, config).await
    }

    /// The same, where attempts before that one fail.
    pub(crate) async fn gated_from_attempt(first: u32, config: Config) -> (Self, Arc<Gate>) {
        let (agent, gate) = gated(first, config).await;
        (Self::around(agent.unwrap()), gate)
    }

    /// Why the same does not start.
    pub(crate) async fn gated_refused(config: Config) -> StartError {
        gated(1, config).await.0.err().unwrap()
    }

    pub(crate) fn around(agent: Agent) -> Self {
        // Only https would use it, but a client is not made without.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        Self { agent, client }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.agent.url() + path
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), self.url(path))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request("GET", path).send().await.unwrap()
    }

    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &str) -> T {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.request("POST", path).json(body).send().await.unwrap()
    }

    /// Submits an alert without waiting for it; its id.
    pub(crate) async fn submit(&self, alert_type: &str, service: &str) -> String {
        let response = self.post("/v1/investigations", &alert(alert_type, service)).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        response.json::<Value>().await.unwrap()["investigation_id"].as_str().unwrap().to_owned()
    }

    /// Submits an alert and waits for its report.
    pub(crate) async fn investigate(&self, alert_type: &str, service: &str) -> Value {
        let response = self.post("/investigate", &alert(alert_type, service)).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    pub(crate) async fn investigation(&self, id: &str) -> Investigation {
        self.read(&format!("/v1/investigations/{id}")).await
    }

    pub(crate) async fn ended(&self, id: &str) -> Investigation {
        eventually("the investigation ends", async || {
            let investigation = self.investigation(id).await;
            investigation.status.has_ended().then_some(investigation)
        })
        .await
    }

    pub(crate) async fn replica(&self, since: Option<&str>) -> ReplicaUpdate {
        self.read(&since.map_or("/v1/replica".to_owned(), |cursor| format!("/v1/replica?since={cursor}"))).await
    }
}

async fn gated(first: u32, config: Config) -> (Result<Agent, StartError>, Arc<Gate>) {
    let gate = Arc::new(Gate { first, entered: Semaphore::new(0), open: Semaphore::new(0) });
    let parts = Parts { model: Arc::new(Planner), other_models: Vec::new(), tools: vec![Arc::clone(&gate) as _] };
    (Agent::start_with(config, parts).await, gate)
}

pub(crate) fn alert(alert_type: &str, service: &str) -> Value {
    json!({ "alert_type": alert_type, "service": service })
}

/// The problem in an error answer, which every error answer holds.
pub(crate) async fn problem(response: Response) -> Problem {
    problem_from(REPLICA, response).await
}

/// The same, in an answer of the replica of that name.
pub(crate) async fn problem_from(replica: &str, response: Response) -> Problem {
    let status = response.status();
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{status}");
    assert_eq!(response.headers()["x-agent-replica"], *replica);
    let request_id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let problem: Problem = response.json().await.unwrap();
    assert_eq!(problem.status, status.as_u16());
    assert_eq!(problem.request_id, request_id);
    assert!(problem.kind.starts_with("urn:langdeck:problem:") && !problem.detail.is_empty(), "{problem:?}");
    problem
}

/// Asks again and again until there is an answer, for as long as a slow machine may need.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The agent answers, and nothing runs or waits any more.
pub(crate) async fn assert_calm(server: &Server) {
    eventually("nothing runs or waits", async || {
        let text = server.get("/metrics").await.text().await.unwrap();
        let zero = |name: &str| text.lines().any(|line| line == format!("{name} 0"));
        (zero("agent_investigations_in_flight") && zero("agent_investigations_queued")).then_some(())
    })
    .await;
    server.investigate("high_cpu", "afterwards").await;
}

/// A tool that waits to be let through.
pub(crate) struct Gate {
    /// The first attempt that finds it.
    first: u32,
    entered: Semaphore,
    open: Semaphore,
}

impl Gate {
    /// Waits until an investigation stands at the gate.
    pub(crate) async fn entered(&self) {
        self.entered.acquire().await.unwrap().forget();
    }

    /// Lets that many investigations through.
    pub(crate) fn open(&self, count: usize) {
        self.open.add_permits(count);
    }
}

impl Tool for Gate {
    fn name(&self) -> &str {
        "gate"
    }

    fn run<'a>(&'a self, call: ToolCall<'a>) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            if call.attempt < self.first {
                return Err(ToolError::Transient("the gate is not there yet".to_owned()));
            }
            self.entered.add_permits(1);
            self.open.acquire().await.unwrap().forget();
            Ok("open".to_owned())
        })
    }
}

/// A model that plans the gate; it has no plan for the alert type `unplannable`.
struct Planner;

fn answer<T>(value: T) -> Result<Answer<T>, ModelError> {
    let reported = ReportedUsage { prompt_tokens: Some(2), completion_tokens: Some(1), ..ReportedUsage::default() };
    Ok(Answer { value, call: ModelCall::new("no-such-price".into(), Some(reported), Usage::default()) })
}

impl Model for Planner {
    fn name(&self) -> &str {
        "no-such-price"
    }

    fn most_tokens(&self, _: &Alert, _: Question<'_>) -> Usage {
        Usage { input: 2, output: 1, ..Usage::default() }
    }

    fn plan<'a>(&'a self, request: PlanRequest<'a>) -> BoxFuture<'a, Result<Answer<Plan>, ModelError>> {
        Box::pin(async move {
            if request.alert.alert_type == "unplannable" {
                return Err(ModelError::NoAnswer("out of order".to_owned()));
            }
            answer(Plan { tools: request.tools.to_vec(), reasoning: "it is the only one".into() })
        })
    }

    fn arguments<'a>(&'a self, _: ArgumentsRequest<'a>) -> BoxFuture<'a, Result<Answer<Arguments>, ModelError>> {
        Box::pin(async { answer(Arguments(r#"{"knock":true}"#.into())) })
    }

    fn conclude<'a>(&'a self, _: ConclusionRequest<'a>) -> BoxFuture<'a, Result<Answer<Conclusion>, ModelError>> {
        Box::pin(async {
            answer(Conclusion {
                summary: "it opened".into(),
                root_cause: "somebody opened it".into(),
                recommendations: vec!["close it".into()],
                confidence: 0.5,
            })
        })
    }
}
