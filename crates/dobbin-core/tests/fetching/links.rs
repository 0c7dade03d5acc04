//! How many connections a file has over which link, and how long it takes.

use core::time::Duration;

use crate::world::{Link, MIB, World};

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn a_server_that_limits_each_connection_is_asked_over_all_there_may_be_at_once() {
    let capped =
        |each: u64, way: u64| Link { each: each * MIB, way: millis(way), ..Link::of(4_000) };
    for (link, size_mib, limit, soon, overhead) in [
        (capped(40, 1), 1_024, 16, 200, 200),
        (capped(40, 1), 1_024, 8, 150, 200),
        (capped(40, 30), 1_024, 16, 600, 700),
        (capped(10, 1), 1_024, 16, 400, 400),
        (capped(1, 1), 256, 16, 2_000, 2_500),
        (capped(1, 100), 256, 16, 2_000, 3_000),
    ] {
        let outcome = World::fetch(link, size_mib, limit);
        let at_best = millis(size_mib * 1_000 * MIB / (link.each * limit as u64));
        let row = format!("{link:?}, {:?} of {at_best:?}", outcome.time);
        let reached = outcome.reached(limit);
        assert!(reached.is_some_and(|at| at <= millis(soon)), "{row}: all at {reached:?}");
        assert!(outcome.time <= at_best + millis(overhead), "{row}");
        assert!(outcome.requests_count <= 6 * limit, "{row}: {} requests", outcome.requests_count);
    }
}

#[test]
fn where_more_connections_bring_nothing_there_are_none() {
    let machine = |rate| Link { cost_percent: 5, ..Link::of(rate) };
    for (link, size_mib, most, alone_percent) in [
        // Lines that one connection fills.
        (Link::of(1), 64, 2, 90),
        (Link::of(12), 512, 2, 90),
        (Link::of(119), 4_096, 2, 90),
        (Link { way: millis(100), ..Link::of(12) }, 512, 2, 90),
        // This machine and none other: fast, and busy.
        (machine(1_500), 4_096, 1, 100),
        (machine(150), 1_024, 1, 100),
        (machine(60), 1_024, 2, 90),
    ] {
        let outcome = World::fetch(link, size_mib, 16);
        let at_best = millis(size_mib * 1_000 * MIB / link.rate) + link.way;
        let row = format!("{link:?}, {:?} of {at_best:?}", outcome.time);
        assert!(outcome.most() <= most, "{row}: up to {}", outcome.most());
        let alone = outcome.percent_with(1);
        assert!(alone >= alone_percent, "{row}: alone in {alone} %");
        assert!(outcome.time <= at_best * 103 / 100 + millis(50), "{row}");
    }
}

#[test]
fn a_link_that_swings_is_not_taken_for_a_server_that_limits() {
    for (rate, swing_percent, few_percent) in
        [(12, 20, 80), (12, 60, 80), (60, 20, 80), (60, 60, 80), (119, 40, 80)]
    {
        let link = Link { swing_percent, way: millis(10), ..Link::of(rate) };
        let outcome = World::fetch(link, rate * 60, 16);
        let row = format!("{link:?}: {:?}, up to {}", outcome.time, outcome.most());
        let few = outcome.percent_with(2);
        assert!(few >= few_percent, "{row}: two or less in {few} %");
        assert!(outcome.time <= millis(64_000), "{row}");
    }
}

#[test]
fn a_limit_of_each_and_a_link_behind_it_meet_at_what_the_link_takes() {
    // Between three and four fill it.
    let link = Link { each: 10 * MIB, way: millis(20), ..Link::of(34) };
    let outcome = World::fetch(link, 34 * 60, 16);
    let row = format!("{:?}, up to {}", outcome.time, outcome.most());
    assert!(outcome.most() <= 8, "{row}");
    let few = outcome.percent_with(4);
    assert!(few >= 90, "{row}: four or less in {few} %");
    assert!(outcome.time <= Duration::from_secs(64), "{row}");
}
