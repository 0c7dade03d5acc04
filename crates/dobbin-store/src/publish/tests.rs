//! Every way of publishing, everything that may be in the way, and every moment at which it may stop.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use dobbin_core::piece::Layout;
use dobbin_types::{ErrorCode, FileNumber, JobId, Uid};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::folders::Folders;
use super::prepare::prepare_by;
use super::*;
use crate::durable;
use crate::staging::{Known, Place, Staging};

/// A folder with a finished staging file in it, and room for destinations.
struct Scene {
    folder: tempfile::TempDir,
    staging: Staging,
    bytes: Vec<u8>,
}

impl Scene {
    fn new() -> Scene {
        Scene::in_folder(tempfile::tempdir().unwrap())
    }

    fn in_folder(folder: tempfile::TempDir) -> Scene {
        let bytes: Vec<u8> = (0..3_000_u32).map(|at| (at % 253) as u8).collect();
        let layout = Layout::new(bytes.len() as u64, 1_000).unwrap();
        let place = Place::in_folder(&folder.path().join("store"), FileNumber(0));
        let staging = Staging::create(place, layout, "boot").unwrap();
        staging.write_at(&bytes, 0).unwrap();
        layout.pieces().for_each(|piece| staging.mark_have(piece).unwrap());
        Scene { folder, staging, bytes }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn prepare(&self, wanted: &Wanted<'_>, cheapest: Way) -> Result<(Intent, Way), PublishError> {
        prepare_by(&mut Folders::default(), &self.staging, wanted, cheapest)
    }

    /// What stands beside the store: the user's view of the folder.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != "store");
        names.sort();
        names
    }
}

fn wanted(destination: &Path, replace: bool) -> Wanted<'_> {
    Wanted { destination, mode: 0o640, replace, last_modified: None, tag: 0xfeed }
}

fn code_of(errno: Errno) -> ErrorCode {
    ErrorCode::from_file_error(&errno.into())
}

const EVERY_WAY: [Way; 4] = [Way::Rename, Way::Reflink, Way::InKernel, Way::ReadWrite];

/// conformance: complete time-stamp
#[test]
fn by_every_way_the_file_appears_whole_with_its_mode_and_time() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_234_567_890);
    for cheapest in EVERY_WAY {
        let scene = Scene::new();
        let to = scene.at("result");
        let wanted = Wanted { last_modified: Some(time), mode: 0o4640, ..wanted(&to, false) };
        let (intent, way) = scene.prepare(&wanted, cheapest).unwrap();
        assert!(way >= cheapest, "{way:?}");
        assert_eq!(intent.copied, way != Way::Rename);
        assert!(!to.exists(), "{way:?}: visible too early");
        commit(&intent).unwrap();

        assert!(fs::read(&to).unwrap() == scene.bytes, "{way:?}");
        let found = fs::metadata(&to).unwrap();
        assert_eq!(found.mode() & 0o7777, 0o640, "{way:?}: no set-id bits");
        assert_eq!(found.modified().unwrap(), time, "{way:?}");
        assert_eq!((found.dev(), found.ino()), (intent.device, intent.inode), "{way:?}");
        assert_eq!(found.nlink(), 1, "{way:?}");
        assert_eq!(scene.names(), ["result"], "{way:?}");
        assert_eq!(scene.staging.place().data().exists(), way != Way::Rename);
        scene.staging.discard().unwrap();
    }
}

#[test]
fn on_one_file_system_publishing_is_a_rename_and_across_two_a_copy() {
    let (Ok(here), Ok(memory)) = (tempfile::tempdir(), tempfile::tempdir_in("/dev/shm")) else {
        eprintln!("skipped: needs a second file system");
        return;
    };
    if crate::space::same_mount(here.path(), memory.path()).unwrap() {
        eprintln!("skipped: both folders are on one file system");
        return;
    }
    let scene = Scene::in_folder(here);
    let to = memory.path().join("result");
    let intent = prepare(&scene.staging, &wanted(&to, true)).unwrap();
    assert!(intent.copied);
    assert_eq!(intent.from, part_path(&to, 0xfeed));
    commit(&intent).unwrap();
    assert!(fs::read(&to).unwrap() == scene.bytes);

    let to = scene.at("result");
    assert!(!prepare(&scene.staging, &wanted(&to, true)).unwrap().copied);
}

