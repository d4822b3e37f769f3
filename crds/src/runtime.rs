//! What both programs must know of each other beyond the document: ports, paths, names and times.

use crate::Config;

/// The API group of the resource; also the prefix of our own annotations.
pub const GROUP: &str = "chatbox.dev";
/// Owner of every field that the operator writes.
pub const FIELD_MANAGER: &str = "chatbox-operator";

/// Routes below the path prefix, and the pages.
pub const PUBLIC_PORT: u16 = 8080;
/// Probes and metrics; never exposed.
pub const INTERNAL_PORT: u16 = 9090;
/// The process works: a failure restarts the container.
pub const LIVEZ: &str = "/livez";
/// The process takes traffic: a failure takes the pod out of its Service.
pub const READYZ: &str = "/readyz";
/// Prometheus text.
pub const METRICS: &str = "/metrics";

/// The rendered [`Config`].
pub const CONFIG_FILE: &str = "/etc/chatbox/config.json";
/// Directory that holds [`CONFIG_FILE`].
pub const CONFIG_DIR: &str = "/etc/chatbox";
/// Root of [`crate::SecretRef::path`].
pub const SECRETS_DIR: &str = "/etc/chatbox-secrets";
/// What must survive a restart.
pub const DATA_DIR: &str = "/var/lib/chatbox";
/// User and group of the process.
pub const UID: i64 = 65532;

/// Key of the token signing key in the Secret that the operator generates.
pub const SIGNING_KEY: &str = "jwt";

/// Name of the config's file in the ConfigMap.
pub const CONFIG_KEY: &str = "config.json";
/// On the pod template: names the config and the secret values that the pods run with. Its change rolls them.
pub const CONFIG_HASH: &str = "chatbox.dev/config-hash";

/// How long a pod that ends still gets new connections, until every proxy knows, in seconds.
pub const PROPAGATION_SECONDS: i64 = 5;
/// Time to write what is pending and to close connections after the drain, in seconds.
pub const FLUSH_SECONDS: i64 = 5;
/// Slack before the kubelet kills the process, in seconds.
pub const MARGIN_SECONDS: i64 = 5;

/// The pod's grace period: what `preStop`, drain and flush need together.
pub fn grace_seconds(config: &Config) -> i64 {
    PROPAGATION_SECONDS + i64::from(config.server.drain_seconds) + FLUSH_SECONDS + MARGIN_SECONDS
}
