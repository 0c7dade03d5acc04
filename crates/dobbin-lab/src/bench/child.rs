//! Running one program to its end and saying what it cost.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::interrupt::Interrupt;

/// How often a running child's memory is looked at. What it grows by in its last moment may be
/// missed.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// The kernel's clock ticks per second in `/proc`, fixed for user space at 100 on all machines we
/// build for.
const TICKS_PER_SECOND: u64 = 100;

/// What one run of a program cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    /// From start to exit.
    pub(super) wall: Duration,
    /// User and system time of all its threads and of the children it waited for, to 10 ms.
    pub(super) cpu: Duration,
    /// The most memory it held at once, in bytes (resident; its own process only).
    pub(super) peak_bytes: u64,
}

/// A child that does not outlive this value.
#[derive(Debug)]
pub(super) struct Owned(Child);

impl Owned {
    pub(super) fn start(command: &mut Command) -> Result<Owned> {
        let name = command.get_program().to_owned();
        Ok(Owned(command.spawn().with_context(|| format!("cannot start {}", name.display()))?))
    }

    pub(super) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.0.try_wait().context("cannot look after a child")?.is_some())
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // Both do nothing to a child that was waited for already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `command` to its end, at most `limit`.
///
/// Errors: cannot start; exits otherwise than with 0; takes longer; interrupted. In each case it is
/// over when this returns.
pub(super) fn run(command: &mut Command, limit: Duration, interrupt: &Interrupt) -> Result<Cost> {
    let began = Instant::now();
    let mut child = Owned::start(command)?;
    let id = child.0.id();
    let mut peak_bytes = 0;
    attend(&child, limit, interrupt, || {
        peak_bytes = peak_bytes.max(peak(id).unwrap_or(0));
        false
    })?;
    let wall = began.elapsed();
    // It has ended but is not waited for yet, so its figures are still there.
    let cpu = cpu(id).context("cannot read what a child has cost")?;
    let status: ExitStatus = child.0.wait().context("cannot wait for a child")?;
    if !status.success() {
        bail!("ended with {status}");
    }
    Ok(Cost { wall, cpu, peak_bytes })
}

/// Runs `command`, at most `limit`, and kills it (SIGKILL) as soon as it has written this many bytes.
/// Says how long it ran and how much it had written then; `None` if it ended before.
///
/// Errors: cannot start; takes longer; interrupted. In each case it is over when this returns.
pub(super) fn kill_in_the_middle(
    command: &mut Command,
    written_bytes: u64,
    limit: Duration,
    interrupt: &Interrupt,
) -> Result<Option<(Duration, u64)>> {
    let began = Instant::now();
    let child = Owned::start(command)?;
    let id = child.0.id();
    let mut so_far = 0;
    let has_ended = attend(&child, limit, interrupt, || {
        so_far = written(id).unwrap_or(so_far);
        so_far >= written_bytes
    })?;
    let wall = began.elapsed();
    drop(child);
    Ok((!has_ended).then_some((wall, so_far)))
}

/// Waits for the end of a child, at most `limit`; `look` is called now and then, and ends the wait when
/// it says so. Whether the child has ended.
fn attend(
    child: &Owned,
    limit: Duration,
    interrupt: &Interrupt,
    mut look: impl FnMut() -> bool,
) -> Result<bool> {
    let began = Instant::now();
    let pid = Pid::from_child(&child.0);
    let handle = pidfd_open(pid, PidfdFlags::empty()).context("cannot watch a child")?;
    loop {
        let mut watched = [PollFd::new(&handle, PollFlags::IN)];
        match poll(&mut watched, Some(&LOOK_EVERY)) {
            Ok(0) => {}
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for a child"),
        }
        if look() {
            return Ok(false);
        }
        interrupt.check()?;
        if began.elapsed() > limit {
            bail!("took longer than {limit:?}");
        }
    }
}

/// What a running process has written so far, to files and pipes (`wchar` of proc(5)).
fn written(pid: u32) -> Option<u64> {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    io.lines().find_map(|line| line.strip_prefix("wchar: "))?.trim().parse().ok()
}

/// `VmHWM` of a running process. `None` once it has let go of its memory.
pub(super) fn peak(pid: u32) -> Option<u64> {
    memory(pid, "VmHWM:")
}

/// `VmRSS` of a running process. `None` once it has let go of its memory.
pub(super) fn resident(pid: u32) -> Option<u64> {
    memory(pid, "VmRSS:")
}

