//! Help, completions and manual pages. `UPDATE_GOLDEN=1 cargo test -p dobbin` writes the committed
//! texts anew.

use std::path::Path;

use crate::home::Home;

#[track_caller]
fn check_golden(name: &str, got: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, got).unwrap();
    }
    let expect = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(got, expect, "{name} has changed: look, then run with UPDATE_GOLDEN=1");
}

#[test]
fn the_help_of_every_command_is_as_committed() {
    let home = Home::new();
    let verbs = [
        "list",
        "show",
        "files",
        "error",
        "stats",
        "headers",
        "watch",
        "create",
        "add",
        "resume",
        "suspend",
        "complete",
        "cancel",
        "set",
        "remote-name",
        "priority",
        "timeout",
    ];
    let mut commands: Vec<Vec<&str>> = vec![
        vec![],
        vec!["get"],
        vec!["jobs"],
        vec!["why"],
        vec!["publish"],
        vec!["verify"],
        vec!["serve"],
        vec!["config"],
        vec!["config", "show"],
        vec!["config", "check"],
        vec!["completions"],
        vec!["man"],
    ];
    commands.extend(verbs.map(|verb| vec!["jobs", verb]));
    let verbs = ["list", "create", "start", "pause", "abort", "finalize", "status", "get", "set"];
    commands.push(vec!["downloads"]);
    commands.extend(verbs.map(|verb| vec!["downloads", verb]));
    for mut words in commands {
        let name = format!("{}.txt", [&["dobbin"], words.as_slice()].concat().join("-"));
        words.push("--help");
        let ended = home.run(&words);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{words:?}");
        check_golden(&name, &ended.out);
    }
}

#[test]
fn the_version_is_the_packages() {
    let ended = Home::new().run(&["--version"]);
    assert_eq!(ended.out, format!("dobbin {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_shell_gets_completions() {
    let home = Home::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = home.run(&["completions", shell]);
        assert_eq!(ended.code, Some(0), "{shell}");
        for word in ["no-progress-timeout", "suspend", "foreground"] {
            assert!(ended.out.contains(word), "{shell} does not know {word}");
        }
    }
}

#[test]
fn every_command_gets_a_manual_page() {
    let home = Home::new();
    let page = home.run(&["man"]);
    assert!(page.out.contains(".TH dobbin 1"), "{}", page.out);
    assert_eq!(home.run(&["man", "."]).code, Some(0));
    for name in ["dobbin.1", "dobbin-get.1", "dobbin-jobs.1", "dobbin-jobs-list.1"] {
        assert!(home.file(name).is_file(), "{name}");
    }
    let ended = home.run(&["man", "nowhere"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("cannot write manual pages into nowhere"), "{}", ended.err);
}
