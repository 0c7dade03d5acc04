//! Commands that make no sense end with 2, before anything is begun.

use crate::home::Home;

const HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

#[track_caller]
fn check(home: &Home, words: &[&str], expect: &str) {
    let ended = home.run(words);
    assert_eq!(ended.code, Some(2), "{words:?}: {ended:?}");
    assert!(ended.err.contains(expect), "{words:?}: {}", ended.err);
    assert_eq!(ended.out, "", "{words:?}");
    assert!(!home.file("state").exists(), "{words:?} started an agent");
}

#[test]
fn get_refuses_what_makes_no_sense() {
    let home = Home::new();
    std::fs::write(home.file("taken"), "x").unwrap();
    check(&home, &["get"], "<URL>");
    check(&home, &["get", "example.com/a"], "begin it with https://");
    check(&home, &["get", "ftp://h/a"], "only http and https can be fetched");
    check(&home, &["get", "http://h/"], "-o FILE");
    check(&home, &["get", "-o", "-", "http://h/a"], "cannot write to standard output");
    check(&home, &["get", "-o", "x", "-d", ".", "http://h/a"], "cannot be used with");
    check(&home, &["get", "-o", "x", "http://h/a", "http://h/b"], "--output names one file");
    check(&home, &["get", "--sha256", HASH, "http://h/a", "http://h/b"], "the hash of one file");
    check(&home, &["get", "--sha256", "abc", "http://h/a"], "64 hexadecimal digits");
    check(&home, &["get", "http://h/a", "http://g/a"], "would both be saved as");
    check(&home, &["get", "-d", "none", "http://h/a"], "does not exist");
    check(&home, &["get", "http://h/taken"], "use --force to replace it");
    check(&home, &["get", "--limit-rate", "fast", "http://h/a"], "500k, 1.5M or 2G");
    check(&home, &["get", "--limit-rate", "0", "http://h/a"], "less than 1 byte");
    check(&home, &["get", "-H", "nonsense", "http://h/a"], "a name, a colon and a value");
    check(&home, &["get", "--priority", "urgent", "http://h/a"], "foreground, high, normal, low");
    check(&home, &["get", "--no-progress-timeout", "-1", "http://h/a"], "error:");
    check(&home, &["get", "--json", "-q", "http://h/a"], "cannot be used with");
}

#[test]
fn jobs_refuses_what_makes_no_sense() {
    let home = Home::new();
    check(&home, &["jobs"], "Usage:");
    check(&home, &["jobs", "list", "--state", "asleep"], "transient_error");
    check(&home, &["jobs", "show"], "<JOB>");
    check(&home, &["jobs", "cancel"], "<JOB>");
    check(&home, &["jobs", "create"], "<NAME>");
    check(&home, &["jobs", "create", "x", "http://h/a"], "<PATH>");
    check(&home, &["jobs", "add", "0f0d"], "<URL>");
    check(&home, &["jobs", "add", "0f0d", "http://h/a", "a", "--range", "9"], "OFFSET-LENGTH");
    check(&home, &["jobs", "priority", "0f0d", "urgent"], "foreground, high, normal, low");
    check(&home, &["jobs", "timeout", "0f0d", "soon"], "invalid digit");
}

#[test]
fn downloads_refuses_what_makes_no_sense() {
    let home = Home::new();
    check(&home, &["downloads"], "Usage:");
    check(&home, &["downloads", "create", "http://h/a"], "<PATH>");
    check(&home, &["downloads", "list", "--where", "uri"], "an equals sign");
    check(&home, &["downloads", "list", "--where", "url=x"], "display_name");
    check(&home, &["downloads", "get", "0f0d", "url"], "non_volatile");
    check(&home, &["downloads", "set", "0f0d", "uri"], "<VALUE>");
    check(&home, &["downloads", "start", "0f0d", "--range", "9"], "OFFSET-LENGTH");
}

#[test]
fn config_refuses_what_makes_no_sense() {
    let home = Home::new();
    check(&home, &["config"], "Usage:");
    check(&home, &["config", "check"], "<FILE>");
    check(&home, &["config", "check", "."], "it is not a file");
    check(&home, &["config", "show", "--config", "none.toml"], "cannot read");
    check(&home, &["serve", "--config", "none.toml"], "cannot read");
}

#[test]
fn the_program_refuses_what_makes_no_sense() {
    let home = Home::new();
    check(&home, &[], "Usage:");
    check(&home, &["fetch"], "unrecognized subcommand");
    check(&home, &["completions", "cmd"], "bash");
    check(&home, &["--socket"], "a value is required");
}

#[test]
fn with_json_a_program_reads_the_same_refusal() {
    let ended = Home::new().run(&["get", "--json", "http://h/"]);
    assert_eq!(ended.code, Some(2));
    let told: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(told["kind"], "failed");
    assert_eq!(told["exit"], 2);
    assert_eq!(told["remedies"][0], "name the file with -o FILE");
    assert!(ended.err.starts_with("error: h/ does not end with a name"), "{}", ended.err);
}
