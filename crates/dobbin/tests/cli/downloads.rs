//! `dobbin downloads`, with the agent inside the command.

use serde_json::Value;

use crate::home::{Ended, Home};

const URL: &str = "http://127.0.0.1:9/a";

/// The command, which must end well, and what it printed as JSON.
#[track_caller]
fn json(home: &Home, words: &[&str]) -> Value {
    let ended = done(home, &[words, &["--json"]].concat());
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

#[track_caller]
fn done(home: &Home, words: &[&str]) -> Ended {
    let ended = home.run(words);
    assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
    ended
}

#[test]
fn a_download_lives_from_command_to_command() {
    let home = Home::new();
    assert_eq!(done(&home, &["downloads", "list"]).err, "no downloads\n");
    let words = ["downloads", "create", URL, "sub/a", "--name", "nightly", "--foreground"];
    let id = done(&home, &words).out.trim().to_owned();
    let short = &id[..8];
    let list = done(&home, &["downloads", "list"]).out;
    assert!(list.starts_with("DOWNLOAD  STATE"), "{list}");
    assert!(list.contains(&format!("{short}  created")) && list.contains("nightly"), "{list}");
    let jobs = done(&home, &["jobs", "list"]).out;
    assert!(jobs.contains(short) && jobs.contains("nightly (download)"), "{jobs}");
    let told = json(&home, &["downloads", "list", "--where", "display_name=nightly"]);
    assert_eq!((&told["id"], &told["status"]["state"]), (&id.as_str().into(), &"created".into()));
    let none = done(&home, &["downloads", "list", "--where", "display_name=other"]);
    assert_eq!(none.err, "no downloads\n");

    assert_eq!(done(&home, &["downloads", "status", short]).out, "created, 0 B\n");
    let pause = done(&home, &["downloads", "pause", short]);
    assert_eq!(pause.err, format!("download {short}: paused\n"));
    let finalize = home.run(&["downloads", "finalize", short]);
    assert_eq!(finalize.code, Some(1));
    assert!(finalize.err.contains("DO_E_INVALID_STATE"), "{}", finalize.err);
    let abort = json(&home, &["downloads", "abort", short]);
    assert_eq!(abort["state"], "aborted");
    let gone = home.run(&["downloads", "status", short]);
    assert_eq!(gone.code, Some(1));
    assert!(gone.err.starts_with(&format!("error: there is no download {short}")), "{}", gone.err);
}

#[test]
fn properties_are_got_and_set_as_they_are_typed() {
    let home = Home::new();
    let id = done(&home, &["downloads", "create", URL, "a"]).out.trim().to_owned();
    let get = |property: &str| home.run(&["downloads", "get", &id, property]);
    let set = |property: &str, value: &str| home.run(&["downloads", "set", &id, property, value]);
    assert_eq!(get("uri").out, format!("{URL}\n"));
    assert_eq!(get("25").out, "true\n");
    let ended = set("callback_freq_seconds", "7");
    let said = format!("download {}: callback_freq_seconds set\n", &id[..8]);
    assert_eq!((ended.code, ended.err), (Some(0), said));
    assert_eq!(get("callback_freq_seconds").out, "7\n");
    let told = json(&home, &["downloads", "get", &id, "callback_freq_seconds"]);
    assert_eq!(told, serde_json::json!({ "property": "callback_freq_seconds", "value": 7 }));
    assert_eq!(set("callback_freq_seconds", "soon").code, Some(2));
    assert_eq!(set("no_progress_timeout_seconds", "59").code, Some(2));
    let ended = get("content_id");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("E_NOT_SET"), "{}", ended.err);
    let ended = get("security_flags");
    assert!(ended.err.contains("DO_E_WRITE_ONLY_PROPERTY"), "{}", ended.err);
}

#[test]
fn a_volatile_download_ends_with_its_agent() {
    let home = Home::new();
    let id = done(&home, &["downloads", "create", URL, "a", "--volatile"]).out.trim().to_owned();
    assert_eq!(home.run(&["downloads", "status", &id]).code, Some(1));
}
