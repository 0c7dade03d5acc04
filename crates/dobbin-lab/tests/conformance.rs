//! Every row of the interface has a test, every mark a row, and `docs/conformance.md` says which.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail like the tests themselves")]

use std::fs;
use std::path::{Path, PathBuf};

use dobbin_lab::conformance::{check, paper, proofs, rows};

/// Where the paper stands.
const PAPER: &str = "docs/conformance.md";

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the lab lies two folders below the root").to_path_buf()
}

/// Path from the root and text of every Rust file of the house, by path.
fn sources() -> Vec<(String, String)> {
    let mut sources = Vec::new();
    read_folder(&root(), "crates", &mut sources);
    sources.sort();
    sources
}

fn read_folder(root: &Path, folder: &str, sources: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            read_folder(root, &path, sources);
        } else if path.ends_with(".rs") {
            sources.push((path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

#[test]
fn every_row_has_a_test_and_every_mark_a_row() {
    let findings = check(&rows::all(), rows::NOT_YET, &sources());
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} finding(s):\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn the_paper_says_what_the_sources_say() {
    let groups = rows::all();
    let expect = paper::document(&groups, &proofs(&groups, &sources()));
    let path = root().join(PAPER);
    if std::env::var_os("DOBBIN_UPDATE").is_some() {
        fs::write(&path, &expect).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == expect,
        "{PAPER} is out of date: DOBBIN_UPDATE=1 cargo test -p dobbin-lab --test conformance"
    );
}
