//! A client for the server that the document names, with the guarantees that this store needs.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use backon::{ExponentialBuilder, Retryable};
use crds::config;
use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::{
    Acknowledgment, ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, Tls,
    WriteConcern,
};

use super::tls;
use crate::secrets;

/// How long the driver looks for a primary. Who waits for an acknowledgement must be told soon.
const SELECTION: Duration = Duration::from_secs(3);
const CONNECT: Duration = Duration::from_secs(3);
/// How long a process waits at its start for a server that cannot be reached, before it ends with the reason.
const START: Duration = Duration::from_mins(1);

/// A client of a replica set that answers.
pub(super) async fn connect(config: &config::MongoDb, root: &Path) -> anyhow::Result<Client> {
    let options = options(config, root).await?;
    let client = Client::with_options(options).context("storage.mongodb cannot be used")?;
    let hello = || async {
        let admin = client.database("admin");
        admin.run_command(doc! {"hello": 1}).await
    };
    let policy = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
        .with_total_delay(Some(START));
    let hello = hello
        .retry(policy)
        .when(|error| !is_refused(error))
        .notify(|error, delay| {
            tracing::warn!(cause = %error.kind, ?delay, "cannot reach MongoDB yet");
        })
        .await
        .map_err(|error| {
            let what = if is_refused(&error) {
                "refuses the user or the password of"
            } else {
                "cannot be reached; check the network and"
            };
            anyhow!("MongoDB {what} {}: {}", config.uri, error.kind)
        })?;
    ensure!(
        has_transactions(&hello),
        "the MongoDB is no replica set, and so has no transactions; start it with --replSet, one member is enough"
    );
    Ok(client)
}

/// What the driver is told, whatever the address asks for: a message that was acknowledged must not be lost.
async fn options(config: &config::MongoDb, root: &Path) -> anyhow::Result<ClientOptions> {
    let uri = secrets::read_mongodb_uri(root, &config.uri)?;
    // The driver's own words may quote the address, and so a password.
    let parsed = ClientOptions::parse(uri.expose()).await;
    let mut options = parsed.map_err(|error| match *error.kind {
        ErrorKind::DnsResolve { .. } => anyhow!(
            "the host in {} cannot be found in the DNS; check its name",
            config.uri
        ),
        _ => anyhow!(
            "{} cannot be used as the address of a MongoDB; write mongodb://USER:PASSWORD@HOST/?replicaSet=NAME, with \
             special characters of the password as %XX, and check the port and the names of the options",
            config.uri
        ),
    })?;
    options.app_name = Some("chatbox".to_owned());
    options.write_concern = Some(
        WriteConcern::builder()
            .w(Acknowledgment::Majority)
            .journal(true)
            .build(),
    );
    options.read_concern = Some(ReadConcern::majority());
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    options.server_selection_timeout = Some(SELECTION);
    options.connect_timeout = Some(CONNECT);
    options.max_pool_size = Some(config.pool_max.unsigned_abs());
    options.retry_reads = Some(true);
    options.retry_writes = Some(true);
    if let Some(tls) = &config.tls {
        options.tls = Some(Tls::Enabled(tls::options(tls, root)?));
    }
    Ok(options)
}

/// Another attempt would end the same.
fn is_refused(error: &Error) -> bool {
    matches!(*error.kind, ErrorKind::Authentication { .. })
}

/// Whether a server that says this is part of a replica set or of a sharded cluster.
fn has_transactions(hello: &Document) -> bool {
    hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_weakens_no_guarantee() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("mongo")).unwrap();
        let weak = "mongodb://u:p@a:1/?w=0&readPreference=secondary&readConcernLevel=local&retryWrites=false\
                    &serverSelectionTimeoutMS=60000&maxPoolSize=9";
        std::fs::write(root.path().join("mongo/uri"), weak).unwrap();
        let config = serde_json::json!({"uri": {"name": "mongo", "key": "uri"}, "database": "d"});
        let config: config::MongoDb = serde_json::from_value(config).unwrap();
        let options = options(&config, root.path()).await.unwrap();
        let write = options.write_concern.unwrap();
        assert_eq!(
            (write.w, write.journal),
            (Some(Acknowledgment::Majority), Some(true))
        );
        assert_eq!(options.read_concern, Some(ReadConcern::majority()));
        assert_eq!(
            options.selection_criteria,
            Some(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        );
        assert_eq!(options.retry_writes, Some(true));
        assert_eq!(options.server_selection_timeout, Some(SELECTION));
        assert_eq!(options.max_pool_size, Some(config.pool_max.unsigned_abs()));
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_used_is_not_repeated() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("mongo")).unwrap();
        let config = serde_json::json!({"uri": {"name": "mongo", "key": "uri"}, "database": "d"});
        let config: config::MongoDb = serde_json::from_value(config).unwrap();
        for bad in [
            "mongodb://u:hunter2@a:port/",
            "mongodb://u:hun/ter2@a/",
            "postgres://u:hunter2@a",
        ] {
            std::fs::write(root.path().join("mongo/uri"), bad).unwrap();
            let error = options(&config, root.path()).await.unwrap_err();
            let error = format!("{error:#}");
            assert!(!error.contains("hun"), "{error}");
            assert!(error.contains("secret \"mongo\""), "{error}");
        }
    }

    #[test]
    fn a_replica_set_is_told_from_a_single_server() {
        assert!(has_transactions(&doc! {"setName": "rs0"}));
        assert!(has_transactions(&doc! {"msg": "isdbgrid"}));
        assert!(!has_transactions(&doc! {"isWritablePrimary": true}));
    }
}
