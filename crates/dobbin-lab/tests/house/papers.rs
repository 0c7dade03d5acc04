//! Whether the papers are true: links lead somewhere, and every file, test and constant that a paper
//! names is there.

use std::collections::BTreeSet;

use crate::code;
use crate::finding::{self, Finding};
use crate::tree::{self, File};

/// The papers that a newcomer looks for.
const PAPERS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "GLOSSARY.md",
    "CHANGELOG.md",
    "SECURITY.md",
];

/// Lines of ARCHITECTURE.md at most: read in one sitting.
const ARCHITECTURE_LINES_MAX: usize = 400;

/// A line of a paper that is not inside a fenced block, with its number.
pub(crate) fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_fenced = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fence && !is_fenced
    })
}

/// What stands between single backticks in a line.
pub(crate) fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Where the links of a line lead.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    // Code is not prose: `a[0](b)` is no link.
    let is_quoted = |at: usize| line[..at].matches('`').count() % 2 == 1;
    line.match_indices("](")
        .filter(move |(at, _)| !is_quoted(*at))
        .filter_map(|(at, _)| line[at + 2..].split(')').next())
}

/// The name by which a heading is linked to.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter_map(|(_, line)| line.strip_prefix('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

/// The folder of a path, with a slash at its end; empty at the root.
fn folder(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..=at])
}

/// A relative link, from the root: `../a` in `docs/adr/b.md` is `docs/a`.
fn resolved(from: &str, link: &str) -> String {
    let joined = format!("{}{link}", folder(from));
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn broken_links(paper: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in prose(&paper.text) {
        for target in targets(line) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (link, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = resolved(&paper.path, link);
            if !link.is_empty() && !tree::root().join(&path).exists() {
                findings.push(Finding::at(paper, number, format!("{target} leads nowhere")));
                continue;
            }
            let file = if link.is_empty() { Some(paper) } else { tree::find(&path) };
            let has_anchor = file.is_some_and(|file| anchors(&file.text).contains(anchor));
            if !anchor.is_empty() && !has_anchor {
                findings.push(Finding::at(paper, number, format!("{target} names no heading")));
            }
        }
    }
    findings
}

/// Names in backticks that are not there: files (`crates/…`, `docs/…`), and in them functions, types
/// and constants (`crates/….rs::name`).
fn untrue_names(paper: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in prose(&paper.text) {
        for name in quoted(line) {
            let is_path = ["crates/", "docs/", ".ci/"].iter().any(|start| name.starts_with(start));
            if !is_path || name.contains(['*', '<', '…', ' ']) {
                continue;
            }
            let (path, item) = name.split_once("::").unwrap_or((name, ""));
            if !tree::root().join(path).exists() {
                findings.push(Finding::at(paper, number, format!("there is no {path}")));
            } else if !item.is_empty() && !tree::find(path).is_some_and(|file| defines(file, item))
            {
                findings.push(Finding::at(paper, number, format!("{path} has no {item}")));
            }
        }
    }
    findings
}

/// Whether a Rust file defines this name.
pub(crate) fn defines(file: &File, name: &str) -> bool {
    const KEYWORDS: &[&str] = &["fn", "struct", "enum", "const", "static", "type", "trait", "mod"];
    code::places_of(&file.code, name).into_iter().any(|at| {
        let before = file.code[..at].trim_end();
        KEYWORDS.iter().any(|keyword| {
            before
                .strip_suffix(keyword)
                .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    })
}

fn papers() -> impl Iterator<Item = &'static File> {
    tree::files().iter().filter(|file| file.path.ends_with(".md"))
}

#[test]
fn every_paper_is_there() {
    for path in PAPERS {
        assert!(tree::find(path).is_some(), "{path} is missing");
    }
}

#[test]
fn every_link_leads_somewhere() {
    finding::none(papers().flat_map(broken_links));
}

#[test]
fn every_name_in_a_paper_is_there() {
    finding::none(papers().flat_map(untrue_names));
}

#[test]
fn the_architecture_is_read_in_one_sitting() {
    let paper = tree::find("ARCHITECTURE.md").expect("ARCHITECTURE.md");
    assert!(paper.text.lines().count() <= ARCHITECTURE_LINES_MAX);
}

#[test]
fn the_readme_names_the_two_commands() {
    let paper = tree::find("README.md").expect("README.md");
    for command in ["cargo run --release -- get URL", "cargo test --workspace"] {
        assert!(paper.text.lines().any(|line| line.trim() == command), "{command}");
    }
    let ci = tree::find(".ci/run").expect(".ci/run");
    assert!(ci.text.lines().any(|line| line.trim() == "cargo test --workspace"));
}

/// One page each, in the same shape, listed in one place.
#[test]
fn decisions_have_their_four_parts_and_are_listed() {
    let is_decision =
        |file: &&File| file.path.starts_with("docs/adr/0") && file.path.ends_with(".md");
    let index = tree::find("docs/adr/README.md").expect("docs/adr/README.md");
    let decisions: Vec<&File> = tree::files().iter().filter(is_decision).collect();
    assert!(!decisions.is_empty());
    for (number, decision) in (1..).zip(decisions) {
        assert!(decision.name().starts_with(&format!("{number:04}-")), "{}", decision.path);
        assert!(index.text.contains(&format!("]({})", decision.name())), "{}", decision.path);
        for part in ["## Question", "## Options", "## Choice", "## Price"] {
            let count = decision.text.lines().filter(|line| *line == part).count();
            assert_eq!(count, 1, "{part} of {}", decision.path);
        }
        assert!(decision.text.lines().count() <= 60, "{} is more than a page", decision.path);
    }
}

#[test]
fn an_untrue_paper_is_found() {
    let paper = |text: &str| File::new("docs/adr/x.md", text);
    for (text, expect) in [
        ("[a](../../README.md)", 0),
        ("[a](../../NOWHERE.md)", 1),
        ("[a](README.md)", 0),
        ("[a](../../README.md#no-such-heading-anywhere)", 1),
        ("# One: two\n[a](#one-two)", 0),
        ("[a](#one)", 1),
        ("[a](https://example.com/nowhere)", 0),
        ("`a[0](b)`", 0),
        ("```\n[a](nowhere)\n```", 0),
    ] {
        assert_eq!(broken_links(&paper(text)).len(), expect, "{text}");
    }
    for (text, expect) in [
        ("`crates/dobbin-core/src/lib.rs`", 0),
        ("`crates/dobbin-core/src/nowhere.rs`", 1),
        ("`crates/dobbin-lab/tests/house/papers.rs::an_untrue_paper_is_found`", 0),
        ("`crates/dobbin-lab/tests/house/papers.rs::PAPERS`", 0),
        ("`crates/dobbin-lab/tests/house/papers.rs::expect`", 1),
        ("`crates/dobbin-core/src/*.rs` `nowhere.rs`", 0),
    ] {
        assert_eq!(untrue_names(&paper(text)).len(), expect, "{text}");
    }
}