#[test]
fn a_file_staged_beside_its_destination_is_renamed() {
    let scene = Scene::new();
    let to = scene.at("result");
    let place = Place::beside(&scene.at("store"), FileNumber(1), part_path(&to, 7));
    let layout = Layout::new(0, 10).unwrap();
    let staging = Staging::create(place, layout, "boot").unwrap();
    let intent = prepare(&staging, &wanted(&to, true)).unwrap();
    assert!(!intent.copied);
    commit(&intent).unwrap();
    assert_eq!(scene.names(), ["result"]);
}

#[test]
fn a_folder_that_hands_on_its_group_gets_a_new_file() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: needs a group of others");
        return;
    }
    let scene = Scene::new();
    let shared = scene.at("shared");
    fs::create_dir(&shared).unwrap();
    std::os::unix::fs::chown(&shared, None, Some(12_345)).unwrap();
    fs::set_permissions(&shared, Permissions::from_mode(0o2775)).unwrap();
    let to = shared.join("result");
    let intent = prepare(&scene.staging, &wanted(&to, true)).unwrap();
    assert!(intent.copied);
    commit(&intent).unwrap();
    assert_eq!(fs::metadata(&to).unwrap().gid(), 12_345);
}

/// conformance: complete replace
#[test]
fn what_is_in_the_way_is_refused_and_left_alone() {
    for cheapest in EVERY_WAY {
        let scene = Scene::new();
        fs::write(scene.at("file"), "old").unwrap();
        fs::create_dir(scene.at("folder")).unwrap();
        for (name, replace, expect) in [
            ("file", false, Errno::EXIST),
            ("folder", true, Errno::ISDIR),
            ("folder", false, Errno::ISDIR),
        ] {
            let to = scene.at(name);
            let error = scene.prepare(&wanted(&to, replace), cheapest).unwrap_err();
            assert_eq!(error.code(), code_of(expect), "{name}, {replace}, {cheapest:?}");
        }
        let missing = scene.at("missing/result");
        let error = scene.prepare(&wanted(&missing, true), cheapest).unwrap_err();
        assert_eq!(error.code(), code_of(Errno::NOENT), "{cheapest:?}");
        assert_eq!(fs::read(scene.at("file")).unwrap(), b"old");
        assert_eq!(scene.names(), ["file", "folder"], "{cheapest:?}: nothing is left behind");
    }
}

#[test]
fn what_gets_in_the_way_at_the_last_moment_is_refused_and_left_alone() {
    for cheapest in EVERY_WAY {
        for (what, replace, expect) in [
            ("file", false, Errno::EXIST),
            ("link", false, Errno::EXIST),
            ("folder", false, Errno::ISDIR),
            ("folder", true, Errno::ISDIR),
            ("nothing", true, Errno::NOENT),
        ] {
            let scene = Scene::new();
            let home = scene.at("home");
            fs::create_dir(&home).unwrap();
            let to = home.join("result");
            let (intent, way) = scene.prepare(&wanted(&to, replace), cheapest).unwrap();
            match what {
                "file" => fs::write(&to, "theirs").unwrap(),
                "link" => symlink("/nowhere", &to).unwrap(),
                "folder" => fs::create_dir(&to).unwrap(),
                _ => fs::rename(&home, scene.at("away")).unwrap(),
            }
            let error = commit(&intent).unwrap_err();
            let expect = match expect {
                // The copy went away with its folder.
                Errno::NOENT if way != Way::Rename => Errno::STALE,
                other => other,
            };
            assert_eq!(error.code(), code_of(expect), "{what}, {replace}, {way:?}");
            assert_eq!(recover(&intent).unwrap(), Recovered::NotPublished, "{what}, {way:?}");
            if what == "file" {
                assert_eq!(fs::read(&to).unwrap(), b"theirs");
            }
            // The staging file is as it was: another try elsewhere works.
            let other = scene.at("elsewhere");
            commit(&prepare(&scene.staging, &wanted(&other, false)).unwrap()).unwrap();
            assert!(fs::read(&other).unwrap() == scene.bytes, "{what}, {way:?}");
        }
    }
}

