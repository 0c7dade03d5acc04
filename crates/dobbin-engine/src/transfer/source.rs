//! Where a transfer fetches from, which may change under it.

use std::sync::{Arc, Mutex, PoisonError};

/// The URL of one file, as its owner last said it (`SetRemoteName`). The loop writes it, the file's
/// transfer reads it before each request. Cheap to clone; clones are the same source.
#[derive(Clone)]
pub(crate) struct Source {
    // Held for a moment, to take the pointer or to replace it.
    url: Arc<Mutex<Arc<str>>>,
}

impl Source {
    pub(crate) fn new(url: &str) -> Source {
        Source { url: Arc::new(Mutex::new(url.into())) }
    }

    /// The URL from the next request on. Repeating it changes nothing.
    pub(crate) fn set(&self, url: &str) {
        let mut held = self.url.lock().unwrap_or_else(PoisonError::into_inner);
        if **held != *url {
            *held = url.into();
        }
    }

    /// The URL now.
    pub(crate) fn url(&self) -> Arc<str> {
        Arc::clone(&self.url.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
