//! What an HTTP source must make of each of an origin's faults, as one table.
//!
//! Every case is one request for [`FILE`] and what it must come to. The table knows no client: a
//! test of the HTTP source asks each case once; a test of whole jobs can lay it on with
//! [`Case::route_that_heals`], where everything transient must end in the right file, and with
//! [`Case::route`], where what is fatal must end the job with its code.

use std::ops::Range;

use dobbin_types::ErrorCode;
use dobbin_types::phf::digest_to_base64;

use crate::origin::{Answer, Behaviour, Content, End, Length, Pace, Ranges, Route, Version, When};

/// The file of every case.
pub const FILE: Content = Content::new(0xD0BB, 100_000);

/// The part that [`Ask::Part`] and [`Ask::PartOfVersion`] ask for.
pub const PART: Range<u64> = 40_000..70_000;

/// One fault and what must come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What happens, in words.
    pub name: &'static str,
    /// What the origin does at every request.
    pub behaviours: Vec<Behaviour>,
    /// What is asked.
    pub ask: Ask,
    /// What must come of it.
    pub expect: Expect,
}

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// All of [`FILE`].
    Whole,
    /// [`PART`] of it.
    Part,
    /// [`PART`] of it, if it is still the version of [`FILE`]'s own tag.
    PartOfVersion,
}

/// What must come of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// All of the file.
    Whole,
    /// The part that was asked for, and nothing else.
    Part,
    /// A reply that cannot be told from one of a shorter file: so many of its first bytes, as a
    /// whole. Only a known size or hash shows it.
    Shorter(u64),
    /// All of another file of the same size, which the origin announced as such.
    Changed,
    /// A reply that cannot be told from one of quite another file.
    Foreign,
    /// A failure that may pass. What came before it was right.
    Transient(ErrorCode),
    /// A failure in time: as [`Expect::Transient`], once the client has lost its patience.
    Timeout,
    /// A failure that will not pass.
    Fatal(ErrorCode),
}

impl Case {
    /// The route of an origin that does this at every request.
    pub fn route(&self) -> Route {
        self.route_when(When::Always)
    }

    /// The route of an origin that does this at the first request for its path, and is honest from
    /// then on.
    pub fn route_that_heals(&self) -> Route {
        self.route_when(When::First(1))
    }

    fn route_when(&self, when: When) -> Route {
        let honest = Route::honest(FILE);
        self.behaviours.iter().fold(honest, |route, behaviour| route.when(when, behaviour.clone()))
    }
}

/// The whole table.
pub fn all() -> Vec<Case> {
    let groups = [honest(), lengths(), ranges(), versions(), ends(), paces(), answers(), words()];
    let mut cases: Vec<Case> = groups.into_iter().flatten().collect();
    cases.extend(statuses());
    cases.extend(redirects());
    cases
}

fn case(name: &'static str, behaviours: Vec<Behaviour>, ask: Ask, expect: Expect) -> Case {
    Case { name, behaviours, ask, expect }
}

fn whole(name: &'static str, behaviour: impl Into<Behaviour>, expect: Expect) -> Case {
    case(name, vec![behaviour.into()], Ask::Whole, expect)
}

fn part(name: &'static str, behaviour: impl Into<Behaviour>, expect: Expect) -> Case {
    case(name, vec![behaviour.into()], Ask::Part, expect)
}

const BROKEN: Expect = Expect::Transient(ErrorCode::CURL_RECV_ERROR);
const CUT_SHORT: Expect = Expect::Transient(ErrorCode::CURL_PARTIAL_FILE);
const NO_RANGES: Expect = Expect::Fatal(ErrorCode::DO_E_INSUFFICIENT_RANGE_SUPPORT);
const REFUSED: Expect = Expect::Fatal(ErrorCode::E_ACCESSDENIED);

fn honest() -> Vec<Case> {
    vec![
        case("an honest whole", vec![], Ask::Whole, Expect::Whole),
        case("an honest part", vec![], Ask::Part, Expect::Part),
        case("an honest part of the same version", vec![], Ask::PartOfVersion, Expect::Part),
    ]
}

