//! Jobs and their connections in virtual time.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn rate(bytes_per_second: u64) -> BytesPerSecond {
    BytesPerSecond::new(bytes_per_second).unwrap()
}

/// A connection that reads as soon as it may, and its server as fast as it says.
struct Connection {
    job: usize,
    read_bytes: u64,
    /// What the server needs between two reads.
    pause: Duration,
    ticket: Option<Ticket>,
    /// When it looks again.
    at: Duration,
    bytes: u64,
}

/// Some jobs that share a rate.
struct World {
    divider: Divider,
    jobs: Vec<ShareId>,
    connections: Vec<Connection>,
    now: Duration,
}

/// Whoever waits looks again at least this often, as the throttle does.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl World {
    fn new(bytes_per_second: u64) -> World {
        let divider = Divider::new(rate(bytes_per_second), Duration::ZERO);
        World { divider, jobs: Vec::new(), connections: Vec::new(), now: Duration::ZERO }
    }

    /// A job whose connections each read `read_bytes` at a time, with a pause between.
    fn job(&mut self, foreground: bool, count: usize, read_bytes: u64, pause: Duration) {
        let job = self.jobs.len();
        self.jobs.push(self.divider.join(foreground));
        self.connections.extend((0..count).map(|_| Connection {
            job,
            read_bytes,
            pause,
            ticket: None,
            at: self.now,
            bytes: 0,
        }));
    }

    /// Lets `span` pass; returns the bytes that came to each job.
    fn run(&mut self, span: Duration) -> Vec<u64> {
        let before: Vec<u64> = self.connections.iter().map(|one| one.bytes).collect();
        let end = self.now + span;
        while let Some(next) = self.connections.iter().map(|one| one.at).min()
            && next <= end
        {
            self.now = next;
            for one in self.connections.iter_mut().filter(|one| one.at <= next) {
                let share = self.jobs[one.job];
                let wait = one.ticket.map(|ticket| self.divider.wait(next, share, ticket));
                match wait {
                    Some(wait) if !wait.is_zero() => {
                        // Timers are no finer than a millisecond.
                        let wait = wait.clamp(Duration::from_millis(1), LOOK_AGAIN);
                        one.at = next + wait;
                    }
                    Some(_paid) if !one.pause.is_zero() => {
                        one.ticket = None;
                        one.at = next + one.pause;
                    }
                    Some(_) | None => {
                        one.bytes += one.read_bytes;
                        one.ticket = Some(self.divider.take(next, share, one.read_bytes));
                    }
                }
            }
        }
        self.now = end;
        let mut bytes = alloc::vec![0; self.jobs.len()];
        for (one, before) in self.connections.iter().zip(before) {
            bytes[one.job] += one.bytes - before;
        }
        bytes
    }
}

/// Whether `got` is `expect` to so many thousandths.
#[track_caller]
fn close(got: u64, expect: u64, thousandths: u64, what: &str) {
    let within = expect * thousandths / 1_000;
    assert!(got.abs_diff(expect) <= within, "{what}: {got} is not {expect} to {thousandths} ‰");
}

const MIB: u64 = 1 << 20;

#[test]
fn every_five_seconds_have_the_rate_to_three_percent() {
    for (bytes_per_second, jobs, connections) in
        [(1_024, 1, 1), (MIB, 1, 16), (MIB, 8, 1), (10 * MIB, 8, 16), (100 * MIB, 8, 16)]
    {
        let mut world = World::new(bytes_per_second);
        let read = (bytes_per_second / 50 / (jobs * connections) as u64).max(1);
        (0..jobs).for_each(|_| world.job(false, connections, read, Duration::ZERO));
        // The windows overlap: each begins half a second after the one before.
        let halves: Vec<u64> = (0..40).map(|_| world.run(SECOND / 2).iter().sum()).collect();
        for window in halves.windows(10) {
            let what = alloc::format!("{bytes_per_second} B/s, {jobs} × {connections}");
            close(window.iter().sum(), 5 * bytes_per_second, 30, &what);
        }
    }
}

