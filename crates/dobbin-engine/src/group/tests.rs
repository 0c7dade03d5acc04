//! Groups of small files, worked off by the test's own thread.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use dobbin_core::piece::Layout;
use dobbin_store::Place;

use super::*;

/// A transfer whose file, of one piece, is wholly written, in a folder of its own.
fn ending(root: &Path, number: u32) -> Ending {
    let (layout, file) = (Layout::new(300, 1_000).unwrap(), FileNumber(number));
    let place = Place::in_folder(&root.join(number.to_string()), file);
    let staging = Staging::create(place, layout, "boot").unwrap();
    staging.write_at(&[7; 300], 0).unwrap();
    layout.pieces().for_each(|piece| staging.mark_have(piece).unwrap());
    again(file, &Arc::new(staging))
}

fn again(file: FileNumber, staging: &Arc<Staging>) -> Ending {
    let (job, staging) = (JobId::from_bytes([1; 16]), Arc::clone(staging));
    Ending { job, file, attempt: Attempt(1), generation: 3, staging }
}

/// Of which files the loop hears, and whether each was flushed: event by event.
fn told(events: &Receiver<Event>) -> Vec<Vec<(u32, bool)>> {
    let files = |event| {
        let Event::Settled(settled) = event else { panic!("something else is told") };
        let is_full = |one: &Settled| one.outcome.as_ref().is_ok_and(PieceSet::is_full);
        settled.iter().map(|one| (one.file.0, is_full(one))).collect()
    };
    events.try_iter().map(files).collect()
}

#[test]
fn each_file_has_its_own_outcome_and_one_event_tells_of_all_in_the_order_of_arrival() {
    let root = tempfile::tempdir().unwrap();
    let (group, (inbox, events)) = (Group::default(), sync_channel(8));
    for number in 0..20 {
        group.add(ending(root.path(), number));
    }
    // A name cannot be flushed whose folder is gone.
    std::fs::remove_dir_all(root.path().join("4")).unwrap();
    group.work(&inbox);
    let expect: Vec<(u32, bool)> = (0..20).map(|number| (number, number != 4)).collect();
    assert_eq!(told(&events), [expect]);
}

#[test]
fn whoever_comes_first_is_to_work_and_nobody_else_until_that_is_over() {
    let root = tempfile::tempdir().unwrap();
    let (group, (inbox, events)) = (Group::default(), sync_channel(8));
    for round in 0..3 {
        for number in 0..3 {
            let must_work = group.add(ending(&root.path().join(format!("{round}")), number));
            assert_eq!(must_work, number == 0, "{number} of round {round}");
        }
        group.work(&inbox);
        assert_eq!(told(&events), [[(0, true), (1, true), (2, true)]], "round {round}");
    }
}

#[test]
fn there_are_never_more_files_in_a_group_than_allowed_and_none_is_left_behind() {
    let root = tempfile::tempdir().unwrap();
    let (group, first) = (Group::default(), ending(root.path(), 0));
    for _ in 0..=2 * GROUP_FILES_MAX {
        group.add(again(first.file, &first.staging));
    }
    let counts: Vec<usize> = std::iter::from_fn(|| group.take(false)).map(|it| it.len()).collect();
    assert_eq!(counts, [GROUP_FILES_MAX, GROUP_FILES_MAX, 1]);
    assert!(group.add(first), "nobody is at work any more");
}

#[test]
fn a_panic_costs_its_group_and_not_those_that_come_after_it() {
    let root = tempfile::tempdir().unwrap();
    let (group, (inbox, events)) = (Group::default(), sync_channel(8));
    group.add(ending(root.path(), 0));
    let leaving = Leaving(&group);
    let taken = group.take(false).unwrap();
    // What a panic leaves behind when it unwinds.
    drop((Untold { group: taken, inbox: &inbox }, leaving));
    assert_eq!(told(&events), [[(0, false)]], "nothing is called flushed");
    assert!(group.add(ending(root.path(), 1)), "somebody is called again");
    group.work(&inbox);
    assert_eq!(told(&events), [[(1, true)]]);
}
