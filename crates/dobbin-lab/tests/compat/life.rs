//! Downloads that come to their end, or are ended.

use std::fs;

use dobbin_lab::origin::{Content, End, Origin, Plan, Route, When};
use dobbin_types::ErrorCode;

use crate::site::{MIB, Site};

/// conformance: rest downloads
#[test]
fn a_download_is_created_started_watched_and_finalized() {
    let mut site = Site::new();
    let content = Content::new(1, 3 * MIB + 5);
    let origin = Origin::start(Plan::new().file("/a", content));
    let path = site.path("out");
    let id = site.client.create(&origin.url("/a"), &path).unwrap();
    let created = site.client.status(&id).unwrap();
    assert_eq!((&*created.state, created.bytes_total), ("Created", 0));
    assert!(!path.exists());
    site.refused("finalize", &id, 400, ErrorCode::DO_E_INVALID_STATE);
    site.client.tell("pause", &id).unwrap();
    site.client.tell("start", &id).unwrap();
    assert!(path.exists(), "it stands there from its start on");
    site.client.tell("start", &id).unwrap();
    let done = site.wait_for(&id, "Transferred");
    assert_eq!((done.bytes_total, done.bytes_transferred), (content.size(), content.size()));
    assert_eq!((done.error, done.extended_error), (ErrorCode::S_OK, ErrorCode::S_OK));
    for harmless in ["start", "pause"] {
        site.client.tell(harmless, &id).unwrap();
        assert_eq!(site.client.status(&id).unwrap(), done, "{harmless}");
    }
    site.client.tell("finalize", &id).unwrap();
    assert!(fs::read(&path).unwrap() == content.all());
    for over in ["start", "pause", "finalize", "abort"] {
        site.refused(over, &id, 404, ErrorCode::E_NOT_SET);
    }
    assert_eq!(site.client.status(&id).unwrap_err().code(), Some(ErrorCode::E_NOT_SET));
    assert_eq!(origin.requests().len(), 1, "a plain GET of all of it");
    assert_eq!(origin.requests()[0].request.field("range"), None);
}

/// conformance: rest urls
#[test]
fn a_url_with_everything_in_it_reaches_the_origin_as_it_is() {
    let mut site = Site::new();
    let content = Content::new(2, 1_000);
    let origin = Origin::start(Plan::new().file("/a/b%2Fc%20d", content));
    let target = "/a/b%2Fc%20d?e=f&g=%2Fh+i&j=k?l;m";
    let path = site.path("a file with = & ? ; + %41 in its name");
    let id = site.client.create(&origin.url(target), &path).unwrap();
    site.client.tell("start", &id).unwrap();
    site.wait_for(&id, "Transferred");
    site.client.tell("finalize", &id).unwrap();
    assert!(fs::read(&path).unwrap() == content.all());
    assert_eq!(origin.requests()[0].request.target, target);
}

/// conformance: rest resume, rest status
#[test]
fn a_pause_keeps_what_is_here_and_a_start_goes_on_with_a_range() {
    let mut site = Site::new();
    let content = Content::new(3, 5 * MIB);
    let route = Route::honest(content).when(When::First(1), End::StallAfter(4 * MIB));
    let origin = Origin::start(Plan::new().route("/a", route));
    let id = site.begun(&origin, "out");
    let moving = site.client.wait(&id, |status| status.bytes_transferred >= 4 * MIB).unwrap();
    assert_eq!((&*moving.state, moving.bytes_total), ("Transferring", 5 * MIB));
    site.refused("finalize", &id, 400, ErrorCode::DO_E_INVALID_STATE);
    site.client.tell("pause", &id).unwrap();
    site.client.tell("pause", &id).unwrap();
    let paused = site.client.status(&id).unwrap();
    assert_eq!((&*paused.state, paused.error), ("Paused", ErrorCode::S_OK));
    assert_eq!(paused.extended_error, ErrorCode::S_OK);
    site.refused("finalize", &id, 400, ErrorCode::DO_E_INVALID_STATE);
    site.client.tell("start", &id).unwrap();
    site.wait_for(&id, "Transferred");
    let second = &origin.requests()[1].request;
    assert_eq!(second.field("range"), Some(&*format!("bytes={}-{}", 4 * MIB, 5 * MIB - 1)));
    site.client.tell("finalize", &id).unwrap();
    assert!(fs::read(site.path("out")).unwrap() == content.all());
}

/// conformance: rest abort
#[test]
fn an_abort_takes_the_file_in_every_state() {
    let mut site = Site::new();
    let content = Content::new(4, 2 * MIB);
    let route = Route::honest(content).when(When::First(2), End::StallAfter(MIB));
    let origin = Origin::start(Plan::new().route("/a", route));
    let path = site.path("out");
    let id = site.client.create(&origin.url("/a"), &path).unwrap();
    site.client.tell("abort", &id).unwrap();
    site.refused("abort", &id, 404, ErrorCode::E_NOT_SET);
    for is_paused in [false, true] {
        let id = site.begun(&origin, "out");
        site.client.wait(&id, |status| status.bytes_transferred > 0).unwrap();
        if is_paused {
            site.client.tell("pause", &id).unwrap();
        }
        assert!(path.exists());
        site.client.tell("abort", &id).unwrap();
        assert!(!path.exists());
        site.refused("start", &id, 404, ErrorCode::E_NOT_SET);
    }
    let id = site.begun(&origin, "out");
    site.wait_for(&id, "Transferred");
    site.client.tell("abort", &id).unwrap();
    assert!(!path.exists());
}
