//! The shape of files: how long, how named, how begun, and what no finished code contains.

use crate::code;
use crate::finding::{self, Excused, Finding, excuse};
use crate::manifest;
use crate::tree::{self, File};

/// Lines of a Rust file at most. Most are far below; one that comes near has two ideas in it.
const FILE_LINES_MAX: usize = 600;

/// Lines of a function at most.
const FUNCTION_LINES_MAX: usize = 70;

/// File names that say nothing of what is in them.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc"];

/// What is left in code that is not finished, or in a test that proves nothing.
const UNFINISHED: &[&str] = &["todo!(", "unimplemented!(", "dbg!(", "#[ignore", "#[should_panic"];

/// Ways to wait for luck in a test.
const SLEEPS: &[&str] = &["thread::sleep", "time::sleep"];

/// Files that are longer than they should be, and by how much: the number may only go down.
const LONG_FILES: &[(&str, usize)] = &[];

/// Functions that are longer than they should be: the number of such functions in a file.
const LONG_FUNCTIONS: &[Excused] = &[
    Excused {
        path: "crates/dobbin-types/src/error/reply.rs",
        count: 1,
        why: "a table of codes by the status they are answered with, as one total match",
    },
    Excused {
        path: "crates/dobbin-net/src/http/client.rs",
        count: 1,
        why: "a test that is one table of spellings",
    },
];

/// Tests in which something waits, and why that is not luck.
const SLEEPING_TESTS: &[Excused] = &[
    Excused {
        path: "crates/dobbin-lab/tests/bench_http.rs",
        count: 1,
        why: "looks again until a child has come so far; nothing depends on how often",
    },
    Excused {
        path: "crates/dobbin-agent/src/ipc/patience.rs",
        count: 1,
        why: "a caller that sends drop by drop; the test ends when the other side gives up",
    },
    Excused {
        path: "crates/dobbin-net/src/http/tests/replies.rs",
        count: 1,
        why: "a reader that is slow on purpose: the test is that time alone does no harm",
    },
];

fn long_files(file: &File) -> Option<Finding> {
    let count = file.text.lines().count();
    let max =
        LONG_FILES.iter().find(|(path, _)| *path == file.path).map_or(FILE_LINES_MAX, |f| f.1);
    (count > max).then(|| Finding::of(file, format!("{count} lines, more than {max}")))
}

fn long_functions(file: &File) -> Vec<Finding> {
    let functions = code::functions(&file.code).into_iter();
    functions
        .filter(|function| function.lines_count > FUNCTION_LINES_MAX)
        .map(|function| {
            let what = format!("`{}` has {} lines", function.name, function.lines_count);
            Finding::at(file, function.line, what)
        })
        .collect()
}

fn empty_names(file: &File) -> Option<Finding> {
    let mut words = file.path.split(['/', '.']);
    let word = words.find(|word| EMPTY_NAMES.contains(word))?;
    Some(Finding::of(file, format!("`{word}` says nothing of what is in it")))
}

fn unfinished(file: &File) -> Vec<Finding> {
    UNFINISHED.iter().flat_map(|sign| found(file, sign)).collect()
}

fn sleeping_tests(file: &File) -> Vec<Finding> {
    let all = SLEEPS.iter().flat_map(|sleep| found(file, &format!("{sleep}(")));
    all.filter(|finding| file.is_test(finding.line)).collect()
}

fn found(file: &File, sign: &str) -> Vec<Finding> {
    let places = code::places_of(&file.code, sign).into_iter();
    places.map(|at| Finding::at(file, code::line_of(&file.code, at), format!("`{sign}`"))).collect()
}

fn ends(file: &File) -> Option<Finding> {
    let is_right = file.text.ends_with('\n') && !file.text.ends_with("\n\n");
    (!is_right).then(|| Finding::of(file, "does not end with exactly one newline"))
}

/// Every crate and every program says at its top what it is for.
fn beginnings(file: &File) -> Option<Finding> {
    let is_root = file.path.ends_with("/src/lib.rs") || file.path.ends_with("/src/main.rs");
    let is_silent = is_root && !file.text.starts_with("//!");
    is_silent.then(|| Finding::of(file, "does not begin with what it is for (`//!`)"))
}

