//! The fields of each frame. The schema and the JSON come from these types; `type`, `sender` and `timestamp` are in
//! every frame.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::ModelName;
use crate::chat::{MessageId, RunId, Sender, Status};
use crate::wire::literal::{
    AckOp, AdminJoinType, AdminLeaveType, AdminSender, AiResponseType, AiSender, CancelOp,
    CaughtUpOp, ConnectionStatusType, ErrorType, False, HelloOp, HelpOp, HelpRequestType,
    LoadingType, ModelOp, SystemSender, True, TypingIndicatorType, UserMessageType, UserSender,
};
use crate::wire::rejection::Code;
use crate::wire::schema;

/// The first frame of a connection, and again when it is bound to a session by its first message.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Hello<'a> {
    #[serde(rename = "type")]
    pub(super) kind: ConnectionStatusType,
    pub(super) sender: SystemSender,
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: Option<&'a str>,
    /// Who the token says the client is.
    pub(super) user_id: &'a str,
    /// The models that may answer.
    pub(super) models: Cow<'a, [ModelName]>,
    pub(super) limits: HelloLimits,
    pub(super) metadata: HelloMetadata,
}

/// "Your message is stored."
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Ack<'a> {
    #[serde(rename = "type")]
    pub(super) kind: ConnectionStatusType,
    pub(super) sender: SystemSender,
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: &'a str,
    #[schemars(schema_with = "schema::message_id")]
    pub(super) id: MessageId,
    #[schemars(schema_with = "schema::seq")]
    pub(super) seq: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::client_id")]
    pub(super) client_id: Option<&'a str>,
    pub(super) metadata: AckMetadata,
}

/// "You have everything up to `seq`", or, with `recovered` false, "too much is missing: read the history over HTTP".
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CaughtUp<'a> {
    #[serde(rename = "type")]
    pub(super) kind: ConnectionStatusType,
    pub(super) sender: SystemSender,
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: &'a str,
    /// `seq` of the newest message; 0 while the session has none.
    #[schemars(range(min = 0))]
    pub(super) seq: i64,
    pub(super) metadata: CaughtUpMetadata,
}

/// "This model answers from now on": when it is chosen, and when a connection is bound to a session where one was.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ModelChosen<'a> {
    #[serde(rename = "type")]
    pub(super) kind: ConnectionStatusType,
    pub(super) sender: SystemSender,
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: &'a str,
    /// Id of the model.
    pub(super) model_id: &'a str,
    pub(super) metadata: ModelMetadata,
}

/// "The answer is being stopped": its final frame says how it ended.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Cancelled<'a> {
    #[serde(rename = "type")]
    pub(super) kind: ConnectionStatusType,
    pub(super) sender: SystemSender,
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: &'a str,
    /// The run that is being stopped. Left out: there was none to stop, or it had ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::run")]
    pub(super) run: Option<RunId>,
    pub(super) metadata: CancelMetadata,
}

/// A stored message that this connection did not send.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct UserMessage<'a> {
    #[serde(rename = "type")]
    pub(super) kind: UserMessageType,
    #[schemars(schema_with = "schema::sender")]
    pub(super) sender: Sender,
    /// When it was stored.
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: &'a str,
    pub(super) content: &'a str,
    #[schemars(schema_with = "schema::message_id")]
    pub(super) id: MessageId,
    #[schemars(schema_with = "schema::seq")]
    pub(super) seq: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::client_id")]
    pub(super) client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::replaces")]
    pub(super) replaces: Option<i64>,
    /// Of a member of staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<AgentMetadata<'a>>,
}

/// A member of staff has taken the conversation over: no model answers until `admin_leave`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AdminJoin<'a> {
    #[serde(rename = "type")]
    pub(super) kind: AdminJoinType,
    #[serde(flatten)]
    pub(super) change: AdminChange<'a>,
}

/// The conversation was handed back to the model, which answers the next message.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AdminLeave<'a> {
    #[serde(rename = "type")]
    pub(super) kind: AdminLeaveType,
    #[serde(flatten)]
    pub(super) change: AdminChange<'a>,
}

/// A member of staff comes or goes: a message of the session.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct AdminChange<'a> {
    pub(super) sender: AdminSender,
    /// When it was stored.
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: &'a str,
    /// Words that may be shown to a person.
    pub(super) content: &'a str,
    #[schemars(schema_with = "schema::message_id")]
    pub(super) id: MessageId,
    #[schemars(schema_with = "schema::seq")]
    pub(super) seq: i64,
    #[schemars(schema_with = "schema::fence")]
    pub(super) fence: i64,
    pub(super) metadata: AgentMetadata<'a>,
}

/// The user has asked for a member of staff: a message of the session.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct HelpRequested<'a> {
    #[serde(rename = "type")]
    pub(super) kind: HelpRequestType,
    pub(super) sender: UserSender,
    /// When it was stored.
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: &'a str,
    pub(super) content: &'a str,
    #[schemars(schema_with = "schema::message_id")]
    pub(super) id: MessageId,
    #[schemars(schema_with = "schema::seq")]
    pub(super) seq: i64,
}

