//! What is shown of unfinished files before anybody goes on with them.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use dobbin_core::piece::Layout;
use dobbin_types::FileNumber;

use super::*;
use crate::gauge::FileGauge;

const SIZE: u64 = 50;

fn layout() -> Layout {
    Layout::new(SIZE, 10).unwrap()
}

fn set(pieces_count: usize) -> PieceSet {
    let mut set = PieceSet::empty(layout());
    layout().pieces().take(pieces_count).for_each(|piece| {
        set.insert(piece);
    });
    set
}

/// A file of which so many pieces are had, and so many of these flushed, as a start finds it.
fn begun(folder: &Path, number: u32, had: usize, flushed: Option<usize>) -> Survey {
    let place = Place::in_folder(folder, FileNumber(number));
    let staging = Staging::create(place.clone(), layout(), "this boot").unwrap();
    staging.write_at(&[7; SIZE as usize], 0).unwrap();
    layout().pieces().take(had).for_each(|piece| staging.mark_have(piece).unwrap());
    let flushed = flushed.map(set);
    let gauge = SharedGauge::from(FileGauge::default());
    gauge.set_transferred(flushed.as_ref().map_or(0, PieceSet::byte_count));
    Survey { gauge, place, size: SIZE, flushed }
}

#[test]
fn after_the_death_of_the_process_what_is_had_counts_and_after_that_of_the_machine_what_was_flushed()
 {
    for (boot, had, flushed, data_bytes, expect) in [
        ("this boot", 3, None, SIZE, 30),
        ("this boot", 3, Some(1), SIZE, 30),
        ("another", 3, Some(1), SIZE, 10),
        ("another", 3, None, SIZE, 0),
        // Somebody cut the file short: what was flushed of the rest is gone, too.
        ("this boot", 4, Some(4), 25, 20),
        ("another", 4, Some(4), 25, 20),
        ("another", 4, Some(4), 0, 0),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let survey = begun(folder.path(), 0, had, flushed);
        File::options().write(true).open(survey.place.data()).unwrap().set_len(data_bytes).unwrap();
        let gauge = SharedGauge::clone(&survey.gauge);
        run(vec![survey], boot);
        assert_eq!(gauge.transferred(), expect, "{boot}: {had}, {flushed:?} of {data_bytes}");
    }
}

#[test]
fn a_file_that_is_gone_or_already_counts_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let gone = begun(folder.path(), 0, 3, Some(2));
    std::fs::remove_file(gone.place.data()).unwrap();
    let counting = begun(folder.path(), 1, 3, Some(2));
    counting.gauge.set_transferred(44);
    let gauges = [&gone, &counting].map(|survey| SharedGauge::clone(&survey.gauge));
    run(vec![gone, counting], "this boot");
    assert_eq!(gauges.map(|gauge| gauge.transferred()), [20, 44]);
}

#[test]
fn the_first_files_are_looked_at_before_the_first_answer_and_all_others_soon() {
    let folder = tempfile::tempdir().unwrap();
    let surveys = (0..).take(AT_ONCE_MAX + 20);
    let surveys: Vec<Survey> =
        surveys.map(|number| begun(folder.path(), number, 3, None)).collect();
    let gauges: Vec<SharedGauge> =
        surveys.iter().map(|survey| SharedGauge::clone(&survey.gauge)).collect();
    run(surveys, "this boot");
    assert!(gauges[..AT_ONCE_MAX].iter().all(|gauge| gauge.transferred() == 30));
    let due = Instant::now() + Duration::from_secs(60);
    while gauges.iter().any(|gauge| gauge.transferred() == 0) {
        assert!(Instant::now() < due, "some are never looked at");
        thread::yield_now();
    }
    assert!(gauges.iter().all(|gauge| gauge.transferred() == 30));
}
