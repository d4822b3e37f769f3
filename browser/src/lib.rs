//! Chromium under the control of a test.
//!
//! | Module | What it knows |
//! |---|---|
//! | [`install`] | Debian's Chromium and the driver's npm packages: what is missing, and how it is installed |
//! | `driver` | the Node process that runs Playwright, and the line protocol with it |
//! | [`page`] | what a test does with a page, and what it reads from it |
//!
//! One [`Browser`] is enough for a whole test program: each [`Page`] has a profile (storage, cookies, network) of its
//! own, and pages may be used from several threads at once.

mod driver;
pub mod install;
pub mod page;

use std::sync::Arc;

use anyhow::Result;

use driver::Driver;
pub use page::{ColorScheme, Message, Page, Profile, Violation};

/// A running Chromium. It ends when the browser and all of its pages are dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Arc<Driver>,
}

impl Browser {
    /// Starts a Chromium without a window. Installs what is missing first, see [`install::obstacle`].
    pub fn start() -> Result<Self> {
        let chromium = install::chromium()?;
        let driver = Driver::start(&install::driver()?, &chromium)?;
        Ok(Self {
            driver: Arc::new(driver),
        })
    }

    /// An empty page with a profile of its own.
    pub fn page(&self) -> Result<Page> {
        self.page_with(&Profile::default())
    }

    /// The same with settings.
    pub fn page_with(&self, profile: &Profile) -> Result<Page> {
        Page::new(Arc::clone(&self.driver), profile)
    }
}