#[test]
fn a_link_at_the_destination_is_replaced_and_never_followed() {
    for cheapest in EVERY_WAY {
        let scene = Scene::new();
        let victim = scene.at("victim");
        fs::write(&victim, "precious").unwrap();
        let to = scene.at("result");
        symlink(&victim, &to).unwrap();
        let (intent, way) = scene.prepare(&wanted(&to, true), cheapest).unwrap();
        commit(&intent).unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"precious", "{way:?}");
        assert!(fs::symlink_metadata(&to).unwrap().is_file(), "{way:?}");
        assert!(fs::read(&to).unwrap() == scene.bytes, "{way:?}");
    }
}

#[test]
fn after_a_crash_it_is_known_whether_the_file_was_published() {
    for cheapest in EVERY_WAY {
        let scene = Scene::new();
        let to = scene.at("result");
        fs::write(&to, "old").unwrap();
        let wanted = wanted(&to, true);
        // Between the intent and the rename.
        let (intent, way) = scene.prepare(&wanted, cheapest).unwrap();
        assert_eq!(recover(&intent).unwrap(), Recovered::NotPublished, "{way:?}");
        assert_eq!(recover(&intent).unwrap(), Recovered::NotPublished, "{way:?}, again");
        assert_eq!(fs::read(&to).unwrap(), b"old", "{way:?}");
        assert_eq!(scene.names(), ["result"], "{way:?}: the copy is removed");
        // After the rename; and the caller may commit once more, not knowing.
        let (intent, way) = scene.prepare(&wanted, cheapest).unwrap();
        commit(&intent).unwrap();
        assert_eq!(recover(&intent).unwrap(), Recovered::Published, "{way:?}");
        commit(&intent).unwrap();
        assert!(fs::read(&to).unwrap() == scene.bytes, "{way:?}");
        // In the middle of a rename in two steps.
        fs::hard_link(&to, &intent.from).unwrap();
        assert_eq!(recover(&intent).unwrap(), Recovered::Published, "{way:?}");
        assert!(!intent.from.exists(), "{way:?}: the second name is removed");
        // The user put another file there since. (Renamed, so that both exist for a moment: the
        // file system may give the number of a removed file to the next one.)
        fs::write(scene.at("theirs"), "theirs").unwrap();
        fs::rename(scene.at("theirs"), &to).unwrap();
        assert_eq!(recover(&intent).unwrap(), Recovered::NotPublished, "{way:?}");
        assert_eq!(commit(&intent).unwrap_err().code(), code_of(Errno::STALE), "{way:?}");
        assert_eq!(fs::read(&to).unwrap(), b"theirs", "{way:?}");
    }
}

