//! One portion of a file after the other.

use dobbin_engine::Operation;
use dobbin_lab::origin::{Content, End, Origin, Plan, Route, Version, When};
use dobbin_types::{ByteRange, DownloadProperty, DownloadState, ErrorCode, JobId};

use crate::site::{Site, range};

const MIB: u64 = 1024 * 1024;

/// The bytes of these ranges, back to back.
fn parts(content: Content, ranges: &[ByteRange]) -> Vec<u8> {
    let end = |range: &ByteRange| range.length.map_or(content.size(), |len| range.offset + len);
    ranges.iter().flat_map(|range| content.bytes(range.offset..end(range))).collect()
}

fn transfer(site: &Site, job: JobId, ranges: &[ByteRange]) {
    assert_eq!(site.run_ranges(job, ranges), Ok(DownloadState::Transferring));
    site.wait_for(job, DownloadState::Transferred);
}

/// How many bytes of bodies the origin sent.
fn sent(origin: &Origin) -> u64 {
    origin.requests().iter().map(|exchange| exchange.body_sent_bytes).sum()
}

/// conformance: Start again, Start ranges
#[test]
fn every_portion_is_appended_and_no_byte_fetched_twice() {
    let site = Site::new();
    let content = Content::new(1, 9 * MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let job = site.create_to(origin.url("/a"), "out");
    let portions = [
        // Less than a piece; a part that ends in the middle of one; several; to the end.
        vec![range(5, 100)],
        vec![range(7 * MIB, MIB / 2), range(200, 3)],
        vec![range(MIB, 2 * MIB), range(4 * MIB, 2 * MIB + 1)],
        vec![ByteRange { offset: 8 * MIB, length: None }],
    ];
    let mut all = Vec::new();
    for portion in &portions {
        transfer(&site, job, portion);
        all.extend(portion.clone());
        let bytes = parts(content, &all).len() as u64;
        let status = site.status(job).unwrap();
        assert_eq!((status.bytes_total, status.bytes_transferred), (Some(bytes), bytes));
        assert_eq!(sent(&origin), bytes, "after {portion:?}");
    }
    let again = site.run_ranges(job, &portions[1]);
    assert_eq!(again, Err(ErrorCode::DO_E_OVERLAPPING_RANGES));
    site.operate(job, Operation::Finalize).unwrap();
    assert!(std::fs::read(site.path("out")).unwrap() == parts(content, &all));
}

/// conformance: Start null
#[test]
fn a_portion_that_was_interrupted_goes_on_where_it_was_also_after_a_restart() {
    let mut site = Site::new();
    let content = Content::new(2, 9 * MIB);
    // The second request is the second portion's.
    let route = Route::honest(content).when(When::Only(2), End::StallAfter(2 * MIB));
    let origin = Origin::start(Plan::new().route("/a", route));
    let job = site.create_to(origin.url("/a"), "out");
    site.set(job, DownloadProperty::NonVolatile, true).unwrap();
    let (first, second) = (range(0, MIB + 10), range(2 * MIB, 5 * MIB));
    transfer(&site, job, &[first]);
    assert_eq!(site.run_ranges(job, &[second]), Ok(DownloadState::Transferring));
    site.wait(job, |status| status.bytes_transferred >= 3 * MIB + 10);
    site.operate(job, Operation::Pause).unwrap();
    site.restart();
    let status = site.status(job).unwrap();
    assert_eq!((status.state, status.bytes_total), (DownloadState::Paused, Some(6 * MIB + 10)));
    let other = site.run_ranges(job, &[range(8 * MIB, 1)]);
    assert_eq!(other, Err(ErrorCode::DO_E_DOWNLOAD_RANGES_UNEXPECTED));
    site.run(job).unwrap();
    site.wait_for(job, DownloadState::Transferred);
    site.operate(job, Operation::Finalize).unwrap();
    assert!(std::fs::read(site.path("out")).unwrap() == parts(content, &[first, second]));
    let third = origin.requests()[2].request.field("range").unwrap_or_default().to_owned();
    let from: u64 = third["bytes=".len()..].split('-').next().unwrap().parse().unwrap();
    assert!(from >= 3 * MIB, "asked again from {from}");
}

#[test]
fn a_file_that_changed_between_two_portions_is_fetched_anew_as_a_whole() {
    let site = Site::new();
    let content = Content::new(3, 3 * MIB);
    let route = Route::honest(content)
        .when(When::After(1), Version::NewTag)
        .when(When::After(1), Version::NewBytes);
    let origin = Origin::start(Plan::new().route("/a", route));
    let job = site.create_to(origin.url("/a"), "out");
    let (first, second) = (range(10, MIB), range(2 * MIB, 100));
    transfer(&site, job, &[first]);
    transfer(&site, job, &[second]);
    site.operate(job, Operation::Finalize).unwrap();
    let expect = parts(content.changed(), &[first, second]);
    assert!(std::fs::read(site.path("out")).unwrap() == expect);
}

/// conformance: Start zero-length, Start overlap
#[test]
fn ranges_that_make_no_sense_are_refused() {
    let site = Site::new();
    let origin = Origin::start(Plan::new().file("/a", Content::new(4, 100)));
    let job = site.create_to(origin.url("/a"), "out");
    for (ranges, code) in [
        (vec![range(0, 0)], ErrorCode::DO_E_INVALID_RANGE),
        (vec![range(0, 2), range(1, 2)], ErrorCode::DO_E_OVERLAPPING_RANGES),
    ] {
        assert_eq!(site.run_ranges(job, &ranges), Err(code));
    }
    // What only the origin can tell stops the download.
    site.run_ranges(job, &[range(90, 20)]).unwrap();
    let status = site.wait(job, |status| status.is_error());
    assert_eq!(status.error, ErrorCode::DO_E_INVALID_RANGE);
    // The whole file is here: there is no more of it.
    let job = site.create_to(origin.url("/a"), "whole");
    site.run(job).unwrap();
    site.wait_for(job, DownloadState::Transferred);
    let more = site.run_ranges(job, &[range(0, 1)]);
    assert_eq!(more, Err(ErrorCode::DO_E_OVERLAPPING_RANGES));
}
