//! Something is edited while people chat.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use anyhow::{Context, Result, ensure};
use browser::Browser;
use control_plane::world::World;
use serde_json::{Value, json};

use super::chat::{self, APP, NAME, ask, demo, pod, said, uid, with};

/// A volume that outlives pods, made by the scenario: this cluster has no provisioner.
struct Disk<'a> {
    world: &'a World<'a>,
    name: String,
    folder: PathBuf,
}

impl<'a> Disk<'a> {
    fn make(world: &'a World<'a>) -> Result<Self> {
        let name = format!("disk-of-{}", world.namespace());
        let folder = std::env::temp_dir().join(&name);
        fs::create_dir(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777))?;
        world.apply(&json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "hostPath": {"path": folder},
                "claimRef": {"namespace": world.namespace(), "name": format!("{APP}-data")},
            },
        }))?;
        Ok(Self {
            world,
            name,
            folder,
        })
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        self.world.cluster().succeeds(&[
            "delete",
            "chatbox",
            NAME,
            "--namespace",
            self.world.namespace(),
        ]);
        self.world
            .cluster()
            .succeeds(&["delete", "persistentvolume", &self.name, "--wait=false"]);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// An edit of the model's name rolls the pods once, and the open page goes on by itself. A label rolls nothing.
pub(crate) fn an_edit_rolls_once_and_the_page_goes_on(world: &World<'_>) -> Result<()> {
    let _disk = Disk::make(world)?;
    let on_disk = with(
        demo(),
        "/spec/config/storage/sqlite/volume",
        json!({"claim": {"size": "1Gi"}}),
    );
    world.apply(&on_disk)?;
    let page = chat::page(world, NAME)?;
    let browser = Browser::start()?.page()?;
    browser.open(&page)?;
    let before = ask(&browser, "Before the edit")?;
    let first = uid(&pod(world)?)?;

    world.kubectl(&["label", "chatbox", NAME, "team=blue"])?;
    world.kubectl(&["annotate", "chatbox", NAME, "note=nothing to do"])?;
    let renamed = with(on_disk, "/spec/config/models/0/name", json!("Ada"));
    world.apply(&renamed)?;
    rolled_once(world, &first)?;

    let after = ask(&browser, "After the edit")?;
    ensure!(
        said(&after)[..2] == said(&before)[..],
        "what was said before has changed: {after:?}"
    );
    ensure!(
        said(&after).len() == 4,
        "something is doubled or lost: {after:?}"
    );
    ensure!(after[3].text.contains("After the edit"), "{after:?}");
    browser.wait_for_text("body", "Ada")
}

/// On a volume that goes with the pod, an edit takes the messages too. The open page says so and begins anew.
pub(crate) fn a_chat_without_a_volume_begins_anew(world: &World<'_>) -> Result<()> {
    world.apply(&demo())?;
    let page = chat::page(world, NAME)?;
    let browser = Browser::start()?.page()?;
    browser.open(&page)?;
    ask(&browser, "Before the edit")?;
    world.apply(&with(demo(), "/spec/config/models/0/name", json!("Ada")))?;
    browser.wait_for_text("body", "no longer there")?;
    let after = said(&ask(&browser, "After the edit")?);
    ensure!(
        after.len() == 2 && after[0].1.contains("After the edit"),
        "the page shows what is not there: {after:?}"
    );
    browser.reload()?;
    browser.wait_for_text(".message.ai", "After the edit")?;
    ensure!(
        said(&browser.transcript()?) == after,
        "a reload shows something else"
    );
    Ok(())
}

/// Another key of the same Secret is none of the Chatbox's business; the key that it names is.
pub(crate) fn only_the_named_key_rolls_the_pods(world: &World<'_>) -> Result<()> {
    let secret = |jwt: char, other: &str| {
        let data = json!({"jwt": jwt.to_string().repeat(40), "other": other});
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": data})
    };
    world.apply(&secret('a', "one"))?;
    let keys = json!({"hs256": {"keys": [{"name": "keys", "key": "jwt"}]}, "guests": {}});
    world.apply(&with(demo(), "/spec/config/auth", keys))?;
    chat::page(world, NAME)?;
    let hash = || -> Result<Value> {
        let deployment = world
            .get("deployment", APP)?
            .context("the Deployment exists")?;
        Ok(
            deployment["spec"]["template"]["metadata"]["annotations"]["chatbox.dev/config-hash"]
                .clone(),
        )
    };
    let (first, before) = (uid(&pod(world)?)?, hash()?);
    world.apply(&secret('a', "two"))?;
    world.apply(&secret('b', "two"))?;
    world.wait_for("a new digest", || {
        Ok(Some(hash()?).filter(|hash| *hash != before))
    })?;
    rolled_once(world, &first)
}

/// Waits until another pod than the first serves, and makes sure that there was none between.
fn rolled_once(world: &World<'_>, first: &str) -> Result<()> {
    world.wait_for("a new pod", || {
        Ok(Some(uid(&pod(world)?)?).filter(|uid| uid != first))
    })?;
    chat::ready(world)?;
    ensure!(
        chat::revision(world)? == "2",
        "the pods rolled more than once"
    );
    Ok(())
}
