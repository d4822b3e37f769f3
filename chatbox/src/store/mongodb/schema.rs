//! Indexes, and the version of what the database holds.

use anyhow::{Context, bail, ensure};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, IndexModel};

use super::documents::Collections;
use super::write;

/// Of the documents that this release writes.
const VERSION: i32 = 1;

/// Makes what is missing, and fails where something else stands in its place.
pub(super) async fn prepare(db: &Collections) -> anyhow::Result<()> {
    check_version(&db.meta).await?;
    indexes(&db.sessions, sessions()).await?;
    indexes(&db.messages, messages()).await?;
    indexes(&db.runs, runs()).await
}

async fn check_version(meta: &Collection<Document>) -> anyhow::Result<()> {
    let stored = write::set_once(meta, "schema", doc! {"version": VERSION});
    let stored = stored.await.context(
        "cannot read and write the collection meta; grant the role readWrite on the database",
    )?;
    let version = stored.get_i32("version").ok();
    let version =
        version.context("the document \"schema\" of the collection meta holds no version")?;
    ensure!(
        version <= VERSION,
        "it was written by a newer release (version {version}, this one knows {VERSION}); run that release"
    );
    Ok(())
}

async fn indexes<T: Send + Sync>(
    collection: &Collection<T>,
    models: Vec<IndexModel>,
) -> anyhow::Result<()> {
    let name = collection.name();
    let advice = || {
        format!(
            "cannot make the indexes of the collection {name}: grant the role readWrite on the database, and drop an index \
             of the same name or keys that differs"
        )
    };
    collection
        .create_indexes(models.clone())
        .await
        .with_context(advice)?;
    let found = collection.list_indexes().await.with_context(advice)?;
    let found: Vec<_> = found.try_collect().await.with_context(advice)?;
    let missing = models
        .iter()
        .find(|model| !found.iter().any(|found| is_same(found, model)));
    if let Some(missing) = missing {
        let missing = name_of(missing).unwrap_or_default();
        bail!(
            "the index {missing} of the collection {name} is another than this release needs; drop it"
        );
    }
    Ok(())
}

/// Whether an index that exists does what `model` asks for.
fn is_same(found: &IndexModel, model: &IndexModel) -> bool {
    let is_unique = |index: &IndexModel| {
        let options = index.options.as_ref();
        options.and_then(|options| options.unique).unwrap_or(false)
    };
    name_of(found) == name_of(model)
        && found.keys.to_string() == model.keys.to_string()
        && is_unique(found) == is_unique(model)
}

fn name_of(index: &IndexModel) -> Option<&str> {
    index.options.as_ref()?.name.as_deref()
}

fn sessions() -> Vec<IndexModel> {
    vec![
        index("of_user", doc! {"user": 1, "active": -1, "_id": 1}, None),
        index(
            "waiting",
            doc! {"pending": 1},
            Some(
                IndexOptions::builder()
                    .partial_filter_expression(doc! {"pending": {"$gt": 0}})
                    .build(),
            ),
        ),
        index(
            "attended",
            doc! {"attended": 1},
            Some(where_present("attended")),
        ),
        index("help", doc! {"help": 1}, Some(where_present("help"))),
    ]
}

fn where_present(field: &str) -> IndexOptions {
    IndexOptions::builder()
        .partial_filter_expression(doc! {field: {"$exists": true}})
        .build()
}

fn messages() -> Vec<IndexModel> {
    let unique = IndexOptions::builder().unique(true).build();
    let of_clients = IndexOptions::builder()
        .unique(true)
        .partial_filter_expression(doc! {"client_id": {"$exists": true}})
        .build();
    vec![
        index("in_order", doc! {"session": 1, "seq": 1}, Some(unique)),
        index(
            "by_client_id",
            doc! {"session": 1, "client_id": 1},
            Some(of_clients),
        ),
    ]
}

fn runs() -> Vec<IndexModel> {
    vec![index("by_lease", doc! {"lease": 1}, None)]
}

fn index(name: &str, keys: Document, options: Option<IndexOptions>) -> IndexModel {
    let mut options = options.unwrap_or_default();
    options.name = Some(name.to_owned());
    IndexModel::builder().keys(keys).options(options).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_counts_only_as_it_is_needed() {
        let unique = || Some(IndexOptions::builder().unique(true).build());
        let keys = || doc! {"session": 1, "seq": 1};
        let needed = &messages()[0];
        assert!(is_same(&index("in_order", keys(), unique()), needed));
        for other in [
            index("in_order", keys(), None),
            index("in_order", doc! {"seq": 1, "session": 1}, unique()),
            index("of_session", keys(), unique()),
        ] {
            assert!(!is_same(&other, needed), "{other:?}");
        }
    }
}
