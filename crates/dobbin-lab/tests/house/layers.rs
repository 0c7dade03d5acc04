//! Who may use whom.

use std::collections::BTreeSet;

use crate::finding::{self, Finding};
use crate::manifest::{self, Kind};
use crate::tree::{self, File};

/// A crate and what it may use of ours.
struct Layer {
    name: &'static str,
    may_use: &'static [&'static str],
    /// Whether it is there already; what is planned may be absent.
    is_there: bool,
}

/// The table, innermost first. A new word here is a decision about the whole house: it comes with a
/// record in `docs/adr`. Only what is shipped counts: tests may use what they like.
const TABLE: &[Layer] = &[
    there("types", &[]),
    there("core", &["types"]),
    there("store", &["types", "core"]),
    there("net", &["types", "core"]),
    there("platform", &["types", "core"]),
    there("engine", &["types", "core", "store", "net", "platform"]),
    there("agent", &["types", "platform", "engine"]),
    planned("hub", &["types", "core", "store", "net"]),
    there("sdk", &["types"]),
    planned("com", &["types", "sdk"]),
    there("program", &["types", "sdk", "agent", "hub"]),
    there("lab", ALL),
];

/// Whatever there is, but not itself.
const ALL: &[&str] = &[
    "types", "core", "store", "net", "platform", "engine", "agent", "hub", "sdk", "com", "program",
];

const fn there(name: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer { name, may_use, is_there: true }
}

const fn planned(name: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer { name, may_use, is_there: false }
}

/// The word of the table for a package: `dobbin-net` is `net`, `dobbin` itself is the program.
fn word_of(package: &str) -> Option<&str> {
    match package {
        "dobbin" => Some("program"),
        other => other.strip_prefix("dobbin-"),
    }
}

/// What is wrong with the manifest of the crate in this folder.
fn check(folder: &str, manifest: &File) -> Vec<Finding> {
    let Some(layer) = TABLE.iter().find(|layer| Some(layer.name) == word_of(folder)) else {
        return vec![Finding::of(manifest, "this crate is not in the table of layers")];
    };
    manifest::dependencies(&manifest.text)
        .into_iter()
        .filter(|dependency| matches!(dependency.kind, Kind::Normal | Kind::Build))
        .filter_map(|dependency| {
            let word = word_of(&dependency.package)?;
            let what = format!("{} must not use {word}", layer.name);
            (!layer.may_use.contains(&word)).then(|| Finding::at(manifest, dependency.line, what))
        })
        .collect()
}

#[test]
fn crates_use_only_what_they_may() {
    finding::none(manifest::members().flat_map(|(folder, manifest)| check(folder, manifest)));
}

#[test]
fn a_crate_that_reaches_too_far_is_found() {
    let manifest = |lines: &str| File::new("crates/x/Cargo.toml", lines);
    for (folder, lines, expect) in [
        ("dobbin-sdk", "[dependencies]\ndobbin-engine.workspace = true", 1),
        ("dobbin-sdk", "[dependencies]\ne = { package = \"dobbin-engine\", path = \"..\" }", 1),
        ("dobbin-sdk", "[dependencies.dobbin-core]\nworkspace = true", 1),
        ("dobbin-sdk", "[build-dependencies]\ndobbin-core.workspace = true", 1),
        ("dobbin-sdk", "[dev-dependencies]\ndobbin-engine.workspace = true", 0),
        ("dobbin-sdk", "[dependencies]\ndobbin-types.workspace = true\nserde = \"1\"", 0),
        ("dobbin-store", "[dependencies]\ndobbin-net.workspace = true", 1),
        ("dobbin-lab", "[dependencies]\ndobbin.workspace = true", 0),
        ("dobbin", "[dependencies]\ndobbin-engine.workspace = true", 1),
        ("dobbin-misc", "[dependencies]", 1),
    ] {
        assert_eq!(check(folder, &manifest(lines)).len(), expect, "{folder}: {lines}");
    }
}

#[test]
fn every_crate_of_the_table_is_there_or_planned() {
    let there: BTreeSet<&str> =
        manifest::members().filter_map(|(folder, _)| word_of(folder)).collect();
    for layer in TABLE {
        assert_eq!(there.contains(layer.name), layer.is_there, "{}", layer.name);
    }
}

#[test]
fn architecture_md_shows_the_same_table() {
    let paper = tree::find("ARCHITECTURE.md").expect("ARCHITECTURE.md");
    let rows: Vec<(String, String)> = TABLE.iter().map(row).collect();
    let written: Vec<(String, String)> = paper
        .text
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix('|')?.split('|').map(|cell| cell.trim().to_owned());
            Some((cells.next()?, cells.next()?))
        })
        .filter(|(name, _)| rows.iter().any(|(known, _)| known == name))
        .collect();
    assert_eq!(written, rows);
}

/// A row as people read it.
fn row(layer: &Layer) -> (String, String) {
    let name =
        if layer.is_there { layer.name.to_owned() } else { format!("{} (planned)", layer.name) };
    let may_use = match layer.may_use {
        [] => "–".to_owned(),
        ALL => "all".to_owned(),
        some => some.join(", "),
    };
    (name, may_use)
}

#[test]
fn core_can_name_neither_clock_nor_file_nor_socket() {
    let lib = tree::find("crates/dobbin-core/src/lib.rs").expect("core's lib.rs");
    assert!(lib.code.contains("#![no_std]"), "core says that it does without std");
    assert!(!lib.code.contains("extern crate std"), "and does not take it back");
    let manifest = tree::find("crates/dobbin-core/Cargo.toml").expect("core's manifest");
    let used: Vec<String> = manifest::dependencies(&manifest.text)
        .into_iter()
        .filter(|dependency| dependency.kind != Kind::Dev)
        .map(|dependency| dependency.package)
        .collect();
    assert_eq!(used, ["dobbin-types"]);
}
