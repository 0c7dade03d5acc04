//! The files of the project, read once.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::code;

/// Kinds of files that people write, by the end of their names.
const KINDS: &[&str] = &[
    "rs", "md", "toml", "txt", "json", "yml", "yaml", "sh", "h", "cpp", "html", "css", "js", "ts",
];

/// Folders that are made and not written.
const MADE: &[&str] = &["target", "node_modules", "dist", ".git"];

/// One text of the project.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    /// As it stands on the disk.
    pub(crate) text: String,
    /// Of a Rust file: the text with comments and the insides of literals blanked; lines and columns
    /// are the same. Of others: empty.
    pub(crate) code: String,
    /// Lines of a Rust file that only tests are built from: first and last, from 1.
    test_lines: Vec<(usize, usize)>,
}

impl File {
    /// A file with that path and text.
    pub(crate) fn new(path: &str, text: &str) -> File {
        let code = if path.ends_with(".rs") { code::blanked(text) } else { String::new() };
        let test_lines = code::test_lines(&code);
        File { path: path.to_owned(), text: text.to_owned(), code, test_lines }
    }

    /// Whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The crate it belongs to, by its folder.
    pub(crate) fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Its name within its folder.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether a line belongs to tests: by the file's place, or by standing below `#[cfg(test)]`.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        let by_place = ["/tests/", "/testing/", "/benches/"].iter().any(|p| self.path.contains(p));
        by_place
            || self.name() == "tests.rs"
            || self.test_lines.iter().any(|(first, last)| (*first..=*last).contains(&line))
    }
}

/// The folder of the whole project.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the lab lies two folders below the root").to_path_buf()
}

/// Every text of the project, by path.
pub(crate) fn files() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
        let mut files = Vec::new();
        read_folder(&root(), "", &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    });
    &FILES
}

/// The file at `path`, if it is one of the texts.
pub(crate) fn find(path: &str) -> Option<&'static File> {
    let files = files();
    files.binary_search_by(|file| file.path.as_str().cmp(path)).ok().map(|at| &files[at])
}

/// Every Rust file.
pub(crate) fn rust() -> impl Iterator<Item = &'static File> {
    files().iter().filter(|file| file.is_rust())
}

fn read_folder(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{prefix}: {error}"));
    for entry in entries {
        let entry = entry.expect("a folder of the tree can be listed");
        let name = entry.file_name().into_string().unwrap_or_default();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("an entry has a type");
        if kind.is_dir() && !MADE.contains(&name.as_str()) {
            read_folder(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file() && is_text(&path) {
            // Somebody's editor may have removed it meanwhile.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                files.push(File::new(&path, &text));
            }
        }
    }
}

fn is_text(path: &str) -> bool {
    let has_kind = path.rsplit_once('.').is_some_and(|(_, kind)| KINDS.contains(&kind));
    has_kind || path == "Cargo.lock" || path.starts_with(".ci/") || path.starts_with("LICENSE")
}

#[test]
fn the_tree_is_read() {
    assert!(find("Cargo.toml").is_some());
    assert!(find("crates/dobbin-lab/tests/house/tree.rs").is_some());
    assert!(rust().count() > 100);
    assert!(files().iter().all(|file| !file.path.starts_with("target/")));
}

#[test]
fn tests_are_known_by_their_place_and_by_their_mark() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
    let file = File::new("crates/x/src/a.rs", text);
    let lines: Vec<usize> = (1..=6).filter(|line| file.is_test(*line)).collect();
    assert_eq!(lines, [2, 3, 4, 5]);
    assert!(File::new("crates/x/tests/a.rs", text).is_test(1));
    assert!(File::new("crates/x/src/publish/tests.rs", text).is_test(1));
    assert!(!File::new("crates/x/src/contests.rs", text).is_test(1));
}
