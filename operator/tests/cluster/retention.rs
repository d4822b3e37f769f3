//! What a Chatbox leaves behind: the deletion policy takes effect whatever else is wrong.

use anyhow::{Context as _, Result, ensure};
use control_plane::world::World;
use serde_json::{Value, json};

use crate::policy::Denied;
use crate::program::Operator;
use crate::support::{chatbox, roll_out, secret, secrets, wait_for_condition, with_secrets};

const KEPT: [(&str, &str); 2] = [
    ("persistentvolumeclaim", "support-chatbox-data"),
    ("secret", "support-chatbox-keys"),
];

/// A change of the deletion policy comes together with something that keeps everything else from being applied.
pub(crate) fn a_deletion_policy_takes_effect_by_itself(world: &World<'_>) -> Result<()> {
    let _operator = Operator::start(world)?;
    let wrong_origin = json!({"allowedOrigins": ["https://www.example.com:443"]});
    let troubles: [(&str, &str, Value); 3] = [
        ("paused", "/spec/paused", json!(true)),
        ("invalid", "/spec/config/server", wrong_origin),
        (
            "without its secret",
            "/spec/config/models/0/openai/apiKey",
            json!({"name": "no", "key": "k"}),
        ),
    ];
    for (what, path, value) in troubles {
        let mut troubled = with_policy("Delete");
        world.apply(&troubled)?;
        roll_out_with_secret(world)?;
        ensure!(
            owners(world)? == 2,
            "{what}: the policy Delete is not in effect"
        );
        let before = uids(world)?;
        set(&mut troubled, path, value)?;
        for (policy, expected) in [("Retain", 0), ("Delete", 2), ("Retain", 0)] {
            troubled["spec"]["deletionPolicy"] = json!(policy);
            world.apply(&troubled)?;
            wait_for_condition(world, "DeletionPolicyApplied", "True", "Applied")?;
            ensure!(
                owners(world)? == expected,
                "{what}: {policy} is not in effect"
            );
        }
        world.kubectl(&["delete", "chatbox", "support"])?;
        world.wait_for("what goes with the Chatbox is gone", || {
            Ok(world
                .list("deployments,services,pods")?
                .is_empty()
                .then_some(()))
        })?;
        ensure!(uids(world)? == before, "{what}: something was lost");
        ensure!(
            kept(world)? == KEPT.len(),
            "{what}: labels of others are left"
        );
    }
    Ok(())
}

/// Somebody tries something out under a name whose messages were to stay.
pub(crate) fn a_trial_of_the_same_name_deletes_no_old_messages(world: &World<'_>) -> Result<()> {
    world.apply(&chatbox())?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    let before = uids(world)?;
    let deleted = || {
        world.kubectl(&["delete", "chatbox", "support"])?;
        world.wait_for("what goes with the Chatbox is gone", || {
            let left = world.list("deployments,services,pods")?;
            Ok(left.is_empty().then_some(()))
        })
    };
    deleted()?;
    secrets(world)?;
    let mut trial = with_secrets();
    trial["spec"]["deletionPolicy"] = json!("Delete");
    trial["spec"]["config"]["storage"] = json!({"sqlite": {"volume": {"emptyDir": {}}}});
    world.apply(&trial)?;
    roll_out(world)?;
    wait_for_condition(world, "DeletionPolicyApplied", "True", "Applied")?;
    ensure!(owners(world)? == 0, "what it does not use belongs to it");
    deleted()?;
    ensure!(uids(world)? == before, "the old messages are lost");
    Ok(())
}

/// A backup has restored the claim with the owner that it had.
pub(crate) fn a_claim_from_a_backup_is_kept(world: &World<'_>) -> Result<()> {
    // Of a version that is not served: it stands for a garbage collector that is late, as it cannot look the owner up.
    let owner = json!({
        "apiVersion": "chatbox.dev/v1alpha0", "kind": "Chatbox", "name": "support",
        "uid": "6f1f1d0e-0000-4000-8000-000000000000", "controller": true,
    });
    world.apply(&json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "support-chatbox-data", "ownerReferences": [owner]},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }))?;
    let claim = || {
        let claim = world.get("persistentvolumeclaim", "support-chatbox-data")?;
        Ok::<_, anyhow::Error>(claim.context("no claim")?["metadata"].clone())
    };
    let before = claim()?;
    let mut chatbox = chatbox();
    chatbox["spec"]["deletionPolicy"] = json!("Delete");
    world.apply(&chatbox)?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    let uid = world.get("chatbox", "support")?.context("no Chatbox")?["metadata"]["uid"].clone();
    let after = claim()?;
    ensure!(after["uid"] == before["uid"], "it was made anew");
    let owners = after["ownerReferences"].as_array().context("no owner")?;
    ensure!(owners.len() == 1 && owners[0]["uid"] == uid, "{after}");
    Ok(())
}

