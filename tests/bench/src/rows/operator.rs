//! The operator with many Chatboxes on a control plane without a node: how long until they are as they should be, what
//! it holds in memory, what it writes when nothing happens, and what it costs to delete them all.

mod bare;
mod fleet;
mod process;

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use self::fleet::Fleet;
use self::process::Operator;
use super::Programs;
use crate::cluster::Cluster;
use crate::scale::Scale;
use crate::table::{Goal, Row, Unit};

const CONVERGE_TIMES_BARE: f64 = 2.0;
const EMPTY_MIB: f64 = 20.0;
const FULL_MIB: f64 = 40.0;
const DELETE_CPU_SECONDS: f64 = 5.0;
/// Of [`FULL_MIB`] and [`DELETE_CPU_SECONDS`]; another number of Chatboxes has no goal.
const GOALS_ARE_FOR: usize = 1000;

/// The operator is at rest when it has written nothing for so long.
const QUIET: Duration = Duration::from_secs(15);

/// What one run tells. Memory is resident, in bytes.
struct Sample {
    bare: Duration,
    converged: Duration,
    empty: u64,
    came: u64,
    restarted: u64,
    idle_writes: f64,
    deleting: Duration,
}

pub async fn measure(programs: &Programs, scale: &Scale) -> Result<Vec<Row>> {
    let sample = run(programs, scale).await?;
    Ok(rows(&sample, scale))
}

async fn run(programs: &Programs, scale: &Scale) -> Result<Sample> {
    let count = scale.chatboxes;
    let bare = {
        let cluster = Cluster::start(&programs.operator).await?;
        let fleet = Fleet::new(&cluster.client, count).await?;
        let begun = Instant::now();
        bare::write(&fleet, &programs.operator, &programs.scratch).await?;
        begun.elapsed()
    };
    let cluster = Cluster::start(&programs.operator).await?;
    let fleet = Fleet::new(&cluster.client, count).await?;
    let operator = Operator::start(&programs.operator, &cluster.kubeconfig).await?;
    let empty = operator.process.resident()?;
    let begun = Instant::now();
    fleet.create().await?;
    fleet.converged().await?;
    let converged = begun.elapsed();
    operator.quiet(QUIET).await?;
    let came = operator.process.resident()?;
    operator.process.end().await?;

    let operator = Operator::start(&programs.operator, &cluster.kubeconfig).await?;
    operator.reconciled(count).await?;
    operator.quiet(QUIET).await?;
    let restarted = operator.process.resident()?;
    let written = operator.writes().await?;
    sleep(scale.idle).await;
    let idle_writes = operator.writes().await? - written;

    let before = operator.process.cpu()?;
    fleet.delete().await?;
    operator.quiet(QUIET).await?;
    let deleting = operator.process.cpu()?.saturating_sub(before);
    operator.process.end().await?;
    Ok(Sample {
        bare,
        converged,
        empty,
        came,
        restarted,
        idle_writes,
        deleting,
    })
}

fn rows(sample: &Sample, scale: &Scale) -> Vec<Row> {
    let count = scale.chatboxes;
    let goal = |limit| {
        if count == GOALS_ARE_FOR {
            Goal::AtMost(limit)
        } else {
            Goal::Reported
        }
    };
    vec![
        Row {
            name: format!(
                "operator: {count} Chatboxes converge; floor: the same writes by a bare client"
            ),
            unit: Unit::Seconds,
            ours: sample.converged.as_secs_f64(),
            floor: Some(sample.bare.as_secs_f64()),
            goal: Goal::TimesFloor(CONVERGE_TIMES_BARE),
        },
        memory("with no Chatbox", sample.empty, Goal::AtMost(EMPTY_MIB)),
        memory(
            &format!("with {count} as they come"),
            sample.came,
            goal(FULL_MIB),
        ),
        memory(
            &format!("with {count} after its restart"),
            sample.restarted,
            goal(FULL_MIB),
        ),
        Row {
            name: format!("operator: writes in {} idle seconds", scale.idle.as_secs()),
            unit: Unit::Writes,
            ours: sample.idle_writes,
            floor: None,
            goal: Goal::AtMost(0.0),
        },
        Row {
            name: format!("operator: processor time while a namespace of {count} is deleted"),
            unit: Unit::Seconds,
            ours: sample.deleting.as_secs_f64(),
            floor: None,
            goal: goal(DELETE_CPU_SECONDS),
        },
    ]
}

#[expect(clippy::cast_precision_loss, reason = "told with one digit")]
fn memory(when: &str, bytes: u64, goal: Goal) -> Row {
    Row {
        name: format!("operator: resident memory {when}"),
        unit: Unit::Mebibytes,
        ours: bytes as f64 / 1024.0 / 1024.0,
        floor: None,
        goal,
    }
}
