//! An engine of our own and programs that listen to it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dobbin_engine::{
    Actor, CacheSettings, Engine, EngineOptions, Handle, HttpSettings, JobLimits, Listening,
    Recover, Wish,
};
use dobbin_net::http::ProxyRules;
use dobbin_types::rest::{AddFile, CallNumber, CallbackEvent, CreateJob, JobInfo, ListenerId};
use dobbin_types::{ErrorCode, JobId, JobState, NotifyFlags};

/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Site {
    folder: tempfile::TempDir,
    engine: Option<Engine>,
}

impl Site {
    pub(crate) fn new() -> Site {
        let mut site = Site { folder: tempfile::tempdir().unwrap(), engine: None };
        site.start(Recover::RunAll);
        site
    }

    pub(crate) fn start(&mut self, recover: Recover) {
        let http =
            HttpSettings { proxy: ProxyRules::none(), ..HttpSettings::product("dobbin-lab") };
        let state = self.folder.path().join("state");
        let options = EngineOptions {
            state,
            recover,
            http,
            limits: JobLimits::OFF,
            cache_hosts: CacheSettings::default(),
        };
        self.engine = Some(Engine::start(options).unwrap());
    }

    pub(crate) fn restart(&mut self, recover: Recover) {
        assert!(self.engine.take().unwrap().stop(Duration::from_secs(10)), "it did not stop");
        self.start(recover);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn handle(&self) -> Handle {
        self.engine.as_ref().unwrap().handle()
    }

    /// A job that fetches this URL, with these flags.
    pub(crate) async fn create(&self, url: &str, to: &str, flags: NotifyFlags) -> JobId {
        let files = if url.is_empty() { vec![] } else { vec![file(url, &self.path(to))] };
        let body = CreateJob { display_name: to.into(), files, ..CreateJob::default() };
        let job = self.handle().create(me(), body).await.unwrap();
        self.wish(job, Wish::SetNotifyFlags(flags)).await;
        job
    }

    pub(crate) async fn wish(&self, job: JobId, wish: Wish) {
        self.handle().wish(me(), job, wish).await.unwrap();
    }

    /// Waits until the job is in this state.
    pub(crate) async fn reaches(&self, job: JobId, state: JobState) -> JobInfo {
        let mut events = self.handle().subscribe(me(), Some(job)).await.unwrap();
        let until = async {
            while let Some(event) = events.recv().await {
                if event.job.state == state {
                    return event.job;
                }
            }
            panic!("the events ended");
        };
        tokio::time::timeout(PATIENCE, until).await.unwrap_or_else(|_| panic!("never {state}"))
    }

    pub(crate) async fn listen(&self) -> Program {
        let mut listening = self.handle().listen(me()).await.unwrap();
        match listening.recv().await.unwrap() {
            CallbackEvent::Listening { listener } => Program { listening, id: listener },
            other => panic!("it began with {other:?}"),
        }
    }

    pub(crate) async fn register(&self, job: JobId, program: &Program) -> Result<(), ErrorCode> {
        let outcome = self.handle().set_callback(me(), job, Some(program.id)).await;
        outcome.map(drop).map_err(|failure| failure.code)
    }

    pub(crate) async fn registered(&self, job: JobId) -> Option<ListenerId> {
        self.handle().callback(me(), job).await.unwrap().listener
    }

    pub(crate) async fn answer(
        &self,
        job: JobId,
        number: CallNumber,
        code: ErrorCode,
    ) -> ErrorCode {
        self.handle().answer_call(me(), job, number, code).await.unwrap().code
    }
}

/// A program that listens.
pub(crate) struct Program {
    listening: Listening,
    pub(crate) id: ListenerId,
}

impl Program {
    /// The next thing it hears.
    pub(crate) async fn hear(&mut self) -> CallbackEvent {
        let heard = tokio::time::timeout(PATIENCE, self.listening.recv()).await;
        heard.expect("nothing was said").expect("the engine is gone")
    }

    /// The next call that is to be answered, past modifications.
    pub(crate) async fn hear_call(&mut self) -> (JobId, CallNumber) {
        loop {
            match self.hear().await {
                CallbackEvent::JobTransferred { number, job } => {
                    assert_eq!(job.state, JobState::Transferred);
                    return (job.id, number);
                }
                CallbackEvent::JobError { number, job, error } => {
                    assert_eq!(job.state, JobState::Error);
                    assert_eq!(job.error.as_ref(), Some(&error));
                    return (job.id, number);
                }
                CallbackEvent::JobModification { .. } => {}
                other => panic!("{other:?} instead of a call"),
            }
        }
    }

    /// The next modification; nothing else may come before it.
    pub(crate) async fn hear_modification(&mut self) -> JobInfo {
        match self.hear().await {
            CallbackEvent::JobModification { job } => job,
            other => panic!("{other:?} instead of a modification"),
        }
    }
}

pub(crate) fn me() -> Actor {
    Actor::from_kernel(dobbin_platform::identity::own_uid())
}

pub(crate) fn file(url: &str, to: &Path) -> AddFile {
    AddFile {
        remote_name: url.to_owned(),
        local_name: Some(to.display().to_string()),
        ..AddFile::default()
    }
}
