//! Several URLs of one file.

use dobbin_lab::origin::{Answer, Content, End, Origin, Pace, Plan, Route, When};
use dobbin_types::rest::AddFile;
use dobbin_types::{ErrorCode, JobState, Priority};

use super::site::{Site, file};
use super::{MIB, sent_bytes};

fn hex(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file at the first of these, with the others named besides.
fn several(site: &Site, origins: &[&Origin], sha256: Option<[u8; 32]>) -> AddFile {
    AddFile {
        mirrors: origins[1..].iter().map(|origin| origin.url("/a")).collect(),
        sha256: sha256.map(hex),
        ..file(origins[0].url("/a"), &site.path("out"))
    }
}

fn serving(route: Route) -> Origin {
    Origin::start(Plan::new().route("/a", route))
}

fn paced(content: Content, bytes_per_second: u64) -> Route {
    Route::honest(content).always(Pace::RatePerConnection(bytes_per_second))
}

#[test]
fn the_slower_of_two_sources_gives_less() {
    let site = Site::new();
    let content = Content::new(11, 48 * MIB);
    let slow = serving(paced(content, MIB / 8));
    let fast = serving(paced(content, 8 * MIB));
    let named = several(&site, &[&slow, &fast], Some(content.sha256()));
    let job = site.begin(named, Priority::Normal);
    site.finish(job);
    let (from_slow, from_fast) = (sent_bytes(&slow), sent_bytes(&fast));
    assert!(from_slow * 4 < from_fast, "{from_slow} from the slow one, {from_fast} from the other");
    site.complete_as(job, "out", content);
}

#[test]
fn without_a_hash_bytes_of_two_hosts_are_never_mixed() {
    let site = Site::new();
    let content = Content::new(12, 24 * MIB);
    let own = serving(paced(content, 8 * MIB));
    let other = serving(paced(content, 64 * MIB));
    let job = site.begin(several(&site, &[&own, &other], None), Priority::Normal);
    site.finish(job);
    assert_eq!(other.requests().len(), 0);
    site.complete_as(job, "out", content);
}

#[test]
fn further_urls_are_asked_one_after_the_other_where_the_first_gives_nothing() {
    let content = Content::new(13, 3 * MIB);
    let dead: [Route; 3] = [
        Route::honest(content).always(Answer::Status(404)),
        Route::honest(content).always(Answer::Status(503)),
        Route::honest(content).always(End::ResetAtOnce),
    ];
    for route in dead {
        for hash in [None, Some(content.sha256())] {
            let site = Site::new();
            let own = serving(route.clone());
            let second = serving(Route::honest(content).always(Answer::Status(403)));
            let third = serving(Route::honest(content));
            let named = several(&site, &[&own, &second, &third], hash);
            let job = site.begin(named, Priority::Normal);
            site.finish(job);
            assert!(!own.requests().is_empty() && !second.requests().is_empty());
            site.complete_as(job, "out", content);
        }
    }
}

#[test]
fn where_nobody_has_it_the_job_hears_of_its_own_url() {
    let site = Site::new();
    let content = Content::new(14, MIB);
    let own = serving(Route::honest(content).always(Answer::Status(410)));
    let other = serving(Route::honest(content).always(Answer::Status(403)));
    for hash in [None, Some(content.sha256())] {
        let job = site.begin(several(&site, &[&own, &other], hash), Priority::Normal);
        let info = site.wait(job, &[JobState::Error]);
        assert_eq!(info.error.unwrap().code, ErrorCode::from_http_status(410));
        site.wish(job, dobbin_engine::Wish::Cancel).unwrap();
    }
}

#[test]
fn a_source_with_a_file_of_another_size_is_struck_out() {
    let site = Site::new();
    let content = Content::new(15, 32 * MIB);
    let own = serving(paced(content, 4 * MIB));
    let liar = serving(paced(content.resized(33 * MIB), 64 * MIB));
    let named = several(&site, &[&own, &liar], Some(content.sha256()));
    let job = site.begin(named, Priority::Normal);
    site.finish(job);
    assert_eq!(liar.requests().len(), 1, "asked once");
    site.complete_as(job, "out", content);
}

#[test]
fn a_source_that_lies_in_the_bytes_costs_time_and_not_the_file() {
    let site = Site::new();
    let content = Content::new(16, 24 * MIB);
    let own = serving(paced(content, 8 * MIB));
    let liar = serving(paced(content.changed(), 64 * MIB));
    let named = several(&site, &[&own, &liar], Some(content.sha256()));
    let job = site.begin(named, Priority::Normal);
    site.finish(job);
    assert!(sent_bytes(&liar) > 0, "it was asked");
    site.complete_as(job, "out", content);
}

#[test]
fn a_source_that_breaks_is_left_and_the_others_go_on() {
    let site = Site::new();
    let content = Content::new(17, 24 * MIB);
    let own = serving(paced(content, 4 * MIB).when(When::Always, End::FinAfter(6 * MIB)));
    let other = serving(paced(content, 8 * MIB));
    let named = several(&site, &[&own, &other], Some(content.sha256()));
    let job = site.begin(named, Priority::Normal);
    site.finish(job);
    assert_eq!(site.info(job).error, None);
    site.complete_as(job, "out", content);
}
