//! The list of a job's files, which is asked for in parts.

use std::sync::mpsc;

use dobbin_core::access::Actor;
use dobbin_store::Change;
use dobbin_types::JobId;
use dobbin_types::rest::Failure;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::oneshot::{self, Receiver};

use super::USER;
use crate::event::{Command, Reply};
use crate::picture::{FILES_MAX, PartAsked, Portion};
use crate::run::Loop;

const JOB: JobId = JobId(uuid::Uuid::from_bytes([7; 16]));

fn add(engine: &mut Loop, numbers: std::ops::Range<usize>) {
    let numbers = numbers.map(|number| u32::try_from(number).unwrap());
    let (reply, _unread) = oneshot::channel();
    let add = Command::AddFiles { job: JOB, offered: super::offered(numbers), reply };
    engine.command(Actor::from_kernel(USER), add);
}

fn ask(engine: &mut Loop, part: PartAsked) -> Receiver<Result<Portion, Failure>> {
    let (reply, answer): (Reply<Portion>, _) = oneshot::channel();
    engine.command(Actor::from_kernel(USER), Command::Files { job: JOB, part, reply });
    answer
}

#[test]
fn files_that_are_added_while_the_list_is_read_are_not_in_it_and_its_end_waits_for_the_disk() {
    let (mut engine, _clock, _folder) = super::idle_loop();
    super::create(&mut engine, (JOB, USER), super::offered([]), None);
    add(&mut engine, 0..FILES_MAX + 1);
    let first = ask(&mut engine, PartAsked::default()).try_recv().unwrap().unwrap();
    assert_eq!((first.files.len(), first.count), (FILES_MAX, FILES_MAX + 1));
    // From here on the disk takes long: the journal's thread waits for us.
    let (release, held) = mpsc::channel::<()>();
    let boot = vec![Change::SetBoot("test".to_owned())];
    engine.store.journal().write(boot, move |_| held.recv().unwrap_or(()));
    add(&mut engine, FILES_MAX + 1..3 * FILES_MAX);
    assert_eq!(engine.entries.get(&JOB).unwrap().job.files().len(), 3 * FILES_MAX);
    let rest = PartAsked { first: FILES_MAX, count: Some(first.count) };
    let mut answer = ask(&mut engine, rest);
    assert!(matches!(answer.try_recv(), Err(TryRecvError::Empty)));
    drop(release);
    let last = answer.blocking_recv().unwrap().unwrap();
    assert_eq!((last.files.len(), last.count), (1, FILES_MAX + 1));
}
