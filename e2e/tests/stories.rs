//! The stories: what people do with Chatbox, told from outside, on a real Kubernetes.
//!
//! They use the cluster of `make up` if it runs, and else start one and end it. Where pods cannot run they use a
//! control plane alone, and those that need pods are reported as ignored, with the reason.

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use e2e::world::{Ground, Needs, World};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

#[path = "stories/change.rs"]
mod change;
#[path = "stories/chat.rs"]
mod chat;
#[path = "stories/crash.rs"]
mod crash;
#[path = "stories/ground.rs"]
mod ground;
#[path = "stories/network.rs"]
mod network;
#[path = "stories/quickstart.rs"]
mod quickstart;
#[path = "stories/refuse.rs"]
mod refuse;
#[path = "stories/render.rs"]
mod render;
#[path = "stories/repair.rs"]
mod repair;

/// A story, what it needs, and its name, which is also the start of its namespace's.
type Story = (&'static str, Needs, fn(&World<'_>) -> Result<()>);

const STORIES: &[Story] = &[
    (
        "a-namespace-gets-its-account",
        Needs::Api,
        ground::a_namespace_gets_its_account,
    ),
    (
        "a-pod-runs-restricted-and-ends",
        Needs::Pods,
        ground::a_pod_runs_restricted_and_ends,
    ),
    (
        "a-browser-reads-what-it-sent",
        Needs::Pods,
        ground::a_browser_reads_what_it_sent,
    ),
    (
        "a-model-answers-on-the-bridge",
        Needs::Pods,
        ground::a_model_answers_on_the_bridge,
    ),
    (
        "the-sample-answers-in-a-browser",
        Needs::Pods,
        quickstart::the_sample_answers_in_a_browser,
    ),
    (
        "a-model-behind-a-key-answers",
        Needs::Pods,
        quickstart::a_model_behind_a_key_answers,
    ),
    (
        "an-edit-rolls-once",
        Needs::Pods,
        change::an_edit_rolls_once_and_the_page_goes_on,
    ),
    (
        "a-chat-without-a-volume-begins-anew",
        Needs::Pods,
        change::a_chat_without_a_volume_begins_anew,
    ),
    (
        "only-the-named-key-rolls",
        Needs::Pods,
        change::only_the_named_key_rolls_the_pods,
    ),
    (
        "a-mistake-is-named",
        Needs::Pods,
        refuse::a_mistake_is_named_and_the_chat_runs_on,
    ),
    (
        "a-deleted-child-comes-back",
        Needs::Pods,
        repair::a_deleted_child_comes_back,
    ),
    (
        "a-deleted-chatbox-leaves-nothing",
        Needs::Pods,
        repair::a_deleted_chatbox_leaves_nothing,
    ),
    (
        "the-server-dies",
        Needs::Pods,
        crash::the_server_dies_during_an_answer,
    ),
    (
        "the-operator-dies",
        Needs::Pods,
        crash::the_operator_dies_during_an_answer,
    ),
    (
        "the-network-is-lost",
        Needs::Pods,
        network::the_network_is_lost_during_an_answer,
    ),
    (
        "rendering-tells",
        Needs::Pods,
        render::rendering_tells_what_was_applied,
    ),
];

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    let names: Vec<Trial> = STORIES.iter().map(|story| trial(story, None)).collect();
    // Nothing to tell, as when another test is asked for by its name: nothing to start.
    if arguments.list || names.iter().all(|trial| arguments.is_filtered_out(trial)) {
        return Ok(libtest_mimic::run(&arguments, names).exit_code());
    }
    // Stories kill servers and look at the whole cluster: one at a time, unless somebody knows better.
    arguments.test_threads.get_or_insert(1);
    let ground = Arc::new(Ground::prepare()?);
    let trials = STORIES
        .iter()
        .map(|story| trial(story, Some(Arc::clone(&ground))))
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(ground) = Arc::into_inner(ground) {
        ground.end()?;
    }
    Ok(conclusion.exit_code())
}

fn trial(&(name, needs, tell): &Story, ground: Option<Arc<Ground>>) -> Trial {
    Trial::ignorable_test(name, move || {
        let ground = ground.ok_or("only listed")?;
        if let Some(reason) = ground.lacks(needs) {
            return Ok(Completion::ignored_with(reason));
        }
        let story = World::new(&ground, name).and_then(|world| tell(&world));
        story
            .map(|()| Completion::Completed)
            .map_err(|error| Failed::from(format!("{error:?}")))
    })
}
