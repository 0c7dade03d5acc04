//! Files that can be had at several places, on the real engine: what an origin's word on its file is
//! worth, whom it may send us to, and what becomes of mirrors that are dead or lie.

#![allow(clippy::unwrap_used)]

mod site;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use dobbin_engine::{CacheSettings, Wish};
use dobbin_lab::origin::{Answer, Content, End, Origin, Plan, Route, Version, When};
use dobbin_net::http::{Network, Pending};
use dobbin_types::phf::{digest_to_base64, digest_to_hex};
use dobbin_types::rest::{AddFile, JobInfo};
use dobbin_types::{ErrorCode, JobState};
use site::{Site, file};
use tokio::net::TcpStream;

const MIB: u64 = 1024 * 1024;

/// The file of every test.
const FILE: Content = Content::new(0x3177, 3 * MIB);

/// Nobody listens there.
const DEAD: &str = "http://127.0.0.1:1/f";

/// The header by which an origin says that its file is this one.
fn digest_of(content: Content) -> Answer {
    Answer::Field("Repr-Digest", format!("sha-256=:{}:", digest_to_base64(&content.sha256())))
}

/// The header by which it says that the file is also there.
fn also_at(url: &str) -> Answer {
    Answer::Field("Link", format!("<{url}>; rel=duplicate; pri=1"))
}

fn serving(route: Route) -> Origin {
    Origin::start(Plan::new().route("/f", route))
}

/// A server that has another file of the same size.
fn liar() -> Origin {
    serving(Route::honest(FILE.changed()))
}

fn good() -> Origin {
    serving(Route::honest(FILE))
}

/// Requests that an origin answered.
fn asked(origin: &Origin) -> usize {
    origin.requests().len()
}

impl Site {
    /// Fetches this and waits for the first rest. A file that arrives must be the right one.
    #[track_caller]
    fn fetch(&self, file: AddFile) -> JobInfo {
        let out = file.local_name.clone().unwrap();
        let job = self.create(vec![file]);
        self.wish(job, Wish::Resume).unwrap();
        let rest = [JobState::Transferred, JobState::Error, JobState::TransientError];
        let info = self.wait(job, &rest);
        if info.state == JobState::Transferred {
            self.wish(job, Wish::Complete).unwrap();
            assert!(std::fs::read(&out).unwrap() == FILE.all(), "other bytes");
        } else {
            self.wish(job, Wish::Cancel).unwrap();
            assert!(!std::path::Path::new(&out).exists());
        }
        info
    }

    /// A file at these places, the first of which is its own.
    fn at(&self, urls: &[String]) -> AddFile {
        let mirrors = urls[1..].to_vec();
        let sha256 = Some(digest_to_hex(&FILE.sha256()));
        AddFile { mirrors, sha256, ..file(urls[0].clone(), &self.path("out")) }
    }
}

fn code(info: &JobInfo) -> Option<ErrorCode> {
    info.error.as_ref().map(|error| error.code)
}

#[test]
fn a_right_digest_costs_nothing() {
    let site = Site::new();
    let origin = serving(Route::honest(FILE).always(digest_of(FILE)));
    let info = site.fetch(file(origin.url("/f"), &site.path("out")));
    assert_eq!(info.state, JobState::Transferred);
    assert!(origin.requests().iter().map(|one| one.body_sent_bytes).sum::<u64>() < 2 * 3 * MIB);
}

#[test]
fn a_file_that_came_damaged_is_fetched_once_more() {
    let site = Site::new();
    let route = Route::honest(FILE).always(digest_of(FILE));
    let origin = serving(route.when(When::First(1), Version::NewBytes));
    let info = site.fetch(file(origin.url("/f"), &site.path("out")));
    assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
    assert!(asked(&origin) >= 2);
}

