#![allow(clippy::unwrap_used)]

use dobbin_platform::clock::FakeClock;
use dobbin_types::{ErrorCode, SourceKind};
use url::Url;

use super::*;
use crate::transfer::trouble::fatal;

fn ledger() -> SharedLedger {
    Arc::new(Ledger::new(FakeClock::new(FileTime::from_unix_millis(0)).clock()))
}

fn origin(host: &str) -> SourceName {
    let url = Url::parse(&format!("https://{host}/file")).unwrap();
    SourceName::new(SourceKind::Origin, &url)
}

fn failure() -> Trouble {
    fatal(ErrorCode::DO_E_HTTP_BLOCKSIZE_MISMATCH, "short".into())
}

#[test]
fn an_address_shows_neither_query_nor_user() {
    let url = Url::parse("https://me:word@h.example:8443/a/b?token=secret#part").unwrap();
    let name = SourceName::new(SourceKind::Mirror { number: 1 }, &url);
    assert_eq!(&*name.address, "https://h.example:8443/a/b");
}

#[test]
fn bytes_count_for_their_source_while_they_come_and_after() {
    let ledger = ledger();
    let first = ledger.begin(&origin("a"), 0..100, Reason::First);
    let second = ledger.begin(&origin("b"), 100..200, Reason::Next);
    first.add(30);
    first.add(20);
    second.add(7);
    let sums =
        |page: Page| page.sums.sources.iter().map(|(_, given)| given.bytes).collect::<Vec<_>>();
    assert_eq!(sums(ledger.page()), [50, 7]);
    first.end(RequestEnd::Complete);
    second.fail(&failure());
    let page = ledger.page();
    assert!(page.running.is_empty());
    assert_eq!(page.sums.sources[1].1, Given { bytes: 7, requests_count: 1, failures_count: 1 });
    assert_eq!(sums(page), [50, 7]);
}

#[test]
fn a_line_that_is_dropped_was_stopped() {
    let ledger = ledger();
    drop(ledger.begin(&origin("a"), 0..100, Reason::First));
    let ended = &ledger.page().ended[0];
    assert_eq!((ended.how, &ended.failing), (RequestEnd::Stopped, &None));
}

#[test]
fn lists_are_bounded_and_sums_are_not_touched_by_it() {
    let ledger = ledger();
    ledger.begin(&origin("bad"), 0..1, Reason::First).fail(&failure());
    for _ in 0..3 * ENDED_MAX {
        let line = ledger.begin(&origin("good"), 0..1, Reason::Next);
        line.add(2);
        line.end(RequestEnd::Complete);
    }
    let page = ledger.page();
    assert_eq!(page.ended.len(), ENDED_MAX + 1);
    // The one that explains something is still there, in its place.
    assert_eq!(page.ended[0].how, RequestEnd::Failed);
    assert_eq!(page.ended[0].failing.as_deref(), Some(&Failing::from(&failure())));
    assert_eq!(page.sums.sources[1].1.bytes, 2 * 3 * ENDED_MAX as u64);
    for host in 0..2 * SOURCES_MAX {
        let line = ledger.begin(&origin(&format!("h{host}")), 0..1, Reason::Next);
        line.add(1);
        assert!(ledger.page().sums.others.bytes <= 2 * SOURCES_MAX as u64);
    }
    let page = ledger.page();
    assert_eq!(page.sums.sources.len(), SOURCES_MAX);
    let sum: u64 = page.sums.sources.iter().map(|(_, given)| given.bytes).sum();
    let rest = 2 * SOURCES_MAX as u64;
    assert_eq!(sum + page.sums.others.bytes, 2 * 3 * ENDED_MAX as u64 + rest);
    ledger.shrink();
    assert_eq!(ledger.page().ended.len(), KEPT_MAX + 1);
}

#[test]
fn more_requests_than_are_listed_still_count() {
    let ledger = ledger();
    let lines: Vec<Line> =
        (0..2 * RUNNING_MAX).map(|_| ledger.begin(&origin("a"), 0..1, Reason::Next)).collect();
    lines.iter().for_each(|line| line.add(1));
    assert_eq!(ledger.page().running.len(), RUNNING_MAX);
    drop(lines);
    assert_eq!(ledger.page().sums.sources[0].1.bytes, 2 * RUNNING_MAX as u64);
}

#[test]
fn the_first_request_of_a_transfer_says_what_came_before() {
    let ledger = ledger();
    assert_eq!(ledger.first_reason(false), Reason::First);
    assert_eq!(ledger.first_reason(true), Reason::Resumed);
    ledger.begin(&origin("a"), 0..1, Reason::First).fail(&failure());
    assert_eq!(ledger.first_reason(false), Reason::AfterFailure);
    ledger.begin(&origin("a"), 0..1, Reason::AfterFailure).end(RequestEnd::Stopped);
    assert_eq!(ledger.first_reason(false), Reason::AfterFailure);
    ledger.begin(&origin("a"), 0..1, Reason::AfterFailure).end(RequestEnd::Complete);
    assert_eq!(ledger.first_reason(false), Reason::Resumed);
}

#[test]
fn what_was_here_at_first_is_not_counted_twice() {
    let ledger = ledger();
    ledger.opened(50, 10);
    let line = ledger.begin(&origin("a"), 50..90, Reason::Resumed);
    line.add(40);
    line.end(RequestEnd::Complete);
    ledger.opened(88, 5);
    ledger.discard(Discard::Unfinished, 3);
    ledger.discard(Discard::OtherVersion, 50);
    ledger.discard(Discard::Unfinished, 4);
    ledger.discard(Discard::Lost, 0);
    let page = ledger.page();
    assert_eq!((page.sums.had_bytes, page.sums.checked_bytes), (50, 15));
    let expect = [(Discard::OtherVersion, 50), (Discard::Unfinished, 7), (Discard::Lost, 2)];
    assert_eq!(page.sums.discarded, expect);
}

#[test]
fn each_request_has_its_own_rate() {
    let ledger = ledger();
    let line = ledger.begin(&origin("a"), 0..u64::MAX, Reason::First);
    ledger.sample(Tick(0));
    line.add(5_000);
    line.set_span(0..9_000);
    ledger.sample(Tick(1_000));
    let running = &ledger.page().running[0];
    assert_eq!((running.bytes_per_second, running.span.clone()), (5_000, 0..9_000));
}
