//! Where a redirect leads, and whether we go there (RFC 9110 §15.4).
//!
//! Pure: only texts are judged here. Addresses are judged where connections are made, and the
//! caller's secrets are dropped by whoever follows, at the first change of [`url::Url::origin`].

use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use url::Url;

/// Why a redirect is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectFault {
    /// No `Location`, or an empty one.
    #[error("it redirected without saying where to")]
    Nowhere,
    /// More than one `Location`.
    #[error("it redirected to several places at once")]
    Several,
    /// A `Location` that is no URL.
    #[error("it redirected to something that is no URL")]
    Unreadable,
    /// To another scheme than http and https.
    #[error("a redirect may only lead to http or https")]
    Scheme,
    /// From https to http, and the request does not allow that.
    #[error("a redirect from https may not lead to http")]
    Downgrade,
    /// To a URL with a user name or password, which would be the redirecting side's, not the
    /// caller's.
    #[error("a redirect may not bring credentials along")]
    Credentials,
}

impl RedirectFault {
    /// Every one of them.
    pub const ALL: [RedirectFault; 6] = [
        RedirectFault::Nowhere,
        RedirectFault::Several,
        RedirectFault::Unreadable,
        RedirectFault::Scheme,
        RedirectFault::Downgrade,
        RedirectFault::Credentials,
    ];

    /// Whether it could be followed and we refuse; else the origin is at fault.
    pub fn is_refusal(self) -> bool {
        match self {
            RedirectFault::Nowhere | RedirectFault::Several | RedirectFault::Unreadable => false,
            RedirectFault::Scheme | RedirectFault::Downgrade | RedirectFault::Credentials => true,
        }
    }
}

/// Whether a reply with this status sends us on. 300 offers a choice, 304 answers a question that we
/// never ask, 305 and 306 are retired: they are not followed.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where the reply from `current` sends us, without a fragment.
pub(super) fn target(
    current: &Url,
    headers: &HeaderMap,
    allow_downgrade: bool,
) -> Result<Url, RedirectFault> {
    let mut locations = headers.get_all(LOCATION).iter();
    let location = locations.next().ok_or(RedirectFault::Nowhere)?;
    if locations.next().is_some() {
        return Err(RedirectFault::Several);
    }
    let text = str::from_utf8(location.as_bytes()).map_err(|_| RedirectFault::Unreadable)?.trim();
    if text.is_empty() {
        return Err(RedirectFault::Nowhere);
    }
    let mut target = current.join(text).map_err(|_| RedirectFault::Unreadable)?;
    target.set_fragment(None);
    check(current, &target, allow_downgrade)?;
    Ok(target)
}

/// Whether a reply from `current` may name `target` as a place to ask.
pub(super) fn check(
    current: &Url,
    target: &Url,
    allow_downgrade: bool,
) -> Result<(), RedirectFault> {
    if !is_web(target) {
        return Err(RedirectFault::Scheme);
    }
    if !target.username().is_empty() || target.password().is_some() {
        return Err(RedirectFault::Credentials);
    }
    if current.scheme() == "https" && target.scheme() == "http" && !allow_downgrade {
        return Err(RedirectFault::Downgrade);
    }
    Ok(())
}