/// "We know that you want to talk to a human."
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct HelpConfirmed<'a> {
    #[serde(rename = "type")]
    pub(super) kind: ConnectionStatusType,
    pub(super) sender: SystemSender,
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: &'a str,
    /// Fixed words that may be shown to a person.
    pub(super) content: &'static str,
    pub(super) metadata: HelpMetadata,
}

/// Somebody else in the conversation is writing. Show it for five seconds at most.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Typing<'a> {
    #[serde(rename = "type")]
    pub(super) kind: TypingIndicatorType,
    #[schemars(schema_with = "schema::sender")]
    pub(super) sender: Sender,
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: &'a str,
}

/// "An answer is on its way."
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Loading<'a> {
    #[serde(rename = "type")]
    pub(super) kind: LoadingType,
    pub(super) sender: AiSender,
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: &'a str,
    #[schemars(schema_with = "schema::run")]
    pub(super) run: RunId,
    #[schemars(schema_with = "schema::fence")]
    pub(super) fence: i64,
    #[schemars(schema_with = "schema::question")]
    pub(super) question: i64,
}

/// More of an answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Delta<'a> {
    #[serde(rename = "type")]
    pub(super) kind: AiResponseType,
    pub(super) sender: AiSender,
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: &'a str,
    pub(super) content: &'a str,
    /// Id of the model that answers.
    pub(super) model_id: &'a str,
    #[schemars(schema_with = "schema::run")]
    pub(super) run: RunId,
    #[schemars(schema_with = "schema::fence")]
    pub(super) fence: i64,
    #[schemars(schema_with = "schema::off")]
    pub(super) off: usize,
    pub(super) metadata: DeltaMetadata,
}

/// The end of an answer, with what the client lacks of its text.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Final<'a> {
    #[serde(rename = "type")]
    pub(super) kind: AiResponseType,
    pub(super) sender: AiSender,
    /// When it was stored.
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: &'a str,
    pub(super) content: &'a str,
    /// Id of the model that answered.
    pub(super) model_id: &'a str,
    #[schemars(schema_with = "schema::message_id")]
    pub(super) id: MessageId,
    #[schemars(schema_with = "schema::seq")]
    pub(super) seq: i64,
    #[schemars(schema_with = "schema::run")]
    pub(super) run: RunId,
    #[schemars(schema_with = "schema::fence")]
    pub(super) fence: i64,
    #[schemars(schema_with = "schema::off")]
    pub(super) off: usize,
    #[schemars(schema_with = "schema::question")]
    pub(super) question: i64,
    #[schemars(schema_with = "schema::status")]
    pub(super) status: Status,
    pub(super) metadata: FinalMetadata,
}

/// A frame of this client was not served (`client_id` says which, if it had one), or an answer broke off (`run` says
/// which).
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Error")]
pub struct ErrorFrame<'a> {
    #[serde(rename = "type")]
    pub(super) kind: ErrorType,
    pub(super) sender: AiSender,
    #[serde(serialize_with = "millis")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(super) timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::session_id")]
    pub(super) session_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::client_id")]
    pub(super) client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::run")]
    pub(super) run: Option<RunId>,
    pub(super) error: ErrorBody,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ErrorBody {
    pub(super) code: Code,
    /// Fixed words that may be shown to a person.
    pub(super) message: &'static str,
    /// False: the same request will not be served later either.
    pub(super) recoverable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::retry_after")]
    pub(super) retry_after: Option<u64>,
}

/// What a client must know before it sends.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, inline)]
pub(super) struct HelloLimits {
    /// The longest message, in characters (code points): `limits.messageChars`.
    #[schemars(range(min = 1))]
    pub(super) message_chars: usize,
}

#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, inline)]
pub(super) struct HelloMetadata {
    op: HelloOp,
}

#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, inline)]
pub(super) struct AckMetadata {
    op: AckOp,
}

/// A member of staff, as others are shown them.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, inline)]
pub(super) struct AgentMetadata<'a> {
    pub(super) admin_id: &'a str,
    pub(super) admin_name: &'a str,
}

#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, inline)]
pub(super) struct HelpMetadata {
    op: HelpOp,
}

#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, inline)]
pub(super) struct ModelMetadata {
    op: ModelOp,
}

#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, inline)]
pub(super) struct CancelMetadata {
    op: CancelOp,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, inline)]
pub(super) struct CaughtUpMetadata {
    pub(super) op: CaughtUpOp,
    /// Whether the messages that were missing have been sent.
    #[serde(serialize_with = "flag")]
    #[schemars(schema_with = "schema::flag")]
    pub(super) recovered: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, inline)]
pub(super) struct DeltaMetadata {
    streaming: True,
    done: False,
}

#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, inline)]
pub(super) struct FinalMetadata {
    streaming: True,
    done: True,
}

/// RFC 3339 with milliseconds: enough to order by, and what JavaScript writes itself.
fn millis<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

/// Values of `metadata` are text, also those that say yes or no.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
fn flag<S: Serializer>(value: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *value { "true" } else { "false" })
}
