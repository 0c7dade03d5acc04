//! Machines that sleep.

use core::time::Duration;

use dobbin_core::job::{Effect, Job, JobEvent, NewJob, Now, step};
use dobbin_types::JobState;

use crate::make::{DAY, Life, about, at, passing, seconds};

/// A job on a machine that sleeps now and then.
struct Sleeper {
    life: Life,
    /// How much of its time it slept.
    slept: Duration,
}

impl Sleeper {
    fn transferring(about: NewJob, files_count: usize) -> Sleeper {
        Sleeper { life: Life::transferring(about, files_count), slept: Duration::ZERO }
    }

    fn at(&self) -> Now {
        Now { slept: self.slept, ..at(self.life.now) }
    }

    #[track_caller]
    fn event(&mut self, event: JobEvent) -> Vec<Effect> {
        let now = self.at();
        step(&mut self.life.job, event, now).expect("the job refused")
    }

    /// Lets time pass awake, and says so.
    fn wait(&mut self, wait: Duration) -> Vec<Effect> {
        self.life.now += wait;
        self.event(JobEvent::TimePassed)
    }

    /// Lets time pass asleep, and says so.
    fn sleep(&mut self, sleep: Duration) -> Vec<Effect> {
        self.slept += sleep;
        self.wait(sleep)
    }
}

/// A sleep is no time without progress: bytes cannot come then. It does count for the next try and
/// for the job's age.
///
/// conformance: number no-progress-clock
#[test]
fn a_machine_that_sleeps_does_not_use_up_the_patience_with_a_job() {
    let short = || NewJob { no_progress_timeout: Some(60), ..about() };
    for sleep in [seconds(1), seconds(7_200), DAY * 10] {
        let mut moving = Sleeper::transferring(short(), 1);
        moving.wait(seconds(50));
        moving.sleep(sleep);
        moving.life.is(JobState::Transferring);
        assert_eq!(moving.life.wake(), Some(seconds(10)), "{sleep:?}");
        moving.wait(seconds(10));
        moving.life.is(JobState::Error);

        let mut waiting = Sleeper::transferring(short(), 1);
        waiting.wait(seconds(59));
        waiting.event(JobEvent::AttemptFailed(waiting.life.job.attempt(), None, passing()));
        waiting.sleep(sleep);
        let expect = if sleep < seconds(2) { JobState::TransientError } else { JobState::Queued };
        waiting.life.is(expect);
    }
    let mut old = Sleeper::transferring(about(), 1);
    old.sleep(DAY * 30);
    old.life.is(JobState::Cancelled);
}

/// What was spent before a restart and what was slept keep apart.
#[test]
fn sleep_counts_for_nothing_in_the_record_either() {
    let mut life = Sleeper::transferring(about(), 1);
    life.wait(seconds(40));
    life.sleep(DAY);
    let saved = life.life.job.saved(life.at());
    assert_eq!(saved.quiet, seconds(40));
    assert_eq!(saved.age, DAY + seconds(40));
    let now = life.at();
    let job = Job::restore(about(), saved, life.life.job.files().to_vec(), now);
    let life = Life { job, now: life.life.now };
    let mut after = Sleeper { life, slept: now.slept };
    after.event(JobEvent::SlotGiven);
    assert_eq!(after.life.wake(), Some(DAY - seconds(40)));
    assert_eq!(after.wait(Duration::ZERO), []);
}