/// Whether the URL is one that this source can fetch at all.
pub(super) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(locations: &[&str]) -> HeaderMap {
        let value = |text: &&str| HeaderValue::from_bytes(text.as_bytes()).unwrap();
        locations.iter().map(|text| (LOCATION, value(text))).collect()
    }

    #[track_caller]
    fn check(from: &str, location: &str, expect: Result<&str, RedirectFault>) {
        let got = target(&from.parse().unwrap(), &headers(&[location]), false);
        assert_eq!(got.as_ref().map(Url::as_str), expect.as_ref().map(|text| *text), "{location}");
    }

    #[test]
    fn any_way_of_naming_a_place_is_followed() {
        for (location, expect) in [
            ("http://b.example/x", "http://b.example/x"),
            ("https://a.example/x", "https://a.example/x"),
            ("//b.example/x", "http://b.example/x"),
            ("/x", "http://a.example/x"),
            ("x", "http://a.example/dir/x"),
            ("?q=1", "http://a.example/dir/file?q=1"),
            ("../x", "http://a.example/x"),
            ("/x#part", "http://a.example/x"),
            ("  /x  ", "http://a.example/x"),
            ("/ä b", "http://a.example/%C3%A4%20b"),
            ("HTTP://B.EXAMPLE:80/", "http://b.example/"),
            ("http://2130706433/", "http://127.0.0.1/"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://0177.0.0.1/", "http://127.0.0.1/"),
            ("http://[::ffff:7f00:1]/", "http://[::ffff:7f00:1]/"),
            ("\\\\b.example\\x", "http://b.example/x"),
        ] {
            check("http://a.example/dir/file?old", location, Ok(expect));
        }
    }

    #[test]
    fn only_the_web_is_followed() {
        for location in [
            "file:///etc/passwd",
            "ftp://b.example/",
            "gopher://b.example/",
            "data:text/plain,x",
            "javascript:alert(1)",
            "unix:/run/x",
            "about:blank",
        ] {
            check("http://a.example/", location, Err(RedirectFault::Scheme));
        }
    }

    #[test]
    fn https_is_not_left_unless_allowed() {
        let from = "https://a.example/";
        check(from, "http://a.example/", Err(RedirectFault::Downgrade));
        check(from, "//b.example/", Ok("https://b.example/"));
        let plain = headers(&["http://a.example/"]);
        assert!(target(&from.parse().unwrap(), &plain, true).is_ok());
    }

    #[test]
    fn nobody_elses_credentials_are_taken_along() {
        for location in [
            "http://user@b.example/",
            "http://user:pw@b.example/",
            "http://:pw@b.example/",
            "//user@b.example/",
        ] {
            check("http://a.example/", location, Err(RedirectFault::Credentials));
        }
    }

    #[test]
    fn a_redirect_must_say_where_to_and_only_once() {
        check("http://a.example/", "", Err(RedirectFault::Nowhere));
        check("http://a.example/", "   ", Err(RedirectFault::Nowhere));
        check("http://a.example/", "http://[::1/", Err(RedirectFault::Unreadable));
        check("http://a.example/", "http://", Err(RedirectFault::Unreadable));
        check("http://a.example/", "http://b.example:99999/", Err(RedirectFault::Unreadable));
        let from: Url = "http://a.example/".parse().unwrap();
        assert_eq!(target(&from, &headers(&[]), false), Err(RedirectFault::Nowhere));
        assert_eq!(target(&from, &headers(&["/x", "/x"]), false), Err(RedirectFault::Several));
        let mut latin = HeaderMap::new();
        latin.insert(LOCATION, HeaderValue::from_bytes(b"/\xe4").unwrap());
        assert_eq!(target(&from, &latin, false), Err(RedirectFault::Unreadable));
    }

    proptest! {
        /// Whatever a Location says, what is followed is a web URL without credentials, and never
        /// less safe than where it came from.
        #[test]
        fn no_location_leads_anywhere_else(
            location in prop_oneof![
                any::<String>(),
                "(https?|ftp|file|HTTP|javascript)?:?[/\\\\]{0,3}[a-z0-9@:.\\[\\]%]{0,20}[/?#a-z]{0,9}",
            ],
            secure: bool,
        ) {
            let from: Url = if secure { "https://a.example/d/f" } else { "http://a.example/d/f" }
                .parse()
                .unwrap();
            let Ok(value) = HeaderValue::from_bytes(location.as_bytes()) else { return Ok(()) };
            let headers = [(LOCATION, value)].into_iter().collect();
            if let Ok(to) = target(&from, &headers, false) {
                prop_assert!(is_web(&to) && to.fragment().is_none());
                prop_assert!(to.username().is_empty() && to.password().is_none());
                prop_assert!(!secure || to.scheme() == "https");
            }
        }
    }

    #[test]
    fn exactly_five_statuses_send_us_on() {
        let followed: Vec<u16> = (100..600)
            .filter(|status| is_redirect(StatusCode::from_u16(*status).unwrap()))
            .collect();
        assert_eq!(followed, [301, 302, 303, 307, 308]);
    }
}
