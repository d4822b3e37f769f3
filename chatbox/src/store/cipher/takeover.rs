//! Members of staff who come and go: what is said of it is text of people too. Their names are stored as they are.

use super::Encrypted;
use super::store::{checkpoint, content};
use crate::chat::{Message, SessionId};
use crate::store::{
    Answer, Assign, Assigned, HelpRequest, Judged, Notice, Ongoing, Release, StoreError,
};

impl Encrypted {
    pub(super) async fn sealed_ongoing(
        &self,
        session: &SessionId,
    ) -> Result<Option<Ongoing>, StoreError> {
        let Some(Ongoing { run, text }) = self.inner().ongoing(session).await? else {
            return Ok(None);
        };
        let text = match text.as_str() {
            // Nobody saw a word.
            "" => text,
            stored => self.show(&checkpoint(&run, &run.question.to_string()), stored),
        };
        Ok(Some(Ongoing { run, text }))
    }

    pub(super) async fn sealed_assign(
        &self,
        request: Assign,
    ) -> Result<Judged<Assigned>, StoreError> {
        let ending = match request.ending {
            Some((run, answer)) => {
                let id = answer.id.to_string();
                let content = self.seal(&content(&run.session, &id), &answer.content)?;
                Some((run, Answer { content, ..answer }))
            }
            None => None,
        };
        let sealed = Assign {
            notice: self.sealed_notice(&request.session, &request.notice)?,
            ending,
            ..request
        };
        let assigned = self.inner().assign(sealed).await?;
        Ok(assigned.map(|assigned| match assigned {
            Assigned::Now(messages) => Assigned::Now(self.messages(messages)),
            Assigned::Before | Assigned::RunChanged => assigned,
        }))
    }

    pub(super) async fn sealed_release(
        &self,
        request: Release,
    ) -> Result<Judged<Option<Message>>, StoreError> {
        let notice = self.sealed_notice(&request.session, &request.notice)?;
        let left = self.inner().release(Release { notice, ..request }).await?;
        Ok(left.map(|left| left.map(|left| self.message(left))))
    }

    pub(super) async fn sealed_help_request(
        &self,
        request: HelpRequest,
    ) -> Result<Judged<Option<Message>>, StoreError> {
        let notice = self.sealed_notice(&request.session, &request.notice)?;
        let request = HelpRequest { notice, ..request };
        let asked = self.inner().request_help(request).await?;
        Ok(asked.map(|asked| asked.map(|asked| self.message(asked))))
    }

    fn sealed_notice(&self, session: &SessionId, notice: &Notice) -> Result<Notice, StoreError> {
        let id = notice.id.to_string();
        let content = self.seal(&content(session, &id), &notice.content)?;
        Ok(Notice {
            content,
            ..notice.clone()
        })
    }
}
