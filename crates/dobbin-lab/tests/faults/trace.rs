//! Faults at single system calls of a running agent, laid by `strace`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A tracer at work. It lets go when it is dropped, and the agent goes on without it.
pub(crate) struct Trace {
    child: Child,
    log: tempfile::NamedTempFile,
}

/// Which calls are meant, and what becomes of them: in the words of `strace -e`.
pub(crate) struct Fault<'a> {
    /// The calls that are traced.
    pub(crate) calls: &'a str,
    /// What is done to which of them.
    pub(crate) inject: &'a str,
    /// Only calls on this file.
    pub(crate) on: Option<&'a Path>,
}

impl Trace {
    /// Lays the fault, and returns when it lies; `None`, with a word about it, where that cannot be.
    pub(crate) fn lay(pid: u32, fault: &Fault<'_>) -> Option<Trace> {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new("strace");
        command.args(["-f", "-y", "-e", &format!("trace={}", fault.calls)]);
        command.args(["-e", &format!("inject={}", fault.inject)]);
        if let Some(path) = fault.on {
            command.arg("-P").arg(path);
        }
        command.arg("-o").arg(log.path()).arg("-p").arg(pid.to_string());
        let spawned = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
        let Ok(mut child) = spawned else {
            eprintln!("SKIPPED: NOT RUN, because there is no strace");
            return None;
        };
        let mut words = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        // The rest of what it says is of no interest, but must go somewhere.
        let attached =
            words.find(|line| line.contains("attached") || line.contains("not permitted"));
        std::thread::spawn(move || words.for_each(drop));
        if attached.is_some_and(|line| line.contains("attached")) {
            return Some(Trace { child, log });
        }
        let _ = child.wait();
        eprintln!("SKIPPED: NOT RUN, because the agent may not be traced");
        None
    }

    /// The calls so far, one a line.
    pub(crate) fn calls(&self) -> Vec<String> {
        fs::read_to_string(self.log.path()).unwrap().lines().map(str::to_owned).collect()
    }

    /// Lets go, and says which calls there were.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.let_go();
        self.calls()
    }

    fn let_go(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It detaches from what it traces before it ends.
        let _ = kill_process(pid.unwrap(), Signal::TERM);
        let _ = self.child.wait();
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// What is laid on the calls with which the bytes of the file at `path` are written or flushed.
pub(crate) fn on<'a>(path: &'a Path, calls: &'a str, inject: &'a str) -> Fault<'a> {
    Fault { calls, inject, on: Some(path) }
}

/// Keeps a path alive for a [`Fault`].
pub(crate) fn staged(path: PathBuf) -> PathBuf {
    // The tracer compares names that the kernel gives, without links.
    let folder = path.parent().unwrap().parent().unwrap();
    fs::canonicalize(folder).unwrap().join(path.strip_prefix(folder).unwrap())
}
