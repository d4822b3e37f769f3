//! What a scenario starts from: the shared browser, pages that leave a screenshot on failure, and common steps.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Result, ensure};
use browser::{Browser, Message, Page, Profile};
use tests::{Provider, World, openai};
use tokio::runtime::Runtime;

/// What all scenarios share.
pub(crate) struct Shared {
    browser: Browser,
    pub(crate) runtime: Runtime,
}

impl Shared {
    /// An error where this machine has no browser and none can be installed, with the reason.
    pub(crate) fn start() -> Result<Arc<Self>, String> {
        if let Some(obstacle) = browser::install::obstacle() {
            return Err(obstacle);
        }
        Ok(Arc::new(Self {
            browser: Browser::start().unwrap(),
            runtime: Runtime::new().unwrap(),
        }))
    }
}

/// What one scenario uses.
pub(crate) struct Fixture<'a> {
    shared: &'a Shared,
    pages: RefCell<Vec<Rc<Page>>>,
}

impl<'a> Fixture<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            pages: RefCell::default(),
        }
    }

    /// Runs a scenario. Takes a screenshot of each of its pages when it fails.
    pub(crate) fn run(&self, name: &str, scenario: impl FnOnce(&Self) -> Result<()>) -> Result<()> {
        let result = catch_unwind(AssertUnwindSafe(|| scenario(self)));
        if !matches!(result, Ok(Ok(()))) {
            for (index, page) in self.pages.borrow().iter().enumerate() {
                let _ = page.screenshot(&screenshot_file(&format!(
                    "{}-{index}",
                    name.replace("::", "-")
                )));
            }
        }
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// An empty page with a profile of its own.
    pub(crate) fn page(&self) -> Result<Rc<Page>> {
        self.page_with(&Profile::default())
    }

    pub(crate) fn page_with(&self, profile: &Profile) -> Result<Rc<Page>> {
        Ok(self.register(self.shared.browser.page_with(profile)?))
    }

    /// Another tab with the profile of `page`.
    pub(crate) fn tab(&self, page: &Page) -> Result<Rc<Page>> {
        Ok(self.register(page.new_tab()?))
    }

    fn register(&self, page: Page) -> Rc<Page> {
        let page = Rc::new(page);
        self.pages.borrow_mut().push(Rc::clone(&page));
        page
    }

    /// Closes a page before the scenario ends.
    pub(crate) fn close(&self, page: Rc<Page>) {
        self.pages
            .borrow_mut()
            .retain(|other| !Rc::ptr_eq(other, &page));
        drop(page);
    }

    /// A page of a guest on the server, connected.
    pub(crate) fn guest(&self, world: &World) -> Result<Rc<Page>> {
        let page = self.page()?;
        open(&page, &world.url("/chat.html"))?;
        Ok(page)
    }
}

/// Where a screenshot goes.
pub(crate) fn screenshot_file(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("browser");
    target.join(format!("{name}.png"))
}

/// A server whose model speaks as the scenario says.
pub(crate) async fn server() -> (World, Provider) {
    let provider = Provider::start().await;
    (World::start(openai(&provider)).await, provider)
}

/// Opens a chat page and waits until it is connected.
pub(crate) fn open(page: &Page, url: &str) -> Result<()> {
    page.open(url)?;
    ensure!(
        page.count("#app")? == 1,
        "the page is not built; run `make page`"
    );
    connected(page)
}

pub(crate) fn connected(page: &Page) -> Result<()> {
    page.wait_for_text("#status-text", "Connected")
}

/// Asks a question, answers it, and waits until the answer is complete on the page.
pub(crate) async fn exchange(
    page: &Page,
    provider: &mut Provider,
    question: &str,
    answer: &str,
) -> Result<()> {
    let before = page.count(COMPLETE)?;
    page.send(question)?;
    provider.call().await.reply(answer);
    page.wait_until(&format!(
        "document.querySelectorAll('{COMPLETE}').length > {before}"
    ))
}

/// Selects answers that are no longer being written.
pub(crate) const COMPLETE: &str = "#messages-container .message.ai[aria-busy=false]";
/// Selects answers that are being written.
pub(crate) const LIVE: &str = "#messages-container .message.ai[aria-busy=true]";

/// The page shows exactly these messages: sender and text.
pub(crate) fn shows(page: &Page, expected: &[(&str, &str)]) -> Result<()> {
    let shown = page.transcript()?;
    let seen: Vec<_> = shown
        .iter()
        .map(|Message { sender, text, .. }| (sender.as_str(), text.as_str()))
        .collect();
    ensure!(
        seen == expected,
        "the page shows {seen:?}, not {expected:?}"
    );
    Ok(())
}

pub(crate) fn has_focus(page: &Page, id: &str) -> Result<()> {
    page.wait_until(&format!("document.activeElement.id === '{id}'"))
}

/// Nothing went wrong that the browser's console would show, but for the network that a test has taken away.
pub(crate) fn no_problems(page: &Page) -> Result<()> {
    let mut problems = page.problems()?;
    problems.retain(|problem| !problem.contains("net::ERR_INTERNET_DISCONNECTED"));
    ensure!(problems.is_empty(), "{problems:?}");
    Ok(())
}

/// The session that the page's URL names.
pub(crate) fn session(page: &Page) -> Result<String> {
    page.evaluate("new URL(location.href).searchParams.get('session_id')")
}
