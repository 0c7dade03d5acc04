//! An agent that stays, as a service manager starts it.

use std::io::{BufRead as _, BufReader, ErrorKind};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, ChildStderr, Command};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::home::{Ended, Home};

/// How often a look is taken whether the service died before it said that it is ready.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A service that is ready. Ended when dropped.
pub(crate) struct Service {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Service {
    /// Starts `command` and waits until it says that callers are served.
    pub(crate) fn start(home: &Home, mut command: Command) -> Service {
        let path = home.file("notify.sock");
        let _ = std::fs::remove_file(&path);
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(LOOK_EVERY)).unwrap();
        let mut child = command.env("NOTIFY_SOCKET", &path).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        loop {
            let mut word = [0; 256];
            match manager.recv(&mut word) {
                Ok(bytes) if word[..bytes].starts_with(b"READY=1") => {
                    return Service { child, log };
                }
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    assert!(child.try_wait().unwrap().is_none(), "{}", rest(&mut log));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until it logs something that has `part` in it.
    pub(crate) fn hear(&mut self, part: &str) {
        let mut heard = String::new();
        while !heard.lines().last().is_some_and(|line| line.contains(part)) {
            assert_ne!(self.log.read_line(&mut heard).unwrap(), 0, "no {part:?} in {heard}");
        }
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(mut self) -> Ended {
        self.signal(Signal::TERM);
        let code = self.child.wait().unwrap().code();
        Ended { code, out: String::new(), err: rest(&mut self.log) }
    }

    /// Its process.
    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Gone already after `end`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is left of what it wrote to standard error, until it ended.
fn rest(log: &mut impl std::io::Read) -> String {
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    rest
}
