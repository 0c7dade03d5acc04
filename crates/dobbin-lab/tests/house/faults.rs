//! Whether every fault of the matrix (`docs/faults.md`) has a test that proves what must come of it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::code;
use crate::finding::{self, Finding};
use crate::papers::{prose, quoted};
use crate::tree::{self, File};

/// The paper.
const PAPER: &str = "docs/faults.md";

/// The rows that must be there. Numbers are given once and never again; those between belong to parts
/// of the product that do not exist yet.
const ROWS: &[RangeInclusive<u32>] = &[1..=47, 56..=58];

/// The number of a row: `| 22 | … |`. `None` for every other line.
fn number(line: &str) -> Option<u32> {
    line.strip_prefix('|')?.split('|').next()?.trim().parse().ok()
}

/// What is wrong with the rows of the paper.
fn gaps(paper: &File) -> Vec<Finding> {
    let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
    let mut findings = Vec::new();
    for (at, line) in prose(&paper.text) {
        let Some(number) = number(line) else { continue };
        if let Some(earlier) = seen.insert(number, at) {
            findings.push(Finding::at(paper, at, format!("row {number} is in line {earlier} too")));
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if cells.len() != 4 || cells.iter().any(|cell| cell.is_empty()) {
            findings.push(Finding::at(paper, at, format!("row {number} has an empty cell")));
            continue;
        }
        let tests: Vec<&str> = quoted(cells[3]).collect();
        if tests.is_empty() {
            findings.push(Finding::at(paper, at, format!("row {number} names no test")));
        }
        let untested = tests.iter().filter(|name| !is_test(name));
        findings.extend(untested.map(|name| Finding::at(paper, at, format!("{name} is no test"))));
    }
    let missing = ROWS.iter().cloned().flatten().filter(|number| !seen.contains_key(number));
    findings.extend(missing.map(|number| Finding::of(paper, format!("row {number} is missing"))));
    findings
}

/// Whether `crates/….rs::name` is a function that the test runner runs.
fn is_test(name: &str) -> bool {
    let Some((path, function)) = name.split_once("::") else { return false };
    tree::find(path).is_some_and(|file| has_test(&file.code, function))
}

/// Whether Rust code has a test of this name.
fn has_test(code: &str, name: &str) -> bool {
    code::places_of(code, name).into_iter().any(|at| {
        let mut above = code[..at].lines().rev().map(str::trim);
        let is_function = above.next().is_some_and(|line| line == "fn" || line == "async fn");
        // Other attributes and blanked comments may stand between.
        let mut attributes = above.take_while(|line| line.is_empty() || line.starts_with("#["));
        is_function && attributes.any(|line| line == "#[test]" || line.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_fault_has_its_test() {
    finding::none(gaps(tree::find(PAPER).expect(PAPER)));
}

#[test]
fn a_fault_without_a_test_is_found() {
    let own = "`crates/dobbin-lab/tests/house/faults.rs::a_fault_without_a_test_is_found`";
    let others = ROWS.iter().cloned().flatten().filter(|number| *number != 20);
    let all_but_20: String = others.map(|n| format!("| {n} | a | b | {own} |\n")).collect();
    for (row, count) in [
        (format!("| 20 | a | b | {own} |"), 0),
        (format!("| 20 | a | b | {own}, {own} |"), 0),
        (String::new(), 1),
        ("| 20 | a | b | a test by hand |".to_owned(), 1),
        ("| 20 | a | b | `crates/dobbin-lab/tests/house/faults.rs::number` |".to_owned(), 1),
        ("| 20 | a | b | `crates/dobbin-lab/tests/house/faults.rs` |".to_owned(), 1),
        (format!("| 20 | a | | {own} |"), 1),
        (format!("| 20 | a | b | {own} |\n| 20 | a | b | {own} |"), 1),
        (format!("```\n| 20 | a | b | {own} |\n```"), 1),
    ] {
        let paper = File::new("docs/x.md", &format!("{all_but_20}{row}\n"));
        let findings = gaps(&paper);
        assert_eq!(findings.len(), count, "{row}: {findings:?}");
    }
}

#[test]
fn a_test_is_known_by_its_attribute() {
    for (code, expect) in [
        ("#[test]\nfn a() {}", true),
        ("#[test]\n#[cfg(unix)]\nfn a() {}", true),
        ("    #[tokio::test(start_paused = true)]\n    async fn a() {}", true),
        ("fn a() {}", false),
        ("#[test]\nfn b() {}\nfn a() {}", false),
        ("#[test]\nfn b() { a() }", false),
    ] {
        assert_eq!(has_test(code, "a"), expect, "{code}");
    }
}
