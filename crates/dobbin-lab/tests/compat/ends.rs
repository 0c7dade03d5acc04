//! What keeps a download from its file, in the codes that such programs know.

use std::fs;
use std::path::Path;

use dobbin_lab::origin::{Answer, Content, End, Origin, Plan, Route};
use dobbin_types::ErrorCode;

use crate::site::{MIB, Site};

/// "Permission denied" (errno(3)).
const EACCES: i32 = 13;

/// conformance: rest existing-target
#[test]
fn what_stands_in_the_way_is_left_alone_even_by_an_abort() {
    let mut site = Site::new();
    let origin = Origin::start(Plan::new().file("/a", Content::new(1, MIB)));
    fs::write(site.path("taken"), "mine").unwrap();
    for (name, number) in [("taken", -1_060_110_319), ("no/folder", -1_060_110_334)] {
        let path = site.path(name);
        let id = site.client.create(&origin.url("/a"), &path).unwrap();
        site.refused("start", &id, 400, ErrorCode::from_hresult(number));
        assert_eq!(site.client.status(&id).unwrap().state, "Created", "{name}");
        site.client.tell("abort", &id).unwrap();
    }
    assert_eq!(fs::read_to_string(site.path("taken")).unwrap(), "mine");
    assert!(!site.path("no").exists());
    assert!(origin.requests().is_empty());
}

/// conformance: rest existing-target
#[test]
fn a_folder_without_permission_is_refused_with_the_systems_own_number() {
    // Nobody may make a file there, root included.
    let path = Path::new("/sys/dobbin-test");
    let refusal = fs::File::create_new(path).map_err(|error| error.raw_os_error());
    if !matches!(refusal, Err(Some(EACCES))) {
        eprintln!("SKIPPED: making a file in /sys gives {refusal:?} here, not EACCES");
        return;
    }
    let mut site = Site::new();
    let origin = Origin::start(Plan::new().file("/a", Content::new(1, MIB)));
    let id = site.client.create(&origin.url("/a"), path).unwrap();
    site.refused("start", &id, 400, ErrorCode::from_hresult(-1_060_110_323));
    assert_eq!(site.client.status(&id).unwrap().state, "Created");
    site.client.tell("abort", &id).unwrap();
}

/// conformance: rest not-found
#[test]
fn a_file_that_the_origin_has_not_is_a_pause_with_its_code() {
    let mut site = Site::new();
    let origin = Origin::start(Plan::new());
    let id = site.begun(&origin, "out");
    let ended = site.wait_for(&id, "Paused");
    assert_eq!(ended.error.hresult(), -2_145_844_844);
    assert_eq!((ended.extended_error, ended.bytes_total), (ErrorCode::S_OK, 0));
    site.client.tell("pause", &id).unwrap();
    assert_eq!(site.client.status(&id).unwrap(), ended, "a pause is none of its own");
    assert_eq!(fs::metadata(site.path("out")).unwrap().len(), 0, "it stays until the abort");
    site.client.tell("abort", &id).unwrap();
    assert!(!site.path("out").exists());
}

/// conformance: rest transient
#[test]
fn what_is_tried_again_is_transferring_with_the_code_of_the_last_try() {
    let mut site = Site::new();
    let route = Route::honest(Content::new(2, MIB))
        .always(Answer::Status(502))
        .always(Answer::RetryAfter("3600".into()));
    let origin = Origin::start(Plan::new().route("/a", route));
    let id = site.begun(&origin, "out");
    let failed = site.client.wait(&id, |status| status.error.is_failure()).unwrap();
    assert_eq!(failed.state, "Transferring");
    assert_eq!(failed.error, ErrorCode::HTTP_E_STATUS_BAD_GATEWAY);
    assert_eq!(failed.extended_error, ErrorCode::S_OK);
    // Its caller's pause is one.
    site.client.tell("pause", &id).unwrap();
    let paused = site.client.status(&id).unwrap();
    assert_eq!((&*paused.state, paused.error), ("Paused", ErrorCode::S_OK));
}

/// conformance: rest no-progress
#[test]
fn a_download_without_a_byte_stops_after_the_time_that_was_set() {
    let mut site = Site::new();
    let route = Route::honest(Content::new(3, MIB)).always(End::StallAfter(0));
    let origin = Origin::start(Plan::new().route("/a", route));
    let id = site.begun(&origin, "out");
    let set = format!("download/setproperty?Id={id}&NoProgressTimeoutSeconds=10");
    site.client.ask("POST", &set).unwrap();
    let ended = site.wait_for(&id, "Paused");
    assert_eq!(ended.error, ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS);
    site.client.tell("abort", &id).unwrap();
}
