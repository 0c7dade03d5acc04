//! Open files that mean no good, and callers who do not play by the words.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use dobbin_lab::origin::{Content, Origin, Plan};
use dobbin_types::rest::{AgentWord, ClientWord, FailedFile, Failure, Handover, OpenedFile, route};
use dobbin_types::{ErrorCode, FileNumber, JobId, JobState};

use crate::stage::{AGENT, ANN, BOB, Stage, as_user, file, transferred};
use crate::words::{Words, post};

const MIB: u64 = 1024 * 1024;

/// A job of Ann's with one file, transferred.
fn job(stage: &Stage, content: Content, to: &Path) -> (Origin, JobId) {
    let origin = Origin::start(Plan::new().file("/a", content));
    let url = origin.url("/a");
    let id = stage
        .with(ANN, |manager| async move { transferred(&manager, vec![file(url, to)]).await.id() });
    (origin, id)
}

#[track_caller]
fn refused(word: &AgentWord) -> ErrorCode {
    let AgentWord::Refused { failure } = word else { panic!("{word:?}") };
    assert!(!failure.message.is_empty());
    failure.code
}

fn new_file(path: &Path) -> File {
    let _ = fs::remove_file(path);
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path).unwrap()
}

/// Every kind of open file that is not a new, empty one of the caller's own.
fn hostile_files(home: &Path, bobs: File) -> Vec<(&'static str, OwnedFd)> {
    let at = |name: &str| home.join(name);
    let with_two_names = new_file(&at("one"));
    fs::hard_link(at("one"), at("two")).unwrap();
    let mut full = new_file(&at("full"));
    full.write_all(b"x").unwrap();
    drop(new_file(&at("plain")));
    let open = |options: &mut OpenOptions| options.open(at("plain")).unwrap();
    let (pipe_read, pipe_write) = std::io::pipe().unwrap();
    let device = OpenOptions::new().read(true).write(true).open("/dev/null").unwrap();
    let path_only = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
    let path_only = rustix::fs::open(at("plain"), path_only, rustix::fs::Mode::empty()).unwrap();
    vec![
        ("another user's", bobs.into()),
        ("two names", with_two_names.into()),
        ("not empty", full.into()),
        ("for appending", open(OpenOptions::new().append(true)).into()),
        ("for reading", open(OpenOptions::new().read(true)).into()),
        ("a mere path", path_only),
        ("a folder", File::open(home).unwrap().into()),
        ("a device", device.into()),
        ("a pipe's end to read", pipe_read.into()),
        ("a pipe's end to write", pipe_write.into()),
        ("a socket", UnixStream::pair().unwrap().0.into()),
    ]
}

/// conformance: complete caller-descriptor
#[test]
fn an_open_file_that_gives_something_away_is_refused_and_nothing_stays_open() {
    let Some(stage) = Stage::open(AGENT) else { return };
    let home = stage.folder_of("home", ANN, 0o700);
    let bobs = stage.folder_of("bobs", BOB, 0o777).join("file");
    let bobs = as_user(BOB, || async { new_file(&bobs) });
    let (_origin, id) = job(&stage, Content::new(21, MIB), &home.join("file"));
    let api = stage.socket();
    let idle = stage.descriptors();
    stage.with(ANN, |manager| async move {
        for (what, open) in hostile_files(&home, bobs) {
            let (mut words, _) = Words::begin(&api, id);
            assert_eq!(refused(&words.fill("m", &open)), ErrorCode::EACCES, "{what}");
        }
        let job = manager.job(id).await.unwrap();
        assert_eq!(job.state().await.unwrap(), JobState::Transferred);
        assert_eq!(fs::read(home.join("full")).unwrap(), b"x");
        assert_eq!(fs::metadata(home.join("plain")).unwrap().len(), 0);
        assert_eq!(job.complete().await.unwrap().code, ErrorCode::S_OK);
    });
    // One more or less for what the agent keeps of its own accord.
    let after = stage.descriptors();
    assert!(after <= idle + 2, "{idle} descriptors before, {after} after");
}

/// conformance: complete caller-descriptor
#[test]
fn words_out_of_turn_are_refused_and_change_nothing() {
    let Some(stage) = Stage::open(AGENT) else { return };
    let home = stage.folder_of("home", ANN, 0o700);
    let (_origin, id) = job(&stage, Content::new(22, MIB), &home.join("file"));
    let api = stage.socket();
    let opened = |numbers: &[u32], identity: &str| ClientWord::Fill {
        files: numbers
            .iter()
            .map(|number| OpenedFile { number: FileNumber(*number), identity: identity.into() })
            .collect(),
    };
    let named = |number, failed| ClientWord::Named { files: vec![FileNumber(number)], failed };
    stage.with(ANN, |manager| async move {
        let open = new_file(&home.join("part"));
        let one = [open.as_fd()];
        let many = [open.as_fd(); 4];
        for (what, word, files) in [
            ("begins twice", ClientWord::Begin { token: "x".into() }, &one[..0]),
            ("a file that was not given", opened(&[7], ""), &one[..]),
            ("no open file", opened(&[0], ""), &one[..0]),
            ("too many open files", opened(&[0], ""), &many[..]),
            ("one file twice", opened(&[0, 0], ""), &many[..2]),
            ("nothing", opened(&[], ""), &one[..0]),
            ("an identity without end", opened(&[0], &"m".repeat(129)), &one[..]),
            ("named and never filled", named(0, None), &one[..0]),
            ("named and not in the job", named(9, None), &one[..0]),
        ] {
            let (mut words, _) = Words::begin(&api, id);
            assert_eq!(refused(&words.ask(&word, files)), ErrorCode::E_INVALIDARG, "{what}");
            open.set_len(0).unwrap();
        }
        let (mut words, _) = Words::begin(&api, id);
        words.stream.write_all(b"{\"word\":\"fill\"}\n").unwrap();
        assert_eq!(refused(&words.hear()), ErrorCode::E_INVALIDARG, "nonsense");
        let (mut words, _) = Words::begin(&api, id);
        let failure = Failure::of(ErrorCode::EDQUOT);
        let failed = Some(FailedFile { number: FileNumber(0), failure });
        let word = words.ask(&ClientWord::Named { files: vec![], failed }, &[]);
        assert_eq!(refused(&word), ErrorCode::EDQUOT, "the caller's own words come back");
        let job = manager.job(id).await.unwrap();
        assert_eq!(job.complete().await.unwrap().code, ErrorCode::S_OK);
    });
}

