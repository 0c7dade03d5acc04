//! `dobbin get` with an agent that is told what happens.

use std::process::Child;

use dobbin_types::rest::AgentMode;
use dobbin_types::{Completion, JobState, Priority};

use crate::fake_agent::{FakeAgent, JOB, Plot};
use crate::home::{Ended, Home};

const VERB: &str = "POST /v1/jobs/0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d";

fn home_with(mode: AgentMode, plot: Plot) -> (Home, FakeAgent) {
    let home = Home::new();
    let agent = FakeAgent::start(&home.file("run"), mode, plot);
    (home, agent)
}

#[test]
fn a_file_is_fetched_and_saved_with_few_words() {
    let (home, agent) = home_with(AgentMode::Service, Plot::Transfers);
    let ended = home.run(&["get", "http://h/a.txt?sig=secret"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<&str> = ended.err.lines().collect();
    assert_eq!(lines[0], "fetching h/a.txt to a.txt (job 0f0d3b2e)");
    assert!(lines[1].starts_with("saved a.txt, 7 B in 0."), "{}", lines[1]);
    assert_eq!(lines.len(), 2, "{}", ended.err);
    assert_eq!(ended.out, "");
    assert!(home.file("a.txt").is_file());
    assert_eq!(agent.job().priority, Priority::Foreground);
    let asked = agent.asked();
    assert!(asked.contains(&format!("GET /v1/events?job={JOB}")), "{asked:?}");
    assert_eq!(asked[asked.len() - 2..], [format!("{VERB}/resume"), format!("{VERB}/complete")]);
}

#[test]
fn a_file_whose_bytes_are_all_here_is_saved_at_once() {
    let (home, _agent) = home_with(AgentMode::Service, Plot::IsHere);
    let ended = home.run(&["get", "http://h/a"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("saved a, 7 B"), "{}", ended.err);
}

#[test]
fn options_become_what_the_job_is() {
    let (home, agent) = home_with(AgentMode::Service, Plot::Transfers);
    let hash = "A".repeat(64);
    let words = ["get", "-q", "-o", "x", "--sha256", &hash, "--priority", "low"];
    let more = ["--limit-rate", "2k", "--no-progress-timeout", "9", "-f", "http://h/a b#c"];
    let ended = home.run(&[words.as_slice(), &more].concat());
    assert_eq!((ended.code, ended.err.as_str(), ended.out.as_str()), (Some(0), "", ""));
    let file = &agent.files()[0];
    assert_eq!(file["remote_name"], "http://h/a%20b");
    assert_eq!(file["local_name"], home.file("x").to_str().unwrap());
    assert_eq!(file["sha256"], "a".repeat(64));
    assert_eq!(file["replace"], true);
    let job = agent.job();
    assert_eq!((job.priority, job.bytes_per_second_max), (Priority::Low, Some(2048)));
}

#[test]
fn a_program_reads_one_object_per_line() {
    let (home, _agent) = home_with(AgentMode::Service, Plot::Transfers);
    let ended = home.run(&["get", "--json", "http://h/a"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let lines: Vec<serde_json::Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["kind"], "current");
    assert_eq!(lines[0]["job"]["id"], JOB);
    let last = lines.last().unwrap();
    assert_eq!(last["kind"], "saved");
    assert_eq!(last["bytes"], 7);
    assert_eq!(last["files"][0], home.file("a").to_str().unwrap());
}

#[test]
fn a_file_that_is_not_there_leaves_no_job_behind() {
    let (home, agent) = home_with(AgentMode::Service, Plot::Fails(404, 0));
    let ended = home.run(&["get", "http://h/a"]);
    assert_eq!(ended.code, Some(1));
    let expect = "error: cannot fetch h/a: h answered 404 [HTTP_E_STATUS_NOT_FOUND (0x80190194)]\n  \
                  help: check the address\n";
    assert!(ended.err.ends_with(expect), "{}", ended.err);
    assert_eq!(agent.job().state, JobState::Cancelled);
}

#[test]
fn what_was_fetched_before_a_failure_is_kept() {
    let (home, agent) = home_with(AgentMode::Service, Plot::Fails(403, 3));
    let ended = home.run(&["get", "http://h/a"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("3 B are kept: the same command goes on"), "{}", ended.err);
    assert!(ended.err.contains("dobbin jobs cancel 0f0d3b2e"), "{}", ended.err);
    assert_eq!(agent.job().state, JobState::Error);
}

/// Sends SIGINT once the job has been resumed so many times.
fn interrupt(agent: &FakeAgent, child: Child, times: usize) -> Ended {
    agent.wait_for(&format!("{VERB}/resume"), times);
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn an_interrupted_command_suspends_and_the_same_command_goes_on() {
    let (home, agent) = home_with(AgentMode::Service, Plot::Waits);
    let words = ["get", "http://h/a"];
    let ended = interrupt(&agent, home.command(&words).spawn().unwrap(), 1);
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.err.contains("the same command goes on"), "{}", ended.err);
    assert_eq!(agent.job().state, JobState::Suspended);

    let ended = interrupt(&agent, home.command(&words).spawn().unwrap(), 2);
    assert!(ended.err.contains("going on with h/a to a (job 0f0d3b2e)"), "{}", ended.err);
    let created = agent.asked().iter().filter(|asked| *asked == "POST /v1/jobs").count();
    assert_eq!(created, 1);
}

#[test]
fn an_agent_that_comes_back_is_asked_to_go_on() {
    let (home, agent) = home_with(AgentMode::Service, Plot::Waits);
    let child = home.command(&["get", "http://h/a"]).spawn().unwrap();
    agent.wait_for(&format!("{VERB}/resume"), 1);
    agent.die();
    let next = FakeAgent::start(&home.file("run"), AgentMode::Service, Plot::Transfers);
    let next = next.with_job_of(&agent);
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("the agent ended; going on with another one"), "{}", ended.err);
    assert!(next.asked().contains(&format!("{VERB}/complete")), "{:?}", next.asked());
}

#[test]
fn a_job_that_was_completed_by_a_dying_agent_counts_as_saved() {
    let (home, agent) = home_with(AgentMode::Service, Plot::DiesCompleting);
    let child = home.command(&["get", "http://h/a"]).spawn().unwrap();
    agent.wait_for(&format!("{VERB}/complete"), 1);
    let next = FakeAgent::start(&home.file("run"), AgentMode::Service, Plot::Waits);
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("saved a, 7 B"), "{}", ended.err);
    let questions = next.asked();
    assert!(questions.iter().all(|asked| asked.starts_with("GET")), "{questions:?}");
}

#[test]
fn a_job_that_another_agent_does_not_know_was_cancelled() {
    let (home, agent) = home_with(AgentMode::Service, Plot::Waits);
    let child = home.command(&["get", "http://h/a"]).spawn().unwrap();
    agent.wait_for(&format!("{VERB}/resume"), 1);
    agent.die();
    let _next = FakeAgent::start(&home.file("run"), AgentMode::Service, Plot::Waits);
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("somebody cancelled job 0f0d3b2e"), "{}", ended.err);
}

#[test]
fn another_address_for_the_same_file_is_refused_with_the_jobs_id() {
    let (home, agent) = home_with(AgentMode::Service, Plot::Waits);
    interrupt(&agent, home.command(&["get", "http://h/a"]).spawn().unwrap(), 1);
    let ended = home.run(&["get", "http://other/a"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("job 0f0d3b2e is fetching a from another address"), "{}", ended.err);
    assert!(ended.err.contains("`dobbin jobs cancel 0f0d3b2e` drops it"), "{}", ended.err);
}

#[test]
fn background_hands_over_to_an_agent_that_stays() {
    let (home, agent) = home_with(AgentMode::Service, Plot::Waits);
    let ended = home.run(&["get", "--background", "http://h/a"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), format!("{JOB}\n").as_str()));
    let job = agent.job();
    assert_eq!((job.completion, job.priority), (Completion::Service, Priority::Normal));
    assert_eq!(job.state, JobState::Queued);
}

#[test]
fn background_needs_an_agent_that_stays() {
    let nobody = Home::new();
    let ended = nobody.run(&["get", "--background", "http://h/a"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("no agent of yours is running"), "{}", ended.err);
    assert!(ended.err.contains("dobbin serve"), "{}", ended.err);

    let (home, agent) = home_with(AgentMode::Embedded, Plot::Waits);
    let ended = home.run(&["get", "--background", "http://h/a"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("part of another command"), "{}", ended.err);
    assert_eq!(agent.asked(), ["GET /v1/agent"]);
}

#[test]
fn a_socket_that_was_named_is_the_only_one_tried() {
    let (home, agent) = home_with(AgentMode::Service, Plot::Transfers);
    for words in [vec!["get", "--socket", "other.sock", "http://h/a"], vec!["get", "http://h/a"]] {
        let mut command = home.command(&words);
        if !words.contains(&"--socket") {
            command.env("DOBBIN_SOCKET", "other.sock");
        }
        let ended: Ended = command.output().unwrap().into();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let expect = "no agent answers: other.sock (nobody listens) [DO_E_NO_SERVICE";
        assert!(ended.err.contains(expect), "{}", ended.err);
    }
    assert_eq!(agent.asked(), [""; 0]);
}
