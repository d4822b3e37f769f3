//! From a question to its answer. [`Turns::ask`] stores a question and has it answered; `run` is one answer; `prompt`
//! decides what the model is asked and `answer` what happens to its words; `change` stops an answer, has it written anew or
//! chooses the model; `takeover` lets staff talk in place of a model, and `attendance` knows which of them are there; `stop` says why a run ends before its model does; `recover` takes up what others left.

mod answer;
mod attendance;
mod change;
mod checkpoint;
mod notes;
mod prompt;
mod recover;
mod run;
mod stop;
mod take_over_after;
mod takeover;
mod waiters;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

pub use self::attendance::{Attendance, Present};
use self::stop::Stop;
pub use self::takeover::TakenOver;
use self::waiters::Waiters;
use crate::bus::{Bus, Event};
use crate::chat::{
    Admission, Author, DigestKey, Message, MessageId, OwnerId, Rejection, RunId, SessionId, title,
};
use crate::clock;
use crate::lifecycle::Lifecycle;
use crate::limits::{Limits, RunPermit};
use crate::llm::Models;
use crate::metrics::Metrics;
use crate::store::{Appended, Claim, Lease, NewRun, Question, Store, StoreError};

/// How long a run belongs to its process without a sign of life. A run whose process died is taken up within this time
/// and one sweep.
const LEASE: Duration = Duration::from_secs(15);

/// Answers questions. Cheap to clone.
#[derive(Clone)]
pub struct Turns(Arc<Inner>);

/// What answering needs.
pub struct Deps {
    pub store: Arc<dyn Store>,
    pub bus: Arc<dyn Bus>,
    pub models: Models,
    pub lifecycle: Lifecycle,
    pub limits: Limits,
    pub metrics: Metrics,
    /// How many questions of a session may wait for an answer.
    pub pending_max: usize,
    pub digest_key: DigestKey,
    /// How long a member of staff may be away from a session.
    pub away: Duration,
}

struct Inner {
    deps: Deps,
    /// This process, as the owner of its runs.
    owner: OwnerId,
    /// The runs of this process, and what ends them.
    running: Mutex<HashMap<RunId, Stop>>,
    /// Sessions that wait for their user's turn.
    waiters: Waiters,
    /// Members of staff who are there.
    attendance: Attendance,
    /// Runs that this process could not close: they are left to the next one.
    given_up: Mutex<HashSet<RunId>>,
    /// A question that an earlier process left has been answered: others may wait.
    left_answered: Notify,
}

/// A message of a user that wants an answer.
#[derive(Clone, Debug)]
pub struct NewQuestion {
    pub session: SessionId,
    pub author: Author,
    pub client_id: Option<String>,
    pub content: String,
    /// `seq` of the question that it shall stand for.
    pub replaces: Option<i64>,
}

/// What happened to a question.
#[derive(Debug)]
pub enum Asked {
    /// It is stored. Not new: it was before, and may be answered.
    Stored {
        message: Box<Message>,
        is_new: bool,
    },
    Rejected(Rejection),
}

impl Turns {
    pub fn new(deps: Deps) -> Self {
        Self(Arc::new(Inner {
            deps,
            owner: OwnerId::new(),
            running: Mutex::default(),
            waiters: Waiters::default(),
            attendance: Attendance::default(),
            given_up: Mutex::default(),
            left_answered: Notify::new(),
        }))
    }

    /// Stores a question, announces it, and has it answered. A sender who goes away in the middle cancels nothing.
    pub async fn ask(&self, question: NewQuestion) -> Result<Asked, StoreError> {
        let user = question.author.user.clone();
        // A server that stops only stores: whoever starts next answers.
        let answers = !self.deps().lifecycle.is_stopping();
        let permit = answers.then(|| self.deps().limits.try_run(&user)).flatten();
        let question = self.question(question, permit.is_some());
        match self.deps().store.append(question).await? {
            Appended::Rejected(rejection) => Ok(Asked::Rejected(rejection)),
            Appended::Duplicate(message) => Ok(Asked::Stored {
                message: Box::new(message),
                is_new: false,
            }),
            Appended::Stored { message, claim } => {
                let event = Event::MessageStored(message.clone());
                self.deps().bus.publish(&message.session, event);
                match (claim, permit) {
                    (Some(claim), Some(permit)) => self.spawn(*claim, permit),
                    // A run is at work in the session, and takes this question when it is done; or older questions wait,
                    // and nobody answers them, because a moment ago it could not be claimed.
                    _ if answers => self.spawn_waiting(message.session.clone(), user),
                    _ => {}
                }
                Ok(Asked::Stored {
                    message: Box::new(message),
                    is_new: true,
                })
            }
        }
    }

    /// Members of staff who have connections of this process.
    pub fn attendance(&self) -> &Attendance {
        &self.0.attendance
    }

    fn question(&self, question: NewQuestion, is_claimed: bool) -> Question {
        let deps = self.deps();
        Question {
            id: MessageId::new(),
            session: question.session,
            client_id: question.client_id,
            at: clock::now(),
            name: title(&question.content),
            admission: Admission {
                author: question.author,
                digest: deps.digest_key.digest(&question.content),
                pending_max: deps.pending_max,
                replaces: question.replaces,
            },
            content: question.content,
            run: is_claimed.then(|| self.new_run()),
        }
    }

    fn new_run(&self) -> NewRun {
        NewRun {
            id: RunId::new(),
            models: self.deps().models.ids().clone(),
            lease: self.lease(),
        }
    }

    fn lease(&self) -> Lease {
        Lease {
            owner: self.0.owner,
            until: clock::now() + LEASE,
        }
    }

    /// Answers a claimed question, and those of its session that wait behind it.
    fn spawn(&self, claim: Claim, mut permit: RunPermit) {
        let turns = self.clone();
        self.deps().lifecycle.spawn_run(async move {
            let session = claim.run.session.clone();
            turns.answer(claim, &mut permit).await;
            turns.answer_waiting(&session, &mut permit).await;
        });
    }

    /// Answers the questions of a session that wait, as soon as its user may have one more answer written.
    fn spawn_waiting(&self, session: SessionId, user: String) {
        let Some(waiter) = self.0.waiters.enter(&session) else {
            return;
        };
        let turns = self.clone();
        self.deps().lifecycle.spawn_run(async move {
            let deps = turns.deps();
            let mut permit = tokio::select! {
                permit = deps.limits.run(&user) => permit,
                () = deps.lifecycle.stopping() => return,
            };
            // Before the claim: what is stored after it has a waiter of its own.
            drop(waiter);
            turns.answer_waiting(&session, &mut permit).await;
        });
    }

    /// Answers the questions of a session that wait, one after the other, and says how many.
    async fn answer_waiting(&self, session: &SessionId, permit: &mut RunPermit) -> usize {
        let mut answered = 0;
        while !self.deps().lifecycle.is_stopping() {
            match self.deps().store.claim(session, self.new_run()).await {
                Ok(Some(claim)) => self.answer(claim, permit).await,
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(session.id = %session, cause = format!("{:#}", error.cause()), "cannot claim a question; the next sweep tries again");
                    break;
                }
            }
            answered += 1;
        }
        answered
    }

    fn deps(&self) -> &Deps {
        &self.0.deps
    }

    fn running(&self) -> MutexGuard<'_, HashMap<RunId, Stop>> {
        self.0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
