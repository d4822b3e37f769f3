//! What users change in a session beside asking: its model, its newest answer, the end of a run.

use mongodb::bson::doc;
use mongodb::error::Result;

use super::documents::{RunDocument, SessionDocument};
use super::transaction::Tx;
use crate::chat::{Rejection, RunId, to_cancel};
use crate::store::{Cancel, Claim, Judged, ModelChoice, Regenerate};

pub(super) async fn choose_model(mut tx: Tx<'_>, choice: &ModelChoice) -> Result<Judged<()>> {
    let head = tx.head(&choice.session).await?;
    let parties = head.as_ref().map(SessionDocument::parties);
    if let Err(rejection) = choice.author.may_steer(parties) {
        return Ok(Err(rejection));
    }
    if head.is_some() {
        let change = doc! {"$set": {"model": &choice.model}};
        tx.change(&choice.session, change).await?;
    } else {
        let mut session = SessionDocument::empty(&choice.session, &choice.author.user, choice.at);
        session.model = Some(choice.model.clone());
        tx.db
            .sessions
            .insert_one(session)
            .session(&mut *tx.session)
            .await?;
    }
    Ok(Ok(()))
}

pub(super) async fn regenerate(
    mut tx: Tx<'_>,
    request: &Regenerate,
) -> Result<Judged<Option<Box<Claim>>>> {
    let Some(head) = tx.head(&request.session).await? else {
        return Ok(Err(Rejection::NotNewest));
    };
    if let Err(rejection) = request.author.may_steer(Some(head.parties())) {
        return Ok(Err(rejection));
    }
    let session = request.session.as_str();
    let Some(question) = tx.newest_question(&request.session).await? else {
        return Ok(Err(Rejection::NotNewest));
    };
    let answers =
        doc! {"session": session, "answer.question": question.seq, "seq": {"$gt": question.seq}};
    let answer = tx.newest(answers).await?;
    let newest = head.newest(Some(&question), answer.as_ref());
    if let Err(rejection) = newest.may_regenerate(request.answer) {
        return Ok(Err(rejection));
    }
    let change = doc! {"$set": {"answered": question.seq - 1}, "$inc": {"pending": 1}};
    tx.change(&request.session, change).await?;
    tx.forget_provider_state(&request.session).await?;
    let Some(new) = &request.run else {
        return Ok(Ok(None));
    };
    let run = new.of(&question, head.fence + 1, head.model.as_deref());
    tx.hold(&run).await?;
    let claim = tx
        .begin(RunDocument::new(&run, new), run, &question)
        .await?;
    Ok(Ok(Some(Box::new(claim))))
}

pub(super) async fn cancel(mut tx: Tx<'_>, request: &Cancel) -> Result<Judged<Option<RunId>>> {
    let Some(head) = tx.head(&request.session).await? else {
        return Ok(Ok(None));
    };
    if let Err(rejection) = request.author.may_steer(Some(head.parties())) {
        return Ok(Err(rejection));
    }
    let at_work = head.run.as_deref().and_then(RunId::parse);
    let Some(run) = to_cancel(request.run, at_work) else {
        return Ok(Ok(None));
    };
    let change = doc! {"$set": {"cancelled": true}};
    let changed = tx
        .db
        .runs
        .update_one(doc! {"_id": run.to_string()}, change)
        .session(&mut *tx.session)
        .await?;
    Ok(Ok((changed.matched_count == 1).then_some(run)))
}
