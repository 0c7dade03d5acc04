//! Groups of small files, worked off by the test's own thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use dobbin_core::piece::Layout;
use dobbin_store::Place;
use dobbin_types::FileNumber;

use super::*;

/// A file of one piece that is wholly written, in a folder of its own.
fn written(root: &Path, number: u32) -> Arc<Staging> {
    let layout = Layout::new(300, 1_000).unwrap();
    let place = Place::in_folder(&root.join(number.to_string()), FileNumber(number));
    let staging = Staging::create(place, layout, "boot").unwrap();
    staging.write_at(&[7; 300], 0).unwrap();
    layout.pieces().for_each(|piece| staging.mark_have(piece).unwrap());
    Arc::new(staging)
}

/// Tells which file it was of, and whether that one was flushed.
fn tells(number: u32, told: &Sender<(u32, bool)>) -> Done {
    let told = told.clone();
    Box::new(move |outcome| told.send((number, outcome.is_ok_and(|set| set.is_full()))).unwrap())
}

fn all(told: &Receiver<(u32, bool)>) -> Vec<(u32, bool)> {
    told.try_iter().collect()
}

#[test]
fn each_file_hears_its_own_outcome_in_the_order_of_arrival() {
    let root = tempfile::tempdir().unwrap();
    let (group, (tell, told)) = (Group::default(), channel());
    for number in 0..20 {
        group.add(written(root.path(), number), tells(number, &tell));
    }
    // A name cannot be flushed whose folder is gone.
    std::fs::remove_dir_all(root.path().join("4")).unwrap();
    group.work();
    let expect: Vec<(u32, bool)> = (0..20).map(|number| (number, number != 4)).collect();
    assert_eq!(all(&told), expect);
}

#[test]
fn whoever_comes_first_is_to_work_and_nobody_else_until_that_is_over() {
    let root = tempfile::tempdir().unwrap();
    let (group, (tell, told)) = (Group::default(), channel());
    for round in 0..3 {
        for number in 0..3 {
            let staging = written(&root.path().join(format!("{round}")), number);
            let must_work = group.add(staging, tells(number, &tell));
            assert_eq!(must_work, number == 0, "{number} of round {round}");
        }
        group.work();
        assert_eq!(all(&told), [(0, true), (1, true), (2, true)], "round {round}");
    }
}

#[test]
fn there_are_never_more_files_in_a_group_than_allowed_and_none_is_left_behind() {
    let root = tempfile::tempdir().unwrap();
    let (group, staging) = (Group::default(), written(root.path(), 0));
    for _ in 0..=2 * GROUP_FILES_MAX {
        group.add(Arc::clone(&staging), Box::new(drop));
    }
    let counts: Vec<usize> = std::iter::from_fn(|| group.take(false)).map(|it| it.len()).collect();
    assert_eq!(counts, [GROUP_FILES_MAX, GROUP_FILES_MAX, 1]);
    assert!(group.add(staging, Box::new(drop)), "nobody is at work any more");
}

#[test]
fn a_panic_costs_its_group_and_not_those_that_come_after_it() {
    let root = tempfile::tempdir().unwrap();
    let (group, (tell, told)) = (Group::default(), channel());
    group.add(written(root.path(), 0), Box::new(|_| panic!("on purpose")));
    assert!(catch_unwind(AssertUnwindSafe(|| group.work())).is_err());
    assert!(group.add(written(root.path(), 1), tells(1, &tell)), "somebody is called again");
    group.work();
    assert_eq!(all(&told), [(1, true)]);
}
