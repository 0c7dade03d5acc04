//! What a job owes the program that is called about it, and when it owes it no more.

use dobbin_core::callback::Owed;
use dobbin_core::job::{Effect, Job, JobEvent, Wish, step};
use dobbin_types::{JobState, NotifyFlags};

use crate::make::{COLUMNS, DAY, Files, Life, about, at, fatal, job_in, passing, seconds};

fn transferred() -> Life {
    let mut life = Life::transferring(about(), 1);
    life.finish(0);
    life
}

fn failed() -> Life {
    let mut life = Life::transferring(about(), 1);
    life.fail(fatal());
    life
}

/// conformance: Callback::JobTransferred, Callback::JobError, default notify-flags
#[test]
fn entering_transferred_or_error_is_worth_a_call_and_no_other_state_is() {
    for state in COLUMNS.into_iter().filter(|state| *state != JobState::Connecting) {
        let files = if state == JobState::Transferred { Files::Whole } else { Files::Half };
        let job = job_in(state, files).expect("reached");
        let expect = match state {
            JobState::Transferred => Some(Owed::Transferred),
            JobState::Error => Some(Owed::Error),
            _ => None,
        };
        assert_eq!(job.owed_call(), expect, "{state}");
    }
    let mut life = Life::transferring(about(), 1);
    life.fail(passing());
    assert_eq!(life.job.owed_call(), None, "an error that may pass");
    life.wait(DAY);
    life.is(JobState::Error);
    assert_eq!(life.job.owed_call(), Some(Owed::Error), "without progress");
}

#[test]
fn flags_at_the_entry_decide_and_flags_set_later_only_mute() {
    for (flags, expect) in [
        (NotifyFlags(0), None),
        (NotifyFlags::JOB_ERROR, None),
        (NotifyFlags::JOB_TRANSFERRED, Some(Owed::Transferred)),
        (NotifyFlags(0x01 | 0x04), None),
    ] {
        let mut life = Life::transferring(about(), 1);
        life.wish(Wish::SetNotifyFlags(flags));
        life.finish(0);
        assert_eq!(life.job.owed_call(), expect, "{flags:?}");
        life.wish(Wish::SetNotifyFlags(NotifyFlags(0x03)));
        assert_eq!(life.job.owed_call(), expect, "{flags:?}, asked for after the event");
    }
    let mut muted = transferred();
    muted.wish(Wish::SetNotifyFlags(NotifyFlags(0x05)));
    assert_eq!(muted.job.owed_call(), None);
    muted.wish(Wish::SetNotifyFlags(NotifyFlags(0x01)));
    assert_eq!(muted.job.owed_call(), Some(Owed::Transferred), "muted, not lost");
}

#[test]
fn a_call_is_owed_until_it_is_taken_or_the_job_moves_on() {
    let mut taken = transferred();
    let before = taken.job.times();
    taken.now = seconds(5);
    assert_eq!(taken.event(JobEvent::CallAcknowledged), [Effect::Persist]);
    assert_eq!(taken.job.owed_call(), None);
    assert_eq!(taken.job.times(), before, "to be told changes nothing of a job");
    assert_eq!(taken.event(JobEvent::CallAcknowledged), []);

    let ways: [(Life, Wish); 3] = [
        (failed(), Wish::Resume),
        (transferred(), Wish::AddFiles(crate::make::files(1, 1))),
        (transferred(), Wish::Cancel),
    ];
    for (mut life, wish) in ways {
        life.wish(wish.clone());
        assert_eq!(life.job.owed_call(), None, "{wish:?}");
        assert_eq!(life.event(JobEvent::CallAcknowledged), [], "{wish:?}");
    }
    // Each entry is worth a call of its own.
    let mut again = failed();
    again.event(JobEvent::CallAcknowledged);
    again.wish(Wish::Resume);
    again.event(JobEvent::SlotGiven);
    again.fail(fatal());
    assert_eq!(again.job.owed_call(), Some(Owed::Error));
}

/// What was not taken is owed after a restart too, and what was taken is not.
#[test]
fn what_is_owed_survives_the_service() {
    for is_taken in [false, true] {
        let mut life = failed();
        if is_taken {
            life.event(JobEvent::CallAcknowledged);
        }
        let now = at(life.now);
        let files = life.job.files().to_vec();
        let mut after = Job::restore(life.job.about().clone(), life.job.saved(now), files, now);
        assert_eq!(after.owed_call(), (!is_taken).then_some(Owed::Error));
        let effects = step(&mut after, JobEvent::CallAcknowledged, now);
        assert_eq!(effects.is_ok_and(|effects| effects.is_empty()), is_taken);
    }
}
