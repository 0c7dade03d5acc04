//! When connections are kept, replaced and given up.

use crate::agent::{FakeAgent, Step, connect, job_id, job_info, json, outcome};
use dobbin_sdk::types::{ErrorCode, JobState, Priority};
use dobbin_sdk::{Address, Error, Manager, Unreachable};

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    let suspended = || json(&job_info(JobState::Suspended));
    let agent = FakeAgent::start(vec![vec![suspended(), suspended(), suspended()]]);
    let job = connect(&agent.socket()).await.job(job_id()).await.unwrap();
    assert_eq!(job.state().await.unwrap(), JobState::Suspended);
    assert_eq!(job.display_name().await.unwrap(), "a job");
    assert_eq!(agent.asked().len(), 3);
}

#[tokio::test]
async fn requests_at_once_have_a_connection_each() {
    let suspended = || json(&job_info(JobState::Suspended));
    let agent = FakeAgent::start(vec![vec![suspended(), suspended()], vec![suspended()]]);
    let job = connect(&agent.socket()).await.job(job_id()).await.unwrap();
    let (first, second) = tokio::join!(job.info(), job.info());
    assert_eq!(first.unwrap(), second.unwrap());
}

#[tokio::test]
async fn a_connection_that_the_agent_closed_meanwhile_is_replaced_without_a_word() {
    let first = vec![json(&job_info(JobState::Suspended))];
    let second = vec![json(&outcome(JobState::Queued))];
    let mut agent = FakeAgent::start(vec![first, second]);
    let job = connect(&agent.socket()).await.job(job_id()).await.unwrap();
    agent.hung_up().await;
    // Even a verb that must not be sent twice: it has not been sent once.
    assert_eq!(job.resume().await.unwrap().state, JobState::Queued);
    assert_eq!(agent.asked().len(), 2);
}

#[tokio::test]
async fn a_verb_that_may_have_been_heard_is_not_sent_again() {
    let first = vec![json(&job_info(JobState::Suspended)), Step::HangUp];
    let second = vec![json(&outcome(JobState::Queued))];
    let agent = FakeAgent::start(vec![first, second]);
    let job = connect(&agent.socket()).await.job(job_id()).await.unwrap();
    let error = job.resume().await.unwrap_err();
    assert!(matches!(error, Error::Lost { doing: "resuming the job", .. }), "{error:?}");
    assert_eq!(error.code(), ErrorCode::DO_E_NO_SERVICE);
    assert_eq!(agent.asked().len(), 2);
}

#[tokio::test]
async fn a_question_that_may_have_been_heard_is_asked_once_more() {
    let info = || json(&job_info(JobState::Suspended));
    let agent = FakeAgent::start(vec![vec![info(), Step::HangUp], vec![info()]]);
    let job = connect(&agent.socket()).await.job(job_id()).await.unwrap();
    assert_eq!(job.state().await.unwrap(), JobState::Suspended);
    assert_eq!(agent.asked().len(), 3);
}

#[tokio::test]
async fn an_agent_that_hangs_up_on_every_question_is_not_asked_for_ever() {
    let info = json(&job_info(JobState::Suspended));
    let scripts = vec![vec![info, Step::HangUp], vec![Step::HangUp], vec![Step::HangUp]];
    let agent = FakeAgent::start(scripts);
    let job = connect(&agent.socket()).await.job(job_id()).await.unwrap();
    let error = job.info().await.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error:?}");
    assert_eq!(agent.asked().len(), 3);
}

/// conformance: code DO_E_NO_SERVICE
#[tokio::test]
async fn a_change_that_may_have_been_heard_is_lost_when_nobody_is_left_to_ask_again() {
    let agent = FakeAgent::start(vec![vec![json(&job_info(JobState::Suspended)), Step::HangUp]]);
    let job = connect(&agent.socket()).await.job(job_id()).await.unwrap();
    let error = job.set_priority(Priority::High).await.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error:?}");
    assert_eq!(agent.asked().len(), 2);
}

#[tokio::test]
async fn nobody_at_the_socket_is_no_service() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("api.sock");
    // Once before there is a file, once with the file that a crashed agent leaves.
    for _ in 0..2 {
        let error = Manager::connect(Address::Socket(socket.clone())).await.unwrap_err();
        let Error::NoService { tried } = &error else { panic!("{error:?}") };
        assert_eq!(tried.len(), 1);
        assert_eq!(tried[0].socket, socket);
        assert!(matches!(tried[0].why, Unreachable::Nobody), "{error:?}");
        assert_eq!(error.code(), ErrorCode::DO_E_NO_SERVICE);
        let _ = std::os::unix::net::UnixListener::bind(&socket);
    }
}

#[tokio::test]
async fn an_agent_that_is_gone_when_a_new_connection_is_needed_is_no_service() {
    let mut agent = FakeAgent::start(vec![vec![json(&job_info(JobState::Suspended))]]);
    let socket = agent.socket();
    let job = connect(&socket).await.job(job_id()).await.unwrap();
    agent.hung_up().await;
    drop(agent);
    let error = job.resume().await.unwrap_err();
    assert!(matches!(error, Error::NoService { .. }), "{error:?}");
}
