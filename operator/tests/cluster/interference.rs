//! Somebody else changes our objects in ways that a mere apply does not mend, or that are theirs to decide.

use anyhow::{Context as _, Result, ensure};
use control_plane::world::World;
use serde_json::{Value, json};

use crate::policy::Mutated;
use crate::program::{IMAGE, Operator};
use crate::support::{chatbox, roll_out, run_pods, wait_for_condition};

/// Edits that leave fields beside ours that exclude them.
const EXCLUSIVE: [(&str, &str, &str); 10] = [
    (
        "deployment",
        "/spec/template/spec/containers/0/securityContext",
        r#"{"allowPrivilegeEscalation": true, "capabilities": {"add": ["CAP_SYS_ADMIN"]}}"#,
    ),
    (
        "deployment",
        "/spec/strategy",
        r#"{"type": "RollingUpdate"}"#,
    ),
    ("deployment", "/spec/minReadySeconds", "100000"),
    (
        "deployment",
        "/spec/template/spec/containers/0/livenessProbe",
        r#"{"tcpSocket": {"port": 1}}"#,
    ),
    (
        "deployment",
        "/spec/template/spec/containers/0/startupProbe",
        r#"{"exec": {"command": ["x"]}}"#,
    ),
    (
        "deployment",
        "/spec/template/spec/containers/0/lifecycle",
        r#"{"preStop": {"exec": {"command": ["x"]}}}"#,
    ),
    (
        "deployment",
        "/spec/template/spec/containers/0/resources",
        r#"{"requests": {"memory": "64Mi", "cpu": "10m"}, "limits": {"memory": "256Mi", "cpu": "20m"}}"#,
    ),
    (
        "deployment",
        "/spec/template/spec/volumes/0",
        r#"{"name": "config", "emptyDir": {}}"#,
    ),
    (
        "deployment",
        "/spec/template/spec/containers/0/ports",
        r#"[{"name": "http", "containerPort": 1}, {"name": "internal", "containerPort": 9090}]"#,
    ),
    (
        "service",
        "/spec/ports",
        r#"[{"name": "http", "port": 81}]"#,
    ),
];

pub(crate) fn fields_that_exclude_ours_are_replaced(world: &World<'_>) -> Result<()> {
    let mut chatbox = chatbox();
    world.apply(&chatbox)?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    for (kind, path, value) in EXCLUSIVE {
        let before = spec(world, kind)?;
        let deadline =
            json!({"op": "add", "path": "/spec/progressDeadlineSeconds", "value": 200_000});
        let op = if path.ends_with("/volumes/0") {
            "replace"
        } else {
            "add"
        };
        let edit = json!({"op": op, "path": path, "value": serde_json::from_str::<Value>(value)?});
        let mut edits = vec![edit];
        if path.ends_with("minReadySeconds") {
            edits.insert(0, deadline);
        }
        let patch = format!("--patch={}", json!(edits));
        world.kubectl(&["patch", kind, "support-chatbox", "--type=json", &patch])?;
        world.wait_for(&format!("{path} is as it was"), || {
            Ok((spec(world, kind)? == before).then_some(()))
        })?;
    }
    let service = json!([
        {"op": "replace", "path": "/spec/type", "value": "LoadBalancer"},
        {"op": "add", "path": "/spec/externalTrafficPolicy", "value": "Local"},
        {"op": "add", "path": "/spec/loadBalancerClass", "value": "example.com/x"},
    ]);
    let patch = format!("--patch={service}");
    world.kubectl(&["patch", "service", "support-chatbox", "--type=json", &patch])?;
    world.wait_for("the Service is as it was", || {
        let spec = spec(world, "service")?;
        let is_back = spec["type"] == "ClusterIP" && spec["loadBalancerClass"].is_null();
        Ok(is_back.then_some(()))
    })?;
    let external = r#"--patch={"spec": {"type": "ExternalName", "externalName": "x.example"}}"#;
    let patch = [
        "patch",
        "service",
        "support-chatbox",
        "--type=merge",
        external,
    ];
    world.kubectl(&patch)?;
    world.wait_for("the Service is of the cluster again", || {
        let spec = spec(world, "service")?;
        Ok((spec["type"] == "ClusterIP" && spec["clusterIP"].is_string()).then_some(()))
    })?;
    chatbox["spec"]["image"] = json!("registry.example/mine:1");
    world.apply(&chatbox)?;
    world.wait_for("later edits reach the Deployment", || {
        let image =
            spec(world, "deployment")?["template"]["spec"]["containers"][0]["image"].clone();
        Ok((image == "registry.example/mine:1").then_some(()))
    })?;
    // Only the one that applies owns our fields, or they could not be taken away again.
    for kind in ["deployment", "service"] {
        let owners = [
            "get",
            kind,
            "support-chatbox",
            "--show-managed-fields",
            "--output=json",
        ];
        let object: Value = serde_json::from_str(&world.kubectl(&owners)?)?;
        let entries = object["metadata"]["managedFields"]
            .as_array()
            .context("no owners")?
            .clone();
        let ours = entries
            .iter()
            .filter(|entry| entry["manager"] == "chatbox-operator");
        let operations: Vec<_> = ours.map(|entry| &entry["operation"]).collect();
        ensure!(operations == ["Apply"], "{kind}: {operations:?}");
    }
    Ok(())
}

