//! What becomes of ranges.

use dobbin_core::download::Operation;
use dobbin_core::job::{Effect, JobEvent, Wish, step};
use dobbin_types::{ByteRange, DownloadState, ErrorCode, FileNumber};

use crate::make::{Column, Life, now, range};

fn start(ranges: &[ByteRange]) -> Operation {
    Operation::Start(Some(ranges.to_vec()))
}

/// conformance: Start ranges, Start zero-length, Start overlap, struct DO_DOWNLOAD_RANGE
#[test]
fn ranges_are_checked_as_those_of_jobs() {
    for (ranges, code) in [
        (vec![range(0, 0)], ErrorCode::DO_E_INVALID_RANGE),
        (vec![range(u64::MAX, 1)], ErrorCode::DO_E_INVALID_RANGE),
        (vec![range(0, 5), range(4, 2)], ErrorCode::DO_E_OVERLAPPING_RANGES),
        (
            vec![ByteRange { offset: 2, length: None }, range(7, 1)],
            ErrorCode::DO_E_OVERLAPPING_RANGES,
        ),
    ] {
        let mut life = Life::ready();
        assert_eq!(life.run(start(&ranges)), Err(code), "{ranges:?}");
        assert_eq!(life.view().state(), DownloadState::Created);
    }
    // In any order, put back to back as given.
    let mut life = Life::ready();
    life.run(start(&[range(6, 2), range(0, 3)])).unwrap();
    assert_eq!(life.view().file().ranges, [range(6, 2), range(0, 3)]);
    assert_eq!(life.view().file().local_size(), Some(5));
}

/// conformance: Start again
#[test]
fn the_next_portion_is_appended_to_what_is_here() {
    let mut life = Life::in_column(Column::Transferred, &[range(0, 2), range(5, 1)]);
    for ranges in [&[range(1, 1)], &[range(5, 2)]] {
        assert_eq!(life.run(start(ranges)), Err(ErrorCode::DO_E_OVERLAPPING_RANGES));
        assert_eq!(life.view().state(), DownloadState::Transferred);
    }
    assert_eq!(life.run(start(&[range(3, 0)])), Err(ErrorCode::DO_E_INVALID_RANGE));
    life.run(start(&[range(7, 3), range(2, 1)])).unwrap();
    assert_eq!(life.view().state(), DownloadState::Transferring);
    let file = life.view().file();
    assert_eq!(file.ranges, [range(0, 2), range(5, 1), range(7, 3), range(2, 1)]);
    assert_eq!((file.local_size(), file.earlier_bytes(), file.finished), (Some(7), 3, false));

    life.event(JobEvent::SlotGiven);
    life.finish();
    life.run(start(&[range(3, 1)])).unwrap();
    assert_eq!((life.view().file().local_size(), life.view().file().earlier_bytes()), (Some(8), 7));
}

#[test]
fn another_version_takes_the_earlier_portions_along() {
    let mut life = Life::in_column(Column::Transferred, &[range(0, 2)]);
    life.run(start(&[range(2, 2)])).unwrap();
    life.event(JobEvent::SlotGiven);
    life.event(JobEvent::FileRestarted(life.job.attempt(), FileNumber(0)));
    assert_eq!(life.view().file().earlier_bytes(), 0);
    assert_eq!(life.view().file().local_size(), Some(4));
}

/// conformance: Start null, code DO_E_DOWNLOAD_RANGES_UNEXPECTED
#[test]
fn a_paused_download_goes_on_with_the_ranges_it_has_and_no_others() {
    let first = [range(0, 2), range(5, 1)];
    let mut life = Life::in_column(Column::Transferred, &first);
    life.run(start(&[range(2, 1)])).unwrap();
    life.run(Operation::Pause).unwrap();
    let all = [range(0, 2), range(5, 1), range(2, 1)];
    for (ranges, expect) in [
        (None, Ok(())),
        (Some(vec![range(2, 1)]), Ok(())),
        (Some(all.to_vec()), Ok(())),
        (Some(first.to_vec()), Err(ErrorCode::DO_E_DOWNLOAD_RANGES_UNEXPECTED)),
        (Some(vec![range(5, 1), range(2, 1)]), Err(ErrorCode::DO_E_DOWNLOAD_RANGES_UNEXPECTED)),
        (Some(vec![range(8, 1)]), Err(ErrorCode::DO_E_DOWNLOAD_RANGES_UNEXPECTED)),
        (Some(vec![]), Err(ErrorCode::DO_E_DOWNLOAD_RANGES_EXPECTED)),
    ] {
        let mut life = life.clone();
        assert_eq!(life.run(Operation::Start(ranges.clone())), expect, "{ranges:?}");
        assert_eq!(life.view().file().ranges, all, "{ranges:?}");
    }
}

#[test]
fn the_other_interface_starts_a_download_too_and_gives_it_no_second_file() {
    let mut life = Life::ready();
    let now = now();
    let more = JobEvent::Wish(Wish::AddFiles(life.job.files().to_vec()));
    assert_eq!(step(&mut life.job, more, now), Err(ErrorCode::DO_E_INVALID_STATE));
    let effects = step(&mut life.job, JobEvent::Wish(Wish::Resume), now).unwrap();
    assert!(effects.contains(&Effect::Persist));
    assert_eq!(life.view().state(), DownloadState::Transferring);
    step(&mut life.job, JobEvent::Wish(Wish::Suspend), now).unwrap();
    assert_eq!(life.view().state(), DownloadState::Paused);
}
