//! The charts, rendered without a cluster and installed on an API server alone.

#[path = "chart/helm.rs"]
mod helm;
#[path = "chart/install.rs"]
mod install;
#[path = "chart/values.rs"]
mod values;
