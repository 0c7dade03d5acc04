//! Waiting so that readers keep within a rate, alone or together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dobbin_core::limit::{Bucket, BytesPerSecond, Ticket};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// A rate limit that any number of tasks and threads share, perhaps below another one (a job's below
/// the service's). Cheap to clone; clones are the same limit.
///
/// Call [`Throttle::take`] for bytes that have come, before reading more. Takers are served in the
/// order of their calls, so among readers of like pieces each gets a like share.
#[derive(Debug, Clone)]
pub struct Throttle(Arc<Level>);

#[derive(Debug)]
struct Level {
    /// What all `now`s are counted from.
    epoch: Instant,
    /// `None`: no limit. Held for the length of one calculation, never across a wait.
    bucket: Mutex<Option<Bucket>>,
    /// Told when the rate changes, so that waits are calculated anew.
    changed: Notify,
    above: Option<Throttle>,
}

impl Throttle {
    /// A limit of its own; `None` is no limit, until [`Throttle::set_rate`] sets one.
    pub fn new(rate: Option<BytesPerSecond>) -> Throttle {
        Throttle::with(rate, None)
    }

    /// A limit within this one: its bytes count for both.
    pub fn below(&self, rate: Option<BytesPerSecond>) -> Throttle {
        Throttle::with(rate, Some(self.clone()))
    }

    fn with(rate: Option<BytesPerSecond>, above: Option<Throttle>) -> Throttle {
        let epoch = Instant::now();
        let bucket = Mutex::new(rate.map(|rate| Bucket::new(rate, epoch.elapsed())));
        Throttle(Arc::new(Level { epoch, bucket, changed: Notify::new(), above }))
    }

    /// Changes the rate at once, also for those who wait already; without a limit they go on.
    pub fn set_rate(&self, rate: Option<BytesPerSecond>) {
        let now = self.0.epoch.elapsed();
        {
            let mut bucket = self.0.bucket();
            match (bucket.as_mut(), rate) {
                (Some(bucket), Some(rate)) => bucket.set_rate(now, rate),
                (Some(_) | None, rate) => *bucket = rate.map(|rate| Bucket::new(rate, now)),
            }
        }
        self.0.changed.notify_waiters();
    }

    /// Counts `bytes` and waits until the rates of this limit and of those above allow them. Returns
    /// at once where nothing limits. A taker that is dropped while it waits has still taken.
    pub async fn take(&self, bytes: u64) {
        // All count before any waits: a job held back by its own limit does not hide its bytes from
        // the service's.
        let mut waits = Vec::new();
        let mut level = Some(self);
        while let Some(Throttle(here)) = level {
            if let Some(ticket) = here.count(bytes) {
                waits.push((here, ticket));
            }
            level = here.above.as_ref();
        }
        for (level, ticket) in waits {
            level.wait(ticket).await;
        }
    }
}

impl Level {
    fn bucket(&self) -> MutexGuard<'_, Option<Bucket>> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, bytes: u64) -> Option<Ticket> {
        let now = self.epoch.elapsed();
        self.bucket().as_mut().map(|bucket| bucket.take(now, bytes))
    }

    async fn wait(&self, ticket: Ticket) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listen before looking, or a change in between would go unheard.
            changed.as_mut().enable();
            let now = self.epoch.elapsed();
            let wait = self.bucket().as_mut().map(|bucket| bucket.wait(now, ticket));
            match wait {
                None => return,
                Some(wait) if wait.is_zero() => return,
                Some(wait) => {
                    let _ = timeout(wait, changed).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rate(bytes_per_second: u64) -> Option<BytesPerSecond> {
        BytesPerSecond::new(bytes_per_second)
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
            .block_on(future)
    }

    #[test]
    fn without_a_rate_nobody_waits() {
        run(async {
            let throttle = Throttle::new(None).below(None);
            throttle.take(u64::MAX).await;
            throttle.take(u64::MAX).await;
        });
    }

    #[test]
    fn bytes_are_never_faster_than_the_rate() {
        run(async {
            let throttle = Throttle::new(rate(1_000_000));
            let began = Instant::now();
            for _ in 0..20 {
                throttle.take(10_000).await;
            }
            assert!(began.elapsed() >= Duration::from_millis(200));
        });
    }

    #[test]
    fn tasks_together_keep_within_the_rate() {
        run(async {
            let throttle = Throttle::new(rate(1_000_000));
            let began = Instant::now();
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..4 {
                let throttle = throttle.clone();
                tasks.spawn(async move {
                    for _ in 0..10 {
                        throttle.take(5_000).await;
                    }
                });
            }
            tasks.join_all().await;
            assert!(began.elapsed() >= Duration::from_millis(200));
        });
    }

    #[test]
    fn a_limit_above_holds_back_all_below() {
        run(async {
            let service = Throttle::new(rate(1_000_000));
            let jobs = [service.below(None), service.below(rate(1_000_000_000))];
            let began = Instant::now();
            for job in &jobs {
                job.take(100_000).await;
            }
            assert!(began.elapsed() >= Duration::from_millis(200));
        });
    }

    #[test]
    fn a_new_rate_reaches_those_who_wait() {
        run(async {
            for new in [None, rate(u64::MAX)] {
                // At one byte a second this would take a century.
                let throttle = Throttle::new(rate(1));
                let waiting = throttle.clone();
                let task = tokio::spawn(async move { waiting.take(3_000_000_000).await });
                tokio::task::yield_now().await;
                throttle.set_rate(new);
                task.await.unwrap();
            }
        });
    }
}
