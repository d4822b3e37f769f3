//! What the operator and the server agree on besides the document: ports, paths, labels and times.

use crate::Config;

/// The API group of the resource; also the prefix of our own annotations.
pub const GROUP: &str = "chatbox.dev";
/// Field manager of everything that the operator applies.
pub const FIELD_MANAGER: &str = "chatbox-operator";

/// Label of every object and pod of a Chatbox: its name. By this label, and by no other, pods are selected, and claims and
/// generated keys without an owner are adopted. It is part of the selector of every Deployment, so it never changes.
pub const NAME_LABEL: &str = "chatbox.dev/name";

/// Routes below the path prefix, and the pages.
pub const PUBLIC_PORT: u16 = 8080;
/// Probes and metrics; never exposed.
pub const INTERNAL_PORT: u16 = 9090;
/// Liveness: a failure restarts the container.
pub const LIVEZ: &str = "/livez";
/// Readiness: a failure removes the pod from its Service.
pub const READYZ: &str = "/readyz";
/// Metrics in the Prometheus text format.
pub const METRICS: &str = "/metrics";

/// The rendered [`Config`].
pub const CONFIG_FILE: &str = "/etc/chatbox/config.json";
/// Directory that holds [`CONFIG_FILE`].
pub const CONFIG_DIR: &str = "/etc/chatbox";
/// Root of [`crate::SecretRef::path`].
pub const SECRETS_DIR: &str = "/etc/chatbox-secrets";
/// Directory of the database, which must survive a restart.
pub const DATA_DIR: &str = "/var/lib/chatbox";
/// User and group of the process.
pub const UID: i64 = 65532;

/// Key of the token signing key in the Secret that the operator generates.
pub const SIGNING_KEY: &str = "jwt";
/// Key of the encryption key in the Secret that the operator generates for it.
pub const ENCRYPTION_KEY: &str = "key";
/// What stored texts call that key.
pub const ENCRYPTION_KEY_ID: &str = "generated";

/// Name of the config's file in the ConfigMap.
pub const CONFIG_KEY: &str = "config.json";
/// Annotation of the pod template: a digest of the config and of the secret values that the pods use. A change rolls
/// the pods.
pub const CONFIG_HASH: &str = "chatbox.dev/config-hash";

/// How long a terminating pod may still receive new connections, until every proxy has removed its endpoint, in
/// seconds.
pub const PROPAGATION_SECONDS: i64 = 5;
/// Time after the drain to flush pending writes and to close connections, in seconds.
pub const FLUSH_SECONDS: i64 = 5;
/// Margin before the kubelet kills the process, in seconds.
pub const MARGIN_SECONDS: i64 = 5;

/// `terminationGracePeriodSeconds` of the pod: `preStop`, drain, flush and margin together.
pub fn grace_seconds(config: &Config) -> i64 {
    PROPAGATION_SECONDS + i64::from(config.server.drain_seconds) + FLUSH_SECONDS + MARGIN_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grace_period_holds_every_step_of_the_shutdown() {
        let document = r#"{"models": [], "storage": {}, "server": {"drainSeconds": 40}}"#;
        assert_eq!(
            grace_seconds(&Config::parse(document).unwrap().config),
            5 + 40 + 5 + 5
        );
    }
}
