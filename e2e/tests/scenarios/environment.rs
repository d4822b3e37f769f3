//! The environment itself: if these fail, the others say nothing.

use anyhow::{Result, ensure};
use cluster::up::Running;
use control_plane::world::World;
use e2e::llm::Llm;
use serde_json::json;

pub(crate) fn a_namespace_gets_its_account(world: &World<'_>) -> Result<()> {
    world.wait_for("the account of the namespace", || {
        world.get("serviceaccount", "default")
    })?;
    Ok(())
}

pub(crate) fn a_pod_runs_restricted_and_ends(world: &World<'_>, running: &Running) -> Result<()> {
    world.kubectl(&[
        "label",
        "namespace",
        world.namespace(),
        "pod-security.kubernetes.io/enforce=restricted",
    ])?;
    world.wait_for("the account of the namespace", || {
        world.get("serviceaccount", "default")
    })?;
    world.apply(&json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "quiet"},
        "spec": {
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "pause",
                "image": running.pause.name(),
                "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    }))?;
    world.kubectl(&[
        "wait",
        "pod/quiet",
        "--for=condition=Ready",
        "--timeout=60s",
    ])?;
    world.kubectl(&["delete", "pod", "quiet", "--timeout=20s"])?;
    ensure!(
        world.get("pod", "quiet")?.is_none(),
        "the pod is still there after it was deleted"
    );
    Ok(())
}

/// A pod asks it in `a-model-behind-a-key-answers`; here it is enough that it starts.
pub(crate) fn a_model_answers(_: &World<'_>) -> Result<()> {
    Llm::start(&["--response-style", "echo"]).map(drop)
}