/// The header is what is wrong there: nobody asked for the check, and everybody else gets the file.
#[test]
fn a_digest_that_is_wrong_twice_of_the_same_bytes_is_not_believed() {
    let site = Site::new();
    let origin = serving(Route::honest(FILE).always(digest_of(FILE.changed())));
    let info = site.fetch(file(origin.url("/f"), &site.path("out")));
    assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
    let sent: u64 = origin.requests().iter().map(|one| one.body_sent_bytes).sum();
    assert!((2 * 3 * MIB..3 * 3 * MIB).contains(&sent), "{sent}");
}

#[test]
fn a_file_with_other_bytes_each_time_is_an_error() {
    let site = Site::new();
    let another = Answer::Bytes(Content::new(5, FILE.size()).all());
    let route = Route::honest(FILE).always(digest_of(FILE));
    let route = route.when(When::First(1), another).when(When::After(1), Version::NewBytes);
    let origin = serving(route);
    let info = site.fetch(file(origin.url("/f"), &site.path("out")));
    assert_eq!(code(&info), Some(ErrorCode::DO_E_BAD_PIECE_HASH), "{info:?}");
    assert_eq!(info.state, JobState::Error);
}

#[test]
fn the_callers_hash_is_worth_more_than_the_origins_word() {
    let site = Site::new();
    let origin = serving(Route::honest(FILE).always(digest_of(FILE.changed())));
    let info = site.fetch(site.at(&[origin.url("/f")]));
    assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
    assert!(origin.requests().iter().map(|one| one.body_sent_bytes).sum::<u64>() < 2 * 3 * MIB);
}

/// An origin that breaks off after a while and is gone then, but has said where else its file is.
fn breaking(say: impl IntoIterator<Item = Answer>) -> Origin {
    let route = say.into_iter().fold(Route::honest(FILE), Route::always);
    let route = route.when(When::First(1), End::FinAfter(MIB + 5));
    serving(route.when(When::After(1), Answer::Status(503)))
}

#[test]
fn where_an_origin_names_a_hash_and_another_place_that_place_goes_on() {
    let site = Site::new();
    let other = good();
    let origin = breaking([digest_of(FILE), also_at(&other.url("/f"))]);
    let info = site.fetch(file(origin.url("/f"), &site.path("out")));
    assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
    assert!(asked(&other) > 0);
}

/// RFC 6249: links without a digest of the whole file are to be ignored.
#[test]
fn without_a_hash_nobody_goes_to_another_place() {
    let site = Site::new();
    let other = good();
    let origin = breaking([also_at(&other.url("/f"))]);
    let info = site.fetch(file(origin.url("/f"), &site.path("out")));
    assert_eq!(info.state, JobState::TransientError);
    assert_eq!(asked(&other), 0);
}

#[test]
fn a_dead_a_lying_and_a_good_mirror_make_the_right_file() {
    let site = Site::new();
    let (liar, good) = (liar(), good());
    let urls = [DEAD.to_owned(), liar.url("/f"), good.url("/f")];
    let info = site.fetch(site.at(&urls));
    assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
    assert!(asked(&liar) > 0 && asked(&good) > 0, "both were tried");
}

#[test]
fn an_own_url_that_has_another_file_is_not_the_end() {
    let site = Site::new();
    let (liar, good) = (liar(), good());
    let info = site.fetch(site.at(&[liar.url("/f"), good.url("/f")]));
    assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
}

#[test]
fn when_all_lie_that_is_an_error_and_soon() {
    let site = Site::new();
    let liars: Vec<Origin> = (0..9).map(|_| liar()).collect();
    let urls: Vec<String> = liars.iter().map(|liar| liar.url("/f")).collect();
    let info = site.fetch(site.at(&urls));
    assert_eq!(code(&info), Some(ErrorCode::DO_E_BAD_PIECE_HASH), "{info:?}");
    assert_eq!(info.state, JobState::Error);
    let sent = liars.iter().flat_map(Origin::requests).map(|one| one.body_sent_bytes);
    assert!(sent.sum::<u64>() < 6 * FILE.size(), "a list of liars has an end");
    // One lies, and whoever else is named is dead: no reason to fetch the lie again and again.
    let urls = [liars[0].url("/f"), DEAD.to_owned()];
    let info = site.fetch(site.at(&urls));
    assert_eq!((info.state, code(&info)), (JobState::Error, Some(ErrorCode::DO_E_BAD_PIECE_HASH)));
}

