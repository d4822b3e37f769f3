//! What every store must do. Each test runs on each store.
//!
//! A new store is one more fixture and one more line in [`on_every_store`]; what it must do stands in the tests alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod changes;
mod cipher;
mod crash;
mod fixture;
mod messages;
mod mongodb_server;
mod outbox;
mod runs;
mod takeover;
mod values;

/// Makes a test of each function for each store.
macro_rules! on_every_store {
    (below a cipher: $($module:ident :: $name:ident),* $(,)?) => {
        on_every_store!(@ cipher_on_sqlite Sqlite $($module::$name),*);
        on_every_store!(@ cipher_on_mongodb MongoDb $($module::$name),*);
    };
    ($($module:ident :: $name:ident),* $(,)?) => {
        on_every_store!(@ sqlite Sqlite $($module::$name),*);
        on_every_store!(@ encrypted_sqlite EncryptedSqlite $($module::$name),*);
        on_every_store!(@ mongodb MongoDb $($module::$name),*);
        on_every_store!(@ encrypted_mongodb EncryptedMongoDb $($module::$name),*);
    };
    (@ $store:ident $kind:ident $($module:ident :: $name:ident),*) => {
        mod $store {
            $(#[tokio::test]
            async fn $name() {
                let fixture = crate::fixture::Fixture::new(crate::fixture::Kind::$kind).await;
                crate::$module::$name(fixture).await;
            })*
        }
    };
}

on_every_store!(
    messages::are_numbered_without_a_gap,
    messages::a_client_id_stores_once,
    messages::a_session_belongs_to_its_first_user,
    messages::so_many_questions_may_wait,
    messages::pages_and_lists,
    messages::a_page_has_an_end_in_bytes_and_at_least_one_message,
    messages::what_was_stored_is_there_after_a_restart,
    messages::the_digest_key_is_made_once,
    runs::one_at_a_time_takes_the_oldest_question,
    runs::a_question_is_claimed_by_the_commit_that_stores_it,
    runs::of_many_claims_one_succeeds,
    runs::first_words_are_kept_at_once_and_only_by_the_owner,
    runs::a_lease_that_is_renewed_is_not_abandoned,
    runs::an_abandoned_run_is_taken_over_once,
    runs::attempts_at_a_question_are_counted,
    runs::those_of_one_user_that_wait_hide_no_others,
    runs::an_owner_that_lost_its_session_stores_nothing,
    runs::leases_end_with_the_process,
    runs::provider_state_is_kept_for_its_model_and_session,
    changes::the_model_that_was_chosen_answers,
    changes::a_session_that_begins_with_a_model_is_named_and_listed_by_its_first_message,
    changes::the_newest_answer_is_written_anew_once,
    changes::a_question_is_replaced_and_who_may_do_that,
    changes::a_run_is_stopped_by_its_user_alone,
    changes::what_a_provider_kept_is_dropped_when_it_does_not_know_all,
    takeover::a_run_ends_in_the_commit_that_gives_its_session_away,
    takeover::both_talk_and_no_run_begins_until_it_is_given_back,
    takeover::of_many_who_take_a_session_one_has_it,
    takeover::one_who_is_away_loses_the_session,
    takeover::who_asks_for_help_waits_once_until_somebody_comes,
    outbox::entries_are_stored_with_the_answer_or_not_at_all,
    values::every_text_is_found_once_with_its_place,
    values::a_text_is_replaced_only_while_it_is_the_old_one,
    values::a_record_is_replaced_only_while_it_is_the_old_one,
    crash::a_killed_process_loses_nothing_and_leaves_nothing_half_done,
);

// What only a cipher must do. These open the cipher themselves.
on_every_store!(
    below a cipher:
    cipher::nothing_that_people_write_is_in_the_database,
    cipher::a_text_that_cannot_be_read_hides_no_other,
    cipher::deliveries_behind_unreadable_ones_are_found,
    cipher::what_belongs_elsewhere_is_not_shown,
    cipher::plaintext_is_read_until_all_is_encrypted_and_never_after,
    cipher::a_new_first_key_takes_over_and_the_old_one_may_go,
    cipher::texts_that_are_written_meanwhile_are_kept,
    cipher::two_at_once_encrypt_each_text_and_lose_none,
    cipher::keys_that_are_not_those_of_the_database_are_refused,
    cipher::a_database_that_lost_its_record_is_refused,
    cipher::the_same_message_is_recognised_after_encryption_was_switched_on,
    cipher::other_processes_are_given_time,
);
