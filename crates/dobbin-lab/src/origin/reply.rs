//! The reply of an honest origin (RFC 9110), in a form that behaviours can bend before it is sent.

use std::ops::Range;
use std::time::SystemTime;

use super::content::Content;
use super::date::http_date;
use super::plan::Route;
use super::request::Request;
use super::wire::Tempo;

/// `Last-Modified` of a file that nothing has changed.
pub const OLD_DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// `Last-Modified` of a file after [`super::Version::NewDate`].
pub const NEW_DATE: &str = "Mon, 07 Nov 1994 08:49:37 GMT";

/// The file behind a path, as the origin sees it at one request.
#[derive(Debug)]
pub(super) struct File {
    pub(super) content: Content,
    pub(super) tag: Option<String>,
    pub(super) date: Option<String>,
    pub(super) honours_range: bool,
    pub(super) honours_if_range: bool,
    /// How far beside the range asked for the range served lies.
    pub(super) range_off: i64,
}

/// Bytes of a body.
#[derive(Debug)]
pub(super) enum Part {
    Bytes(Vec<u8>),
    Content(Content, Range<u64>),
}

/// How the body is framed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Coding {
    /// As it is.
    Plain,
    /// In chunks of `size`; with or without the `last` one; with a text for the `second` one's size.
    Chunked { size: usize, last: bool, second: Option<&'static str> },
}

/// What happens to the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It waits for the next request.
    Keep,
    /// It is closed in good order.
    Fin,
    /// It is reset.
    Reset,
    /// It stays, silent, until the client leaves.
    Stall,
}

/// Where the body stops short, and what happens then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) bytes: u64,
    pub(super) ending: Ending,
}

/// What is sent in place of a reply.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instead {
    pub(super) bytes: &'static [u8],
    pub(super) ending: Ending,
}

/// A reply that has not been sent yet.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) interim: Vec<u16>,
    pub(super) version: &'static str,
    pub(super) status: u16,
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Vec<Part>,
    pub(super) coding: Coding,
    /// Comes after the body, outside its framing.
    pub(super) after_body: Option<Part>,
    /// The reply to HEAD: all of the head, nothing of the body.
    pub(super) head_only: bool,
    /// Of a 206: what it holds, and the total.
    pub(super) range: Option<(Range<u64>, u64)>,
    /// The size of the whole file.
    pub(super) total: u64,
    pub(super) instead: Option<Instead>,
    pub(super) cut: Option<Cut>,
    pub(super) ending: Ending,
    pub(super) close_notify: bool,
    pub(super) pace: Tempo,
}

impl File {
    pub(super) fn of(route: &Route) -> File {
        File {
            content: route.content,
            tag: Some(route.content.tag()),
            date: Some(OLD_DATE.to_owned()),
            honours_range: true,
            honours_if_range: true,
            range_off: 0,
        }
    }

    /// What the origin answers, were it honest about this file.
    pub(super) fn answer(&self, request: &Request) -> Reply {
        let mut reply = Reply::new(200, self.content.size());
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            reply.status = 405;
            reply.set("Allow", "GET, HEAD".to_owned());
            reply.set_body(Vec::new());
            return reply;
        }
        reply.head_only = request.method == "HEAD";
        reply.set("Accept-Ranges", "bytes".to_owned());
        if let Some(tag) = &self.tag {
            reply.set("ETag", tag.clone());
        }
        if let Some(date) = &self.date {
            reply.set("Last-Modified", date.clone());
        }
        if let Some(status) = self.precondition(request) {
            reply.status = status;
            if status != 304 {
                reply.set_body(Vec::new());
            }
            return reply;
        }
        reply.set("Content-Type", "application/octet-stream".to_owned());
        match self.range(request) {
            Asked::Whole => {
                let whole = 0..self.content.size();
                reply.set_body(vec![Part::Content(self.content, whole)]);
            }
            Asked::Part(range) => {
                let total = self.content.size();
                let named = format!("bytes {}-{}/{total}", range.start, range.end - 1);
                reply.status = 206;
                reply.set("Content-Range", named);
                reply.range = Some((range.clone(), total));
                reply.set_body(vec![Part::Content(self.content, range)]);
            }
            Asked::Beyond => {
                reply.status = 416;
                reply.set("Content-Range", format!("bytes */{}", self.content.size()));
                reply.set_body(Vec::new());
            }
        }
        reply
    }

    /// The status that a failed precondition asks for (RFC 9110 §13.2.2).
    fn precondition(&self, request: &Request) -> Option<u16> {
        let listed = |list: &str, tag: &Option<String>, weakly: bool| {
            let Some(tag) = tag else { return false };
            let bare = |t: &str| t.trim().trim_start_matches("W/").to_owned();
            list.trim() == "*"
                || list.split(',').any(|one| {
                    if weakly {
                        bare(one) == bare(tag)
                    } else {
                        one.trim() == tag && !tag.starts_with("W/")
                    }
                })
        };
        if let Some(list) = request.field("if-match") {
            if !listed(list, &self.tag, false) {
                return Some(412);
            }
        } else if let Some(date) = request.field("if-unmodified-since")
            && self.date.as_deref().is_some_and(|ours| ours != date)
        {
            return Some(412);
        }
        if let Some(list) = request.field("if-none-match") {
            return listed(list, &self.tag, true).then_some(304);
        }
        let since = request.field("if-modified-since")?;
        (self.date.as_deref() == Some(since)).then_some(304)
    }

    /// What part of the file the request gets (RFC 9110 §14.2). Several ranges at once are ignored,
    /// as a server may.
    fn range(&self, request: &Request) -> Asked {
        let Some(text) = request.field("range").filter(|_| self.honours_range) else {
            return Asked::Whole;
        };
        if self.honours_if_range
            && let Some(validator) = request.field("if-range")
        {
            let strong = self.tag.as_deref().filter(|tag| !tag.starts_with("W/"));
            if strong != Some(validator) && self.date.as_deref() != Some(validator) {
                return Asked::Whole;
            }
        }
        asked(text, self.content.size(), self.range_off)
    }
}

