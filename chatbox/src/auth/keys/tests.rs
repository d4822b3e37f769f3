use crds::SecretRef;
use crds::config::Hs256;
use serde_json::json;

use super::*;

const OLD: &str = "0123456789abcdef0123456789abcdef";
const NEW: &str = "fedcba9876543210fedcba9876543210";

fn keys(values: &[&str]) -> anyhow::Result<Keys> {
    let root = tempfile::tempdir()?;
    std::fs::create_dir(root.path().join("jwt"))?;
    let reference = |index: usize| SecretRef {
        name: "jwt".into(),
        key: index.to_string(),
    };
    for (index, value) in values.iter().enumerate() {
        std::fs::write(reference(index).path(root.path()), value)?;
    }
    let keys = (0..values.len()).map(reference).collect();
    Keys::load(
        &Auth {
            hs256: Some(Hs256 { keys }),
            guests: None,
        },
        root.path(),
    )
}

fn token(key: &str, claims: &Value) -> String {
    encode(
        &Header::new(Algorithm::HS512),
        claims,
        &EncodingKey::from_secret(key.as_bytes()),
    )
    .unwrap()
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

#[test]
fn who_gets_in() {
    let keys = keys(&[NEW, OLD]).unwrap();
    let later = now().as_second() + 60;
    let good = json!({"user_id": "u", "roles": ["b", "a"], "exp": later});
    for (key, claims, accepted) in [
        (NEW, good.clone(), true),
        (OLD, good.clone(), true),
        ("00000000000000000000000000000000", good, false),
        (
            NEW,
            json!({"user_id": "u", "roles": [], "exp": later}),
            true,
        ),
        (NEW, json!({"user_id": "u", "roles": []}), false),
        (
            NEW,
            json!({"user_id": "u", "roles": [], "exp": now().as_second()}),
            false,
        ),
        (
            NEW,
            json!({"user_id": "", "roles": [], "exp": later}),
            false,
        ),
        (NEW, json!({"roles": [], "exp": later}), false),
        (NEW, json!({"user_id": "u", "exp": later}), true),
        (
            NEW,
            json!({"user_id": "u", "roles": null, "exp": later}),
            true,
        ),
        (
            NEW,
            json!({"user_id": "u", "roles": "admin", "exp": later}),
            false,
        ),
    ] {
        assert_eq!(
            keys.verify(&token(key, &claims), now()).is_ok(),
            accepted,
            "{claims}"
        );
    }
    for text in [
        "",
        "x",
        "a.b.c",
        "eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoidSIsInJvbGVzIjpbXSwiZXhwIjo5OTk5OTk5OTk5fQ.",
    ] {
        assert_eq!(keys.verify(text, now()), Err(InvalidToken), "{text:?}");
    }
}

/// All that RFC 7519 allows, and nothing else.
#[test]
fn issuers_write_tokens_in_many_ways() {
    let keys = keys(&[NEW]).unwrap();
    let now = now().as_second();
    for (claims, accepted) in [
        (json!({"exp": now + 1}), true),
        (json!({"exp": 1.8e9}), true),
        (json!({"exp": 1_767_225_600.5}), true),
        (json!({"exp": 1_767_225_599.5}), false),
        // Milliseconds, and beyond every calendar.
        (json!({"exp": 1_767_225_600_000_i64}), true),
        (json!({"exp": 1e300}), true),
        (json!({"exp": -1e300}), false),
        (json!({"exp": "1800000000"}), false),
        (json!({"exp": null}), false),
        (json!({"exp": now + 9, "nbf": now + 60}), true),
        (json!({"exp": now + 9, "nbf": now + 61}), false),
        (
            json!({"exp": now + 9, "nbf": 1.5e9, "iat": now + 999}),
            true,
        ),
        (json!({"exp": now + 9, "nbf": null}), true),
        (json!({"exp": now + 9, "nbf": "1500000000"}), false),
        (
            json!({"exp": now + 9, "aud": "a", "iss": "i", "sub": 5}),
            true,
        ),
        (
            json!({"exp": now + 9, "aud": ["a", "b"], "iss": ["i"]}),
            true,
        ),
        (json!({"exp": now + 9, "guest": 0}), true),
        (json!({"exp": now + 9, "guest": null}), true),
        (json!({"exp": now + 9, "guest": "no", "more": [{}]}), true),
    ] {
        let mut all = json!({"user_id": "u", "roles": []});
        let more = claims.as_object().unwrap().clone();
        all.as_object_mut().unwrap().extend(more);
        let text = token(NEW, &all);
        for text in [text.clone(), format!(" {text}\n")] {
            assert_eq!(
                keys.verify(&text, self::now()).is_ok(),
                accepted,
                "{claims}"
            );
        }
    }
}

#[test]
fn headers_that_issuers_write() {
    let keys = keys(&[NEW]).unwrap();
    let claims = json!({"user_id": "u", "exp": now().as_second() + 9});
    let header = |change: fn(&mut Header)| {
        let mut header = Header::new(Algorithm::HS256);
        change(&mut header);
        let key = EncodingKey::from_secret(NEW.as_bytes());
        let text = encode(&header, &claims, &key).unwrap();
        keys.verify(&text, now()).is_ok()
    };
    assert!(header(|header| header.typ = None));
    assert!(header(|header| header.typ = Some("at+jwt".to_owned())));
    assert!(header(|header| header.typ = Some("jwt".to_owned())));
    assert!(header(|header| header.kid = Some("k".to_owned())));
    assert!(header(|header| header.alg = Algorithm::HS384));
    let unknown = header(|header| header.crit = Some(vec!["x".to_owned()]));
    assert!(!unknown, "an extension that must be understood");
}

#[test]
fn a_key_is_used_as_it_is_and_without_the_line_break_of_an_editor() {
    let claims = json!({"user_id": "u", "exp": now().as_second() + 9});
    let with_break = format!("{NEW}\n");
    let keys = keys(&[&with_break]).unwrap();
    for key in [with_break.as_str(), NEW] {
        assert!(keys.verify(&token(key, &claims), now()).is_ok());
    }
    let other = format!("{NEW}\n\n");
    assert!(keys.verify(&token(&other, &claims), now()).is_err());
    let guests = Guests {
        token_seconds: 60,
        renew_seconds: 600,
    };
    let guest = keys.sign(&keys.guest(&guests, None, now()).unwrap());
    let rules = Validation::new(Algorithm::HS256);
    let key = DecodingKey::from_secret(with_break.as_bytes());
    let header = jsonwebtoken::decode_header(guest.as_ref().unwrap());
    assert_eq!(header.unwrap().alg, rules.algorithms[0]);
    let mut rules = rules;
    rules.validate_exp = false;
    assert!(decode::<Value>(guest.unwrap(), &key, &rules).is_ok());
}

#[test]
fn a_guest_comes_back_as_the_same_one_for_a_while() {
    let keys = keys(&[NEW]).unwrap();
    let guests = Guests {
        token_seconds: 60,
        renew_seconds: 600,
    };
    let first = keys.guest(&guests, None, now()).unwrap();
    let text = keys.sign(&first).unwrap();
    for (seconds, same) in [(0, true), (61, true), (659, true), (660, false)] {
        let later = now() + SignedDuration::from_secs(seconds);
        let renewed = keys.guest(&guests, Some(&text), later);
        assert_eq!(
            renewed.is_ok_and(|claims| claims.user_id == first.user_id),
            same,
            "{seconds}"
        );
    }
    let member = keys
        .sign(&Claims {
            guest: false,
            ..first.clone()
        })
        .unwrap();
    assert_eq!(keys.guest(&guests, Some(&member), now()), Err(InvalidToken));
    assert_ne!(
        keys.guest(&guests, None, now()).unwrap().user_id,
        first.user_id
    );
}

#[test]
fn weak_keys_are_refused_without_being_shown() {
    for key in [
        "short-key-of-some-bytes",
        "please-CHANGE-ME-to-something-longer-than-this",
        "  \n",
    ] {
        let error = format!("{:#}", keys(&[key]).err().unwrap());
        assert!(
            error.starts_with("auth.hs256.keys[0]") && !error.contains(key),
            "{error}"
        );
    }
    assert!(keys(&[]).is_err());
}