#[test]
fn a_copy_that_a_crash_left_is_made_anew_and_what_others_put_there_is_not_touched() {
    let scene = Scene::new();
    let victim = scene.at("victim");
    fs::write(&victim, "precious").unwrap();
    let to = scene.at("result");
    let part = part_path(&to, 0xfeed);
    let prepare = || scene.prepare(&wanted(&to, true), Way::InKernel);

    fs::write(&part, "a torn copy, longer than nothing").unwrap();
    let (intent, _) = prepare().unwrap();
    assert!(fs::read(&intent.from).unwrap() == scene.bytes);
    abandon(&intent).unwrap();

    symlink(&victim, &part).unwrap();
    assert_eq!(prepare().unwrap_err().code(), code_of(Errno::EXIST));
    fs::remove_file(&part).unwrap();
    fs::hard_link(&victim, &part).unwrap();
    assert_eq!(prepare().unwrap_err().code(), code_of(Errno::EXIST));
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn of_files_shown_together_only_those_in_whose_way_something_is_suffer() {
    let scenes: Vec<Scene> = (0..6).map(|_| Scene::new()).collect();
    let destinations: Vec<PathBuf> = scenes.iter().map(|scene| scene.at("result")).collect();
    let ready = |(scene, to): (&Scene, &PathBuf)| prepare(&scene.staging, &wanted(to, false));
    let intents: Vec<Intent> =
        scenes.iter().zip(&destinations).map(ready).collect::<Result<_, _>>().unwrap();
    // One was shown before, one is taken, one has lost what was made ready.
    commit(&intents[0]).unwrap();
    fs::write(&destinations[2], "theirs").unwrap();
    fs::remove_file(&intents[4].from).unwrap();
    let codes: Vec<Option<ErrorCode>> =
        commit_all(&intents).into_iter().map(|outcome| outcome.err().map(|e| e.code())).collect();
    let (taken, stale) = (Some(code_of(Errno::EXIST)), Some(code_of(Errno::STALE)));
    assert_eq!(codes, [None, None, taken, None, stale, None]);
    for (index, scene) in scenes.iter().enumerate() {
        let found = fs::read(&destinations[index]).ok();
        match index {
            2 => assert_eq!(found.as_deref(), Some(&b"theirs"[..])),
            4 => assert_eq!(found, None),
            _ => assert!(found.as_ref() == Some(&scene.bytes), "{index}"),
        }
    }
}

#[test]
fn a_staging_file_that_was_sealed_is_shown_as_it_is() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_234_567_890);
    // Sealed as it is wanted; with another mode; not at all.
    for seal in [Some(0o640), Some(0o600), None] {
        let scene = Scene::new();
        if let Some(mode) = seal {
            scene.staging.seal(mode, Some(time)).unwrap();
        }
        scene.staging.flush().unwrap();
        let to = scene.at("result");
        let wanted = Wanted { last_modified: Some(time), ..wanted(&to, false) };
        commit(&prepare(&scene.staging, &wanted).unwrap()).unwrap();
        let found = fs::metadata(&to).unwrap();
        assert_eq!((found.mode() & 0o7777, found.modified().unwrap()), (0o640, time), "{seal:?}");
    }
}

#[test]
fn only_a_whole_file_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("result");
    let layout = Layout::new(30, 10).unwrap();
    let place = Place::in_folder(folder.path(), FileNumber(0));
    let staging = Staging::create(place.clone(), layout, "boot").unwrap();
    let missing = |staging: &Staging| match prepare(staging, &wanted(&to, true)) {
        Err(PublishError::Incomplete { missing_count }) => Some(missing_count),
        Ok(_) => None,
        Err(other) => panic!("{other}"),
    };
    staging.write_at(&[1; 20], 0).unwrap();
    staging.mark_have(layout.index(1).unwrap()).unwrap();
    assert_eq!(missing(&staging), Some(2));
    layout.pieces().for_each(|piece| staging.mark_have(piece).unwrap());
    assert_eq!(missing(&staging), Some(0), "all marked, but the data is short");
    staging.write_at(&[1; 10], 20).unwrap();
    assert_eq!(missing(&staging), None);
    // Somebody swaps the staging file under us.
    fs::remove_file(place.data()).unwrap();
    fs::write(place.data(), [9; 30]).unwrap();
    let error = prepare(&staging, &wanted(&to, true)).unwrap_err();
    assert_eq!(error.code(), code_of(Errno::STALE));
    let known = Known { boot: "other", flushed: None };
    assert!(Staging::reopen(place, layout, &known).unwrap().have().is_empty());
}