fn lengths() -> Vec<Case> {
    let size = FILE.size();
    vec![
        whole("a length that is too long", Length::Longer(5), CUT_SHORT),
        part("a part's length that is too long", Length::Longer(5), mismatch()),
        whole("a length that is too short", Length::Shorter(5), Expect::Shorter(size - 5)),
        part("a part's length that is too short", Length::Shorter(5), mismatch()),
        whole("a length that is a word", Length::Text("many"), BROKEN),
        whole("a length below zero", Length::Text("-1"), BROKEN),
        whole("a length with a sign", Length::Text("+100000"), BROKEN),
        whole("a length beyond 64 bits", Length::Text("18446744073709551616"), BROKEN),
        whole("a list of lengths", Length::Text("100000, 100001"), BROKEN),
        whole("no length", Length::Unsaid, Expect::Whole),
        part("a part without length", Length::Unsaid, Expect::Part),
        whole("chunks", Length::Chunked(999), Expect::Whole),
        part("a part in chunks", Length::Chunked(999), Expect::Part),
        whole("chunks without an end", Length::ChunkedCut, CUT_SHORT),
        part("a part in chunks without an end", Length::ChunkedCut, CUT_SHORT),
        whole("a chunk size that is no number", Length::ChunkSize("xyz"), BROKEN),
        whole("a chunk size beyond 64 bits", Length::ChunkSize("10000000000000000"), BROKEN),
        whole("a chunk size below zero", Length::ChunkSize("-1"), BROKEN),
        whole("two lengths that differ", Length::Two(1), BROKEN),
        whole("a length and chunks", Length::AndChunked, BROKEN),
        whole("bytes after the body", Length::Extra(7), Expect::Whole),
        part("bytes after a part", Length::Extra(7), Expect::Part),
        whole("HTTP/1.0", Length::Http10, Expect::Whole),
        case(
            "HTTP/1.0 without length",
            vec![Length::Unsaid.into(), Length::Http10.into()],
            Ask::Whole,
            Expect::Whole,
        ),
    ]
}

fn mismatch() -> Expect {
    Expect::Fatal(ErrorCode::DO_E_HTTP_BLOCKSIZE_MISMATCH)
}

fn ranges() -> Vec<Case> {
    let total_unsaid = Expect::Fatal(ErrorCode::DO_E_FILE_SIZE_UNKNOWN_HTTP_206);
    let short_end = Behaviour::from(Ranges::EndOff(-10));
    let in_chunks = Behaviour::from(Length::Chunked(999));
    let no_length = Behaviour::from(Length::Unsaid);
    vec![
        part("the whole instead of a part", Ranges::Ignored, Expect::Whole),
        part("a part said to start earlier", Ranges::StartOff(-1), NO_RANGES),
        part("a part said to start later", Ranges::StartOff(1), NO_RANGES),
        part("a part said to end later", Ranges::EndOff(1), NO_RANGES),
        part("a part said to end earlier than it does", Ranges::EndOff(-10), mismatch()),
        case("the same in chunks", vec![short_end.clone(), in_chunks], Ask::Part, mismatch()),
        case("the same without length", vec![short_end, no_length], Ask::Part, mismatch()),
        part("a total that is a little wrong", Ranges::TotalOff(-1), Expect::Part),
        part("a total before the part's end", Ranges::TotalOff(-60_000), NO_RANGES),
        part("another part", Ranges::Other(500), NO_RANGES),
        part("a part without its name", Ranges::Unnamed, NO_RANGES),
        part("a part named as if there were none", Ranges::Unsatisfied, NO_RANGES),
        part("a part of an unknown total", Ranges::TotalUnsaid, total_unsaid),
        part("a part in several", Ranges::Multipart, NO_RANGES),
    ]
}

fn versions() -> Vec<Case> {
    let versioned = |name, behaviours: &[Behaviour], expect| {
        case(name, behaviours.to_vec(), Ask::PartOfVersion, expect)
    };
    let (new_tag, new_bytes) = (Version::NewTag.into(), Version::NewBytes.into());
    let (no_tag, no_date) = (Version::NoTag.into(), Version::NoDate.into());
    let careless: Behaviour = Ranges::IfRangeIgnored.into();
    vec![
        versioned("a changed file", &[new_tag, new_bytes], Expect::Changed),
        versioned(
            "a part of a changed file, from an origin that ignores If-Range",
            &[Version::NewTag.into(), careless.clone()],
            NO_RANGES,
        ),
        versioned("a tag turned weak", &[Version::WeakTag.into()], Expect::Whole),
        versioned(
            "a part under a tag turned weak, from an origin that ignores If-Range",
            &[Version::WeakTag.into(), careless.clone()],
            NO_RANGES,
        ),
        versioned("validators that are gone", &[no_tag, no_date, careless], Expect::Part),
        whole("no tag", Version::NoTag, Expect::Whole),
        whole("a weak tag", Version::WeakTag, Expect::Whole),
    ]
}

