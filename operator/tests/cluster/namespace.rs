//! The end of a namespace.

use anyhow::{Context as _, Result, ensure};
use chatbox_operator::error::Error;
use chatbox_operator::kind::Kind;
use control_plane::world::World;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::program::{block_on, client};

/// The API server names the cause of the rejection, which is how the operator knows that there is nothing to repair.
pub(crate) fn a_namespace_that_is_deleted_is_recognized(world: &World<'_>) -> Result<()> {
    let name = format!("{}-deleted", world.namespace());
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name},
    });
    let held = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": name, "finalizers": ["example.com/held"]},
    });
    for object in [namespace, held] {
        world
            .cluster()
            .feed(&["apply", "--filename=-"], &object.to_string())?;
    }
    world
        .cluster()
        .run(&["delete", "namespace", &name, "--wait=false"])?;
    let rejection = block_on(async {
        let api: Api<ConfigMap> = Api::namespaced(client(world).await?, &name);
        let object = ConfigMap {
            metadata: kube::api::ObjectMeta {
                name: Some("new".to_owned()),
                ..kube::api::ObjectMeta::default()
            },
            ..ConfigMap::default()
        };
        let result = api.create(&PostParams::default(), &object).await;
        result
            .map(|created| created.name_any())
            .err()
            .context("it was created")
    })?;
    let error = Error::write(Kind::CONFIG_MAP, "new".to_owned(), rejection);
    ensure!(matches!(error, Error::NamespaceTerminating), "{error}");
    let release = "--patch={\"metadata\":{\"finalizers\":null}}";
    let held = [
        "patch",
        "configmap",
        "held",
        "--namespace",
        &name,
        "--type=merge",
        release,
    ];
    world.cluster().run(&held)?;
    Ok(())
}
