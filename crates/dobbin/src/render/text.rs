//! Text that somebody else wrote, made fit for a terminal.

use std::borrow::Cow;

/// The text without anything that steers a terminal or turns its writing direction, each such
/// character replaced. Names of jobs and messages of servers come from anywhere.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(steers) {
        let cleaned = text.chars().map(|c| if steers(c) { char::REPLACEMENT_CHARACTER } else { c });
        Cow::Owned(cleaned.collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a character is a control character or changes the direction of what stands around it
/// (Unicode Standard Annex 9, explicit formatting characters and marks).
pub(crate) fn steers(character: char) -> bool {
    let turns = matches!(
        character,
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
    );
    character.is_control() || turns
}

/// What stands for a URL in a sentence: its host, its port if that is no usual one, and the end of
/// its path. What may hold a secret is left out: user, password, query.
pub(crate) fn brief(url: &str) -> String {
    let Ok(parsed) = url::Url::parse(url) else {
        return clean(url.split(['?', '#']).next().unwrap_or_default()).into_owned();
    };
    let host = parsed.host_str().unwrap_or("?");
    let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
    let last = parsed.path_segments().and_then(|mut segments| segments.rfind(|s| !s.is_empty()));
    clean(&format!("{host}{port}/{}", last.unwrap_or_default())).into_owned()
}

/// The text in lines of at most `width` characters, broken between words; a word that is longer
/// stands in a line of its own. One line where there is no width.
pub(crate) fn wrapped(text: &str, width: Option<usize>) -> Vec<String> {
    let width = width.unwrap_or(usize::MAX);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else {
            break;
        };
        let length = console::measure_text_width(line) + 1 + console::measure_text_width(word);
        if line.is_empty() {
            line.push_str(word);
        } else if length <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_breaks_between_words() {
        assert_eq!(wrapped("one two three", None), ["one two three"]);
        assert_eq!(wrapped("one two three", Some(7)), ["one two", "three"]);
        assert_eq!(wrapped("one abcdefghij two", Some(5)), ["one", "abcdefghij", "two"]);
        assert_eq!(wrapped("", Some(3)), [""]);
    }

    #[test]
    fn what_steers_is_replaced_and_the_rest_kept() {
        assert_eq!(clean("naïve 文字.txt"), "naïve 文字.txt");
        assert_eq!(clean("a\u{1b}]0;x\u{7}b"), "a\u{fffd}]0;x\u{fffd}b");
        assert_eq!(clean("a\nb\u{9b}c\u{202e}d"), "a\u{fffd}b\u{fffd}c\u{fffd}d");
    }

    #[test]
    fn a_url_in_a_sentence_shows_no_secret() {
        assert_eq!(brief("https://u:p@h.example:8/a/b.tar?sig=secret#x"), "h.example:8/b.tar");
        assert_eq!(brief("https://h.example/"), "h.example/");
        assert_eq!(brief("https://h.example/a/"), "h.example/a");
        assert_eq!(brief("nonsense?secret"), "nonsense");
    }
}
