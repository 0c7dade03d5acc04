//! Agents that end, in order or not, while such a program works with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use dobbin_lab::compat::Client;
use dobbin_lab::kill::{agent::Setup, built_program};
use dobbin_lab::origin::{Content, End, Origin, Plan, Route, When};

use crate::site::{MIB, Site};

/// conformance: rest reconnect, rest restart
#[test]
fn a_program_finds_the_agent_again_after_a_restart_and_its_download_goes_on() {
    let mut site = Site::new();
    let content = Content::new(1, 6 * MIB);
    let route = Route::honest(content).when(When::First(1), End::StallAfter(4 * MIB));
    let origin = Origin::start(Plan::new().route("/a", route));
    let id = site.begun(&origin, "out");
    site.client.wait(&id, |status| status.bytes_transferred >= 4 * MIB).unwrap();
    site.end();
    assert_eq!(fs::read_dir(site.path("run")).unwrap().count(), 0, "no file names a port");
    site.begin();
    // The connection that it has is dead, and the port another one: it tells nobody.
    site.client.tell("start", &id).unwrap();
    site.wait_for(&id, "Transferred");
    site.client.tell("finalize", &id).unwrap();
    assert!(fs::read(site.path("out")).unwrap() == content.all());
}

/// The agent's process. It does not outlive this value.
struct Process(Child);

impl Process {
    fn start(setup: &Setup, config: &Path) -> Process {
        let mut command = setup.command();
        let log = fs::File::create(&setup.log).unwrap();
        let command = command.args(["--compat", "--config"]).arg(config).stderr(log);
        Process(command.stdout(Stdio::null()).spawn().unwrap())
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both do nothing to a process that was waited for already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn config(home: &Path, run: &Path) -> PathBuf {
    let path = home.join("config.toml");
    let text = format!("[compat]\nrun_dir = {:?}\nport_first = 50000\n", run.display().to_string());
    fs::write(&path, text).unwrap();
    path
}

/// conformance: rest restart
#[test]
fn after_the_agent_was_killed_a_download_goes_on_from_the_bytes_that_were_had() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    let setup = Setup::in_folder(built_program().unwrap(), home.path());
    let config = config(home.path(), &run);
    let content = Content::new(2, 6 * MIB);
    let route = Route::honest(content).when(When::First(1), End::StallAfter(4 * MIB));
    let origin = Origin::start(Plan::new().route("/a", route));
    let mut client = Client::new(&run);

    let agent = Process::start(&setup, &config);
    let out = home.path().join("out");
    let id = client.create(&origin.url("/a"), &out).unwrap();
    client.tell("start", &id).unwrap();
    client.wait(&id, |status| status.bytes_transferred >= 4 * MIB).unwrap();
    agent.kill();
    let stale = fs::read_dir(&run).unwrap().count();
    assert_eq!(stale, 1, "a killed agent leaves its file, which misleads nobody");

    let agent = Process::start(&setup, &config);
    let status = client.status(&id).unwrap();
    assert!(status.bytes_transferred >= 4 * MIB, "{status:?}");
    client.tell("start", &id).unwrap();
    let done = client.wait(&id, |status| status.state == "Transferred").unwrap();
    assert_eq!(done.bytes_transferred, content.size());
    let again = &origin.requests()[1].request;
    assert_eq!(again.field("range"), Some(&*format!("bytes={}-{}", 4 * MIB, 6 * MIB - 1)));
    agent.kill();

    // Nor does it lose what was done, before the caller has ended it.
    let _agent = Process::start(&setup, &config);
    assert_eq!(client.status(&id).unwrap(), done);
    client.tell("finalize", &id).unwrap();
    assert!(fs::read(&out).unwrap() == content.all());
}
