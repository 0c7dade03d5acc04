//! The hash of a whole file, computed while its bytes go by.

use aws_lc_rs::digest::{Context, SHA256};
use dobbin_store::{Staging, StagingError};
use tokio::task::yield_now;

use super::stop::Stop;

/// Bytes read back at a time.
const READ_BYTES: usize = 1024 * 1024;

/// SHA-256 of a file that arrives in order, or nearly so. What arrives in order is hashed as it
/// passes; what does not, because it was had before or came too early, is read back in the end.
pub(super) struct WholeHash {
    context: Context,
    /// The hash covers the file up to here.
    hashed_to: u64,
}

impl WholeHash {
    pub(super) fn new() -> WholeHash {
        WholeHash { context: Context::new(&SHA256), hashed_to: 0 }
    }

    /// Bytes that were just written at `offset`.
    pub(super) fn pass(&mut self, bytes: &[u8], offset: u64) {
        if offset == self.hashed_to {
            self.context.update(bytes);
            self.hashed_to += bytes.len() as u64;
        }
    }

    /// The hash of the whole file, which must all be there. `None` when the transfer is told to stop
    /// meanwhile: others on the thread get their turn between any two reads.
    pub(super) async fn finish(
        mut self,
        staging: &Staging,
        stop: &Stop,
    ) -> Result<Option<[u8; 32]>, StagingError> {
        let size = staging.layout().file_size();
        if staging.may_have_a_hole() {
            // What passed is not all that was stored: what is stored is what counts.
            self = WholeHash::new();
        }
        let mut buffer = vec![0; READ_BYTES.min(usize::try_from(size).unwrap_or(READ_BYTES))];
        while self.hashed_to < size {
            if stop.is_wished() {
                return Ok(None);
            }
            let left = size - self.hashed_to;
            let take = usize::try_from(left).unwrap_or(READ_BYTES).min(READ_BYTES);
            staging.read_at(&mut buffer[..take], self.hashed_to)?;
            self.context.update(&buffer[..take]);
            self.hashed_to += take as u64;
            yield_now().await;
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(self.context.finish().as_ref());
        Ok(Some(digest))
    }
}
