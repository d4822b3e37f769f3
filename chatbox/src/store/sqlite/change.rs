//! What users change in a session beside asking: its model, its newest answer, the end of a run.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::rows::{self, MESSAGE};
use super::write::{FIRST, Head, begin, forget_provider_state, head, insert_session, newest};
use crate::chat::{Rejection, RunId, to_cancel};
use crate::store::{Cancel, Claim, Judged, ModelChoice, Regenerate};

pub(super) fn choose_model(tx: &Connection, choice: &ModelChoice) -> Result<Judged<()>> {
    let head = head(tx, &choice.session)?;
    let parties = head.as_ref().map(Head::parties);
    if let Err(rejection) = choice.author.may_steer(parties) {
        return Ok(Err(rejection));
    }
    if head.is_none() {
        let at = choice.at.as_microsecond();
        insert_session(tx, &choice.session, &choice.author.user, at)?;
    }
    tx.prepare_cached("UPDATE sessions SET model = ?2 WHERE id = ?1")?
        .execute(params![choice.session.as_str(), choice.model])?;
    Ok(Ok(()))
}

pub(super) fn regenerate(
    tx: &Connection,
    request: &Regenerate,
) -> Result<Judged<Option<Box<Claim>>>> {
    let Some(head) = head(tx, &request.session)? else {
        return Ok(Err(Rejection::NotNewest));
    };
    if let Err(rejection) = request.author.may_steer(Some(head.parties())) {
        return Ok(Err(rejection));
    }
    let newest = newest(tx, &request.session, &head)?;
    if let Err(rejection) = newest.may_regenerate(request.answer) {
        return Ok(Err(rejection));
    }
    forget_provider_state(tx, &request.session)?;
    let session = request.session.as_str();
    tx.prepare_cached(
        "UPDATE sessions SET answered = ?2 - 1, pending = pending + 1 WHERE id = ?1",
    )?
    .execute(params![session, newest.question])?;
    let Some(new) = &request.run else {
        return Ok(Ok(None));
    };
    let question = tx
        .prepare_cached(&format!(
            "SELECT {MESSAGE} FROM messages WHERE session = ?1 AND seq = ?2"
        ))?
        .query_row(params![session, newest.question], rows::message)?;
    let run = new.of(&question, head.fence + 1, head.model.as_deref());
    let claim = begin(tx, new, run, &question, FIRST)?;
    Ok(Ok(Some(Box::new(claim))))
}

pub(super) fn cancel(tx: &Connection, request: &Cancel) -> Result<Judged<Option<RunId>>> {
    let Some(head) = head(tx, &request.session)? else {
        return Ok(Ok(None));
    };
    if let Err(rejection) = request.author.may_steer(Some(head.parties())) {
        return Ok(Err(rejection));
    }
    let at_work = head.run.as_deref().and_then(RunId::parse);
    let Some(run) = to_cancel(request.run, at_work) else {
        return Ok(Ok(None));
    };
    let cancelled = tx
        .prepare_cached("UPDATE runs SET cancelled = 1 WHERE id = ?1 RETURNING id")?
        .query_row([run.to_string()], |_| Ok(run))
        .optional()?;
    Ok(Ok(cancelled))
}
