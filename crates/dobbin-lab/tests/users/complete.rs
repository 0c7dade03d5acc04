//! Complete by somebody who is not the agent.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use dobbin_lab::origin::{Content, End, Origin, Plan, Route};
use dobbin_sdk::Manager;
use dobbin_types::rest::{AgentWord, ClientWord, Outcome, route};
use dobbin_types::{ErrorCode, FileNumber, JobState};

use crate::stage::{AGENT, ANN, BOB, ROOT, Stage, as_user, file, transferred};
use crate::words::{Words, post};

const MIB: u64 = 1024 * 1024;

fn origin() -> (Origin, Content) {
    let content = Content::new(11, 3 * MIB + 17);
    (Origin::start(Plan::new().file("/a", content).file("/b", content)), content)
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[track_caller]
fn is_theirs(path: &Path, uid: u32, content: Content) {
    let found = fs::symlink_metadata(path).unwrap();
    assert!(found.is_file() && found.nlink() == 1);
    assert_eq!((found.uid(), found.gid()), (uid, uid));
    assert!(fs::read(path).unwrap() == content.all());
}

/// Nothing of any job is left in the agent's store.
#[track_caller]
fn store_is_empty(stage: &Stage) {
    assert_eq!(names(&stage.path("state/staging")), Vec::<String>::new());
}

/// conformance: complete owner, complete caller-descriptor, complete time-stamp, complete visible
#[test]
fn a_file_fetched_by_the_agent_is_the_callers_in_a_folder_that_the_agent_cannot_see() {
    for agent in [AGENT, ROOT] {
        let Some(stage) = Stage::open(agent) else { return };
        let (origin, content) = origin();
        let home = stage.folder_of("home", ANN, 0o700);
        let to = home.join("file");
        let job = stage.with(ANN, |manager| async move {
            let job = transferred(&manager, vec![file(origin.url("/a"), &to)]).await;
            assert!(!to.exists(), "nothing appears before Complete");
            let last_modified = job.files().await.unwrap()[0].last_modified.unwrap();
            let outcome = job.complete().await.unwrap();
            assert_eq!((outcome.code, outcome.state), (ErrorCode::S_OK, JobState::Acknowledged));
            let modified = fs::metadata(&to).unwrap().mtime();
            assert_eq!(u64::try_from(modified).unwrap() * 1_000, last_modified.unix_millis());
            job.complete().await.map_err(|error| error.code()).map(|outcome| outcome.code)
        });
        assert_eq!(job, Err(ErrorCode::DO_E_INVALID_STATE), "once is enough");
        is_theirs(&home.join("file"), ANN, content);
        assert_eq!(names(&home), ["file"]);
        store_is_empty(&stage);
        if agent != ROOT {
            let seen = as_user(agent, || async { fs::read_dir(&home).map(|_| ()) });
            assert_eq!(seen.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
        }
    }
}

/// conformance: complete path-only
#[test]
fn no_agent_writes_where_a_path_of_another_users_leads() {
    for agent in [AGENT, ROOT] {
        let Some(stage) = Stage::open(agent) else { return };
        let (origin, _) = origin();
        // Ann may write here, and so may the agent.
        let open = stage.folder_of("open", ANN, 0o777);
        let to = open.join("file");
        let api = stage.socket();
        let refused = stage.with(ANN, |manager| async move {
            let job = transferred(&manager, vec![file(origin.url("/a"), &to)]).await;
            let path = route::of_job(route::COMPLETE, job.id());
            let refused = post::<Outcome>(&api, &path).unwrap_err();
            assert_eq!(job.state().await.unwrap(), JobState::Transferred);
            refused
        });
        assert_eq!(refused.code, ErrorCode::DO_E_FILE_DOWNLOADSINK_UNSPECIFIED);
        assert_eq!(names(&open), Vec::<String>::new());
    }
}

/// conformance: Job::AddFileWithRanges folder
#[test]
fn what_the_caller_could_not_write_is_refused_before_a_byte_is_fetched() {
    let Some(stage) = Stage::open(AGENT) else { return };
    let bobs = stage.folder_of("bobs", BOB, 0o755);
    fs::write(bobs.join("there"), "x").unwrap();
    stage.with(ANN, |manager| async move {
        let try_it = async |path: &Path| {
            let body = dobbin_types::rest::CreateJob {
                files: vec![file("http://127.0.0.1:1/a".into(), path)],
                ..Default::default()
            };
            manager.create_job(&body).await.unwrap_err().code()
        };
        assert_eq!(try_it(&bobs.join("new")).await, ErrorCode::E_ACCESSDENIED);
        assert_eq!(try_it(&bobs.join("missing/new")).await, ErrorCode::ENOENT);
        assert_eq!(manager.jobs(&Default::default()).await.unwrap(), []);
    });
}

/// conformance: Job::Complete partial, complete partial-files
#[test]
fn an_unfinished_job_leaves_its_finished_files_to_the_caller() {
    let Some(stage) = Stage::open(AGENT) else { return };
    let content = Content::new(12, MIB);
    let stalled = Route::honest(Content::new(13, 8 * MIB)).always(End::StallAfter(MIB));
    let origin = Origin::start(Plan::new().file("/a", content).route("/b", stalled));
    let home = stage.folder_of("home", ANN, 0o700);
    let (a, b) = (home.join("a"), home.join("b"));
    stage.with(ANN, |manager| async move {
        let files = vec![file(origin.url("/a"), &a), file(origin.url("/b"), &b)];
        let body = dobbin_types::rest::CreateJob { files, ..Default::default() };
        let job = manager.create_job(&body).await.unwrap();
        let mut events = job.events().await.unwrap();
        job.resume().await.unwrap();
        while events.next().await.unwrap().job.progress.files_transferred < 1 {}
        assert_eq!(job.complete().await.unwrap().code, ErrorCode::BG_S_PARTIAL_COMPLETE);
    });
    is_theirs(&home.join("a"), ANN, content);
    assert_eq!(names(&home), ["a"]);
    store_is_empty(&stage);
}

/// conformance: Job::Complete again, complete replace, state-table Complete rename-fails × TRANSFERRED
#[test]
fn a_file_in_the_way_keeps_the_job_and_the_files_that_were_named() {
    let Some(stage) = Stage::open(AGENT) else { return };
    let (origin, content) = origin();
    let home = stage.folder_of("home", ANN, 0o700);
    let gone = stage.folder_of("home/gone", ANN, 0o700);
    let (a, b) = (home.join("a"), gone.join("b"));
    stage.with(ANN, |manager| async move {
        let files = vec![file(origin.url("/a"), &a), file(origin.url("/b"), &b)];
        let job = transferred(&manager, files).await;
        let try_it = async || job.complete().await.map_err(|error| error.code());
        let completed = async || {
            let files = job.files().await.unwrap();
            files.iter().map(|file| file.progress.completed).collect::<Vec<_>>()
        };
        fs::write(&b, "precious").unwrap();
        assert_eq!(try_it().await.unwrap_err(), ErrorCode::EEXIST);
        assert_eq!(job.state().await.unwrap(), JobState::Transferred);
        assert_eq!(completed().await, [true, false]);
        assert_eq!(fs::read(&b).unwrap(), b"precious");
        is_theirs(&a, ANN, content);
        // The folder itself goes.
        fs::remove_dir_all(&gone).unwrap();
        assert_eq!(try_it().await.unwrap_err(), ErrorCode::ENOENT);
        fs::create_dir(&gone).unwrap();
        // What was named may be moved: it is the caller's.
        fs::rename(&a, home.join("mine")).unwrap();
        assert_eq!(try_it().await.unwrap().code, ErrorCode::S_OK);
        is_theirs(&b, ANN, content);
        assert_eq!(names(&gone), ["b"]);
        assert_eq!(names(&home), ["gone", "mine"]);
    });
}

/// conformance: complete administrator
#[test]
fn root_may_complete_another_users_job_where_that_user_could_have() {
    for agent in [AGENT, ROOT] {
        let Some(stage) = Stage::open(agent) else { return };
        let (origin, content) = origin();
        let home = stage.folder_of("home", ANN, 0o700);
        let roots = stage.folder_of("roots", ANN, 0o755);
        let (good, evil) = (home.join("file"), roots.join("file"));
        let [good, evil] = stage.with(ANN, |manager| async move {
            let good = transferred(&manager, vec![file(origin.url("/a"), &good)]).await;
            let evil = transferred(&manager, vec![file(origin.url("/b"), &evil)]).await;
            [good.id(), evil.id()]
        });
        // The folder becomes one that Ann cannot write to.
        std::os::unix::fs::chown(&roots, Some(ROOT), Some(ROOT)).unwrap();
        stage.with(ROOT, |manager| async move {
            let job = manager.job(good).await.unwrap();
            assert_eq!(job.complete().await.unwrap().code, ErrorCode::S_OK);
            let job = manager.job(evil).await.unwrap();
            assert_eq!(job.complete().await.unwrap_err().code(), ErrorCode::EACCES);
            assert_eq!(job.state().await.unwrap(), JobState::Transferred);
        });
        is_theirs(&home.join("file"), ROOT, content);
        assert_eq!(names(&roots), Vec::<String>::new());
    }
}

fn create_part(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path).unwrap()
}

/// The identity of a client of this library for the file at `path`.
fn identity(path: &Path) -> String {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::ALL).unwrap();
    let born = found.stx_btime;
    let (major, minor) = (found.stx_dev_major, found.stx_dev_minor);
    format!("{major}:{minor}:{}:{}.{}", found.stx_ino, born.tv_sec, born.tv_nsec)
}

