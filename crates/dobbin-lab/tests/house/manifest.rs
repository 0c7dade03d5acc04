//! Cargo's files, read just closely enough: who depends on what, and which versions are locked.

use crate::tree::{self, File};

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Part of the product.
    Normal,
    /// Part of the build.
    Build,
    /// Part of tests only.
    Dev,
    /// Declared for all members, used by whoever says so.
    Workspace,
}

/// One dependency of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// The package, also when the manifest calls it something else.
    pub(crate) package: String,
    /// What it is for.
    pub(crate) kind: Kind,
    /// The line of the manifest, from 1.
    pub(crate) line: usize,
    /// What follows the `#` of that line.
    pub(crate) comment: Option<String>,
}

/// The dependencies that a manifest names, in their order.
pub(crate) fn dependencies(text: &str) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    let (mut kind, mut is_whole_section, mut open_brackets) = (None, false, 0);
    for (line, full) in (1..).zip(text.lines()) {
        let (body, comment) = split_comment(full);
        let body = body.trim();
        if open_brackets == 0 && body.starts_with('[') {
            let header = body.trim_matches(['[', ']']);
            let (section, name) = section(header);
            kind = section;
            is_whole_section = name.is_some();
            if let (Some(kind), Some(package)) = (kind, name) {
                found.push(Dependency { package, kind, line, comment });
            }
            continue;
        }
        let continues = open_brackets > 0;
        open_brackets += balance(body);
        let (Some(kind), false, Some((key, value))) = (kind, continues, body.split_once('='))
        else {
            continue;
        };
        let renamed = renamed(value).or_else(|| (key.trim() == "package").then(|| unquoted(value)));
        if is_whole_section {
            // `[dependencies.x]` with `package = "y"` below it.
            if let (Some(renamed), Some(last)) = (renamed, found.last_mut()) {
                last.package = renamed;
            }
            continue;
        }
        let key = unquoted(key.split('.').next().unwrap_or_default());
        found.push(Dependency { package: renamed.unwrap_or(key), kind, line, comment });
    }
    found
}

/// Which dependencies a section holds, and the one that it is all about.
fn section(header: &str) -> (Option<Kind>, Option<String>) {
    // `target.'cfg(unix)'.dependencies` holds what `dependencies` holds.
    let header = match header.strip_prefix("target.") {
        Some(rest) => rest.rfind("dependencies").map_or(rest, |at| {
            let start = rest[..at].rfind('.').map_or(0, |dot| dot + 1);
            &rest[start..]
        }),
        None => header,
    };
    for (prefix, kind) in [
        ("workspace.dependencies", Kind::Workspace),
        ("dev-dependencies", Kind::Dev),
        ("build-dependencies", Kind::Build),
        ("dependencies", Kind::Normal),
    ] {
        if let Some(rest) = header.strip_prefix(prefix) {
            return (Some(kind), rest.strip_prefix('.').map(unquoted));
        }
    }
    (None, None)
}

/// The package that an inline table names: `{ package = "y" }`.
fn renamed(value: &str) -> Option<String> {
    let rest = value.split_once("package")?.1.trim_start().strip_prefix('=')?;
    rest.split('"').nth(1).map(str::to_owned)
}

fn unquoted(text: &str) -> String {
    text.trim().trim_matches(['"', '\'']).to_owned()
}

/// A line up to its comment, and the comment.
fn split_comment(line: &str) -> (&str, Option<String>) {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (c, quote) {
            ('#', None) => return (&line[..at], Some(line[at + 1..].trim().to_owned())),
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
    }
    (line, None)
}

fn balance(text: &str) -> i32 {
    text.chars()
        .map(|c| i32::from(matches!(c, '[' | '{')) - i32::from(matches!(c, ']' | '}')))
        .sum()
}

/// The manifests of the members, by the names of their crates.
pub(crate) fn members() -> impl Iterator<Item = (&'static str, &'static File)> {
    tree::files().iter().filter_map(|file| {
        let name = file.crate_name()?;
        (file.path == format!("crates/{name}/Cargo.toml")).then_some((name, file))
    })
}

/// One package of `Cargo.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Locked {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Where it comes from; nothing for our own.
    pub(crate) source: Option<String>,
    /// What it depends on: a name, and the version where two of that name are locked.
    pub(crate) dependencies: Vec<(String, Option<String>)>,
}

/// The packages of a lock file.
pub(crate) fn locked(text: &str) -> Vec<Locked> {
    let mut packages: Vec<Locked> = Vec::new();
    for line in text.lines() {
        if line == "[[package]]" {
            packages.push(Locked::default());
        }
        let Some(package) = packages.last_mut() else { continue };
        if let Some((key, value)) = line.split_once(" = ") {
            match key {
                "name" => package.name = unquoted(value),
                "version" => package.version = unquoted(value),
                "source" => package.source = Some(unquoted(value)),
                _ => {}
            }
        } else if let Some(entry) = line.strip_prefix(" \"") {
            let mut words = entry.trim_end_matches(['"', ',']).split(' ');
            let name = words.next().unwrap_or_default().to_owned();
            package.dependencies.push((name, words.next().map(str::to_owned)));
        }
    }
    packages
}

#[test]
fn every_way_of_naming_a_dependency_is_read() {
    let text = r##"
[package]
name = "x" # not a dependency
[dependencies]
a = "1"
b.workspace = true # what for # and why
c = { version = "1", features = [
    "d",
] }
e = { package = "f", path = "#" }
[dependencies.g]
workspace = true
[dependencies.h]
package = "i"
[target.'cfg(unix)'.dependencies]
j = "1"
[dev-dependencies]
k = "1"
[build-dependencies]
l = "1"
[features]
m = ["dep:g"]
"##;
    let read = dependencies(text);
    let of = |kind| -> Vec<&str> {
        read.iter().filter(|d| d.kind == kind).map(|d| d.package.as_str()).collect()
    };
    assert_eq!(of(Kind::Normal), ["a", "b", "c", "f", "g", "i", "j"]);
    assert_eq!(of(Kind::Dev), ["k"]);
    assert_eq!(of(Kind::Build), ["l"]);
    assert_eq!(read[1].comment.as_deref(), Some("what for # and why"));
    assert_eq!(read[3].comment, None);
}

#[test]
fn a_lock_file_is_read() {
    let text = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\nsource = \"s\"\n\
                dependencies = [\n \"b\",\n \"c 2.0.0\",\n]\n\n[[package]]\nname = \"d\"\n\
                version = \"0.1.0\"\n";
    let read = locked(text);
    assert_eq!(read.len(), 2);
    assert_eq!(read[0].source.as_deref(), Some("s"));
    assert_eq!(
        read[0].dependencies,
        [("b".to_owned(), None), ("c".to_owned(), Some("2.0.0".to_owned()))]
    );
    assert_eq!((read[1].name.as_str(), read[1].version.as_str()), ("d", "0.1.0"));
}
