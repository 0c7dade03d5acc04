//! The client's faces, against a real agent at a real socket.

use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use dobbin_agent::{AgentOptions, Embedded};
use dobbin_lab::origin::{Answer, Content, Origin, Plan, Route};
use dobbin_platform::Scope;
use dobbin_sdk::{Address, Manager, blocking};
use dobbin_types::rest::{AgentMode, CreateJob, JobFailure};
use dobbin_types::{ErrorCode, JobId, JobState};

use crate::site::file;

const PATIENCE: Duration = Duration::from_secs(60);

fn agent(home: &Path) -> Embedded {
    // It runs what it finds: a service that was started again.
    let options = AgentOptions::at(
        Scope::User,
        AgentMode::Service,
        home.join("state"),
        home.join("run/api.sock"),
    );
    Embedded::start(options).unwrap()
}

fn address(home: &Path) -> Address {
    Address::Socket(home.join("run/api.sock"))
}

fn wish(url: &str, to: &Path) -> CreateJob {
    CreateJob { display_name: "a".into(), files: vec![file(url, to)], ..CreateJob::default() }
}

/// Completes what is transferred, and says what it was told.
struct Finish(Sender<(JobId, Option<ErrorCode>)>);

impl dobbin_sdk::Callback for Finish {
    async fn job_transferred(&self, job: &dobbin_sdk::Job) -> Result<(), ErrorCode> {
        job.complete().await.map_err(|error| error.code())?;
        let _ = self.0.send((job.id(), None));
        Ok(())
    }

    async fn job_error(&self, job: &dobbin_sdk::Job, error: &JobFailure) -> Result<(), ErrorCode> {
        let _ = self.0.send((job.id(), Some(error.code)));
        Ok(())
    }
}

impl blocking::Callback for Finish {
    fn job_transferred(&self, job: &blocking::Job) -> Result<(), ErrorCode> {
        job.complete().map_err(|error| error.code())?;
        let _ = self.0.send((job.id(), None));
        Ok(())
    }

    fn job_error(&self, job: &blocking::Job, error: &JobFailure) -> Result<(), ErrorCode> {
        let _ = self.0.send((job.id(), Some(error.code)));
        Ok(())
    }
}

fn origin() -> Origin {
    let content = Content::new(1, 100_000);
    let refused = Route::honest(content).always(Answer::Status(404));
    Origin::start(Plan::new().file("/good", content).route("/refused", refused))
}

/// conformance: Callback::JobTransferred, Callback::JobError
#[test]
fn a_program_that_waits_is_called_and_may_ask_the_agent_meanwhile() {
    let (origin, home) = (origin(), tempfile::tempdir().unwrap());
    let _agent = agent(home.path());
    let manager = blocking::Manager::connect(address(home.path())).unwrap();
    let out = home.path().join("out");
    let good = manager.create_job(&wish(&origin.url("/good"), &out)).unwrap();
    let bad = home.path().join("bad");
    let bad = manager.create_job(&wish(&origin.url("/refused"), &bad)).unwrap();
    let mut listener = manager.listen().unwrap();
    for job in [&good, &bad] {
        job.set_notify_interface(Some(&listener.interface())).unwrap();
        let registered = job.notify_interface().unwrap();
        assert_eq!(registered, Some(listener.interface().listener()));
    }
    let (tell, told) = channel();
    // Ends with the agent.
    let serving = std::thread::spawn(move || listener.serve(&Finish(tell)));
    bad.resume().unwrap();
    let not_found = ErrorCode::from_http_status(404);
    assert_eq!(told.recv_timeout(PATIENCE), Ok((bad.id(), Some(not_found))));
    good.resume().unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Ok((good.id(), None)));
    assert!(out.exists());
    drop(_agent);
    assert!(serving.join().unwrap().is_disconnected());
}

/// conformance: Callback registration
#[tokio::test]
async fn a_program_goes_on_when_the_agent_comes_back() {
    let (origin, home) = (origin(), tempfile::tempdir().unwrap());
    let first = agent(home.path());
    let manager = Manager::connect(address(home.path())).await.unwrap();
    let out = home.path().join("out");
    let job = manager.create_job(&wish(&origin.url("/good"), &out)).await.unwrap();
    let over = manager.create_job(&CreateJob::default()).await.unwrap();
    let mut listener = manager.listen().await.unwrap();
    for job in [&job, &over] {
        job.set_notify_interface(Some(&listener.interface())).await.unwrap();
    }
    over.cancel().await.unwrap();
    let before = listener.interface().listener();
    // On a thread of its own: stopping an agent waits for it.
    let home_again = home.path().to_owned();
    let again = std::thread::spawn(move || {
        first.stop();
        agent(&home_again)
    });
    let (tell, _told) = channel();
    let finish = Finish(tell);
    let finished = async {
        // The agent comes back while the program serves.
        while job.notify_interface().await.ok().flatten().is_none_or(|now| now == before) {
            tokio::task::yield_now().await;
        }
        job.resume().await.unwrap();
        while job.state().await.unwrap() != JobState::Acknowledged {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        error = listener.serve_always(&finish) => panic!("it ended: {error}"),
        outcome = tokio::time::timeout(PATIENCE, finished) => outcome.unwrap(),
    }
    assert!(out.exists());
    drop(again.join().unwrap());
}
