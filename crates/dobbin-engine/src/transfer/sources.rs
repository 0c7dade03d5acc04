//! Where the bytes of a file may be asked for: its own URL, and others that are said to lead to the same.

use std::sync::Arc;

use dobbin_core::cache::{Failure, Turn};
use dobbin_core::job::Trouble;
use dobbin_core::source::share::{Share, SourceId};
use dobbin_net::http::{Duplicate, FetchError, literal_reach};
use dobbin_types::{ErrorCode, SourceKind};
use http::{HeaderName, HeaderValue};
use url::Url;

use super::ledger::SourceName;
use super::order::Order;
use super::trouble::fatal;
use crate::cache_hosts::{SharedWay, Way};

/// One of a file's sources, as it is asked.
#[derive(Clone)]
pub(super) struct Address {
    /// As whoever named it wrote it: the name under which origins' marks are kept.
    pub(super) text: Arc<str>,
    /// The same, read; over a cache host, where one is asked for it.
    pub(super) url: Url,
    /// As people may see it.
    pub(super) name: SourceName,
    /// Secrets of the caller; for its own URL alone, there or over a cache host.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether it was a public address that named it.
    from_public: bool,
}

impl Address {
    fn new(kind: SourceKind, text: Arc<str>, url: Url) -> Address {
        let name = SourceName::new(kind, &url);
        Address { text, url, name, headers: Vec::new(), from_public: false }
    }

    /// Its host, for people and for counting connections.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether two addresses are of one origin: then a mark of a version means the same at both.
    pub(super) fn is_same_origin(&self, other: &str) -> bool {
        Url::parse(other).is_ok_and(|other| other.origin() == self.url.origin())
    }
}

/// The sources of one file.
pub(super) struct Sources {
    list: Vec<Address>,
    /// How each of them does.
    pub(super) share: Share,
    /// Headers that are sent once the origin has asked for them: secrets.
    auth_headers: Vec<(String, String)>,
    /// Whether a stranger named all of the URLs, so that only public addresses may be asked.
    public_only: bool,
    /// Whether the own URL's host is public; `None` before it has answered.
    own_is_public: Option<bool>,
    /// The own URL, whoever is asked for it.
    own_url: Url,
    /// Over which cache hosts it is asked for, if there are any.
    way: Option<SharedWay>,
    /// Whether one of them is asked now.
    is_via_cache: bool,
}

impl Sources {
    /// Those that the order names. Further URLs that cannot be read are left out; the own one must be
    /// right.
    pub(super) fn new(order: &mut Order) -> Result<Sources, Trouble> {
        let text = order.source.url();
        let mut own = Address::new(SourceKind::Origin, Arc::clone(&text), read(&text)?);
        own.headers = parsed(&order.headers).collect();
        let mut list = vec![own];
        let further = order.file.mirrors.iter().enumerate();
        list.extend(further.filter_map(|(index, text)| {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            let url = Url::parse(text).ok()?;
            Some(Address::new(SourceKind::Mirror { number }, text.as_str().into(), url))
        }));
        let share = Share::new(list.len());
        list.truncate(share.len());
        let auth_headers = std::mem::take(&mut order.auth_headers);
        let public_only = order.file.public_only;
        let mut sources = Sources {
            own_url: list[0].url.clone(),
            list,
            share,
            auth_headers,
            public_only,
            own_is_public: None,
            way: order.way.take(),
            is_via_cache: false,
        };
        sources.set_out();
        Ok(sources)
    }

    /// Decides whether a cache host is asked for the own URL from here on, and which.
    fn set_out(&mut self) {
        let via = self.way.as_ref().and_then(|way| way.next(&self.own_url));
        self.is_via_cache = via.is_some();
        let kind = if self.is_via_cache { SourceKind::CacheHost } else { SourceKind::Origin };
        let own = &mut self.list[0];
        own.url = via.unwrap_or_else(|| self.own_url.clone());
        own.name = SourceName::new(kind, &own.url);
    }

    /// Whether a cache host is asked for the own URL. Nobody else is then.
    pub(super) fn is_via_cache(&self) -> bool {
        self.is_via_cache
    }

    /// The own URL, whoever is asked for it.
    pub(super) fn own_url(&self) -> &Url {
        &self.own_url
    }

    /// Bytes came for the own URL.
    pub(super) fn served(&self) {
        if let Some(way) = &self.way {
            way.served();
        }
    }

