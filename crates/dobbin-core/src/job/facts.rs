//! What the origin says a file is, and whether a later reply speaks of the same one.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::ops::Range;

use dobbin_types::{ByteRange, ErrorCode, FileTime};

use super::ranges::RangeMap;

/// A mark by which an origin recognises one version of a file (RFC 9110 §8.8), strong enough to
/// glue two replies together. Weak entity tags are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validator {
    /// A strong entity tag, with its quotes.
    StrongEtag(String),
    /// A modification time that counts as strong by RFC 9110 §8.8.2.2, as the origin wrote it.
    LastModified(String),
}

impl Validator {
    /// The header value, for `If-Range`.
    pub fn as_str(&self) -> &str {
        match self {
            Validator::StrongEtag(text) | Validator::LastModified(text) => text,
        }
    }
}

/// What the origin says a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The URL under which it said so. Marks of two URLs cannot be compared: see [`judge`].
    pub url: String,
    /// Bytes of the whole remote file.
    pub remote_size: u64,
    /// Its version; `None` when the origin gives no usable mark.
    pub validator: Option<Validator>,
    /// When it was last changed; becomes the local file's time.
    pub last_modified: Option<FileTime>,
}

/// What we know before a reply comes.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The URL that was asked.
    pub url: &'a str,
    /// What earlier replies said.
    pub facts: Option<&'a Facts>,
    /// What the caller said the size is.
    pub declared_size: Option<u64>,
    /// Which parts the caller wants; empty for the whole file.
    pub ranges: &'a [ByteRange],
    /// Whether any byte of the file is had, be it of a piece that is not whole yet.
    pub anything_had: bool,
    /// Whether a hash will tell in the end if bytes of two versions were mixed, so that a file
    /// without a validator may be resumed.
    pub is_hashed: bool,
}

