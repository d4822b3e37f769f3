//! Admission of a cluster's owner: writes of the operator that are refused or changed.

use anyhow::Result;
use control_plane::world::World;
use serde_json::{Value, json};

/// Refuses writes of the operator in one namespace, until it is dropped.
pub(crate) struct Denied<'a> {
    world: &'a World<'a>,
    name: String,
    kinds: &'static str,
}

impl<'a> Denied<'a> {
    pub(crate) const WORDS: &'static str = "the platform team says no";

    pub(crate) fn new(
        world: &'a World<'a>,
        resource: &'static str,
        operation: &str,
    ) -> Result<Self> {
        let name = format!("{}-{resource}", world.namespace());
        let kinds = "validatingadmissionpolicies,validatingadmissionpolicybindings";
        let validation = json!({"expression": "false", "message": Self::WORDS});
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": constraints(world, resource, operation),
                "matchConditions": [of_operator(world)],
                "validations": [validation],
            },
        });
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        });
        install(world, &[policy, binding])?;
        let denied = Self { world, name, kinds };
        denied.wait(resource, operation)?;
        Ok(denied)
    }

    /// Waits until it is in effect, which the API server says nowhere.
    fn wait(&self, resource: &str, operation: &str) -> Result<()> {
        let account = format!("--as={}", account(self.world));
        let probe = |world: &World<'_>| match operation {
            "CREATE" => world.kubectl(&[
                "create",
                "service",
                "clusterip",
                "probe",
                "--tcp=1",
                "--dry-run=server",
                &account,
            ]),
            _ => world.kubectl(&[
                "label",
                resource,
                "--all",
                "probe=1",
                "--overwrite",
                "--dry-run=server",
                &account,
            ]),
        };
        self.world.wait_for("the policy is in effect", || {
            let refusal = probe(self.world).err().map(|error| format!("{error:#}"));
            Ok(refusal.filter(|text| text.contains(Self::WORDS)).map(drop))
        })
    }
}

impl Drop for Denied<'_> {
    fn drop(&mut self) {
        let delete = ["delete", self.kinds, &self.name, "--ignore-not-found"];
        self.world.cluster().succeeds(&delete);
    }
}

/// Changes what is written in one namespace, until it is dropped.
pub(crate) struct Mutated<'a> {
    world: &'a World<'a>,
    name: String,
}

impl<'a> Mutated<'a> {
    /// `patch` is an expression for a JSON patch.
    pub(crate) fn new(world: &'a World<'a>, resource: &str, patch: &str) -> Result<Self> {
        let name = format!("{}-{resource}", world.namespace());
        let constraints = |operation| constraints(world, resource, operation);
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1beta1",
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "reinvocationPolicy": "Never",
                "matchConstraints": constraints("*"),
                "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
            },
        });
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1beta1",
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name},
        });
        install(world, &[policy, binding])?;
        Ok(Self { world, name })
    }
}

impl Drop for Mutated<'_> {
    fn drop(&mut self) {
        let kinds = "mutatingadmissionpolicies,mutatingadmissionpolicybindings";
        let delete = ["delete", kinds, &self.name, "--ignore-not-found"];
        self.world.cluster().succeeds(&delete);
    }
}

fn install(world: &World<'_>, objects: &[Value]) -> Result<()> {
    for object in objects {
        let apply = ["apply", "--filename=-"];
        world.cluster().feed(&apply, &object.to_string())?;
    }
    Ok(())
}

fn constraints(world: &World<'_>, resource: &str, operation: &str) -> Value {
    let namespace = json!({"matchLabels": {"kubernetes.io/metadata.name": world.namespace()}});
    let rule = json!({
        "apiGroups": ["*"], "apiVersions": ["*"], "resources": [resource],
        "operations": if operation == "*" { json!(["CREATE", "UPDATE"]) } else { json!([operation]) },
    });
    json!({"namespaceSelector": namespace, "resourceRules": [rule]})
}

fn account(world: &World<'_>) -> String {
    format!("system:serviceaccount:{}:operator", world.namespace())
}

fn of_operator(world: &World<'_>) -> Value {
    let expression = format!("request.userInfo.username == '{}'", account(world));
    json!({"name": "operator", "expression": expression})
}
