//! An agent in this process that serves such programs, and a folder for their files.

use std::path::PathBuf;

use dobbin_agent::{AgentOptions, CompatOptions, Embedded};
use dobbin_lab::compat::{Client, Refusal, Status};
use dobbin_lab::origin::Origin;
use dobbin_platform::Scope;
use dobbin_types::ErrorCode;
use dobbin_types::rest::AgentMode;

pub(crate) const MIB: u64 = 1024 * 1024;

pub(crate) struct Site {
    agent: Option<Embedded>,
    pub(crate) home: tempfile::TempDir,
    pub(crate) client: Client,
}

impl Site {
    pub(crate) fn new() -> Site {
        let home = tempfile::tempdir().unwrap();
        let client = Client::new(&home.path().join("run"));
        let mut site = Site { agent: None, home, client };
        site.begin();
        site
    }

    /// Starts an agent, which runs what the one before it ran.
    pub(crate) fn begin(&mut self) {
        let home = self.home.path();
        let mut options = AgentOptions::at(
            Scope::User,
            AgentMode::Service,
            home.join("state"),
            home.join("api.sock"),
        );
        options.compat =
            Some(CompatOptions { ports: 0..=0, ..CompatOptions::at(home.join("run")) });
        self.agent = Some(Embedded::start(options).unwrap());
    }

    pub(crate) fn end(&mut self) {
        self.agent.take().unwrap().stop();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A download of `/a` into the file of that name, which is under way.
    pub(crate) fn begun(&mut self, origin: &Origin, name: &str) -> String {
        let path = self.path(name);
        let id = self.client.create(&origin.url("/a"), &path).unwrap();
        self.client.tell("start", &id).unwrap();
        id
    }

    #[track_caller]
    pub(crate) fn wait_for(&mut self, id: &str, state: &str) -> Status {
        self.client.wait(id, |status| status.state == state).unwrap()
    }

    /// Checks that the call is refused so.
    #[track_caller]
    pub(crate) fn refused(&mut self, operation: &str, id: &str, status: u16, code: ErrorCode) {
        let refusal = self.client.tell(operation, id).unwrap_err();
        let Refusal::Code(found, found_code) = refusal else { panic!("{operation}: {refusal}") };
        assert_eq!((found, found_code), (status, code), "{operation}");
    }
}
