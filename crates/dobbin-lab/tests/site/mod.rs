//! An engine of one's own, for tests of whole jobs.

// Each test program uses its part of it.
#![allow(dead_code)]
// Clippy knows tests by their attribute, and not what they call.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dobbin_engine::{
    Actor, CacheSettings, Engine, EngineOptions, Handle, HttpSettings, JobLimits, Recover, Wish,
};
use dobbin_net::http::ProxyRules;
use dobbin_types::rest::{AddFile, CreateJob, JobInfo};
use dobbin_types::{ErrorCode, JobId, JobState};

/// How long anything may take. It only costs time when a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// An engine of our own, a folder for its files, and a runtime to ask it from.
pub(crate) struct Site {
    pub(crate) folder: tempfile::TempDir,
    engine: Option<Engine>,
    http: HttpSettings,
    /// With which the engine is started; also those of a later start.
    pub(crate) cache_hosts: CacheSettings,
    pub(crate) runtime: tokio::runtime::Runtime,
}

impl Site {
    pub(crate) fn new() -> Site {
        Site::with(|_| {})
    }

    /// One whose way to the network differs from the product's in this.
    pub(crate) fn with(change: impl FnOnce(&mut HttpSettings)) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut http =
            HttpSettings { proxy: ProxyRules::none(), ..HttpSettings::product("dobbin-lab") };
        change(&mut http);
        let cache_hosts = CacheSettings::default();
        let mut site = Site { folder, engine: None, http, cache_hosts, runtime };
        site.start(Recover::RunAll);
        site
    }

    pub(crate) fn start(&mut self, recover: Recover) {
        let http = self.http.clone();
        let limits = JobLimits::OFF;
        let (state, cache_hosts) = (self.folder.path().join("state"), self.cache_hosts.clone());
        let options = EngineOptions { state, recover, http, limits, cache_hosts };
        self.engine = Some(Engine::start(options).unwrap());
    }

    pub(crate) fn stop(&mut self) {
        let stopped = self.engine.take().unwrap().stop(Duration::from_secs(10));
        assert!(stopped, "the engine did not stop in time");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    pub(crate) fn handle(&self) -> Handle {
        self.engine.as_ref().unwrap().handle()
    }

    pub(crate) fn create(&self, files: Vec<AddFile>) -> JobId {
        let body = CreateJob { display_name: "life".into(), files, ..CreateJob::default() };
        self.runtime.block_on(self.handle().create(me(), body)).unwrap()
    }

    pub(crate) fn wish(&self, job: JobId, wish: Wish) -> Result<ErrorCode, ErrorCode> {
        let outcome = self.runtime.block_on(self.handle().wish(me(), job, wish));
        outcome.map(|done| done.code).map_err(|failure| failure.code)
    }

    pub(crate) fn info(&self, job: JobId) -> JobInfo {
        self.runtime.block_on(self.handle().job(me(), job)).unwrap()
    }

    /// Waits until so many bytes of the job are here.
    #[track_caller]
    pub(crate) fn wait_for_bytes(&self, job: JobId, bytes: u64) {
        let due = Instant::now() + PATIENCE;
        while self.info(job).progress.bytes_transferred < bytes {
            assert!(Instant::now() < due, "{job} did not get {bytes} bytes");
            std::thread::yield_now();
        }
    }

    /// Waits for the event that brings the job into one of these states.
    #[track_caller]
    pub(crate) fn wait(&self, job: JobId, states: &[JobState]) -> JobInfo {
        self.runtime.block_on(async {
            let mut events = self.handle().subscribe(me(), Some(job)).await.unwrap();
            let until = async {
                while let Some(event) = events.recv().await {
                    if states.contains(&event.job.state) {
                        return event.job;
                    }
                }
                panic!("the events ended");
            };
            tokio::time::timeout(PATIENCE, until).await.unwrap_or_else(|_| {
                panic!("{job} did not become one of {states:?}");
            })
        })
    }
}

pub(crate) fn me() -> Actor {
    Actor::from_kernel(dobbin_platform::identity::own_uid())
}

pub(crate) fn file(url: String, to: &Path) -> AddFile {
    AddFile { remote_name: url, local_name: Some(to.display().to_string()), ..AddFile::default() }
}
