//! A disk that fails, lies, rots or turns read-only.

use std::fs;
use std::os::unix::fs::FileExt;

use dobbin_lab::origin::{Content, Origin, Pace, Plan, Route};
use dobbin_types::{ErrorCode, JobState};

use crate::mounts::Mount;
use crate::stage::{
    MIB, Stage, file, finishes, hashed, is_whole, lay, wait_for, wait_for_bytes, wait_for_error,
};

/// Row 12: the disk refuses a write.
#[test]
fn a_write_that_fails_stops_the_job_and_what_was_written_before_is_kept() {
    let content = Content::new(12, 6 * MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let stage = Stage::new();
    let job = stage.job(file(origin.url("/a"), &stage.path("a")));
    let data = stage.staged(job.id());
    let Some(trace) =
        lay(&stage, "pwrite64,pwritev2", "pwrite64,pwritev2:error=EIO:when=5", Some(&data))
    else {
        return;
    };
    job.resume().unwrap();
    wait_for_error(&job, JobState::Error, ErrorCode::EIO);
    drop(trace);
    job.resume().unwrap();
    finishes(&job, &stage.path("a"), content);
}

/// Row 13: the disk refuses a flush. Asked again it may say that all is well, so it is not asked.
#[test]
fn a_flush_that_fails_is_not_repeated_and_all_that_it_was_for_is_fetched_anew() {
    let content = Content::new(13, 3 * MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let stage = Stage::new();
    let job = stage.job(file(origin.url("/a"), &stage.path("a")));
    let data = stage.staged(job.id());
    let calls = "fsync,fdatasync,openat,pwrite64,pwritev2";
    let Some(trace) = lay(&stage, calls, "fsync,fdatasync:error=EIO:when=1", Some(&data)) else {
        return;
    };
    job.resume().unwrap();
    wait_for_error(&job, JobState::Error, ErrorCode::EIO);
    let asked_count = origin.requests().len();
    job.resume().unwrap();
    wait_for(&job, JobState::Transferred);
    let fetched: u64 =
        origin.requests_from(asked_count).iter().map(|exchange| exchange.body_sent_bytes).sum();
    assert_eq!(fetched, content.size(), "none of what was not flushed is believed");

    // Behind the flush that failed the file was opened and written again before it was flushed again.
    let calls = trace.end().unwrap();
    let failed = calls.iter().position(|call| call.contains("INJECTED")).unwrap();
    let is_flush = |call: &String| call.contains("sync(") && !call.contains("resumed");
    let next = calls[failed + 1..].iter().position(is_flush).unwrap() + failed + 1;
    let between = &calls[failed + 1..next];
    assert!(between.iter().any(|call| call.contains("openat(")), "{between:?}");
    assert!(between.iter().any(|call| call.contains("pwrite")), "{between:?}");
    job.complete().unwrap();
    is_whole(&stage.path("a"), content);
}

/// Row 14: the disk says that it has written, and has not. Whoever gave a hash gets no such file.
#[test]
fn a_write_that_was_lost_is_found_by_the_hash_and_the_file_is_not_shown() {
    let content = Content::new(14, 6 * MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let stage = Stage::new();
    let job = stage.job(hashed(origin.url("/a"), &stage.path("a"), content));
    let data = stage.staged(job.id());
    // Two blocks of the file system: at least one of them is a whole one of the file.
    let Some(trace) =
        lay(&stage, "pwrite64,pwritev2", "pwrite64,pwritev2:retval=8192:when=4", Some(&data))
    else {
        return;
    };
    job.resume().unwrap();
    wait_for_error(&job, JobState::Error, ErrorCode::DO_E_BAD_PIECE_HASH);
    assert!(!stage.path("a").exists());
    drop(trace);
    job.resume().unwrap();
    finishes(&job, &stage.path("a"), content);
}

/// Row 15: a bit flips in what lies there.
#[test]
fn a_bit_that_flips_while_the_job_waits_is_found_by_the_hash() {
    let content = Content::new(15, 6 * MIB);
    let slow = Route::honest(content).always(Pace::RatePerConnection(4 * MIB));
    let origin = Origin::start(Plan::new().route("/a", slow));
    let stage = Stage::new();
    let job = stage.job(hashed(origin.url("/a"), &stage.path("a"), content));
    job.resume().unwrap();
    wait_for_bytes(&job, 2 * MIB);
    job.suspend().unwrap();
    let data = fs::File::options().read(true).write(true).open(stage.staged(job.id())).unwrap();
    let mut byte = [0];
    data.read_exact_at(&mut byte, 1_000).unwrap();
    data.write_all_at(&[byte[0] ^ 4], 1_000).unwrap();
    origin.set("/a", Route::honest(content));
    job.resume().unwrap();
    wait_for_error(&job, JobState::Error, ErrorCode::DO_E_BAD_PIECE_HASH);
    assert!(!stage.path("a").exists());
    job.resume().unwrap();
    finishes(&job, &stage.path("a"), content);
}

/// Row 16: the file system turns read-only, as ext4 does when it finds an error.
#[test]
fn a_file_system_that_turns_read_only_is_waited_for_and_the_agent_answers() {
    let Some(disk) = Mount::ext4() else { return };
    let content = Content::new(16, 16 * MIB);
    let slow = Route::honest(content).always(Pace::RatePerConnection(4 * MIB));
    let origin = Origin::start(Plan::new().route("/a", slow));
    let stage = Stage::new();
    let job = stage.job(file(origin.url("/a"), &disk.path().join("a")));
    job.resume().unwrap();
    wait_for_bytes(&job, MIB);
    if !disk.spoil() {
        eprintln!("SKIPPED: NOT RUN, because this kernel finds no errors on command");
        return;
    }
    wait_for_error(&job, JobState::TransientError, ErrorCode::EROFS);
    stage.manager().agent().unwrap();
    let other = stage.job(file(origin.url("/a"), &stage.path("a")));
    origin.set("/a", Route::honest(content));
    other.resume().unwrap();
    wait_for(&other, JobState::Transferred);
}
