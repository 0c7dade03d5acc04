//! A server that freezes: its machine still takes connections and acknowledges bytes, and nobody is
//! there who answers.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use dobbin_lab::origin::{Origin, Plan};
use dobbin_types::ErrorCode;
use rustix::process::{Pid, Signal, kill_process};

use crate::life::{LARGE, Life, MIB, impatient, unhurried};
use crate::stage::{FAR_V4, Net, alone};

/// Says to a process of this program where it is to be an origin.
const ORIGIN_AT: &str = "DOBBIN_TEST_ORIGIN_AT";

/// What such a process says before its URL.
const HERE: &str = "origin: ";

/// An origin in a process of its own, at the far end.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(net: &Net) -> Server {
        let mut child = net
            .at_far()
            .arg(env::current_exe().unwrap())
            .args(["--exact", "stopped::the_origins_own_process", "--nocapture"])
            .env(ORIGIN_AT, FAR_V4)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let mut lines = lines.map(Result::unwrap);
        let url = lines.find_map(|line| line.split(HERE).nth(1).map(str::to_owned));
        Server { url: url.expect("the origin starts"), child }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The origin, in a process that [`Server::start`] makes of this program. Without its variable there is
/// nothing to do.
#[test]
fn the_origins_own_process() {
    let Ok(address) = env::var(ORIGIN_AT) else { return };
    let origin = Origin::start_on(Plan::new().route("/a", unhurried()), address.parse().unwrap());
    println!("{HERE}{}", origin.url("/a"));
    // Until whoever wants it is gone.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_frozen_server_is_left_and_found_again() {
    alone("stopped::a_frozen_server_is_left_and_found_again", |net| {
        let server = Server::start(net);
        let life = Life::begin(&server.url, impatient);
        life.has(MIB);
        server.signal(Signal::STOP);
        assert_eq!(life.stops(), ErrorCode::WININET_E_TIMEOUT, "in the middle of the body");
        // Its kernel takes the next connection.
        life.resume();
        assert_eq!(life.stops(), ErrorCode::WININET_E_TIMEOUT, "before an answer");
        server.signal(Signal::CONT);
        life.ends_with(LARGE);
    });
}
