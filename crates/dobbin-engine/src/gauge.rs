//! Figures that transfers write and the loop reads: no message per chunk, no lock on the byte path.

use std::sync::atomic::AtomicU8;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dobbin_core::time::Tick;

/// What one file's transfer has done so far. Written by the transfer, read by the loop.
#[derive(Debug, Default)]
pub(crate) struct FileGauge {
    /// Bytes of the local file that are here, the piece in progress included.
    pub(crate) transferred_bytes: AtomicU64,
    /// Bytes of bodies received since the process started, whatever became of them.
    pub(crate) fetched_bytes: AtomicU64,
    /// Those of them that came from cache hosts.
    pub(crate) cache_bytes: AtomicU64,
    /// Requests under way, each on a connection of its own.
    connections_count: AtomicU32,
    /// Those of them to cache hosts.
    cache_connections_count: AtomicU32,
    /// Whether the file's own URL led to a public address: 0 unknown, 1 no, 2 yes.
    from_public: AtomicU8,
    /// Status line and headers of the last reply. Held for a moment, to take or replace the pointer.
    reply_headers: Mutex<Option<Arc<str>>>,
}

/// A request that is under way, until it is dropped.
pub(crate) struct Connection {
    gauge: SharedGauge,
    to_cache: bool,
}

impl Connection {
    /// * `to_cache`: whether a cache host is asked.
    pub(crate) fn begin(gauge: &SharedGauge, to_cache: bool) -> Connection {
        gauge.connections_count.fetch_add(1, Ordering::Relaxed);
        gauge.cache_connections_count.fetch_add(u32::from(to_cache), Ordering::Relaxed);
        Connection { gauge: Arc::clone(gauge), to_cache }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.gauge.connections_count.fetch_sub(1, Ordering::Relaxed);
        self.gauge.cache_connections_count.fetch_sub(u32::from(self.to_cache), Ordering::Relaxed);
    }
}

impl FileGauge {
    /// Whether nothing was ever done for the file.
    pub(crate) fn is_untouched(&self) -> bool {
        self.transferred() == 0
            && self.fetched() == 0
            && self.connections() == 0
            && self.reply_headers().is_none()
    }

    pub(crate) fn transferred(&self) -> u64 {
        self.transferred_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_transferred(&self, bytes: u64) {
        self.transferred_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Notes what was found to be here, unless a transfer has begun to count meanwhile.
    pub(crate) fn found(&self, expected_bytes: u64, bytes: u64) {
        // A transfer that counts knows better.
        let _ = self.transferred_bytes.compare_exchange(
            expected_bytes,
            bytes,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    pub(crate) fn fetched(&self) -> u64 {
        self.fetched_bytes.load(Ordering::Relaxed)
    }

    /// Of what was fetched, what came from cache hosts.
    pub(crate) fn fetched_over_cache(&self) -> u64 {
        self.cache_bytes.load(Ordering::Relaxed)
    }

    /// Requests under way, to whomever.
    pub(crate) fn connections(&self) -> u32 {
        self.connections_count.load(Ordering::Relaxed)
    }

    /// Requests under way to cache hosts.
    pub(crate) fn connections_to_cache(&self) -> u32 {
        self.cache_connections_count.load(Ordering::Relaxed)
    }

    /// Whether the file's own URL led to a public address; `None` before its first reply.
    pub(crate) fn led_to_public(&self) -> Option<bool> {
        match self.from_public.load(Ordering::Relaxed) {
            0 => None,
            known => Some(known == 2),
        }
    }

    pub(crate) fn set_from_public(&self, from_public: bool) {
        self.from_public.store(1 + u8::from(from_public), Ordering::Relaxed);
    }

    pub(crate) fn reply_headers(&self) -> Option<Arc<str>> {
        self.reply_headers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_reply_headers(&self, text: Option<Arc<str>>) {
        *self.reply_headers.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

/// A gauge that two threads share.
pub(crate) type SharedGauge = Arc<FileGauge>;

/// How fast a job has been over the last seconds, from samples of what it has fetched.
#[derive(Debug, Clone, Default)]
pub(crate) struct RateMeter {
    /// Oldest first; at most [`SAMPLES_MAX`].
    samples: std::collections::VecDeque<(Tick, u64)>,
    /// As much had come when it was last looked at, be it before a rest.
    seen_bytes: u64,
}

/// One a second: the rate people see is that of the last five.
const SAMPLES_MAX: usize = 6;

impl RateMeter {
    /// Notes that `fetched_bytes` have come in all. Returns whether that is more than the last time.
    pub(crate) fn sample(&mut self, now: Tick, fetched_bytes: u64) -> bool {
        let grown = fetched_bytes > self.seen_bytes;
        self.seen_bytes = fetched_bytes;
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back((now, fetched_bytes));
        grown
    }

    /// Forgets how fast it was: nothing moves.
    pub(crate) fn rest(&mut self) {
        self.samples.clear();
    }

    /// Bytes a second over the samples; 0 with fewer than two.
    pub(crate) fn bytes_per_second(&self) -> u64 {
        let (Some((first, from)), Some((last, to))) = (self.samples.front(), self.samples.back())
        else {
            return 0;
        };
        let millis = u64::try_from(last.since(*first).as_millis()).unwrap_or(u64::MAX);
        to.saturating_sub(*from).saturating_mul(1_000).checked_div(millis).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_samples() {
        let mut meter = RateMeter::default();
        assert_eq!(meter.bytes_per_second(), 0);
        assert!(!meter.sample(Tick(0), 0));
        assert!(meter.sample(Tick(1_000), 500));
        assert_eq!(meter.bytes_per_second(), 500);
        for second in 2..20 {
            assert!(!meter.sample(Tick(second * 1_000), 500));
        }
        assert_eq!(meter.bytes_per_second(), 0);
        meter.rest();
        // What had come before is no progress of today.
        assert!(!meter.sample(Tick(30_000), 500));
        assert!(meter.sample(Tick(31_000), 501));
    }
}
