//! How the slots are shared when many want them for long.

use dobbin_core::schedule::{SLICE, TRANSFERS_MAX};
use dobbin_types::Priority;

use crate::world::{Work, World, job};

/// So many jobs of one file each that never ends.
fn crowd(count: u32) -> World {
    let mut world = World::default();
    for number in 0..count {
        world.add(number, Work::new(Priority::Normal, 1, u64::MAX));
    }
    world
}

fn live(world: &mut World, seconds: u64) {
    for _ in 0..seconds {
        world.plan();
        world.pass();
    }
}

#[test]
fn a_thousand_jobs_share_the_slots_by_time() {
    let slice = SLICE.as_secs();
    let mut world = crowd(1_000);
    // Once round: nobody is left out.
    live(&mut world, 1_000_u64.div_ceil(TRANSFERS_MAX as u64) * slice);
    let served = || world.jobs.values().map(|work| work.served);
    assert_eq!(served().min(), Some(slice));
    assert!(served().max() <= Some(2 * slice));
    assert_eq!(served().sum::<u64>(), 16 * slice * TRANSFERS_MAX as u64);
}

#[test]
fn more_urgent_jobs_share_among_themselves_and_the_others_wait() {
    let mut world = crowd(200);
    live(&mut world, 30);
    for number in 1_000..1_100 {
        world.add(number, Work::new(Priority::High, 1, u64::MAX));
    }
    world.plan();
    let before: Vec<u64> = (0..200).map(|number| world.jobs[&job(number)].served).collect();
    live(&mut world, 3 * SLICE.as_secs());
    assert!((1_000..1_100).all(|number| world.jobs[&job(number)].served >= SLICE.as_secs()));
    let after: Vec<u64> = (0..200).map(|number| world.jobs[&job(number)].served).collect();
    assert_eq!(before, after);
}

/// An origin that always sends the whole file: what was had is lost whenever the job loses its slot.
#[test]
fn a_file_that_must_come_in_one_go_does_come() {
    let whole = 10 * SLICE.as_secs();
    let mut world = crowd(200);
    world.add(500, Work::new(Priority::Normal, 1, whole));
    let mut rounds = 0;
    loop {
        world.plan();
        let has_slot = world.running.iter().any(|(id, _)| *id == job(500));
        if world.pass().contains(&job(500)) {
            break;
        }
        if let Some(work) = world.jobs.get_mut(&job(500))
            && !has_slot
            && work.files.values().any(|left| *left < whole)
        {
            world.queue.started_over(job(500));
            work.files.values_mut().for_each(|left| *left = whole);
            rounds += 1;
        }
    }
    // Slices of 1, 2, 4 and 8, and then one that is long enough.
    assert_eq!(rounds, 4);
}

#[test]
fn a_plan_looks_at_as_many_jobs_as_there_are_slots_however_many_wait() {
    let asked = |count: u32| {
        let mut world = crowd(count);
        live(&mut world, SLICE.as_secs() + 2);
        world.asked_count
    };
    assert_eq!(asked(100), asked(20_000));
}
