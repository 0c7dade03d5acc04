//! Nothing of the machine that something was written on: no folders of its own, no registries.

use crate::finding::{self, Finding};
use crate::manifest;
use crate::tree::{self, File};

/// Folders at the root of somebody's machine that mean nothing on another one.
const OWN_FOLDERS: &[&str] = &["home", "root", "work", "workspace", "builds", "mnt", "Users"];

/// Home folders of nobody, for examples.
const NOBODYS_HOMES: &[&str] = &["u", "user", "ann", "ü", "\\xff"];

fn check(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        for folder in OWN_FOLDERS {
            let path = format!("/{folder}/");
            for (at, _) in line.match_indices(&path) {
                // Within a longer path it is somebody else's word: `lib/home/`.
                let is_absolute =
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}~/".contains(c));
                if is_absolute && !is_example(folder, &line[at + path.len()..]) {
                    findings.push(Finding::at(
                        file,
                        number,
                        format!("a path of one machine: {path}"),
                    ));
                }
            }
        }
    }
    findings
}

fn is_example(folder: &str, rest: &str) -> bool {
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    *folder == *OWN_FOLDERS[0]
        && NOBODYS_HOMES.iter().any(|name| rest.strip_prefix(name).is_some_and(is_end))
}

#[test]
fn no_path_of_one_machine_is_written_anywhere() {
    finding::none(tree::files().iter().flat_map(check));
}

#[test]
fn packages_come_from_the_public_registry() {
    const PUBLIC: &str = "registry+https://github.com/rust-lang/crates.io-index";
    let lock = tree::find("Cargo.lock").expect("Cargo.lock");
    for package in manifest::locked(&lock.text) {
        match package.source.as_deref() {
            None => assert!(package.name.starts_with("dobbin"), "{} is not ours", package.name),
            Some(source) => assert_eq!(source, PUBLIC, "{}", package.name),
        }
    }
    // A registry of one machine would be named there: what it says is how to build, and no more.
    let settings =
        std::fs::read_to_string(tree::root().join(".cargo/config.toml")).unwrap_or_default();
    let tables = settings.lines().map(str::trim).filter(|line| line.starts_with('['));
    assert_eq!(tables.collect::<Vec<_>>(), ["[env]"]);
    let names =
        settings.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim());
    assert_eq!(names.collect::<Vec<_>>(), ["LIBSQLITE3_FLAGS"]);
}

#[test]
fn a_path_of_one_machine_is_found() {
    for folder in OWN_FOLDERS {
        let file = File::new("README.md", &format!("see /{folder}/x1/y\n"));
        assert_eq!(check(&file).len(), 1, "{folder}");
    }
    let [home, work] = [OWN_FOLDERS[0], OWN_FOLDERS[2]];
    for fine in [
        format!("/{home}/ann/x"),
        format!("/{home}/u"),
        format!("docs/{work}/x"),
        format!("${{A}}/{work}/x"),
        "/tmp/x /var/lib/dobbin /run/dobbin/api.sock".to_owned(),
    ] {
        assert_eq!(check(&File::new("README.md", &fine)), [], "{fine}");
    }
    assert_eq!(check(&File::new("a.md", &format!("/{home}/annette/x"))).len(), 1);
}
