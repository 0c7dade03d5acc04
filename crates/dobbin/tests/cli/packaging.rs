//! What a package puts beside the program: units, users and folders, as the tools that read them
//! understand them.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::home::{Ended, Home};

/// The services, and what starts each.
const UNITS: [(&str, &str); 2] = [
    ("dobbin.service", "/usr/bin/dobbin"),
    ("deliveryoptimization-agent.service", "/usr/bin/deliveryoptimization-agent"),
];

fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(name).canonicalize().unwrap()
}

fn unit(name: &str) -> String {
    fs::read_to_string(packaging("systemd").join(name)).unwrap()
}

/// The value of a key that a unit has once.
fn value<'a>(unit: &'a str, key: &str) -> &'a str {
    let mut values = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let value = values.next().unwrap_or_else(|| panic!("no {key}"));
    assert_eq!(values.next(), None, "{key} stands there twice");
    value
}

/// Runs one of systemd's tools; `None`, said loudly, where it is not installed.
fn tool(name: &str, words: &[&str]) -> Option<Ended> {
    match Command::new(name).args(words).output() {
        Ok(output) => Some(output.into()),
        Err(error) => {
            eprintln!("SKIPPED: cannot run {name}: {error}");
            None
        }
    }
}

/// Writes a unit whose programs are this build's, and has systemd look at it.
fn verify(home: &Home, name: &str, text: &str) -> Option<Ended> {
    let mut text = text.to_owned();
    for (_, program) in UNITS {
        let here = home.file(Path::new(program).file_name().unwrap().to_str().unwrap());
        let _ = symlink(env!("CARGO_BIN_EXE_dobbin"), &here);
        text = text.replace(&format!("={program}"), &format!("={}", here.display()));
    }
    let path = home.file(name);
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    tool("systemd-analyze", &["verify", "--man=no", "--recursive-errors=no", path])
}

/// conformance: rest units
#[test]
fn systemd_understands_the_units() {
    for (name, program) in UNITS {
        let home = Home::new();
        assert!(value(&unit(name), "ExecStart").starts_with(program), "{name}");
        let Some(verified) = verify(&home, name, &unit(name)) else { return };
        assert_eq!(verified.code, Some(0), "{name}: {verified:?}");
        assert!(!verified.err.contains(name), "{name}: {}", verified.err);
        // It would have noticed.
        let spoilt = unit(name).replace("NoNewPrivileges=", "NoNewPrivilege=");
        let verified = verify(&home, name, &spoilt).unwrap();
        assert!(verified.err.contains("NoNewPrivilege"), "{name}: {verified:?}");
    }
}

#[test]
fn both_services_are_one_but_for_the_name() {
    let settings = |name| -> Vec<String> {
        let text = unit(name);
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        lines.map(str::to_owned).collect()
    };
    let [plain, stand_in] = UNITS.map(|(name, _)| settings(name));
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        let missing = one.iter().filter(|line| !other.contains(line));
        missing.map(|line| line.split('=').next().unwrap().to_owned()).collect()
    };
    assert_eq!(only(&plain, &stand_in), ["Description", "ExecStart", "RuntimeDirectory"]);
    assert_eq!(
        only(&stand_in, &plain),
        ["Description", "Conflicts", "ExecStart", "SupplementaryGroups", "RuntimeDirectory"]
    );
}

/// The first is where the agent puts its socket, the second where programs look for the port.
#[test]
fn the_run_folders_are_those_that_the_agent_expects() {
    let stand_in = unit(UNITS[1].0);
    assert_eq!(value(&stand_in, "RuntimeDirectory"), "dobbin deliveryoptimization-agent");
    let shown = Home::new().run(&["config", "show", "--json"]).out;
    assert!(shown.contains("\"/var/run/deliveryoptimization-agent\""), "{shown}");
    assert_eq!(value(&unit(UNITS[0].0), "RuntimeDirectory"), "dobbin");
}

#[test]
fn the_services_command_line_makes_sense() {
    let home = Home::new();
    let unit = unit(UNITS[0].0);
    let mut words: Vec<&str> = value(&unit, "ExecStart").split(' ').skip(1).collect();
    words.extend(["--config", "none.toml"]);
    let ended = home.run(&words);
    assert!(ended.err.contains("none.toml"), "it does not come so far: {ended:?}");
}

/// The number behind a name in `passwd(5)` or `group(5)`.
fn number(root: &Home, file: &str, name: &str) -> u32 {
    let text = fs::read_to_string(root.file("etc").join(file)).unwrap();
    let entry = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":x:"));
    let entry = entry.unwrap_or_else(|| panic!("{file} has no {name}:\n{text}"));
    entry.split(':').next().unwrap().parse().unwrap()
}

#[test]
fn users_and_folders_are_made_as_they_are_needed() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("SKIPPED: only root can make users, even in a folder of its own");
    }
    let root = Home::new();
    fs::create_dir(root.file("etc")).unwrap();
    let at = format!("--root={}", root.path().display());
    let make = |name: &str, words: &[&str], config: &str| {
        let config = packaging(config);
        let words = [words, &[at.as_str(), config.to_str().unwrap()]].concat();
        let made = tool(name, &words)?;
        assert_eq!((made.code, made.err.contains("ailed")), (Some(0), false), "{made:?}");
        Some(())
    };
    let Some(()) = make("systemd-sysusers", &[], "sysusers.d/dobbin.conf") else { return };
    let members = fs::read_to_string(root.file("etc/group")).unwrap();
    assert!(members.lines().any(|line| line.starts_with("do:") && line.ends_with(":dobbin")));
    assert_ne!(number(&root, "passwd", "dobbin"), number(&root, "passwd", "do"));

    let Some(()) = make("systemd-tmpfiles", &["--create"], "tmpfiles.d/dobbin.conf") else {
        return;
    };
    let folder = root.file("etc/deliveryoptimization-agent");
    let found = folder.metadata().unwrap();
    let expect = (number(&root, "passwd", "do"), number(&root, "group", "do"), 0o775);
    assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), expect);
    assert_eq!(fs::read_to_string(folder.join("admin-config.json")).unwrap().trim(), "{}");
}
