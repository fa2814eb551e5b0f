//! What surrounds the agent agrees with itself and with the agent: manifests, image, cluster, README.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use yaml_serde::Value;

const NAME: &str = "langchain-free";

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

#[test]
fn the_namespace_comes_first_and_holds_the_rest() {
    let manifests = manifests();
    assert_eq!(manifests[0]["kind"], "Namespace");
    assert!(manifests.iter().all(|manifest| manifest["metadata"]["name"] == NAME));
    assert!(manifests[1..].iter().all(|manifest| manifest["metadata"]["namespace"] == NAME));
}

#[test]
fn selectors_find_the_pods() {
    let labels = pod()["metadata"]["labels"].clone();
    for (owner, selector) in [
        ("deployment", &manifest("Deployment")["spec"]["selector"]["matchLabels"]),
        ("service", &manifest("Service")["spec"]["selector"]),
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
