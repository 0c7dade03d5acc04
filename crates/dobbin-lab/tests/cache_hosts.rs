//! Files that come over a cache host, on the real engine: what it is asked, when its origin is asked
//! instead, and who is left alone for how long. What takes minutes is tested in core.

#![allow(clippy::unwrap_used)]

mod site;

use std::time::Duration;

use aws_lc_rs::digest;
use dobbin_engine::{CacheSettings, Fallback, Recover, Wish};
use dobbin_lab::origin::{
    Answer, Content, End, Identity, Origin, Pace, Plan, Route, Version, When,
};
use dobbin_net::http::{StallRule, certificates_from_pem};
use dobbin_types::phf::{Digest, Phf, digest_to_base64, digest_to_hex};
use dobbin_types::rest::{AddFile, FileStats, FileWhy, JobInfo, PieceHashes};
use dobbin_types::{Discard, ErrorCode, FileNumber, JobId, JobState, Reason, SourceKind};
use site::{Site, file, me};

const MIB: u64 = 1024 * 1024;

/// The file of every test.
const FILE: Content = Content::new(0xCAC8E, 3 * MIB);

const PIECE: u32 = 256 * 1024;

/// How long anything may take. It only costs time when a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Nobody listens there.
const DEAD: &str = "127.0.0.1:1";

const LONG: Fallback = Fallback::After(Duration::from_secs(3_600));

fn serving(route: Route) -> Origin {
    Origin::start(Plan::new().route("/f", route))
}

fn good() -> Origin {
    serving(Route::honest(FILE))
}

fn failing(status: u16) -> Origin {
    serving(Route::honest(FILE).always(Answer::Status(status)))
}

/// The same, and after so many requests it wants to be left in peace for longer than a test runs.
fn failing_for_long(status: u16, request: u32) -> Origin {
    let patience = Answer::RetryAfter("3600".into());
    let route = Route::honest(FILE).always(Answer::Status(status));
    serving(route.when(When::After(request), patience))
}

/// A server with another file of the same size, and of the same version as it says.
fn liar() -> Origin {
    serving(Route::honest(FILE).always(Version::NewBytes))
}

/// One that breaks off after a third of the file and is in trouble from then on.
fn breaking(route: Route) -> Origin {
    let route = route.when(When::First(1), End::FinAfter(MIB));
    serving(route.when(When::After(1), Answer::Status(503)))
}

fn place(origin: &Origin) -> String {
    origin.address().to_string()
}

/// How often it was asked.
fn asked(origin: &Origin) -> usize {
    origin.requests().len()
}

/// The same server under another name.
fn by_name(origin: &Origin) -> String {
    format!("http://localhost:{}/f", origin.address().port())
}

/// Hashes of its pieces, which must be right.
fn hashes_of(content: Content) -> Option<PieceHashes> {
    let pieces = content.all().chunks(PIECE as usize).map(sha256).collect();
    let phf = Phf::new(content.size(), PIECE, pieces, sha256).unwrap();
    Some(PieceHashes {
        text: Some(phf.text()),
        hash_of_hashes: Some(digest_to_base64(phf.hash_of_hashes())),
        mandatory: true,
        ..PieceHashes::default()
    })
}

fn sha256(bytes: &[u8]) -> Digest {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().unwrap()
}

impl Site {
    /// A site with these cache hosts.
    fn over(hosts: &str, fallback: Fallback) -> Site {
        let site = Site::new();
        site.set_cache(hosts, fallback);
        site
    }

    fn set_cache(&self, hosts: &str, fallback: Fallback) {
        let hosts = hosts.parse().unwrap();
        self.handle().set_cache_hosts(CacheSettings { hosts, fallback });
    }

    fn one(&self, url: String) -> AddFile {
        file(url, &self.path("out"))
    }

    /// Fetches this and waits for the first rest. A file that arrives must be the right one.
    #[track_caller]
    fn fetch(&self, file: AddFile) -> (JobId, JobInfo) {
        let job = self.create(vec![file]);
        self.wish(job, Wish::Resume).unwrap();
        (job, self.arrived(job))
    }