/// Not even the metadata can be written: that is said, and tried again.
pub(crate) fn a_deletion_policy_that_is_refused_is_reported(world: &World<'_>) -> Result<()> {
    world.apply(&with_policy("Delete"))?;
    let _operator = Operator::start(world)?;
    roll_out_with_secret(world)?;
    let denied = Denied::new(world, "persistentvolumeclaims", "UPDATE")?;
    world.apply(&with_policy("Retain"))?;
    let message = wait_for_condition(world, "DeletionPolicyApplied", "False", "WriteFailed")?;
    for words in [
        "deleting the Chatbox now may delete what should stay",
        "cannot write PersistentVolumeClaim \"support-chatbox-data\"",
        Denied::WORDS,
    ] {
        ensure!(message.contains(words), "{message}");
    }
    let key = world
        .get("secret", "support-chatbox-keys")?
        .context("no key")?;
    ensure!(
        key["metadata"]["ownerReferences"].is_null(),
        "one refusal stopped the other"
    );
    drop(denied);
    wait_for_condition(world, "DeletionPolicyApplied", "True", "Applied")?;
    ensure!(owners(world)? == 0, "it is still owned");
    Ok(())
}

/// A foreground deletion waits for the pods, also where setting an owner needs rights.
pub(crate) fn a_foreground_deletion_waits_for_the_deployment(world: &World<'_>) -> Result<()> {
    world.apply(&chatbox())?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    let finalizers = |value: Value| {
        let patch = format!("--patch={}", json!({"metadata": {"finalizers": value}}));
        let pod = world.list("pods")?[0]["metadata"]["name"].clone();
        world.kubectl(&[
            "patch",
            "pod",
            pod.as_str().context("no pod")?,
            "--type=merge",
            &patch,
        ])
    };
    // A pod that still ends.
    finalizers(json!(["example.com/ending"]))?;
    let foreground = [
        "delete",
        "chatbox",
        "support",
        "--cascade=foreground",
        "--wait=false",
    ];
    world.kubectl(&foreground)?;
    world.wait_for("the pod is being deleted", || {
        let pods = world.list("pods")?;
        let is_ending = |pod: &Value| !pod["metadata"]["deletionTimestamp"].is_null();
        Ok(pods.iter().all(is_ending).then_some(()))
    })?;
    ensure!(
        world.get("chatbox", "support")?.is_some(),
        "it did not wait"
    );
    finalizers(Value::Null)?;
    world.wait_for("the Chatbox is gone", || {
        Ok(world.get("chatbox", "support")?.is_none().then_some(()))
    })
}

fn with_policy(policy: &str) -> Value {
    let mut chatbox = chatbox();
    chatbox["spec"]["deletionPolicy"] = json!(policy);
    let openai = json!({"model": "m", "apiKey": {"name": "llm", "key": "k"}});
    chatbox["spec"]["config"]["models"][0] = json!({"id": "m", "name": "M", "openai": openai});
    chatbox
}

fn set(object: &mut Value, path: &str, value: Value) -> Result<()> {
    let (parent, name) = path.rsplit_once('/').context("no path")?;
    object.pointer_mut(parent).context("no parent")?[name] = value;
    Ok(())
}

fn roll_out_with_secret(world: &World<'_>) -> Result<()> {
    world.apply(&secret("llm", &json!({"k": "v"})))?;
    roll_out(world)
}

/// How many of the kept objects have an owner.
fn owners(world: &World<'_>) -> Result<usize> {
    let mut owned = 0;
    for (kind, name) in KEPT {
        let object = world.get(kind, name)?.context("it does not exist")?;
        owned += usize::from(!object["metadata"]["ownerReferences"].is_null());
    }
    Ok(owned)
}

/// How many kept objects carry our label alone.
fn kept(world: &World<'_>) -> Result<usize> {
    let mut kept = 0;
    for (kind, name) in KEPT {
        let labels = world
            .get(kind, name)?
            .map(|object| object["metadata"]["labels"].clone());
        kept += usize::from(labels == Some(json!({"chatbox.dev/name": "support"})));
    }
    Ok(kept)
}

fn uids(world: &World<'_>) -> Result<Vec<Value>> {
    let uid = |(kind, name): (&str, &str)| {
        let object = world.get(kind, name)?.context("it does not exist")?;
        ensure!(
            object["metadata"]["deletionTimestamp"].is_null(),
            "{name} is being deleted"
        );
        Ok(object["metadata"]["uid"].clone())
    };
    KEPT.into_iter().map(uid).collect()
}
