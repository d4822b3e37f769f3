//! Types with one value each: words that are the same in every frame of their kind. Serde writes them, and the schema
//! says `const`, from one declaration.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

macro_rules! literal {
    ($($name:ident = $word:literal;)*) => {$(
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(super) struct $name;

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($word)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "const": $word })
            }
        }
    )*};
}

literal! {
    ConnectionStatusType = "connection_status";
    UserMessageType = "user_message";
    LoadingType = "loading";
    AiResponseType = "ai_response";
    AdminJoinType = "admin_join";
    AdminLeaveType = "admin_leave";
    HelpRequestType = "help_request";
    TypingIndicatorType = "typing_indicator";
    ErrorType = "error";
    AiSender = "ai";
    UserSender = "user";
    AdminSender = "admin";
    SystemSender = "system";
    HelloOp = "hello";
    AckOp = "ack";
    CaughtUpOp = "caught_up";
    CancelOp = "cancel";
    ModelOp = "model";
    HelpOp = "help";
    True = "true";
    False = "false";
}
