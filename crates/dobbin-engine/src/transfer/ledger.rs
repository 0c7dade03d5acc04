//! What a file's transfer did: every request with its source, its part of the file and its reason.
//!
//! The transfer writes it, the loop reads it when somebody asks why. Bytes are counted without a
//! lock; the page is held for a moment when a request begins or ends, and to copy it. Nothing here
//! decides anything, and nothing of it outlives the process: what was had before this process began
//! is one figure.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dobbin_core::job::Trouble;
use dobbin_core::time::Tick;
use dobbin_platform::Clock;
use dobbin_types::{Discard, FileTime, Reason, RequestEnd};

use crate::gauge::RateMeter;

mod page;

pub(crate) use page::{Checking, Ended, Failing, Given, Page, Running, SourceName, Sums};

/// Requests that ended well and are still listed, per file: enough to see a pattern.
const ENDED_MAX: usize = 32;

/// Failed requests that are still listed, per file. A list of their own: a hundred good ones must
/// not push out the one that explains the job.
const FAILED_MAX: usize = 16;

/// Requests under way that are listed, per file. More than that still count.
const RUNNING_MAX: usize = 64;

/// Sources with figures of their own, per file: its URL, its mirrors, and what the owner named
/// before. The bytes of more count together.
const SOURCES_MAX: usize = 72;

/// What is kept of each list once the job is over.
const KEPT_MAX: usize = 8;

/// What one file's transfers do, from the first one that this process starts.
#[derive(Debug)]
pub(crate) struct Ledger {
    clock: Clock,
    // Held for a moment, never across a wait.
    book: Mutex<Book>,
}

/// A ledger that a transfer and the loop share.
pub(crate) type SharedLedger = Arc<Ledger>;

#[derive(Debug, Default)]
struct Book {
    requests_count: u64,
    running: Vec<(Arc<Asked>, RateMeter)>,
    ended: VecDeque<Ended>,
    failed: VecDeque<Ended>,
    sources: Vec<(SourceName, Given)>,
    others: Given,
    /// `None` before the staging file was first opened.
    had_bytes: Option<u64>,
    checked_bytes: u64,
    discarded: Vec<(Discard, u64)>,
    checking: Option<Checking>,
    last_failed: bool,
}

/// What is known of a request while it is under way.
#[derive(Debug)]
struct Asked {
    number: u64,
    source: SourceName,
    reason: Reason,
    start: AtomicU64,
    end: AtomicU64,
    bytes: AtomicU64,
    began: FileTime,
}

impl Asked {
    fn span(&self) -> Range<u64> {
        self.start.load(Ordering::Relaxed)..self.end.load(Ordering::Relaxed)
    }
}

impl Ledger {
    pub(crate) fn new(clock: Clock) -> Ledger {
        Ledger { clock, book: Mutex::default() }
    }

    /// A request goes out for `span` of the local file, whose end may be [`u64::MAX`] while nobody
    /// has said how long the file is.
    pub(crate) fn begin(
        self: &Arc<Ledger>,
        source: &SourceName,
        span: Range<u64>,
        reason: Reason,
    ) -> Line {
        let began = self.clock.wall();
        let mut book = self.book();
        let asked = Arc::new(Asked {
            number: book.requests_count,
            source: source.clone(),
            reason,
            start: AtomicU64::new(span.start),
            end: AtomicU64::new(span.end),
            bytes: AtomicU64::new(0),
            began,
        });
        book.requests_count += 1;
        if book.running.len() < RUNNING_MAX {
            book.running.push((Arc::clone(&asked), RateMeter::default()));
        }
        book.given(source).requests_count += 1;
        drop(book);
        Line { ledger: Arc::clone(self), asked, is_over: false }
    }

    /// Why the first request of a transfer is made.
    ///
    /// * `had`: whether anything of the file is here.
    pub(crate) fn first_reason(&self, had: bool) -> Reason {
        let book = self.book();
        match (book.last_failed, had || book.requests_count > 0) {
            (true, _) => Reason::AfterFailure,
            (false, true) => Reason::Resumed,
            (false, false) => Reason::First,
        }
    }

    /// A transfer has opened what was here of the file.
    ///
    /// * `had_bytes`: all that count.
    /// * `checked_bytes`: those that count because they were read back and had their hashes.
    pub(crate) fn opened(&self, had_bytes: u64, checked_bytes: u64) {
        let mut book = self.book();
        book.checked_bytes += checked_bytes;
        if book.had_bytes.is_none() {
            book.had_bytes = Some(had_bytes);
            return;
        }
        // A flush that failed takes back what was written since the one before.
        let lost = book.here().saturating_sub(had_bytes);
        book.discard(Discard::Lost, lost);
    }

    /// Whether a transfer of this process has opened what was here of the file.
    pub(crate) fn was_opened(&self) -> bool {
        self.book().had_bytes.is_some()
    }

    /// Bytes do not count, or not any more.
    pub(crate) fn discard(&self, why: Discard, bytes: u64) {
        if bytes > 0 {
            self.book().discard(why, bytes);
        }
    }

    /// How the file's pieces are checked from now on.
    pub(crate) fn note_checking(&self, checking: Checking) {
        self.book().checking = Some(checking);
    }

    /// Takes a sample of how fast each request is. Called once a second while anything moves.
    pub(crate) fn sample(&self, now: Tick) {
        for (asked, rate) in &mut self.book().running {
            rate.sample(now, asked.bytes.load(Ordering::Relaxed));
        }
    }