    #[track_caller]
    fn arrived(&self, job: JobId) -> JobInfo {
        let rest = [JobState::Transferred, JobState::Error, JobState::TransientError];
        self.wait(job, &rest)
    }

    /// Fetches this, which must arrive.
    #[track_caller]
    fn get(&self, mut file: AddFile) -> FileWhy {
        file.replace = true;
        let out = file.local_name.clone().unwrap();
        let (job, info) = self.fetch(file);
        assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
        let told = self.why(job);
        self.wish(job, Wish::Complete).unwrap();
        assert!(std::fs::read(out).unwrap() == FILE.all(), "other bytes");
        told
    }

    fn why(&self, job: JobId) -> FileWhy {
        self.runtime.block_on(self.handle().file_why(me(), job, FileNumber(0))).unwrap()
    }

    fn stats(&self, job: JobId) -> FileStats {
        self.runtime.block_on(self.handle().file_stats(me(), job, FileNumber(0))).unwrap()
    }
}

/// Whom the file's requests asked, in their order.
fn kinds(told: &FileWhy) -> Vec<SourceKind> {
    told.requests.iter().map(|request| request.source.kind).collect()
}

fn code(info: &JobInfo) -> Option<ErrorCode> {
    info.error.as_ref().map(|error| error.code)
}

/// conformance: cache-host rewrite, cache-host figures
#[test]
fn a_cache_host_is_asked_as_the_origin_would_be_and_the_origin_is_not() {
    let (cache, origin) = (good(), good());
    let site = Site::over(&place(&cache), Fallback::AtOnce);
    let (job, info) = site.fetch(site.one(format!("{}?x=1", origin.url("/f"))));
    assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
    assert_eq!(cache.requests()[0].request.target, "/f?x=1&cacheHostOrigin=127.0.0.1");
    assert_eq!(cache.requests()[0].request.field("host"), Some(place(&cache).as_str()));
    assert_eq!(asked(&origin), 0);
    assert_eq!(kinds(&site.why(job)), [SourceKind::CacheHost]);
    let stats = site.stats(job);
    assert_eq!((stats.bytes_from_doinc, stats.bytes_from_http), (3 * MIB, 3 * MIB));
    assert_eq!(stats.total_bytes_downloaded, 3 * MIB);
    site.wish(job, Wish::Complete).unwrap();
    assert!(std::fs::read(site.path("out")).unwrap() == FILE.all());
}

/// However slow it is: more connections go there and nowhere else.
#[test]
fn mirrors_are_spared_too() {
    let large = Content::new(0x1A6E, 24 * MIB);
    let slow = Route::honest(large).always(Pace::RatePerConnection(4 * MIB));
    let (cache, origin) = (serving(slow), serving(Route::honest(large)));
    let mirror = serving(Route::honest(large));
    let site = Site::over(&place(&cache), Fallback::AtOnce);
    let sha256 = Some(digest_to_hex(&large.sha256()));
    let mirrors = vec![mirror.url("/f")];
    let (_, info) = site.fetch(AddFile { mirrors, sha256, ..site.one(origin.url("/f")) });
    assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
    assert_eq!((asked(&origin), asked(&mirror)), (0, 0));
    assert!(asked(&cache) > 1);
}

/// conformance: cache-host fallback, cache-host bans
#[test]
fn one_that_is_down_sends_a_file_to_its_origin_at_once_and_no_other_file_asks_it() {
    let origin = good();
    let site = Site::over(DEAD, Fallback::AtOnce);
    let told = site.get(site.one(origin.url("/f")));
    assert_eq!(kinds(&told), [SourceKind::CacheHost, SourceKind::Origin]);
    assert_eq!(told.requests[1].reason, Reason::AfterFailure);
    assert_eq!(kinds(&site.get(site.one(by_name(&origin)))), [SourceKind::Origin]);
}

/// conformance: cache-host bans
#[test]
fn one_that_says_nothing_is_as_good_as_down() {
    let (silent, origin) = (serving(Route::honest(FILE).always(End::NoReply)), good());
    let stall = StallRule { min_bytes_per_second: 1, over: Duration::from_millis(500) };
    let site = Site::with(|http| http.stall = stall);
    site.set_cache(&place(&silent), Fallback::AtOnce);
    site.get(site.one(origin.url("/f")));
    site.get(site.one(by_name(&origin)));
    assert_eq!(asked(&silent), 1);
}

