//! `docs/security.md`: what users get, and what a platform team may forbid.

use anyhow::{Context as _, Result, ensure};
use control_plane::world::World;
use serde_json::{Value, json};

use crate::program::{IMAGE, Operator};
use crate::support::{chatbox, roll_out, secrets, wait_for_condition, with_secrets};

/// Somebody has written the role by hand, without pods and without the watch on Services.
pub(crate) fn what_may_not_be_listed_holds_nothing_up(world: &World<'_>) -> Result<()> {
    let services = json!({
        "apiGroups": [""], "resources": ["services"], "verbs": ["get", "create", "patch", "delete"],
    });
    let name = role_without(world, &["pods", "services"], services)?;
    world.apply(&chatbox())?;
    let image = format!("--chatbox-image={IMAGE}");
    let operator = Operator::start_with_role(world, &[&image], &name)?;
    roll_out(world)?;
    let message = wait_for_condition(world, "Ready", "True", "RolledOut")?;
    for kind in ["pods", "services"] {
        let words = format!("changes of {kind} are not seen, because the operator has no right");
        ensure!(message.contains(&words), "{message}");
    }
    ensure!(world.get("service", "support-chatbox")?.is_some());
    drop(operator);
    world.cluster().run(&["delete", "clusterrole", &name])?;
    Ok(())
}

/// Its role lets it see Secrets and read none, so nothing of the Chatbox can be applied: it is stopped all the same.
pub(crate) fn a_stop_reads_no_secrets(world: &World<'_>) -> Result<()> {
    secrets(world)?;
    let mut chatbox = with_secrets();
    world.apply(&chatbox)?;
    let operator = Operator::start(world)?;
    roll_out(world)?;
    drop(operator);
    let secrets = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]});
    let name = role_without(world, &["secrets"], secrets)?;
    // The role of a binding cannot be changed.
    world.kubectl(&["delete", "rolebinding", "operator"])?;
    // The label by which the Deployment is watched is gone too.
    world.kubectl(&[
        "label",
        "deployment",
        "support-chatbox",
        "chatbox.dev/name-",
    ])?;
    chatbox["spec"]["replicas"] = json!(0);
    world.apply(&chatbox)?;
    let image = format!("--chatbox-image={IMAGE}");
    let operator = Operator::start_with_role(world, &[&image], &name)?;
    wait_for_condition(world, "Ready", "False", "ReadFailed")?;
    world.wait_for("no pod is left", || {
        Ok(world.list("pods")?.is_empty().then_some(()))
    })?;
    drop(operator);
    world.cluster().run(&["delete", "clusterrole", &name])?;
    Ok(())
}

/// A role as somebody writes it by hand: that of the operator without these resources, and with one more rule.
fn role_without(world: &World<'_>, resources: &[&str], rule: Value) -> Result<String> {
    let role = world
        .cluster()
        .get(&["clusterrole", "chatbox-operator"])?
        .context("no role")?;
    let name = format!("less-{}", world.namespace());
    let mut rules = role["rules"].as_array().cloned().context("no rules")?;
    for rule in &mut rules {
        let all = rule["resources"].as_array_mut().context("no resources")?;
        all.retain(|one| !resources.iter().any(|resource| one == resource));
    }
    rules.retain(|rule| rule["resources"] != json!([]));
    rules.push(rule);
    let less = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    });
    let apply = ["apply", "--filename=-"];
    world.cluster().feed(&apply, &less.to_string())?;
    Ok(name)
}