#[test]
fn a_job_with_many_connections_gets_no_more_than_one_with_one() {
    let mut world = World::new(10 * MIB);
    world.job(false, 16, 64 << 10, Duration::ZERO);
    world.job(false, 1, 64 << 10, Duration::from_millis(2));
    world.job(false, 4, 8 << 10, Duration::ZERO);
    world.run(SECOND);
    for bytes in world.run(SECOND * 10) {
        close(bytes, 100 * MIB / 3, 30, "each job");
    }
}

#[test]
fn what_a_slow_server_leaves_is_shared_by_the_others() {
    let mut world = World::new(10 * MIB);
    // 64 KiB every 100 ms and more: 640 KiB/s at most.
    world.job(false, 1, 64 << 10, Duration::from_millis(100));
    world.job(false, 1, 64 << 10, Duration::ZERO);
    world.job(false, 3, 64 << 10, Duration::ZERO);
    world.run(SECOND);
    let got = world.run(SECOND * 10);
    close(got[0], 6_400 << 10, 100, "the slow one has what its server gives");
    close(got[1], (100 * MIB - got[0]) / 2, 30, "and the others the rest");
    close(got.iter().sum(), 100 * MIB, 30, "nothing is lost");
}

#[test]
fn foreground_takes_what_it_needs_and_background_never_starves() {
    let mut world = World::new(10 * MIB);
    world.job(true, 1, 64 << 10, Duration::from_millis(1));
    world.job(false, 16, 64 << 10, Duration::ZERO);
    world.run(SECOND);
    let got = world.run(SECOND * 10);
    close(got[1], 5 * MIB, 250, "one part in twenty");
    close(got[0], 95 * MIB, 30, "the rest");
    // A foreground job that cannot use it leaves it to the others.
    let mut world = World::new(10 * MIB);
    world.job(true, 1, 64 << 10, Duration::from_millis(100));
    world.job(false, 2, 64 << 10, Duration::ZERO);
    world.run(SECOND);
    let got = world.run(SECOND * 10);
    close(got[0], 6_400 << 10, 100, "as fast as its server");
    close(got[1], 100 * MIB - got[0], 30, "the rest");
}

#[test]
fn an_idle_hour_saves_nothing() {
    let mut divider = Divider::new(rate(1_000), Duration::ZERO);
    let share = divider.join(false);
    let now = SECOND * 3_600;
    let ticket = divider.take(now, share, 1_000);
    assert_eq!(divider.wait(now, share, ticket), SECOND);
    // Nor do the savings of a short pause outlive a longer one.
    assert_eq!(divider.wait(now + SECOND, share, ticket), Duration::ZERO);
    let later = now + SECOND * 60;
    let ticket = divider.take(later, share, 1_000);
    assert_eq!(divider.wait(later, share, ticket), SECOND);
}

#[test]
fn whoever_leaves_makes_room_at_once() {
    let mut divider = Divider::new(rate(1_000), Duration::ZERO);
    let (stays, leaves) = (divider.join(false), divider.join(false));
    let ticket = divider.take(Duration::ZERO, stays, 1_000);
    divider.take(Duration::ZERO, leaves, 1_000_000);
    assert_eq!(divider.wait(Duration::ZERO, stays, ticket), SECOND * 2);
    divider.leave(leaves);
    assert_eq!(divider.wait(Duration::ZERO, stays, ticket), SECOND);
    assert_eq!(divider.take(Duration::ZERO, leaves, 5), Ticket(0));
}

#[test]
fn a_new_rate_and_a_new_class_count_from_now_on() {
    let mut divider = Divider::new(rate(1_000), Duration::ZERO);
    let (first, second) = (divider.join(false), divider.join(false));
    let ticket = divider.take(Duration::ZERO, first, 1_000);
    divider.take(Duration::ZERO, second, 1_000_000);
    divider.set_rate(Duration::ZERO, rate(4_000));
    assert_eq!(divider.wait(Duration::ZERO, first, ticket), SECOND / 2);
    divider.set_foreground(Duration::ZERO, first, true);
    assert_eq!(divider.wait(Duration::ZERO, first, ticket), SECOND / 4);
}