fn ends() -> Vec<Case> {
    let empty = Expect::Transient(ErrorCode::CURL_EMPTY_REPLY);
    vec![
        whole("a body cut before its first byte", End::FinAfter(0), CUT_SHORT),
        whole("a body cut in the middle", End::FinAfter(50_000), CUT_SHORT),
        whole("a body cut before its last byte", End::FinAfter(99_999), CUT_SHORT),
        part("a part cut in the middle", End::FinAfter(10_000), CUT_SHORT),
        whole("a reset in the middle", End::ResetAfter(50_000), BROKEN),
        part("a reset in the middle of a part", End::ResetAfter(10_000), BROKEN),
        whole("silence after the head", End::StallAfter(0), Expect::Timeout),
        whole("silence in the middle", End::StallAfter(50_000), Expect::Timeout),
        part("silence in the middle of a part", End::StallAfter(10_000), Expect::Timeout),
        whole("no reply", End::NoReply, Expect::Timeout),
        whole("a closed connection for a reply", End::EmptyReply, empty),
        whole("a reset for a reply", End::ResetAtOnce, BROKEN),
        whole("noise for a reply", End::Garbage(b"\x00\x01\xFE\xFF\r\n\r\n"), BROKEN),
        whole("another protocol", End::Garbage(b"SSH-2.0-OpenSSH_9.2\r\n"), BROKEN),
        whole("a bare page", End::Garbage(b"<html>hello</html>\r\n"), BROKEN),
        whole("a status of six digits", End::Garbage(b"HTTP/1.1 200200 OK\r\n\r\n"), BROKEN),
        whole("half a head", End::Garbage(b"HTTP/1.1 200 OK\r\nContent-Le"), empty),
        whole("a close that was not announced", End::CloseUnsaid, Expect::Whole),
    ]
}

fn paces() -> Vec<Case> {
    use std::time::Duration;
    let pause = Duration::from_millis(5);
    vec![
        whole("a body in drips", Pace::Drip(1, pause), Expect::Timeout),
        whole("a head in drips", Pace::HeadDrip(pause), Expect::Timeout),
        whole("a modest rate", Pace::RatePerConnection(2_000_000), Expect::Whole),
    ]
}

fn answers() -> Vec<Case> {
    let not_acceptable = Expect::Fatal(ErrorCode::HTTP_E_STATUS_NONE_ACCEPTABLE);
    let name = || "attachment; filename=\"../../etc/passwd\"".to_owned();
    vec![
        whole("hints before the reply", Answer::Interim(103), Expect::Whole),
        whole("a 100 that nobody waits for", Answer::Interim(100), Expect::Whole),
        whole("an encoding not asked for", Answer::Gzip, not_acceptable),
        part("a part in an encoding not asked for", Answer::Gzip, NO_RANGES),
        whole("a captive portal", Answer::Portal, Expect::Foreign),
        part("a captive portal for a part", Answer::Portal, Expect::Foreign),
        whole("a name for the file", Answer::Field("Content-Disposition", name()), Expect::Whole),
        whole("a large field", Answer::HugeField(16 * 1024), Expect::Whole),
        whole("a field without end", Answer::HugeField(4 * 1024 * 1024), BROKEN),
    ]
}

/// What replies say of the file's hash and of other places that have it: words, which change nothing in
/// how one request goes.
fn words() -> Vec<Case> {
    let modern = |file: Content| format!("sha-256=:{}:", digest_to_base64(&file.sha256()));
    let field = |name, value: String| Answer::Field(name, value);
    let older = format!("MD5=AAAA,SHA-256={}", digest_to_base64(&FILE.sha256()));
    let nowhere = "<http://127.0.0.1:9/f>; rel=duplicate; pri=1, <ftp://h/f>; rel=duplicate";
    vec![
        whole("the file's digest", field("Repr-Digest", modern(FILE)), Expect::Whole),
        part("the file's digest beside a part", field("Repr-Digest", modern(FILE)), Expect::Part),
        whole("the digest of the body", field("Content-Digest", modern(FILE)), Expect::Whole),
        whole("the file's digest in the older header", field("Digest", older), Expect::Whole),
        whole("another file's digest", field("Repr-Digest", modern(FILE.changed())), Expect::Whole),
        whole("a digest that is noise", field("Repr-Digest", "sha-256=:!".into()), Expect::Whole),
        whole("places that lead nowhere", field("Link", nowhere.into()), Expect::Whole),
        whole("a link that is noise", field("Link", "<<>;;rel=\"".into()), Expect::Whole),
    ]
}

