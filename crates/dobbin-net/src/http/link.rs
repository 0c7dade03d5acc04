//! Where else a reply says that the same file can be had: `Link` with `rel=duplicate` (RFC 6249 §3,
//! in the form of RFC 8288 §3).
//!
//! Pure. These are a stranger's words. They are held to what holds for redirects: to the web alone,
//! without credentials, never from https to http, and never from a public address to another kind,
//! which is judged here as far as a text tells and again where connections are made.

use dobbin_types::file::URL_CHARS_MAX;
use http::HeaderMap;
use http::header::LINK;
use url::Url;

use super::client::literal_reach;
use super::redirect;

/// The most further URLs that are taken from one reply: the best ones.
pub const DUPLICATES_MAX: usize = 16;

/// The most links of one reply that are looked at.
const LINKS_READ_MAX: usize = 128;

/// The priority of a link without one, and the last there is (RFC 6249 §3.1).
const PRIORITY_LAST: u32 = 999_999;

/// A further URL of the file that was asked for, in the words of whoever answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// Where; may hold secrets in its query.
    pub url: Url,
    /// From 1, the best, to 999,999.
    pub priority: u32,
    /// For [`Request::public_only`](super::Request::public_only) of whoever asks there: the words came
    /// from a public address.
    pub public_only: bool,
}

impl std::fmt::Debug for Duplicate {
    /// Without the URL, which may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Duplicate")
            .field("host", &self.url.host_str())
            .field("priority", &self.priority)
            .field("public_only", &self.public_only)
            .finish()
    }
}

/// The duplicates that a reply from `here` names, best first, none twice and not `here` itself; at most
/// [`DUPLICATES_MAX`].
///
/// `geo`, `pref` and `depth` are passed over: what is near and fast shows when it is asked.
pub(super) fn duplicates(here: &Url, headers: &HeaderMap, public_only: bool) -> Vec<Duplicate> {
    let lines =
        headers.get_all(LINK).iter().filter_map(|line| str::from_utf8(line.as_bytes()).ok());
    let links = lines.flat_map(Links).take(LINKS_READ_MAX);
    let mut found: Vec<Duplicate> = Vec::new();
    for link in links.filter(Link::is_duplicate) {
        let Some(url) = target(here, link.target, public_only) else { continue };
        let priority = link.priority();
        match found.iter_mut().find(|known| known.url == url) {
            Some(known) => known.priority = known.priority.min(priority),
            None => found.push(Duplicate { url, priority, public_only }),
        }
    }
    found.sort_by_key(|duplicate| duplicate.priority);
    found.truncate(DUPLICATES_MAX);
    found
}

/// What a link names, if we would go there.
fn target(here: &Url, text: &str, public_only: bool) -> Option<Url> {
    let mut url = here.join(text.trim()).ok()?;
    url.set_fragment(None);
    redirect::check(here, &url, false).ok()?;
    let is_near = literal_reach(&url).is_some_and(|reach| !reach.is_public());
    let is_other = url != *here && url.as_str().chars().count() <= URL_CHARS_MAX;
    (is_other && !(public_only && is_near)).then_some(url)
}

/// One link of a header.
struct Link<'a> {
    target: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl Link<'_> {
    /// The first parameter of this name; its like that follow count for nothing (RFC 8288 §3.3).
    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it names another place of the very thing that was asked for. One with an anchor speaks
    /// of something else.
    fn is_duplicate(&self) -> bool {
        let relations = self.parameter("rel").unwrap_or_default();
        self.parameter("anchor").is_none()
            && relations.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("duplicate"))
    }

    fn priority(&self) -> u32 {
        let said = self.parameter("pri").and_then(|text| text.parse().ok());
        said.filter(|priority| (1..=PRIORITY_LAST).contains(priority)).unwrap_or(PRIORITY_LAST)
    }
}

/// The links of one header line (RFC 8288 §3); ends at the first thing that is none.
struct Links<'a>(&'a str);

impl<'a> Iterator for Links<'a> {
    type Item = Link<'a>;

    fn next(&mut self) -> Option<Link<'a>> {
        // Lists may have empty members (RFC 9110 §5.6.1.2).
        self.skip(|c| matches!(c, ' ' | '\t' | ','));
        self.0 = self.0.strip_prefix('<')?;
        let (target, rest) = self.0.split_once('>')?;
        self.0 = rest;
        let mut link = Link { target, parameters: Vec::new() };
        loop {
            self.skip(is_blank);
            if let Some(rest) = self.0.strip_prefix(';') {
                self.0 = rest;
                self.skip(is_blank);
                link.parameters.extend(self.parameter()?);
            } else if self.0.is_empty() || self.0.starts_with(',') {
                return Some(link);
            } else {
                self.0 = "";
                return None;
            }
        }
    }
}

