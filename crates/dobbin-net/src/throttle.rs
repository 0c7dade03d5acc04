//! Waiting so that readers keep within rates: a job's own, and the service's, which all jobs share.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dobbin_core::limit::{Bucket, BytesPerSecond, Divider, ShareId, Ticket};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// The longest wait for a part of the service's rate without another look: others may have stopped,
/// and what they leave is not to be lost. Shorter than what is saved up for who comes late.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What one read of a held-back job should bring: the bytes of this span. A fiftieth of a second is
/// smooth for the network, and 16 connections that each owe a read owe no more together.
const READ_SPAN_MILLIS: u64 = 20;

/// The smallest read that is worth a wake-up, in bytes.
const READ_BYTES_MIN: u64 = 8;

/// A limit that holds a reader back at least this often binds: longer ago, it does not any more.
const BINDING: Duration = Duration::from_secs(2);

/// The service's limit, which all its jobs share: alike and foreground first
/// ([`Divider`]). Cheap to clone; clones are the same limit.
#[derive(Debug, Clone)]
pub struct Service(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// What all `now`s are counted from.
    epoch: Instant,
    /// Whether there is a limit at all: without one nobody takes the lock.
    is_limited: AtomicBool,
    /// Held for the length of one calculation, never across a wait.
    divider: Mutex<Divider>,
    /// Told when the rate changes, so that waits are calculated anew.
    changed: Notify,
}

/// The limit of one job, within the service's. Cheap to clone; clones are the same limit. When the last
/// one is dropped, the job takes no part of the service's rate any more.
///
/// Call [`Throttle::take`] for bytes that have come, before reading more.
#[derive(Debug, Clone)]
pub struct Throttle(Arc<Job>);

#[derive(Debug)]
struct Job {
    own: Level,
    share: Option<Share>,
    /// Readers that are being held back now.
    held_count: AtomicUsize,
}

/// The job's own limit.
#[derive(Debug)]
struct Level {
    epoch: Instant,
    /// `None`: no limit. Held for the length of one calculation, never across a wait.
    bucket: Mutex<Option<Bucket>>,
    changed: Notify,
    bound: Bound,
}

/// The job's part of the service's limit.
#[derive(Debug)]
struct Share {
    service: Service,
    id: ShareId,
    bound: Bound,
}

/// Which limits hold a job back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Binding {
    /// Its own.
    pub own: bool,
    /// The service's.
    pub service: bool,
}

impl Service {
    /// A limit for all jobs together; `None` is no limit, until [`Service::set_rate`] sets one.
    pub fn new(rate: Option<BytesPerSecond>) -> Service {
        let divider = Divider::new(rate.unwrap_or(UNLIMITED), Duration::ZERO);
        Service(Arc::new(Shared {
            epoch: Instant::now(),
            is_limited: AtomicBool::new(rate.is_some()),
            divider: Mutex::new(divider),
            changed: Notify::new(),
        }))
    }

    /// The rate in force.
    pub fn rate(&self) -> Option<BytesPerSecond> {
        self.is_limited().then(|| self.divider().rate())
    }

    /// Changes the rate at once, also for those who wait already; without a limit they go on.
    pub fn set_rate(&self, rate: Option<BytesPerSecond>) {
        let now = self.now();
        self.divider().set_rate(now, rate.unwrap_or(UNLIMITED));
        self.0.is_limited.store(rate.is_some(), Ordering::Release);
        self.0.changed.notify_waiters();
    }

    /// A job that shares it, with a limit of its own if there is one.
    pub fn job(&self, is_foreground: bool, rate: Option<BytesPerSecond>) -> Throttle {
        let id = self.divider().join(is_foreground);
        let share = Share { service: self.clone(), id, bound: Bound::default() };
        Throttle::with(rate, Some(share))
    }

    fn is_limited(&self) -> bool {
        self.0.is_limited.load(Ordering::Acquire)
    }

    fn now(&self) -> Duration {
        self.0.epoch.elapsed()
    }

