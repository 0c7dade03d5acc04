//! Single stories: slow programs, dead ones, rude ones, and several at once.

use dobbin_core::callback::{Answered, OUTSTANDING_PER_USER_MAX, Owed, TRIES_MAX};

use crate::world::{ALICE, BOB, World, job, said, seconds};

/// A call is over when it was taken.
#[test]
fn a_call_that_is_taken_is_made_once() {
    let (mut world, _) = World::with_jobs(1);
    world.owe(0, Owed::Transferred);
    let calls = world.due();
    assert_eq!(said(&calls), [(job(0), Some(Owed::Transferred))]);
    assert_eq!(world.answer(&calls[0], true), Answered::Taken);
    assert_eq!(world.wait(seconds(100_000)), []);
    assert_eq!(world.answer(&calls[0], true), Answered::Late, "said twice, it changes nothing");
}

/// conformance: Callback::JobError repeats
///
/// "Job callback retry": 5 s doubling to 5 min, given up after 10.
#[test]
fn a_call_that_is_refused_is_made_ten_times_and_then_kept_for_another_program() {
    let (mut world, _) = World::with_jobs(1);
    world.owe(0, Owed::Error);
    let mut times = Vec::new();
    let mut calls = world.due();
    while let Some(call) = calls.pop() {
        times.push(world.now.0 / 1_000);
        assert_eq!(world.answer(&call, false), Answered::Refused);
        if let Some(wake) = world.callbacks.next_wake() {
            world.now = wake;
            calls = world.due();
        }
    }
    assert_eq!(times, [0, 5, 15, 35, 75, 155, 315, 615, 915, 1_215]);
    assert_eq!(times.len(), TRIES_MAX as usize);
    assert_eq!(world.callbacks.next_wake(), None);
    let other = world.callbacks.listen(ALICE);
    world.callbacks.register(job(0), other);
    assert_eq!(said(&world.due()), [(job(0), Some(Owed::Error))], "not lost");
}

/// A program that never answers hears the same at the same times, and may answer any of them, also
/// the last one when it has been given up.
#[test]
fn a_program_that_is_slow_may_answer_any_repeat_at_any_time() {
    let (mut world, _) = World::with_jobs(1);
    world.owe(0, Owed::Error);
    let first = world.due().remove(0);
    let later = world.wait(seconds(100_000));
    let times: Vec<u64> = later.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(times, [5, 15, 35, 75, 155, 315, 615, 915, 1_215]);
    assert!(later.iter().all(|(_, call)| *call == first), "a repeat is the same call");
    assert_eq!(world.answer(&first, false), Answered::Refused);
    assert_eq!(world.answer(&first, true), Answered::Taken);
    assert_eq!(world.answer(&first, true), Answered::Late);
}

/// conformance: Callback concurrency
#[test]
fn four_calls_of_a_user_are_out_and_the_others_wait_in_their_order() {
    let (mut world, _) = World::with_jobs(10);
    for number in (0..10).rev() {
        world.owe(number, Owed::Transferred);
    }
    let mut calls = world.due();
    assert_eq!(calls.len(), OUTSTANDING_PER_USER_MAX);
    let mut order = Vec::new();
    while !calls.is_empty() {
        let call = calls.remove(0);
        order.push(call.job);
        assert_eq!(world.answer(&call, true), Answered::Taken);
        calls.extend(world.due());
        assert!(calls.len() <= OUTSTANDING_PER_USER_MAX);
    }
    assert_eq!(order, (0..10).rev().map(job).collect::<Vec<_>>());
}

/// Nobody is held up by a program that does not answer.
#[test]
fn a_program_that_does_not_answer_holds_up_neither_another_user_nor_another_program_for_long() {
    let (mut world, _) = World::with_jobs(1_000);
    for number in 0..1_000 {
        world.owe(number, Owed::Transferred);
    }
    assert_eq!(world.due().len(), OUTSTANDING_PER_USER_MAX);
    let of_bob = world.callbacks.listen(BOB);
    world.callbacks.register(job(2_000), of_bob);
    world.owe(2_000, Owed::Error);
    assert_eq!(said(&world.due()), [(job(2_000), Some(Owed::Error))], "at once");

    let other = world.callbacks.listen(ALICE);
    world.callbacks.register(job(2_001), other);
    world.owe(2_001, Owed::Error);
    assert_eq!(world.due(), []);
    let calls = world.wait(seconds(5));
    assert!(calls.iter().any(|(_, call)| call.listener == other), "with the first free place");
}

/// A repeat does not keep back what was never said, nor what happened to its own job since.
#[test]
fn what_was_never_said_comes_before_what_is_said_again() {
    let (mut world, _) = World::with_jobs(5);
    for number in 0..5 {
        world.owe(number, Owed::Error);
    }
    assert_eq!(world.due().len(), 4);
    let next: Vec<_> = world.wait(seconds(5)).into_iter().map(|(_, call)| call).collect();
    assert_eq!(said(&next), [4, 0, 1, 2].map(|number| (job(number), Some(Owed::Error))));
    // Job 3 waits for a place to be told of its error again; what changed since is told.
    world.modify(3);
    assert_eq!(said(&world.due()), [(job(3), None)]);
}