/// A client that gets as far as the rename and is never heard of again.
fn die_after_the_rename(api: &Path, job: dobbin_types::JobId, to: &Path) {
    let (mut words, given) = Words::begin(api, job);
    assert!(matches!(&given, AgentWord::Give { files } if files.len() == 1), "{given:?}");
    let part = to.with_extension("part");
    let open = create_part(&part);
    let filled = words.fill(&identity(&part), &open);
    assert!(matches!(&filled, AgentWord::Filled { .. }), "{filled:?}");
    fs::rename(&part, to).unwrap();
}

/// conformance: complete interrupted
#[test]
fn a_caller_who_dies_before_saying_so_finds_the_file_named() {
    let Some(mut stage) = Stage::open(AGENT) else { return };
    let (origin, content) = origin();
    let home = stage.folder_of("home", ANN, 0o700);
    let to = home.join("file");
    let (api, path) = (stage.socket(), to.clone());
    let id = stage.with(ANN, |manager| async move {
        let job = transferred(&manager, vec![file(origin.url("/a"), &path)]).await;
        die_after_the_rename(&api, job.id(), &path);
        job.id()
    });
    // Nor does the agent survive it.
    stage.kill();
    stage.start();
    let before = fs::metadata(&to).unwrap().ino();
    let complete = |manager: Manager| async move {
        let job = manager.job(id).await.unwrap();
        assert_eq!(job.state().await.unwrap(), JobState::Transferred);
        job.complete().await.map_err(|error| error.code()).map(|outcome| outcome.code)
    };
    assert_eq!(stage.with(ANN, complete), Ok(ErrorCode::S_OK));
    assert_eq!(fs::metadata(&to).unwrap().ino(), before, "the very file");
    is_theirs(&to, ANN, content);
}

