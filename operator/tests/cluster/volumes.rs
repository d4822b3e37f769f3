//! A claim that cannot be made what the spec asks for: everything else goes on.

use anyhow::{Context as _, Result, ensure};
use control_plane::world::World;
use serde_json::{Value, json};

use crate::program::Operator;
use crate::support::{chatbox, deployment_generation, roll_out, wait_for_condition};

const CLAIM: &str = "support-chatbox-data";

pub(crate) fn a_claim_that_cannot_grow_holds_nothing_up(world: &World<'_>) -> Result<()> {
    let class = Class::new(world, false)?;
    let _operator = Operator::start(world)?;
    let mut chatbox = with_claim("1Gi", Some(&class.name));
    world.apply(&chatbox)?;
    class.bind()?;
    roll_out(world)?;
    chatbox["spec"]["config"]["storage"] = storage("2Gi", Some(&class.name));
    chatbox["spec"]["image"] = json!("registry.example/mine:1");
    world.apply(&chatbox)?;
    let message = wait_for_condition(world, "VolumeAsSpecified", "False", "WriteRefused")?;
    let words = "cannot write PersistentVolumeClaim \"support-chatbox-data\"";
    ensure!(
        message.contains(words) && message.contains("resize"),
        "{message}"
    );
    world.wait_for("the edit has reached the Deployment", || {
        Ok((deployment_generation(world)? == 2).then_some(()))
    })?;
    // It serves, although its volume cannot grow.
    roll_out(world)?;
    let uid = deployment_uid(world)?;
    world.kubectl(&["delete", "deployment", "support-chatbox", "--wait=false"])?;
    world.wait_for("a deleted Deployment is made anew", || {
        Ok(deployment_uid(world)
            .ok()
            .filter(|now| *now != uid)
            .map(drop))
    })?;
    // To go back is not refused.
    chatbox["spec"]["config"]["storage"] = storage("1Gi", Some(&class.name));
    world.apply(&chatbox)?;
    world.wait_for("the edit has reached the new Deployment", || {
        Ok((deployment_generation(world)? == 2).then_some(()))
    })?;
    roll_out(world)?;
    ensure!(volume_condition(world)?.is_none(), "nothing differs");
    Ok(())
}

/// The storage takes its time, and then fails: the Chatbox serves, and is told what the storage says.
pub(crate) fn a_growth_that_does_not_happen_is_told(world: &World<'_>) -> Result<()> {
    let class = Class::new(world, true)?;
    let _operator = Operator::start(world)?;
    world.apply(&with_claim("1Gi", Some(&class.name)))?;
    class.bind()?;
    roll_out(world)?;
    world.apply(&with_claim("2Gi", Some(&class.name)))?;
    let message = wait_for_condition(world, "VolumeAsSpecified", "False", "Growing")?;
    let words = "asks for 2Gi and has 1Gi: it has not grown yet";
    ensure!(message.contains(words), "{message}");
    roll_out(world)?;
    // A driver would do this.
    let says = |status: &Value| {
        let patch = format!("--patch={}", json!({"status": status}));
        world.kubectl(&[
            "patch",
            "pvc",
            CLAIM,
            "--subresource=status",
            "--type=merge",
            &patch,
        ])
    };
    says(&json!({"conditions": [
        {"type": "ControllerResizeError", "status": "True", "message": "pool ssd-1 is full"},
    ]}))?;
    let message = wait_for_condition(world, "VolumeAsSpecified", "False", "GrowthFailed")?;
    ensure!(message.contains("pool ssd-1 is full"), "{message}");
    wait_for_condition(world, "Ready", "True", "RolledOut")?;
    says(&json!({"capacity": {"storage": "2Gi"}, "conditions": []}))?;
    world.wait_for("nothing differs", || {
        Ok(volume_condition(world)?.is_none().then_some(()))
    })
}

pub(crate) fn a_claim_that_was_grown_from_outside_stays(world: &World<'_>) -> Result<()> {
    let class = Class::new(world, true)?;
    let _operator = Operator::start(world)?;
    let mut chatbox = with_claim("1Gi", Some(&class.name));
    world.apply(&chatbox)?;
    class.bind()?;
    roll_out(world)?;
    let grown = r#"--patch={"spec": {"resources": {"requests": {"storage": "3Gi"}}}}"#;
    world.kubectl(&["patch", "pvc", CLAIM, "--type=merge", grown])?;
    let message = wait_for_condition(world, "VolumeAsSpecified", "False", "CannotBeChanged")?;
    let words = "asks for 3Gi and the spec for 1Gi: what was asked for stays";
    ensure!(message.contains(words), "{message}");
    // A driver would do this.
    let done = r#"--patch={"status": {"capacity": {"storage": "3Gi"}}}"#;
    world.kubectl(&[
        "patch",
        "pvc",
        CLAIM,
        "--subresource=status",
        "--type=merge",
        done,
    ])?;
    world.wait_for("it is told what the volume has", || {
        let message = wait_for_condition(world, "VolumeAsSpecified", "False", "CannotBeChanged")?;
        let words = "has 3Gi and the spec asks for 1Gi: a volume cannot shrink and stays";
        Ok(message.contains(words).then_some(()))
    })?;
    chatbox["spec"]["image"] = json!("registry.example/mine:1");
    world.apply(&chatbox)?;
    roll_out(world)?;
    ensure!(claim(world)?["spec"]["resources"]["requests"]["storage"] == "3Gi");
    // Without its class and its size, as somebody may write it who creates it anew.
    world.kubectl(&["delete", "chatbox", "support"])?;
    world.wait_for("what goes with the Chatbox is gone", || {
        Ok(world.list("deployments,pods")?.is_empty().then_some(()))
    })?;
    let uid = claim(world)?["metadata"]["uid"].clone();
    world.apply(&with_claim("1Gi", None))?;
    roll_out(world)?;
    let claim = claim(world)?;
    ensure!(claim["metadata"]["uid"] == uid, "{claim}");
    ensure!(
        claim["spec"]["storageClassName"] == class.name.as_str(),
        "{claim}"
    );
    // The document of the server names it too, so the pods roll.
    world.apply(&with_claim("1Gi", Some("another")))?;
    let message = wait_for_condition(world, "VolumeAsSpecified", "False", "CannotBeChanged")?;
    let words = format!(
        "has the storage class {:?} and the spec names \"another\"",
        class.name
    );
    ensure!(message.contains(&words), "{message}");
    roll_out(world)
}