/// conformance: cache-host fallback, cache-host bans
#[test]
fn one_that_refuses_a_file_is_left_alone_for_its_origin_and_asked_for_others() {
    for status in [400, 403, 404, 429] {
        let (picky, origin) = (failing(status), good());
        let site = Site::over(&place(&picky), Fallback::AtOnce);
        let told = site.get(site.one(origin.url("/f")));
        assert_eq!(kinds(&told), [SourceKind::CacheHost, SourceKind::Origin], "{status}");
        assert_eq!(kinds(&site.get(site.one(origin.url("/f")))), [SourceKind::Origin]);
        assert_eq!(asked(&picky), 1, "{status}");
        site.get(site.one(by_name(&origin)));
        assert_eq!(asked(&picky), 2, "{status}");
    }
}

#[test]
fn trouble_of_its_own_bans_nobody() {
    let (troubled, origin) = (failing(503), good());
    let site = Site::over(&place(&troubled), Fallback::AtOnce);
    for count in 1..3 {
        let told = site.get(site.one(origin.url("/f")));
        assert_eq!(kinds(&told), [SourceKind::CacheHost, SourceKind::Origin]);
        assert_eq!(asked(&troubled), count);
    }
}

#[test]
fn what_a_cache_host_began_its_origin_ends() {
    let (cache, origin) = (breaking(Route::honest(FILE)), good());
    let site = Site::over(&place(&cache), Fallback::AtOnce);
    site.get(site.one(origin.url("/f")));
    let request = origin.requests()[0].request.clone();
    assert_eq!(request.field("range"), Some("bytes=1048576-3145727"));
    assert!(request.field("if-range").is_some());
    assert_eq!((asked(&cache), asked(&origin)), (1, 1));
}

#[test]
fn where_the_origin_has_another_version_the_file_is_fetched_from_zero() {
    let (cache, origin) = (breaking(Route::honest(FILE.changed()).always(Version::NewTag)), good());
    let site = Site::over(&place(&cache), Fallback::AtOnce);
    site.get(site.one(origin.url("/f")));
    let sent = origin.requests().iter().map(|one| one.body_sent_bytes).max();
    assert_eq!(sent, Some(3 * MIB));
}

#[test]
fn a_lie_is_found_out_and_the_file_comes_from_its_origin() {
    for fallback in [Fallback::AtOnce, LONG] {
        let (liar, origin) = (liar(), good());
        let site = Site::over(&place(&liar), fallback);
        let sha256 = Some(digest_to_hex(&FILE.sha256()));
        let told = site.get(AddFile { sha256, ..site.one(origin.url("/f")) });
        assert_eq!(kinds(&told), [SourceKind::CacheHost, SourceKind::Origin], "{fallback:?}");
        assert_eq!(told.requests[1].reason, Reason::WrongHash);
    }
}

/// Without a hash nobody would know.
#[test]
fn a_piece_that_is_wrong_sends_the_rest_to_the_origin() {
    let (liar, origin) = (liar(), good());
    let site = Site::over(&place(&liar), Fallback::AtOnce);
    let told = site.get(AddFile { piece_hashes: hashes_of(FILE), ..site.one(origin.url("/f")) });
    assert_eq!(kinds(&told).last(), Some(&SourceKind::Origin), "{:?}", told.requests);
    assert!(asked(&liar) > 0);
}

