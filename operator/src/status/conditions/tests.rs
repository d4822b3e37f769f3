mod changes;
mod results;
mod several;

use kube::core::Status as Answer;

use crate::cache::{CachedObject, Detail, Rollout};
use crate::fixtures::{cached, stored};
use crate::kind::Kind;

use super::*;

fn objects(ready: i32) -> OwnedObjects {
    let rollout = Rollout {
        desired: 1,
        replicas: 1,
        updated: 1,
        ready,
        available: ready,
        image: Some("chatbox:1".to_owned()),
        config_hash: Some("d1".to_owned()),
        ..Rollout::default()
    };
    let deployment = CachedObject {
        managed: true,
        ..cached(Detail::Deployment(Ok(Box::new(rollout))))
    };
    OwnedObjects::default().with(Kind::DEPLOYMENT, "support-chatbox", deployment)
}

fn status(
    before: &ChatboxStatus,
    generation: Option<i64>,
    result: &Result<Converged, Error>,
    objects: &OwnedObjects,
    now: &Time,
) -> ChatboxStatus {
    let facts = Facts {
        generation,
        result,
        unsettled: None,
        claim: None,
        volume: &Differences::default(),
        objects,
        unseen: &[],
    };
    super::status(&stored(), before, &facts, now)
}

fn time(second: i64) -> Time {
    Time(jiff::Timestamp::from_second(second).unwrap())
}

fn converged(pending: Option<usize>) -> Converged {
    Converged {
        url: "http://x/".to_owned(),
        pending,
    }
}

fn rejection(code: u16) -> kube::Error {
    let answer = Answer {
        code,
        message: "no, because\nlong".to_owned(),
        ..Answer::default()
    };
    kube::Error::Api(Box::new(answer))
}

fn write(code: u16) -> Result<Converged, Error> {
    Err(Error::Write {
        kind: Kind::SERVICE,
        name: "s".to_owned(),
        source: rejection(code),
    })
}

fn read(code: u16) -> Result<Converged, Error> {
    Err(Error::Read {
        kind: Kind::SECRET,
        name: "s".to_owned(),
        source: rejection(code),
    })
}

fn foreign(kind: Kind, name: &str) -> Error {
    Error::Foreign {
        kind,
        name: name.to_owned(),
        owner: None,
        chatbox: "support".to_owned(),
    }
}

fn invalid(config: bool, secrets: bool) -> Result<Converged, Error> {
    let problems = |desired: bool, field: &str| {
        desired
            .then(|| Problem::new(field, "is wrong"))
            .into_iter()
            .collect()
    };
    Err(Error::Invalid(Findings {
        config: problems(config, "spec.config.a"),
        secrets: problems(secrets, "spec.config.b"),
    }))
}

/// `Ready/Reconciling/Stalled/ConfigValid/SecretsResolved`, `-` for one that is not listed, and the reason of `Ready`.
fn line(status: &ChatboxStatus) -> String {
    let state = |type_: &str| {
        let found = status
            .conditions
            .iter()
            .find(|condition| condition.type_ == type_);
        found.map_or("-", |condition| &condition.status[..1])
    };
    let all = [READY, RECONCILING, STALLED, CONFIG_VALID, SECRETS_RESOLVED]
        .map(state)
        .join("/");
    format!("{all} {}", status.conditions[0].reason)
}

/// What kstatus makes of it (Ready, Reconciling and Stalled of the observed generation).
fn kstatus(status: &ChatboxStatus, generation: i64) -> &'static str {
    let is_true = |type_: &str| {
        status
            .conditions
            .iter()
            .any(|condition| condition.type_ == type_ && condition.status == "True")
    };
    if status.observed_generation != Some(generation) || is_true(RECONCILING) {
        return "InProgress";
    }
    match (is_true(STALLED), is_true(READY)) {
        (true, _) => "Failed",
        (false, true) => "Current",
        (false, false) => "InProgress",
    }
}
