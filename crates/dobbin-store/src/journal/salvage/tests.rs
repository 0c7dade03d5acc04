//! Journals that are damaged row by row, and what comes out of them.

use dobbin_types::FileNumber;
use rusqlite::params;
use tempfile::TempDir;

use super::*;
use crate::{Store, StoredJob};

/// A file's record that reads as one.
const FILE: &str = include_str!("../../record/golden/file-v1.json");

fn id(number: u8) -> JobId {
    JobId::from_bytes([number; 16])
}

/// The record of a job that was doing well.
fn record_of(number: u8) -> String {
    let golden = include_str!("../../record/golden/job-v1.json");
    let (mut about, mut saved) = record::read_job(golden).unwrap();
    about.id = id(number);
    (saved.state, saved.error) = (JobState::Queued, None);
    record::write_saved(&about, &saved)
}

/// A damaged journal, and the place of a new one.
struct Scene {
    folder: TempDir,
    damaged: Connection,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let damaged = schema::create_at(&folder.path().join("damaged")).unwrap();
        Scene { folder, damaged }
    }

    fn row(&self, number: i64, id: &[u8], record: &str) {
        let sql = "INSERT INTO jobs (rowid, id, record) VALUES (?1, ?2, ?3)";
        self.damaged.execute(sql, params![number, id, record]).unwrap();
    }

    /// A job as it should be, with these files.
    fn job(&self, number: u8, files: &[(u32, &str)]) {
        self.row(number.into(), id(number).as_bytes(), &record_of(number));
        for (file, record) in files {
            let number = id(number);
            let change = Change::PutFile {
                job: number,
                number: FileNumber(*file),
                record: (*record).into(),
            };
            let transaction = self.damaged.unchecked_transaction().unwrap();
            change.apply(&transaction).unwrap();
            transaction.commit().unwrap();
        }
    }

    fn target(&self) -> std::path::PathBuf {
        self.folder.path().join("new/journal.db")
    }

    fn salvage(&self) -> Result<u64, Unsaved> {
        fs::create_dir_all(self.folder.path().join("new")).unwrap();
        salvage(&self.folder.path().join("damaged"), &self.target())
    }

    /// What an agent finds in the new journal.
    fn saved(&self) -> Vec<StoredJob> {
        let store = Store::open(&self.folder.path().join("new")).unwrap();
        assert_eq!(store.quarantined(), None);
        store.journal().load().unwrap().jobs
    }
}

#[test]
fn a_job_is_saved_as_stopped_with_its_files_up_to_the_first_that_cannot_be_read() {
    for (files, saved_count) in [
        (&[][..], 0),
        (&[(0, FILE), (1, FILE), (2, FILE)], 3),
        (&[(0, FILE), (1, "rubbish"), (2, FILE)], 1),
        (&[(1, FILE), (2, FILE)], 0),
    ] {
        let scene = Scene::new();
        scene.job(7, files);
        assert_eq!(scene.salvage().unwrap(), 1, "{files:?}");
        let [job] = scene.saved().try_into().unwrap();
        assert_eq!(job.id, id(7));
        let (about, saved) = record::read_job(&job.record).unwrap();
        assert_eq!(about, record::read_job(&record_of(7)).unwrap().0, "all that its owner said");
        assert_eq!(saved.state, JobState::Error, "only its owner knows whether it may go on");
        let error = saved.error.unwrap();
        assert_eq!((error.code, error.message.as_str()), (ErrorCode::EIO, WHY));
        let numbers: Vec<u32> = job.files.iter().map(|file| file.number.0).collect();
        assert_eq!(numbers, (0..saved_count).collect::<Vec<_>>(), "{files:?}");
    }
}

#[test]
fn what_was_called_flushed_is_not_believed_any_more() {
    let scene = Scene::new();
    scene.job(7, &[(0, FILE)]);
    let sql = "INSERT INTO flushed VALUES (?1, 0, 10, 10, x'80')";
    scene.damaged.execute(sql, [id(7).as_bytes()]).unwrap();
    scene.salvage().unwrap();
    assert_eq!(scene.saved()[0].files[0].flushed, None);
}

#[test]
fn what_is_no_job_is_left_out_and_those_behind_it_are_found() {
    let scene = Scene::new();
    scene.job(1, &[]);
    scene.row(2, id(2).as_bytes(), "rubbish");
    // Somebody else's record.
    scene.row(3, id(3).as_bytes(), &record_of(9));
    // No id at all: the row itself cannot be read.
    scene.row(4, b"short", &record_of(4));
    scene.job(5, &[(0, FILE)]);
    let before = fs::read(scene.folder.path().join("damaged")).unwrap();
    assert_eq!(scene.salvage().unwrap(), 2);
    let ids: Vec<JobId> = scene.saved().iter().map(|job| job.id).collect();
    assert_eq!(ids, [1, 5].map(id));
    assert_eq!(fs::read(scene.folder.path().join("damaged")).unwrap(), before);
}

#[test]
fn rows_that_cannot_be_read_are_passed_by_the_thousand_and_not_for_ever() {
    let scene = Scene::new();
    let gap = UNREADABLE_ROWS_MAX / 3 * 2;
    // Until a row can be read, nobody knows how many there are before it.
    for (nth, number) in [(1, 1_u8), (2, 2)] {
        scene.row(nth * gap - 1, format!("{number}").as_bytes(), "");
        scene.row(nth * gap, id(number).as_bytes(), &record_of(number));
    }
    scene.row(2 * gap + UNREADABLE_ROWS_MAX + 1, b"3", "");
    scene.row(2 * gap + UNREADABLE_ROWS_MAX + 2, id(3).as_bytes(), &record_of(3));
    assert_eq!(scene.salvage().unwrap(), 2);
}

#[test]
fn a_new_journal_is_there_only_if_anything_was_saved_and_holds_nothing_else() {
    // What a crash left of an earlier try goes first, whatever comes of this one.
    let leftover = |scene: &Scene| {
        fs::create_dir_all(scene.folder.path().join("new")).unwrap();
        let old = schema::create_at(&scene.target()).unwrap();
        let sql = "INSERT INTO jobs (id, record) VALUES (?1, ?2)";
        old.execute(sql, params![id(8).as_bytes(), record_of(8)]).unwrap();
    };
    let full = Scene::new();
    full.job(1, &[]);
    leftover(&full);
    assert_eq!(full.salvage().unwrap(), 1);
    let ids: Vec<JobId> = full.saved().iter().map(|job| job.id).collect();
    assert_eq!(ids, [id(1)]);

    let empty = Scene::new();
    leftover(&empty);
    assert_eq!(empty.salvage().unwrap(), 0);
    assert!(!empty.target().exists());

    let none = Scene::new();
    leftover(&none);
    fs::write(none.folder.path().join("damaged"), "no database at all".repeat(100)).unwrap();
    assert_eq!(none.salvage().unwrap(), 0);
    assert!(!none.target().exists());
}