/// The role of the documentation is enough to use Chatboxes, and gives nothing else.
pub(crate) fn the_role_for_users_is_enough(world: &World<'_>) -> Result<()> {
    let page = include_str!("../../../docs/security.md");
    let role = page
        .split("```yaml\n")
        .find(|block| block.contains("kind: ClusterRole\n"));
    let role = role
        .and_then(|block| block.split("```").next())
        .context("no role")?;
    world.cluster().feed(&["apply", "--filename=-"], role)?;
    let name = role.lines().find_map(|line| line.strip_prefix("  name: "));
    let cluster_role = format!("--clusterrole={}", name.context("no name")?);
    world.kubectl(&[
        "create",
        "rolebinding",
        "users",
        &cluster_role,
        "--user=ada",
    ])?;
    let may = |verb: &str, resource: &str, subresource: &str| {
        let subresource = format!("--subresource={subresource}");
        let question = ["auth", "can-i", verb, resource, &subresource, "--as=ada"];
        world.kubectl(&question).is_ok()
    };
    let rows = [
        ("create", "chatboxes", "", true),
        ("delete", "chatboxes", "", true),
        ("patch", "chatboxes", "", true),
        ("get", "pods", "log", true),
        ("update", "chatboxes", "status", false),
        ("update", "chatboxes", "finalizers", false),
        ("get", "secrets", "", false),
        ("create", "pods", "", false),
        ("create", "pods", "exec", false),
        ("get", "services", "", true),
        ("create", "pods", "portforward", true),
        ("update", "services", "", false),
    ];
    for (verb, resource, subresource, expected) in rows {
        ensure!(
            may(verb, resource, subresource) == expected,
            "{verb} {resource} {subresource}"
        );
    }
    let document = chatbox().to_string();
    let apply = [
        "--namespace",
        world.namespace(),
        "apply",
        "--filename=-",
        "--as=ada",
    ];
    world.cluster().feed(&apply, &document)?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    // The words of README.md. Without the right to see events, the first of them only leaves them out.
    world.wait_for("she is told the events", || {
        let told = world.kubectl(&["describe", "chatbox", "support", "--as=ada"])?;
        let events = told
            .split_once("Events:")
            .map(|(_, events)| events.contains("RolledOut"));
        Ok((events == Some(true)).then_some(()))
    })?;
    world.kubectl(&["get", "events", "--as=ada"])?;
    world.kubectl(&["events", "--for=chatbox/support", "--as=ada"])?;
    world.kubectl(&["get", "service", "support-chatbox", "--as=ada"])?;
    Ok(())
}

pub(crate) fn what_is_not_allowed_is_neither_read_nor_run(world: &World<'_>) -> Result<()> {
    secrets(world)?;
    world.apply(&with_secrets())?;
    let image = format!("--chatbox-image={IMAGE}");
    let secrets = "--allowed-secrets=jwt,chat-*";
    let args = [
        image.as_str(),
        secrets,
        "--allowed-provider-hosts=*.example",
    ];
    let operator = Operator::start_with_args(world, &args)?;
    let message = wait_for_condition(world, "ConfigValid", "False", "Invalid")?;
    for words in [
        "spec.config.models[0].openai.apiKey.name: secret \"llm\" is not allowed in this cluster",
        "spec.config.models[0].openai.baseUrl: host \"api.openai.com\" is not allowed in this cluster",
        "name one that matches jwt or chat-*",
    ] {
        ensure!(message.contains(words), "{message}");
    }
    wait_for_condition(world, "Stalled", "True", "NotAllowed")?;
    wait_for_condition(world, "SecretsResolved", "Unknown", "NotChecked")?;
    ensure!(
        world.get("deployment", "support-chatbox")?.is_none(),
        "it was made"
    );
    let mut chatbox = with_secrets();
    chatbox["spec"]["config"]["models"][0]["openai"] =
        json!({"model": "m", "baseUrl": "https://llm.example/v1"});
    world.apply(&chatbox)?;
    roll_out(world)?;
    drop(operator);
    Ok(())
}

/// The API server itself judges here: a table in `crds` holds the same rules to what the server says.
pub(crate) fn the_rules_of_every_provider_hold_at_admission(world: &World<'_>) -> Result<()> {
    let with = |model: Value| {
        let mut chatbox = chatbox();
        chatbox["spec"]["config"]["models"] = json!([model]);
        chatbox
    };
    let key = json!({"name": "llm", "key": "key"});
    let headers = |name: &str| json!([{"name": name, "value": key}]);
    for good in [
        json!({"id": "m", "name": "M", "temperature": 1, "anthropic": {"model": "m",
            "headers": headers("authorization")}}),
        json!({"id": "m", "name": "M", "temperature": 1.5, "openai": {"model": "m",
            "headers": headers("x-api-key")}}),
        json!({"id": "m", "name": "M", "dify": {"apiKey": key, "headers": headers("x-a")}}),
    ] {
        world.apply(&with(good))?;
    }
    for (bad, words) in [
        (
            json!({"id": "m", "name": "M", "temperature": 2, "anthropic": {"model": "m"}}),
            "at most 1",
        ),
        (
            json!({"id": "m", "name": "M", "temperature": 1, "dify": {"apiKey": key}}),
            "set them in the app",
        ),
        (
            json!({"id": "m", "name": "M", "dify": {"apiKey": key, "headers": headers("authorization")}}),
            "sets one of these headers itself",
        ),
        (
            json!({"id": "m", "name": "M", "openai": {"model": "m", "headers": headers("host")}}),
            "belongs to the connection",
        ),
    ] {
        let refusal = world.refusal(&with(bad))?;
        ensure!(refusal.contains(words), "{refusal}");
    }
    Ok(())
}