    fn divider(&self) -> MutexGuard<'_, Divider> {
        self.0.divider.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Throttle {
    /// A limit of its own and no other; `None` is no limit, until [`Throttle::set_rate`] sets one.
    pub fn new(rate: Option<BytesPerSecond>) -> Throttle {
        Throttle::with(rate, None)
    }

    fn with(rate: Option<BytesPerSecond>, share: Option<Share>) -> Throttle {
        let epoch = Instant::now();
        let bucket = Mutex::new(rate.map(|rate| Bucket::new(rate, Duration::ZERO)));
        let own = Level { epoch, bucket, changed: Notify::new(), bound: Bound::default() };
        Throttle(Arc::new(Job { own, share, held_count: AtomicUsize::new(0) }))
    }

    /// Changes the job's own rate at once, also for those who wait already; without a limit they go on.
    pub fn set_rate(&self, rate: Option<BytesPerSecond>) {
        self.0.own.set_rate(rate);
    }

    /// The job's class among those that share the service's rate, from now on.
    pub fn set_foreground(&self, is_foreground: bool) {
        if let Some(Share { service, id, .. }) = &self.0.share {
            let now = service.now();
            service.divider().set_foreground(now, *id, is_foreground);
            service.0.changed.notify_waiters();
        }
    }

    /// Counts `bytes` and waits until the job's rate and its part of the service's allow them. Returns
    /// at once where nothing limits. A taker that is dropped while it waits has still taken.
    pub async fn take(&self, bytes: u64) {
        // Both count before any waits: a job held back by its own limit does not hide its bytes from
        // the service's.
        let own = self.0.own.count(bytes);
        let shared = self.0.share.as_ref().and_then(|share| Some((share, share.count(bytes)?)));
        if own.is_none() && shared.is_none() {
            return;
        }
        let _held = Held::new(&self.0.held_count);
        if let Some(ticket) = own {
            self.0.own.wait(ticket).await;
        }
        if let Some((share, ticket)) = shared {
            share.wait(ticket).await;
        }
    }

    /// How many bytes the next read of one of its connections should bring at most, so that they come
    /// smoothly and not by the megabyte; `None` where nothing limits.
    pub fn read_max(&self) -> Option<usize> {
        let own = self.0.own.rate();
        let shared = self.0.share.as_ref().and_then(Share::rate);
        let rate = [own, shared].into_iter().flatten().min()?;
        // Nearly all connections of a job that is held back are held back at any moment.
        let readers = self.0.held_count.load(Ordering::Relaxed).max(1) as u64;
        let bytes = rate.saturating_mul(READ_SPAN_MILLIS) / 1_000 / readers;
        usize::try_from(bytes.max(READ_BYTES_MIN)).ok()
    }

    /// Which limits have held the job back within the last seconds.
    pub fn binding(&self) -> Binding {
        Binding {
            own: self.0.own.bound.is_fresh(self.0.own.epoch.elapsed()),
            service: self
                .0
                .share
                .as_ref()
                .is_some_and(|share| share.bound.is_fresh(share.service.now())),
        }
    }
}

/// What stands for no limit where a number is needed.
const UNLIMITED: BytesPerSecond = BytesPerSecond::MAX;

impl Level {
    fn bucket(&self) -> MutexGuard<'_, Option<Bucket>> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rate(&self) -> Option<u64> {
        self.bucket().as_ref().map(|bucket| bucket.rate().get())
    }

    fn set_rate(&self, rate: Option<BytesPerSecond>) {
        let now = self.epoch.elapsed();
        {
            let mut bucket = self.bucket();
            match (bucket.as_mut(), rate) {
                (Some(bucket), Some(rate)) => bucket.set_rate(now, rate),
                (Some(_) | None, rate) => *bucket = rate.map(|rate| Bucket::new(rate, now)),
            }
        }
        self.changed.notify_waiters();
    }

    fn count(&self, bytes: u64) -> Option<Ticket> {
        let now = self.epoch.elapsed();
        self.bucket().as_mut().map(|bucket| bucket.take(now, bytes))
    }

    async fn wait(&self, ticket: Ticket) {
        wait_for(&self.changed, || {
            let now = self.epoch.elapsed();
            let wait = self.bucket().as_mut().map_or(Duration::ZERO, |b| b.wait(now, ticket));
            self.bound.note(now, wait);
            wait
        })
        .await;
    }
}

impl Share {
    fn count(&self, bytes: u64) -> Option<Ticket> {
        let now = self.service.now();
        self.service.is_limited().then(|| self.service.divider().take(now, self.id, bytes))
    }

    /// The job's part, if all who are active take theirs.
    fn rate(&self) -> Option<u64> {
        let now = self.service.now();
        self.service.is_limited().then(|| {
            let divider = self.service.divider();
            divider.rate().get() / divider.active_count(now).max(1) as u64
        })
    }

    async fn wait(&self, ticket: Ticket) {
        wait_for(&self.service.0.changed, || {
            if !self.service.is_limited() {
                return Duration::ZERO;
            }
            let now = self.service.now();
            let wait = self.service.divider().wait(now, self.id, ticket);
            self.bound.note(now, wait);
            wait.min(LOOK_AGAIN)
        })
        .await;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.service.divider().leave(self.id);
    }
}

/// Waits as long as `left` says, and looks again when told.
async fn wait_for(changed: &Notify, mut left: impl FnMut() -> Duration) {
    loop {
        let changed = changed.notified();
        tokio::pin!(changed);
        // Listen before looking, or a change in between would go unheard.
        changed.as_mut().enable();
        let left = left();
        if left.is_zero() {
            return;
        }
        let _ = timeout(left, changed).await;
    }
}

/// When a limit last held anybody back, in milliseconds of its epoch and one more; 0 for never.
#[derive(Debug, Default)]
struct Bound(AtomicU64);

impl Bound {
    fn note(&self, now: Duration, wait: Duration) {
        if !wait.is_zero() {
            self.0.store(millis(now) + 1, Ordering::Relaxed);
        }
    }

    fn is_fresh(&self, now: Duration) -> bool {
        let last = self.0.load(Ordering::Relaxed);
        last > 0 && millis(now).saturating_sub(last - 1) < millis(BINDING)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A reader that is being held back, until it is dropped.
struct Held<'a>(&'a AtomicUsize);

impl Held<'_> {
    fn new(count: &AtomicUsize) -> Held<'_> {
        count.fetch_add(1, Ordering::Relaxed);
        Held(count)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