/// While it is left, connections to it end with the pieces that they are at, and none of these is lost.
#[test]
fn one_wrong_piece_among_several_connections_is_fetched_from_the_origin() {
    let large = Content::new(0x1A6F, 24 * MIB);
    let damaged = Route::honest(large.damaged_at(20 * MIB + 5));
    let cache = serving(damaged.always(Pace::RatePerConnection(4 * MIB)));
    let origin = serving(Route::honest(large));
    let site = Site::over(&place(&cache), Fallback::AtOnce);
    let hashed = AddFile { piece_hashes: hashes_of(large), ..site.one(origin.url("/f")) };
    let (job, info) = site.fetch(hashed);
    assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
    let told = site.why(job);
    let wrong = told.bytes.discarded.iter().find(|gone| gone.why == Discard::WrongPiece);
    assert_eq!(wrong.map(|gone| gone.bytes), Some(u64::from(PIECE)), "{:?}", told.bytes);
    assert!(asked(&cache) > 1 && asked(&origin) > 0);
    site.wish(job, Wish::Complete).unwrap();
    assert!(std::fs::read(site.path("out")).unwrap() == large.all());
}

#[test]
fn a_lie_that_its_origin_continued_is_found_out_too() {
    let (liar, origin) = (breaking(Route::honest(FILE).always(Version::NewBytes)), good());
    let site = Site::over(&place(&liar), Fallback::AtOnce);
    let sha256 = Some(digest_to_hex(&FILE.sha256()));
    let told = site.get(AddFile { sha256, ..site.one(origin.url("/f")) });
    let expect = [SourceKind::CacheHost, SourceKind::Origin, SourceKind::Origin];
    assert_eq!(kinds(&told), expect, "{:?}", told.requests);
}

#[test]
fn an_origin_that_brings_something_each_time_is_not_left_again() {
    let cache = failing(503);
    let origin = serving(Route::honest(FILE).when(When::First(2), End::FinAfter(MIB)));
    let site = Site::over(&place(&cache), Fallback::AtOnce);
    let job = site.create(vec![site.one(origin.url("/f"))]);
    site.wish(job, Wish::Resume).unwrap();
    let info = site.wait(job, &[JobState::Transferred, JobState::Error]);
    assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
    assert_eq!((asked(&cache), asked(&origin)), (1, 3));
}

#[test]
fn bytes_of_a_liar_are_found_out_although_they_came_in_an_earlier_life() {
    let liar = breaking(Route::honest(FILE).always(Version::NewBytes));
    let origin = serving(Route::honest(FILE).when(When::First(1), Answer::Status(503)));
    let mut site = Site::over(&place(&liar), Fallback::AtOnce);
    let sha256 = Some(digest_to_hex(&FILE.sha256()));
    let (job, info) = site.fetch(AddFile { sha256, ..site.one(origin.url("/f")) });
    assert_eq!(info.state, JobState::TransientError);
    site.stop();
    site.start(Recover::RunAll);
    site.wish(job, Wish::Resume).unwrap();
    let info = site.wait(job, &[JobState::Transferred, JobState::Error]);
    assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
    assert_eq!(site.stats(job).bytes_from_doinc, MIB, "that was not forgotten");
    site.wish(job, Wish::Complete).unwrap();
    assert!(std::fs::read(site.path("out")).unwrap() == FILE.all());
}

/// conformance: cache-host delay
#[test]
fn within_the_delay_no_refusal_sends_a_file_to_its_origin() {
    for status in [404, 503] {
        let (cache, second, origin) = (failing(status), failing_for_long(status, 0), good());
        let hosts = format!("{},{}", place(&cache), place(&second));
        let site = Site::over(&hosts, LONG);
        let (job, info) = site.fetch(site.one(origin.url("/f")));
        assert_eq!(info.state, JobState::TransientError, "{:?}", info.error);
        // The next one's turn comes with the next try, which is made by itself in two seconds.
        assert!(second.wait(PATIENCE, |requests| requests.len() == 1), "{status}");
        assert_eq!((asked(&cache), asked(&origin)), (1, 0), "{status}");
        site.wish(job, Wish::Cancel).unwrap();
    }
}

