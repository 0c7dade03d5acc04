//! One word for one thing: the glossary, kept true.

use crate::code;
use crate::finding::{self, Excused, Finding, excuse};
use crate::papers::{defines, prose};
use crate::tree::{self, File};

/// One row of the glossary.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    line: usize,
    word: String,
    /// Where the code has it, as `path.rs::Name`; a planned word has none.
    place: Option<String>,
    /// Words that are not used for it.
    instead_of: Vec<String>,
}

/// Names that are somebody else's word, and whose.
const OTHERS_WORDS: &[Excused] = &[Excused {
    path: "crates/dobbin-agent/src/ipc/request.rs",
    count: 1,
    why: "a segment of a URL's path, as RFC 3986 calls it",
}];

/// Reads the tables of the glossary: word, meaning, place, not.
fn entries(paper: &File) -> Vec<Entry> {
    prose(&paper.text)
        .filter_map(|(line, text)| {
            let cells: Vec<&str> = text.strip_prefix('|')?.split('|').map(str::trim).collect();
            let [word, _meaning, place, not, ..] = cells[..] else { return None };
            let word = word.strip_prefix("**")?.strip_suffix("**")?;
            let not = not.split(',').map(str::trim).filter(|word| !word.is_empty());
            let place = place.strip_prefix('`').and_then(|place| place.strip_suffix('`'));
            Some(Entry {
                line,
                word: word.to_owned(),
                place: place.map(str::to_owned),
                instead_of: not.map(str::to_owned).collect(),
            })
        })
        .collect()
}

/// Words that stand nowhere in the code although the glossary says where.
fn lost_words(paper: &File) -> Vec<Finding> {
    let is_there = |place: &str| {
        let (path, name) = place.split_once("::").unwrap_or((place, ""));
        let file = tree::find(&format!("crates/{path}"));
        file.is_some_and(|file| name.is_empty() || defines(file, name))
    };
    entries(paper)
        .into_iter()
        .filter_map(|entry| {
            let place = entry.place.as_ref().filter(|place| !is_there(place))?;
            Some(Finding::at(paper, entry.line, format!("{}: there is no {place}", entry.word)))
        })
        .collect()
}

/// Names that use a word which the glossary replaces by another: functions, types, constants,
/// modules. The lab talks of other programs, in their words.
fn other_words(file: &File, entries: &[Entry]) -> Vec<Finding> {
    if file.crate_name() == Some("dobbin-lab") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for keyword in ["fn", "struct", "enum", "const", "static", "type", "trait", "mod"] {
        for at in code::places_of(&file.code, keyword) {
            let rest = file.code[at + keyword.len()..].trim_start();
            let name: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let line = code::line_of(&file.code, at);
            for entry in entries {
                let banned = entry.instead_of.iter().find(|word| words(&name).contains(word));
                if let Some(banned) = banned.filter(|_| !file.is_test(line)) {
                    let what = format!("`{name}`: not {banned} but {}", entry.word);
                    findings.push(Finding::at(file, line, what));
                }
            }
        }
    }
    findings
}

/// The words of a name: `FileName`, `file_name` and `FILE_NAME` are file and name.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if c == '_' || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase() || c.is_ascii_digit();
        if c != '_' {
            words.last_mut().expect("never empty").extend(c.to_lowercase());
        }
    }
    words
}

#[test]
fn the_glossary_says_where_its_words_are() {
    let paper = tree::find("GLOSSARY.md").expect("GLOSSARY.md");
    assert!(entries(paper).len() > 30, "the glossary's tables are read");
    finding::none(lost_words(paper));
}

#[test]
fn the_code_uses_the_words_of_the_glossary() {
    let paper = tree::find("GLOSSARY.md").expect("GLOSSARY.md");
    let entries = entries(paper);
    let findings = tree::rust().flat_map(|file| other_words(file, &entries)).collect();
    finding::none(excuse(findings, OTHERS_WORDS));
}

#[test]
fn a_lost_or_replaced_word_is_found() {
    let paper = File::new(
        "GLOSSARY.md",
        "| **piece** | a part | `dobbin-core/src/piece/layout.rs::Layout` | chunk, block |\n\
         | **other** | a thing | `dobbin-core/src/piece/layout.rs::Nothing` | |\n\
         | **later** | planned | | tracker |\n",
    );
    assert_eq!(lost_words(&paper).len(), 1);
    let entries = entries(&paper);
    for (text, expect) in [
        ("fn next_chunk() {}", 1),
        ("struct ChunkReader;", 1),
        ("const CHUNK_MAX: u8 = 1;", 1),
        ("fn chunked() {}", 0),
        ("fn next_piece(chunk: u8) {}", 0),
        ("#[cfg(test)]\nmod tests {\n    fn chunk() {}\n}", 0),
    ] {
        let file = File::new("crates/dobbin-net/src/a.rs", text);
        assert_eq!(other_words(&file, &entries).len(), expect, "{text}");
    }
    assert_eq!(words("HTTPRange_ofFile2Big"), ["httprange", "of", "file2", "big"]);
}
