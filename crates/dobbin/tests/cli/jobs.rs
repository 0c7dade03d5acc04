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
    let set = |rate| ["set", "0f0d", "--limit-rate", rate];
    check(&set("2M"), "job 0f0d3b2e: fetches at most 2.00 MiB/s\n");
    assert_eq!(agent.job().bytes_per_second_max, Some(2 << 20));
    check(&set("none"), "job 0f0d3b2e: fetches without a limit of its own\n");
    assert_eq!(agent.job().bytes_per_second_max, None);
    check(&["cancel", "0f0d"], "job 0f0d3b2e: cancelled\n");
    assert_eq!(agent.job().state, JobState::Cancelled);
}

#[test]
fn properties_are_set_one_after_the_other_and_told() {
    let (home, agent) = home_with_job(AgentMode::Service);
    let set = |words: &[&str]| home.run(&[&["jobs", "set", "0f0d"], words].concat());
    let ended = set(&[
        "--cost",
        "not_roaming",
        "--priority",
        "low",
        "--timeout",
        "0",
        "--notify",
        "error,transferred",
        "--clsid",
        "{1B4E28BA-2FA1-11D2-883F-0016D3CCA427}",
    ]);
    let said = "\
job 0f0d3b2e: set to low
job 0f0d3b2e: gives up at the first error
job 0f0d3b2e: notify flags 0x03
job 0f0d3b2e: may use networks of policy not_roaming
job 0f0d3b2e: names its class
";
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), said));
    let job = agent.job();
    assert_eq!((job.priority, job.no_progress_timeout_seconds), (Priority::Low, 0));
    assert_eq!((job.cost_flags.0, job.notify_flags.0), (0x8000_007F, 3));
    let ended = set(&["--file", "0", "--to", "b", "--size", "7"]);
    assert!(ended.err.contains("file 0 goes to /"), "{}", ended.err);
    assert_eq!(agent.files()[0]["local_name"], home.file("b").to_str().unwrap());
    assert_eq!(set(&[]).code, Some(2));
    assert_eq!(set(&["--to", "b"]).code, Some(2));
    assert_eq!(set(&["--cost", "cheap"]).code, Some(2));
}

#[test]
fn files_have_headers_and_another_address() {
    let (home, agent) = home_with_job(AgentMode::Service);
    let headers = home.run(&["jobs", "headers", "0f0d", "0"]);
    assert_eq!(headers.out, "HTTP/1.1 200 OK\nserver: a\u{fffd}b\n");
    let none = home.run(&["jobs", "headers", "0f0d", "1"]);
    assert!(none.err.contains("no server has answered for this file yet [E_NOT_SET"), "{none:?}");
    let moved = home.run(&["jobs", "remote-name", "0f0d", "0", "http://h/b"]);
    assert_eq!(moved.err, "job 0f0d3b2e: file 0 comes from the new address\n");
    assert_eq!(agent.files()[0]["remote_name"], "http://h/b");
    let files = home.run(&["jobs", "files", "0f0d"]);
    assert!(files.out.starts_with("FILE  STATE") && files.out.contains("http://h/b"), "{files:?}");
    let json = home.run(&["jobs", "files", "0f0d", "--json"]);
    let file: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(file["remote_name"], "http://h/b");
    assert_eq!(home.run(&["jobs", "stats", "0f0d"]).err, "no files\n");
    let error = home.run(&["jobs", "error", "0f0d"]);
    assert_eq!(error.code, Some(1));
    assert!(error.err.contains("DO_E_ERROR_INFORMATION_UNAVAILABLE"), "{error:?}");
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
