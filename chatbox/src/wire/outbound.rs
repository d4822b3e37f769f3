//! What the server sends.

mod frames;

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

pub use self::frames::{
    Ack, AdminJoin, AdminLeave, Cancelled, CaughtUp, Delta, ErrorFrame, Final, Hello,
    HelpConfirmed, HelpRequested, Loading, ModelChosen, Typing, UserMessage,
};
use self::frames::{
    AckMetadata, AdminChange, AgentMetadata, CancelMetadata, CaughtUpMetadata, DeltaMetadata,
    ErrorBody, FinalMetadata, HelloLimits, HelloMetadata, HelpMetadata, ModelMetadata,
};
use super::literal::{
    AdminJoinType, AdminLeaveType, AdminSender, AiResponseType, AiSender, CaughtUpOp,
    ConnectionStatusType, ErrorType, HelpRequestType, LoadingType, SystemSender,
    TypingIndicatorType, UserMessageType, UserSender,
};
use super::rejection::{Code, Rejection};
use crate::chat::{Agent, Answered, Failure, Kind, Message, RunId, Sender, SessionId};

const NOBODY: AgentMetadata<'static> = AgentMetadata {
    admin_id: "",
    admin_name: "",
};

/// Every frame that the server sends. It borrows its text: one is made and written for each piece of an answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ServerFrame<'a> {
    Hello(Hello<'a>),
    Ack(Ack<'a>),
    CaughtUp(CaughtUp<'a>),
    ModelChosen(ModelChosen<'a>),
    Cancelled(Cancelled<'a>),
    UserMessage(UserMessage<'a>),
    AdminJoin(AdminJoin<'a>),
    AdminLeave(AdminLeave<'a>),
    HelpRequested(HelpRequested<'a>),
    HelpConfirmed(HelpConfirmed<'a>),
    Typing(Typing<'a>),
    Loading(Loading<'a>),
    Delta(Delta<'a>),
    Final(Final<'a>),
    Error(ErrorFrame<'a>),
}

/// A model that may be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Model")]
pub struct ModelName {
    pub id: String,
    pub name: String,
}

/// A piece of an answer as one client needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    pub run: RunId,
    pub fence: i64,
    pub model: &'a str,
    /// Where `text` begins in the whole answer, in UTF-16 code units.
    pub off: usize,
    pub text: &'a str,
}

impl<'a> ServerFrame<'a> {
    pub fn hello(
        now: Timestamp,
        user: &'a str,
        session: Option<&'a SessionId>,
        models: impl Into<Cow<'a, [ModelName]>>,
        message_chars: usize,
    ) -> Self {
        Self::Hello(Hello {
            kind: ConnectionStatusType,
            sender: SystemSender,
            timestamp: now,
            session_id: session.map(SessionId::as_str),
            user_id: user,
            models: models.into(),
            limits: HelloLimits { message_chars },
            metadata: HelloMetadata::default(),
        })
    }

    pub fn ack(now: Timestamp, message: &'a Message) -> Self {
        Self::Ack(Ack {
            kind: ConnectionStatusType,
            sender: SystemSender,
            timestamp: now,
            session_id: message.session.as_str(),
            id: message.id,
            seq: message.seq,
            client_id: message.client_id.as_deref(),
            metadata: AckMetadata::default(),
        })
    }

    /// `recovered`: false if too much is missing to be sent here.
    pub fn caught_up(now: Timestamp, session: &'a SessionId, seq: i64, recovered: bool) -> Self {
        Self::CaughtUp(CaughtUp {
            kind: ConnectionStatusType,
            sender: SystemSender,
            timestamp: now,
            session_id: session.as_str(),
            seq,
            metadata: CaughtUpMetadata {
                op: CaughtUpOp,
                recovered,
            },
        })
    }

    pub fn model_chosen(now: Timestamp, session: &'a SessionId, model: &'a str) -> Self {
        Self::ModelChosen(ModelChosen {
            kind: ConnectionStatusType,
            sender: SystemSender,
            timestamp: now,
            session_id: session.as_str(),
            model_id: model,
            metadata: ModelMetadata::default(),
        })
    }

    /// `run`: the one that is being stopped.
    pub fn cancelled(now: Timestamp, session: &'a SessionId, run: Option<RunId>) -> Self {
        Self::Cancelled(Cancelled {
            kind: ConnectionStatusType,
            sender: SystemSender,
            timestamp: now,
            session_id: session.as_str(),
            run,
            metadata: CancelMetadata::default(),
        })
    }

    pub fn user_message(message: &'a Message) -> Self {
        Self::UserMessage(UserMessage {
            kind: UserMessageType,
            sender: message.sender,
            timestamp: message.at,
            session_id: message.session.as_str(),
            content: &message.content,
            id: message.id,
            seq: message.seq,
            client_id: message.client_id.as_deref(),
            replaces: message.replaces,
            metadata: message.agent.as_ref().map(agent),
        })
    }

    /// A stored message that no model wrote.
    pub fn stored(message: &'a Message) -> Self {
        match message.kind {
            Kind::Text => Self::user_message(message),
            Kind::AdminJoin { fence } => Self::AdminJoin(AdminJoin {
                kind: AdminJoinType,
                change: admin_change(message, fence),
            }),
            Kind::AdminLeave { fence } => Self::AdminLeave(AdminLeave {
                kind: AdminLeaveType,
                change: admin_change(message, fence),
            }),
            Kind::HelpRequest => Self::HelpRequested(HelpRequested {
                kind: HelpRequestType,
                sender: UserSender,
                timestamp: message.at,
                session_id: message.session.as_str(),
                content: &message.content,
                id: message.id,
                seq: message.seq,
            }),
        }
    }

    pub fn help_confirmed(now: Timestamp, session: &'a SessionId) -> Self {
        Self::HelpConfirmed(HelpConfirmed {
            kind: ConnectionStatusType,
            sender: SystemSender,
            timestamp: now,
            session_id: session.as_str(),
            content: "We have told our staff that you would like to talk to somebody.",
            metadata: HelpMetadata::default(),
        })
    }

    /// `sender`: who is writing.
    pub fn typing(now: Timestamp, session: &'a SessionId, sender: Sender) -> Self {
        Self::Typing(Typing {
            kind: TypingIndicatorType,
            sender,
            timestamp: now,
            session_id: session.as_str(),
        })
    }

    /// `question`: its `seq`.
    pub fn loading(
        now: Timestamp,
        session: &'a SessionId,
        run: RunId,
        fence: i64,
        question: i64,
    ) -> Self {
        Self::Loading(Loading {
            kind: LoadingType,
            sender: AiSender,
            timestamp: now,
            session_id: session.as_str(),
            run,
            fence,
            question,
        })
    }

    pub fn delta(now: Timestamp, session: &'a SessionId, piece: &Piece<'a>) -> Self {
        Self::Delta(Delta {
            kind: AiResponseType,
            sender: AiSender,
            timestamp: now,
            session_id: session.as_str(),
            content: piece.text,
            model_id: piece.model,
            run: piece.run,
            fence: piece.fence,
            off: piece.off,
            metadata: DeltaMetadata::default(),
        })
    }

    /// `piece` is what the client does not have yet.
    pub fn answered(message: &'a Message, answer: &Answered, piece: &Piece<'a>) -> Self {
        Self::Final(Final {
            kind: AiResponseType,
            sender: AiSender,
            timestamp: message.at,
            session_id: message.session.as_str(),
            content: piece.text,
            model_id: piece.model,
            id: message.id,
            seq: message.seq,
            run: piece.run,
            fence: piece.fence,
            off: piece.off,
            question: answer.question,
            status: answer.status,
            metadata: FinalMetadata::default(),
        })
    }

    /// Why a frame of this client was not served.
    pub fn rejected(now: Timestamp, session: Option<&'a SessionId>, rejection: Rejection) -> Self {
        Self::Error(error(now, session, rejection))
    }

    /// Why an answer broke off.
    pub fn failed(now: Timestamp, session: &'a SessionId, run: RunId, failure: Failure) -> Self {
        let (code, message) = match failure {
            Failure::Unavailable => (
                Code::LlmUnavailable,
                "The assistant is not available right now. Please try again.",
            ),
            Failure::Timeout => (
                Code::LlmTimeout,
                "The assistant took too long to answer. Please try again.",
            ),
            Failure::ContextTooLong => (
                Code::LlmContextTooLong,
                "Your message is too long for the assistant. Please shorten it and send it again.",
            ),
            Failure::ContentFiltered => (
                Code::LlmContentFiltered,
                "A content filter stopped the answer. Please put your question in other words.",
            ),
        };
        Self::Error(ErrorFrame {
            run: Some(run),
            ..error(now, Some(session), Rejection::new(code, message))
        })
    }

    /// The code of an error frame, for metrics.
    pub fn error_code(&self) -> Option<Code> {
        match self {
            Self::Error(frame) => Some(frame.error.code),
            _ => None,
        }
    }

    pub fn render(&self) -> String {
        // Text, numbers and lists of them always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn admin_change(message: &Message, fence: i64) -> AdminChange<'_> {
    AdminChange {
        sender: AdminSender,
        timestamp: message.at,
        session_id: message.session.as_str(),
        content: &message.content,
        id: message.id,
        seq: message.seq,
        fence,
        // Whoever came or went is stored with it.
        metadata: message.agent.as_ref().map_or(NOBODY, agent),
    }
}

fn agent(agent: &Agent) -> AgentMetadata<'_> {
    AgentMetadata {
        admin_id: &agent.id,
        admin_name: &agent.name,
    }
}

fn error(now: Timestamp, session: Option<&SessionId>, rejection: Rejection) -> ErrorFrame<'_> {
    ErrorFrame {
        kind: ErrorType,
        sender: AiSender,
        timestamp: now,
        session_id: session.map(SessionId::as_str),
        client_id: rejection.client_id,
        run: None,
        error: ErrorBody {
            code: rejection.code,
            message: rejection.message,
            recoverable: rejection.is_recoverable,
            retry_after: rejection
                .retry_after
                .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        },
    }
}
