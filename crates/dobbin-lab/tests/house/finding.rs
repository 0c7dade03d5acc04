//! What a rule found, and how a test reports it.

use std::fmt;

use crate::tree::File;

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The file, from the root of the tree.
    pub(crate) path: String,
    /// The line, from 1; 0 for the file as a whole.
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) what: String,
}

impl Finding {
    /// Something in one line of a file.
    pub(crate) fn at(file: &File, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: file.path.clone(), line, what: what.into() }
    }

    /// Something about a file as a whole.
    pub(crate) fn of(file: &File, what: impl Into<String>) -> Finding {
        Finding::at(file, 0, what)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// Fails with every finding on a line of its own, so that one run shows all there is to mend.
#[track_caller]
pub(crate) fn none(findings: impl IntoIterator<Item = Finding>) {
    let lines: Vec<String> = findings.into_iter().map(|finding| finding.to_string()).collect();
    assert!(lines.is_empty(), "{} finding(s):\n{}", lines.len(), lines.join("\n"));
}

/// A place that may break a rule, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Excused {
    /// The file, from the root of the tree.
    pub(crate) path: &'static str,
    /// How often the rule may be broken there. Fewer is a finding too: then the number goes down.
    pub(crate) count: usize,
    /// Why that is right.
    pub(crate) why: &'static str,
}

/// Takes the excused ones out. An excuse that fits no longer is itself a finding, so that the list
/// can only shrink.
pub(crate) fn excuse(findings: Vec<Finding>, excused: &[Excused]) -> Vec<Finding> {
    let is_of = |finding: &Finding, excuse: &Excused| finding.path == excuse.path;
    let stale = excused.iter().filter_map(|excuse| {
        let count = findings.iter().filter(|finding| is_of(finding, excuse)).count();
        (count != excuse.count).then(|| Finding {
            path: excuse.path.to_owned(),
            line: 0,
            what: format!("excused {} time(s), found {count} ({})", excuse.count, excuse.why),
        })
    });
    let stale: Vec<Finding> = stale.collect();
    let is_excused = |finding: &Finding| excused.iter().any(|excuse| is_of(finding, excuse));
    findings.into_iter().filter(|finding| !is_excused(finding)).chain(stale).collect()
}

#[test]
fn an_excuse_covers_its_number_and_no_other() {
    let found = |line| Finding { path: "a.rs".to_owned(), line, what: "wrong".to_owned() };
    let excused = |count| [Excused { path: "a.rs", count, why: "because" }];
    assert_eq!(excuse(vec![found(1), found(2)], &excused(2)), []);
    assert_eq!(excuse(vec![found(1), found(2)], &excused(1)).len(), 1);
    assert_eq!(excuse(vec![], &excused(1)).len(), 1);
    assert_eq!(excuse(vec![found(1)], &[]), [found(1)]);
}
