//! Faults at single system calls of an agent, laid by `strace`.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// Where the tracer is.
pub const STRACE: &str = "/usr/bin/strace";

/// Which calls are meant, and what becomes of them: in the words of `strace -e`. Calls are counted for
/// each thread by itself.
#[derive(Debug, Clone, Default)]
pub struct Fault<'a> {
    /// The calls that are traced.
    pub calls: &'a str,
    /// What is done to which of them; nothing if left out.
    pub inject: Option<String>,
    /// Only calls on this file.
    pub on: Option<&'a Path>,
}

impl Fault<'_> {
    fn words(&self, log: &Path) -> Vec<OsString> {
        let mut words: Vec<OsString> = ["-f", "-y", "-e"].into_iter().map(OsString::from).collect();
        words.push(format!("trace={}", self.calls).into());
        if let Some(inject) = &self.inject {
            words.push("-e".into());
            words.push(format!("inject={inject}").into());
        }
        if let Some(path) = self.on {
            words.push("-P".into());
            words.push(path.into());
        }
        words.push("-o".into());
        words.push(log.into());
        words
    }

    /// What is put before an agent's program so that the fault lies from its first step on, as
    /// [`Setup::under`](super::agent::Setup::under) wants it: the tracer is nobody's parent.
    pub fn under(&self, log: &Path) -> Vec<OsString> {
        let mut under: Vec<OsString> = vec![STRACE.into(), "-D".into()];
        under.extend(self.words(log));
        under
    }
}

/// A tracer at work. It lets go when it is dropped, and the agent goes on without it.
#[derive(Debug)]
pub struct Trace {
    child: Child,
    log: tempfile::NamedTempFile,
}

impl Trace {
    /// Lays the fault on a running process, and returns when it lies.
    ///
    /// # Errors
    ///
    /// There is no tracer, or the process may not be traced.
    pub fn lay(pid: u32, fault: &Fault<'_>) -> Result<Trace> {
        let log = tempfile::NamedTempFile::new()?;
        let mut child = Command::new(STRACE)
            .args(fault.words(log.path()))
            .arg("-p")
            .arg(pid.to_string())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {STRACE}"))?;
        let said = child.stderr.take().context("a tracer without a voice")?;
        let mut lines = BufReader::new(said).lines().map_while(Result::ok);
        let first = lines.by_ref().next().unwrap_or_default();
        // The rest of what it says is of no interest, but must go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        let trace = Trace { child, log };
        if !first.contains("attached") {
            bail!("the agent cannot be traced: {first}");
        }
        Ok(trace)
    }

    /// Lets go of an agent that lives or has left, and says which calls there were, one a line.
    pub fn end(mut self) -> Result<Vec<String>> {
        // Asked, it lets go and writes the rest of its log.
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It may have ended with the agent.
        let _ = kill_process(pid.context("a process id that is none")?, Signal::TERM);
        self.child.wait()?;
        lines(self.log.path())
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        // Not asked: it would wait for an agent that is dying. The kernel lets go in its place.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a tracer has written.
pub(crate) fn lines(log: &Path) -> Result<Vec<String>> {
    let text = fs::read(log).with_context(|| format!("cannot read {}", log.display()))?;
    Ok(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
}

/// The name that the kernel gives to a path: the tracer compares those. The path itself need not be
/// there yet, only a folder above it.
///
/// # Errors
///
/// Nothing above it is there.
pub fn kernels_name(path: &Path) -> Result<PathBuf> {
    let there =
        path.ancestors().find(|folder| folder.exists()).context("nothing of it is there")?;
    let rest = path.strip_prefix(there)?;
    let there = there.canonicalize()?;
    Ok(if rest.as_os_str().is_empty() { there } else { there.join(rest) })
}
