//! Texts one by one, for a cipher.

use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;

use super::documents::{Collections, binary, unreadable};
use super::error;
use crate::store::values::{Place, PlaceKind, Replacement, Value};

pub(super) async fn values(
    db: &Collections,
    after: Option<&Place>,
    limit: usize,
) -> Result<Vec<Value>> {
    for kind in PlaceKind::behind(after) {
        let after = after.filter(|place| place.kind() == kind);
        let found = of_kind(db, kind, after, limit).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// How many of the texts were still the old ones.
pub(super) async fn replace(db: &Collections, replacements: &[Replacement]) -> Result<u64> {
    let mut replaced = 0;
    for Replacement { place, old, new } in replacements {
        let kind = place.kind();
        let field = field(kind);
        let filter = doc! {"_id": id(place), field: old};
        let change = doc! {"$set": {field: new}};
        let updated = collection(db, kind).update_one(filter, change).await?;
        replaced += updated.modified_count;
    }
    Ok(replaced)
}

pub(super) async fn record(meta: &Collection<Document>, name: &str) -> Result<Option<Vec<u8>>> {
    let Some(found) = meta.find_one(doc! {"_id": name}).await? else {
        return Ok(None);
    };
    match found.get("value") {
        Some(Bson::Binary(value)) => Ok(Some(value.bytes.clone())),
        _ => Err(unreadable("value")),
    }
}

pub(super) async fn replace_record(
    meta: &Collection<Document>,
    name: &str,
    old: Option<&[u8]>,
    new: &[u8],
) -> Result<bool> {
    let Some(old) = old else {
        let document = doc! {"_id": name, "value": binary(new)};
        return match meta.insert_one(document).await {
            Ok(_) => Ok(true),
            Err(error) if error::is_duplicate_key(&error) => Ok(false),
            Err(error) => Err(error),
        };
    };
    let filter = doc! {"_id": name, "value": binary(old)};
    let change = doc! {"$set": {"value": binary(new)}};
    let updated = meta.update_one(filter, change).await?;
    Ok(updated.matched_count == 1)
}

async fn of_kind(
    db: &Collections,
    kind: PlaceKind,
    after: Option<&Place>,
    limit: usize,
) -> Result<Vec<Value>> {
    let field = field(kind);
    // A document without the text, which this release cannot have written, must not end the list.
    let mut filter = doc! {field: {"$type": "string"}};
    if matches!(kind, PlaceKind::Name | PlaceKind::Checkpoint) {
        filter = doc! {field: {"$gt": ""}};
    }
    if let Some(after) = after {
        filter.insert("_id", doc! {"$gt": id(after)});
    }
    let found = collection(db, kind)
        .find(filter)
        .sort(doc! {"_id": 1})
        .limit(i64::try_from(limit).unwrap_or(i64::MAX).max(1))
        .projection(doc! {field: 1, "session": 1, "seq": 1, "question": 1})
        .await?;
    let found: Vec<_> = found.try_collect().await?;
    found.iter().map(|document| value(kind, document)).collect()
}

fn value(kind: PlaceKind, document: &Document) -> Result<Value> {
    let text = |document: &Document, field: &'static str| {
        let text = document.get_str(field);
        text.map(ToOwned::to_owned).map_err(|_| unreadable(field))
    };
    let number = |field: &'static str| document.get_i64(field).map_err(|_| unreadable(field));
    let place = match kind {
        PlaceKind::Name => Place::Name {
            session: text(document, "_id")?,
        },
        PlaceKind::Content => Place::Content {
            session: text(document, "session")?,
            seq: number("seq")?,
            id: text(document, "_id")?,
        },
        PlaceKind::Checkpoint => Place::Checkpoint {
            run: text(document, "_id")?,
            session: text(document, "session")?,
            question: number("question")?,
        },
        PlaceKind::ProviderState => {
            let id = document
                .get_document("_id")
                .map_err(|_| unreadable("_id"))?;
            Place::ProviderState {
                session: text(id, "session")?,
                model: text(id, "model")?,
            }
        }
        PlaceKind::Payload => Place::Payload {
            id: text(document, "_id")?,
            session: text(document, "session")?,
        },
    };
    let text = text(document, field(kind))?;
    Ok(Value { place, text })
}

fn id(place: &Place) -> Bson {
    match place {
        Place::Name { session } => session.into(),
        Place::Content { id, .. } | Place::Payload { id, .. } => id.into(),
        Place::Checkpoint { run, .. } => run.into(),
        Place::ProviderState { session, model } => doc! {"session": session, "model": model}.into(),
    }
}

fn field(kind: PlaceKind) -> &'static str {
    match kind {
        PlaceKind::Name => "name",
        PlaceKind::Content => "content",
        PlaceKind::Checkpoint => "checkpoint",
        PlaceKind::ProviderState => "state",
        PlaceKind::Payload => "payload",
    }
}

fn collection(db: &Collections, kind: PlaceKind) -> Collection<Document> {
    match kind {
        PlaceKind::Name => db.sessions.clone_with_type(),
        PlaceKind::Content => db.messages.clone_with_type(),
        PlaceKind::Checkpoint => db.runs.clone_with_type(),
        PlaceKind::ProviderState => db.provider_state.clone(),
        PlaceKind::Payload => db.outbox.clone_with_type(),
    }
}
