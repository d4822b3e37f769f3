//! What every bus must do. Each test runs on each bus.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;
mod followers;
mod live;

/// Makes a test of each function for each bus.
macro_rules! on_every_bus {
    ($($module:ident :: $name:ident),* $(,)?) => {
        mod local {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                crate::$module::$name(crate::fixture::local()).await;
            })*
        }

        mod unreliable {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                for seed in tests::seeds(20) {
                    crate::$module::$name(crate::fixture::unreliable(seed)).await;
                }
            })*
        }
    };
}

on_every_bus!(
    followers::only_those_of_the_session_get_its_events,
    followers::a_slow_one_is_told_that_it_lost_something,
    followers::the_last_one_leaves_nothing_behind,
    live::text_and_events_make_the_whole_wherever_a_follower_joins,
    live::a_run_that_has_ended_is_not_live,
    live::a_run_without_followers_is_live,
);