/// conformance: complete caller-descriptor
#[test]
fn leave_to_take_files_is_for_one_user_and_for_once() {
    let Some(stage) = Stage::open(AGENT) else { return };
    let home = stage.folder_of("home", ANN, 0o700);
    let (_origin, id) = job(&stage, Content::new(23, 10), &home.join("file"));
    let api = stage.socket();
    let path = route::of_job(route::HANDOVER, id);
    let (api, path) = (&api, &path);
    let ask = || async move { post::<Handover>(api, path) };
    let begin =
        |token: String| async move { Words::open(api).ask(&ClientWord::Begin { token }, &[]) };
    assert_eq!(as_user(BOB, ask).unwrap_err().code, ErrorCode::E_ACCESSDENIED);
    let leave = as_user(ANN, ask).unwrap();
    let stolen = as_user(BOB, || begin(leave.token.clone()));
    assert_eq!(refused(&stolen), ErrorCode::E_ACCESSDENIED);
    let spoilt = as_user(ANN, || begin(leave.token));
    assert_eq!(refused(&spoilt), ErrorCode::E_ACCESSDENIED, "a stolen token is worth nothing");
    let made_up = as_user(ANN, || begin("0".repeat(64)));
    assert_eq!(refused(&made_up), ErrorCode::E_ACCESSDENIED);
}

/// conformance: complete caller-descriptor
#[test]
fn a_caller_who_keeps_the_agent_waiting_holds_up_nobody_else() {
    let Some(stage) = Stage::open(AGENT) else { return };
    let (anns, bobs) = (stage.folder_of("anns", ANN, 0o700), stage.folder_of("bobs", BOB, 0o700));
    let (origin, id) = job(&stage, Content::new(24, MIB), &anns.join("file"));
    let api = stage.socket();
    let held = as_user(ANN, || async {
        // As many as Ann may have at all, none of which ever says a word.
        let silent: Vec<Words> = (0..64).map(|_| Words::open(&api)).collect();
        silent
    });
    let to = bobs.join("file");
    let code = stage.with(BOB, |manager| async move {
        let job = transferred(&manager, vec![file(origin.url("/a"), &to)]).await;
        job.complete().await.unwrap().code
    });
    assert_eq!(code, ErrorCode::S_OK);
    drop(held);
    let code = stage.with(ANN, |manager| async move {
        manager.job(id).await.unwrap().complete().await.unwrap().code
    });
    assert_eq!(code, ErrorCode::S_OK, "and Ann herself, when she lets go");
}

/// Row 58 of the faults: the file is cut, lengthened and unlinked while it is being filled.
///
/// conformance: complete caller-descriptor
#[test]
fn a_file_that_changes_under_the_agent_harms_nobody() {
    let Some(stage) = Stage::open(AGENT) else { return };
    let home = stage.folder_of("home", ANN, 0o700);
    let content = Content::new(25, 16 * MIB);
    let (_origin, id) = job(&stage, content, &home.join("file"));
    let api = stage.socket();
    stage.with(ANN, |manager| async move {
        for round in 0..8 {
            let part = home.join("part");
            let open = new_file(&part);
            let (mut words, _) = Words::begin(&api, id);
            let is_over = AtomicBool::new(false);
            let word = thread::scope(|scope| {
                scope.spawn(|| {
                    let mut turn = round;
                    while !is_over.load(Ordering::Relaxed) {
                        // Lengths that are never the file's own.
                        let length = if turn % 2 == 0 { 0 } else { 17 * MIB };
                        open.set_len(length).unwrap();
                        if round % 4 == 3 {
                            let _ = fs::remove_file(&part);
                        }
                        turn += 1;
                    }
                });
                let word = words.fill("m", &open);
                is_over.store(true, Ordering::Relaxed);
                word
            });
            match word {
                AgentWord::Filled { files } => assert_eq!(files[0].size, 16 * MIB),
                other => assert_eq!(refused(&other), ErrorCode::EACCES),
            }
        }
        let job = manager.job(id).await.unwrap();
        assert_eq!(job.complete().await.unwrap().code, ErrorCode::S_OK);
        assert!(fs::read(home.join("file")).unwrap() == content.all());
        assert_eq!(fs::metadata(home.join("file")).unwrap().uid(), ANN);
    });
}