    /// The ledger now.
    pub(crate) fn page(&self) -> Page {
        let book = self.book();
        let mut ended: Vec<Ended> = book.ended.iter().chain(&book.failed).cloned().collect();
        ended.sort_by_key(|line| line.number);
        let running = book.running.iter().map(|(asked, rate)| Running {
            number: asked.number,
            source: asked.source.clone(),
            reason: asked.reason,
            span: asked.span(),
            bytes: asked.bytes.load(Ordering::Relaxed),
            began: asked.began,
            bytes_per_second: rate.bytes_per_second(),
        });
        Page {
            running: running.collect(),
            ended,
            sums: book.sums(),
            checking: book.checking.clone(),
        }
    }

    /// Its sums alone.
    pub(crate) fn sums(&self) -> Sums {
        self.book().sums()
    }

    /// The file is done with: keeps the sums and the last lines, and gives the rest of its memory
    /// back.
    pub(crate) fn shrink(&self) {
        let mut book = self.book();
        let book = &mut *book;
        for lines in [&mut book.ended, &mut book.failed] {
            let surplus = lines.len().saturating_sub(KEPT_MAX);
            lines.drain(..surplus);
            lines.shrink_to_fit();
        }
        book.running.shrink_to_fit();
        book.sources.shrink_to_fit();
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self, asked: &Arc<Asked>, how: RequestEnd, failing: Option<Arc<Failing>>) {
        let ended = self.clock.wall();
        let bytes = asked.bytes.load(Ordering::Relaxed);
        let mut book = self.book();
        let book = &mut *book;
        book.running.retain(|(running, _)| !Arc::ptr_eq(running, asked));
        let has_failed = how == RequestEnd::Failed;
        match how {
            RequestEnd::Failed => book.last_failed = true,
            RequestEnd::Complete | RequestEnd::Relieved => book.last_failed = false,
            // Those that a failure stops say nothing of how things stand.
            RequestEnd::Stopped | RequestEnd::OtherVersion | RequestEnd::Credentials => {}
        }
        let given = book.given(&asked.source);
        given.bytes += bytes;
        given.failures_count += u64::from(has_failed);
        let (lines, lines_max) =
            if has_failed { (&mut book.failed, FAILED_MAX) } else { (&mut book.ended, ENDED_MAX) };
        if lines.len() == lines_max {
            lines.pop_front();
        }
        lines.push_back(Ended {
            number: asked.number,
            source: asked.source.clone(),
            reason: asked.reason,
            span: asked.span(),
            bytes,
            began: asked.began,
            ended,
            how,
            failing,
        });
    }
}

impl Book {
    fn given(&mut self, source: &SourceName) -> &mut Given {
        let is_known = self.sources.iter().any(|(known, _)| known == source);
        if !is_known && self.sources.len() < SOURCES_MAX {
            self.sources.push((source.clone(), Given::default()));
        }
        find(&mut self.sources, source).unwrap_or(&mut self.others)
    }

    fn sums(&self) -> Sums {
        let mut sums = Sums {
            sources: self.sources.clone(),
            others: self.others,
            had_bytes: self.had_bytes.unwrap_or(0),
            checked_bytes: self.checked_bytes,
            discarded: self.discarded.clone(),
        };
        for (asked, _) in &self.running {
            let bytes = asked.bytes.load(Ordering::Relaxed);
            find(&mut sums.sources, &asked.source).unwrap_or(&mut sums.others).bytes += bytes;
        }
        sums
    }

    fn discard(&mut self, why: Discard, bytes: u64) {
        if bytes == 0 {
            return;
        }
        match self.discarded.iter_mut().find(|(known, _)| *known == why) {
            Some((_, sum)) => *sum += bytes,
            None => {
                self.discarded.push((why, bytes));
                self.discarded.sort_by_key(|(why, _)| *why);
            }
        }
    }

    /// Bytes of the file that should be here, going by the lines that are closed.
    fn here(&self) -> u64 {
        let given: u64 = self.sources.iter().map(|(_, given)| given.bytes).sum();
        let discarded: u64 = self.discarded.iter().map(|(_, bytes)| bytes).sum();
        let had = self.had_bytes.unwrap_or(0);
        (had + given + self.others.bytes).saturating_sub(discarded)
    }
}

fn find<'a>(sources: &'a mut [(SourceName, Given)], source: &SourceName) -> Option<&'a mut Given> {
    sources.iter_mut().find(|(known, _)| known == source).map(|(_, given)| given)
}

/// A request under way, as its transfer writes it. Dropped without an end, it was stopped.
#[derive(Debug)]
pub(crate) struct Line {
    ledger: SharedLedger,
    asked: Arc<Asked>,
    is_over: bool,
}

impl Line {
    /// Bytes of its body came.
    pub(crate) fn add(&self, bytes: u64) {
        self.asked.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What it is to bring is another part than was asked for: the reply said so, or somebody else
    /// fetches the rest.
    pub(crate) fn set_span(&self, span: Range<u64>) {
        self.asked.start.store(span.start, Ordering::Relaxed);
        self.asked.end.store(span.end, Ordering::Relaxed);
    }

    /// The request is over; [`Line::fail`] is for one that failed.
    pub(crate) fn end(self, how: RequestEnd) {
        self.close(how, None);
    }

    /// The request failed, with these words.
    pub(crate) fn fail(self, trouble: &Trouble) {
        self.close(RequestEnd::Failed, Some(Arc::new(trouble.into())));
    }

    fn close(mut self, how: RequestEnd, failing: Option<Arc<Failing>>) {
        self.is_over = true;
        self.ledger.close(&self.asked, how, failing);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.is_over {
            self.ledger.close(&self.asked, RequestEnd::Stopped, None);
        }
    }
}

#[cfg(test)]
mod tests;
