//! `chatbox rekey`: what is encrypted with which key, and everything with the first one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{bail, ensure};
use crds::Config;
use tokio::time::sleep;

use super::print;
use crate::app::{Paths, open_store};
use crate::args::Rekey;
use crate::clock;
use crate::config_file::load;
use crate::store::Store;
use crate::store::cipher::keyring::Keyring;
use crate::store::cipher::survey::{Report, report};
use crate::store::cipher::{Encrypted, Pass, accept_plaintext};
use crate::store::sqlite::Sqlite;

pub(super) async fn run(args: Rekey) -> anyhow::Result<()> {
    let config = load(&args.config)?;
    let keyring = Keyring::load(config.encryption.as_ref(), &args.secrets)?;
    ensure!(
        !keyring.is_empty(),
        "the document names no encryption key; name one in encryption.keys"
    );
    let paths = Paths {
        secrets: args.secrets,
        data: args.data,
    };
    if args.verify {
        let store = open_to_look(&config, &paths).await?;
        return tell(&report(&*store, &keyring).await?);
    }
    let store = open_store(&config, &paths).await?;
    if args.accept_plaintext {
        accept_plaintext(&*store, &keyring, clock::now()).await?;
    }
    let encrypted = Encrypted::open(Arc::clone(&store), keyring.clone(), clock::now()).await?;
    settle(&encrypted).await?;
    tell(&report(&*store, &keyring).await?)
}

/// Nobody else waits for the database, so there is no rest.
async fn settle(encrypted: &Encrypted) -> anyhow::Result<()> {
    loop {
        match encrypted.pass(clock::now(), 0).await? {
            Pass::Settled => return Ok(()),
            Pass::Again => {}
            Pass::Superseded => bail!(
                "a server has started meanwhile with another key in the first place; use its document"
            ),
            Pass::Wait(until) => {
                print(&format!(
                    "waiting until {until}, as other servers may still write with an older document; it can be broken off"
                ))?;
                let left = until.duration_since(clock::now());
                sleep(Duration::try_from(left).unwrap_or_default()).await;
            }
        }
    }
}

/// A database file is only read: its server may run.
async fn open_to_look(config: &Config, paths: &Paths) -> anyhow::Result<Arc<dyn Store>> {
    if config.storage.sqlite.is_some() {
        return Ok(Arc::new(Sqlite::open_read_only(&paths.data)?));
    }
    open_store(config, paths).await
}

fn tell(report: &Report) -> anyhow::Result<()> {
    let survey = &report.survey;
    for (key, texts) in &survey.by_key {
        print(&format!("key {key}: {texts} texts"))?;
    }
    print(&format!("not encrypted: {} texts", survey.not_encrypted))?;
    print(&format!("cannot be read: {} texts", survey.unreadable))?;
    for key in &report.removable {
        print(&format!("key {key} may be removed"))?;
    }
    if report.left.is_empty() {
        return print("everything is encrypted with the first key");
    }
    bail!("{}", report.left.join("; "))
}