/// What to do with a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Take its body.
    Take {
        /// The file as this reply describes it.
        facts: Facts,
        /// The remote byte with which the body begins.
        body_start: u64,
        /// The file is another one than before: first drop what was had of it.
        restart: bool,
    },
    /// The file is another one than before, and this reply holds only a part of it: drop what was
    /// had and ask anew.
    AskAnew,
    /// It cannot be used; why.
    Refuse(ErrorCode, &'static str),
    /// It does not seem to speak of the file at all, as the page of a network that wants a login
    /// does not: it cannot be used, but a later one may be; why.
    Doubt(ErrorCode, &'static str),
}

/// Judges a successful reply by what was known before it (RFC 9110 §13.1.5, §14.4, §15.3.7).
///
/// * `asked`: the remote range of the request; `None` when it asked for everything.
/// * `part`: what a 206 says it holds; `None` for a 200, which holds everything.
/// * `total`: bytes of the whole remote file, if the reply says so.
///
/// A file whose URL was changed (`SetRemoteName`) goes on where it is if the new origin's file has the
/// same size and the same time stamp and can be had in parts; else it starts anew.
pub fn judge(
    known: Known<'_>,
    asked: Option<&Range<u64>>,
    part: Option<&Range<u64>>,
    total: Option<u64>,
    validator: Option<&Validator>,
    last_modified: Option<FileTime>,
) -> Judgement {
    let Some(remote_size) = total else {
        return match part {
            None => Judgement::Refuse(
                ErrorCode::DO_E_FILE_SIZE_UNKNOWN_HTTP_200,
                "the server does not say how long the file is",
            ),
            Some(_) => Judgement::Refuse(
                ErrorCode::DO_E_FILE_SIZE_UNKNOWN_HTTP_206,
                "the server sends a part without saying how long the whole file is",
            ),
        };
    };
    let url = known.url.to_owned();
    let facts = Facts { url, remote_size, validator: validator.cloned(), last_modified };
    if let Some(refusal) = contradiction(known, part.is_none(), &facts) {
        return refusal;
    }
    let wanted_start = asked.map_or(0, |range| range.start);
    // Another origin that cannot go on in the middle.
    let no_parts = known.is_moved() && part.is_none() && wanted_start > 0;
    let changed = no_parts || !is_same(known, &facts);
    match part {
        // Where single ranges lie in the local file follows from the size of the remote one, so that
        // a body that was asked for with the old size in mind has no place.
        Some(part) if changed && (part.start != 0 || !known.ranges.is_empty()) => {
            Judgement::AskAnew
        }
        None if changed && !known.ranges.is_empty() => Judgement::AskAnew,
        Some(part) => Judgement::Take { facts, body_start: part.start, restart: changed },
        // Everything, although a part in the middle was asked for. For a file that is wanted whole
        // that is a detour; for single ranges it would be the whole file for each of them.
        None if wanted_start > 0 && !known.ranges.is_empty() => Judgement::Refuse(
            ErrorCode::DO_E_INSUFFICIENT_RANGE_SUPPORT,
            "the server does not send byte ranges",
        ),
        None => Judgement::Take { facts, body_start: 0, restart: changed },
    }
}

/// What a reply says that cannot be true of the file that is meant.
///
/// A whole file under no mark of a version at all, with a size that cannot be, is rather the page of
/// somebody in between than the origin's word: that may pass ("captive portal" in the fault matrix).
fn contradiction(known: Known<'_>, is_whole: bool, now: &Facts) -> Option<Judgement> {
    let is_marked = |facts: &Facts| facts.validator.is_some() || facts.last_modified.is_some();
    let is_strange = is_whole && !is_marked(now);
    let doubt = |why| Some(Judgement::Doubt(ErrorCode::DO_E_HTTP_BLOCKSIZE_MISMATCH, why));
    if known.declared_size.is_some_and(|declared| declared != now.remote_size) {
        let why = "the server's file has another size than the caller said";
        let refuse = Judgement::Refuse(ErrorCode::DO_E_HTTP_BLOCKSIZE_MISMATCH, why);
        return if is_strange { doubt(why) } else { Some(refuse) };
    }
    if RangeMap::new(known.ranges, now.remote_size).is_err() {
        let why = "a range lies outside the server's file";
        let refuse = Judgement::Refuse(ErrorCode::DO_E_INVALID_RANGE, why);
        return if is_strange { doubt(why) } else { Some(refuse) };
    }
    let before = known.facts.filter(|before| is_marked(before));
    if is_strange && before.is_some_and(|before| before.remote_size != now.remote_size) {
        return doubt("something of another size came, which is no version of the file");
    }
    // Several requests, and nothing to tell whether the file changed between them.
    if known.ranges.len() > 1 && now.validator.is_none() && !known.is_hashed {
        return Some(Judgement::Refuse(
            ErrorCode::DO_E_INSUFFICIENT_RANGE_SUPPORT,
            "the server names no version of the file, so that its parts cannot be joined",
        ));
    }
    None
}

/// Whether the reply speaks of the file that we know, so that its bytes may stand beside those that
/// are had.
///
/// Where nothing is had, another version is another file all the same: the journal must forget the
/// old one first. Else a crash could leave the new one's bytes under the old one's name, for an
/// origin that has both to go on with.
fn is_same(known: Known<'_>, now: &Facts) -> bool {
    let Some(before) = known.facts else {
        return !known.anything_had;
    };
    if known.is_moved() {
        return is_same_elsewhere(known, before, now);
    }
    before.remote_size == now.remote_size
        && match &before.validator {
            Some(validator) => now.validator.as_ref() == Some(validator),
            None => known.is_hashed || !known.anything_had,
        }
}

/// Whether another origin's file may go on where this one stopped: same size and same time stamp
/// (`SetRemoteName`). Where one of them names no time, only a hash will tell.
fn is_same_elsewhere(known: Known<'_>, before: &Facts, now: &Facts) -> bool {
    before.remote_size == now.remote_size
        && match (before.last_modified, now.last_modified) {
            (Some(before), Some(now)) => before == now,
            (None, _) | (_, None) => known.is_hashed || !known.anything_had,
        }
}

impl Known<'_> {
    /// Whether what is known was said under another URL than the one that was asked.
    pub fn is_moved(&self) -> bool {
        self.facts.is_some_and(|facts| facts.url != self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn etag(text: &str) -> Option<Validator> {
        Some(Validator::StrongEtag(text.to_owned()))
    }

    fn facts(remote_size: u64, validator: Option<Validator>) -> Facts {
        Facts { url: HERE.to_owned(), remote_size, validator, last_modified: None }
    }

    const HERE: &str = "http://here.example/f";
    const THERE: &str = "http://there.example/f";

    const NOTHING: Known<'static> = Known {
        url: HERE,
        facts: None,
        declared_size: None,
        ranges: &[],
        anything_had: false,
        is_hashed: false,
    };

    fn take(
        remote_size: u64,
        validator: Option<Validator>,
        body_start: u64,
        restart: bool,
    ) -> Judgement {
        Judgement::Take { facts: facts(remote_size, validator), body_start, restart }
    }

    fn code(judgement: Judgement) -> Option<ErrorCode> {
        match judgement {
            Judgement::Refuse(code, _) => Some(code),
            Judgement::Doubt(..) | Judgement::Take { .. } | Judgement::AskAnew => None,
        }
    }

    #[test]
    fn a_first_reply_is_taken_as_it_is() {
        let got = judge(NOTHING, None, None, Some(10), etag("\"a\"").as_ref(), None);
        assert_eq!(got, take(10, etag("\"a\""), 0, false));
    }

    /// conformance: class no-size, code DO_E_FILE_SIZE_UNKNOWN_HTTP_200
    /// conformance: code DO_E_FILE_SIZE_UNKNOWN_HTTP_206
    #[test]
    fn a_reply_without_a_size_is_refused_by_its_kind() {
        let of_200 = judge(NOTHING, None, None, None, None, None);
        assert_eq!(code(of_200), Some(ErrorCode::DO_E_FILE_SIZE_UNKNOWN_HTTP_200));
        let of_206 = judge(NOTHING, Some(&(5..10)), Some(&(5..10)), None, None, None);
        assert_eq!(code(of_206), Some(ErrorCode::DO_E_FILE_SIZE_UNKNOWN_HTTP_206));
    }

    /// conformance: AddFile size
    #[test]
    fn a_size_that_is_not_the_callers_is_refused() {
        let known = Known { declared_size: Some(11), ..NOTHING };
        let got = judge(known, None, None, Some(10), etag("\"a\"").as_ref(), None);
        assert_eq!(code(got), Some(ErrorCode::DO_E_HTTP_BLOCKSIZE_MISMATCH));
    }

    #[test]
    fn a_resumed_file_goes_on_only_when_it_is_the_same() {
        let before = facts(10, etag("\"a\""));
        let known = Known { facts: Some(&before), anything_had: true, ..NOTHING };
        let resume = |size, tag, part: Option<Range<u64>>| {
            judge(known, Some(&(5..10)), part.as_ref(), Some(size), etag(tag).as_ref(), None)
        };
        assert_eq!(resume(10, "\"a\"", Some(5..10)), take(10, etag("\"a\""), 5, false));
        assert_eq!(resume(10, "\"b\"", Some(5..10)), Judgement::AskAnew);
        assert_eq!(resume(11, "\"a\"", Some(5..10)), Judgement::AskAnew);
        // A 200: the whole of the same file, or of another one.
        assert_eq!(resume(10, "\"a\"", None), take(10, etag("\"a\""), 0, false));
        assert_eq!(resume(12, "\"b\"", None), take(12, etag("\"b\""), 0, true));
    }

    #[test]
    fn without_a_validator_only_a_hash_allows_going_on() {
        let before = facts(10, None);
        let known = Known { facts: Some(&before), anything_had: true, ..NOTHING };
        let resume = |known| judge(known, Some(&(5..10)), Some(&(5..10)), Some(10), None, None);
        assert_eq!(resume(known), Judgement::AskAnew);
        assert_eq!(resume(Known { is_hashed: true, ..known }), take(10, None, 5, false));
    }

    /// conformance: AddFile no-range-server, class whole-for-part
    #[test]
    fn a_server_without_ranges_cannot_serve_a_ranged_file() {
        let ranges = [ByteRange { offset: 5, length: Some(2) }];
        let known = Known { ranges: &ranges, ..NOTHING };
        let got = judge(known, Some(&(5..7)), None, Some(10), None, None);
        assert_eq!(code(got), Some(ErrorCode::DO_E_INSUFFICIENT_RANGE_SUPPORT));
        // From zero there is nothing to skip.
        let from_zero = [ByteRange { offset: 0, length: Some(2) }];
        let known = Known { ranges: &from_zero, ..NOTHING };
        assert_eq!(
            judge(known, Some(&(0..2)), None, Some(10), None, None),
            take(10, None, 0, false)
        );
    }

    /// conformance: AddFile outside
    #[test]
    fn a_range_outside_the_real_file_is_refused() {
        let ranges = [ByteRange { offset: 5, length: Some(20) }];
        let known = Known { ranges: &ranges, ..NOTHING };
        let got = judge(known, Some(&(5..25)), Some(&(5..10)), Some(10), None, None);
        assert_eq!(code(got), Some(ErrorCode::DO_E_INVALID_RANGE));
    }

    #[test]
    fn another_version_starts_anew_even_where_nothing_is_had() {
        let before = facts(10, etag("\"a\""));
        let known = Known { facts: Some(&before), ..NOTHING };
        let first = |size, tag| judge(known, None, None, Some(size), etag(tag).as_ref(), None);
        assert_eq!(first(10, "\"a\""), take(10, etag("\"a\""), 0, false));
        assert_eq!(first(10, "\"b\""), take(10, etag("\"b\""), 0, true));
        assert_eq!(first(11, "\"a\""), take(11, etag("\"a\""), 0, true));
        let nameless = facts(10, None);
        let known = Known { facts: Some(&nameless), ..NOTHING };
        assert_eq!(judge(known, None, None, Some(10), None, None), take(10, None, 0, false));
        assert_eq!(judge(known, None, None, Some(11), None, None), take(11, None, 0, true));
    }

    #[test]
    fn a_changed_file_of_ranges_is_asked_for_anew_because_its_places_may_have_moved() {
        let ranges = [ByteRange { offset: 0, length: Some(4) }];
        let before = facts(10, etag("\"a\""));
        let known = Known { facts: Some(&before), ranges: &ranges, ..NOTHING };
        for part in [Some(0..4), None] {
            let got =
                judge(known, Some(&(0..4)), part.as_ref(), Some(12), etag("\"b\"").as_ref(), None);
            assert_eq!(got, Judgement::AskAnew);
        }
    }

    #[test]
    fn several_ranges_are_joined_only_under_a_version_or_a_hash() {
        let range = |offset| ByteRange { offset, length: Some(2) };
        let ranges = [range(0), range(5)];
        let known = Known { ranges: &ranges, ..NOTHING };
        let reply = |known, tag: Option<Validator>| {
            judge(known, Some(&(0..2)), Some(&(0..2)), Some(10), tag.as_ref(), None)
        };
        assert_eq!(reply(known, etag("\"a\"")), take(10, etag("\"a\""), 0, false));
        let refused = Some(ErrorCode::DO_E_INSUFFICIENT_RANGE_SUPPORT);
        assert_eq!(code(reply(known, None)), refused);
        assert_eq!(reply(Known { is_hashed: true, ..known }, None), take(10, None, 0, false));
        assert_eq!(reply(Known { ranges: &ranges[..1], ..known }, None), take(10, None, 0, false));
    }

    #[test]
    fn a_strangers_page_is_doubted_and_the_origins_own_word_is_not() {
        let before = facts(10, etag("\"a\""));
        let ranges = [ByteRange { offset: 5, length: Some(2) }];
        let mismatch = ErrorCode::DO_E_HTTP_BLOCKSIZE_MISMATCH;
        for (known, refusal) in [
            (Known { declared_size: Some(10), ..NOTHING }, Some(mismatch)),
            (Known { ranges: &ranges, ..NOTHING }, Some(ErrorCode::DO_E_INVALID_RANGE)),
            // A file that has changed and says so.
            (Known { facts: Some(&before), anything_had: true, ..NOTHING }, None),
        ] {
            let page = judge(known, Some(&(5..7)), None, Some(3), None, None);
            assert!(matches!(page, Judgement::Doubt(code, _) if code == mismatch), "{page:?}");
            let word = judge(known, Some(&(5..7)), None, Some(3), etag("\"b\"").as_ref(), None);
            assert_eq!(code(word), refusal);
        }
    }

    /// Size and time stamp of the file at another URL, and what follows for bytes that are had.
    ///
    /// conformance: File2::SetRemoteName same-file
    #[test]
    fn a_file_that_moved_goes_on_only_with_the_same_size_and_time() {
        let dated = |time: Option<u64>| Facts {
            last_modified: time.map(FileTime),
            ..facts(10, etag("\"a\""))
        };
        let judged =
            |before: Option<u64>, size, now: Option<u64>, part: Option<Range<u64>>, hash| {
                let before = dated(before);
                let known = Known {
                    url: THERE,
                    facts: Some(&before),
                    anything_had: true,
                    is_hashed: hash,
                    ..NOTHING
                };
                // The same tag everywhere: it proves nothing between two servers.
                let tag = etag("\"a\"");
                let now = now.map(FileTime);
                judge(known, Some(&(5..10)), part.as_ref(), Some(size), tag.as_ref(), now)
            };
        let goes_on = |judgement| match judgement {
            Judgement::Take { restart: false, body_start: 5, facts } => facts.url == THERE,
            _ => false,
        };
        let part = || Some(5..10);
        assert!(goes_on(judged(Some(4), 10, Some(4), part(), false)));
        assert_eq!(judged(Some(4), 10, Some(5), part(), false), Judgement::AskAnew, "time");
        assert_eq!(judged(Some(4), 11, Some(4), part(), false), Judgement::AskAnew, "size");
        assert_eq!(judged(Some(4), 10, Some(5), part(), true), Judgement::AskAnew, "time, hashed");
        assert_eq!(judged(None, 10, Some(4), part(), false), Judgement::AskAnew, "no time");
        assert_eq!(judged(Some(4), 10, None, part(), false), Judgement::AskAnew, "no time");
        assert!(goes_on(judged(None, 10, None, part(), true)), "a hash will tell");
        let whole = judged(Some(4), 10, Some(4), None, false);
        let Judgement::Take { restart: true, body_start: 0, .. } = whole else {
            panic!("a server without ranges starts the file anew: {whole:?}");
        };
    }

    #[test]
    fn a_file_that_moved_before_a_byte_was_had_is_what_the_new_server_says() {
        let before = Facts { last_modified: None, ..facts(10, etag("\"a\"")) };
        let known = Known { url: THERE, facts: Some(&before), ..NOTHING };
        let reply = |size| judge(known, None, None, Some(size), etag("\"b\"").as_ref(), None);
        let taken = |remote_size, restart| Judgement::Take {
            facts: Facts { url: THERE.to_owned(), ..facts(remote_size, etag("\"b\"")) },
            body_start: 0,
            restart,
        };
        assert_eq!(reply(10), taken(10, false));
        assert_eq!(reply(11), taken(11, true));
    }
}