    /// The cache host failed. Where the origin is to be asked at once, it is from here on.
    pub(super) fn cache_failed(&mut self, failure: Failure) -> Turn {
        self.turn(|way, url| way.cache_failed(url, failure))
    }

    /// What came from a cache host, in this transfer or an earlier one, is not the file.
    pub(super) fn distrust_cache(&mut self) -> Turn {
        self.turn(|way, _| way.distrust())
    }

    /// The origin, or a mirror of its, ended an attempt.
    pub(super) fn origin_failed(&self) {
        if let Some(way) = &self.way {
            way.origin_failed(&self.own_url);
        }
    }

    fn turn(&mut self, decide: impl FnOnce(&Way, &Url) -> Turn) -> Turn {
        let turn = self.way.as_ref().map_or(Turn::Origin, |way| decide(way, &self.own_url));
        if turn == Turn::Origin && self.is_via_cache {
            self.set_out();
        }
        turn
    }

    /// One of them.
    pub(super) fn get(&self, id: SourceId) -> &Address {
        // The own URL is always there; other ids come from `share`, which has no more than the list.
        self.list.get(id.0).unwrap_or(&self.list[0])
    }

    /// Whether this is the text of a further URL.
    pub(super) fn is_further(&self, text: &str) -> bool {
        self.list[1..].iter().any(|address| *address.text == *text)
    }

    /// The owner may have named another URL since the last request. What is had stays until the new
    /// origin has said what its file is.
    pub(super) fn follow(&mut self, text: Arc<str>) -> Result<(), Trouble> {
        let own = &mut self.list[0];
        if text != own.text {
            self.own_url = read(&text)?;
            own.text = text;
            self.own_is_public = None;
            self.set_out();
        }
        Ok(())
    }

    /// The own URL answered, from a public address or from another one.
    pub(super) fn own_answered(&mut self, from_public: bool) {
        self.own_is_public = Some(from_public);
    }

    /// Whether only public addresses may be asked for it: a list of further URLs must not lead from a
    /// public address to one that means something here alone. A cache host may be anywhere, because the
    /// administrator named it.
    pub(super) fn is_public_only(&self, id: SourceId) -> bool {
        if id.is_own() {
            return self.public_only && !self.is_via_cache;
        }
        self.public_only || self.get(id).from_public || self.is_own_public()
    }

    /// Whether what a source says counts as said by a public address: what a cache host passes on are the
    /// words of the origin.
    pub(super) fn speaks_for_public(&self, id: SourceId) -> bool {
        id.is_own() && self.is_via_cache && (self.public_only || self.is_own_public())
    }

    /// As long as the own URL's address is unknown it counts as public.
    fn is_own_public(&self) -> bool {
        let by_text = || literal_reach(&self.own_url).is_none_or(|reach| reach.is_public());
        self.own_is_public.unwrap_or_else(by_text)
    }

    /// An origin said where else its file is.
    pub(super) fn join(&mut self, duplicates: Vec<Duplicate>) {
        for duplicate in duplicates {
            let text: Arc<str> = duplicate.url.as_str().into();
            let is_known = self.own_url == duplicate.url
                || self.list.iter().any(|known| known.url == duplicate.url);
            if is_known || self.share.join().is_none() {
                continue;
            }
            let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
            let mut address = Address::new(SourceKind::Mirror { number }, text, duplicate.url);
            address.from_public = duplicate.public_only;
            self.list.push(address);
        }
    }

    /// Whether the origin wants to know who asks, and the caller has said that it may: then the same
    /// request goes out again, with those headers (`HttpCustomAuthHeaders`). Once only: an origin
    /// that asks again did not like them. They are for the origin: no cache host is told them.
    pub(super) fn is_asked_who(&mut self, id: SourceId, error: &FetchError) -> bool {
        if !id.is_own() || self.is_via_cache || !matches!(error.http_status, Some(401 | 407)) {
            return false;
        }
        let auth = std::mem::take(&mut self.auth_headers);
        self.list[0].headers.extend(parsed(&auth));
        !auth.is_empty()
    }
}

/// Headers as they are sent. All were checked at the door.
fn parsed(headers: &[(String, String)]) -> impl Iterator<Item = (HeaderName, HeaderValue)> + '_ {
    headers.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
}

/// A URL that was checked when it was given.
fn read(address: &str) -> Result<Url, Trouble> {
    Url::parse(address).map_err(|error| fatal(ErrorCode::INET_E_INVALID_URL, error.to_string()))
}
