//! The agent's process: started, waited for, killed.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dobbin_sdk::{Address, blocking::Manager};
use rustix::process::{Pid, Signal, kill_process};

/// How soon a restarted agent must answer (reliability matrix, rows 1 and 2).
pub(super) const RESTART_MAX: Duration = Duration::from_secs(2);

/// How often a starting agent's socket is tried.
const KNOCK_EVERY: Duration = Duration::from_millis(1);

/// How long an agent that was asked to leave may take.
const LEAVE_MAX: Duration = Duration::from_secs(5);

/// What an agent is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The program.
    pub program: PathBuf,
    /// What is put before it: a program that runs it in some special way and becomes it, so that the
    /// process is the agent's own. Nothing as a rule.
    pub under: Vec<OsString>,
    /// Its store.
    pub state: PathBuf,
    /// Where it listens.
    pub socket: PathBuf,
    /// Where its log goes.
    pub log: PathBuf,
}

impl Setup {
    /// An agent whose things all lie in one folder.
    pub fn in_folder(program: PathBuf, folder: &Path) -> Setup {
        Setup {
            program,
            under: Vec::new(),
            state: folder.join("state"),
            socket: folder.join("api.sock"),
            log: folder.join("agent.log"),
        }
    }

    /// The command that starts it.
    pub fn command(&self) -> Command {
        let mut words =
            self.under.iter().map(OsString::as_os_str).chain([self.program.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .arg("--socket")
            .arg(&self.socket)
            .args(["serve", "--state"])
            .arg(&self.state)
            // Nobody's proxies, service managers or folders.
            .env_clear()
            .env("HOME", &self.state)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }
}

/// A running agent. It does not outlive this value.
#[derive(Debug)]
pub struct Agent {
    child: Child,
}

impl Agent {
    /// Starts an agent and waits until it answers.
    ///
    /// * Returns: the agent, a connection to it, and how long it took.
    ///
    /// # Errors
    ///
    /// It cannot be started, ends by itself, or does not answer within the time that a restart may
    /// take.
    pub fn start(setup: &Setup) -> Result<(Agent, Manager, Duration)> {
        Agent::start_within(setup, RESTART_MAX)
    }

    /// The same for an agent that may take longer, because it has much to read.
    pub fn start_within(setup: &Setup, limit: Duration) -> Result<(Agent, Manager, Duration)> {
        let log = OpenOptions::new().create(true).append(true).open(&setup.log)?;
        let began = Instant::now();
        let child = setup
            .command()
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", setup.program.display()))?;
        let mut agent = Agent { child };
        let manager = agent.wait_for_answer(&setup.socket, began, limit)?;
        Ok((agent, manager, began.elapsed()))
    }

    fn wait_for_answer(
        &mut self,
        socket: &Path,
        began: Instant,
        limit: Duration,
    ) -> Result<Manager> {
        loop {
            let tried = Manager::connect(Address::Socket(socket.to_path_buf()));
            // A connection alone is no answer.
            match tried.and_then(|manager| manager.agent().map(|_| manager)) {
                Ok(manager) => return Ok(manager),
                Err(error) if began.elapsed() > limit => {
                    bail!("the agent does not answer within {limit:?}: {error}")
                }
                Err(_) => {}
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the agent ended by itself when it was started: {status}");
            }
            thread::sleep(KNOCK_EVERY);
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Has it killed (SIGKILL) in `after`, from another thread.
    pub(super) fn doom(&self, after: Duration) -> Result<Doom> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.context("a process id that is none")?;
        let state = Mutex::new(Fate { due: Instant::now() + after, struck: false });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        // The process is not waited for before the thread is joined, so its id stays its own.
        let thread = thread::Builder::new()
            .name("lab-doom".to_owned())
            .spawn(move || theirs.strike_in_time(pid))?;
        Ok(Doom { shared, thread: Some(thread) })
    }

    /// Waits for the end of a killed agent.
    ///
    /// # Errors
    ///
    /// It had ended by itself before the blow.
    pub(super) fn bury(mut self, mut doom: Doom) -> Result<()> {
        use std::os::unix::process::ExitStatusExt;
        doom.join()?;
        let status = self.child.wait()?;
        if status.signal() != Some(Signal::KILL.as_raw()) {
            bail!("the agent ended by itself: {status}");
        }
        Ok(())
    }

    /// Kills it on the spot.
    ///
    /// # Errors
    ///
    /// It had ended by itself before.
    pub fn kill(self) -> Result<()> {
        let doom = self.doom(Duration::ZERO)?;
        self.bury(doom)
    }

    /// Asks it to leave, as a service manager does, and waits for that.
    ///
    /// # Errors
    ///
    /// It takes too long, or does not leave in order.
    pub fn stop(self) -> Result<()> {
        self.stop_within(LEAVE_MAX)
    }

    /// The same for one that may take longer, because it is being watched.
    pub(crate) fn stop_within(self, limit: Duration) -> Result<()> {
        match self.ask_to_leave(limit)? {
            status if status.success() => Ok(()),
            status => bail!("the agent left with {status}"),
        }
    }

    /// The same for one that may be killed meanwhile; says whether it was.
    pub(crate) fn leave(self, limit: Duration) -> Result<bool> {
        use std::os::unix::process::ExitStatusExt;
        let status = self.ask_to_leave(limit)?;
        match status.signal() {
            Some(signal) if signal == Signal::KILL.as_raw() => Ok(true),
            None if status.success() => Ok(false),
            Some(_) | None => bail!("the agent left with {status}"),
        }
    }

    fn ask_to_leave(mut self, limit: Duration) -> Result<ExitStatus> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("a process id that is none")?, Signal::TERM)?;
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if began.elapsed() > limit {
                bail!("the agent did not leave within {limit:?}");
            }
            thread::sleep(KNOCK_EVERY);
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Both do nothing to a child that was waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The blow that an agent is to get. Falls at the latest when it is joined or dropped.
#[derive(Debug)]
pub(super) struct Doom {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<Fate>,
    changed: Condvar,
}

#[derive(Debug)]
struct Fate {
    due: Instant,
    struck: bool,
}

impl Shared {
    fn strike_in_time(&self, pid: Pid) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = state.due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state =
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        // Noted first: whoever loses the connection may ask at once.
        state.struck = true;
        self.changed.notify_all();
        // It may have ended by itself, which shows in its exit status.
        let _ = kill_process(pid, Signal::KILL);
    }
}

impl Doom {
    /// Whether the blow has fallen, or falls in this moment.
    pub(super) fn has_struck(&self) -> bool {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).struck
    }

    /// Brings it forward to `after` from now; never puts it off.
    pub(super) fn hurry(&self, after: Duration) {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.due = state.due.min(Instant::now() + after);
        self.shared.changed.notify_all();
    }

    /// Lets `time` pass, less if the blow falls.
    pub(super) fn linger(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.struck {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self
                .shared
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn join(&mut self) -> Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(_panic)) => bail!("the thread that kills has panicked"),
            Some(Ok(())) | None => Ok(()),
        }
    }
}

impl Drop for Doom {
    fn drop(&mut self) {
        self.hurry(Duration::ZERO);
        let _ = self.join();
    }
}
