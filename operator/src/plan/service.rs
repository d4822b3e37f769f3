//! The Service in front of the pods.

use crds::chatbox::ServiceType;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{meta, pod};
use crate::names;
use crate::validate::ValidatedChatbox;

/// Address of the chat page inside the cluster.
pub fn url(chatbox: &ValidatedChatbox) -> String {
    let host = format!(
        "{}.{}.svc",
        names::app(&chatbox.name),
        chatbox.namespace.as_deref().unwrap_or_default()
    );
    let port = match chatbox.service.port {
        80 => String::new(),
        port => format!(":{port}"),
    };
    format!("http://{host}{port}{}/", chatbox.config.server.path_prefix)
}

pub(super) fn build(chatbox: &ValidatedChatbox) -> Service {
    let service = &chatbox.service;
    let type_ = match service.type_ {
        ServiceType::ClusterIp => "ClusterIP",
        ServiceType::NodePort => "NodePort",
    };
    let annotations = Some(service.annotations.clone()).filter(|map| !map.is_empty());
    Service {
        metadata: ObjectMeta {
            annotations,
            ..meta::owned(chatbox, names::app(&chatbox.name))
        },
        spec: Some(ServiceSpec {
            type_: Some(type_.to_owned()),
            selector: Some(meta::selector(&chatbox.name)),
            ports: Some(vec![ServicePort {
                name: Some(pod::PUBLIC.to_owned()),
                port: service.port,
                target_port: Some(IntOrString::String(pod::PUBLIC.to_owned())),
                node_port: service.node_port,
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}
