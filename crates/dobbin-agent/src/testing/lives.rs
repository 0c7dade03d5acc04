//! How agents begin and end.

use std::fs::File;
use std::io::Read;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::time::Duration;

use dobbin_platform::Scope;
use dobbin_types::rest::{AgentInfo, AgentMode, JobList};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::again::{child, child_home};
use super::{Answer, House, options, request};
use crate::ipc::Limits;
use crate::options::{AgentOptions, SocketChoice};
use crate::wire::{Agent, REQUESTS_GRACE};
use crate::{Embedded, LOG_VARIABLE, StartError, serve};

#[tokio::test]
async fn a_second_agent_on_the_same_store_is_refused_and_names_the_first() {
    let house = House::open().await;
    let mut second = options(house.home.path(), Scope::User, AgentMode::Embedded);
    second.socket = SocketChoice::Path(house.home.path().join("other.sock"));
    let refused = Agent::start(second, Limits::PRODUCT).await.err().unwrap();
    let StartError::InUse { store, source } = &refused else { panic!("{refused}") };
    assert_eq!(*store, house.home.path().join("state"));
    assert!(source.to_string().contains(&std::process::id().to_string()), "{source}");
    assert!(refused.to_string().contains("stop it first"), "{refused}");
    assert!(!house.home.path().join("other.sock").exists(), "it left no socket");
    assert_eq!(house.ask("GET", "/v1/agent").await.status, 200, "the first is unharmed");
    house.close().await;
}

#[tokio::test]
async fn a_second_agent_at_the_same_socket_is_refused_and_leaves_its_store_free() {
    let house = House::open().await;
    let second = || AgentOptions {
        state: house.home.path().join("other"),
        ..options(house.home.path(), Scope::User, AgentMode::Embedded)
    };
    for _ in 0..2 {
        let refused = Agent::start(second(), Limits::PRODUCT).await.err().unwrap();
        assert!(matches!(refused, StartError::Answered { .. }), "{refused}");
    }
    house.close().await;
}

/// One request from a thread without a runtime.
fn ask(socket: &std::path::Path, method: &str, path: &str) -> Answer {
    use std::io::Write;
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(&request(method, path, &[], None)).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    Answer::read(&reply)
}

#[test]
fn an_embedded_agent_answers_from_start_to_stop_and_leaves_nothing_locked() {
    let home = tempfile::tempdir().unwrap();
    for turn in 0..3 {
        let options = options(home.path(), Scope::User, AgentMode::Embedded);
        let agent = Embedded::start(options).unwrap();
        let socket = agent.socket().to_owned();
        let info: AgentInfo = ask(&socket, "GET", "/v1/agent").body_as();
        assert_eq!(info.mode, AgentMode::Embedded);
        if turn % 2 == 0 {
            agent.stop()
        } else {
            drop(agent)
        }
        assert!(!socket.exists());
    }
}

#[tokio::test]
async fn a_socket_of_the_service_manager_is_used_and_stays() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("manager.sock");
    let handed = UnixListener::bind(&path).unwrap();
    let options = AgentOptions {
        socket: SocketChoice::Activated(handed),
        ..options(home.path(), Scope::System, AgentMode::Service)
    };
    let agent = Agent::start(options, Limits::PRODUCT).await.unwrap();
    let house = House { agent, home };
    assert_eq!(house.socket(), path);
    assert_eq!(house.ask("GET", "/v1/agent").await.status, 200);
    let House { agent, home: _home } = house;
    agent.stop().await;
    assert!(path.exists());
}

/// conformance: default persistence
#[tokio::test]
async fn jobs_outlive_their_agent() {
    let house = House::open().await;
    let job = house.create("kept").await;
    let House { agent, home } = house;
    agent.stop().await;
    let options = options(home.path(), Scope::User, AgentMode::Service);
    let agent = Agent::start(options, Limits::PRODUCT).await.unwrap();
    let house = House { agent, home };
    let list: JobList = house.ask("GET", "/v1/jobs").await.body_as();
    assert_eq!(list.jobs.iter().map(|found| found.id).collect::<Vec<_>>(), [job]);
    house.close().await;
}

