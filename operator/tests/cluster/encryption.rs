//! The key that encrypts what is stored: generated once, never overwritten, never removed while the data lives.

use anyhow::{Context as _, Result, ensure};
use control_plane::world::World;
use serde_json::{Value, json};

use crate::program::Operator;
use crate::support::{
    chatbox, deployment_generation, roll_out, run_pods, secret, wait_for_condition,
};

const SECRET: &str = "support-chatbox-encryption";

/// Somebody switches encryption on for a Chatbox that runs.
pub(crate) fn an_encryption_key_is_generated_once(world: &World<'_>) -> Result<()> {
    world.apply(&chatbox())?;
    let operator = Operator::start(world)?;
    roll_out(world)?;
    ensure!(
        world.get("secret", SECRET)?.is_none(),
        "nobody asked for it"
    );
    let signing = value(world, "support-chatbox-keys", "jwt")?;
    let mut encrypted = encrypted();
    let generation = deployment_generation(world)?;
    world.apply(&encrypted)?;
    world.wait_for("the pods are to be replaced", || {
        Ok((deployment_generation(world)? > generation).then_some(()))
    })?;
    run_pods(world)?;
    let key = value(world, SECRET, "key")?;
    ensure!(
        key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "a key of {} characters",
        key.len()
    );
    ensure!(
        value(world, "support-chatbox-keys", "jwt")? == signing,
        "the signing key has changed"
    );
    ensure!(
        mounted(world)?.contains(&format!("{SECRET}/key")),
        "{:?}",
        mounted(world)?
    );
    let config = world
        .list("configmaps")?
        .iter()
        .filter_map(|config| config["data"]["config.json"].as_str())
        .any(|config| config.contains("\"generated\"") && !config.contains(&key));
    ensure!(config, "the server is not told of the key");

    // Neither another start nor another edit makes a new one, and what somebody has written stays.
    drop(operator);
    let own = "9f1c07e25ab84d3366c0f1e87a2b95d4013fce8826745ab9d0e19c3b7f5a6e42";
    let patch = json!({"stringData": {"key": own}});
    let patch = format!("--patch={patch}");
    world.kubectl(&["patch", "secret", SECRET, "--type=merge", &patch])?;
    let _operator = Operator::start(world)?;
    encrypted["spec"]["service"] = json!({"port": 8000});
    world.apply(&encrypted)?;
    world.wait_for("the edit has reached the Service", || {
        let service = world.get("service", "support-chatbox")?;
        Ok(service.filter(|service| service["spec"]["ports"][0]["port"] == 8000))
    })?;
    ensure!(value(world, SECRET, "key")? == own, "it was overwritten");
    Ok(())
}

/// What is stored cannot be read with another one.
pub(crate) fn a_lost_encryption_key_is_asked_for(world: &World<'_>) -> Result<()> {
    world.apply(&encrypted())?;
    let operator = Operator::start(world)?;
    roll_out(world)?;
    let key = value(world, SECRET, "key")?;
    let generation = deployment_generation(world)?;
    world.kubectl(&["delete", "secret", SECRET])?;
    let message = wait_for_condition(world, "SecretsResolved", "False", "Unresolved")?;
    ensure!(
        message.contains("spec.config.encryption.keys: secret \"support-chatbox-encryption\" does not exist any more")
            && message.contains("restore it from a backup"),
        "{message}"
    );
    drop(operator);
    let _operator = Operator::start(world)?;
    world.wait_for("the operator has looked again", || {
        let chatbox = world.get("chatbox", "support")?.context("no Chatbox")?;
        Ok((!chatbox["status"]["conditions"].is_null()).then_some(()))
    })?;
    ensure!(
        world.get("secret", SECRET)?.is_none(),
        "another key was made"
    );
    let mut restored = secret(SECRET, &json!({"key": key}));
    restored["metadata"]["labels"] = json!({"chatbox.dev/name": "support"});
    world.apply(&restored)?;
    wait_for_condition(world, "SecretsResolved", "True", "Resolved")?;
    wait_for_condition(world, "Ready", "True", "RolledOut")?;
    ensure!(
        deployment_generation(world)? == generation,
        "the pods were replaced for nothing"
    );
    Ok(())
}

/// With `Delete` it goes where the data does, and a database that stays keeps it.
pub(crate) fn an_encryption_key_stays_with_its_data(world: &World<'_>) -> Result<()> {
    let mut chatbox = encrypted();
    chatbox["spec"]["deletionPolicy"] = json!("Delete");
    chatbox["spec"]["config"]["storage"] = json!({
        "mongodb": {"uri": {"name": "mongodb", "key": "uri"}, "database": "support"},
    });
    let uri = json!({"uri": "mongodb://user:password@mongodb/?replicaSet=rs"});
    world.apply(&secret("mongodb", &uri))?;
    world.apply(&chatbox)?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    let key = value(world, SECRET, "key")?;
    ensure!(owners(world)?.is_null(), "it would go with the Chatbox");
    delete(world)?;
    world.apply(&chatbox)?;
    roll_out(world)?;
    ensure!(value(world, SECRET, "key")? == key, "it is another one");
    delete(world)?;

    let mut on_a_volume = encrypted();
    world.apply(&on_a_volume)?;
    roll_out(world)?;
    ensure!(
        value(world, SECRET, "key")? == key,
        "what was kept is not taken up"
    );
    ensure!(owners(world)?.is_null(), "the policy is Retain");
    on_a_volume["spec"]["deletionPolicy"] = json!("Delete");
    world.apply(&on_a_volume)?;
    wait_for_condition(world, "DeletionPolicyApplied", "True", "Applied")?;
    let owner = owners(world)?;
    ensure!(owner[0]["name"] == "support", "{owner}");
    Ok(())
}

fn encrypted() -> Value {
    let mut chatbox = chatbox();
    chatbox["spec"]["config"]["encryption"] = json!({});
    chatbox
}

fn delete(world: &World<'_>) -> Result<()> {
    world.kubectl(&["delete", "chatbox", "support"])?;
    world.wait_for("what goes with the Chatbox is gone", || {
        let left = world.list("deployments,services,pods")?;
        Ok(left.is_empty().then_some(()))
    })
}

fn owners(world: &World<'_>) -> Result<Value> {
    let secret = world.get("secret", SECRET)?.context("it is gone")?;
    Ok(secret["metadata"]["ownerReferences"].clone())
}

/// Paths of the secret files of the pods.
fn mounted(world: &World<'_>) -> Result<Vec<String>> {
    let path = "--output=jsonpath={.spec.template.spec.volumes[*].projected.sources[*].secret.items[*].path}";
    let paths = world.kubectl(&["get", "deployment", "support-chatbox", path])?;
    Ok(paths.split_whitespace().map(ToOwned::to_owned).collect())
}

fn value(world: &World<'_>, secret: &str, key: &str) -> Result<String> {
    let template = format!("--template={{{{index .data {key:?} | base64decode}}}}");
    world.kubectl(&["get", "secret", secret, "--output=go-template", &template])
}