pub(crate) fn a_paused_deployment_is_told(world: &World<'_>) -> Result<()> {
    let mut chatbox = chatbox();
    world.apply(&chatbox)?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    world.kubectl(&["rollout", "pause", "deployment/support-chatbox"])?;
    chatbox["spec"]["image"] = json!("registry.example/mine:1");
    world.apply(&chatbox)?;
    let message = wait_for_condition(world, "Stalled", "True", "DeploymentPaused")?;
    let (_, command) = message
        .split_once("resume it with: kubectl ")
        .context("no command")?;
    world
        .cluster()
        .run(&command.split(' ').collect::<Vec<_>>())?;
    roll_out(world)
}

/// The cause is told before the deadline and after it.
pub(crate) fn a_quota_is_told_after_the_deadline_too(world: &World<'_>) -> Result<()> {
    world.kubectl(&["create", "quota", "none", "--hard=pods=0"])?;
    world.wait_for("the quota is in effect", || {
        let quota = world.get("resourcequota", "none")?.context("no quota")?;
        Ok((quota["status"]["hard"]["pods"] == "0").then_some(()))
    })?;
    let mut chatbox = chatbox();
    world.apply(&chatbox)?;
    let _operator = Operator::start(world)?;
    let message = wait_for_condition(world, "Reconciling", "True", "PodsRefused")?;
    ensure!(message.contains("exceeded quota: none"), "{message}");
    crate::edits::pass_deadline(world, &mut chatbox)?;
    let message = wait_for_condition(world, "Stalled", "True", "ProgressDeadlineExceeded")?;
    ensure!(message.contains("exceeded quota: none"), "{message}");
    Ok(())
}

