//! The pod: one container under the restricted profile of Pod Security, with its files.

use std::collections::BTreeMap;

use crds::runtime::{
    CONFIG_DIR, CONFIG_FILE, DATA_DIR, INTERNAL_PORT, LIVEZ, PROPAGATION_SECONDS, PUBLIC_PORT,
    READYZ, SECRETS_DIR, UID, grace_seconds,
};
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource,
    HTTPGetAction, KeyToPath, Lifecycle, LifecycleHandler, PersistentVolumeClaimVolumeSource,
    PodSecurityContext, PodSpec, Probe, ProjectedVolumeSource, ResourceRequirements,
    SeccompProfile, SecretProjection, SecurityContext, SleepAction, Volume, VolumeMount,
    VolumeProjection,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::names::{self, CONTAINER, SECRETS_VOLUME};
use crate::quantity;
use crate::validate::ValidatedChatbox;

/// Name of the public port.
pub const PUBLIC: &str = "http";
/// Name of the port of probes and metrics.
const INTERNAL: &str = "internal";

const DATA: &str = "data";

/// The start may migrate the database: the kubelet probes every second, this often.
const START_PROBES: i32 = 300;
/// Owner and group may read; the process is in the group.
const SECRET_MODE: i32 = 0o440;

pub(super) fn build(chatbox: &ValidatedChatbox) -> PodSpec {
    PodSpec {
        service_account_name: Some(names::app(&chatbox.name)),
        automount_service_account_token: Some(false),
        // Environment variables of other Services could collide with ours.
        enable_service_links: Some(false),
        security_context: Some(pod_security()),
        termination_grace_period_seconds: Some(grace_seconds(&chatbox.config)),
        containers: vec![container(chatbox)],
        volumes: Some(vec![config(chatbox), secrets(chatbox), data(chatbox)]),
        ..PodSpec::default()
    }
}

fn container(chatbox: &ValidatedChatbox) -> Container {
    Container {
        name: CONTAINER.to_owned(),
        image: Some(chatbox.image.clone()),
        args: Some(arguments()),
        ports: Some(vec![
            port(PUBLIC, PUBLIC_PORT),
            port(INTERNAL, INTERNAL_PORT),
        ]),
        resources: resources(chatbox),
        security_context: Some(container_security()),
        startup_probe: Some(Probe {
            period_seconds: Some(1),
            failure_threshold: Some(START_PROBES),
            ..probe(LIVEZ)
        }),
        liveness_probe: Some(probe(LIVEZ)),
        readiness_probe: Some(Probe {
            period_seconds: Some(5),
            ..probe(READYZ)
        }),
        lifecycle: Some(Lifecycle {
            pre_stop: Some(LifecycleHandler {
                sleep: Some(SleepAction {
                    seconds: PROPAGATION_SECONDS,
                }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        // The last log lines of a server that fails to start end up in the status of the Chatbox.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        volume_mounts: Some(vec![
            mount(names::CONFIG_VOLUME, CONFIG_DIR, true),
            mount(SECRETS_VOLUME, SECRETS_DIR, true),
            mount(DATA, DATA_DIR, false),
        ]),
        ..Container::default()
    }
}

fn arguments() -> Vec<String> {
    let words = [
        "serve",
        "--config",
        CONFIG_FILE,
        "--secrets",
        SECRETS_DIR,
        "--data",
        DATA_DIR,
    ];
    words.map(str::to_owned).to_vec()
}

fn port(name: &str, number: u16) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: i32::from(number),
        ..ContainerPort::default()
    }
}

fn probe(path: &str) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(INTERNAL.to_owned()),
            ..HTTPGetAction::default()
        }),
        timeout_seconds: Some(3),
        ..Probe::default()
    }
}

fn mount(name: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    }
}

fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(UID),
        run_as_group: Some(UID),
        fs_group: Some(UID),
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            ..SeccompProfile::default()
        }),
        ..PodSecurityContext::default()
    }
}

fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            ..Capabilities::default()
        }),
        read_only_root_filesystem: Some(true),
        ..SecurityContext::default()
    }
}

/// The resources of the spec, or our defaults: a mixture could request more than its own limit.
fn resources(chatbox: &ValidatedChatbox) -> Option<ResourceRequirements> {
    let (requests, limits) = match &chatbox.resources {
        Some(resources) => (canonical(&resources.requests), canonical(&resources.limits)),
        None => (
            quantities(&[("cpu", "50m"), ("memory", "64Mi")]),
            quantities(&[("memory", "256Mi")]),
        ),
    };
    let some = |map: BTreeMap<_, _>| Some(map).filter(|map| !map.is_empty());
    let requirements = ResourceRequirements {
        requests: some(requests),
        limits: some(limits),
        ..ResourceRequirements::default()
    };
    Some(requirements).filter(|requirements| *requirements != ResourceRequirements::default())
}

fn quantities(pairs: &[(&str, &str)]) -> BTreeMap<String, Quantity> {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), Quantity((*value).to_owned()));
    pairs.iter().map(pair).collect()
}

fn canonical(map: &BTreeMap<String, Quantity>) -> BTreeMap<String, Quantity> {
    let pair = |(name, value): (&String, &Quantity)| {
        (name.clone(), Quantity(quantity::canonical(&value.0)))
    };
    map.iter().map(pair).collect()
}

fn config(chatbox: &ValidatedChatbox) -> Volume {
    Volume {
        name: names::CONFIG_VOLUME.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: chatbox.config_map.clone(),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// Each key that the config references, and no other, at the path of `SecretRef::path`.
fn secrets(chatbox: &ValidatedChatbox) -> Volume {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (_, secret, _) in chatbox.config.secrets() {
        by_name.entry(&secret.name).or_default().push(&secret.key);
    }
    let sources = by_name.into_iter().map(|(name, mut keys)| {
        keys.sort_unstable();
        keys.dedup();
        let item = |key: &str| KeyToPath {
            key: key.to_owned(),
            path: format!("{name}/{key}"),
            ..KeyToPath::default()
        };
        VolumeProjection {
            secret: Some(SecretProjection {
                name: name.to_owned(),
                items: Some(keys.into_iter().map(item).collect()),
                ..SecretProjection::default()
            }),
            ..VolumeProjection::default()
        }
    });
    Volume {
        name: SECRETS_VOLUME.to_owned(),
        projected: Some(ProjectedVolumeSource {
            default_mode: Some(SECRET_MODE),
            sources: Some(sources.collect()),
        }),
        ..Volume::default()
    }
}

fn data(chatbox: &ValidatedChatbox) -> Volume {
    let volume = chatbox
        .config
        .storage
        .sqlite
        .as_ref()
        .map(|sqlite| &sqlite.volume);
    let claim = volume.and_then(|volume| volume.claim.as_ref());
    let size_limit = volume
        .and_then(|volume| volume.empty_dir.as_ref())
        .and_then(|dir| dir.size_limit.as_deref())
        .map(|size| Quantity(quantity::canonical(size)));
    let name = DATA.to_owned();
    match claim {
        Some(_) => Volume {
            name,
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: names::data(&chatbox.name),
                ..PersistentVolumeClaimVolumeSource::default()
            }),
            ..Volume::default()
        },
        None => Volume {
            name,
            empty_dir: Some(EmptyDirVolumeSource {
                size_limit,
                ..EmptyDirVolumeSource::default()
            }),
            ..Volume::default()
        },
    }
}