#[test]
fn files_are_short() {
    finding::none(tree::rust().filter_map(long_files));
}

#[test]
fn functions_are_short() {
    let findings = tree::rust().flat_map(long_functions).collect();
    finding::none(excuse(findings, LONG_FUNCTIONS));
}

#[test]
fn names_of_files_say_what_is_in_them() {
    finding::none(tree::rust().filter_map(empty_names));
}

#[test]
fn nothing_is_left_unfinished() {
    finding::none(tree::rust().flat_map(unfinished));
}

#[test]
fn tests_do_not_wait_for_luck() {
    let findings = tree::rust().flat_map(sleeping_tests).collect();
    finding::none(excuse(findings, SLEEPING_TESTS));
}

#[test]
fn files_end_with_one_newline() {
    // Records of released versions are kept byte by byte; licences are not ours to edit.
    let is_ours =
        |file: &&File| !file.path.contains("/golden/") && !file.path.starts_with("LICENSE");
    finding::none(tree::files().iter().filter(is_ours).filter_map(ends));
}

#[test]
fn crates_begin_with_what_they_are_for() {
    finding::none(tree::rust().filter_map(beginnings));
}

#[test]
fn every_member_keeps_the_rules_of_the_workspace() {
    for (name, manifest) in manifest::members() {
        let text = &manifest.text;
        assert!(text.contains("[lints]\nworkspace = true"), "{name} has its own lints");
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            assert!(text.contains(&format!("{key}.workspace = true")), "{name} has its own {key}");
        }
        assert!(text.contains("\ndescription = \""), "{name} does not say what it is");
    }
}

#[test]
fn the_licences_are_there() {
    let manifest = tree::find("Cargo.toml").expect("Cargo.toml");
    assert!(manifest.text.contains("license = \"MIT OR Apache-2.0\""));
    for (path, words) in
        [("LICENSE-MIT", "Permission is hereby granted"), ("LICENSE-APACHE", "Apache License")]
    {
        let licence = tree::find(path).unwrap_or_else(|| panic!("{path} is missing"));
        assert!(licence.text.contains(words), "{path}");
    }
}

#[test]
fn each_rule_finds_what_breaks_it() {
    let rust = |text: &str| File::new("crates/x/src/a.rs", text);
    let body = |count: usize| rust(&format!("fn a() {{\n{}}}\n", "    b();\n".repeat(count - 2)));
    assert!(long_files(&rust(&"\n".repeat(FILE_LINES_MAX))).is_none());
    assert!(long_files(&rust(&"\n".repeat(FILE_LINES_MAX + 1))).is_some());
    assert!(long_functions(&body(FUNCTION_LINES_MAX)).is_empty());
    assert_eq!(long_functions(&body(FUNCTION_LINES_MAX + 1)).len(), 1);
    for path in ["crates/x/src/utils.rs", "crates/x/src/common/mod.rs"] {
        assert!(empty_names(&File::new(path, "")).is_some(), "{path}");
    }
    assert!(empty_names(&File::new("crates/x/src/commons.rs", "")).is_none());
    for text in ["fn a() { todo!() }", "dbg!(1)", "#[ignore = \"slow\"]", "#[should_panic]"] {
        assert_eq!(unfinished(&rust(text)).len(), 1, "{text}");
    }
    assert!(unfinished(&rust("// todo!()\nlet a = \"dbg!(\";")).is_empty());
    let sleep = "fn a() { std::thread::sleep(b); }\n";
    assert!(sleeping_tests(&rust(sleep)).is_empty());
    assert_eq!(sleeping_tests(&File::new("crates/x/tests/a.rs", sleep)).len(), 1);
    let marked = rust(&format!("#[cfg(test)]\nmod tests {{\n{sleep}}}\n"));
    assert_eq!(sleeping_tests(&marked).len(), 1);
    for text in ["a", "a\n\n", ""] {
        assert!(ends(&rust(text)).is_some(), "{text:?}");
    }
    assert!(ends(&rust("a\n")).is_none());
    assert!(beginnings(&File::new("crates/x/src/lib.rs", "mod a;\n")).is_some());
    assert!(beginnings(&File::new("crates/x/src/lib.rs", "//! A.\n")).is_none());
}