impl<'a> Links<'a> {
    fn skip(&mut self, is_so: impl Fn(char) -> bool) {
        self.0 = self.0.trim_start_matches(is_so);
    }

    /// A name, and what it is said to be. A semicolon with nothing behind it is let pass: the outer
    /// option is whether the line can be read on, the inner one whether there is a parameter.
    fn parameter(&mut self) -> Option<Option<(&'a str, String)>> {
        let name = self.token();
        if name.is_empty() {
            return (self.0.is_empty() || self.0.starts_with([',', ';'])).then_some(None);
        }
        self.skip(is_blank);
        let Some(rest) = self.0.strip_prefix('=') else {
            return Some(Some((name, String::new())));
        };
        self.0 = rest;
        self.skip(is_blank);
        let value = match self.0.strip_prefix('"') {
            Some(rest) => {
                self.0 = rest;
                self.quoted()?
            }
            None => self.token().to_owned(),
        };
        Some(Some((name, value)))
    }

    fn token(&mut self) -> &'a str {
        let is_end = |c: char| matches!(c, ' ' | '\t' | ',' | ';' | '=' | '"');
        let (token, rest) = self.0.split_at(self.0.find(is_end).unwrap_or(self.0.len()));
        self.0 = rest;
        token
    }

    /// What stands up to the closing quote (RFC 9110 §5.6.4); nothing if there is none.
    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut chars = self.0.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return Some(value);
                }
                '\\' => value.push(chars.next()?.1),
                other => value.push(other),
            }
        }
        None
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const HERE: &str = "http://here.example/dir/file?x=1";

    fn found(here: &str, lines: &[&str], public_only: bool) -> Vec<(String, u32)> {
        let line = |text: &&str| (LINK, HeaderValue::from_bytes(text.as_bytes()).unwrap());
        let headers = lines.iter().map(line).collect();
        let found = duplicates(&here.parse().unwrap(), &headers, public_only);
        found.into_iter().map(|duplicate| (duplicate.url.into(), duplicate.priority)).collect()
    }

    #[track_caller]
    fn check(line: &str, expect: &[(&str, u32)]) {
        let expect: Vec<_> = expect.iter().map(|(url, pri)| ((*url).to_owned(), *pri)).collect();
        assert_eq!(found(HERE, &[line], false), expect, "{line}");
    }

    #[test]
    fn duplicates_are_read_in_every_spelling_that_links_have() {
        const M: &str = "http://m.example/f";
        check("<http://m.example/f>; rel=duplicate", &[(M, 999_999)]);
        check("<http://m.example/f>; rel=duplicate; pri=1; geo=gb; pref", &[(M, 1)]);
        check("<http://m.example/f>;REL=\"Duplicate\";Pri=\"7\"", &[(M, 7)]);
        check("< http://m.example/f >  ;\t rel = \"x duplicate\" ; pri = 2", &[(M, 2)]);
        check("<http://m.example/f>; title=\"a, \\\"b\\\"; c\"; rel=duplicate", &[(M, 999_999)]);
        check("<//m.example/f>; rel=duplicate;", &[(M, 999_999)]);
        check("<../f>; rel=duplicate", &[("http://here.example/f", 999_999)]);
        check(" , <http://m.example/f#x>; rel=duplicate,,", &[(M, 999_999)]);
        let two =
            "<http://n.example/>; rel=duplicate; pri=5, <http://m.example/f>; rel=duplicate; pri=4";
        check(two, &[(M, 4), ("http://n.example/", 5)]);
    }

    #[test]
    fn other_links_and_links_of_other_things_are_none() {
        check("<http://m.example/f>", &[]);
        check("<http://m.example/f>; rel=describedby; type=\"application/metalink4+xml\"", &[]);
        check("<http://m.example/f>; rel=duplicates", &[]);
        check("<http://m.example/f>; rel=next; rel=duplicate", &[]);
        check("<http://m.example/f>; rel=duplicate; anchor=\"/other\"", &[]);
        check("<http://here.example/dir/file?x=1>; rel=duplicate", &[]);
        check("<>; rel=duplicate", &[]);
        check("http://m.example/f; rel=duplicate", &[]);
        check("<http://m.example/f; rel=duplicate", &[]);
        check("<http://m.example/f>; rel=\"duplicate", &[]);
        check("<http://m.example/f> rel=duplicate", &[]);
        check("", &[]);
    }

    #[test]
    fn what_cannot_be_read_ends_its_line_and_no_other() {
        let good = "<http://m.example/f>; rel=duplicate";
        let lines = [
            "<http://l.example/>; rel=duplicate, nonsense, <http://n.example/>; rel=duplicate",
            good,
        ];
        let expect =
            ["http://l.example/", "http://m.example/f"].map(|url| (url.to_owned(), 999_999));
        assert_eq!(found(HERE, &lines, false), expect);
    }

    #[test]
    fn a_priority_outside_its_bounds_is_the_last() {
        for text in ["0", "1000000", "-1", "x", "", "99999999999999999999"] {
            check(
                &format!("<http://m.example/f>; rel=duplicate; pri={text}"),
                &[("http://m.example/f", 999_999)],
            );
        }
    }

    #[test]
    fn links_are_held_to_the_rules_of_redirects() {
        let one = |here: &str, to: &str, public_only| {
            found(here, &[&format!("<{to}>; rel=duplicate")], public_only).len()
        };
        for refused in
            ["ftp://m.example/", "file:///etc/passwd", "http://u:p@m.example/", "http://"]
        {
            assert_eq!(one(HERE, refused, false), 0, "{refused}");
        }
        assert_eq!(one("https://here.example/", "http://m.example/", false), 0, "to http");
        assert_eq!(one("https://here.example/", "https://m.example/", false), 1);
        for inside in ["http://10.0.0.1/", "http://0x7f.1/", "http://[::1]/", "http://localhost/"] {
            assert_eq!(one(HERE, inside, true), 0, "{inside} from a public address");
            assert_eq!(one(HERE, inside, false), 1, "{inside} from inside");
        }
        let long = format!("http://m.example/{}", "x".repeat(URL_CHARS_MAX));
        assert_eq!(one(HERE, &long, false), 0, "too long");
    }

    #[test]
    fn the_best_sixteen_are_taken_each_once() {
        let link = |n: usize| format!("<http://m{n}.example/>; rel=duplicate; pri={}", 100 - n);
        let line = |count| (0..count).map(link).collect::<Vec<_>>().join(", ");
        let best = found(HERE, &[&line(20), &line(20)], false);
        assert_eq!(best.len(), DUPLICATES_MAX);
        assert_eq!(best[0], ("http://m19.example/".to_owned(), 81));
        let urls: std::collections::BTreeSet<_> = best.iter().map(|(url, _)| url).collect();
        assert_eq!(urls.len(), DUPLICATES_MAX);
        let repeated =
            "<http://m.example/>; rel=duplicate; pri=9, <http://m.example/>; rel=duplicate; pri=3";
        check(repeated, &[("http://m.example/", 3)]);
        let mut many = "<http://x.example/>; rel=next,".repeat(LINKS_READ_MAX);
        many.push_str("<http://m.example/>; rel=duplicate");
        check(&many, &[]);
    }

    proptest! {
        /// Whatever a server writes, what is taken from it is bounded, and leads nowhere that a
        /// redirect may not lead.
        #[test]
        fn no_link_leads_anywhere_else(
            line in prop_oneof![
                any::<String>(),
                "(<[a-z:/@.0-9\\[\\]]{0,24}>;? ?(rel=\"?(x )?duplicate\"?)?;?(pri=[0-9]{0,3})?,? ?){0,30}",
            ],
            secure: bool,
            public_only: bool,
        ) {
            let Ok(value) = HeaderValue::from_bytes(line.as_bytes()) else { return Ok(()) };
            let here: Url = if secure { "https://a.example/" } else { "http://a.example/" }.parse().unwrap();
            let headers = [(LINK, value)].into_iter().collect();
            let found = duplicates(&here, &headers, public_only);
            prop_assert!(found.len() <= DUPLICATES_MAX);
            for Duplicate { url, .. } in found {
                prop_assert!(redirect::is_web(&url) && url != here);
                prop_assert!(!secure || url.scheme() == "https");
                let reach = literal_reach(&url);
                prop_assert!(!public_only || reach.is_none_or(|reach| reach.is_public()));
            }
        }
    }
}