#[test]
fn time_that_has_passed_counts_as_it_was_when_rate_and_class_change() {
    let mut divider = Divider::new(rate(1_000), Duration::ZERO);
    let (first, second) = (divider.join(false), divider.join(false));
    let ticket = divider.take(Duration::ZERO, first, 2_000);
    divider.take(Duration::ZERO, second, 1_000_000);
    // In the first second each had 500 bytes, in the second one too.
    divider.set_rate(SECOND, rate(4_000));
    assert_eq!(divider.wait(SECOND, first, ticket), SECOND * 3 / 4);
    divider.set_rate(SECOND, rate(1_000));
    divider.set_foreground(SECOND * 2, first, true);
    assert_eq!(divider.wait(SECOND * 2, first, ticket), SECOND);
}

#[test]
fn who_waits_is_told_how_long_it_takes_with_those_who_wait_too() {
    // Who shares the rate and owes, besides a background job that took what comes in a second.
    for (others, seconds) in
        [(&[][..], 1), (&[false], 2), (&[false, false], 3), (&[true], 20), (&[true, false], 40)]
    {
        let mut divider = Divider::new(rate(1_000), Duration::ZERO);
        for foreground in others {
            let other = divider.join(*foreground);
            divider.take(Duration::ZERO, other, 1_000_000);
        }
        let own = divider.join(false);
        let ticket = divider.take(Duration::ZERO, own, 1_000);
        assert_eq!(divider.wait(Duration::ZERO, own, ticket), SECOND * seconds, "{others:?}");
    }
}

#[test]
fn only_those_who_took_just_now_or_owe_share_the_rate() {
    let mut divider = Divider::new(rate(1_000), Duration::ZERO);
    let (debtor, guest) = (divider.join(false), divider.join(true));
    assert_eq!(divider.active_count(Duration::ZERO), 0);
    divider.take(Duration::ZERO, debtor, 10_000);
    divider.take(Duration::ZERO, guest, 0);
    for (millis, count) in [(0, 2), (249, 2), (250, 1), (5_000, 1), (10_250, 0)] {
        let now = Duration::from_millis(millis);
        divider.settle(now);
        assert_eq!(divider.active_count(now), count, "after {millis} ms");
    }
}

#[test]
fn no_rate_and_no_amount_overflows() {
    for bytes_per_second in [1, u64::MAX] {
        let mut divider = Divider::new(rate(bytes_per_second), Duration::ZERO);
        let shares = [divider.join(true), divider.join(false), divider.join(false)];
        for turn in 0..100_u64 {
            for share in shares {
                let now = if turn > 50 { Duration::MAX } else { SECOND * turn as u32 };
                let ticket = divider.take(now, share, u64::MAX);
                divider.wait(now, share, ticket);
            }
        }
    }
}

proptest! {
    /// Whatever jobs there are and however they read: what was paid for never exceeds the rate, and
    /// while anybody owes, nothing of it is lost.
    #[test]
    fn what_is_granted_is_exactly_the_rate_while_anybody_owes(
        bytes_per_second in 1_000_u64..=1_000_000_000,
        jobs in prop::collection::vec((any::<bool>(), 1_u64..=4_000_000), 1..12),
        steps in prop::collection::vec((0_usize..12, 1_u64..=500_000_000), 1..100),
    ) {
        let mut divider = Divider::new(rate(bytes_per_second), Duration::ZERO);
        let shares: Vec<_> = jobs.iter().map(|(foreground, _)| divider.join(*foreground)).collect();
        let mut now = Duration::ZERO;
        // Somebody owes more than will ever be paid.
        divider.take(now, shares[0], u64::MAX);
        for (job, nanos) in steps {
            let job = job % shares.len();
            divider.take(now, shares[job], jobs[job].1);
            now += Duration::from_nanos(nanos);
            divider.settle(now);
            let allowed = now.as_nanos() * u128::from(bytes_per_second);
            let granted: u128 = divider.accounts.values().map(|account| account.granted).sum();
            prop_assert_eq!(granted, allowed);
            let savings = u128::from(bytes_per_second) * BURST.as_nanos();
            let saved: u128 = divider
                .accounts
                .values()
                .map(|account| account.granted.saturating_sub(account.taken))
                .sum();
            prop_assert!(saved <= savings);
        }
    }
}
