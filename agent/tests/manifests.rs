//! What surrounds the agent agrees with itself and with the agent: manifests, image, cluster, README.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Command, FromArgMatches};
use langdeck_agent::{Agent, Config};
use langdeck_shared::{Actor, DecisionCode};
use yaml_serde::Value;

const NAME: &str = "langchain-free";
const POD: &str = "langchain-free-7d9c5b8f6-x2kqp";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every document in `k8s/`, in the order in which `kubectl apply -f k8s/` takes them.
fn manifests() -> Vec<Value> {
    let mut files: Vec<_> = fs::read_dir(root().join("k8s")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| yaml_serde::from_str(&fs::read_to_string(file).unwrap()).unwrap()).collect()
}

fn manifest(kind: &str) -> Value {
    manifests().into_iter().find(|manifest| manifest["kind"] == *kind).expect(kind)
}

/// The service that finds the replicas for each other.
fn headless() -> Value {
    let mut services = manifests().into_iter().filter(|manifest| manifest["kind"] == "Service");
    services.find(|service| service["spec"]["clusterIP"] == "None").expect("a headless service")
}

fn pod() -> Value {
    manifest("Deployment")["spec"]["template"].clone()
}

fn container() -> Value {
    pod()["spec"]["containers"][0].clone()
}

/// What follows an instruction of the Dockerfile's last stage, once for each time that it stands there.
fn instructions(name: &str) -> Vec<String> {
    let dockerfile = read("Dockerfile");
    let (_, stage) = dockerfile.rsplit_once("\nFROM ").unwrap();
    let prefix = format!("{name} ");
    stage.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
}

/// The environment that the agent finds: the image's, and the pod's over it.
fn environment() -> BTreeMap<String, String> {
    let image = instructions("ENV").into_iter().map(|set| {
        let (name, value) = set.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    });
    let container = container();
    let pod = container["env"].as_sequence().unwrap().iter().map(|set| {
        let value = match &set["valueFrom"]["fieldRef"]["fieldPath"] {
            Value::Null => set["value"].as_str(),
            field => (field == "metadata.name").then_some(POD),
        };
        let name = set["name"].as_str().unwrap();
        (name.to_owned(), value.unwrap_or_else(|| panic!("{name} has no value")).to_owned())
    });
    image.chain(pod).collect()
}

/// What the agent makes of that environment. The values go by the flags, since a test cannot set its own environment.
fn config() -> Config {
    let command = Config::augment_args(Command::new("langdeck-agent"));
    let flags = environment().into_iter().map(|(name, value)| {
        let known = command.get_arguments().find(|argument| argument.get_env() == Some(OsStr::new(&name)));
        let flag = known.unwrap_or_else(|| panic!("the agent knows no {name}")).get_long().unwrap();
        format!("--{flag}={value}")
    });
    let arguments: Vec<_> = std::iter::once("langdeck-agent".to_owned()).chain(flags).collect();
    let matches = command.try_get_matches_from(arguments).unwrap_or_else(|error| panic!("{error}"));
    Config::from_arg_matches(&matches).unwrap()
}

/// The agent as the container runs it, on a free port of this machine.
async fn start() -> Agent {
    let config = Config { listen: (Ipv4Addr::LOCALHOST, 0).into(), sim_delay: 0.0, ..config() };
    Agent::start(config).await.unwrap()
}

