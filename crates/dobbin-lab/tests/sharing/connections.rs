//! Several connections to one origin.

use dobbin_engine::Recover;
use dobbin_lab::origin::{Content, End, Origin, Pace, Plan, Ranges, Route, Version, When};
use dobbin_types::{JobState, Priority, Reason};

use super::site::{Site, file};
use super::{MIB, connections, sent_bytes};

/// What may have been on its way of a body that was given up, with a sender that is paced.
const ON_ITS_WAY: u64 = MIB;

fn paced(content: Content) -> Route {
    Route::honest(content).always(Pace::RatePerConnection(2 * MIB))
}

#[test]
fn a_server_that_limits_each_connection_gets_more_of_them_and_sends_no_byte_twice() {
    for (priority, least, most) in [(Priority::Normal, 5, 8), (Priority::Foreground, 9, 16)] {
        let site = Site::new();
        let content = Content::new(1, 48 * MIB + 12_345);
        let origin = Origin::start(Plan::new().route("/a", paced(content)));
        let job = site.begin(file(origin.url("/a"), &site.path("out")), priority);
        let mut seen = 0;
        while site.info(job).state != JobState::Transferred {
            seen = seen.max(site.why_file(job).connections.len());
        }
        assert!((least..=most).contains(&seen), "{priority:?}: {seen} at once");
        let told = site.finish(job);
        assert!(told.requests.iter().any(|request| request.reason == Reason::Stolen));
        let slack = 16 * ON_ITS_WAY;
        let sent = sent_bytes(&origin);
        assert!(sent <= content.size() + slack, "{sent} of {}", content.size());
        site.complete_as(job, "out", content);
    }
}

#[test]
fn one_connection_stays_alone_where_parts_cannot_be_had_or_joined() {
    let content = Content::new(2, 24 * MIB);
    let cases: [(&str, Route, usize); 3] = [
        ("weak mark", paced(content).always(Version::WeakTag).always(Version::NoDate), 1),
        ("no mark", paced(content).always(Version::NoTag).always(Version::NoDate), 1),
        // It says that it has parts; the one time it is asked for one shows that it has none.
        ("ranges ignored", paced(content).always(Ranges::Ignored), 2),
    ];
    for (name, route, most) in cases {
        let site = Site::new();
        // Faster, so that the test is not slow for nothing; slow enough to be worth sharing.
        let route = route.always(Pace::RatePerConnection(16 * MIB));
        let origin = Origin::start(Plan::new().route("/a", route));
        let job = site.begin(file(origin.url("/a"), &site.path("out")), Priority::Normal);
        site.finish(job);
        assert!(connections(&origin) <= most, "{name}: {}", connections(&origin));
        site.complete_as(job, "out", content);
    }
}

#[test]
fn a_small_file_is_never_shared() {
    let site = Site::new();
    let content = Content::new(3, 7 * MIB);
    let origin = Origin::start(Plan::new().route("/a", paced(content)));
    let job = site.begin(file(origin.url("/a"), &site.path("out")), Priority::Foreground);
    site.finish(job);
    assert_eq!(origin.requests().len(), 1);
    site.complete_as(job, "out", content);
}

#[test]
fn a_connection_that_breaks_is_made_good_by_the_others() {
    let site = Site::new();
    let content = Content::new(4, 32 * MIB);
    let mut route = paced(content);
    for (nth, end) in [(2, End::FinAfter(MIB / 2)), (3, End::ResetAfter(MIB)), (5, End::EmptyReply)]
    {
        route = route.when(When::Only(nth), end);
    }
    let origin = Origin::start(Plan::new().route("/a", route));
    let job = site.begin(file(origin.url("/a"), &site.path("out")), Priority::Normal);
    let told = site.finish(job);
    assert!(told.requests.iter().any(|request| request.failure.is_some()), "{told:?}");
    site.complete_as(job, "out", content);
}

#[test]
fn a_file_that_changes_under_several_connections_starts_from_zero() {
    let site = Site::new();
    let content = Content::new(5, 24 * MIB);
    // By the number of the request and not by time: what is asked before it is under way already,
    // and could be the whole file.
    let since = When::After(3);
    let route = paced(content).when(since, Version::NewTag).when(since, Version::NewBytes);
    let origin = Origin::start(Plan::new().route("/a", route));
    let job = site.begin(file(origin.url("/a"), &site.path("out")), Priority::Normal);
    site.finish(job);
    site.complete_as(job, "out", content.changed());
}

#[test]
fn what_several_connections_brought_is_not_fetched_again_after_a_break() {
    let mut site = Site::new();
    let content = Content::new(6, 32 * MIB);
    let origin = Origin::start(Plan::new().route("/a", paced(content)));
    let job = site.begin(file(origin.url("/a"), &site.path("out")), Priority::Normal);
    site.wait_for_bytes(job, 12 * MIB);
    site.stop();
    let before = sent_bytes(&origin);
    site.start(Recover::RunAll);
    let told = site.finish(job);
    assert!(told.bytes.had >= 12 * MIB - 9 * MIB, "a piece for each connection at most");
    let sent = sent_bytes(&origin) - before;
    assert!(sent <= content.size() - told.bytes.had + 17 * ON_ITS_WAY, "{sent}");
    site.complete_as(job, "out", content);
}

#[test]
fn a_transfer_over_several_connections_stops_at_once() {
    let site = Site::new();
    let content = Content::new(7, 64 * MIB);
    let origin = Origin::start(Plan::new().route("/a", paced(content)));
    let job = site.begin(file(origin.url("/a"), &site.path("out")), Priority::Foreground);
    assert!(origin.wait(super::PATIENCE, |asked| asked.len() >= 4));
    site.wish(job, dobbin_engine::Wish::Suspend).unwrap();
    while !site.why_file(job).connections.is_empty() {
        std::thread::yield_now();
    }
    let here = site.info(job).progress.bytes_transferred;
    assert!(here < content.size());
    site.wish(job, dobbin_engine::Wish::Resume).unwrap();
    site.finish(job);
    site.complete_as(job, "out", content);
}
