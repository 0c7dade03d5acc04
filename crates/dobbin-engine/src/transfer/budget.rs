//! How many connections all transfers together may have.
//!
//! Each reads into a buffer of 1 MiB, so that this bounds their memory; and no origin should meet more
//! of them than it would from a few people. The first connection of a file waits for its turn, which is
//! never long: those that were opened besides give way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dobbin_core::schedule::TRANSFERS_MAX;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at once, over all files. With 1 MiB of buffer each: 64 MiB.
pub(super) const CONNECTIONS_ALL_MAX: usize = 64;

// Each file that is being fetched has one, sooner or later.
const _: () = assert!(CONNECTIONS_ALL_MAX >= TRANSFERS_MAX);

/// What is left of the connections. Cheap to clone; clones are the same.
#[derive(Clone)]
pub(super) struct Budget(Arc<Shared>);

struct Shared {
    free: Arc<Semaphore>,
    /// First connections of files that wait.
    waiting_count: AtomicUsize,
    /// Connections to each host and port. Held to count up or down; nothing waits under it.
    hosts: Mutex<BTreeMap<String, usize>>,
}

/// Leave to have one connection, until it is dropped.
pub(super) struct Allowance {
    shared: Arc<Shared>,
    host: String,
    _one: OwnedSemaphorePermit,
}

impl Budget {
    pub(super) fn new() -> Budget {
        Budget(Arc::new(Shared {
            free: Arc::new(Semaphore::new(CONNECTIONS_ALL_MAX)),
            waiting_count: AtomicUsize::new(0),
            hosts: Mutex::default(),
        }))
    }

    /// Leave for the only connection of a file; waits until there is room. `None` never comes while
    /// transfers run.
    pub(super) async fn first(&self, host: &str) -> Option<Allowance> {
        let free = Arc::clone(&self.0.free);
        let one = match Arc::clone(&free).try_acquire_owned() {
            Ok(one) => one,
            Err(_full) => {
                let _waiting = Waiting::begin(&self.0);
                free.acquire_owned().await.ok()?
            }
        };
        Some(self.allow(host, one))
    }

    /// Leave for one more connection of a file to this host; `None` when there is no room, or so many
    /// are made to it already.
    pub(super) fn another(&self, host: &str, of_host_max: usize) -> Option<Allowance> {
        if self.is_wanted() || !self.is_open(host, of_host_max) {
            return None;
        }
        let one = Arc::clone(&self.0.free).try_acquire_owned().ok()?;
        Some(self.allow(host, one))
    }

    /// Whether one more connection may be made to this host, as far as the host is concerned.
    pub(super) fn is_open(&self, host: &str, of_host_max: usize) -> bool {
        let hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.get(host).is_none_or(|count| *count < of_host_max)
    }

    /// Whether some file has none yet: then those that have several are to give way.
    pub(super) fn is_wanted(&self) -> bool {
        self.0.waiting_count.load(Ordering::Relaxed) > 0
    }

    fn allow(&self, host: &str, one: OwnedSemaphorePermit) -> Allowance {
        let mut hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        *hosts.entry(host.to_owned()).or_default() += 1;
        Allowance { shared: Arc::clone(&self.0), host: host.to_owned(), _one: one }
    }
}

impl Drop for Allowance {
    fn drop(&mut self) {
        let mut hosts = self.shared.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = hosts.get_mut(&self.host) {
            *count -= 1;
            if *count == 0 {
                hosts.remove(&self.host);
            }
        }
    }
}

/// A file that waits, also when it is dropped meanwhile.
struct Waiting<'a>(&'a Shared);

impl Waiting<'_> {
    fn begin(shared: &Shared) -> Waiting<'_> {
        shared.waiting_count.fetch_add(1, Ordering::Relaxed);
        Waiting(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting_count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn a_host_gets_so_many_and_gives_them_back() {
        let budget = Budget::new();
        let held: Vec<_> = (0..10).map_while(|_| budget.another("a:80", 8)).collect();
        assert_eq!(held.len(), 8);
        assert!(budget.another("a:80", 16).is_some() && budget.another("b:80", 8).is_some());
        drop(held);
        assert!(budget.is_open("a:80", 1));
        assert!(budget.0.hosts.lock().unwrap().is_empty(), "nothing is remembered of a host");
    }

    #[test]
    fn who_has_none_comes_before_who_wants_more() {
        run(async {
            let budget = Budget::new();
            let mut held: Vec<_> =
                (0..).map_while(|_| budget.another("a:80", usize::MAX)).collect();
            assert_eq!(held.len(), CONNECTIONS_ALL_MAX);
            let first = tokio::spawn({
                let budget = budget.clone();
                async move { budget.first("b:80").await.is_some() }
            });
            while !budget.is_wanted() {
                tokio::task::yield_now().await;
            }
            held.pop();
            assert!(budget.another("a:80", usize::MAX).is_none(), "that one is spoken for");
            assert!(first.await.unwrap());
            assert!(!budget.is_wanted());
        });
    }
}
