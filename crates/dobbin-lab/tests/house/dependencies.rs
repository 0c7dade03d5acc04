//! What others wrote: each with its reason, and all of it in one list that a review can read.

use std::collections::BTreeMap;
use std::fs;

use crate::finding::{self, Finding};
use crate::manifest::{self, Kind, Locked};
use crate::tree::{self, File};

/// The list, from the root.
const LIST: &str = "docs/dependencies.txt";

/// Above the list.
const HEAD: &str = "\
# What this project uses directly, in the versions of Cargo.lock, and which crates use it. Uses in
# tests alone are in brackets. Written by the tests: DOBBIN_UPDATE=1 cargo test -p dobbin-lab --test
# house. Why each is there stands in Cargo.toml.
";

/// Declared for all and used by nobody yet. May only become shorter.
const UNUSED: &[&str] = &[];

/// Whether a dependency of the workspace is one of our own crates.
fn is_ours(package: &str) -> bool {
    package == "dobbin" || package.starts_with("dobbin-")
}

fn without_reason(root: &File) -> Vec<Finding> {
    manifest::dependencies(&root.text)
        .into_iter()
        .filter(|dependency| dependency.kind == Kind::Workspace && !is_ours(&dependency.package))
        .filter(|dependency| dependency.comment.as_ref().is_none_or(String::is_empty))
        .map(|dependency| {
            Finding::at(root, dependency.line, format!("{} has no reason", dependency.package))
        })
        .collect()
}

/// Members take versions and features from the workspace, so that each stands once.
fn with_own_version(member: &File) -> Vec<Finding> {
    let dependencies = manifest::dependencies(&member.text);
    let lines: Vec<&str> = member.text.lines().collect();
    dependencies
        .into_iter()
        .filter(|dependency| {
            // The section of a single dependency says so on the line below its head.
            let here = &lines[dependency.line - 1..lines.len().min(dependency.line + 1)];
            !here[0].contains("workspace = true") && here.last() != Some(&"workspace = true")
        })
        .map(|dependency| {
            let what = format!("{} does not come from the workspace", dependency.package);
            Finding::at(member, dependency.line, what)
        })
        .collect()
}

/// The list as it should be.
fn list(members: &[(String, String)], locked: &[Locked]) -> String {
    let mut users: BTreeMap<(String, String), BTreeMap<String, bool>> = BTreeMap::new();
    for (member, text) in members {
        for dependency in manifest::dependencies(text) {
            if is_ours(&dependency.package) {
                continue;
            }
            let version = version(locked, member, &dependency.package);
            let uses = users.entry((dependency.package, version)).or_default();
            *uses.entry(member.clone()).or_default() |= dependency.kind != Kind::Dev;
        }
    }
    let mut lines = HEAD.to_owned();
    for ((package, version), uses) in users {
        let uses: Vec<String> = uses
            .into_iter()
            .map(|(member, ships)| if ships { member } else { format!("[{member}]") })
            .collect();
        lines.push_str(&format!("{package} {version}: {}\n", uses.join(" ")));
    }
    lines
}

/// The version that a member's dependency is locked to.
fn version(locked: &[Locked], member: &str, package: &str) -> String {
    let of_name = |name: &str| locked.iter().filter(move |p| p.name == name).collect::<Vec<_>>();
    let own =
        of_name(member).into_iter().next().unwrap_or_else(|| panic!("{member} is not locked"));
    let named = own.dependencies.iter().find(|(name, _)| name == package);
    match named {
        Some((_, Some(version))) => version.clone(),
        Some((_, None)) => of_name(package).first().map_or("?", |p| p.version.as_str()).to_owned(),
        None => panic!("{member} uses {package}, which Cargo.lock does not know: run cargo check"),
    }
}

#[test]
fn every_dependency_has_its_reason() {
    finding::none(without_reason(tree::find("Cargo.toml").expect("Cargo.toml")));
}

#[test]
fn every_version_stands_once() {
    finding::none(manifest::members().flat_map(|(_, manifest)| with_own_version(manifest)));
}

#[test]
fn every_dependency_is_used() {
    let used: Vec<String> = manifest::members()
        .flat_map(|(_, manifest)| manifest::dependencies(&manifest.text))
        .map(|dependency| dependency.package)
        .collect();
    let root = tree::find("Cargo.toml").expect("Cargo.toml");
    let unused: Vec<String> = manifest::dependencies(&root.text)
        .into_iter()
        .map(|dependency| dependency.package)
        .filter(|package| !used.contains(package) && package != "dobbin")
        .collect();
    assert_eq!(unused, UNUSED);
}

/// Set `DOBBIN_UPDATE=1` to write the list anew after a change that was meant.
#[test]
fn the_list_of_dependencies_is_the_locked_one() {
    let members: Vec<(String, String)> =
        manifest::members().map(|(name, file)| (name.to_owned(), file.text.clone())).collect();
    let lock = tree::find("Cargo.lock").expect("Cargo.lock");
    let expect = list(&members, &manifest::locked(&lock.text));
    if std::env::var_os("DOBBIN_UPDATE").is_some() {
        fs::write(tree::root().join(LIST), &expect).unwrap();
        return;
    }
    let written = fs::read_to_string(tree::root().join(LIST)).unwrap_or_default();
    assert!(
        written == expect,
        "{LIST} is out of date: run the tests with DOBBIN_UPDATE=1 and review it"
    );
}

#[test]
fn a_dependency_without_reason_or_with_a_version_of_its_own_is_found() {
    let text =
        "[workspace.dependencies]\ndobbin-core = { path = \"c\" }\na = \"1\"\nb = \"1\" # why\n";
    let lines: Vec<usize> =
        without_reason(&File::new("Cargo.toml", text)).iter().map(|f| f.line).collect();
    assert_eq!(lines, [3]);
    let text = "[dependencies]\na.workspace = true\nb = \"1\"\nc = { workspace = true }\n\
                [dependencies.d]\nworkspace = true\n[dependencies.e]\nversion = \"1\"\n";
    let lines: Vec<usize> =
        with_own_version(&File::new("Cargo.toml", text)).iter().map(|f| f.line).collect();
    assert_eq!(lines, [3, 7]);
}

#[test]
fn the_list_tells_versions_apart_and_tests_from_products() {
    let package = |name: &str, version: &str, dependencies: &[(&str, Option<&str>)]| Locked {
        name: name.to_owned(),
        version: version.to_owned(),
        source: None,
        dependencies: dependencies
            .iter()
            .map(|(name, version)| ((*name).to_owned(), version.map(str::to_owned)))
            .collect(),
    };
    let locked = [
        package("dobbin-x", "0.1.0", &[("a", None), ("b", Some("2.0.0"))]),
        package("dobbin-y", "0.1.0", &[("a", None), ("b", Some("1.0.0"))]),
        package("a", "1.2.3", &[]),
        package("b", "1.0.0", &[]),
        package("b", "2.0.0", &[]),
    ];
    let member = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let members = [
        member("dobbin-x", "[dependencies]\na.workspace = true\nb.workspace = true\n"),
        member(
            "dobbin-y",
            "[dependencies]\ndobbin-x.workspace = true\nb.workspace = true\n\
             [dev-dependencies]\na.workspace = true\n",
        ),
    ];
    let expect = "a 1.2.3: dobbin-x [dobbin-y]\nb 1.0.0: dobbin-y\nb 2.0.0: dobbin-x\n";
    assert_eq!(list(&members, &locked), format!("{HEAD}{expect}"));
}
