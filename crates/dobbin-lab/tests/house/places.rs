//! What may stand in one place of the house only.

use crate::code;
use crate::finding::{self, Excused, Finding, excuse};
use crate::tree::{self, File};

/// Something that only some files may contain.
struct Rule {
    /// What is looked for in the code.
    signs: &'static [&'static str],
    /// Whether this file may contain it.
    is_home: fn(&File) -> bool,
    /// Whether tests may contain it anywhere.
    tests_may: bool,
    /// Where it belongs.
    home: &'static str,
    excused: &'static [Excused],
}

const RULES: &[Rule] = &[
    Rule {
        signs: &[
            "fs::rename(",
            "fs::hard_link(",
            "renameat(",
            "renameat_with(",
            "sync_all(",
            "sync_data(",
            "fsync(",
            "fdatasync(",
        ],
        is_home: |file| file.path == "crates/dobbin-store/src/durable.rs",
        tests_may: true,
        home: "the order of durable steps stands in the store's `durable`",
        excused: &[
            Excused {
                path: "crates/dobbin-agent/src/compat/port_file.rs",
                count: 1,
                why: "a note for clients that nobody may find empty; it dies with the machine",
            },
            Excused {
                path: "crates/dobbin-lab/src/bench/contest.rs",
                count: 2,
                why: "a bench that waits for the disk, so that one tool's writes do not slow the next",
            },
            Excused {
                path: "crates/dobbin-lab/src/apt/method.rs",
                count: 1,
                why: "a client's file gets the name that apt wants; apt fetches it again if it is lost",
            },
            Excused {
                path: "crates/dobbin-sdk/src/handover/place.rs",
                count: 4,
                why: "a client that names the caller's files itself, and knows of no store",
            },
            Excused {
                path: "crates/dobbin/src/command/pieces/write.rs",
                count: 3,
                why: "a command that writes one small file of the user's, and knows of no store",
            },
        ],
    },
    Rule {
        signs: &["unsafe"],
        is_home: |file| matches!(file.crate_name(), Some("dobbin-platform" | "dobbin-com")),
        tests_may: false,
        home: "`unsafe` exists in platform and com only",
        excused: &[],
    },
    Rule {
        signs: &["allow(unsafe_code", "expect(unsafe_code"],
        is_home: |file| matches!(file.crate_name(), Some("dobbin-platform" | "dobbin-com")),
        tests_may: false,
        home: "only platform and com may lift the ban on `unsafe`",
        excused: &[],
    },
    Rule {
        signs: &["target_os", "target_family", "target_vendor"],
        is_home: |file| file.crate_name() == Some("dobbin-platform") && file.name() == "mod.rs",
        tests_may: false,
        home: "a `mod.rs` of platform chooses between systems, nobody else",
        excused: &[],
    },
    Rule {
        signs: &["anyhow"],
        is_home: |file| file.crate_name() == Some("dobbin-lab") || file.name() == "main.rs",
        tests_may: false,
        home: "libraries have error types; `anyhow` is for programs",
        excused: &[],
    },
    Rule {
        signs: &["unbounded_channel(", "mpsc::channel("],
        // tokio's `mpsc::channel` has a bound; std's has none and is called without an argument.
        is_home: |file| {
            !file.code.contains("unbounded_channel(") && !file.code.contains("mpsc::channel()")
        },
        tests_may: true,
        home: "every queue has a maximum",
        excused: &[Excused {
            path: "crates/dobbin-engine/src/transfer/pool.rs",
            count: 1,
            why: "the schedule never gives out more than its TRANSFERS_MAX orders",
        }],
    },
    Rule {
        signs: &["Actor::from_kernel("],
        is_home: |file| {
            matches!(
                file.path.as_str(),
                "crates/dobbin-agent/src/ipc/actor.rs" | "crates/dobbin-core/src/access.rs"
            )
        },
        tests_may: true,
        home: "who asks is what the kernel says of a connection, and is said in one place",
        excused: &[],
    },
];

fn check(rule: &Rule, file: &File) -> Vec<Finding> {
    if (rule.is_home)(file) {
        return Vec::new();
    }
    let places = rule.signs.iter().flat_map(|sign| code::places_of(&file.code, sign));
    places
        .map(|at| Finding::at(file, code::line_of(&file.code, at), rule.home))
        .filter(|finding| !rule.tests_may || !file.is_test(finding.line))
        .collect()
}

#[test]
fn everything_stands_where_it_belongs() {
    for rule in RULES {
        let findings = tree::rust().flat_map(|file| check(rule, file)).collect();
        finding::none(excuse(findings, rule.excused));
    }
}

#[test]
fn every_home_is_lived_in() {
    // A rule whose home was renamed would allow nothing, or everything.
    for rule in RULES.iter().filter(|rule| !rule.signs.contains(&"unbounded_channel(")) {
        let lives = |file: &File| {
            (rule.is_home)(file)
                && rule.signs.iter().any(|sign| !code::places_of(&file.code, sign).is_empty())
        };
        assert!(tree::rust().any(lives), "{}", rule.home);
    }
}

#[test]
fn what_stands_elsewhere_is_found() {
    for (path, text, expect) in [
        ("crates/dobbin-engine/src/a.rs", "std::fs::rename(a, b)", 1),
        ("crates/dobbin-engine/src/a.rs", "file.sync_all()", 1),
        ("crates/dobbin-engine/src/a.rs", "// file.sync_all()", 0),
        ("crates/dobbin-engine/src/a.rs", "durable::rename(a, b)", 0),
        ("crates/dobbin-engine/tests/a.rs", "std::fs::rename(a, b)", 0),
        ("crates/dobbin-store/src/durable.rs", "fs::rename(a, b)", 0),
        ("crates/dobbin-net/src/a.rs", "unsafe { a() }", 1),
        ("crates/dobbin-net/tests/a.rs", "unsafe { a() }", 1),
        ("crates/dobbin-net/src/a.rs", "#![allow(unsafe_code)]", 1),
        ("crates/dobbin-platform/src/a.rs", "unsafe { a() }", 0),
        ("crates/dobbin-agent/src/a.rs", "#[cfg(target_os = \"linux\")]", 1),
        ("crates/dobbin-platform/src/a/linux.rs", "cfg!(target_os = \"linux\")", 1),
        ("crates/dobbin-platform/src/a/mod.rs", "#[cfg(target_os = \"linux\")]", 0),
        ("crates/dobbin-store/src/a.rs", "use anyhow::Result;", 1),
        ("crates/dobbin-agent/src/a.rs", "mpsc::unbounded_channel()", 1),
        ("crates/dobbin-agent/src/a.rs", "std::sync::mpsc::channel()", 1),
        ("crates/dobbin-agent/src/a.rs", "mpsc::channel(16)", 0),
        ("crates/dobbin-agent/src/ipc/a.rs", "Actor::from_kernel(uid)", 1),
    ] {
        let file = File::new(path, text);
        let found = RULES.iter().map(|rule| check(rule, &file).len()).sum::<usize>();
        assert_eq!(found, expect, "{path}: {text}");
    }
}
