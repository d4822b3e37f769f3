//! Members of staff who come and go.

use mongodb::bson::{Document, doc, serialize_to_bson};
use mongodb::error::Result;

use super::documents::{Collections, MessageDocument, RunDocument, SessionDocument, unreadable};
use super::read::{count, readable};
use super::transaction::Tx;
use super::write::finish;
use crate::chat::takeover::{may_assign, may_release};
use crate::chat::{Kind, Message, Rejection, Session, SessionId};
use crate::store::{Assign, Assigned, By, HelpRequest, Judged, Ongoing, Release};

pub(super) async fn ongoing(db: &Collections, session: &SessionId) -> Result<Option<Ongoing>> {
    let head = db.sessions.find_one(doc! {"_id": session.as_str()}).await?;
    let Some(run) = head.and_then(|head| head.run) else {
        return Ok(None);
    };
    let run = db.runs.find_one(doc! {"_id": run}).await?;
    run.map(RunDocument::ongoing).transpose()
}

pub(super) async fn assign(mut tx: Tx<'_>, request: &Assign) -> Result<Judged<Assigned>> {
    let session = &request.session;
    let Some(head) = tx.head(session).await? else {
        return Ok(Err(Rejection::NotPermitted));
    };
    match may_assign(&request.author, head.parties()) {
        Err(rejection) => return Ok(Err(rejection)),
        Ok(false) => return Ok(Ok(Assigned::Before)),
        Ok(true) => {}
    }
    let mut messages = Vec::new();
    if head.run.is_some() {
        let ending = request.ending.as_ref();
        let Some((run, answer)) = ending.filter(|(run, _)| head.is_held_by(run)) else {
            return Ok(Ok(Assigned::RunChanged));
        };
        messages.extend(finish(&mut tx, run, answer, &[]).await?);
    }
    let agent = request.author.to_agent();
    let seq = messages.last().map_or(head.seq, |ended| ended.seq) + 1;
    let fence = head.fence + 1;
    let at = request.notice.at.as_microsecond();
    let change = doc! {
        "$set": {
            "assignee": serialize_to_bson(&agent)?, "attended": at, "assisted": true, "seq": seq, "fence": fence,
            "pending": 0_i64, "answered": seq,
        },
        "$unset": {"help": ""},
        "$max": {"active": at},
    };
    tx.change(session, change).await?;
    let kind = Kind::AdminJoin { fence };
    let joined = request.notice.message(session, seq, kind, Some(agent));
    tx.insert(MessageDocument::answer(&joined)).await?;
    messages.push(joined);
    Ok(Ok(Assigned::Now(messages)))
}

pub(super) async fn release(mut tx: Tx<'_>, request: &Release) -> Result<Judged<Option<Message>>> {
    let session = &request.session;
    let Some(head) = tx.head(session).await? else {
        return Ok(Err(Rejection::NotPermitted));
    };
    let is_due = match &request.by {
        By::Agent(author) => may_release(author, head.parties()),
        By::Absence(before) => Ok(head
            .attended
            .is_some_and(|attended| attended < before.as_microsecond())),
    };
    let agent = match (is_due, head.assignee) {
        (Err(rejection), _) => return Ok(Err(rejection)),
        (Ok(true), Some(agent)) => agent,
        (Ok(_), _) => return Ok(Ok(None)),
    };
    let (seq, fence) = (head.seq + 1, head.fence + 1);
    let change = doc! {
        // What was said meanwhile was said to the member of staff.
        "$set": {"seq": seq, "fence": fence, "answered": seq},
        "$unset": {"assignee": "", "attended": ""},
        "$max": {"active": request.notice.at.as_microsecond()},
    };
    tx.change(session, change).await?;
    let kind = Kind::AdminLeave { fence };
    let left = request.notice.message(session, seq, kind, Some(agent));
    tx.insert(MessageDocument::answer(&left)).await?;
    Ok(Ok(Some(left)))
}

pub(super) async fn request_help(
    mut tx: Tx<'_>,
    request: &HelpRequest,
) -> Result<Judged<Option<Message>>> {
    let session = &request.session;
    let head = tx.head(session).await?;
    if let Err(rejection) = request
        .author
        .may_steer(head.as_ref().map(SessionDocument::parties))
    {
        return Ok(Err(rejection));
    }
    let is_new = head
        .as_ref()
        .is_none_or(|head| head.assignee.is_none() && head.help.is_none());
    if !is_new {
        return Ok(Ok(None));
    }
    let at = request.notice.at.as_microsecond();
    let seq = head.as_ref().map_or(1, |head| head.seq + 1);
    if head.is_some() {
        let change = doc! {"$set": {"help": at, "seq": seq}, "$max": {"active": at}};
        tx.change(session, change).await?;
    } else {
        let user = &request.author.user;
        let mut new = SessionDocument::empty(session, user, request.notice.at);
        new.help = Some(at);
        new.seq = seq;
        tx.db
            .sessions
            .insert_one(new)
            .session(&mut *tx.session)
            .await?;
    }
    let asked = request
        .notice
        .message(session, seq, Kind::HelpRequest, None);
    tx.insert(MessageDocument::answer(&asked)).await?;
    Ok(Ok(Some(asked)))
}

pub(super) async fn attend(
    db: &Collections,
    session: &SessionId,
    agent: &str,
    at: i64,
) -> Result<bool> {
    let attended = db
        .sessions
        .update_one(
            doc! {"_id": session.as_str(), "assignee.id": agent},
            doc! {"$max": {"attended": at}},
        )
        .await?;
    Ok(attended.matched_count == 1)
}

pub(super) async fn unattended(
    db: &Collections,
    before: i64,
    limit: usize,
) -> Result<Vec<SessionId>> {
    let found = db
        .sessions
        .clone_with_type::<Document>()
        .find(doc! {"attended": {"$lt": before}})
        .sort(doc! {"attended": 1})
        .projection(doc! {"_id": 1})
        .await?;
    let id = |document: Document| {
        let id = document.get_str("_id").ok().and_then(SessionId::parse);
        id.ok_or_else(|| unreadable("session id"))
    };
    readable(found, limit, id).await
}

pub(super) async fn waiting_for_help(db: &Collections, limit: usize) -> Result<Vec<Session>> {
    let found = db
        .sessions
        .clone_with_type::<Document>()
        .find(doc! {"help": {"$exists": true}})
        .sort(doc! {"help": 1, "_id": 1})
        .limit(count(limit))
        .await?;
    readable(found, limit, SessionDocument::session).await
}
