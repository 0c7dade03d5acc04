//! The signal that ends an origin, and the only clock it waits by.

use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Says to every thread of an origin that it is over.
#[derive(Debug, Default)]
pub(super) struct Halt {
    over: Mutex<bool>,
    called: Condvar,
}

impl Halt {
    pub(super) fn call(&self) {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.called.notify_all();
    }

    pub(super) fn is_called(&self) -> bool {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `due`.
    ///
    /// Errors: `Interrupted`, as soon as the origin is over.
    pub(super) fn wait_until(&self, due: Instant) -> io::Result<()> {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if *over {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let left = due.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return Ok(());
            }
            over = self.called.wait_timeout(over, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