#[test]
fn an_intent_survives_its_record_whatever_the_names() {
    let intent = |to: PathBuf| Intent {
        from: "/var/lib/dobbin/staging/a/0".into(),
        to,
        device: u64::MAX,
        inode: 3,
        replace: true,
        copied: false,
    };
    let odd = intent(std::ffi::OsString::from_vec(b"/tmp/\xff\xfe".to_vec()).into());
    let plain = intent("/tmp/ä \"quoted\"".into());
    for intent in [&odd, &plain] {
        let record = serde_json::to_string(intent).unwrap();
        assert_eq!(serde_json::from_str::<Intent>(&record).unwrap(), *intent, "{record}");
    }
    assert_eq!(
        serde_json::to_string(&plain).unwrap(),
        "{\"from\":\"/var/lib/dobbin/staging/a/0\",\"to\":\"/tmp/ä \\\"quoted\\\"\",\
         \"device\":18446744073709551615,\"inode\":3,\"replace\":true,\"copied\":false}"
    );
}

#[test]
fn the_name_beside_the_destination_always_fits_its_folder() {
    let long = "n".repeat(255);
    for (name, expect) in [
        ("file.iso", ".file.iso.000000000000feed.part".to_owned()),
        (&long, format!(".{}.000000000000feed.part", "n".repeat(232))),
    ] {
        let part = part_path(&Path::new("/a").join(name), 0xfeed);
        assert_eq!(part, Path::new("/a").join(expect));
        assert!(part.file_name().unwrap().len() <= 255);
    }
    let job = JobId::from_bytes([7; 16]);
    assert_eq!(part_tag(job, FileNumber(1)), part_tag(job, FileNumber(1)));
    assert_ne!(part_tag(job, FileNumber(1)), part_tag(job, FileNumber(2)));
}

#[test]
fn the_mode_of_new_files_is_the_one_that_the_system_gives_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new");
    File::create(&path).unwrap();
    assert_eq!(mode_of_new_files(), fs::metadata(&path).unwrap().mode() & 0o7777);
}

/// conformance: complete caller-descriptor
#[test]
fn a_file_that_the_caller_passed_is_filled_when_it_gives_nothing_away() {
    let scene = Scene::new();
    let target = scene.at("target");
    let me = Uid(rustix::process::geteuid().as_raw());
    let fresh = || {
        let _ = fs::remove_file(&target);
        OpenOptions::new().read(true).write(true).create_new(true).open(&target).unwrap()
    };
    fill(&scene.staging, &fresh(), me).unwrap();
    assert!(fs::read(&target).unwrap() == scene.bytes);

    let refused = |what: &str, file: File, owner: Uid| {
        let error = fill(&scene.staging, &file, owner).unwrap_err();
        assert!(matches!(error, PublishError::Target { .. }), "{what}: {error}");
        assert_eq!(error.code(), code_of(Errno::ACCESS), "{what}");
    };
    refused("of another user", fresh(), Uid(me.0 + 1));
    let file = fresh();
    fs::hard_link(&target, scene.at("second name")).unwrap();
    refused("two names", file, me);
    let file = fresh();
    fs::write(&target, "x").unwrap();
    refused("not empty", file, me);
    drop(fresh());
    refused("for appending", OpenOptions::new().append(true).open(&target).unwrap(), me);
    refused("for reading", File::open(&target).unwrap(), me);
    refused("a folder", File::open(durable::parent(&target)).unwrap(), me);
    refused("a device", OpenOptions::new().write(true).open("/dev/null").unwrap(), me);
    let of_the_kernel = OpenOptions::new().write(true).open("/proc/self/comm").unwrap();
    refused("the kernel's", of_the_kernel, me);
    let path_only = OFlags::PATH | OFlags::CLOEXEC;
    let path_only = rustix::fs::open(&target, path_only, rustix::fs::Mode::empty()).unwrap();
    refused("a mere path", File::from(path_only), me);
    let (_, pipe) = std::io::pipe().unwrap();
    refused("a pipe", File::from(OwnedFd::from(pipe)), me);
    assert_eq!(fs::read(&target).unwrap(), b"");
    // Its name may be gone already; filling it still harms nobody.
    let file = fresh();
    fs::remove_file(&target).unwrap();
    fill(&scene.staging, &file, me).unwrap();
}
