//! What a stored text looks like. Pure.
//!
//! A text is stored as it is, or behind a mark: `enc:0:TEXT` is a text that begins like a mark itself, and
//! `enc:1:KEY:BODY` a sealed one. The body is base64 of nonce, ciphertext and tag.

use data_encoding::BASE64URL_NOPAD;

use crate::store::Page;

const MARK: &str = "enc:";
const ESCAPED: &str = "0";
/// AES-256-GCM with a key derived for each session.
const SEALED: &str = "1";

/// Length of a nonce, in bytes.
pub(super) const NONCE: usize = 12;
/// Length of the tag behind the ciphertext, in bytes.
const TAG: usize = 16;

/// What a sealed text is longer at most than base64 of the text alone: mark, key id, nonce and tag.
const OVERHEAD: usize = 96;

/// What a text belongs to. A store that puts a text elsewhere is found out when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AssociatedData<'a> {
    /// Empty for what belongs to the database itself.
    pub(super) session: &'a str,
    pub(super) field: Field,
    /// Id of the message or entry, `seq` of the question, or id of the model.
    pub(super) of: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    Content,
    Checkpoint,
    ProviderState,
    Payload,
    /// Of the database: proves a key and holds the time of its first use.
    Check,
    /// Of the database: how far its encryption is.
    State,
    /// Of the database: the key of its digests.
    DigestKey,
}

/// A stored text, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form<'a> {
    Plain(&'a str),
    Sealed {
        key: &'a str,
        body: &'a str,
    },
    /// A newer release may know it.
    Unknown,
}

/// Why a stored text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("it is not encrypted, and everything in this database is")]
    NotEncrypted,
    #[error("it has a form that this release does not know")]
    UnknownForm,
    #[error("it is encrypted with the key {0:?}, which the document does not name")]
    UnknownKey(String),
    #[error("it does not decrypt with the key {0:?}: it was changed, or belongs elsewhere")]
    Forged(String),
}

impl Field {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Content => "content",
            Self::Checkpoint => "checkpoint",
            Self::ProviderState => "provider_state",
            Self::Payload => "payload",
            Self::Check => "check",
            Self::State => "state",
            Self::DigestKey => "digest_key",
        }
    }
}

impl AssociatedData<'_> {
    /// Bytes that no other place and no other key has: no part can hold the separator.
    pub(super) fn bytes(&self, key: &str) -> Vec<u8> {
        let field = self.field.as_str();
        [SEALED, key, self.session, field, self.of]
            .join("\0")
            .into_bytes()
    }
}

pub(super) fn parse(stored: &str) -> Form<'_> {
    let marked = stored.strip_prefix(MARK);
    let Some((version, rest)) = marked.and_then(|marked| marked.split_once(':')) else {
        return Form::Plain(stored);
    };
    match version {
        ESCAPED => Form::Plain(rest),
        SEALED => rest
            .split_once(':')
            .map_or(Form::Unknown, |(key, body)| Form::Sealed { key, body }),
        _ if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) => {
            Form::Unknown
        }
        // Somebody wrote a sentence that begins so.
        _ => Form::Plain(stored),
    }
}

/// A text as it is stored without a key.
pub(super) fn plain(text: String) -> String {
    if text.starts_with(MARK) {
        return format!("{MARK}{ESCAPED}:{text}");
    }
    text
}

/// The stored form of nonce, ciphertext and tag.
pub(super) fn sealed(key: &str, body: &[u8]) -> String {
    let mut stored = format!("{MARK}{SEALED}:{key}:");
    BASE64URL_NOPAD.encode_append(body, &mut stored);
    stored
}

/// Nonce, and ciphertext with its tag.
pub(super) fn body(text: &str) -> Option<([u8; NONCE], Vec<u8>)> {
    let mut nonce = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    if nonce.len() < NONCE + TAG {
        return None;
    }
    let sealed = nonce.split_off(NONCE);
    Some((nonce.try_into().ok()?, sealed))
}

/// A page that holds at least what `page` asks for, however it is stored.
pub(super) fn stored_page(page: Page) -> Page {
    let base64 = page.bytes.saturating_add(page.bytes / 3);
    let overhead = page.messages.saturating_mul(OVERHEAD);
    Page {
        bytes: base64.saturating_add(overhead),
        ..page
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stored_text_is_plain_or_sealed_or_of_a_newer_release() {
        for (stored, expected) in [
            ("", Form::Plain("")),
            ("hello", Form::Plain("hello")),
            ("enc", Form::Plain("enc")),
            ("enc: what is that?", Form::Plain("enc: what is that?")),
            ("enc:a:b", Form::Plain("enc:a:b")),
            ("enc:0:", Form::Plain("")),
            ("enc:0:enc:1:k:AAAA", Form::Plain("enc:1:k:AAAA")),
            (
                "enc:1:k1:AAAA",
                Form::Sealed {
                    key: "k1",
                    body: "AAAA",
                },
            ),
            ("enc:1:k1", Form::Unknown),
            ("enc:2:k1:AAAA", Form::Unknown),
            ("enc:10:k1:AAAA", Form::Unknown),
        ] {
            assert_eq!(parse(stored), expected, "{stored:?}");
        }
    }

    #[test]
    fn no_place_has_the_bytes_of_another() {
        let of = |session, field, of| AssociatedData { session, field, of }.bytes("k");
        let all = [
            of("s", Field::Content, "a"),
            of("s", Field::Content, "b"),
            of("t", Field::Content, "a"),
            of("s", Field::Payload, "a"),
            of("s", Field::Name, ""),
            of("", Field::State, ""),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{index}");
        }
    }

    proptest! {
        #[test]
        fn what_is_stored_without_a_key_is_read_as_it_was(text in "(enc:)?[0-9]{0,2}:?.{0,20}") {
            let stored = plain(text.clone());
            prop_assert_eq!(parse(&stored), Form::Plain(&text));
        }

        #[test]
        fn a_page_is_large_enough_for_its_sealed_texts(lengths in proptest::collection::vec(0_usize..500, 1..20)) {
            let page = Page { messages: lengths.len(), bytes: lengths.iter().sum() };
            let longest_id = "k".repeat(32);
            let stored = |length: &usize| sealed(&longest_id, &vec![0; NONCE + length + TAG]).len();
            prop_assert!(lengths.iter().map(stored).sum::<usize>() <= stored_page(page).bytes);
        }

        #[test]
        fn what_is_sealed_is_taken_apart_as_it_was(bytes in proptest::collection::vec(any::<u8>(), 28..80)) {
            let stored = sealed("k-1", &bytes);
            let Form::Sealed { key, body: text } = parse(&stored) else {
                panic!("{stored}");
            };
            let (nonce, sealed) = body(text).unwrap();
            prop_assert_eq!((key, [&nonce[..], &sealed].concat()), ("k-1", bytes));
        }
    }
}
