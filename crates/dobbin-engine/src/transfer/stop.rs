//! Telling a transfer to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A wish that a transfer should stop. Cheap to clone; clones are the same wish.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    wished: AtomicBool,
    changed: Notify,
}

impl Stop {
    /// Wishes it. Repeating it changes nothing.
    pub(crate) fn now(&self) {
        self.shared.wished.store(true, Ordering::Release);
        // One transfer listens. A permit is kept for it if it is not waiting just now.
        self.shared.changed.notify_one();
    }

    /// Whether it was wished.
    pub(crate) fn is_wished(&self) -> bool {
        self.shared.wished.load(Ordering::Acquire)
    }

    /// Waits until it is wished.
    pub(crate) async fn wished(&self) {
        while !self.is_wished() {
            self.shared.changed.notified().await;
        }
    }
}
