//! Being called back, by an agent that follows a script.

use std::sync::Mutex;

use crate::agent::{
    FakeAgent, JOB, Step, connect, events, job_id, job_info, json, outcome, refusal,
};
use dobbin_sdk::types::rest::{
    CallNumber, CallbackEvent, CallbackInfo, JobFailure, ListenerId, Released,
};
use dobbin_sdk::types::{ErrorCode, ErrorContext, JobState};
use dobbin_sdk::{Callback, Error, Job};

/// The event as the agent writes it.
fn text(event: &CallbackEvent) -> String {
    format!("event: {}\ndata: {}\n\n", event.word(), serde_json::to_string(event).unwrap())
}

fn listening(number: u64) -> String {
    text(&CallbackEvent::Listening { listener: ListenerId(number) })
}

fn transferred(number: u64) -> String {
    let job = job_info(JobState::Transferred);
    text(&CallbackEvent::JobTransferred { number: CallNumber(number), job })
}

fn failed(number: u64) -> String {
    let error = JobFailure {
        code: ErrorCode::E_FAIL,
        symbol: "E_FAIL".to_owned(),
        text: "it failed".to_owned(),
        context: ErrorContext::None,
        message: "h failed".to_owned(),
        extended: None,
        http_status: None,
        file: None,
    };
    let job = job_info(JobState::Error);
    text(&CallbackEvent::JobError { number: CallNumber(number), job, error })
}

fn modified() -> String {
    text(&CallbackEvent::JobModification { job: job_info(JobState::Queued) })
}

/// Says what it was told, and answers with what it has been given.
struct Heard {
    told: Mutex<Vec<String>>,
    answer: Result<(), ErrorCode>,
}

impl Heard {
    fn who_answers(answer: Result<(), ErrorCode>) -> Heard {
        Heard { told: Mutex::default(), answer }
    }