/// The other side of it: what stands there is another file of the caller's.
#[test]
fn a_file_that_took_the_place_of_the_filled_one_is_not_taken_for_it() {
    let Some(stage) = Stage::open(AGENT) else { return };
    let (origin, content) = origin();
    let home = stage.folder_of("home", ANN, 0o700);
    let to = home.join("file");
    let (api, path) = (stage.socket(), to.clone());
    stage.with(ANN, |manager| async move {
        let job = transferred(&manager, vec![file(origin.url("/a"), &path)]).await;
        die_after_the_rename(&api, job.id(), &path);
        let other = path.with_extension("other");
        fs::write(&other, vec![0; content.all().len()]).unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!(job.complete().await.unwrap_err().code(), ErrorCode::EEXIST);
        fs::remove_file(&path).unwrap();
        assert_eq!(job.complete().await.unwrap().code, ErrorCode::S_OK);
    });
    is_theirs(&to, ANN, content);
}

/// conformance: complete interrupted
#[test]
fn what_a_dead_caller_left_beside_the_file_is_replaced_by_the_next() {
    let Some(stage) = Stage::open(AGENT) else { return };
    let (origin, content) = origin();
    let home = stage.folder_of("home", ANN, 0o700);
    let to = home.join("file");
    let path = to.clone();
    stage.with(ANN, |manager| async move {
        let job = transferred(&manager, vec![file(origin.url("/a"), &path)]).await;
        let (high, low) = job.id().0.as_u64_pair();
        let left = path.with_file_name(format!(".file.{:016x}.part", high ^ low));
        fs::write(&left, "half").unwrap();
        assert_eq!(job.complete().await.unwrap().code, ErrorCode::S_OK);
    });
    is_theirs(&to, ANN, content);
    assert_eq!(names(&home), ["file"]);
}