fn memory(pid: u32, word: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(word))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// How often each thread of a running process has gone to sleep by itself: as often it was woken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sleeps(BTreeMap<u32, u64>);

impl Sleeps {
    /// As of now; `None` when there is no such process.
    pub(super) fn of(pid: u32) -> Option<Sleeps> {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
        let counts = threads.flatten().filter_map(|thread| {
            // A thread may end between the two looks.
            let status = fs::read_to_string(thread.path().join("status")).ok()?;
            let id = thread.file_name().to_str()?.parse().ok()?;
            Some((id, voluntary_switches(&status)?))
        });
        Some(Sleeps(counts.collect()))
    }

    /// How many there were since `before`, of all threads that are there still.
    pub(super) fn since(&self, before: &Sleeps) -> u64 {
        let of = |id, count: u64| count.saturating_sub(before.0.get(id).copied().unwrap_or(0));
        self.0.iter().map(|(id, count)| of(id, *count)).sum()
    }
}

/// `voluntary_ctxt_switches` of proc(5).
fn voluntary_switches(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

/// Own and waited-for children's time of a process that is running or has just ended.
pub(super) fn cpu(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(Duration::from_millis(ticks(&stat)? * 1000 / TICKS_PER_SECOND))
}

/// utime + stime + cutime + cstime, which proc(5) numbers 14 to 17.
fn ticks(stat: &str) -> Option<u64> {
    // The name before may hold blanks and parentheses; field 3 follows its last one.
    let (_, fields) = stat.rsplit_once(") ")?;
    let times = fields.split(' ').skip(14 - 3).take(4);
    times.map(|field| field.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_times_are_found_behind_any_name() {
        let stat = "12 (a ) b) S 1 1 1 0 -1 4194304 80 70 0 0 11 22 33 44 20 0 1 0";
        assert_eq!(ticks(stat), Some(11 + 22 + 33 + 44));
        assert_eq!(ticks("nonsense"), None);
    }

    #[test]
    fn only_switches_that_a_thread_asked_for_are_counted() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t41\nnonvoluntary_ctxt_switches:\t7\n";
        assert_eq!(voluntary_switches(status), Some(41));
        assert_eq!(voluntary_switches("Name:\tx\n"), None);
        assert!(Sleeps::of(std::process::id()).is_some());
    }

    #[test]
    fn threads_that_came_or_went_do_not_upset_the_count_of_the_others() {
        let of = |counts: &[(u32, u64)]| Sleeps(counts.iter().copied().collect());
        let before = of(&[(1, 10), (2, 500)]);
        assert_eq!(of(&[(1, 13), (3, 4)]).since(&before), 3 + 4);
    }

    #[test]
    fn a_run_is_measured() {
        let burn = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        let cost = run(&mut shell(burn), LONG, &Interrupt::never()).unwrap();
        assert!(cost.cpu > Duration::ZERO && cost.cpu <= cost.wall + Duration::from_millis(20));
        assert!(cost.peak_bytes > 64 * 1024, "{}", cost.peak_bytes);
    }

    #[test]
    fn a_failing_run_is_an_error() {
        let outcome = run(&mut shell("exit 3"), LONG, &Interrupt::never());
        assert!(outcome.unwrap_err().to_string().contains('3'));
        assert!(run(&mut Command::new("/nonexistent"), LONG, &Interrupt::never()).is_err());
    }

    #[test]
    fn a_run_is_killed_when_it_has_written_enough_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let endless = format!("exec cat /dev/zero > {}", out.display());
        let story = kill_in_the_middle(&mut shell(&endless), 1 << 20, LONG, &Interrupt::never());
        let (_, bytes) = story.unwrap().expect("it was killed");
        assert!(bytes >= 1 << 20, "{bytes}");
        assert!(fs::metadata(&out).unwrap().len() >= 1 << 20);
        let short = kill_in_the_middle(&mut shell("echo x"), 1 << 20, LONG, &Interrupt::never());
        assert_eq!(short.unwrap(), None);
    }

    #[test]
    fn a_run_that_takes_too_long_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let script = format!("echo $$ > {}; exec sleep 3600", mark.display());
        let limit = Duration::from_millis(200);
        assert!(run(&mut shell(&script), limit, &Interrupt::never()).is_err());
        let pid = fs::read_to_string(&mark).unwrap();
        assert!(!std::path::Path::new("/proc").join(pid.trim()).exists(), "it is gone");
    }
}
