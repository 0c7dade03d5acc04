//! Why a file stands where it stands.

use dobbin_core::job::File;
use dobbin_core::time::Tick;
use dobbin_types::FileNumber;
use dobbin_types::rest::{
    ByteSources, CheckingInfo, ConnectionInfo, DiscardedBytes, FileWhy, RequestFailure,
    RequestInfo, SourceBytes, SourceInfo,
};

use crate::entry::{Entry, LiveFile};
use crate::transfer::ledger::{Checking, Ended, Page, Running, SourceName, Sums};

/// One file of a job.
pub(super) fn of(entry: &Entry, number: FileNumber, now: Tick) -> Option<FileWhy> {
    let (file, live) = entry.job.file(number).zip(entry.files.get(number.index()))?;
    let page = page(live);
    Some(FileWhy {
        number,
        local_name: file.local_name.clone(),
        bytes_total: file.local_size(),
        transferred: file.finished,
        completed: file.published,
        bytes: sources(entry, number, live, &page.sums, now),
        connections: page.running.iter().map(connection).collect(),
        requests: page.ended.iter().map(request).collect(),
        checking: checking(file, page.checking.as_ref()),
    })
}

/// Where one file's bytes came from.
pub(super) fn bytes(entry: &Entry, number: FileNumber, now: Tick) -> Option<ByteSources> {
    let live = entry.files.get(number.index())?;
    let sums = live.ledger.as_ref().map(|ledger| ledger.sums()).unwrap_or_default();
    Some(sources(entry, number, live, &sums, now))
}

fn page(live: &LiveFile) -> Page {
    live.ledger.as_ref().map(|ledger| ledger.page()).unwrap_or_default()
}

fn sources(
    entry: &Entry,
    number: FileNumber,
    live: &LiveFile,
    sums: &Sums,
    now: Tick,
) -> ByteSources {
    let here = entry.transferred_bytes(number);
    let sources = sums.sources.iter().map(|(name, given)| SourceBytes {
        source: source(name),
        bytes: given.bytes,
        requests_count: given.requests_count,
        failures_count: given.failures_count,
    });
    let discarded = sums.discarded.iter();
    ByteSources {
        here,
        // Before a transfer of this process has looked, all that is here was had before.
        had: if live.ledger.is_some() { sums.had_bytes } else { here },
        checked: sums.checked_bytes,
        sources: sources.collect(),
        other_sources: sums.others.bytes,
        discarded: discarded
            .map(|(why, bytes)| DiscardedBytes { why: *why, bytes: *bytes })
            .collect(),
        fetched_ever: live.figures(now).http_bytes,
    }
}

fn source(name: &SourceName) -> SourceInfo {
    SourceInfo { kind: name.kind, address: name.address.to_string() }
}

/// The end of a part; nobody knows it before the size of its file is known.
fn end(end: u64) -> Option<u64> {
    (end != u64::MAX).then_some(end)
}

fn connection(running: &Running) -> ConnectionInfo {
    ConnectionInfo {
        number: running.number,
        source: source(&running.source),
        reason: running.reason,
        start: running.span.start,
        end: end(running.span.end),
        bytes: running.bytes,
        bytes_per_second: running.bytes_per_second,
        began: running.began,
    }
}

fn request(ended: &Ended) -> RequestInfo {
    let failure = ended.failing.as_ref().map(|failing| {
        RequestFailure::new(failing.code, failing.message.clone(), failing.http_status)
    });
    RequestInfo {
        number: ended.number,
        source: source(&ended.source),
        reason: ended.reason,
        start: ended.span.start,
        end: end(ended.span.end),
        bytes: ended.bytes,
        began: ended.began,
        ended: ended.ended,
        how: ended.how,
        failure,
    }
}

fn checking(file: &File, seen: Option<&Checking>) -> CheckingInfo {
    let whole_file = file.sha256.is_some();
    let (pieces, text) = match seen {
        Some(Checking::Pieces { from }) => (Some(true), format!("against hashes from {from}")),
        Some(Checking::Not { why }) => (Some(false), why.to_string()),
        None if file.check.info.is_some() => (
            None,
            "hashes of its pieces are named; whether they can be had is not known yet".into(),
        ),
        None => (Some(false), "nobody gave hashes of its pieces".into()),
    };
    CheckingInfo { pieces, whole_file, text }
}
