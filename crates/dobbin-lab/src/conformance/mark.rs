//! Marks above tests, read from the sources.

/// A test says that it proves some rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Which rows: an id, or a pattern in which `*` stands for anything.
    pub pattern: String,
    /// The file of the test, from the root of the tree.
    pub path: String,
    /// The line of the mark, from 1.
    pub line: usize,
    /// The test's name.
    pub test: String,
}

/// A mark that stands above no test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misplaced {
    /// The line of the mark, from 1.
    pub line: usize,
    /// What it says.
    pub pattern: String,
}

/// The word that begins a mark, behind the slashes of its comment.
const WORD: &str = "conformance:";

impl Mark {
    /// Whether it names the row with this id.
    pub fn names(&self, id: &str) -> bool {
        fits(&self.pattern, id)
    }
}

/// Whether `text` fits `pattern`, in which every `*` stands for any characters, none included.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.into_iter().any(|at| fits(rest, &text[at..]))
}

/// The marks of one Rust file, and those that stand above no test.
///
/// Read line by line: doc comment, attributes, `fn`. Right for text that rustfmt has formatted.
pub fn marks(path: &str, text: &str) -> (Vec<Mark>, Vec<Misplaced>) {
    let (mut found, mut misplaced) = (Vec::new(), Vec::new());
    let mut waiting: Vec<Misplaced> = Vec::new();
    let (mut is_test, mut is_in_attribute) = (false, false);
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if let Some(comment) = text.strip_prefix("//") {
            let says = comment.trim_start_matches(['/', '!']).trim_start();
            let Some(rows) = says.strip_prefix(WORD) else { continue };
            let patterns = rows.split([',', ';']).map(|one| one.trim().to_owned());
            let here = patterns.map(|pattern| Misplaced { line, pattern });
            // Only a doc comment belongs to what comes below it.
            let is_doc = comment.starts_with('/');
            if is_doc { waiting.extend(here) } else { misplaced.extend(here) }
        } else if is_in_attribute || text.starts_with("#[") {
            is_test |= text.starts_with("#[test]") || text.starts_with("#[tokio::test");
            is_in_attribute = !text.ends_with(']');
        } else {
            match function(text).filter(|_| is_test) {
                Some(test) => found.extend(waiting.drain(..).map(|mark| Mark {
                    pattern: mark.pattern,
                    path: path.to_owned(),
                    line: mark.line,
                    test: test.to_owned(),
                })),
                None => misplaced.append(&mut waiting),
            }
            is_test = false;
        }
    }
    misplaced.append(&mut waiting);
    (found, misplaced)
}

/// The name of the function that begins in this line.
fn function(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("fn ")?;
    let is_start = before.split_whitespace().all(|word| matches!(word, "pub" | "async"));
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    is_start.then_some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expect) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a × *", "a × B", true),
            ("a × *", "b × B", false),
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("* × QUEUED", "Ünicode × QUEUED", true),
            ("*a*a", "aba", true),
            ("*a*a*a", "aba", false),
        ] {
            assert_eq!(fits(pattern, text), expect, "{pattern} {text}");
        }
    }

    fn names(text: &str) -> (Vec<(String, String)>, Vec<String>) {
        let (marks, misplaced) = marks("a.rs", text);
        let marks = marks.into_iter().map(|mark| (mark.pattern, mark.test)).collect();
        (marks, misplaced.into_iter().map(|mark| mark.pattern).collect())
    }

    #[test]
    fn marks_belong_to_the_test_below_them() {
        let text = "/// Says.\n/// conformance: A, B\n#[test]\nfn x() {\n}\n\
                    \x20   /// conformance: C × *\n    #[tokio::test(flavor = \"a\")]\n\
                    \x20   async fn y() {}\n";
        let (found, misplaced) = names(text);
        let expect = [("A", "x"), ("B", "x"), ("C × *", "y")];
        assert_eq!(found, expect.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(misplaced, [""; 0]);
    }

    #[test]
    fn a_mark_above_something_else_is_misplaced() {
        for text in [
            "/// conformance: A\nfn x() {}\n",
            "/// conformance: A\n#[derive(Debug)]\nstruct X;\n",
            "/// conformance: A\n\n#[test]\nfn x() {}\n",
            "/// conformance: A\n",
            "// conformance: A\n#[test]\nfn x() {}\n",
            "//! conformance: A\n#[test]\nfn x() {}\n",
            "#[test]\nfn x() {}\n/// conformance: A\nfn y() {}\n",
        ] {
            let (found, misplaced) = names(text);
            assert_eq!(found, [], "{text}");
            assert_eq!(misplaced, ["A"], "{text}");
        }
    }
}
