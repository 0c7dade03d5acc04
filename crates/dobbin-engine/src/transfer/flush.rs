//! When a file's bytes are made to survive a power cut, and the journal told of it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use dobbin_core::job::{Attempt, Facts};
use dobbin_core::piece::PieceSet;
use dobbin_store::{FileError, Staging, StagingError};
use dobbin_types::{FileNumber, JobId};
use tokio::sync::oneshot;

use crate::event::Event;
use crate::group::Ending;
use crate::hands::Hands;

/// Bytes written since the last flush that bring the next one: what a power cut may cost at most.
const FLUSH_BYTES: u64 = 64 * 1024 * 1024;

/// Time since the last flush that brings the next one, when anything was written.
const FLUSH_AFTER: Duration = Duration::from_secs(5);

/// Bytes after which the kernel is asked to begin writing, so that a flush finds little left to do.
const WRITEBACK_BYTES: u64 = 8 * 1024 * 1024;

/// What a transfer leaves to others when it is over here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing: what came of it is known.
    Nothing,
    /// The flush of its file with others, which tells the loop what came of both.
    Flush,
}

/// Flushes one file now and then, on the disk threads, one flush at a time.
pub(super) struct Flusher {
    job: JobId,
    number: FileNumber,
    generation: u64,
    staging: Arc<Staging>,
    hands: Hands,
    inbox: SyncSender<Event>,
    busy: Arc<AtomicBool>,
    unflushed_bytes: u64,
    last: Instant,
    dirty: Dirty,
}

impl Flusher {
    pub(super) fn new(
        job: JobId,
        number: FileNumber,
        generation: u64,
        staging: Arc<Staging>,
        hands: Hands,
        inbox: SyncSender<Event>,
    ) -> Flusher {
        Flusher {
            job,
            number,
            generation,
            staging,
            hands,
            inbox,
            busy: Arc::default(),
            unflushed_bytes: 0,
            last: Instant::now(),
            dirty: Dirty::default(),
        }
    }

    /// Bytes were written that end at `end` of the file.
    pub(super) fn wrote(&mut self, bytes: u64, end: u64) {
        self.unflushed_bytes += bytes;
        if let Some(range) = self.dirty.wrote(end.saturating_sub(bytes)..end)
            && !self.staging.writes_back_by_itself()
        {
            // A hint: the flush tells how it went.
            let _ = dobbin_platform::writeback::start_writeback(&*self.staging, range);
        }
        let due = self.unflushed_bytes >= FLUSH_BYTES || self.last.elapsed() >= FLUSH_AFTER;
        if due && !self.busy.swap(true, Ordering::AcqRel) {
            self.unflushed_bytes = 0;
            self.last = Instant::now();
            let busy = Arc::clone(&self.busy);
            self.flush(move |outcome| {
                busy.store(false, Ordering::Release);
                if let Err(error) = outcome {
                    // The next write of the file meets the same refusal and reports it.
                    tracing::warn!(error = %super::chain(&error), "a staging file could not be flushed");
                }
            });
        }
    }

    /// Flushes what is wholly written: the one door by which a transfer learns that its bytes survive
    /// a power cut. The transfer is done with the network and says so, so that its place there is free
    /// for another one meanwhile.
    ///
    /// A file of one piece is flushed together with others that end at about the same time. Nobody
    /// waits for that here: the loop hears of it, and it ends the transfer.
    ///
    /// * `facts`: what the origin says the file is, if the loop was not told yet.
    pub(super) async fn finish(
        &mut self,
        attempt: Attempt,
        facts: Option<Facts>,
    ) -> Result<Rest, StagingError> {
        let (job, file) = (self.job, self.number);
        let bytes = std::mem::take(&mut self.unflushed_bytes);
        // The loop may be gone: then nobody needs the place.
        let _ = self.inbox.send(Event::Settling { job, file, attempt, bytes, facts });
        if is_small(&self.staging) {
            let (generation, staging) = (self.generation, Arc::clone(&self.staging));
            let ending = Ending { job, file, attempt, generation, staging };
            self.hands.flush_in_group(ending, &self.inbox);
            return Ok(Rest::Flush);
        }
        let (sender, receiver) = oneshot::channel();
        self.flush(move |outcome| {
            // The transfer may have been dropped with its thread.
            let _ = sender.send(outcome);
        });
        // Without an answer the flush did not end: nothing may be called flushed.
        let flushed = receiver.await.unwrap_or_else(|_| Err(given_up(&self.staging)));
        flushed.map(|()| Rest::Nothing)
    }

    /// The transfer stops before its end: what it wrote is flushed behind it.
    pub(super) fn leave(&mut self) {
        if self.unflushed_bytes > 0 {
            self.flush(|_outcome| {});
        }
    }

    fn flush(&self, done: impl FnOnce(Result<(), StagingError>) + Send + 'static) {
        let staging = Arc::clone(&self.staging);
        let tell = self.teller();
        self.hands.give(move || done(staging.flush().map(tell)));
    }

    /// What tells the loop which pieces survive a power cut now.
    fn teller(&self) -> impl FnOnce(PieceSet) + Send + 'static {
        let inbox = self.inbox.clone();
        let (job, file, generation) = (self.job, self.number, self.generation);
        move |set| {
            // The loop may be gone: then nobody needs to know any more.
            let _ = inbox.send(Event::Flushed { job, file, generation, set });
        }
    }
}

/// What was written since the kernel was last asked to begin writing: how much, and between which
/// places. Connections write in several at a time; what lies between and is clean costs a look.
#[derive(Debug, Default)]
struct Dirty {
    bytes: u64,
    range: Option<Range<u64>>,
}

impl Dirty {
    /// These bytes of the file were written. Gives what the kernel should begin to write, when there
    /// is enough of it.
    fn wrote(&mut self, written: Range<u64>) -> Option<Range<u64>> {
        self.bytes += written.end - written.start;
        let before = self.range.take().unwrap_or_else(|| written.clone());
        let range = before.start.min(written.start)..before.end.max(written.end);
        if self.bytes < WRITEBACK_BYTES {
            self.range = Some(range);
            return None;
        }
        self.bytes = 0;
        Some(range)
    }
}

/// Whether a file is worth no flush of its own.
fn is_small(staging: &Staging) -> bool {
    staging.layout().piece_count() <= 1
}

/// A flush that ended without a word.
fn given_up(staging: &Staging) -> StagingError {
    let source = std::io::Error::other("the flush was given up");
    FileError { doing: "flush", path: staging.place().data().to_path_buf(), source }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn the_kernel_is_asked_to_write_whatever_order_the_bytes_came_in() {
        let alone: Vec<u64> = (0..32).collect();
        let by_turns: Vec<u64> = (0..16).flat_map(|at| [at, at + 500]).collect();
        let backwards: Vec<u64> = (0..32).rev().collect();
        for (places, expect) in [
            (alone, [0..8, 8..16, 16..24, 24..32]),
            (by_turns, [0..504, 4..508, 8..512, 12..516]),
            (backwards, [24..32, 16..24, 8..16, 0..8]),
        ] {
            let mut dirty = Dirty::default();
            let asked = places.iter().filter_map(|at| dirty.wrote(at * MIB..(at + 1) * MIB));
            let asked: Vec<Range<u64>> = asked.map(|r| r.start / MIB..r.end / MIB).collect();
            assert_eq!(asked, expect);
        }
    }
}
