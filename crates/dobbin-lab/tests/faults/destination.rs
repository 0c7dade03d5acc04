//! The place where a file is to appear changes while it is fetched.

use std::fs;

use dobbin_lab::origin::{Content, Origin, Plan};
use dobbin_types::{ErrorCode, JobState};

use crate::mounts::Mount;
use crate::stage::{MIB, Stage, file, is_whole, wait_for};

/// Row 17: its folder is removed, or renamed.
#[test]
fn a_folder_that_is_gone_keeps_the_bytes_until_it_is_back() {
    let content = Content::new(17, 2 * MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let stage = Stage::new();
    let folder = stage.path("folder");
    fs::create_dir(&folder).unwrap();
    let job = stage.job(file(origin.url("/a"), &folder.join("a")));
    job.resume().unwrap();
    wait_for(&job, JobState::Transferred);
    fs::rename(&folder, stage.path("elsewhere")).unwrap();
    let refusal = job.complete().unwrap_err();
    assert_eq!(refusal.code(), ErrorCode::ENOENT, "{refusal}");
    assert_eq!(job.state().unwrap(), JobState::Transferred);
    let asked_count = origin.requests().len();
    fs::create_dir(&folder).unwrap();
    job.complete().unwrap();
    is_whole(&folder.join("a"), content);
    assert_eq!(origin.requests().len(), asked_count, "nothing was fetched again");
}

/// Row 17: its file system is unmounted, with the bytes of the job on it.
#[test]
fn a_file_system_that_is_gone_refuses_complete() {
    let Some(disk) = Mount::memory(16) else { return };
    let content = Content::new(18, 2 * MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let stage = Stage::new();
    let job = stage.job(file(origin.url("/a"), &disk.path().join("a")));
    job.resume().unwrap();
    wait_for(&job, JobState::Transferred);
    let path = disk.path().to_path_buf();
    drop(disk);
    let refusal = job.complete().unwrap_err();
    assert_eq!(refusal.code(), ErrorCode::ENOENT, "{refusal}");
    assert_eq!(job.state().unwrap(), JobState::Transferred);
    assert!(!path.join("a").exists());
    job.cancel().unwrap();
}

/// Row 18: somebody else takes the name.
#[test]
fn a_file_that_appeared_meanwhile_is_left_alone_and_the_job_keeps_its_own() {
    let content = Content::new(19, 2 * MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let stage = Stage::new();
    let path = stage.path("a");
    let job = stage.job(file(origin.url("/a"), &path));
    job.resume().unwrap();
    wait_for(&job, JobState::Transferred);
    fs::write(&path, "somebody's").unwrap();
    let refusal = job.complete().unwrap_err();
    assert_eq!(refusal.code(), ErrorCode::EEXIST, "{refusal}");
    assert_eq!(fs::read(&path).unwrap(), b"somebody's");
    fs::remove_file(&path).unwrap();
    job.complete().unwrap();
    is_whole(&path, content);
}