fn client() -> reqwest::Client {
    // Only the first test in the process can install it; which one is all the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

#[test]
fn the_namespace_comes_first_and_holds_the_rest() {
    let manifests = manifests();
    assert_eq!(manifests[0]["kind"], "Namespace");
    assert_eq!(manifests[0]["metadata"]["name"], NAME);
    assert!(manifests.iter().all(|manifest| manifest["metadata"]["name"].as_str().unwrap().starts_with(NAME)));
    assert!(manifests[1..].iter().all(|manifest| manifest["metadata"]["namespace"] == NAME));
}

#[test]
fn selectors_find_the_pods() {
    let labels = pod()["metadata"]["labels"].clone();
    for (owner, selector) in [
        ("deployment", &manifest("Deployment")["spec"]["selector"]["matchLabels"]),
        ("service", &manifest("Service")["spec"]["selector"]),
        ("headless service", &headless()["spec"]["selector"]),
        ("disruption budget", &manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]),
        ("spread", &pod()["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]),
    ] {
        let selector = selector.as_mapping().expect(owner);
        assert!(!selector.is_empty(), "{owner}: an empty selector takes every pod");
        assert!(selector.iter().all(|(name, value)| labels[name] == *value), "{owner}: {selector:?}");
    }
}

#[test]
fn the_autoscaler_scales_the_deployment() {
    let (deployment, autoscaler) = (manifest("Deployment"), manifest("HorizontalPodAutoscaler"));
    let target = &autoscaler["spec"]["scaleTargetRef"];
    assert_eq!(
        (&target["apiVersion"], &target["kind"], &target["name"]),
        (&deployment["apiVersion"], &deployment["kind"], &deployment["metadata"]["name"])
    );
    assert_eq!(autoscaler["spec"]["minReplicas"], deployment["spec"]["replicas"]);
    // A share of CPU is a share of the request: without one there is nothing to scale by.
    assert!(container()["resources"]["requests"]["cpu"].is_string());
}

#[test]
fn the_image_runs_as_the_user_that_the_pod_demands() {
    let security = pod()["spec"]["securityContext"].clone();
    let ids = ["runAsUser", "runAsGroup"].map(|key| security[key].as_u64().unwrap());
    assert_eq!(instructions("USER"), [format!("{}:{}", ids[0], ids[1])]);
    assert_eq!(instructions("ENTRYPOINT"), [r#"["langdeck-agent"]"#]);
}

#[test]
fn the_agent_takes_its_settings() {
    let config = config();
    config.validate().unwrap();
    assert_eq!(config.replica_name, POD);
    // Cancelling what outlives the grace, and sending the last answers, takes a few seconds more.
    let leaves_within = config.drain_delay + config.grace + Duration::from_secs(5);
    let killed_after = Duration::from_secs(pod()["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap());
    assert!(leaves_within <= killed_after, "{leaves_within:?} to leave, killed after {killed_after:?}");
}

#[test]
fn ports_agree() {
    let listen = config().listen;
    assert_eq!(listen.ip(), Ipv4Addr::UNSPECIFIED);
    let (container, service) = (container(), manifest("Service"));
    let (open, served) = (&container["ports"][0], &service["spec"]["ports"][0]);
    assert_eq!(open["containerPort"], u64::from(listen.port()));
    assert_eq!(served["targetPort"], open["name"]);
    assert_eq!(served["port"], 8000);
    let port = listen.port().to_string();
    assert_eq!(pod()["metadata"]["annotations"]["prometheus.io/port"], *port);
    assert_eq!(instructions("EXPOSE"), [port]);
}

#[test]
fn replicas_find_each_other() {
    let (config, headless) = (config(), headless());
    let name = headless["metadata"]["name"].as_str().unwrap();
    // Past the service's own ports: an address in the DNS is the pod's.
    let peers: Vec<_> = config.peers.iter().map(ToString::to_string).collect();
    assert_eq!(peers, [format!("dns://{name}:{}", config.listen.port())]);
    assert_eq!(headless["spec"]["publishNotReadyAddresses"], true);
    assert_eq!(headless["spec"]["ports"], manifest("Service")["spec"]["ports"]);
}

#[tokio::test]
async fn the_agent_answers_probes_and_scrapes() {
    let agent = start().await;
    let client = client();
    let (pod, container) = (pod(), container());
    let mut paths = vec![&pod["metadata"]["annotations"]["prometheus.io/path"]];
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let ask = &container[probe]["httpGet"];
        assert_eq!(ask["port"], container["ports"][0]["name"], "{probe}");
        paths.push(&ask["path"]);
    }
    for path in paths {
        let answer = client.get(format!("{}{}", agent.url(), path.as_str().unwrap())).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path:?}");
    }
}

#[test]
fn the_readme_names_image_and_cluster() {
    let cluster: Value = yaml_serde::from_str(&read("kind-cluster.yaml")).unwrap();
    let (image, cluster) = (container()["image"].clone(), cluster["name"].clone());
    let (image, cluster) = (image.as_str().unwrap(), cluster.as_str().unwrap());
    let readme = read("README.md");
    for command in [
        "kind create cluster --config kind-cluster.yaml".to_owned(),
        format!("docker build -t {image} ."),
        format!("kind load docker-image {image} --name {cluster}"),
        "kubectl apply -f k8s/".to_owned(),
        format!("kubectl wait --for=condition=available deployment/{NAME} -n {NAME}"),
        format!("kubectl -n {NAME} port-forward svc/{NAME} 8000:8000"),
    ] {
        assert!(readme.lines().any(|line| line == command), "the README lacks `{command}`");
    }
}

#[test]
fn the_readme_shows_the_examples_as_they_are() {
    let readme = read("README.md");
    for (file, begins_with) in [("alertmanager.yml", "receivers:\n"), ("prometheus.yml", "scrape_configs:\n")] {
        let example = read(&format!("docs/examples/{file}"));
        let part = &example[example.find(begins_with).unwrap()..];
        let part = part.split_once("\n\n").map_or(part.trim_end(), |(part, _)| part);
        assert!(readme.contains(&format!("```yaml\n{part}\n```")), "the README lacks this of {file}:\n{part}");
    }
}

#[test]
fn the_readme_lists_every_setting() {
    let readme = read("README.md");
    let command = Config::augment_args(Command::new("langdeck-agent"));
    for argument in command.get_arguments() {
        let Some(env) = argument.get_env() else { continue };
        let mut row = format!("| `--{}` | `{}` |", argument.get_long().unwrap(), env.to_str().unwrap());
        if let ([default], false) = (argument.get_default_values(), argument.is_hide_default_value_set()) {
            row += &format!(" `{}` |", default.to_str().unwrap());
        }
        assert!(readme.contains(&row), "the README lacks {row}");
    }
}

#[test]
fn the_readme_lists_every_actor_and_code_of_decisions() {
    let readme = read("README.md");
    let (_, table) = readme.split_once("| actor | what it decides, by code |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    for word in Actor::ALL.map(Actor::as_str).into_iter().chain(DecisionCode::ALL.map(DecisionCode::as_str)) {
        assert!(table.contains(&format!("`{word}`")), "the README lacks `{word}` among actors and codes");
    }
}

#[tokio::test]
async fn the_readme_lists_every_endpoint_and_metric() {
    let readme = read("README.md");
    let (agent, client) = (start().await, client());
    let url = agent.url();

    let document: serde_json::Value =
        client.get(format!("{url}/openapi.json")).send().await.unwrap().json().await.unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let endpoint = format!("`{} {path}`", method.to_uppercase());
            assert!(readme.contains(&endpoint), "the README lacks {endpoint}");
        }
    }

    let page = client.get(format!("{url}/metrics")).send().await.unwrap().text().await.unwrap();
    for family in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = family.split_once(' ').unwrap();
        let listed = readme.lines().any(|line| {
            let row = line.strip_prefix("| `").and_then(|row| row.strip_prefix(name));
            row.is_some_and(|row| row.starts_with(['`', '{']) && row.contains(&format!("| {kind} |")))
        });
        assert!(listed, "the README lacks the {kind} {name}");
    }
}
