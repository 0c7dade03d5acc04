//! Messages of apt and its methods: a line with a number, fields, and an empty line.
//!
//! The rules are those of apt's own page on its method interface.

use std::io::{self, BufRead, Read as _, Write};

/// Bytes of a message at most. apt's whole configuration comes as one.
const MESSAGE_BYTES_MAX: u64 = 1024 * 1024;

/// What one side says to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Number and meaning, such as `600 URI Acquire`.
    head: String,
    fields: Vec<(String, String)>,
}

impl Message {
    pub(super) fn new(head: &str) -> Message {
        Message { head: head.to_owned(), fields: Vec::new() }
    }

    /// The same with a field more. Line ends have no form in a message, and become blanks.
    pub(super) fn with(mut self, name: &str, value: &str) -> Message {
        self.fields.push((name.to_owned(), value.replace(['\n', '\r'], " ")));
        self
    }

    /// Its number: 600 for a file that is wanted.
    pub(super) fn number(&self) -> Option<u32> {
        self.head.split(' ').next()?.parse().ok()
    }

    /// The first field of this name, in any case.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The next message; `None` when there will be none.
    ///
    /// # Errors
    ///
    /// Those of the reader; `InvalidData` for one that is too long, or ends within.
    pub(super) fn read(from: &mut impl BufRead) -> io::Result<Option<Message>> {
        let bad = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        let mut from = from.take(MESSAGE_BYTES_MAX);
        let mut message: Option<Message> = None;
        loop {
            let mut line = String::new();
            let count = from.read_line(&mut line)?;
            let line = line.trim_end();
            message = match (message, line) {
                (None, _) if count == 0 && from.limit() > 0 => return Ok(None),
                (_, _) if count == 0 => return Err(bad("a message has no end")),
                // Empty lines between messages.
                (None, "") => None,
                (None, head) => Some(Message::new(head)),
                (Some(message), "") => return Ok(Some(message)),
                (Some(message), field) => {
                    let (name, value) = field.split_once(':').ok_or(bad("a field has no name"))?;
                    Some(message.with(name.trim(), value.trim()))
                }
            };
        }
    }

    /// Sends it.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let mut text = format!("{}\n", self.head);
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push('\n');
        to.write_all(text.as_bytes())?;
        to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> io::Result<Vec<Message>> {
        let mut from = text.as_bytes();
        std::iter::from_fn(|| Message::read(&mut from).transpose()).collect()
    }

    #[test]
    fn messages_come_one_after_the_other() {
        let text = "600 URI Acquire\nURI: http://h/a:b\nFilename: /a\n\n\n601 Configuration\n\n";
        let messages = read_all(text).unwrap();
        let numbers: Vec<_> = messages.iter().map(|message| message.number()).collect();
        assert_eq!(numbers, [Some(600), Some(601)]);
        assert_eq!(messages[0].field("uri"), Some("http://h/a:b"));
        assert_eq!(messages[0].field("size"), None);
        assert_eq!(read_all("").unwrap(), []);
        assert_eq!(read_all("\n\n").unwrap(), []);
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for text in ["600 URI Acquire\n", "600 URI Acquire\nURI: x\n", "600\nfield\n\n"] {
            assert!(read_all(text).is_err(), "{text:?}");
        }
        let endless = format!("600\n{}", "A: b\n".repeat(300_000));
        assert!(read_all(&endless).is_err());
    }

    #[test]
    fn what_is_written_reads_the_same_but_for_line_ends() {
        let message = Message::new("201 URI Done").with("URI", "http://h/").with("Message", "a\nb");
        let mut text = Vec::new();
        message.write(&mut text).unwrap();
        assert_eq!(text, b"201 URI Done\nURI: http://h/\nMessage: a b\n\n");
        assert_eq!(read_all(std::str::from_utf8(&text).unwrap()).unwrap(), [message]);
    }
}
