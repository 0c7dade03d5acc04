//! Random histories: whatever comes and goes, every plan is a good one and everybody has a turn.

use dobbin_core::schedule::SLICE;
use dobbin_types::Priority;
use proptest::prelude::*;

use crate::world::{Work, World, job};

/// What may happen between two seconds.
#[derive(Debug, Clone)]
enum Happening {
    Comes { number: u32, priority: Priority, files: u32, seconds: u64 },
    Goes { number: u32 },
    Changes { number: u32, priority: Priority },
    Time { seconds: u64 },
}

const NUMBERS: u32 = 150;

fn priority() -> impl Strategy<Value = Priority> {
    prop_oneof![
        Just(Priority::Foreground),
        Just(Priority::High),
        Just(Priority::Normal),
        Just(Priority::Low),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (0..NUMBERS, priority(), 1_u32..20, 1_u64..200).prop_map(
            |(number, priority, files, seconds)| Happening::Comes { number, priority, files, seconds }
        ),
        1 => (0..NUMBERS).prop_map(|number| Happening::Goes { number }),
        1 => (0..NUMBERS, priority())
            .prop_map(|(number, priority)| Happening::Changes { number, priority }),
        1 => (1_u64..90).prop_map(|seconds| Happening::Time { seconds }),
    ]
}

/// Plans every second for so long, which checks every plan.
fn live(world: &mut World, seconds: u64) {
    for _ in 0..seconds {
        world.plan();
        world.pass();
    }
    world.plan();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn whatever_comes_and_goes_every_plan_is_a_good_one(
        history in proptest::collection::vec(happening(), 0..100),
    ) {
        let mut world = World::default();
        for happening in history {
            match happening {
                Happening::Comes { number, priority, files, seconds } => {
                    world.remove(number);
                    world.add(number, Work::new(priority, files, seconds));
                }
                Happening::Goes { number } => world.remove(number),
                Happening::Changes { number, priority } => world.set_priority(number, priority),
                Happening::Time { seconds } => live(&mut world, seconds),
            }
            world.plan();
        }
    }

    /// Jobs of one priority that never end, of any number of files, and one that comes last.
    #[test]
    fn the_last_to_come_waits_no_longer_than_everybody_s_slice(
        files in proptest::collection::vec(1_u32..12, 1..60),
    ) {
        let mut world = World::default();
        let count = files.len() as u32;
        for (number, files) in (0..).zip(&files) {
            world.add(number, Work::new(Priority::Normal, *files, u64::MAX));
        }
        live(&mut world, 30);
        world.add(count, Work::new(Priority::Normal, 1, u64::MAX));
        // At worst eight jobs at a time have all slots.
        let rounds = u64::from(count).div_ceil(8) + 1;
        live(&mut world, rounds * (SLICE.as_secs() + 1));
        prop_assert!(world.jobs[&job(count)].served > 0);
    }
}
