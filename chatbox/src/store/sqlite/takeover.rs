//! Members of staff who come and go.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::rows::{self, RUN, SESSION};
use super::write::{Head, finish, head, insert_message, next_seq};
use crate::chat::takeover::{may_assign, may_release};
use crate::chat::{Agent, Kind, Message, Rejection, Session, SessionId};
use crate::store::{Assign, Assigned, By, HelpRequest, Judged, Ongoing, Release};

pub(super) fn ongoing(connection: &Connection, session: &SessionId) -> Result<Option<Ongoing>> {
    connection
        .prepare_cached(&format!(
            "SELECT {RUN}, checkpoint FROM runs WHERE id = (SELECT run FROM sessions WHERE id = ?1)"
        ))?
        .query_row([session.as_str()], |row| {
            Ok(Ongoing {
                run: rows::run(row)?,
                text: row.get("checkpoint")?,
            })
        })
        .optional()
}

pub(super) fn assign(tx: &Connection, request: &Assign) -> Result<Judged<Assigned>> {
    let session = &request.session;
    let Some(head) = head(tx, session)? else {
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
        messages.extend(finish(tx, run, answer, &[])?);
    }
    let at = request.notice.at.as_microsecond();
    let seq = next_seq(tx, session, at, 0)?;
    let agent = request.author.to_agent();
    let fence = head.fence + 1;
    tx.prepare_cached(
        "UPDATE sessions SET assignee = ?2, assignee_name = ?3, attended = ?4, assisted = 1, help = NULL,
            fence = ?5, pending = 0, answered = ?6 WHERE id = ?1",
    )?
    .execute(params![session.as_str(), agent.id, agent.name, at, fence, seq])?;
    let kind = Kind::AdminJoin { fence };
    let joined = request.notice.message(session, seq, kind, Some(agent));
    insert_message(tx, &joined, None)?;
    messages.push(joined);
    Ok(Ok(Assigned::Now(messages)))
}

pub(super) fn release(tx: &Connection, request: &Release) -> Result<Judged<Option<Message>>> {
    let session = &request.session;
    let Some(head) = head(tx, session)? else {
        return Ok(Err(Rejection::NotPermitted));
    };
    let is_due = match &request.by {
        By::Agent(author) => may_release(author, head.parties()),
        By::Absence(before) => is_unattended(tx, session, before.as_microsecond()).map(Ok)?,
    };
    match is_due {
        Err(rejection) => return Ok(Err(rejection)),
        Ok(false) => return Ok(Ok(None)),
        Ok(true) => {}
    }
    let at = request.notice.at.as_microsecond();
    let seq = next_seq(tx, session, at, 0)?;
    let fence = head.fence + 1;
    let agent = tx
        .prepare_cached("SELECT assignee, assignee_name FROM sessions WHERE id = ?1")?
        .query_row([session.as_str()], |row| {
            Ok(Agent {
                id: row.get(0)?,
                name: row.get(1)?,
            })
        })?;
    // What was said meanwhile was said to the member of staff.
    tx.prepare_cached(
        "UPDATE sessions SET assignee = NULL, assignee_name = NULL, attended = NULL, fence = ?2, answered = ?3
         WHERE id = ?1",
    )?
    .execute(params![session.as_str(), fence, seq])?;
    let kind = Kind::AdminLeave { fence };
    let left = request.notice.message(session, seq, kind, Some(agent));
    insert_message(tx, &left, None)?;
    Ok(Ok(Some(left)))
}

fn is_unattended(tx: &Connection, session: &SessionId, before: i64) -> Result<bool> {
    tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?1 AND assignee IS NOT NULL AND attended < ?2)",
    )?
    .query_row(params![session.as_str(), before], |row| row.get(0))
}

pub(super) fn request_help(
    tx: &Connection,
    request: &HelpRequest,
) -> Result<Judged<Option<Message>>> {
    let session = &request.session;
    let head = head(tx, session)?;
    if let Err(rejection) = request.author.may_steer(head.as_ref().map(Head::parties)) {
        return Ok(Err(rejection));
    }
    let is_new = head
        .as_ref()
        .is_none_or(|head| head.assignee.is_none() && !head.asks_for_help);
    if !is_new {
        return Ok(Ok(None));
    }
    let at = request.notice.at.as_microsecond();
    if head.is_none() {
        super::write::insert_session(tx, session, &request.author.user, at)?;
    }
    tx.prepare_cached("UPDATE sessions SET help = ?2 WHERE id = ?1")?
        .execute(params![session.as_str(), at])?;
    let seq = next_seq(tx, session, at, 0)?;
    let asked = request
        .notice
        .message(session, seq, Kind::HelpRequest, None);
    insert_message(tx, &asked, None)?;
    Ok(Ok(Some(asked)))
}

pub(super) fn attend(tx: &Connection, session: &SessionId, agent: &str, at: i64) -> Result<bool> {
    let attended = tx
        .prepare_cached(
            "UPDATE sessions SET attended = max(attended, ?3) WHERE id = ?1 AND assignee = ?2",
        )?
        .execute(params![session.as_str(), agent, at])?;
    Ok(attended == 1)
}

pub(super) fn unattended(
    connection: &Connection,
    before: i64,
    limit: usize,
) -> Result<Vec<SessionId>> {
    connection
        .prepare_cached(
            "SELECT id FROM sessions WHERE assignee IS NOT NULL AND attended < ?1 ORDER BY attended LIMIT ?2",
        )?
        .query_map(params![before, limit], rows::session_id)?
        .collect()
}

pub(super) fn waiting_for_help(connection: &Connection, limit: usize) -> Result<Vec<Session>> {
    connection
        .prepare_cached(&format!(
            "SELECT {SESSION} FROM sessions WHERE help IS NOT NULL ORDER BY help, id LIMIT ?1"
        ))?
        .query_map([limit], rows::session)?
        .collect()
}
