//! The client of all providers.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Keeps connections that are free. Made when it is first needed, because that parses each certificate of the machine,
/// which takes longer than everything else at the start of a server. Cheap to clone.
#[derive(Clone, Default)]
pub(in crate::llm) struct Client(Arc<OnceCell<reqwest::Client>>);

impl Client {
    /// # Errors
    /// When the machine has no certificates.
    pub(in crate::llm) async fn get(&self) -> anyhow::Result<&reqwest::Client> {
        self.0
            .get_or_try_init(|| async { Ok(spawn_blocking(build).await??) })
            .await
    }
}

fn build() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::none())
        .user_agent(concat!("chatbox/", env!("CARGO_PKG_VERSION")))
        .build()
}

#[cfg(test)]
impl From<reqwest::Client> for Client {
    fn from(client: reqwest::Client) -> Self {
        Self(Arc::new(OnceCell::new_with(Some(client))))
    }
}
