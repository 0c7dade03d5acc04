//! Rows and marks, compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::mark::{Mark, fits, marks};
use super::row::{Group, Row, Standing};

/// The tests that prove each row, by the row's id: `path::test`, sorted.
pub type Proof = BTreeMap<String, BTreeSet<String>>;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A row that is kept has no test.
    Unproved(String),
    /// A row that waits has a test: it waits no more and goes off the list.
    Here(String),
    /// A mark fits no row.
    Unknown(Mark),
    /// A mark stands above no test: file, line, what it says.
    Misplaced(String, usize, String),
    /// Neither the file of a `code` mark nor one beside it even mentions that code.
    Unmentioned(Mark),
    /// Two rows have the same id.
    Twice(String),
    /// An entry of the list of what waits fits no row.
    Stale(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Unproved(id) => write!(f, "no test has the mark `conformance: {id}`"),
            Finding::Here(id) => write!(f, "`{id}` has a test: take it off the list NOT_YET"),
            Finding::Unknown(mark) => write!(
                f,
                "{}:{}: no row is called `{}` (the rows stand in crates/dobbin-lab/src/conformance)",
                mark.path, mark.line, mark.pattern
            ),
            Finding::Misplaced(path, line, pattern) => {
                write!(f, "{path}:{line}: `{pattern}` stands above no test")
            }
            Finding::Unmentioned(mark) => {
                write!(f, "{}:{}: says nothing of `{}`", mark.path, mark.line, mark.pattern)
            }
            Finding::Twice(id) => write!(f, "two rows are called `{id}`"),
            Finding::Stale(pattern) => write!(f, "`{pattern}` of NOT_YET fits no row"),
        }
    }
}

/// Which tests prove what. Rows without one are absent.
pub fn proofs(groups: &[Group], sources: &[(String, String)]) -> Proof {
    let mut proofs = Proof::new();
    for (path, text) in sources {
        for mark in marks(path, text).0 {
            for row in rows_of(groups).filter(|row| mark.names(&row.id)) {
                let test = format!("{path}::{}", mark.test);
                proofs.entry(row.id.clone()).or_default().insert(test);
            }
        }
    }
    proofs
}

/// Everything that is wrong.
///
/// * `sources`: path from the root and text of every Rust file.
/// * `not_yet`: patterns of what may wait, as in [`super::rows::NOT_YET`].
pub fn check(
    groups: &[Group],
    not_yet: &[(&str, &str)],
    sources: &[(String, String)],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut ids = BTreeSet::new();
    let proofs = proofs(groups, sources);
    for row in rows_of(groups) {
        if !ids.insert(row.id.as_str()) {
            findings.push(Finding::Twice(row.id.clone()));
        }
        match (row.standing, proofs.contains_key(&row.id)) {
            (Standing::Kept, false) => findings.push(Finding::Unproved(row.id.clone())),
            (Standing::NotYet(_), true) => findings.push(Finding::Here(row.id.clone())),
            (Standing::Kept, true)
            | (Standing::NotYet(_), false)
            | (Standing::Refused(_), true | false) => {}
        }
    }
    for (pattern, _) in not_yet {
        if !ids.iter().any(|id| fits(pattern, id)) {
            findings.push(Finding::Stale((*pattern).to_owned()));
        }
    }
    for (path, text) in sources {
        let (marks, misplaced) = marks(path, text);
        let misplaced = misplaced.into_iter();
        findings.extend(misplaced.map(|m| Finding::Misplaced(path.clone(), m.line, m.pattern)));
        for mark in marks {
            if !ids.iter().any(|id| mark.names(id)) {
                findings.push(Finding::Unknown(mark));
            } else if let Some(code) = mark.pattern.strip_prefix("code ")
                && !sources
                    .iter()
                    .any(|(other, text)| folder(other) == folder(path) && has(text, code))
            {
                findings.push(Finding::Unmentioned(mark));
            }
        }
    }
    findings
}

/// The folder that a file lies in.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether a file speaks of a code elsewhere than in a mark.
fn has(text: &str, code: &str) -> bool {
    text.lines().any(|line| !line.contains("conformance:") && line.contains(code))
}

fn rows_of(groups: &[Group]) -> impl Iterator<Item = &Row> {
    groups.iter().flat_map(|group| &group.rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::row::{kept, refused};

    fn groups() -> Vec<Group> {
        let waiting = Row { standing: Standing::NotYet("later"), ..kept("C", "c") };
        let rows = vec![kept("A", "a"), refused("B", "b", "why"), waiting, kept("code X", "x")];
        vec![Group { title: "one", rows }]
    }

    fn found(text: &str) -> Vec<String> {
        let sources = [("a.rs".to_owned(), text.to_owned())];
        check(&groups(), &[("C", "later")], &sources).iter().map(Finding::to_string).collect()
    }

    fn test(marks: &str) -> String {
        format!("/// conformance: {marks}\n#[test]\nfn t() {{}}\n")
    }

    #[test]
    fn everything_in_order_is_no_finding() {
        assert_eq!(found(&format!("{}// X\n", test("A, B, code X"))), [""; 0]);
        let sources = [("a.rs".to_owned(), test("*"))];
        let proofs = proofs(&groups(), &sources);
        assert_eq!(proofs["A"].iter().collect::<Vec<_>>(), ["a.rs::t"]);
    }

    #[test]
    fn what_is_wrong_is_found() {
        for (text, says) in [
            (test("code X"), "`conformance: A`"),
            (test("A, C"), "`C` has a test"),
            (test("A, D"), "no row is called `D`"),
            (test("A, code X"), "says nothing of `code X`"),
            (format!("{}/// conformance: B\nstruct B;\n", test("A")), "`B` stands above no test"),
        ] {
            let findings = found(&text);
            assert!(findings.iter().any(|one| one.contains(says)), "{text}: {findings:?}");
        }
        let twice = Group { title: "two", rows: vec![kept("A", "again")] };
        let all: Vec<Group> = groups().into_iter().chain([twice]).collect();
        let findings = check(&all, &[("Z*", "later")], &[]);
        assert!(findings.contains(&Finding::Twice("A".into())));
        assert!(findings.contains(&Finding::Stale("Z*".into())));
    }
}