/// A thousand jobs end and nobody ever answers: everybody is told in order, all tries are made, and
/// then there is peace.
#[test]
fn a_thousand_calls_that_nobody_answers_are_all_made_and_all_given_up() {
    let (mut world, listener) = World::with_jobs(1_000);
    for number in 0..1_000 {
        world.owe(number, Owed::Transferred);
    }
    let mut calls = world.due();
    calls.extend(world.wait(seconds(100_000)).into_iter().map(|(_, call)| call));
    assert_eq!(calls.len(), 1_000 * TRIES_MAX as usize);
    assert_eq!(world.callbacks.next_wake(), None);
    let mut firsts = Vec::new();
    for call in &calls {
        if firsts.len() < 1_000 && !firsts.contains(&call.job) {
            firsts.push(call.job);
        }
    }
    assert_eq!(firsts, (0..1_000).map(job).collect::<Vec<_>>());
    world.callbacks.hung_up(listener);
    assert_eq!(world.wait(seconds(100_000)), []);
}

/// conformance: Job::SetNotifyInterface
#[test]
fn the_last_program_that_registers_is_called_and_the_one_before_is_not() {
    let (mut world, first) = World::with_jobs(1);
    world.owe(0, Owed::Transferred);
    let to_first = world.due().remove(0);
    assert_eq!(to_first.listener, first);
    let second = world.callbacks.listen(ALICE);
    assert_eq!(world.callbacks.register(job(0), second), Some(first));
    assert_eq!(world.callbacks.registered(job(0)), Some(second));
    let to_second = world.due().remove(0);
    assert_eq!(to_second.listener, second);
    assert_eq!(world.answer(&to_first, true), Answered::Late, "it speaks for nobody any more");
    assert_eq!(world.answer(&to_second, true), Answered::Taken);
    // Said once more by the same program, it is no other one.
    assert_eq!(world.callbacks.register(job(0), second), None);
}

/// conformance: Job::SetNotifyInterface, Callback registration
#[test]
fn a_cleared_registration_and_a_program_that_hung_up_are_not_called() {
    let (mut world, listener) = World::with_jobs(2);
    assert_eq!(world.callbacks.clear(job(0)), Some(listener));
    assert_eq!(world.callbacks.registered(job(0)), None);
    assert_eq!(world.callbacks.clear(job(0)), None);
    world.owe(0, Owed::Error);
    assert_eq!(world.due(), []);
    world.callbacks.hung_up(listener);
    world.owe(1, Owed::Error);
    assert_eq!(world.wait(seconds(1_000)), []);
    assert_eq!(world.callbacks.registered(job(1)), None);
    // Whoever is gone registers nothing.
    world.callbacks.register(job(1), listener);
    assert_eq!(world.due(), []);
    assert_eq!(world.callbacks.registered(job(1)), None);
}

/// What was out when a program died is said to the next one, and takes up no place of the user's.
#[test]
fn a_program_that_dies_loses_no_call_and_keeps_no_place() {
    let (mut world, dead) = World::with_jobs(8);
    for number in 0..8 {
        world.owe(number, Owed::Transferred);
    }
    assert_eq!(world.due().len(), 4);
    world.callbacks.hung_up(dead);
    let next = world.callbacks.listen(ALICE);
    for number in 0..8 {
        world.callbacks.register(job(number), next);
    }
    let calls = world.due();
    assert_eq!(said(&calls), [0, 1, 2, 3].map(|n| (job(n), Some(Owed::Transferred))));
}

/// A job that left the state is no longer called about, even if the call is out.
#[test]
fn what_is_no_longer_true_is_not_said_again() {
    let (mut world, _) = World::with_jobs(1);
    world.owe(0, Owed::Error);
    let call = world.due().remove(0);
    world.callbacks.owe(job(0), None, world.now);
    assert_eq!(world.wait(seconds(1_000)), []);
    assert_eq!(world.answer(&call, true), Answered::Late);
    // The next error is another call.
    world.owe(0, Owed::Error);
    let again = world.due().remove(0);
    assert_ne!(again.saying, call.saying);
    world.owe(0, Owed::Error);
    assert_eq!(world.due(), [], "said twice, it is one");
}

/// conformance: Callback::JobModification
#[test]
fn modifications_are_told_once_a_second_and_the_last_one_is() {
    let (mut world, _) = World::with_jobs(1);
    world.modify(0);
    assert_eq!(said(&world.due()), [(job(0), None)], "the first one at once");
    for _ in 0..10 {
        world.modify(0);
        assert_eq!(world.due(), []);
        world.now.0 += 50;
    }
    let told = world.wait(seconds(60));
    let times: Vec<u128> = told.iter().map(|(at, _)| at.as_millis()).collect();
    assert_eq!(times, [1_000]);
    world.modify(0);
    assert_eq!(said(&world.due()), [(job(0), None)]);
}

/// What is told of a job is told in the order in which it happened.
#[test]
fn a_modification_never_overtakes_the_call_before_it() {
    let (mut world, _) = World::with_jobs(5);
    world.modify(4);
    world.due();
    world.modify(4);
    for number in 0..5 {
        world.owe(number, Owed::Error);
    }
    let calls = world.due();
    assert_eq!(calls.len(), 4);
    // Job 4 is not told of what came before its error (that is in the picture), nor of what comes
    // after it, until the error itself was told.
    world.modify(4);
    world.now.0 += 2_000;
    assert_eq!(world.due(), []);
    assert_eq!(world.answer(&calls[0], true), Answered::Taken);
    assert_eq!(said(&world.due()), [(job(4), Some(Owed::Error)), (job(4), None)]);
}

/// A job that is over is forgotten with its registration.
#[test]
fn a_job_that_is_over_is_forgotten() {
    let (mut world, listener) = World::with_jobs(1);
    world.owe(0, Owed::Transferred);
    world.due();
    assert_eq!(world.callbacks.forget(job(0), world.now), Some(listener));
    assert_eq!(world.callbacks.registered(job(0)), None);
    assert_eq!(world.wait(seconds(1_000)), []);
    world.callbacks.hung_up(listener);
    assert_eq!(world.callbacks.user(listener), None);
}
