//! The bytes of a transferred download, for a caller that takes them itself (`StreamInterface`).

use std::sync::Arc;

use dobbin_core::access::{Act, Actor};
use dobbin_core::piece::PieceSet;
use dobbin_store::{Known, Place, Staging};
use dobbin_types::rest::Failure;
use dobbin_types::{DownloadState, ErrorCode, JobId};

use super::FILE;
use crate::run::Loop;
use crate::transfer::chain;

/// Bytes read at a time: few calls, and little memory for each reader.
const READ_BYTES_MAX: u64 = 256 * 1024;

/// Where the bytes lie.
pub(crate) struct Source {
    place: Place,
    size: u64,
    boot: Arc<str>,
}

/// The bytes of a transferred download, open. They stay readable whatever becomes of the download.
pub struct Content {
    staging: Arc<Staging>,
    position: u64,
    size: u64,
}

impl Loop {
    /// `DO_E_INVALID_STATE` unless everything that was asked for is here.
    pub(super) fn content(&self, actor: Actor, job: JobId) -> Result<Source, Failure> {
        let view = self.find(actor, Act::Read, job)?.view;
        let state = view.state();
        let not_here = || {
            Failure::new(
                ErrorCode::DO_E_INVALID_STATE,
                format!("the download is {state}, its bytes are not all here"),
            )
        };
        if state != DownloadState::Transferred {
            return Err(not_here());
        }
        let live = self.entries.get(&job).and_then(|entry| entry.files.first());
        let (Some(live), Some(size)) = (live, view.file().local_size()) else {
            return Err(not_here());
        };
        let place = live.place(&self.store, job, FILE);
        Ok(Source { place, size, boot: Arc::clone(&self.boot) })
    }
}

impl Source {
    /// Opens the bytes from `offset` on. Asks the disk.
    pub(super) fn open(self, offset: u64) -> Result<Content, Failure> {
        if offset > self.size {
            return Err(Failure::new(
                ErrorCode::DO_E_INVALID_RANGE,
                format!("the content has {} bytes", self.size),
            )
            .at("offset"));
        }
        let layout = Staging::layout_of(&self.place, self.size)
            .ok_or_else(|| Failure::of(ErrorCode::DO_E_FATAL_CORE_ERROR))?;
        // A transferred file was flushed as a whole before it was called so.
        let flushed = PieceSet::full(layout);
        let known = Known { boot: &self.boot, flushed: Some(&flushed) };
        let staging = Staging::reopen(self.place, layout, &known)
            .map_err(|error| Failure::new(error.code(), chain(&error)))?;
        Ok(Content { staging: Arc::new(staging), position: offset, size: self.size })
    }
}

impl Content {
    /// How many bytes are left.
    pub fn left(&self) -> u64 {
        self.size - self.position
    }

    /// The next bytes, at most 256 KiB; none at the end. Asks the disk: not for a thread that must not
    /// wait.
    ///
    /// # Errors
    ///
    /// The system's, when they cannot be read.
    pub fn next_bytes(&mut self) -> Result<Vec<u8>, Failure> {
        let count = usize::try_from(self.left().min(READ_BYTES_MAX)).unwrap_or(0);
        let mut bytes = vec![0; count];
        self.staging
            .read_at(&mut bytes, self.position)
            .map_err(|error| Failure::new(error.code(), chain(&error)))?;
        self.position += count as u64;
        Ok(bytes)
    }
}