/// What a `Range` field asks of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Whole,
    Part(Range<u64>),
    Beyond,
}

/// Reads a `Range` field; the part it names is moved by `off` bytes, within the file.
pub(crate) fn asked(text: &str, size: u64, off: i64) -> Asked {
    let Some(spec) = text.strip_prefix("bytes=") else { return Asked::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return Asked::Whole };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..size.min(last.saturating_add(1)),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(suffix)) if first.is_empty() => size.saturating_sub(suffix)..size,
        _ => return Asked::Whole,
    };
    if range.start >= range.end {
        return Asked::Beyond;
    }
    let length = range.end - range.start;
    let start = range.start.saturating_add_signed(off).min(size - length);
    Asked::Part(start..start + length)
}

impl Reply {
    pub(super) fn new(status: u16, total: u64) -> Reply {
        Reply {
            interim: Vec::new(),
            version: "HTTP/1.1",
            status,
            fields: vec![
                ("Date".to_owned(), http_date(SystemTime::now())),
                ("Server".to_owned(), "dobbin-lab".to_owned()),
            ],
            body: Vec::new(),
            coding: Coding::Plain,
            after_body: None,
            head_only: false,
            range: None,
            total,
            instead: None,
            cut: None,
            ending: Ending::Keep,
            close_notify: true,
            pace: Tempo::default(),
        }
    }

    /// A reply without a file behind it.
    pub(super) fn not_found() -> Reply {
        let mut reply = Reply::new(404, 0);
        reply.set_body(vec![Part::Bytes(b"no such path\n".to_vec())]);
        reply
    }

    /// Gives the reply this body, and says its length.
    pub(super) fn set_body(&mut self, body: Vec<Part>) {
        self.body = body;
        self.set("Content-Length", self.body_length().to_string());
    }

    /// The length of the body in bytes, whatever the fields say.
    pub(super) fn body_length(&self) -> u64 {
        self.body.iter().map(Part::length).sum()
    }

    /// The field with this value, once.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.remove(name);
        self.add(name, value);
    }

    /// The field with this value, beside others of its name.
    pub(super) fn add(&mut self, name: &str, value: String) {
        self.fields.push((name.to_owned(), value));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.fields.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// The connection ends with this reply, and the reply says so.
    pub(super) fn close(&mut self) {
        self.set("Connection", "close".to_owned());
        self.ending = Ending::Fin;
    }

    /// A reply of `status` that no longer speaks of the file. Its body is left to the caller.
    pub(super) fn forget_file(&mut self, status: u16) {
        const OF_THE_FILE: [&str; 6] = [
            "Accept-Ranges",
            "ETag",
            "Last-Modified",
            "Content-Range",
            "Content-Type",
            "Content-Encoding",
        ];
        for name in OF_THE_FILE {
            self.remove(name);
        }
        self.status = status;
        self.range = None;
    }
}

impl Part {
    pub(super) fn length(&self) -> u64 {
        match self {
            Part::Bytes(bytes) => bytes.len() as u64,
            Part::Content(_, range) => range.end - range.start,
        }
    }

    /// Writes what stands at `offset` of the part into all of `buffer`, which the part must cover.
    pub(super) fn fill(&self, offset: u64, buffer: &mut [u8]) {
        match self {
            Part::Bytes(bytes) => {
                let offset = offset as usize;
                buffer.copy_from_slice(&bytes[offset..offset + buffer.len()]);
            }
            Part::Content(content, range) => content.fill(range.start + offset, buffer),
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Part::Bytes(bytes) => bytes.clone(),
            Part::Content(content, range) => content.bytes(range.clone()),
        }
    }
}

impl Coding {
    pub(super) fn chunked(size: usize) -> Coding {
        Coding::Chunked { size: size.max(1), last: true, second: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (text, expected) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=10-19", Asked::Part(10..20)),
            ("bytes=90-", Asked::Part(90..100)),
            ("bytes=90-1000", Asked::Part(90..100)),
            ("bytes=0-18446744073709551615", Asked::Part(0..100)),
            ("bytes=-30", Asked::Part(70..100)),
            ("bytes=-300", Asked::Part(0..100)),
            ("bytes=100-", Asked::Beyond),
            ("bytes=100-200", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=20-10", Asked::Whole),
            ("bytes=1-2,4-5", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("lines=1-2", Asked::Whole),
        ] {
            assert_eq!(asked(text, 100, 0), expected, "{text}");
        }
    }

    #[test]
    fn another_range_stays_inside_the_file() {
        for (off, expected) in [(5, 15..25), (-5, 5..15), (-50, 0..10), (500, 90..100)] {
            assert_eq!(asked("bytes=10-19", 100, off), Asked::Part(expected), "{off}");
        }
    }
}
