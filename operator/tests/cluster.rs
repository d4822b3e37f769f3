//! The operator as a process on a real API server, with exactly the rights of `operator/rbac.yaml`. There is no node:
//! the tests take the part of the kubelet.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use control_plane::ControlPlane;
use control_plane::world::World;
use libtest_mimic::{Arguments, Failed, Trial};

#[path = "cluster/discovery.rs"]
mod discovery;
#[path = "cluster/edits.rs"]
mod edits;
#[path = "cluster/encryption.rs"]
mod encryption;
#[path = "cluster/identity.rs"]
mod identity;
#[path = "cluster/interference.rs"]
mod interference;
#[path = "cluster/lifetime.rs"]
mod lifetime;
#[path = "cluster/namespace.rs"]
mod namespace;
#[path = "cluster/policy.rs"]
mod policy;
#[path = "cluster/program.rs"]
mod program;
#[path = "cluster/repair.rs"]
mod repair;
#[path = "cluster/retention.rs"]
mod retention;
#[path = "cluster/security.rs"]
mod security;
#[path = "cluster/steady.rs"]
mod steady;
#[path = "cluster/support.rs"]
mod support;
#[path = "cluster/volumes.rs"]
mod volumes;

type Scenario = fn(&World<'_>) -> Result<()>;

const SCENARIOS: &[(&str, Scenario)] = &[
    ("converged-is-left-alone", steady::converged_is_left_alone),
    (
        "render-is-what-is-applied",
        steady::render_is_what_is_applied,
    ),
    ("drift-is-repaired", repair::drift_is_repaired),
    (
        "an-edited-label-rolls-nothing",
        repair::an_edited_label_rolls_nothing,
    ),
    (
        "pods-roll-for-their-reasons-only",
        steady::pods_roll_for_their_reasons_only,
    ),
    (
        "an-edit-reaches-the-objects",
        edits::an_edit_reaches_the_objects,
    ),
    ("a-chosen-image-stays", edits::a_chosen_image_stays),
    (
        "a-bad-edit-leaves-what-runs",
        edits::a_bad_edit_leaves_what_runs,
    ),
    ("a-secret-is-picked-up", edits::a_secret_is_picked_up),
    (
        "others-keep-what-is-theirs",
        lifetime::others_keep_what_is_theirs,
    ),
    (
        "what-is-kept-is-taken-up-again",
        lifetime::what_is_kept_is_taken_up_again,
    ),
    (
        "a-claim-that-is-deleted-keeps-its-pod",
        lifetime::a_claim_that_is_deleted_keeps_its_pod,
    ),
    (
        "a-volume-that-is-deleted-can-be-let-go",
        lifetime::a_volume_that_is_deleted_can_be_let_go,
    ),
    (
        "a-deletion-policy-takes-effect-by-itself",
        retention::a_deletion_policy_takes_effect_by_itself,
    ),
    (
        "a-trial-of-the-same-name-deletes-no-old-messages",
        retention::a_trial_of_the_same_name_deletes_no_old_messages,
    ),
    (
        "an-encryption-key-is-generated-once",
        encryption::an_encryption_key_is_generated_once,
    ),
    (
        "a-lost-encryption-key-is-asked-for",
        encryption::a_lost_encryption_key_is_asked_for,
    ),
    (
        "an-encryption-key-stays-with-its-data",
        encryption::an_encryption_key_stays_with_its_data,
    ),
    (
        "a-claim-from-a-backup-is-kept",
        retention::a_claim_from_a_backup_is_kept,
    ),
    (
        "a-deletion-policy-that-is-refused-is-reported",
        retention::a_deletion_policy_that_is_refused_is_reported,
    ),
    (
        "a-foreground-deletion-waits-for-the-deployment",
        retention::a_foreground_deletion_waits_for_the_deployment,
    ),
    (
        "a-claim-that-cannot-grow-holds-nothing-up",
        volumes::a_claim_that_cannot_grow_holds_nothing_up,
    ),
    (
        "a-growth-that-does-not-happen-is-told",
        volumes::a_growth_that_does_not_happen_is_told,
    ),
    (
        "a-claim-that-was-grown-from-outside-stays",
        volumes::a_claim_that_was_grown_from_outside_stays,
    ),
    (
        "a-claim-of-somebody-is-adopted-by-its-label",
        volumes::a_claim_of_somebody_is_adopted_by_its_label,
    ),
    (
        "an-empty-storage-class-is-none",
        volumes::an_empty_storage_class_is_none,
    ),
    (
        "fields-that-exclude-ours-are-replaced",
        interference::fields_that_exclude_ours_are_replaced,
    ),
    (
        "a-contest-is-told-and-slows-down",
        interference::a_contest_is_told_and_slows_down,
    ),
    (
        "a-paused-deployment-is-told",
        interference::a_paused_deployment_is_told,
    ),
    (
        "a-quota-is-told-after-the-deadline-too",
        interference::a_quota_is_told_after_the_deadline_too,
    ),
    (
        "what-admission-makes-of-our-writes-is-kept",
        interference::what_admission_makes_of_our_writes_is_kept,
    ),
    (
        "a-change-is-seen-whatever-becomes-of-the-labels",
        interference::a_change_is_seen_whatever_becomes_of_the_labels,
    ),
    (
        "what-may-not-be-listed-holds-nothing-up",
        security::what_may_not_be_listed_holds_nothing_up,
    ),
    ("a-stop-reads-no-secrets", security::a_stop_reads_no_secrets),
    (
        "the-role-for-users-is-enough",
        security::the_role_for_users_is_enough,
    ),
    (
        "the-rules-of-every-provider-hold-at-admission",
        security::the_rules_of_every_provider_hold_at_admission,
    ),
    (
        "what-is-not-allowed-is-neither-read-nor-run",
        security::what_is_not_allowed_is_neither_read_nor_run,
    ),
    (
        "a-chatbox-is-stopped-whatever-else-is-wrong",
        edits::a_chatbox_is_stopped_whatever_else_is_wrong,
    ),
    ("a-paused-chatbox-waits", edits::a_paused_chatbox_waits),
    (
        "a-rollout-that-makes-no-progress-is-stalled",
        edits::a_rollout_that_makes_no_progress_is_stalled,
    ),
    (
        "a-converged-reconcile-sends-no-request",
        steady::a_converged_reconcile_sends_no_request,
    ),
    (
        "a-helm-release-of-the-same-name-is-another",
        identity::a_helm_release_of_the_same_name_is_another,
    ),
    (
        "retained-objects-have-our-label-alone",
        identity::retained_objects_have_our_label_alone,
    ),
    (
        "only-our-stale-objects-are-pruned",
        identity::only_our_stale_objects_are_pruned,
    ),
    (
        "an-optional-api-is-watched-while-it-is-served",
        discovery::an_optional_api_is_watched_while_it_is_served,
    ),
    (
        "a-namespace-that-is-deleted-is-recognized",
        namespace::a_namespace_that_is_deleted_is_recognized,
    ),
];

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let names = SCENARIOS
        .iter()
        .map(|(name, _)| Trial::test(*name, || Ok(())));
    let names: Vec<Trial> = names.collect();
    // When another test is asked for by its name, nothing is started.
    if arguments.list || names.iter().all(|trial| arguments.is_filtered_out(trial)) {
        return Ok(libtest_mimic::run(&arguments, names).exit_code());
    }
    let plane = Arc::new(ControlPlane::start()?);
    program::install(&plane)?;
    let trials = SCENARIOS.iter().map(|(name, scenario)| {
        let plane = Arc::clone(&plane);
        Trial::test(*name, move || {
            let result = World::new(plane.kubectl(), name).and_then(|world| scenario(&world));
            result.map_err(|error| Failed::from(format!("{error:#}")))
        })
    });
    Ok(libtest_mimic::run(&arguments, trials.collect()).exit_code())
}