/// Its registry is another then, for every object that is written.
pub(crate) fn what_admission_makes_of_our_writes_is_kept(world: &World<'_>) -> Result<()> {
    let patch = r#"[JSONPatch{op: "replace", path: "/spec/template/spec/containers/0/image", value: "mirror.example/x:1"}]"#;
    let _mutated = Mutated::new(world, "deployments", patch)?;
    let operator = Operator::start(world)?;
    world.apply(&chatbox())?;
    let mirrored = || {
        let image =
            spec(world, "deployment")?["template"]["spec"]["containers"][0]["image"].clone();
        Ok((image == "mirror.example/x:1").then_some(()))
    };
    // The policy takes its time to come into effect.
    world.wait_for("the image is that of the mirror", || {
        world.kubectl(&[
            "label",
            "deployment",
            "support-chatbox",
            "chatbox.dev/name-",
        ])?;
        mirrored()
    })?;
    run_pods(world)?;
    wait_for_condition(world, "Ready", "True", "RolledOut")?;
    let (writes, reconciles) = (operator.writes()?, operator.reconciles()?);
    for pod in ["a", "b", "c"] {
        crate::steady::trigger(world, &operator, "support", pod)?;
    }
    ensure!(operator.reconciles()? > reconciles);
    ensure!(
        operator.writes()? == writes,
        "it wrote {} times",
        operator.writes()? - writes
    );
    // An edit is still undone.
    world.kubectl(&["scale", "deployment/support-chatbox", "--replicas=3"])?;
    world.wait_for("there is one replica again", || {
        Ok((spec(world, "deployment")?["replicas"] == 1).then_some(()))
    })?;
    ensure!(mirrored()?.is_some());
    Ok(())
}

/// Admission rewrites the labels by which other tools, and an older operator, find their objects.
pub(crate) fn a_change_is_seen_whatever_becomes_of_the_labels(world: &World<'_>) -> Result<()> {
    let patch = r#"[JSONPatch{op: "add", path: "/metadata/labels", value: {"app.kubernetes.io/managed-by": "platform"}}]"#;
    let _mutated = Mutated::new(world, "deployments", patch)?;
    let operator = Operator::start(world)?;
    world.apply(&chatbox())?;
    world.wait_for("the labels are theirs", || {
        world.kubectl(&[
            "annotate",
            "deployment",
            "support-chatbox",
            "touched=1",
            "--overwrite",
        ])?;
        let deployment = world
            .get("deployment", "support-chatbox")?
            .context("no Deployment")?;
        let labels = deployment["metadata"]["labels"]
            .as_object()
            .context("no labels")?
            .clone();
        Ok((labels.len() == 1).then_some(()))
    })?;
    // No watch delivers it now. The rollout is looked at again and again.
    run_pods(world)?;
    wait_for_condition(world, "Ready", "True", "RolledOut")?;
    let writes = operator.writes()?;
    ensure!(world.list("replicasets")?.len() == 1, "it rolled");
    crate::steady::trigger(world, &operator, "support", "a")?;
    ensure!(operator.writes()? == writes, "it writes in each reconcile");
    let image = spec(world, "deployment")?["template"]["spec"]["containers"][0]["image"].clone();
    ensure!(image == IMAGE, "{image}");
    Ok(())
}

fn spec(world: &World<'_>, kind: &str) -> Result<Value> {
    let object = world.get(kind, "support-chatbox")?;
    Ok(object.with_context(|| format!("no {kind}"))?["spec"].clone())
}

/// Another controller has another opinion, and never gives up.
pub(crate) fn a_contest_is_told_and_slows_down(world: &World<'_>) -> Result<()> {
    world.apply(&chatbox())?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    let port = || {
        world.kubectl(&[
            "get",
            "service/support-chatbox",
            "--output=jsonpath={.spec.ports[0].port}",
        ])
    };
    let undo = r#"--patch={"spec": {"ports": [{"port": 81}]}}"#;
    let contest = || {
        let service = "service/support-chatbox";
        let manager = "--field-manager=their-controller";
        world.kubectl(&["patch", service, "--type=merge", undo, manager])
    };
    let repaired = || world.wait_for("it is repaired", || Ok((port()? == "80").then_some(())));
    for _ in 0..12 {
        contest()?;
        repaired()?;
    }
    contest()?;
    let message = wait_for_condition(world, "Ready", "False", "Contested")?;
    let words = "Service \"support-chatbox\" is as it should be for moments only";
    ensure!(
        message.starts_with(words) && message.contains("\"their-controller\""),
        "{message}"
    );
    repaired()?;
    wait_for_condition(world, "Ready", "True", "RolledOut")?;
    Ok(())
}
