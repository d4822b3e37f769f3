//! A client's frames as JSON, before their content is judged. Fields that nobody names here are ignored.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::wire::schema::optional;

/// What tells which frame it is, and whose: readable also when the rest is not.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Head {
    #[serde(rename = "type")]
    pub(super) kind: Value,
    client_id: Value,
    metadata: Value,
}

/// A message to store and answer.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ClientUserMessage", transform = describe_user_message)]
pub(super) struct UserMessage {
    #[serde(default, deserialize_with = "text")]
    #[schemars(schema_with = "optional::session_id")]
    pub(super) session_id: Option<String>,
    /// NUL and the white space around it are taken off. `limits.messageChars` characters at most (10,000 unless
    /// configured).
    #[serde(default, deserialize_with = "text")]
    #[schemars(with = "String", length(min = 1))]
    pub(super) content: Option<String>,
    #[serde(default, deserialize_with = "text")]
    #[schemars(schema_with = "optional::client_id")]
    pub(super) client_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    #[schemars(schema_with = "optional::sender")]
    pub(super) sender: Option<String>,
    /// `seq` of the newest question, which this one shall stand for: that one and its answer are not shown any more.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(super) replaces: Option<i64>,
}

/// "What have I missed?" The server sends it, and then `caught_up`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ClientResume", transform = describe_resume)]
pub(super) struct Resume {
    #[serde(default, deserialize_with = "text")]
    #[schemars(schema_with = "crate::wire::schema::session_id")]
    pub(super) session_id: Option<String>,
    #[serde(default)]
    #[schemars(schema_with = "optional::seq")]
    pub(super) seq: Option<i64>,
    #[serde(default)]
    #[schemars(schema_with = "optional::run")]
    pub(super) run: Option<String>,
    #[serde(default)]
    #[schemars(schema_with = "optional::off")]
    pub(super) off: Option<usize>,
}

/// "Let this model answer from now on."
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ClientModelSelect", transform = describe_model_select)]
pub(super) struct ModelSelect {
    #[serde(default, deserialize_with = "text")]
    #[schemars(schema_with = "optional::session_id")]
    pub(super) session_id: Option<String>,
    /// One of the models in `hello`.
    #[serde(default, deserialize_with = "text")]
    #[schemars(with = "String", length(min = 1))]
    pub(super) model_id: Option<String>,
}

/// "Stop the answer." What is written of it is stored, with the status `cancelled`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ClientCancel", transform = describe_cancel)]
pub(super) struct Cancel {
    #[serde(default, deserialize_with = "text")]
    #[schemars(schema_with = "optional::session_of_connection")]
    pub(super) session_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    #[schemars(schema_with = "optional::run_to_cancel")]
    pub(super) run: Option<String>,
}

/// "Answer the newest question once more." The new answer stands for the one before.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ClientRegenerate", transform = describe_regenerate)]
pub(super) struct Regenerate {
    #[serde(default, deserialize_with = "text")]
    #[schemars(schema_with = "optional::session_of_connection")]
    pub(super) session_id: Option<String>,
    /// `seq` of the newest answer to the newest question.
    #[serde(default)]
    #[schemars(with = "i64", range(min = 1))]
    pub(super) seq: Option<i64>,
}

/// Something about a session, without more. `admin_join`: a member of staff takes it over; everybody in it is told.
/// `admin_leave`: the one who has it hands it back. `help_request`: its user wants to talk to a human. `typing_indicator`:
/// somebody is writing; passed on every two seconds at most, and not answered.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ClientRequest", transform = describe_about)]
pub(super) struct About {
    #[serde(default, deserialize_with = "text")]
    #[schemars(schema_with = "optional::session_of_connection")]
    pub(super) session_id: Option<String>,
}

impl Head {
    /// The operation of a `connection_status`.
    pub(super) fn op(&self) -> Option<&str> {
        self.metadata.get("op")?.as_str()
    }

    pub(super) fn client_id(&self) -> Option<String> {
        clean(self.client_id.as_str()?)
    }
}

/// Text that was typed: `null`, or nothing but white space, means left out.
fn text<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(value)?;
    Ok(text.as_deref().and_then(clean))
}

/// Takes out what nobody typed on purpose: NUL, and white space around the rest.
fn clean(text: &str) -> Option<String> {
    let text = text.replace('\0', "").trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn describe_user_message(schema: &mut Schema) {
    drop_defaults(schema);
    require(schema, "content");
    add(schema, "type", json!({"const": "user_message"}));
    // Old clients send it, and their clocks may be wrong by hours.
    let ignored = json!({"description": "Ignored, whatever it holds: the server's clock counts."});
    offer(schema, "timestamp", ignored);
}

fn describe_resume(schema: &mut Schema) {
    describe_operation(schema, "resume");
    require(schema, "session_id");
}

fn describe_model_select(schema: &mut Schema) {
    drop_defaults(schema);
    require(schema, "model_id");
    add(schema, "type", json!({"const": "model_select"}));
}

fn describe_cancel(schema: &mut Schema) {
    describe_operation(schema, "cancel");
}

fn describe_regenerate(schema: &mut Schema) {
    describe_operation(schema, "regenerate");
    require(schema, "seq");
}

fn describe_about(schema: &mut Schema) {
    drop_defaults(schema);
    let kinds = [
        "admin_join",
        "admin_leave",
        "help_request",
        "typing_indicator",
    ];
    add(schema, "type", json!({"enum": kinds}));
}

fn describe_operation(schema: &mut Schema, op: &str) {
    drop_defaults(schema);
    add(schema, "type", json!({"const": "connection_status"}));
    let op = json!({"type": "object", "properties": {"op": {"const": op}}, "required": ["op"]});
    add(schema, "metadata", op);
}

/// That what is left out is `None` is nothing that a client must know.
fn drop_defaults(schema: &mut Schema) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(|all| all.values_mut()) {
        if let Some(property) = property.as_object_mut() {
            property.remove("default");
        }
    }
}

/// Adds a field that [`Head`] reads.
fn add(schema: &mut Schema, name: &str, property: Value) {
    offer(schema, name, property);
    require(schema, name);
}

/// Adds a field that may be there.
fn offer(schema: &mut Schema, name: &str, property: Value) {
    let properties = schema.ensure_object().entry("properties");
    if let Some(properties) = properties.or_insert(json!({})).as_object_mut() {
        properties.insert(name.to_owned(), property);
    }
}

/// Says that a field must be there. Serde takes the frame without it, so that the client is told which one is missing.
fn require(schema: &mut Schema, name: &str) {
    let required = schema.ensure_object().entry("required");
    if let Some(required) = required.or_insert(json!([])).as_array_mut() {
        required.push(name.into());
    }
}