/// Somebody has made the claim, in a way that the operator never would.
pub(crate) fn a_claim_of_somebody_is_adopted_by_its_label(world: &World<'_>) -> Result<()> {
    world.apply(&json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": CLAIM},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "volumeName": "somebodys",
            "storageClassName": "",
            "resources": {"requests": {"storage": "5Gi"}},
        },
    }))?;
    let before = claim(world)?;
    world.apply(&chatbox())?;
    let _operator = Operator::start(world)?;
    let message = wait_for_condition(world, "Stalled", "True", "NameTaken")?;
    let words =
        "to have it adopted with what it holds, set its label chatbox.dev/name to \"support\"";
    ensure!(
        message.contains(words) && !message.contains("delete"),
        "{message}"
    );
    world.kubectl(&["label", "pvc", CLAIM, "chatbox.dev/name=support"])?;
    roll_out(world)?;
    let after = claim(world)?;
    ensure!(
        after["metadata"]["uid"] == before["metadata"]["uid"],
        "{after}"
    );
    ensure!(after["spec"] == before["spec"], "{after}");
    Ok(())
}

/// An empty class asks for a volume that somebody provides.
pub(crate) fn an_empty_storage_class_is_none(world: &World<'_>) -> Result<()> {
    world.apply(&with_claim("1Gi", Some("")))?;
    let operator = Operator::start(world)?;
    roll_out(world)?;
    ensure!(claim(world)?["spec"]["storageClassName"] == "");
    drop(operator);
    let operator = Operator::start(world)?;
    ensure!(
        operator.writes()? == 0,
        "it wrote {} times",
        operator.writes()?
    );
    Ok(())
}

/// A storage class of one test, and a volume of it for the claim.
struct Class<'a> {
    world: &'a World<'a>,
    name: String,
}

impl<'a> Class<'a> {
    fn new(world: &'a World<'a>, expands: bool) -> Result<Self> {
        let name = format!("class-{}", world.namespace());
        let class = json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name},
            "provisioner": "example.com/none",
            "allowVolumeExpansion": expands,
        });
        let feed = ["apply", "--filename=-"];
        world.cluster().feed(&feed, &class.to_string())?;
        Ok(Self { world, name })
    }

    /// Provides a volume, and waits until the claim has it.
    fn bind(&self) -> Result<()> {
        let volume = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": self.name},
            "spec": {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": self.name,
                "hostPath": {"path": "/nowhere"},
                "claimRef": {"name": CLAIM, "namespace": self.world.namespace()},
            },
        });
        let feed = ["apply", "--filename=-"];
        self.world.cluster().feed(&feed, &volume.to_string())?;
        self.world.wait_for("the claim is bound", || {
            Ok((claim(self.world)?["status"]["phase"] == "Bound").then_some(()))
        })
    }
}

impl Drop for Class<'_> {
    fn drop(&mut self) {
        let kinds = "persistentvolumes,storageclasses";
        let delete = [
            "delete",
            kinds,
            &self.name,
            "--ignore-not-found",
            "--wait=false",
        ];
        self.world.cluster().succeeds(&delete);
    }
}

fn storage(size: &str, class: Option<&str>) -> Value {
    let mut claim = json!({"size": size});
    if let Some(class) = class {
        claim["storageClassName"] = class.into();
    }
    json!({"sqlite": {"volume": {"claim": claim}}})
}

fn with_claim(size: &str, class: Option<&str>) -> Value {
    let mut chatbox = chatbox();
    chatbox["spec"]["config"]["storage"] = storage(size, class);
    chatbox
}

fn claim(world: &World<'_>) -> Result<Value> {
    world.get("pvc", CLAIM)?.context("no claim")
}

fn deployment_uid(world: &World<'_>) -> Result<Value> {
    let deployment = world.get("deployment", "support-chatbox")?;
    Ok(deployment.context("no Deployment")?["metadata"]["uid"].clone())
}

fn volume_condition(world: &World<'_>) -> Result<Option<Value>> {
    let chatbox = world.get("chatbox", "support")?.context("no Chatbox")?;
    let conditions = chatbox["status"]["conditions"].as_array().cloned();
    let mut conditions = conditions.unwrap_or_default().into_iter();
    Ok(conditions.find(|condition| condition["type"] == "VolumeAsSpecified"))
}
