//! Queries, one function each.

use std::collections::HashSet;

use futures_util::TryStreamExt;
use mongodb::bson::{Document, deserialize_from_document, doc};
use mongodb::error::Result;
use mongodb::{Client, Cursor};
use serde::de::DeserializeOwned;

use super::documents::{Collections, OutboxDocument, RunDocument, SessionDocument, unreadable};
use crate::chat::{Message, Session, SessionId};
use crate::store::{Abandoned, OutboxEntry, Page};

/// Messages that the server sends at a time: of the longest ones, a few megabytes.
const BATCH: u32 = 50;

/// Which messages a page begins with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    OldestFirst,
    NewestFirst,
}

pub(super) async fn session(db: &Collections, id: &SessionId) -> Result<Option<Session>> {
    let found = db.sessions.find_one(doc! {"_id": id.as_str()}).await?;
    found.map(SessionDocument::session).transpose()
}

pub(super) async fn sessions(db: &Collections, user: &str, limit: usize) -> Result<Vec<Session>> {
    let found = db
        .sessions
        .find(doc! {"user": user, "seq": {"$gt": 0}})
        .sort(doc! {"active": -1, "_id": 1})
        .limit(count(limit))
        .await?;
    let found: Vec<_> = found.try_collect().await?;
    found.into_iter().map(SessionDocument::session).collect()
}

/// The first messages in `order` that together have at most so many bytes; one at least.
pub(super) async fn messages(
    db: &Collections,
    filter: Document,
    order: Order,
    page: Page,
) -> Result<Vec<Message>> {
    let direction = match order {
        Order::OldestFirst => 1,
        Order::NewestFirst => -1,
    };
    let mut found = db
        .messages
        .find(filter)
        .sort(doc! {"seq": direction})
        .limit(count(page.messages))
        .batch_size(BATCH)
        .await?;
    let (mut taken, mut size) = (Vec::new(), 0);
    while let Some(document) = found.try_next().await? {
        let message = document.message()?;
        size += message.content.len();
        if size > page.bytes && !taken.is_empty() {
            break;
        }
        taken.push(message);
    }
    Ok(taken)
}

/// Runs whose lease ended before `now`, in microseconds since 1970.
pub(super) async fn abandoned(db: &Collections, now: i64, limit: usize) -> Result<Vec<Abandoned>> {
    let found = db
        .runs
        .clone_with_type::<Document>()
        .find(doc! {"lease": {"$lt": now}})
        .await?;
    readable(found, limit, RunDocument::abandoned).await
}

/// The session of each user that has waited longest, then others.
pub(super) async fn waiting(db: &Collections, limit: usize) -> Result<Vec<SessionId>> {
    let waiting = doc! {"pending": {"$gt": 0}, "run": null};
    let first = db
        .sessions
        .aggregate([
            doc! {"$match": &waiting},
            doc! {"$sort": {"active": 1, "_id": 1}},
            doc! {"$group": {"_id": "$user", "session": {"$first": "$_id"}}},
        ])
        .await?;
    let id = |document: Document, field| {
        let id = document.get_str(field).ok().and_then(SessionId::parse);
        id.ok_or_else(|| unreadable("session id"))
    };
    let mut taken = readable(first, limit, |document| id(document, "session")).await?;
    if taken.len() < limit {
        let others = db
            .sessions
            .clone_with_type::<Document>()
            .find(waiting)
            .sort(doc! {"active": 1, "_id": 1})
            .projection(doc! {"_id": 1})
            .await?;
        // Each of the first may come once more.
        let others = readable(others, limit + taken.len(), |document| id(document, "_id")).await?;
        let known: HashSet<SessionId> = taken.iter().cloned().collect();
        let new = others.into_iter().filter(|id| !known.contains(id));
        taken.extend(new.take(limit - known.len()));
    }
    Ok(taken)
}

pub(super) async fn outbox(db: &Collections, limit: usize) -> Result<Vec<OutboxEntry>> {
    let found = db
        .outbox
        .find(doc! {})
        .sort(doc! {"_id": 1})
        .limit(count(limit))
        .await?;
    let found: Vec<_> = found.try_collect().await?;
    found.into_iter().map(OutboxDocument::entry).collect()
}

pub(super) async fn ping(client: &Client) -> Result<()> {
    let admin = client.database("admin");
    admin.run_command(doc! {"ping": 1}).await.map(|_| ())
}

/// So many documents that this release can read: one that it cannot read must not keep others from being found.
pub(super) async fn readable<D: DeserializeOwned, T>(
    mut found: Cursor<Document>,
    limit: usize,
    read: impl Fn(D) -> Result<T>,
) -> Result<Vec<T>> {
    let (mut taken, mut unreadable) = (Vec::new(), Vec::new());
    while taken.len() < limit
        && let Some(document) = found.try_next().await?
    {
        let value = deserialize_from_document(document)
            .map_err(Into::into)
            .and_then(&read);
        match value {
            Ok(value) => taken.push(value),
            Err(cause) => unreadable.push(cause),
        }
    }
    if let Some(cause) = unreadable.first() {
        tracing::error!(documents = unreadable.len(), %cause, "documents of the database cannot be read; they are left alone");
    }
    Ok(taken)
}

/// A limit as the driver takes it, where 0 would mean none.
pub(super) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).max(1)
}
