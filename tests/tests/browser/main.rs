//! The chat page in Chromium, against the plain server: without Kubernetes, and without root where Chromium is installed.
//!
//! One browser serves all scenarios; each has a server, a profile and a model endpoint of its own. A scenario that fails
//! leaves screenshots of its pages in `target/browser`. Where no browser can be started, all are reported as ignored.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accessibility;
mod changes;
mod chat;
mod clock;
mod driver;
mod fixture;
mod hostile;
mod humans;
mod identity;
mod input;
mod keyboard;
mod models;
mod network;
mod scrolling;
mod sessions;
mod storage;
mod writing;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

use fixture::{Fixture, Shared};

/// Scenarios wait for the page most of the time, so more of them than processors run at once.
const THREADS: usize = 4;

/// A name, and what to do with the fixture.
type Scenario = (&'static str, fn(&Shared, &Fixture) -> Result<()>);

/// Lists `module::function`s, each an `async fn(&Fixture) -> Result<()>`.
macro_rules! scenarios {
    ($($module:ident :: $function:ident),* $(,)?) => {
        &[$((
            concat!(stringify!($module), "::", stringify!($function)),
            |shared, fixture| shared.runtime.block_on($module::$function(fixture)),
        )),*]
    };
}

const SCENARIOS: &[Scenario] = scenarios![
    accessibility::light_screens_pass_axe,
    accessibility::dark_screens_pass_axe,
    driver::a_page_reads_what_it_sent,
    chat::an_answer_streams_and_ends,
    chat::markdown_is_rendered_safely,
    chat::a_failed_answer_offers_a_retry,
    chat::an_answer_that_breaks_off_keeps_its_text,
    chat::a_rejected_message_can_be_removed,
    chat::a_rejected_message_can_be_edited,
    chat::a_message_that_is_too_long_cannot_be_sent,
    chat::a_refused_copy_is_told,
    models::a_visitor_chooses_the_model,
    models::one_model_is_no_choice,
    models::a_choice_that_is_refused_goes_back,
    changes::an_answer_is_stopped,
    changes::escape_stops_an_answer_before_its_first_word,
    changes::an_escape_that_closes_the_list_of_models_stops_nothing,
    changes::a_stop_is_asked_for_again_after_a_lost_connection,
    changes::another_answer_takes_the_place_of_the_old_one,
    changes::a_stopped_answer_is_given_once_more,
    changes::a_question_is_put_in_other_words,
    changes::a_change_whose_acknowledgement_is_lost_is_made_once,
    changes::a_change_that_is_rejected_leaves_the_question,
    changes::two_devices_show_the_same_changes,
    changes::changes_need_no_mouse,
    changes::changes_pass_axe,
    humans::a_human_takes_over_and_hands_back,
    humans::an_answer_without_a_word_leaves_nothing_when_a_human_comes,
    humans::a_visitor_asks_for_a_human_once,
    humans::a_human_who_was_asked_for_offline_is_asked_for_later,
    humans::both_sides_see_who_is_writing,
    humans::a_connection_that_is_lost_misses_nothing_of_staff,
    humans::a_conversation_with_a_human_passes_axe,
    scrolling::the_list_scrolls_along_unless_the_user_scrolled_up,
    scrolling::any_move_upwards_stops_the_list_until_its_end,
    clock::a_visitor_whose_clock_is_wrong_can_chat,
    hostile::no_message_breaks_the_page,
    input::an_enter_that_ends_a_composition_does_not_send,
    input::a_message_is_held_to_the_limit_of_the_server,
    writing::text_begins_on_the_side_of_its_direction,
    sessions::a_reload_resumes_an_answer,
    sessions::a_new_chat_is_empty_and_back_shows_the_old_one,
    sessions::a_second_device_shows_the_same_chat,
    sessions::two_tabs_are_one_guest,
    sessions::a_tab_too_many_is_told_why_and_can_connect_again,
    network::an_answer_goes_on_after_the_network_was_lost,
    network::a_message_sent_offline_arrives_once,
    network::a_pending_message_survives_its_tab,
    network::a_lost_acknowledgement_doubles_nothing,
    network::a_killed_server_loses_and_doubles_nothing,
    identity::an_expired_guest_is_renewed,
    identity::a_token_that_ends_during_a_chat_is_renewed,
    identity::a_guest_who_cannot_be_renewed_gets_a_new_chat,
    identity::a_bad_token_is_explained,
    identity::without_guests_a_sign_in_is_asked_for,
    storage::a_chat_works_without_storage,
    storage::a_chat_works_with_full_storage,
    storage::a_chat_works_with_corrupt_storage,
    keyboard::a_chat_needs_no_mouse,
    keyboard::every_control_is_reached_in_order,
    keyboard::a_screen_reader_announces_each_answer_once,
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let names: Vec<Trial> = SCENARIOS
        .iter()
        .map(|it| trial(it, Err("only listed".into())))
        .collect();
    // Nothing to run, as when another test is named on the command line: nothing to start.
    if arguments.list || names.iter().all(|trial| arguments.is_filtered_out(trial)) {
        return libtest_mimic::run(&arguments, names).exit_code();
    }
    arguments.test_threads.get_or_insert(THREADS);
    let shared = Shared::start();
    let trials = SCENARIOS
        .iter()
        .map(|it| trial(it, shared.clone()))
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// `shared` is an error where no browser can be started, with the reason.
fn trial(&(name, run): &Scenario, shared: Result<Arc<Shared>, String>) -> Trial {
    Trial::ignorable_test(name, move || {
        let shared = match shared {
            Ok(shared) => shared,
            Err(obstacle) => return Ok(Completion::ignored_with(obstacle)),
        };
        let fixture = Fixture::new(&shared);
        let result = fixture.run(name, |fixture| run(&shared, fixture));
        result
            .map(|()| Completion::Completed)
            .map_err(|error| Failed::from(format!("{error:#}")))
    })
}
