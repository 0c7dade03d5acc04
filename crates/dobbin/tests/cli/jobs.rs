//! `dobbin jobs` with an agent that has one job.

use dobbin_types::rest::AgentMode;
use dobbin_types::{JobState, Priority};

use crate::fake_agent::{FakeAgent, JOB, Plot};
use crate::home::Home;

fn home_with_job(mode: AgentMode) -> (Home, FakeAgent) {
    let home = Home::new();
    let agent = FakeAgent::start(&home.file("run"), mode, Plot::Waits);
    let ended = home.run(&["jobs", "create", "nightly", "http://h/a", "sub/../a"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), format!("{JOB}\n").as_str()));
    (home, agent)
}

#[test]
fn a_job_is_listed_and_shown_by_the_beginning_of_its_id() {
    let (home, _agent) = home_with_job(AgentMode::Service);
    let list = home.run(&["jobs", "list"]);
    assert!(list.out.starts_with("JOB       STATE      PRIORITY"), "{}", list.out);
    assert!(list.out.contains("0f0d3b2e  suspended  normal"), "{}", list.out);
    let show = home.run(&["jobs", "show", "0f0d"]);
    assert!(show.out.contains(&format!("job         {JOB}\n")), "{}", show.out);
    assert!(show.out.contains("http://h/a"), "{}", show.out);
    let json = home.run(&["jobs", "show", "0f0d", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&told["job"]["id"], &told["files"][0]["number"]), (&JOB.into(), &0.into()));
}

#[test]
fn verbs_change_the_job_and_say_so() {
    let (home, agent) = home_with_job(AgentMode::Service);
    let check = |words: &[&str], said: &str| {
        let ended = home.run(&[&["jobs"], words].concat());
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), said), "{words:?}");
    };
    check(&["resume", "0f0d"], "job 0f0d3b2e: resumed, queued\n");
    check(&["suspend", JOB], "job 0f0d3b2e: suspended\n");
    check(&["priority", "0f0d", "high"], "job 0f0d3b2e: set to high\n");
    check(&["timeout", "0f0d", "60"], "job 0f0d3b2e: gives up after 60 s without a byte\n");
    let job = agent.job();
    assert_eq!((job.priority, job.no_progress_timeout_seconds), (Priority::High, 60));
    check(&["cancel", "0f0d"], "job 0f0d3b2e: cancelled\n");
    assert_eq!(agent.job().state, JobState::Cancelled);
}

#[test]
fn with_json_a_verb_prints_the_interfaces_outcome() {
    let (home, _agent) = home_with_job(AgentMode::Service);
    let ended = home.run(&["jobs", "suspend", "0f0d", "--json"]);
    assert_eq!(
        (ended.out.as_str(), ended.err.as_str()),
        (
            "{\"id\":\"0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d\",\"code\":\"0x00000000\",\"symbol\":\"S_OK\",\
             \"state\":\"suspended\"}\n",
            ""
        )
    );
}

#[test]
fn resuming_in_an_agent_that_leaves_says_what_is_missing() {
    let (home, _agent) = home_with_job(AgentMode::Embedded);
    let ended = home.run(&["jobs", "resume", "0f0d"]);
    assert!(ended.err.contains("it goes on with `dobbin serve`"), "{}", ended.err);
}

#[test]
fn a_job_that_is_not_there_is_named() {
    let (home, _agent) = home_with_job(AgentMode::Service);
    let ended = home.run(&["jobs", "show", "beef"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.starts_with("error: there is no job beef [DO_E_JOB_NOT_FOUND"),
        "{}",
        ended.err
    );
    assert_eq!(home.run(&["jobs", "show", "be"]).code, Some(2));
}

#[test]
fn watching_without_an_agent_says_that_nothing_happens() {
    let ended = Home::new().run(&["jobs", "watch"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("no agent is running, so nothing happens"), "{}", ended.err);
}
