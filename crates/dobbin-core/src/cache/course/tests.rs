use super::*;
use crate::cache::BAN;
use alloc::string::{String, ToString};
use core::time::Duration;
use proptest::prelude::*;

/// The host of the file's URL.
const ORIGIN: &str = "files.example";

const MINUTE: Fallback = Fallback::After(Duration::from_secs(60));

/// One thing that happens to a file, and what must follow.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// So many seconds pass.
    Wait(u64),
    /// An attempt begins, and asks this host; the origin is `-`.
    Asks(&'static str),
    /// Bytes come.
    Served,
    /// The cache host fails, with this to follow.
    Fails(Failure, Turn),
    /// The origin fails.
    OriginFails,
    /// Another file finds this host out of reach.
    BannedByAnother(&'static str),
}

use Failure::{Other, Refused, Unreachable, Wrong};
use Step::{Asks, BannedByAnother, Fails, OriginFails, Served, Wait};

fn settings(hosts: &str, fallback: Fallback) -> Arc<Settings> {
    Arc::new(Settings { hosts: hosts.parse().unwrap(), fallback })
}

fn name(host: Option<&CacheHost>) -> String {
    host.map_or("-".into(), ToString::to_string)
}

/// Takes one file through these steps, with these bans from the start.
#[track_caller]
fn check(hosts: &str, fallback: Fallback, steps: &[Step]) {
    let (mut bans, mut now) = (Bans::default(), Tick(1_000));
    let before = steps.iter().map_while(|step| match step {
        BannedByAnother(host) => Some(*host),
        Wait(_) | Asks(_) | Served | Fails(..) | OriginFails => None,
    });
    before.for_each(|host| bans.ban_host(&host.parse().unwrap(), now));
    let mut course = Course::begin(settings(hosts, fallback), ORIGIN, &bans, now);
    for (place, step) in steps.iter().enumerate() {
        let at = alloc::format!("step {place} of {steps:?}");
        match *step {
            Wait(seconds) => now = Tick(now.0 + seconds * 1_000),
            Asks(expect) => assert_eq!(name(course.next(ORIGIN, &bans, now)), expect, "{at}"),
            Served => course.served(),
            Fails(failure, expect) => {
                assert_eq!(course.cache_failed(failure, ORIGIN, &mut bans, now), expect, "{at}");
            }
            OriginFails => course.origin_failed(ORIGIN, &bans, now),
            BannedByAnother(host) => bans.ban_host(&host.parse().unwrap(), now),
        }
    }
}

#[test]
fn a_file_begins_at_the_first_host_that_is_not_banned() {
    check("", Fallback::AtOnce, &[Asks("-")]);
    check("", Fallback::Never, &[Asks("-")]);
    check("a,b", Fallback::AtOnce, &[Asks("a")]);
    check("a,b", Fallback::AtOnce, &[BannedByAnother("a"), Asks("b")]);
    check(
        "a",
        Fallback::AtOnce,
        &[BannedByAnother("a"), Asks("-"), Wait(BAN.as_secs()), Asks("-")],
    );
}

/// conformance: cache-host fallback
#[test]
fn without_a_delay_the_origin_is_asked_at_once_whatever_befell_the_cache_host() {
    for failure in [Unreachable, Refused, Wrong, Other] {
        check("a,b", Fallback::AtOnce, &[Asks("a"), Fails(failure, Turn::Origin), Asks("-")]);
    }
}

/// conformance: cache-host sides
#[test]
fn when_both_were_tried_two_tries_without_bytes_change_the_side() {
    let first = [Asks("a"), Fails(Other, Turn::Origin)];
    let both = |rest: &[Step]| check("a", Fallback::AtOnce, &[&first, rest].concat());
    both(&[OriginFails, Asks("-"), OriginFails, Asks("a")]);
    both(&[
        OriginFails,
        Served,
        OriginFails,
        Asks("-"),
        OriginFails,
        Asks("-"),
        OriginFails,
        Asks("a"),
    ]);
    let back = [OriginFails, OriginFails, Asks("a"), Fails(Other, Turn::Retry), Asks("a")];
    both(&[&back[..], &[Fails(Other, Turn::Retry), Asks("-")]].concat());
    both(&[&back[..], &[Served, Fails(Other, Turn::Retry), Asks("a")]].concat());
    // One that may not be asked is not waited for.
    both(&[&back[..], &[Fails(Refused, Turn::Retry), Asks("-")]].concat());
    both(&[OriginFails, BannedByAnother("a"), OriginFails, Asks("-"), OriginFails, Asks("-")]);
}

/// conformance: cache-host delay
#[test]
fn a_delay_keeps_a_file_at_the_cache_hosts_in_turn_and_then_sends_it_to_the_origin_for_good() {
    let steps = [
        Asks("a"),
        Fails(Other, Turn::Retry),
        Wait(30),
        Asks("b"),
        Fails(Other, Turn::Retry),
        Asks("a"),
        Wait(29),
        Fails(Other, Turn::Retry),
        Asks("b"),
        Wait(1),
        Asks("-"),
        OriginFails,
        OriginFails,
        OriginFails,
        Asks("-"),
    ];
    check("a,b", MINUTE, &steps);
    check("a", MINUTE, &[Asks("a"), Wait(60), Fails(Refused, Turn::Origin), Asks("-")]);
}

/// conformance: cache-host delay, cache-host bans
#[test]
fn a_ban_shortens_no_delay() {
    for failure in [Unreachable, Refused] {
        let tries =
            [Asks("a"), Fails(failure, Turn::Retry), Asks("b"), Fails(failure, Turn::Retry)];
        check("a,b", MINUTE, &[&tries[..], &[Wait(59), Asks("a"), Wait(1), Asks("-")]].concat());
    }
    // Of two, the one that is not banned.
    let steps = [Asks("a"), Fails(Other, Turn::Retry), BannedByAnother("b"), Asks("a")];
    check("a,b", MINUTE, &steps);
    check("a", MINUTE, &[BannedByAnother("a"), Asks("a")]);
}

#[test]
fn a_cache_host_that_gives_the_file_is_left_for_no_delay() {
    let long = [Asks("a"), Served, Wait(3_600), Asks("a"), Fails(Other, Turn::Origin), Asks("-")];
    check("a", MINUTE, &long);
    // It had failed once, and made that good.
    let steps = [Asks("a"), Fails(Other, Turn::Retry), Asks("a"), Served, Wait(3_600), Asks("a")];
    check("a", MINUTE, &steps);
}

/// conformance: cache-host never
#[test]
fn where_the_origin_is_never_asked_the_hosts_are_tried_for_ever_and_errors_are_what_they_are() {
    for failure in [Unreachable, Refused, Other] {
        let round = [Asks("a"), Fails(failure, Turn::AsItIs), Asks("b")];
        let again = [Fails(failure, Turn::AsItIs), Wait(1_000_000), Asks("a")];
        check(
            "a,b",
            Fallback::Never,
            &[&round[..], &again[..], &[OriginFails, Asks("a")]].concat(),
        );
        check("a", Fallback::Never, &[Asks("a"), Fails(failure, Turn::AsItIs), Asks("a")]);
    }
    check("a", Fallback::Never, &[Asks("a"), Fails(Wrong, Turn::AsItIs), Asks("a")]);
}

#[test]
fn a_file_that_came_wrong_is_asked_for_at_its_origin_for_the_rest() {
    for fallback in [Fallback::AtOnce, MINUTE] {
        let wrong = [Asks("a"), Served, Fails(Wrong, Turn::Origin), Asks("-")];
        check("a", fallback, &[&wrong[..], &[OriginFails; 5], &[Wait(10_000), Asks("-")]].concat());
    }
}

#[test]
fn what_a_cache_host_refuses_is_banned_for_its_origin_alone() {
    let mut bans = Bans::default();
    let host: CacheHost = "a".parse().unwrap();
    for (failure, here, elsewhere) in [
        (Other, false, false),
        (Wrong, false, false),
        (Refused, true, false),
        (Unreachable, true, true),
    ] {
        let mut course = Course::begin(settings("a", Fallback::AtOnce), ORIGIN, &bans, Tick(0));
        course.cache_failed(failure, ORIGIN, &mut bans, Tick(0));
        let now = Tick(BAN.as_millis() as u64 - 1);
        assert_eq!(bans.is_banned(&host, ORIGIN, now), here, "{failure:?}");
        assert_eq!(bans.is_banned(&host, "other.example", now), elsewhere, "{failure:?}");
        bans = Bans::default();
    }
}

/// Anything that may happen, as numbers.
fn anything() -> impl Strategy<Value = (u8, u64)> {
    (0_u8..7, 0_u64..40)
}

proptest! {
    #[test]
    fn whatever_happens_each_setting_keeps_its_promise(
        kind in 0_usize..3,
        hosts in "(a|a,b|a,b,c)",
        steps in proptest::collection::vec(anything(), 0..60),
    ) {
        let fallback = [Fallback::AtOnce, MINUTE, Fallback::Never][kind];
        let (mut bans, mut now) = (Bans::default(), Tick(0));
        let mut course = Course::begin(settings(&hosts, fallback), ORIGIN, &bans, now);
        let (mut was_wrong, mut is_settled) = (false, false);
        for (what, seconds) in steps {
            now = Tick(now.0 + seconds * 1_000);
            let is_at_cache = course.side != Side::Origin;
            match what {
                0 => course.served(),
                1 => course.origin_failed(ORIGIN, &bans, now),
                2 => bans.ban_host(&"b".parse().unwrap(), now),
                failure if is_at_cache => {
                    let failure = [Unreachable, Refused, Wrong, Other][usize::from(failure - 3)];
                    was_wrong |= failure == Wrong;
                    let turn = course.cache_failed(failure, ORIGIN, &mut bans, now);
                    prop_assert_eq!(turn == Turn::AsItIs, fallback == Fallback::Never);
                    prop_assert!(turn != Turn::Origin || course.side == Side::Origin);
                }
                _ => {}
            }
            let next = course.next(ORIGIN, &bans, now).cloned();
            match fallback {
                Fallback::Never => prop_assert!(next.is_some()),
                Fallback::After(delay) => {
                    let is_early = now.since(Tick(0)) < delay;
                    prop_assert!(next.is_some() || was_wrong || !is_early);
                    prop_assert!(next.is_none() || !is_settled, "from the origin nobody returns");
                    is_settled |= next.is_none();
                }
                Fallback::AtOnce => {
                    let is_banned = |host| bans.is_banned(host, ORIGIN, now);
                    prop_assert!(!next.as_ref().is_some_and(is_banned));
                    prop_assert!(next.is_none() || !was_wrong);
                }
            }
        }
    }
}