#[tokio::test]
async fn a_request_on_its_way_keeps_the_agent_for_a_short_while_only() {
    let house = House::open().await;
    let mut stream = house.connect().await;
    let head = "POST /v1/jobs HTTP/1.1\r\nhost: agent\r\ncontent-type: application/json\r\n\
                content-length: 20\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let begun = std::time::Instant::now();
    house.close().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // Nothing, or an end: but not silence.
    let _ = stream.read(&mut [0; 1]).await;
}

#[tokio::test]
async fn connections_that_nobody_uses_keep_the_agent_not_at_all() {
    let house = House::open().await;
    let _fresh = house.connect().await;
    let mut used = house.connect().await;
    used.write_all(b"GET /v1/agent HTTP/1.1\r\nhost: agent\r\n\r\n").await.unwrap();
    assert!(used.read(&mut [0; 4096]).await.unwrap() > 0);
    let begun = std::time::Instant::now();
    house.close().await;
    assert!(begun.elapsed() < REQUESTS_GRACE, "{:?}", begun.elapsed());
    assert_eq!(used.read(&mut [0; 1]).await.unwrap(), 0, "an end, not an error");
}

#[test]
fn a_served_agent_reports_to_its_manager_and_leaves_when_asked() {
    const NAME: &str =
        "testing::lives::a_served_agent_reports_to_its_manager_and_leaves_when_asked";
    if let Some(home) = child_home() {
        serve(options(&home, Scope::System, AgentMode::Service)).unwrap();
        return;
    }
    for signal in [Signal::TERM, Signal::INT] {
        let home = tempfile::tempdir().unwrap();
        let manager = UnixDatagram::bind(home.path().join("notify")).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let hear = || {
            let mut message = [0; 256];
            let bytes_count = manager.recv(&mut message).unwrap();
            String::from_utf8(message[..bytes_count].to_vec()).unwrap()
        };
        let mut command = child(NAME, home.path());
        command
            .env("NOTIFY_SOCKET", home.path().join("notify"))
            .env("WATCHDOG_USEC", "100000")
            .env(LOG_VARIABLE, "warn");
        let mut served = command.spawn().unwrap();

        assert_eq!(hear(), "READY=1\n");
        assert_eq!([hear(), hear()], ["WATCHDOG=1\n", "WATCHDOG=1\n"]);
        let socket = home.path().join("run/api.sock");
        let info: AgentInfo = ask(&socket, "GET", "/v1/agent").body_as();
        assert_eq!(info.pid, served.id());
        let pid = Pid::from_raw(i32::try_from(served.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let mut heard = hear();
        while heard == "WATCHDOG=1\n" {
            heard = hear();
        }
        assert_eq!(heard, "STOPPING=1\n");
        let mut output = String::new();
        served.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        assert!(served.wait().unwrap().success(), "{output}");
        assert!(output.contains("1 passed"), "the child ran no test: {output}");
        assert!(!socket.exists());
    }
}

#[test]
fn an_agent_without_descriptors_waits_and_then_goes_on() {
    const NAME: &str = "testing::lives::an_agent_without_descriptors_waits_and_then_goes_on";
    if child_home().is_some() {
        tokio::runtime::Runtime::new().unwrap().block_on(run_out_of_descriptors());
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let output = child(NAME, home.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

async fn run_out_of_descriptors() {
    let house = House::open().await;
    let limit = Rlimit { current: Some(256), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).unwrap();
    let mut fillers: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    // One descriptor for our own end, none for the agent's.
    fillers.pop();
    let mut stream = house.connect().await;
    stream.write_all(&request("GET", "/v1/agent", &[], None)).await.unwrap();
    let mut reply = Vec::new();
    let early = tokio::time::timeout(Duration::from_millis(300), stream.read_to_end(&mut reply));
    assert!(early.await.is_err(), "nobody could accept it");
    drop(fillers);
    stream.read_to_end(&mut reply).await.unwrap();
    assert_eq!(Answer::read(&reply).status, 200);
    house.close().await;
}
