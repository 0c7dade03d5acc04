//! The paper: which test proves which row.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::check::Proof;
use super::row::{Group, Row, Standing};

/// What stands above the tables.
const HEAD: &str = "\
# Conformance

What the interfaces of Delivery Optimization promise a program, row by row, and the tests that prove that
Dobbin keeps it. The rows are in our own words; names are the interface's: `Manager` is
`IBackgroundCopyManager`, `Job` `IBackgroundCopyJob`, `Job5` `IBackgroundCopyJob5`, `Job2`
`IDeliveryOptimizationJob2`, `File`, `File2` and `File5` `IBackgroundCopyFile` and its
versions, `DOFile` and `DOFile2` `IDeliveryOptimizationFile` and its second version, `Enum`
`IEnumBackgroundCopyFiles`, `Error` `IBackgroundCopyError`, `Callback` `IBackgroundCopyCallback`.

Made from the sources by `crates/dobbin-lab/tests/conformance.rs`; `DOBBIN_UPDATE=1 cargo test -p dobbin-lab
--test conformance` writes it anew. A row that is kept and has no test fails the build, as does a mark that
names no row.
";

/// The whole paper.
pub fn document(groups: &[Group], proofs: &Proof) -> String {
    let mut text = HEAD.to_owned();
    text.push_str(&figures(groups, proofs));
    for group in groups {
        kept(&mut text, group, proofs);
    }
    refused(&mut text, groups, proofs);
    not_yet(&mut text, groups);
    text
}

fn figures(groups: &[Group], proofs: &Proof) -> String {
    let count = |is: fn(Standing) -> bool| all(groups).filter(|row| is(row.standing)).count();
    let tests: BTreeSet<&String> = proofs.values().flatten().collect();
    format!(
        "\n{} rows are kept, proved by {} tests; {} are refused on purpose; {} are not there yet.\n",
        count(|standing| standing == Standing::Kept),
        tests.len(),
        count(|standing| matches!(standing, Standing::Refused(_))),
        count(|standing| matches!(standing, Standing::NotYet(_))),
    )
}

fn all(groups: &[Group]) -> impl Iterator<Item = &Row> {
    groups.iter().flat_map(|group| &group.rows)
}

/// Rows that may stand in one line of a table: the same operation with the same outcome and the same
/// tests, in several states.
struct Line<'a> {
    subject: &'a str,
    states: Vec<&'a str>,
    says: &'a str,
    tests: Option<&'a BTreeSet<String>>,
}

fn lines<'a>(rows: impl Iterator<Item = &'a Row>, proofs: &'a Proof) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for row in rows {
        let (subject, state) = match row.id.split_once(" × ") {
            Some((subject, state)) => (subject, Some(state)),
            None => (row.id.as_str(), None),
        };
        let tests = proofs.get(&row.id);
        let same = lines
            .iter_mut()
            .find(|line| line.subject == subject && line.says == row.says && line.tests == tests);
        match (same, state) {
            (Some(line), Some(state)) => line.states.push(state),
            _ => lines.push(Line {
                subject,
                states: state.into_iter().collect(),
                says: &row.says,
                tests,
            }),
        }
    }
    lines
}

fn tests(tests: Option<&BTreeSet<String>>) -> String {
    let named = tests.into_iter().flatten().map(|test| format!("`{test}`"));
    named.collect::<Vec<_>>().join("<br>")
}

fn row(text: &mut String, line: &Line<'_>, last: &str) {
    let states = match line.states.as_slice() {
        [] => String::new(),
        states => format!(" × {}", states.join(", ")),
    };
    // Writing to a text cannot fail.
    let _ = writeln!(text, "| {}{states} | {} | {last} |", line.subject, line.says);
}

fn kept(text: &mut String, group: &Group, proofs: &Proof) {
    let rows = group.rows.iter().filter(|row| row.standing == Standing::Kept);
    let lines = lines(rows, proofs);
    if lines.is_empty() {
        return;
    }
    let _ =
        write!(text, "\n## {}\n\n| Row | What it says | Proved by |\n|---|---|---|\n", group.title);
    for line in &lines {
        row(text, line, &tests(line.tests));
    }
}

fn refused(text: &mut String, groups: &[Group], proofs: &Proof) {
    text.push_str(
        "\n## Refused on purpose\n\n| Row | What the interface says | Why not, and what happens instead |\n\
         |---|---|---|\n",
    );
    for one in all(groups) {
        let Standing::Refused(why) = one.standing else { continue };
        let tests = tests(proofs.get(&one.id));
        let separator = if tests.is_empty() { "" } else { "<br>" };
        let _ = writeln!(text, "| {} | {} | {why}{separator}{tests} |", one.id, one.says);
    }
}

fn not_yet(text: &mut String, groups: &[Group]) {
    text.push_str(
        "\n## Not yet\n\nPlanned, and accepted without a test only because they stand in the list \
         `NOT_YET` of\n`crates/dobbin-lab/src/conformance/rows/mod.rs`.\n\n\
         | Row | What it says | Waits for |\n|---|---|---|\n",
    );
    let none = Proof::new();
    let mut packages: Vec<&str> = Vec::new();
    for one in all(groups) {
        if let Standing::NotYet(package) = one.standing
            && !packages.contains(&package)
        {
            packages.push(package);
        }
    }
    for package in packages {
        let rows = all(groups).filter(|one| one.standing == Standing::NotYet(package));
        for line in lines(rows, &none) {
            row(text, &line, package);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::row::{kept as kept_row, refused as refused_row};

    #[test]
    fn states_with_the_same_outcome_and_tests_share_a_line() {
        let waiting = Row { standing: Standing::NotYet("package 9"), ..kept_row("D", "d") };
        let rows = vec![
            kept_row("state-table Stop × A", "it stops"),
            kept_row("state-table Stop × B", "it stops"),
            kept_row("state-table Stop × C", "it does not"),
            refused_row("E", "e", "because"),
            waiting,
        ];
        let groups = [Group { title: "Stops", rows }];
        let test = || BTreeSet::from(["a.rs::t".to_owned()]);
        let proofs = ["A", "B", "C"].map(|s| (format!("state-table Stop × {s}"), test()));
        let text = document(&groups, &Proof::from(proofs));
        assert!(text.contains("| state-table Stop × A, B | it stops | `a.rs::t` |\n"), "{text}");
        assert!(text.contains("| state-table Stop × C | it does not | `a.rs::t` |\n"));
        assert!(text.contains("| E | e | because |\n"));
        assert!(text.contains("| D | d | package 9 |\n"));
        assert!(text.contains("3 rows are kept, proved by 1 tests; 1 are refused"));
    }
}
