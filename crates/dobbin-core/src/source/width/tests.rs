//! The number of connections, against simulated links and servers.

extern crate std;

use std::vec::Vec;

use super::*;

const MIB: u64 = 1024 * 1024;

/// A link and a server as a file's connections meet them, in steps of 5 ms.
struct World {
    /// What the link carries, in bytes a second.
    link: u64,
    /// What the server gives each connection, in bytes a second; `None`: whatever the link carries.
    each: Option<u64>,
    /// The server sends what a connection may have in a second at its beginning, and then nothing.
    in_gulps: bool,
    /// From asking to the first byte.
    way: Duration,
}

const STEP: Duration = Duration::from_millis(5);

/// Lets a file be fetched for so long. Returns, for each step, how many connections there should be.
fn run(world: &World, limit: usize, time: Duration) -> Vec<usize> {
    let sample = |now, bytes, streaming| Sample { now, bytes, streaming, limit };
    let mut width = Width::new(sample(Duration::ZERO, 0, 0));
    // For each connection: when it was asked for.
    let mut opened: Vec<Duration> = std::vec![Duration::ZERO];
    let mut counts = Vec::new();
    let (mut now, mut bytes) = (Duration::ZERO, 0_u64);
    while now < time {
        now += STEP;
        let step = |rate: u64| rate * STEP.as_millis() as u64 / 1_000;
        let streaming = opened.iter().filter(|at| now > **at + world.way);
        let offered: u64 = streaming
            .clone()
            .map(|at| match (world.each, world.in_gulps) {
                (None, _) => step(world.link),
                (Some(each), false) => step(each),
                (Some(each), true) => {
                    let age = (now - *at - world.way).as_millis() as u64;
                    // A tenth of a second's sending, a second's worth, at each full second.
                    if age % 1_000 <= 100 { step(each * 10) } else { 0 }
                }
            })
            .sum();
        bytes += offered.min(step(world.link));
        let count = width.look(sample(now, bytes, streaming.count()));
        opened.resize(count, now);
        counts.push(count);
    }
    counts
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// When the count first was `count`.
fn reached(counts: &[usize], count: usize) -> Option<Duration> {
    let step = counts.iter().position(|c| *c == count)?;
    Some(STEP * (step as u32 + 1))
}

fn share_of_time(counts: &[usize], is_so: impl Fn(usize) -> bool) -> usize {
    counts.iter().filter(|count| is_so(**count)).count() * 100 / counts.len()
}

#[test]
fn a_server_that_gives_each_connection_so_much_gets_all_there_may_be_soon() {
    for (in_gulps, soon) in [(false, millis(500)), (true, millis(1_500))] {
        let world = World { link: 1_000 * MIB, each: Some(40 * MIB), in_gulps, way: millis(1) };
        let counts = run(&world, 16, Duration::from_secs(3));
        let at = reached(&counts, 16);
        assert!(at.is_some_and(|at| at <= soon), "gulps {in_gulps}: {at:?}");
        let full = share_of_time(&counts, |count| count >= 8);
        assert!(full >= 50, "gulps {in_gulps}: {full} % of the time");
    }
}

#[test]
fn a_connection_that_fills_the_link_stays_practically_alone() {
    for link in [2, 20, 2_000] {
        let world = World { link: link * MIB, each: None, in_gulps: false, way: millis(1) };
        let counts = run(&world, 16, Duration::from_secs(60));
        assert!(counts.iter().all(|count| *count <= 2), "{link} MiB/s");
        let alone = share_of_time(&counts, |count| count == 1);
        assert!(alone >= 90, "{link} MiB/s: {alone} %");
    }
}

#[test]
fn no_more_are_opened_than_the_link_can_use() {
    // Three fill it.
    let world = World { link: 30 * MIB, each: Some(10 * MIB), in_gulps: false, way: millis(20) };
    let counts = run(&world, 16, Duration::from_secs(60));
    assert!(share_of_time(&counts[200..], |count| (2..=4).contains(&count)) >= 90);
    assert!(counts.iter().all(|count| *count <= 8));
}

#[test]
fn the_limit_holds_also_when_it_sinks() {
    let world = World { link: 1_000 * MIB, each: Some(MIB), in_gulps: false, way: millis(1) };
    for limit in [1, 3, 8, 16] {
        let counts = run(&world, limit, Duration::from_secs(10));
        assert_eq!(counts.iter().max(), Some(&limit));
    }
    let sample = |limit| Sample { now: millis(10), bytes: 0, streaming: 16, limit };
    let mut width = Width::new(sample(16));
    width.count = 16;
    assert_eq!(width.look(sample(5)), 5);
    assert_eq!(width.look(sample(0)), 1, "one there always is");
}

#[test]
fn a_server_that_sends_nothing_more_is_not_swamped() {
    let sample = |now, bytes| Sample { now, bytes, streaming: 1, limit: 16 };
    let mut width = Width::new(sample(Duration::ZERO, 0));
    let mut most = 0;
    for step in 0..20_000_u64 {
        // Then the server falls silent.
        let bytes = step.min(10) * MIB;
        most = most.max(width.look(sample(millis(5 * step), bytes)));
    }
    assert!(most <= 2, "{most}");
}

#[test]
fn what_an_added_connection_must_bring() {
    let from = |count, rate| Before { count, bytes_per_second: Some(rate) };
    for (before, count, rate, expect) in [
        (from(1, 100), 2, 190, Gain::Full),
        (from(1, 100), 2, 189, Gain::Enough),
        (from(1, 100), 2, 150, Gain::Enough),
        (from(1, 100), 2, 149, Gain::TooLittle),
        (from(2, 200), 8, 740, Gain::Full),
        (from(2, 200), 8, 739, Gain::Enough),
        (from(4, 400), 8, 600, Gain::Enough),
        (from(4, 400), 6, 499, Gain::TooLittle),
        (from(8, 800), 4, 760, Gain::Enough),
        (from(8, 800), 4, 759, Gain::TooLittle),
        (NOTHING, 2, 0, Gain::Enough),
        (from(1, u64::MAX), 2, u64::MAX, Gain::TooLittle),
    ] {
        assert_eq!(gain(before, count, rate), expect, "{before:?} to {count}: {rate}");
    }
}

#[test]
fn a_connection_that_only_the_machine_holds_back_is_not_joined() {
    let world = World { link: 2_000 * MIB, each: Some(300 * MIB), in_gulps: false, way: millis(1) };
    assert!(run(&world, 16, Duration::from_secs(60)).iter().all(|count| *count == 1));
    let world = World { each: Some(100 * MIB), ..world };
    assert!(run(&world, 16, Duration::from_secs(3)).contains(&16));
}

#[test]
fn a_crash_costs_8_mib_unless_pieces_are_very_large() {
    let of = |kib: u32| connections_max(kib * 1_024);
    assert_eq!([64, 512, 1_024, 2_048, 4_096, 65_536].map(of), [16, 16, 8, 4, 4, 4]);
    let usual = crate::piece::DEFAULT_PIECE_SIZE;
    assert_eq!(of(usual / 1_024), CONNECTIONS_MAX);
    assert!(connections_max(usual) as u64 * u64::from(usual) <= BROKEN_BYTES_MAX);
}