    fn hear(&self, job: &Job, what: &str) -> Result<(), ErrorCode> {
        assert_eq!(job.id(), job_id());
        self.told.lock().unwrap().push(what.to_owned());
        self.answer
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

impl Callback for Heard {
    async fn job_transferred(&self, job: &Job) -> Result<(), ErrorCode> {
        self.hear(job, "transferred")
    }

    async fn job_error(&self, job: &Job, error: &JobFailure) -> Result<(), ErrorCode> {
        self.hear(job, &error.message)
    }

    async fn job_modification(&self, job: &Job) -> Result<(), ErrorCode> {
        self.hear(job, "modified")
    }
}

/// Serves this stream to its end; returns what the agent was asked. The first connection is the
/// manager's own, and serves the answers; the second one is the stream.
async fn serve(stream: &[String], answers: Vec<Step>, heard: &Heard) -> Vec<String> {
    let portions: Vec<&str> = stream.iter().map(String::as_str).collect();
    let agent = FakeAgent::start(vec![answers, vec![events(&portions)]]);
    let mut listener = connect(&agent.socket()).await.listen().await.unwrap();
    assert_eq!(listener.interface().listener(), ListenerId(1));
    let error = listener.serve(heard).await;
    assert!(matches!(error, Error::Lost { doing: "listening for calls", .. }), "{error:?}");
    agent.asked()
}

fn answered(number: u64, code: &str) -> String {
    format!(r#"POST /v1/jobs/{JOB}/callback/{number} {{"result":"{code}"}}"#)
}

#[tokio::test]
async fn calls_are_made_in_order_and_answered_with_what_they_returned() {
    let heard = Heard::who_answers(Ok(()));
    let stream = [listening(1), modified(), transferred(5), failed(6)];
    let taken = || json(&outcome(JobState::Transferred));
    let asked = serve(&stream, vec![taken(), taken()], &heard).await;
    assert_eq!(heard.told(), ["modified", "transferred", "h failed"]);
    let expect = ["POST /v1/callbacks", &answered(5, "0x00000000"), &answered(6, "0x00000000")];
    assert_eq!(asked, expect);
}

/// conformance: Callback::JobError repeats
#[tokio::test]
async fn a_call_that_was_refused_is_heard_again_and_one_that_was_taken_is_not() {
    let refusing = Heard::who_answers(Err(ErrorCode::E_ABORT));
    let noted = || json(&outcome(JobState::Error));
    let stream = [listening(1), failed(5), failed(5)];
    let asked = serve(&stream, vec![noted(), noted()], &refusing).await;
    assert_eq!(refusing.told().len(), 2);
    assert_eq!(asked[1..], [answered(5, "0x80004004"), answered(5, "0x80004004")]);

    // The repeat was on its way when the answer left.
    let taking = Heard::who_answers(Ok(()));
    let asked = serve(&stream, vec![noted(), noted()], &taking).await;
    assert_eq!(taking.told().len(), 1);
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn an_answer_that_the_agent_does_not_want_ends_nothing() {
    let heard = Heard::who_answers(Ok(()));
    let stream = [listening(1), transferred(5), transferred(6)];
    let gone = || refusal("404 Not Found", ErrorCode::DO_E_JOB_NOT_FOUND);
    serve(&stream, vec![gone(), gone()], &heard).await;
    assert_eq!(heard.told().len(), 2);
}

#[tokio::test]
async fn calls_of_tomorrow_are_passed_over() {
    let heard = Heard::who_answers(Ok(()));
    let tomorrow = "event: job_renamed\ndata: {\"call\":\"job_renamed\"}\n\n".to_owned();
    serve(&[listening(1), tomorrow, modified()], vec![], &heard).await;
    assert_eq!(heard.told(), ["modified"]);
}

#[tokio::test]
async fn a_stream_that_begins_with_a_call_is_none() {
    let agent = FakeAgent::start(vec![vec![Step::HangUp], vec![events(&[&modified()])]]);
    let error = connect(&agent.socket()).await.listen().await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
}

/// conformance: Job::SetNotifyInterface, Job::GetNotifyInterface
#[tokio::test]
async fn jobs_are_registered_cleared_and_after_a_return_registered_anew() {
    let released = text(&CallbackEvent::Released { job: job_id(), why: Released::Ended });
    let done = || json(&outcome(JobState::Queued));
    let info = |listener| json(&CallbackInfo { listener });
    let found = json(&job_info(JobState::Suspended));
    let calls = vec![found, done(), info(Some(ListenerId(1))), done(), done(), info(None)];
    let agent = FakeAgent::start(vec![
        calls,
        vec![events(&[&listening(1)])],
        vec![events(&[&listening(9), &released])],
        vec![events(&[&listening(10)])],
    ]);
    let manager = connect(&agent.socket()).await;
    let job = manager.job(job_id()).await.unwrap();
    let mut listener = manager.listen().await.unwrap();
    job.set_notify_interface(Some(&listener.interface())).await.unwrap();
    assert_eq!(job.notify_interface().await.unwrap(), Some(listener.interface().listener()));
    // The agent came back: another number, and the job is registered with it.
    listener.reopen().await.unwrap();
    job.set_notify_interface(None).await.unwrap();
    assert_eq!(job.notify_interface().await.unwrap(), None);
    // The job is over: the next return does not ask for it.
    assert!(listener.serve(&Heard::who_answers(Ok(()))).await.is_disconnected());
    listener.reopen().await.unwrap();
    let path = format!("/v1/jobs/{JOB}/callback");
    let expect = [
        format!("PUT {path} {{\"listener\":1}}"),
        format!("GET {path}"),
        "POST /v1/callbacks".to_owned(),
        format!("PUT {path} {{\"listener\":9}}"),
        format!("DELETE {path}"),
        format!("GET {path}"),
        "POST /v1/callbacks".to_owned(),
    ];
    assert_eq!(agent.asked()[2..], expect);
}
