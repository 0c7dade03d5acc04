//! Rust text, read just closely enough: what is code and what is comment or literal, where functions
//! and tests begin and end.
//!
//! A scan for braces, not a parser. It is right for text that the compiler accepts; macros with
//! unbalanced braces would mislead it, and this house has none.

use std::ops::Range;

/// The text with comments and the insides of literals replaced by blanks. Every byte keeps its
/// place, so that lines and columns are those of the text.
pub(crate) fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        match silent(text, at) {
            Some((inside, next)) => {
                out[inside].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
                at = next;
            }
            None => at += 1,
        }
    }
    String::from_utf8(out).expect("only whole characters are blanked")
}

/// The comment or literal that begins at `at`: what is inside it, and where the code goes on.
fn silent(text: &str, at: usize) -> Option<(Range<usize>, usize)> {
    let rest = &text.as_bytes()[at..];
    let word_before = at > 0 && is_word(text.as_bytes()[at - 1]);
    match rest {
        [b'/', b'/', ..] => {
            let end = at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            Some((at..end, end))
        }
        [b'/', b'*', ..] => {
            let end = at + comment_len(rest);
            Some((at..end, end))
        }
        [b'"', ..] => {
            let end = at + 1 + string_len(&rest[1..]);
            Some((at + 1..end, end + 1))
        }
        [b'r', ..] if !word_before => {
            raw_string(rest).map(|(start, end, len)| (at + start..at + end, at + len))
        }
        // `b"` and `c"` are strings behind a letter; raw ones need their `r` seen here.
        [b'b' | b'c', b'r', ..] if !word_before => raw_string(&rest[1..])
            .map(|(start, end, len)| (at + 1 + start..at + 1 + end, at + 1 + len)),
        [b'\'', ..] => char_len(&text[at + 1..]).map(|len| (at + 1..at + 1 + len, at + len + 2)),
        _ => None,
    }
}

/// Bytes of a block comment, those inside it included.
fn comment_len(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0_u32, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// Bytes of a string up to its closing quote.
fn string_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

/// Of `r##"…"##`: where its inside begins and ends, and how long it is.
fn raw_string(bytes: &[u8]) -> Option<(usize, usize, usize)> {
    let hashes = bytes[1..].iter().take_while(|byte| **byte == b'#').count();
    let start = hashes + 2;
    if bytes.get(start - 1) != Some(&b'"') {
        return None;
    }
    let close = |at: &usize| {
        bytes[*at] == b'"' && bytes[at + 1..].iter().take_while(|b| **b == b'#').count() >= hashes
    };
    let end = (start..bytes.len()).find(close)?;
    Some((start, end, end + 1 + hashes))
}

/// Bytes of a character literal behind its first quote; nothing for a lifetime.
fn char_len(rest: &str) -> Option<usize> {
    let first = rest.chars().next()?;
    if first != '\\' {
        return rest[first.len_utf8()..].starts_with('\'').then_some(first.len_utf8());
    }
    // Behind the backslash and what it escapes, which may be the quote itself.
    let behind = rest.char_indices().nth(2)?.0;
    rest[behind..].find('\'').map(|offset| behind + offset)
}

/// Whether a byte may be part of a name.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Where `word` stands in the code as a word of its own, or, where it ends in a sign such as `(`,
/// with nothing of a name before it.
pub(crate) fn places_of(code: &str, word: &str) -> Vec<usize> {
    let bytes = code.as_bytes();
    let open_end = word.as_bytes().last().is_some_and(|byte| !is_word(*byte));
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| {
            let before = at.checked_sub(1).map(|at| bytes[at]);
            let after = bytes.get(at + word.len()).copied();
            !before.is_some_and(is_word) && (open_end || !after.is_some_and(is_word))
        })
        .collect()
}

/// The number of the line that a byte stands in, from 1.
pub(crate) fn line_of(code: &str, at: usize) -> usize {
    1 + code.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count()
}

/// A function: its name and its lines, from the `fn` to the closing brace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: String,
    /// The line of its `fn`, from 1.
    pub(crate) line: usize,
    /// How many lines it has.
    pub(crate) lines_count: usize,
}

