//! The scenarios: what people do with Chatbox, seen from outside, on a real Kubernetes.
//!
//! They use the cluster of `make up` if it runs, and else start one and end it. Where pods cannot run they use a
//! control plane alone, and those that need pods are reported as ignored, with the reason.

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use cluster::up::Running;
use control_plane::world::World;
use e2e::environment::Environment;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

#[path = "scenarios/chat.rs"]
mod chat;
#[path = "scenarios/crash.rs"]
mod crash;
#[path = "scenarios/edits.rs"]
mod edits;
#[path = "scenarios/environment.rs"]
mod environment;
#[path = "scenarios/leftovers.rs"]
mod leftovers;
#[path = "scenarios/mistakes.rs"]
mod mistakes;
#[path = "scenarios/quickstart.rs"]
mod quickstart;
#[path = "scenarios/render.rs"]
mod render;
#[path = "scenarios/repair.rs"]
mod repair;

/// What is done, by what it needs.
#[derive(Clone, Copy)]
enum Scenario {
    /// The API server and the controllers.
    Api(fn(&World<'_>) -> Result<()>),
    /// A node that runs pods, with the operator in it.
    Pods(fn(&World<'_>) -> Result<()>),
    /// The same, and the images and tools that it was made of.
    Cluster(fn(&World<'_>, &Running) -> Result<()>),
}
use Scenario::{Api, Cluster, Pods};

/// The name is also the start of the namespace's.
const SCENARIOS: &[(&str, Scenario)] = &[
    (
        "a-namespace-gets-its-account",
        Api(environment::a_namespace_gets_its_account),
    ),
    (
        "a-pod-runs-restricted-and-ends",
        Cluster(environment::a_pod_runs_restricted_and_ends),
    ),
    ("a-model-answers", Api(environment::a_model_answers)),
    (
        "the-sample-answers-in-a-browser",
        Pods(quickstart::the_sample_answers_in_a_browser),
    ),
    (
        "a-model-behind-a-key-answers",
        Pods(quickstart::a_model_behind_a_key_answers),
    ),
    (
        "an-edit-rolls-once",
        Pods(edits::an_edit_rolls_once_and_the_page_goes_on),
    ),
    (
        "a-chat-without-a-volume-begins-anew",
        Pods(edits::a_chat_without_a_volume_begins_anew),
    ),
    (
        "only-the-named-key-rolls",
        Pods(edits::only_the_named_key_rolls_the_pods),
    ),
    (
        "a-mistake-is-named",
        Pods(mistakes::a_mistake_is_named_and_the_chat_runs_on),
    ),
    (
        "a-deleted-child-comes-back",
        Pods(repair::a_deleted_child_comes_back),
    ),
    (
        "a-deleted-chatbox-leaves-nothing",
        Pods(repair::a_deleted_chatbox_leaves_nothing),
    ),
    (
        "the-server-dies",
        Pods(crash::the_server_dies_during_an_answer),
    ),
    (
        "the-operator-dies",
        Pods(crash::the_operator_dies_during_an_answer),
    ),
    (
        "render-is-what-is-applied",
        Cluster(render::render_is_what_is_applied),
    ),
];

fn main() -> Result<ExitCode> {
    if let Some(code) = cluster::node::reexec() {
        return Ok(code);
    }
    let mut arguments = Arguments::from_args();
    let trials = |environment: Option<&Arc<Environment>>| -> Vec<Trial> {
        SCENARIOS
            .iter()
            .map(|&(name, scenario)| trial(name, scenario, environment.cloned()))
            .collect()
    };
    let names = trials(None);
    // Nothing to run, as when another test is asked for by its name: nothing to start.
    if arguments.list || names.iter().all(|trial| arguments.is_filtered_out(trial)) {
        return Ok(libtest_mimic::run(&arguments, names).exit_code());
    }
    // Scenarios kill servers and inspect the whole cluster: one at a time, unless --test-threads says otherwise.
    arguments.test_threads.get_or_insert(1);
    let environment = Arc::new(Environment::prepare()?);
    let conclusion = libtest_mimic::run(&arguments, trials(Some(&environment)));
    if let Some(environment) = Arc::into_inner(environment) {
        let is_lent = environment.is_lent();
        environment.end()?;
        if !is_lent {
            leftovers::none()?;
        }
    }
    Ok(conclusion.exit_code())
}

fn trial(name: &'static str, scenario: Scenario, environment: Option<Arc<Environment>>) -> Trial {
    Trial::ignorable_test(name, move || {
        let environment = environment.ok_or("only listed")?;
        let running = match (scenario, environment.running()) {
            (Api(_), _) => None,
            (_, Ok(running)) => Some(running),
            (_, Err(lack)) => return Ok(Completion::ignored_with(lack)),
        };
        let result = World::new(environment.kubectl(), name).and_then(|world| match scenario {
            Api(run) | Pods(run) => run(&world),
            Cluster(run) => running.map_or(Ok(()), |running| run(&world, running)),
        });
        result
            .map(|()| Completion::Completed)
            .map_err(|error| Failed::from(format!("{error:?}")))
    })
}
