//! Tasks that must run as long as the process: the end of one of them ends it.

use std::collections::HashMap;
use std::future::{Future, pending};

use anyhow::anyhow;
use tokio::task::{Id, JoinSet};

/// The tasks of one server. Dropping it ends them.
#[derive(Default)]
pub struct Supervisor {
    tasks: JoinSet<anyhow::Error>,
    names: HashMap<Id, &'static str>,
}

impl Supervisor {
    /// Runs a task that ends only by a failure, and then says why.
    pub fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = anyhow::Error> + Send + 'static,
    ) {
        let id = self.tasks.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Resolves when a task has ended or panicked.
    pub async fn failed(&mut self) -> anyhow::Error {
        let Some(ended) = self.tasks.join_next_with_id().await else {
            // Without a task nothing can fail.
            return pending().await;
        };
        let (id, cause) = match ended {
            Ok((id, cause)) => (id, cause),
            Err(panicked) => (panicked.id(), anyhow!("it panicked")),
        };
        let name = self.names.get(&id).copied().unwrap_or("a task");
        cause.context(format!("{name} ended unexpectedly"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_any_task_is_a_failure_with_its_name() {
        let mut supervisor = Supervisor::default();
        supervisor.spawn("the quiet one", pending());
        supervisor.spawn("the first", async { anyhow!("out of luck") });
        assert_eq!(
            format!("{:#}", supervisor.failed().await),
            "the first ended unexpectedly: out of luck"
        );
        supervisor.spawn("the second", async { panic!("a bug") });
        assert_eq!(
            format!("{:#}", supervisor.failed().await),
            "the second ended unexpectedly: it panicked"
        );
    }
}