/// Every function with a body.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let mut functions = Vec::new();
    for at in places_of(code, "fn") {
        let name: String = code[at + 2..].trim_start().chars().take_while(is_name).collect();
        // `fn(u8) -> u8` is a type.
        if name.is_empty() || !code[at + 2..].starts_with(char::is_whitespace) {
            continue;
        }
        if let Some(body) = body(code, at) {
            let line = line_of(code, at);
            let lines_count = line_of(code, body.end) - line + 1;
            functions.push(Function { name, line, lines_count });
        }
    }
    functions
}

fn is_name(c: &char) -> bool {
    c.is_alphanumeric() || *c == '_'
}

/// From the opening brace of the item that begins at `at` to its closing one; nothing for an item
/// that ends with a semicolon first.
fn body(code: &str, at: usize) -> Option<Range<usize>> {
    let (mut brackets, mut open, mut depth) = (0_i32, None, 0_u32);
    for (offset, byte) in code.as_bytes()[at..].iter().enumerate() {
        match (byte, open) {
            (b'(' | b'[', None) => brackets += 1,
            (b')' | b']', None) => brackets -= 1,
            (b';', None) if brackets == 0 => return None,
            (b'{', _) if open.is_some() || brackets == 0 => {
                open.get_or_insert(at + offset);
                depth += 1;
            }
            (b'}', Some(open)) => {
                depth -= 1;
                if depth == 0 {
                    return Some(open..at + offset);
                }
            }
            _ => {}
        }
    }
    None
}

/// The lines of everything that stands behind a `#[cfg(test)]`: first and last.
pub(crate) fn test_lines(code: &str) -> Vec<(usize, usize)> {
    const MARK: &str = "#[cfg(test)]";
    let marks = code.match_indices(MARK).map(|(at, _)| at);
    marks
        .map(|at| {
            let end = body(code, at + MARK.len()).map(|body| body.end);
            let end = end.or_else(|| code[at..].find(';').map(|offset| at + offset));
            (line_of(code, at), line_of(code, end.unwrap_or(code.len())))
        })
        .collect()
}

#[test]
fn comments_and_literals_are_blank_and_the_rest_is_not() {
    for (text, expect) in [
        ("a(); // b()", "a();       "),
        ("a(/* b /* c */ d */)", "a(                 )"),
        (r#"a("b\"c", d)"#, r#"a("    ", d)"#),
        (r##"a(r#"b"c"#, d)"##, r##"a(r#"   "#, d)"##),
        ("a(b\"c\", br\"d\\\", e)", "a(b\" \", br\"  \", e)"),
        ("a('b', '\\'', 'ü', '\\u{1}')", "a(' ', '  ', '  ', '     ')"),
        ("fn a<'b>(c: &'b u8) {}", "fn a<'b>(c: &'b u8) {}"),
        ("for_each(\"x\")", "for_each(\" \")"),
        ("var\"x\"", "var\" \""),
        ("\"one\ntwo\" b", "\"   \n   \" b"),
    ] {
        assert_eq!(blanked(text), expect, "{text}");
    }
}

#[test]
fn words_are_found_whole() {
    assert_eq!(places_of("unsafe unsafe_code an_unsafe", "unsafe"), [0]);
    assert_eq!(places_of("rename(a) can_rename(b) fs::rename(c)", "rename("), [0, 28]);
}

#[test]
fn functions_are_measured_from_their_name_to_their_brace() {
    let code = "trait A {\n    fn a(&self);\n}\nfn b(c: fn(u8) -> [u8; 4]) -> u8\nwhere\n    A: B,\n{\n    \
                fn d() {}\n}\n";
    let named = |name: &str, line, lines_count| Function { name: name.into(), line, lines_count };
    assert_eq!(functions(code), [named("b", 4, 6), named("d", 8, 1)]);
}

#[test]
fn what_only_tests_are_built_from_is_known() {
    assert_eq!(test_lines("#[cfg(test)]\nmod tests;\nfn a() {}\n"), [(1, 2)]);
    assert_eq!(test_lines("a;\n#[cfg(test)]\nmod b {\n  c;\n}\n"), [(2, 5)]);
    assert_eq!(test_lines("#[cfg(test)]\npub(crate) fn of(a: u8) -> B {\n}\n"), [(1, 3)]);
}