/// conformance: code BG_S_UNABLE_TO_DELETE_FILES
#[test]
fn a_cancel_that_cannot_remove_everything_says_so_and_the_next_start_does_it() {
    let Some(mut stage) = Stage::open(AGENT) else { return };
    let (origin, _) = origin();
    let to = stage.folder_of("home", ANN, 0o700).join("file");
    let staging = stage.path("state/staging");
    let id = stage.with(ANN, |manager| async move {
        transferred(&manager, vec![file(origin.url("/a"), &to)]).await.id()
    });
    let locked = staging.join(id.to_string());
    fs::set_permissions(&locked, Permissions::from_mode(0o500)).unwrap();
    stage.with(ANN, |manager| async move {
        let outcome = manager.job(id).await.unwrap().cancel().await.unwrap();
        assert_eq!(outcome.code, ErrorCode::BG_S_UNABLE_TO_DELETE_FILES);
        assert_eq!(outcome.state, JobState::Cancelled);
    });
    fs::set_permissions(&locked, Permissions::from_mode(0o700)).unwrap();
    stage.kill();
    stage.start();
    store_is_empty(&stage);
}

/// conformance: Job::Cancel, cancel files
#[test]
fn a_cancel_ends_a_handover_that_does_not_end() {
    let Some(stage) = Stage::open(AGENT) else { return };
    let (origin, _) = origin();
    let home = stage.folder_of("home", ANN, 0o700);
    let to = home.join("file");
    let api = stage.socket();
    stage.with(ANN, |manager| async move {
        let job = transferred(&manager, vec![file(origin.url("/a"), &to)]).await;
        let (mut words, _) = Words::begin(&api, job.id());
        let outcome = job.cancel().await.unwrap();
        assert_eq!((outcome.code, outcome.state), (ErrorCode::S_OK, JobState::Cancelled));
        let named = ClientWord::Named { files: vec![FileNumber(0)], failed: None };
        let refused = words.ask(&named, &[]);
        let AgentWord::Refused { failure } = refused else { panic!("{refused:?}") };
        assert_eq!(failure.code, ErrorCode::DO_E_INVALID_STATE);
    });
    store_is_empty(&stage);
    assert_eq!(names(&home), Vec::<String>::new());
}
