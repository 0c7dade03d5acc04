//! Server-sent events out of bytes (WHATWG HTML, section 9.2.6 "Interpreting an event stream").
//!
//! Bytes come in whatever portions the socket has; messages come out when their blank line is here.
//! `id` and `retry` are read over: the agent keeps no history to go back to.

use std::collections::VecDeque;
use std::mem;

/// Longest line that is read, in bytes. An event is one line with one job, some 2 KB.
pub(super) const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Longest data of one message, in bytes, over all its lines.
pub(super) const DATA_BYTES_MAX: usize = 4 * LINE_BYTES_MAX;

/// One message of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Message {
    /// Its `event` field; empty if it has none.
    pub(super) name: Vec<u8>,
    /// Its `data` lines, joined by line feeds.
    pub(super) data: Vec<u8>,
}

/// A line or a message longer than any agent sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event longer than {DATA_BYTES_MAX} bytes, or a line longer than {LINE_BYTES_MAX}")]
pub(super) struct TooLong;

/// Cuts a stream into messages.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The line whose end has not come yet.
    line: Vec<u8>,
    /// The last line ended with a carriage return, so that a line feed would belong to it.
    after_return: bool,
    /// A line was read, so that a byte order mark can come no more.
    begun: bool,
    /// The message whose blank line has not come yet.
    message: Message,
    has_data: bool,
    ready: VecDeque<Message>,
}

impl Decoder {
    /// Takes the next bytes of the stream, cut anywhere.
    ///
    /// After `Err` the stream cannot be followed any further.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), TooLong> {
        if mem::take(&mut self.after_return)
            && let Some((first, rest)) = bytes.split_first()
        {
            bytes = if *first == b'\n' { rest } else { bytes };
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            self.extend_line(&bytes[..end])?;
            self.end_line()?;
            let rest = &bytes[end + 1..];
            bytes = match (bytes[end], rest.first()) {
                (b'\r', Some(b'\n')) => &rest[1..],
                (b'\r', None) => {
                    self.after_return = true;
                    rest
                }
                _ => rest,
            };
        }
        self.extend_line(bytes)
    }

    /// The oldest message that is whole.
    pub(super) fn pop(&mut self) -> Option<Message> {
        self.ready.pop_front()
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + bytes.len() > LINE_BYTES_MAX {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), TooLong> {
        let mut line = mem::take(&mut self.line);
        if !mem::replace(&mut self.begun, true) && line.starts_with(b"\xEF\xBB\xBF") {
            line.drain(..3);
        }
        if line.is_empty() {
            self.end_message();
            return Ok(());
        }
        let (field, value) = split_field(&line);
        match field {
            b"data" => self.add_data(value)?,
            b"event" => self.message.name = value.to_vec(),
            // A comment (no field name: what keeps an idle stream alive) or a field we do not use.
            _ => {}
        }
        // Keeps the allocation for the next line.
        line.clear();
        self.line = line;
        Ok(())
    }

    fn add_data(&mut self, value: &[u8]) -> Result<(), TooLong> {
        if self.message.data.len() + value.len() >= DATA_BYTES_MAX {
            return Err(TooLong);
        }
        if mem::replace(&mut self.has_data, true) {
            self.message.data.push(b'\n');
        }
        self.message.data.extend_from_slice(value);
        Ok(())
    }

    fn end_message(&mut self) {
        let message = mem::take(&mut self.message);
        if mem::take(&mut self.has_data) {
            self.ready.push_back(message);
        }
    }
}

/// `field: value`, with one optional space; a line without a colon is a field without a value.
fn split_field(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|byte| *byte == b':') {
        None => (line, b""),
        Some(colon) => {
            let value = &line[colon + 1..];
            (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every way of cutting `stream` in two, and byte by byte, must give the same messages.
    #[track_caller]
    fn check(stream: &str, expect: &[(&str, &str)]) {
        let expect: Vec<Message> = expect
            .iter()
            .map(|(name, data)| Message { name: (*name).into(), data: (*data).into() })
            .collect();
        let read = |portions: &[&[u8]]| {
            let mut decoder = Decoder::default();
            portions.iter().for_each(|portion| decoder.push(portion).unwrap());
            std::iter::from_fn(|| decoder.pop()).collect::<Vec<_>>()
        };
        let bytes = stream.as_bytes();
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            assert_eq!(read(&[first, second]), expect, "{stream:?} cut at {cut}");
        }
        let singles: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&singles), expect, "{stream:?} byte by byte");
    }

    #[test]
    fn a_message_ends_with_a_blank_line() {
        check("event: current\ndata: {}\n\n", &[("current", "{}")]);
        check("data: 1\n\ndata: 2\n\n", &[("", "1"), ("", "2")]);
        check("data: 1\n", &[]);
        check("data: 1\n\ndata: 2", &[("", "1")]);
    }

    #[test]
    fn all_three_line_ends_are_understood() {
        check("data: 1\r\n\r\ndata: 2\r\n\r\n", &[("", "1"), ("", "2")]);
        check("data: 1\r\rdata: 2\r\r", &[("", "1"), ("", "2")]);
        check("data: 1\n\r\ndata: 2\r\n\n", &[("", "1"), ("", "2")]);
    }

    #[test]
    fn comments_and_unknown_fields_say_nothing() {
        check(":\n\n: keep-alive\n\n", &[]);
        check("id: 7\nretry: 10\ndata: x\nnonsense\n\n", &[("", "x")]);
        check("data: 1\n: in the middle\ndata: 2\n\n", &[("", "1\n2")]);
    }

    #[test]
    fn a_name_without_data_is_no_message_and_does_not_stick() {
        check("event: lonely\n\ndata: x\n\n", &[("", "x")]);
    }

    #[test]
    fn only_one_space_after_the_colon_is_dropped() {
        check("data:  x: y\ndata:z\n\n", &[("", " x: y\nz")]);
        check("data\n\n", &[("", "")]);
    }

    #[test]
    fn a_byte_order_mark_is_dropped_at_the_beginning_only() {
        check("\u{FEFF}data: x\n\n", &[("", "x")]);
        check("data: x\n\u{FEFF}data: y\n\n", &[("", "x")]);
    }

    #[test]
    fn what_is_too_long_is_an_error_and_no_memory() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(&vec![b'x'; LINE_BYTES_MAX]), Ok(()));
        assert_eq!(decoder.push(b"x"), Err(TooLong));

        let mut decoder = Decoder::default();
        let mut line = b"data:".to_vec();
        line.resize(LINE_BYTES_MAX, b'x');
        line.push(b'\n');
        let refused = (0..5).map(|_| decoder.push(&line)).position(|outcome| outcome.is_err());
        assert_eq!(refused, Some(4));
    }
}
