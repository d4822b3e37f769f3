//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Makes a cluster match its Chatbox resources.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watches Chatboxes and reconciles their objects
    Run(Run),
    /// Prints the CustomResourceDefinition
    Crd,
    /// Prints the ClusterRole with exactly the rights that `run` uses
    Rbac,
    /// Prints what would be applied for the Chatboxes of a file, without a cluster
    Render(Render),
}

#[derive(Debug, Args)]
pub struct Run {
    /// Namespace to watch [default: every namespace]
    #[arg(
        long,
        env = "CHATBOX_NAMESPACE",
        default_value = "",
        hide_default_value = true
    )]
    pub namespace: String,
    /// Image of the chat server for Chatboxes that name none
    #[arg(long, env = "CHATBOX_IMAGE")]
    pub chatbox_image: String,
    /// Patterns for the names of Secrets that a Chatbox may use, such as llm-*; separated by commas [default: every Secret
    /// of its namespace]
    #[arg(long, env = "CHATBOX_ALLOWED_SECRETS", value_delimiter = ',')]
    pub allowed_secrets: Vec<String>,
    /// Patterns for the hosts of providers that a Chatbox may use, such as *.openai.com or llm.example:8443; separated by
    /// commas [default: every host]
    #[arg(long, env = "CHATBOX_ALLOWED_PROVIDER_HOSTS", value_delimiter = ',')]
    pub allowed_provider_hosts: Vec<String>,
    /// Address of /livez, /readyz and /metrics [default: port 8080 of every address]
    #[arg(long, env = "CHATBOX_OPERATOR_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// What is logged
    #[arg(
        long,
        env = "CHATBOX_OPERATOR_LOG",
        default_value = "info,kube_runtime=error"
    )]
    pub log: String,
    /// How it is logged
    #[arg(long, env = "CHATBOX_OPERATOR_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

#[derive(Debug, Args)]
pub struct Render {
    /// YAML file with Chatboxes, and with the Secrets that they reference if the pods shall have their digest; -
    /// reads standard input
    #[arg(short, long)]
    pub file: PathBuf,
    /// Image of the chat server for Chatboxes that name none
    #[arg(long, env = "CHATBOX_IMAGE")]
    pub chatbox_image: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}
