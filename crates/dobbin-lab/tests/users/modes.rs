//! Owner and mode of the result: umask, what stood there before, and the folder's own bits.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, thread};

use dobbin_lab::origin::{Content, Origin, Plan};
use dobbin_sdk::{Address, Manager};

use crate::stage::{AGENT, ANN, BOB, Stage, file, transferred};

const CHILD: &str = "DOBBIN_TEST_CLIENT";

/// One combination.
struct Case {
    folder: PathBuf,
    before: Option<u32>,
    shares_group: bool,
}

/// Lays out one folder for each combination, as Ann finds it.
fn cases(stage: &Stage, umask: u32) -> Vec<Case> {
    let mut cases = Vec::new();
    for before in [None, Some(0o600), Some(0o444)] {
        for (shares_group, sticky) in [(false, false), (true, false), (false, true), (true, true)] {
            let name = format!("u{umask:o}-{before:?}-{shares_group}-{sticky}");
            // A sticky folder is everybody's, as /tmp is.
            let folder = stage.folder_of(&name, if sticky { 0 } else { ANN }, 0o755);
            let bits = u32::from(shares_group) * 0o2000 + u32::from(sticky) * 0o1000;
            let mode = if sticky { 0o777 } else { 0o755 };
            if shares_group {
                chown(&folder, None, Some(BOB)).unwrap();
            }
            fs::set_permissions(&folder, Permissions::from_mode(bits | mode)).unwrap();
            if let Some(before) = before {
                let path = folder.join("file");
                fs::write(&path, "old").unwrap();
                chown(&path, Some(ANN), Some(ANN)).unwrap();
                fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
            }
            cases.push(Case { folder, before, shares_group });
        }
    }
    cases
}

/// The client, in a process of Ann's with this umask, since threads share theirs.
fn run_client(stage: &Stage, umask: u32, url: &str, cases: &[Case]) {
    let line = format!("umask {umask:03o}; exec \"$@\"");
    let folders: Vec<_> = cases.iter().map(|case| case.folder.display().to_string()).collect();
    let status = Command::new("/bin/sh")
        .args(["-c", &line, "sh"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "modes::the_clients_own_process", "--nocapture"])
        .env(CHILD, format!("{}\n{url}\n{}", stage.socket().display(), folders.join("\n")))
        .current_dir("/")
        .stdout(Stdio::null())
        .uid(ANN)
        .gid(ANN)
        .status()
        .unwrap();
    assert!(status.success(), "umask {umask:03o}");
}

/// conformance: complete temp-file, complete owner, complete replace
#[test]
fn the_result_is_its_callers_and_never_more_open_than_new_files_or_the_old_one() {
    let Some(stage) = Stage::open(AGENT) else { return };
    let content = Content::new(41, 1_000);
    let origin = Origin::start(Plan::new().file("/a", content));
    for umask in [0o000, 0o022, 0o077] {
        let cases = cases(&stage, umask);
        run_client(&stage, umask, &origin.url("/a"), &cases);
        for Case { folder, before, shares_group } in cases {
            let what = folder.display();
            let found = fs::metadata(folder.join("file")).unwrap();
            let expect = 0o666 & !umask & before.unwrap_or(0o777);
            assert_eq!(found.mode() & 0o7777, expect, "{what}");
            assert_eq!(found.uid(), ANN, "{what}");
            assert_eq!(found.gid(), if shares_group { BOB } else { ANN }, "{what}");
            assert!(fs::read(folder.join("file")).unwrap() == content.all(), "{what}");
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{what}");
        }
    }
}

/// What [`run_client`] runs. Without its variable there is nothing to do.
#[test]
fn the_clients_own_process() {
    let Ok(orders) = env::var(CHILD) else {
        return;
    };
    let mut lines = orders.lines();
    let [socket, url] = [(); 2].map(|()| lines.next().unwrap());
    let client = async {
        let manager = Manager::connect(Address::Socket(socket.into())).await.unwrap();
        for folder in lines {
            let mut file = file(url.to_owned(), &Path::new(folder).join("file"));
            file.replace = true;
            transferred(&manager, vec![file]).await.complete().await.unwrap();
        }
    };
    // The main thread's runtime is the test harness's business, not ours.
    thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(client);
        });
    });
}