#[test]
fn what_a_stranger_named_is_asked_at_public_addresses_only() {
    let site = Site::new();
    let inside = good();
    let named = AddFile { public_only: true, ..site.at(&[inside.url("/f"), inside.url("/f?2")]) };
    let info = site.fetch(named);
    assert_eq!((info.state, code(&info)), (JobState::Error, Some(ErrorCode::E_ACCESSDENIED)));
    assert_eq!(asked(&inside), 0);
}

/// Names that have public addresses, answered by listeners of this machine.
struct Pretend(HashMap<&'static str, SocketAddr>);

impl Network for Pretend {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        let found = self.0.get(host).map(|real| {
            // The listener's port tells the names apart again.
            vec![SocketAddr::from(([93, 184, 216, 34], real.port()))]
        });
        let _ = port;
        Box::pin(async move { found.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }

    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<TcpStream>> {
        let real = SocketAddr::from(([127, 0, 0, 1], address.port()));
        Box::pin(TcpStream::connect(real))
    }
}

#[test]
fn a_public_origin_never_sends_us_inside() {
    let (inside, outside) = (good(), good());
    let origin = breaking([
        digest_of(FILE),
        also_at(&inside.url("/f")),
        also_at("http://localhost:1/f"),
        also_at("http://inside.test/f"),
        also_at("http://outside.test/f"),
    ]);
    let names =
        HashMap::from([("origin.test", origin.address()), ("outside.test", outside.address())]);
    let site = Site::with(|http| http.network = Arc::new(Pretend(names)));
    let info = site.fetch(file("http://origin.test/f".to_owned(), &site.path("out")));
    assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
    assert!(asked(&outside) > 0);
    assert_eq!(asked(&inside), 0);
}

/// The same for mirrors that the caller names: the list may be a stranger's.
#[test]
fn mirrors_of_a_public_url_are_public_too() {
    let (inside, origin) = (good(), breaking([]));
    let names = HashMap::from([("origin.test", origin.address())]);
    let site = Site::with(|http| http.network = Arc::new(Pretend(names)));
    let urls = ["http://origin.test/f".to_owned(), inside.url("/f")];
    let info = site.fetch(site.at(&urls));
    assert_eq!(info.state, JobState::TransientError);
    assert_eq!(asked(&inside), 0);
}

/// The administrator named it, so it may be private; but what it passes on are its origin's words, and
/// a public origin sends nobody inside.
#[test]
fn a_private_cache_host_serves_what_is_public_and_leads_nowhere_inside() {
    let inside = good();
    let leads = Answer::Redirect(302, vec![inside.url("/f")]);
    for (route, asked_of_origin) in
        [(Route::honest(FILE), 0), (Route::honest(FILE).always(leads), 2)]
    {
        let (cache, origin) = (serving(route), good());
        let names = HashMap::from([("origin.test", origin.address())]);
        let site = Site::with(|http| http.network = Arc::new(Pretend(names)));
        let hosts = cache.address().to_string().parse().unwrap();
        site.handle().set_cache_hosts(CacheSettings { hosts, ..CacheSettings::default() });
        for (name, public_only) in [("named", false), ("from-a-list", true)] {
            let file = file("http://origin.test/f".to_owned(), &site.path(name));
            let info = site.fetch(AddFile { public_only, ..file });
            assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
        }
        assert_eq!((asked(&cache), asked(&origin)), (2, asked_of_origin));
    }
    assert_eq!(asked(&inside), 0);
}
