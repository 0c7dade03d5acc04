//! A folder that everybody can reach, an agent in it that is a process of its own user, and threads
//! that are other users.

use std::fs::{self, Permissions};
use std::future::Future;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, thread};

use dobbin_agent::AgentOptions;
use dobbin_platform::Scope;
use dobbin_sdk::{Address, Job, Manager};
use dobbin_types::rest::{AddFile, AgentMode, CreateJob, EventKind};

/// The users of these tests: in all likelihood nobody's.
pub(crate) const AGENT: u32 = 61_201;
pub(crate) const ANN: u32 = 61_202;
pub(crate) const BOB: u32 = 61_203;
pub(crate) const ROOT: u32 = 0;

const CHILD: &str = "DOBBIN_TEST_AGENT_IN";

/// A folder with an agent in it.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    uid: u32,
    agent: Option<Child>,
}

impl Stage {
    /// An agent of user `uid`; nothing, and a loud word, where this process cannot be other users.
    pub(crate) fn open(uid: u32) -> Option<Stage> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("SKIPPED: NOT RUN, because only root can be several users");
            return None;
        }
        // Not below /tmp: whoever listens there could be anybody, and clients know.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        if !folder.path().ancestors().all(is_roots) {
            eprintln!("SKIPPED: NOT RUN, because {} is not root's alone", folder.path().display());
            return None;
        }
        let mut stage = Stage { folder, uid, agent: None };
        for name in ["run", "state"] {
            stage.folder_of(name, uid, 0o755);
        }
        stage.start();
        Some(stage)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/api.sock")
    }

    /// A new folder of user `uid`.
    pub(crate) fn folder_of(&self, name: &str, uid: u32, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).unwrap();
        chown(&path, Some(uid), Some(uid)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    /// Starts the agent and waits until it answers.
    pub(crate) fn start(&mut self) {
        let ready = self.path("ready");
        let _ = fs::remove_file(&ready);
        let hears = UnixDatagram::bind(&ready).unwrap();
        fs::set_permissions(&ready, Permissions::from_mode(0o777)).unwrap();
        hears.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "stage::the_agents_own_process", "--nocapture"])
            .env(CHILD, self.folder.path())
            .env("NOTIFY_SOCKET", &ready)
            .current_dir("/")
            .stdout(Stdio::null())
            .uid(self.uid)
            .gid(self.uid)
            .spawn()
            .unwrap();
        self.agent = Some(child);
        let mut word = [0; 256];
        let length = hears.recv(&mut word).expect("the agent does not answer");
        assert!(word[..length].starts_with(b"READY=1"));
    }

    /// Kills the agent on the spot.
    pub(crate) fn kill(&mut self) {
        let mut child = self.agent.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// How many descriptors the agent has.
    pub(crate) fn descriptors(&self) -> usize {
        let pid = self.agent.as_ref().unwrap().id();
        fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
    }

    /// Does something as user `uid`, connected to the agent.
    pub(crate) fn with<T, F>(&self, uid: u32, act: impl FnOnce(Manager) -> F + Send) -> T
    where
        T: Send,
        F: Future<Output = T>,
    {
        let address = Address::Socket(self.socket());
        as_user(uid, || async { act(Manager::connect(address).await.unwrap()).await })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.agent.is_some() {
            self.kill();
        }
    }
}

/// Whether only root can put anything there.
fn is_roots(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|found| found.uid() == 0 && found.mode() & 0o022 == 0)
}

/// Does something on a thread that is user `uid`, with a runtime of its own whose threads are, too.
pub(crate) fn as_user<T, F>(uid: u32, act: impl FnOnce() -> F + Send) -> T
where
    T: Send,
    F: Future<Output = T>,
{
    thread::scope(|scope| {
        let user = scope.spawn(|| {
            become_user(uid).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(act())
        });
        user.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Makes the calling thread, and no other, this user.
fn become_user(uid: u32) -> io::Result<()> {
    use rustix::thread::{Gid, Uid, set_thread_groups, set_thread_res_gid, set_thread_res_uid};
    set_thread_groups(&[])?;
    let (user, group) = (Uid::from_raw(uid), Gid::from_raw(uid));
    set_thread_res_gid(group, group, group)?;
    Ok(set_thread_res_uid(user, user, user)?)
}

/// A job with these files, transferred.
pub(crate) async fn transferred(manager: &Manager, files: Vec<AddFile>) -> Job {
    let body = CreateJob { display_name: "users".into(), files, ..CreateJob::default() };
    let job = manager.create_job(&body).await.unwrap();
    let mut events = job.events().await.unwrap();
    job.resume().await.unwrap();
    loop {
        let event = events.next().await.unwrap();
        assert_ne!(event.kind, EventKind::Error, "{:?}", event.job.error);
        if event.kind == EventKind::Transferred {
            return job;
        }
    }
}

pub(crate) fn file(url: String, to: &Path) -> AddFile {
    AddFile { remote_name: url, local_name: Some(to.display().to_string()), ..AddFile::default() }
}

/// The agent, in a process that [`Stage::start`] makes of this program. Without its variable there is
/// nothing to do.
#[test]
fn the_agents_own_process() {
    let Some(folder) = env::var_os(CHILD).map(PathBuf::from) else {
        return;
    };
    let options = AgentOptions::at(
        Scope::System,
        AgentMode::Service,
        folder.join("state"),
        folder.join("run/api.sock"),
    );
    dobbin_agent::serve(options).unwrap();
}
