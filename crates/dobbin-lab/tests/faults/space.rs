//! No room: for bytes, for the journal, for the last step.

use std::fs;
use std::time::Instant;

use dobbin_lab::origin::{Content, Origin, Plan};
use dobbin_sdk::JobFilter;
use dobbin_types::rest::CreateJob;
use dobbin_types::{ErrorCode, JobState};

use crate::mounts::Mount;
use crate::stage::{MIB, PATIENCE, Stage, file, finishes, is_whole, lay, wait_for, wait_for_error};

/// Row 9: no room for a file's bytes.
#[test]
fn a_job_waits_for_room_and_others_on_other_disks_go_on() {
    let Some(disk) = Mount::memory(24) else { return };
    let (large, small) = (Content::new(9, 12 * MIB), Content::new(10, 3 * MIB));
    let origin = Origin::start(Plan::new().file("/large", large).file("/small", small));
    let stage = Stage::new();
    let filler = disk.fill_but(6 * MIB);

    let path = disk.path().join("large");
    let waiting = stage.job(file(origin.url("/large"), &path));
    waiting.resume().unwrap();
    wait_for_error(&waiting, JobState::TransientError, ErrorCode::ENOSPC);

    let other = stage.job(file(origin.url("/small"), &stage.path("small")));
    other.resume().unwrap();
    finishes(&other, &stage.path("small"), small);

    // Nobody tells the job that there is room now.
    fs::remove_file(filler).unwrap();
    finishes(&waiting, &path, large);
}

/// Row 10: no room for the journal.
#[test]
fn a_full_state_folder_refuses_with_the_reason_and_keeps_every_job() {
    let Some(disk) = Mount::memory(24) else { return };
    let mut stage = Stage::with(|setup| setup.state = disk.path().join("state"));
    let filler = disk.fill_but(0);
    let named = |number: usize| CreateJob {
        display_name: format!("{number:06} {}", "x".repeat(200)),
        ..CreateJob::default()
    };
    let began = Instant::now();
    let mut promised = 0;
    let refusal = loop {
        match stage.manager().create_job(&named(promised)) {
            Ok(_) => promised += 1,
            Err(error) => break error,
        }
        assert!(began.elapsed() < PATIENCE, "the disk does not get full");
    };
    assert_eq!(refusal.code(), ErrorCode::ENOSPC, "{refusal}");
    let listed = |stage: &Stage| {
        let jobs = stage.manager().jobs(&JobFilter::default()).unwrap();
        let mut names: Vec<String> = jobs.into_iter().map(|info| info.display_name).collect();
        names.sort();
        names
    };
    assert!(listed(&stage).len() >= promised);
    // Not even now, with the disk still full, is anything of it lost.
    stage.kill();
    stage.start().unwrap();
    let names = listed(&stage);
    for number in 0..promised {
        assert!(names.contains(&named(number).display_name), "job {number} of {promised}");
    }
    assert!(!stage.setup.state.join("journal.db.corrupt-1").exists());

    fs::remove_file(filler).unwrap();
    stage.manager().create_job(&named(999_999)).unwrap();
    stage.stop();
}

/// Row 11: the user's quota is used up when the file is to get its name.
#[test]
fn a_quota_in_the_way_of_the_last_step_leaves_the_job_as_it_was() {
    let content = Content::new(11, MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let stage = Stage::new();
    let job = stage.job(file(origin.url("/a"), &stage.path("a")));
    job.resume().unwrap();
    wait_for(&job, JobState::Transferred);
    let calls = "rename,renameat,renameat2";
    let inject = format!("{calls}:error=EDQUOT:when=1");
    let Some(trace) = lay(&stage, calls, &inject, None) else { return };
    let refusal = job.complete().unwrap_err();
    assert_eq!(refusal.code(), ErrorCode::EDQUOT, "{refusal}");
    assert_eq!(job.state().unwrap(), JobState::Transferred);
    assert!(!stage.path("a").exists());
    drop(trace);
    job.complete().unwrap();
    is_whole(&stage.path("a"), content);
}