/// conformance: cache-host never
#[test]
fn where_the_origin_is_never_asked_a_refusal_is_the_end_and_trouble_is_waited_out() {
    for (status, state) in [
        (404, JobState::Error),
        (403, JobState::Error),
        (429, JobState::TransientError),
        (503, JobState::TransientError),
    ] {
        let (cache, origin) = (failing(status), good());
        let site = Site::over(&place(&cache), Fallback::Never);
        let (_, info) = site.fetch(site.one(origin.url("/f")));
        assert_eq!((info.state, code(&info)), (state, Some(ErrorCode::from_http_status(status))));
        assert_eq!(asked(&origin), 0, "{status}");
    }
    let (liar, origin) = (liar(), good());
    let site = Site::over(&place(&liar), Fallback::Never);
    let sha256 = Some(digest_to_hex(&FILE.sha256()));
    let (_, info) = site.fetch(AddFile { sha256, ..site.one(origin.url("/f")) });
    assert_eq!(code(&info), Some(ErrorCode::DO_E_BAD_PIECE_HASH));
    assert_eq!(asked(&origin), 0);
}

#[test]
fn who_is_down_is_waited_for_where_the_origin_is_never_asked() {
    let origin = good();
    let site = Site::over(DEAD, Fallback::Never);
    let (_, info) = site.fetch(site.one(origin.url("/f")));
    assert_eq!(info.state, JobState::TransientError, "{:?}", info.error);
    assert_eq!(asked(&origin), 0);
}

/// conformance: cache-host https
#[test]
fn https_stays_https_and_a_certificate_of_nobody_sends_the_file_to_its_origin() {
    let plan = || Plan::new().file("/f", FILE);
    let origin = Origin::start_tls(plan(), Identity::Valid);
    let stranger = Origin::start_tls(plan(), Identity::Valid);
    let pem = origin.authority_pem().unwrap().to_owned();
    let site = Site::with(|http| {
        http.extra_roots = certificates_from_pem(pem.as_bytes()).unwrap();
    });
    site.set_cache(&place(&stranger), Fallback::AtOnce);
    let told = site.get(site.one(origin.url("/f")));
    assert_eq!(kinds(&told), [SourceKind::CacheHost, SourceKind::Origin]);
    assert!(told.requests[0].source.address.starts_with("https://"), "{:?}", told.requests);
    assert_eq!(asked(&stranger), 0, "nothing was said to it");
    let plain = good();
    site.get(site.one(by_name(&plain)));
    assert_eq!(asked(&plain), 1, "a TLS server of another scheme is of no use either");
}

/// conformance: cache-host choice
#[test]
fn whoever_resumes_a_job_has_its_cache_host_asked_again() {
    for is_suspended in [false, true] {
        let (cache, origin) = (failing(503), failing_for_long(503, 0));
        let site = Site::over(&place(&cache), Fallback::AtOnce);
        let (job, info) = site.fetch(site.one(origin.url("/f")));
        assert_eq!(info.state, JobState::TransientError);
        assert_eq!(kinds(&site.why(job)), [SourceKind::CacheHost, SourceKind::Origin]);
        if is_suspended {
            site.wish(job, Wish::Suspend).unwrap();
        }
        site.wish(job, Wish::Resume).unwrap();
        assert!(origin.wait(PATIENCE, |requests| requests.len() == 2), "{is_suspended}");
        assert_eq!(asked(&cache), 2, "{is_suspended}");
    }
}

/// conformance: cache-host choice
#[test]
fn the_cache_hosts_are_those_of_the_last_start_or_resume() {
    let (cache, origin) = (failing_for_long(503, 1), good());
    let mut site = Site::new();
    site.set_cache(&place(&cache), LONG);
    let (job, info) = site.fetch(site.one(origin.url("/f")));
    assert_eq!(info.state, JobState::TransientError);
    site.set_cache("", Fallback::AtOnce);
    assert!(cache.wait(PATIENCE, |requests| requests.len() == 2), "a retry is no new beginning");
    site.wait(job, &[JobState::TransientError]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
    assert_eq!((asked(&cache), asked(&origin)), (2, 1));

    // Those that an engine is started with hold for what it finds.
    site.set_cache(&place(&cache), LONG);
    let (job, _) = site.fetch(file(origin.url("/f"), &site.path("b")));
    site.stop();
    let good = good();
    site.cache_hosts = CacheSettings { hosts: place(&good).parse().unwrap(), fallback: LONG };
    site.start(Recover::RunAll);
    site.wait(job, &[JobState::Transferred]);
    assert_eq!((asked(&good), asked(&origin)), (1, 1));
}
