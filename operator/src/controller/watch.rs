//! One watch: the events of a kind in the scope of the operator.

use std::fmt::Debug;

use futures_util::stream::{Stream, StreamExt};
use kube::Api;
use kube::core::Resource;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use serde::de::DeserializeOwned;

use crate::error::{is_list_forbidden, watch_message};
use crate::kind::Kind;

/// Objects of one page of a list. Each is held decoded, at up to a hundred kilobytes, until the page is taken in, and all
/// watches list at the same time when the operator starts.
const PAGE_SIZE: u32 = 50;

/// A watch that has failed, and is tried again.
#[derive(Debug)]
pub struct WatchFailure {
    pub reason: String,
    /// The operator has no right to list.
    pub is_forbidden: bool,
}

/// The events of one watch, for ever: a failure is logged, and the watch is tried again after a pause.
pub fn events<K>(
    kind: Kind,
    api: Api<K>,
    config: watcher::Config,
) -> impl Stream<Item = Event<K>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    results(kind, api, config).filter_map(async |result| result.ok())
}

/// Like [`events`], with the reason of each failure.
pub fn results<K>(
    kind: Kind,
    api: Api<K>,
    config: watcher::Config,
) -> impl Stream<Item = Result<Event<K>, WatchFailure>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let events = watcher(api, config.page_size(PAGE_SIZE)).default_backoff();
    events.map(move |event| {
        event.map_err(|error| {
            let failure = WatchFailure {
                reason: watch_message(&error),
                is_forbidden: is_list_forbidden(&error),
            };
            let error = &failure.reason;
            tracing::warn!(watch = %kind, error, "watch failed; will retry");
            failure
        })
    })
}

/// The same event of what `map` makes of the object.
pub fn try_map<K, T, E>(
    event: &Event<K>,
    map: impl FnOnce(&K) -> Result<T, E>,
) -> Result<Event<T>, E> {
    Ok(match event {
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(map(object)?),
        Event::InitDone => Event::InitDone,
        Event::Apply(object) => Event::Apply(map(object)?),
        Event::Delete(object) => Event::Delete(map(object)?),
    })
}
