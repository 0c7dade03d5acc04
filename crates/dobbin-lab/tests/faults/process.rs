//! What happens to the agent's process, and to those of its callers.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use dobbin_lab::kill::agent::Setup;
use dobbin_lab::origin::{Content, Origin, Pace, Plan, Route};
use dobbin_sdk::JobFilter;
use dobbin_types::JobState;
use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{
    MIB, PATIENCE, Stage, file, finishes, is_whole, wait, wait_for, wait_for_bytes,
};

fn signal(stage: &Stage, signal: Signal) {
    let pid = i32::try_from(stage.pid()).ok().and_then(Pid::from_raw).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Row 6: asked to leave in the middle of a transfer. (That it takes no longer than 5 s and ends well is
/// looked at by whoever stops it.)
#[test]
fn an_agent_that_is_asked_to_leave_loses_no_whole_piece() {
    // Too short for several connections: what is here is what is in front.
    let content = Content::new(6, 7 * MIB);
    let slow = Route::honest(content).always(Pace::RatePerConnection(4 * MIB));
    let origin = Origin::start(Plan::new().route("/a", slow));
    let mut stage = Stage::new();
    let job = stage.job(file(origin.url("/a"), &stage.path("a")));
    job.resume().unwrap();
    let had = wait_for_bytes(&job, 3 * MIB).progress.bytes_transferred;
    let asked_count = origin.requests().len();
    stage.stop();
    origin.set("/a", Route::honest(content));
    stage.start().unwrap();
    let job = stage.again(job.id());
    wait_for(&job, JobState::Transferred);
    let first = &origin.requests_from(asked_count)[0];
    let range = first.request.field("range").expect("it goes on where it was");
    let from: u64 = range["bytes=".len()..].split('-').next().unwrap().parse().unwrap();
    assert!(from + MIB > had, "{range}, but {had} bytes were here");
    job.complete().unwrap();
    is_whole(&stage.path("a"), content);
}

/// Row 7: stopped by a signal, for so long that all its connections are gone, and then let go on.
#[test]
fn an_agent_that_was_stopped_for_long_goes_on_with_new_connections() {
    let content = Content::new(7, 8 * MIB);
    let slow = Route::honest(content).always(Pace::RatePerConnection(4 * MIB));
    let origin = Origin::start(Plan::new().route("/a", slow));
    let stage = Stage::new();
    let job = stage.job(file(origin.url("/a"), &stage.path("a")));
    job.resume().unwrap();
    wait_for_bytes(&job, MIB);
    signal(&stage, Signal::STOP);
    origin.hang_up();
    origin.set("/a", Route::honest(content));
    until_stopped(&stage);
    signal(&stage, Signal::CONT);
    finishes(&job, &stage.path("a"), content);
}

/// Waits until none of the agent's threads runs: a signal arrives a little after it was sent.
fn until_stopped(stage: &Stage) {
    let began = Instant::now();
    let stat = || fs::read_to_string(format!("/proc/{}/stat", stage.pid())).unwrap();
    while !stat().contains(") T ") {
        assert!(began.elapsed() < PATIENCE, "{}", stat());
        std::thread::yield_now();
    }
}

/// A group of processes that may use so much memory together. Removed when it is dropped.
struct MemoryGroup(PathBuf);

impl MemoryGroup {
    fn new(bytes: u64) -> Option<MemoryGroup> {
        let name = format!("dobbin-lab-{}", std::process::id());
        let path = Path::new("/sys/fs/cgroup/memory").join(name);
        let made = fs::create_dir(&path).is_ok();
        let group = made.then(|| MemoryGroup(path));
        let limited = group.filter(|group| {
            fs::write(group.0.join("memory.limit_in_bytes"), bytes.to_string()).is_ok()
        });
        if limited.is_none() {
            eprintln!("SKIPPED: NOT RUN, because no group with a memory limit can be made here");
        }
        limited
    }

    fn take(&self, pid: u32) {
        fs::write(self.0.join("cgroup.procs"), pid.to_string()).unwrap();
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// Row 8: 64 MiB of memory for everything, the pages of its files included.
#[test]
fn an_agent_with_little_memory_fetches_files_that_are_larger() {
    let Some(group) = MemoryGroup::new(64 << 20) else { return };
    let contents =
        [Content::new(81, 48 * MIB), Content::new(82, 48 * MIB), Content::new(83, 48 * MIB)];
    let paths = ["/a", "/b", "/c"];
    let plan = paths
        .iter()
        .zip(contents)
        .fold(Plan::new(), |plan, (path, content)| plan.file(path, content));
    let origin = Origin::start(plan);
    let mut stage = Stage::new();
    group.take(stage.pid());
    let jobs: Vec<_> = paths
        .iter()
        .map(|path| stage.job(file(origin.url(path), &stage.path(&path[1..]))))
        .collect();
    jobs.iter().for_each(|job| drop(job.resume().unwrap()));
    for ((job, path), content) in jobs.iter().zip(paths).zip(contents) {
        finishes(job, &stage.path(&path[1..]), content);
    }
    stage.stop();
}

/// Row 19: callers have taken all its descriptors. (That it answers again when they let go is proven
/// where the agent is tested.)
#[test]
fn an_agent_without_descriptors_finishes_what_it_is_fetching() {
    let content = Content::new(19, 6 * MIB);
    let slow = Route::honest(content).always(Pace::RatePerConnection(3 * MIB));
    let origin = Origin::start(Plan::new().route("/a", slow));
    let prlimit = Path::new("/usr/bin/prlimit");
    if !prlimit.exists() {
        eprintln!("SKIPPED: NOT RUN, because there is no prlimit");
        return;
    }
    let mut stage = Stage::with(|setup| {
        setup.under = vec![prlimit.into(), "--nofile=64:64".into()];
    });
    let job = stage.job(file(origin.url("/a"), &stage.path("a")));
    job.resume().unwrap();
    wait_for_bytes(&job, MIB);
    let callers: Vec<UnixStream> =
        (0..100).map_while(|_| UnixStream::connect(&stage.setup.socket).ok()).collect();
    assert!(callers.len() > 40, "{} callers got through", callers.len());
    let is_sent = origin.wait(PATIENCE, |requests| {
        requests.iter().map(|exchange| exchange.body_sent_bytes).sum::<u64>() >= content.size()
    });
    assert!(is_sent, "{:?}", origin.requests());
    drop(callers);
    finishes(&job, &stage.path("a"), content);
    let complaints = stage.log().lines().filter(|line| line.contains("cannot be accepted")).count();
    assert!(complaints <= 3, "it says so {complaints} times");
    stage.stop();
}

/// Asks something of the agent, and leaves the answer unread.
fn ask(stage: &Stage, path: &str, body: &str) -> UnixStream {
    let mut stream = UnixStream::connect(&stage.setup.socket).unwrap();
    let length = body.len();
    let kind = "Content-Type: application/json";
    let head = format!("POST {path} HTTP/1.1\r\nHost: agent\r\n{kind}\r\nContent-Length: {length}");
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
    stream
}

/// Row 56: a caller dies between creating a job and resuming it. With it dies the agent.
#[test]
fn a_job_whose_creator_is_gone_waits_suspended() {
    let mut stage = Stage::new();
    let mut caller = ask(&stage, "/v1/jobs", r#"{"display_name":"orphan"}"#);
    let mut answer = [0; 12];
    caller.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 201", "{}", String::from_utf8_lossy(&answer));
    drop(caller);
    stage.kill();
    stage.start().unwrap();
    let jobs = stage.manager().jobs(&JobFilter::default()).unwrap();
    let found: Vec<_> = jobs.iter().map(|job| (job.display_name.as_str(), job.state)).collect();
    assert_eq!(found, [("orphan", JobState::Suspended)]);
}

/// Row 56: a caller dies inside Complete.
#[test]
fn a_job_whose_completer_is_gone_is_completed_all_the_same_and_once() {
    let content = Content::new(56, 4 * MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let stage = Stage::new();
    let job = stage.job(file(origin.url("/a"), &stage.path("a")));
    job.resume().unwrap();
    wait_for(&job, JobState::Transferred);
    // One that dies at once may not have been heard; then another one dies.
    wait(&job, "over", |info| {
        let is_over = info.state == JobState::Acknowledged;
        if !is_over {
            drop(ask(&stage, &format!("/v1/jobs/{}/complete", job.id()), ""));
        }
        is_over
    });
    is_whole(&stage.path("a"), content);
    // Whoever asks once more is told that it is over, and the file stays as it is.
    let _ = job.complete();
    is_whole(&stage.path("a"), content);
}

/// Row 57: a second agent on the same store, or at the same socket.
#[test]
fn a_second_agent_is_refused_with_the_first_ones_number_and_the_first_goes_on() {
    let stage = Stage::new();
    let same_store = Setup { socket: stage.path("other.sock"), ..stage.setup.clone() };
    let same_socket = Setup { state: stage.path("other"), ..stage.setup.clone() };
    let (first, socket) = (stage.pid().to_string(), stage.setup.socket.display().to_string());
    for (setup, names) in [(&same_store, first), (&same_socket, socket)] {
        let mut second = setup.command().stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        second.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        // The number of `sysexits.h` for what may go well later.
        assert_eq!(second.wait().unwrap().code(), Some(75), "{said}");
        assert!(said.contains(&names), "{said}");
    }
    assert!(!same_store.socket.exists());
    stage.manager().agent().unwrap();
}
