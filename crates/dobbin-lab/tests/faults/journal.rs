//! A journal that is torn, or of another version.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use dobbin_lab::origin::{Content, Origin, Plan};
use dobbin_sdk::JobFilter;
use dobbin_types::rest::CreateJob;
use dobbin_types::{JobId, JobState};

use crate::stage::{Stage, file};

/// Jobs in a journal that is then damaged: some hundred pages of it.
const JOBS: usize = 300;

/// Bytes that a disk writes whole or not at all.
const SECTOR: u64 = 512;

/// A number that looks random (a step of xorshift).
fn chance(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Overwrites some sectors of a file with rubbish.
fn tear(path: &Path, sectors_count: u32, chances: &mut u64) {
    let file = fs::File::options().write(true).open(path).unwrap();
    let sectors = file.metadata().unwrap().len() / SECTOR;
    for _ in 0..sectors_count {
        let at = chance(chances) % sectors * SECTOR;
        let rubbish: Vec<u8> = (0..SECTOR).map(|_| chance(chances) as u8).collect();
        file.write_all_at(&rubbish, at).unwrap();
    }
}

fn jobs_of(stage: &Stage) -> Vec<(JobId, JobState, String)> {
    let jobs = stage.manager().jobs(&JobFilter::default()).unwrap();
    jobs.into_iter().map(|info| (info.id, info.state, info.display_name)).collect()
}

/// A store with jobs in it and nobody at work.
fn filled() -> (Origin, Stage) {
    let origin = Origin::start(Plan::new().file("/a", Content::new(5, 1_000)));
    let mut stage = Stage::new();
    for number in 0..JOBS {
        let body = CreateJob {
            display_name: format!("job {number}"),
            files: vec![file(origin.url("/a"), &stage.path(&format!("a{number}")))],
            ..CreateJob::default()
        };
        stage.manager().create_job(&body).unwrap();
    }
    stage.stop();
    (origin, stage)
}

/// Row 5: sectors of the journal are rubbish.
#[test]
fn a_torn_journal_is_set_aside_and_the_agent_starts_with_what_could_be_saved() {
    let (origin, mut stage) = filled();
    let journal = stage.setup.state.join("journal.db");
    let whole = fs::read(&journal).unwrap();
    let mut chances = 0x0005_0005_0005;
    let (mut quarantined_count, mut saved_count) = (0, 0);
    for round in 0..6 {
        fs::write(&journal, &whole).unwrap();
        tear(&journal, 1 + round, &mut chances);
        let aside_before = aside(&stage.setup.state);
        stage.start().unwrap();
        let jobs = jobs_of(&stage);
        let is_set_aside = aside(&stage.setup.state) > aside_before;
        // Either nothing that matters was hit, or what was damaged is kept for somebody to look at.
        assert!(is_set_aside || jobs.len() == JOBS, "{} jobs in round {round}", jobs.len());
        for (id, state, name) in &jobs {
            assert!(name.starts_with("job "), "{name}");
            // What was saved out of a damaged journal waits for its owner's word.
            let expected = if is_set_aside { JobState::Error } else { JobState::Suspended };
            assert_eq!(*state, expected, "{id} in round {round}");
        }
        if is_set_aside {
            quarantined_count += 1;
            saved_count += jobs.len();
        }
        // It is a working journal again.
        let body = CreateJob {
            display_name: "job anew".into(),
            files: vec![file(origin.url("/a"), &stage.path("anew"))],
            ..CreateJob::default()
        };
        stage.manager().create_job(&body).unwrap();
        stage.stop();
    }
    assert!(quarantined_count > 0, "nothing that matters was ever hit");
    assert!(saved_count > JOBS, "{saved_count} jobs saved out of {quarantined_count} journals");
}

/// How many journals were set aside.
fn aside(state: &Path) -> usize {
    let names = fs::read_dir(state).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains(".corrupt-")).count()
}

/// Row 57: a journal that a later version wrote.
#[test]
fn a_journal_of_a_later_version_is_refused_and_not_touched() {
    let (_origin, mut stage) = filled();
    let journal = stage.setup.state.join("journal.db");
    // The version that its owner gave it: bytes 60 to 63 of SQLite's header.
    let file = fs::File::options().write(true).open(&journal).unwrap();
    file.write_all_at(&99_u32.to_be_bytes(), 60).unwrap();
    let before = fs::read(&journal).unwrap();
    let refusal = stage.start().unwrap_err();
    assert!(refusal.contains("ended by itself"), "{refusal}");
    assert!(stage.log().contains("newer version"), "{}", stage.log());
    assert_eq!(fs::read(&journal).unwrap(), before);
    assert_eq!(aside(&stage.setup.state), 0);
}