/// A refusal is passed on as its status; which ones may pass is the interface's choice (errors 4.2
/// and 6: every 4xx but 408 and 429 is fatal).
fn statuses() -> Vec<Case> {
    let refusal = |status, transient: bool| {
        let code = ErrorCode::from_http_status(status);
        if transient { Expect::Transient(code) } else { Expect::Fatal(code) }
    };
    let status =
        |name, status, transient| whole(name, Answer::Status(status), refusal(status, transient));
    let of_part =
        |name, status, transient| part(name, Answer::Status(status), refusal(status, transient));
    let odd_success = Expect::Transient(ErrorCode::DO_E_UNEXPECTED_HTTP_STATUS_2XX);
    vec![
        whole("201", Answer::Status(201), odd_success),
        whole("204", Answer::Status(204), odd_success),
        whole("206 to a request for the whole", Answer::Status(206), odd_success),
        status("300", 300, true),
        status("304", 304, true),
        status("305", 305, true),
        status("400", 400, false),
        status("401", 401, false),
        status("403", 403, false),
        status("404", 404, false),
        status("407 without a proxy", 407, false),
        status("408", 408, true),
        status("410", 410, false),
        status("416 to a request for the whole", 416, false),
        status("429", 429, true),
        status("500", 500, true),
        status("502", 502, true),
        status("503", 503, true),
        status("504", 504, true),
        status("599", 599, true),
        of_part("401 to a request for a part", 401, false),
        of_part("403 to a request for a part", 403, false),
        of_part("404 to a request for a part", 404, false),
        of_part("410 to a request for a part", 410, false),
        of_part("416 to a request for a part", 416, false),
        of_part("429 to a request for a part", 429, true),
        of_part("503 to a request for a part", 503, true),
    ]
}

fn redirects() -> Vec<Case> {
    let to = |name, status, locations: &[&str], expect| {
        let locations = locations.iter().map(|one| (*one).to_owned()).collect();
        whole(name, Answer::Redirect(status, locations), expect)
    };
    let nowhere = Expect::Transient(ErrorCode::HTTP_E_STATUS_UNEXPECTED_REDIRECTION);
    let too_many = Expect::Transient(ErrorCode::CURL_TOO_MANY_REDIRECTS);
    vec![
        to("a redirect to itself", 302, &["?again"], too_many),
        to("a redirect without a place", 302, &[], nowhere),
        to("a redirect to an empty place", 301, &[""], nowhere),
        to("a redirect to two places", 307, &["/a", "/b"], nowhere),
        to("a redirect to no URL", 308, &["http://[::1"], nowhere),
        to("a redirect to a port beyond", 302, &["http://127.0.0.1:99999/"], nowhere),
        to("a redirect to a file", 302, &["file:///etc/passwd"], REFUSED),
        to("a redirect to ftp", 303, &["ftp://{authority}/file"], REFUSED),
        to("a redirect to gopher", 302, &["gopher://{authority}/_x"], REFUSED),
        to("a redirect to data", 302, &["data:text/plain,hello"], REFUSED),
        to("a redirect with credentials", 302, &["http://u:p@{authority}/file"], REFUSED),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let cases = all();
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), cases.len());
    }

    #[test]
    fn what_is_expected_agrees_with_the_meaning_of_its_code() {
        use dobbin_types::error::Class;
        for case in all() {
            match case.expect {
                Expect::Transient(code) => {
                    assert_eq!(code.class(), Class::Transient, "{}", case.name);
                }
                Expect::Fatal(code) => assert_ne!(code.class(), Class::Transient, "{}", case.name),
                Expect::Whole
                | Expect::Part
                | Expect::Shorter(_)
                | Expect::Changed
                | Expect::Foreign
                | Expect::Timeout => {}
            }
        }
    }
}
