//! An agent that stays, as a service manager starts it.

use std::io::{ErrorKind, Read as _};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::home::{Ended, Home};

/// How often a look is taken whether the service died before it said that it is ready.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A service that is ready. Ended when dropped.
pub(crate) struct Service {
    child: Child,
}

impl Service {
    /// Starts `command` and waits until it says that callers are served.
    pub(crate) fn start(home: &Home, mut command: Command) -> Service {
        let path = home.file("notify.sock");
        let _ = std::fs::remove_file(&path);
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(LOOK_EVERY)).unwrap();
        let mut child = command.env("NOTIFY_SOCKET", &path).spawn().unwrap();
        loop {
            let mut word = [0; 256];
            match manager.recv(&mut word) {
                Ok(bytes) if word[..bytes].starts_with(b"READY=1") => return Service { child },
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    assert!(child.try_wait().unwrap().is_none(), "{}", told(&mut child));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(mut self) -> Ended {
        self.signal(Signal::TERM);
        let code = self.child.wait().unwrap().code();
        Ended { code, out: String::new(), err: told(&mut self.child) }
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

/// What it wrote to standard error until it ended.
fn told(child: &mut Child) -> String {
    let mut told = String::new();
    if let Some(mut err) = child.stderr.take() {
        err.read_to_string(&mut told).unwrap();
    }
    told
}
