//! Everything in the catalogue as whole jobs on the real engine.
//!
//! One rule stands above all: a job never becomes TRANSFERRED with bytes that are not those of one
//! version of the file as the origin announced it. The rest is what a failure is called, and that
//! nothing appears under the destination's name before it is right.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail like the tests themselves")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use dobbin_engine::{
    Actor, CacheSettings, Engine, EngineOptions, Handle, HttpSettings, JobLimits, Recover, Wish,
};
use dobbin_lab::catalogue::{self, Ask, Case, Expect, FILE, PART};
use dobbin_lab::origin::{Answer, Content, End, Origin, Plan, Ranges, Route, Version, When};
use dobbin_net::http::{ProxyRules, StallRule};
use dobbin_types::rest::{AddFile, CreateJob, JobInfo, Waiting};
use dobbin_types::{ByteRange, ErrorCode, JobId, JobState};
use tokio::task::JoinSet;

const MIB: u64 = 1024 * 1024;

/// The file of jobs that are interrupted: large enough that two pieces of it are kept.
const LARGE: Content = Content::new(0xD0BB1, 3 * MIB);

/// Where its first transfer breaks.
const CUT: u64 = 2 * MIB + MIB / 4;

/// Failures that a case may cost before it counts as one that never ends.
const FAILURES_MAX: usize = 20;

/// How a case is laid on a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lay {
    /// It is the origin's first reply, to a request for the whole file of which nothing is known.
    First,
    /// The same, and the caller has said how long the file is.
    Sized,
    /// The same, and the caller has said which hash it has.
    Hashed,
    /// It is the first reply to a job that wants [`PART`] only.
    Ranged,
    /// It is the reply to the rest of [`LARGE`], whose first transfer broke at [`CUT`].
    Resumed,
    /// The same, and the origin stays so.
    ResumedForGood,
}

/// What becomes of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// It is transferred without a stop.
    Straight,
    /// TRANSIENT_ERROR with this code, as often as the fault is met, then transferred.
    Waits(ErrorCode),
    /// One or the other: a connection that was used before may have died by itself, so a request
    /// that it took without an answer is asked once more (RFC 9112 §9.3.1).
    MayWait(ErrorCode),
    /// ERROR with this code; resumed when the origin is well again, transferred.
    Stops(ErrorCode),
    /// Transferred without a stop, with these bytes, which nobody could have told from the file's.
    Deceived(Vec<u8>),
    /// Transferred without a stop, with the bytes of another version.
    Changed,
}

/// The lays that a case makes sense in.
fn lays(case: &Case) -> Vec<Lay> {
    match (case.ask, case.expect) {
        (Ask::Whole, Expect::Shorter(_) | Expect::Foreign) => {
            vec![Lay::First, Lay::Sized, Lay::Hashed]
        }
        (Ask::Whole, _) => vec![Lay::First],
        (Ask::Part, _) => vec![Lay::Ranged, Lay::Resumed],
        (Ask::PartOfVersion, _) => vec![Lay::Resumed, Lay::ResumedForGood],
    }
}

/// What is right for a job; where the catalogue's word for a single request is not also a job's,
/// the exception stands here with its reason.
fn fate(case: &Case, lay: Lay) -> Fate {
    let mismatch = ErrorCode::DO_E_HTTP_BLOCKSIZE_MISMATCH;
    let unknown_size = ErrorCode::DO_E_FILE_SIZE_UNKNOWN_HTTP_200;
    let no_ranges = ErrorCode::DO_E_INSUFFICIENT_RANGE_SUPPORT;
    let is_resumed = matches!(lay, Lay::Resumed | Lay::ResumedForGood);
    match (case.name, lay) {
        // A job must know how long its file is (errors 6, "missing Content-Length on 200").
        ("no length" | "chunks" | "chunks without an end" | "HTTP/1.0 without length", _)
        | ("a chunk size that is no number" | "a chunk size beyond 64 bits", _)
        | ("a chunk size below zero", _) => return Fate::Stops(unknown_size),
        // Heals on its own way: the second hop is the second request.
        ("a redirect to itself", _) => return Fate::Straight,
        // The needed bytes do not begin at 0 (errors 6, "200 to a ranged request"); a file that is
        // wanted whole makes the detour.
        ("the whole instead of a part", Lay::Ranged) => return Fate::Stops(no_ranges),
        // Every byte of the part came, as its `Content-Range` says; nobody waits for the end mark.
        ("a part in chunks without an end", _) => return Fate::Straight,
        ("a closed connection for a reply" | "half a head", _) => {
            return Fate::MayWait(ErrorCode::CURL_EMPTY_REPLY);
        }
        ("a reset for a reply", _) => return Fate::MayWait(ErrorCode::CURL_RECV_ERROR),
        // No other part is as long as the last one of a file.
        ("another part", Lay::Resumed) => return Fate::Straight,
        // It was there a moment ago (reliability B46).
        ("404 to a request for a part", Lay::Resumed) => {
            return Fate::Waits(ErrorCode::from_http_status(404));
        }
        // Asked for the whole, the origin finds it again (reliability B39).
        ("416 to a request for a part", Lay::Resumed) => return Fate::Straight,
        // The part ends behind the end it names: a contradiction here, though not in the catalogue.
        ("a total that is a little wrong", Lay::Resumed) => return Fate::Stops(no_ranges),
        // Noticed as another version, and fetched from 0 (reliability B40, B41).
        ("a part of a changed file, from an origin that ignores If-Range", _)
        | ("a part under a tag turned weak, from an origin that ignores If-Range", _) => {
            return Fate::Straight;
        }
        _ => {}
    }
    match case.expect {
        Expect::Whole | Expect::Part => Fate::Straight,
        Expect::Changed => Fate::Changed,
        Expect::Transient(code) => Fate::Waits(code),
        Expect::Timeout => Fate::Waits(ErrorCode::WININET_E_TIMEOUT),
        Expect::Fatal(code) => Fate::Stops(code),
        Expect::Shorter(_) if lay == Lay::Sized => Fate::Stops(mismatch),
        Expect::Shorter(_) | Expect::Foreign if lay == Lay::Hashed => {
            Fate::Stops(ErrorCode::DO_E_BAD_PIECE_HASH)
        }
        // Known and accepted: such a reply says, in every way there is, that this is the file. Who
        // must be sure names a size or a hash.
        Expect::Shorter(bytes) => Fate::Deceived(FILE.bytes(0..bytes)),
        Expect::Foreign if lay == Lay::First => Fate::Deceived(portal_page()),
        // Somebody who does not speak of this file (reliability B35): nothing of it is kept.
        Expect::Foreign => {
            debug_assert!(is_resumed || matches!(lay, Lay::Sized | Lay::Ranged));
            Fate::Waits(mismatch)
        }
    }
}

/// What the lab's captive portal says, asked by hand.
fn portal_page() -> Vec<u8> {
    use std::io::{Read, Write};
    let origin = Origin::start(Plan::new().route("/", Route::honest(FILE).always(Answer::Portal)));
    let mut stream = std::net::TcpStream::connect(origin.address()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let head = reply.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    reply.split_off(head + 4)
}

fn route(case: &Case, lay: Lay) -> Route {
    let when = match lay {
        Lay::First | Lay::Sized | Lay::Hashed | Lay::Ranged => return case.route_that_heals(),
        Lay::Resumed => When::Only(2),
        Lay::ResumedForGood => When::After(1),
    };
    let cut = Route::honest(LARGE).when(When::First(1), End::FinAfter(CUT));
    case.behaviours.iter().fold(cut, |route, behaviour| route.when(when, behaviour.clone()))
}

fn file(lay: Lay, url: String, to: &Path) -> AddFile {
    let plain = add(url, to);
    match lay {
        Lay::First | Lay::Resumed | Lay::ResumedForGood => plain,
        Lay::Sized => AddFile { size: Some(FILE.size()), ..plain },
        Lay::Hashed => AddFile { sha256: Some(hex(&FILE.sha256())), ..plain },
        Lay::Ranged => {
            let (offset, length) = (PART.start, Some(PART.end - PART.start));
            AddFile { ranges: vec![ByteRange { offset, length }], ..plain }
        }
    }
}

fn add(url: String, to: &Path) -> AddFile {
    AddFile { remote_name: url, local_name: Some(to.display().to_string()), ..AddFile::default() }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn wanted(lay: Lay) -> Vec<u8> {
    match lay {
        Lay::First | Lay::Sized | Lay::Hashed => FILE.all(),
        Lay::Ranged => FILE.bytes(PART),
        Lay::Resumed | Lay::ResumedForGood => LARGE.all(),
    }
}

/// An engine of our own and a folder for what it does.
struct Site {
    folder: tempfile::TempDir,
    engine: Engine,
}

impl Site {
    fn new(change: impl FnOnce(&mut HttpSettings)) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let mut http =
            HttpSettings { proxy: ProxyRules::none(), ..HttpSettings::product("dobbin-lab") };
        change(&mut http);
        let options = EngineOptions {
            state: folder.path().join("state"),
            recover: Recover::RunAll,
            http,
            limits: JobLimits::OFF,
            cache_hosts: CacheSettings::default(),
        };
        Site { engine: Engine::start(options).unwrap(), folder }
    }

    /// A new, empty folder for one job's files.
    fn destination(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    }
}

/// Gives up soon. For cases that must end so: a busy machine may make anything else look stalled.
fn impatient(http: &mut HttpSettings) {
    http.stall = StallRule { min_bytes_per_second: 500_000, over: Duration::from_millis(400) };
}

fn me() -> Actor {
    Actor::from_kernel(dobbin_platform::identity::own_uid())
}

fn run<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let limited = async { tokio::time::timeout(Duration::from_secs(60), what).await };
    runtime.unwrap().block_on(limited).expect("the jobs end")
}

/// One job and where its file goes.
struct Life {
    handle: Handle,
    job: JobId,
    folder: PathBuf,
}

/// The failures that a job met, and the bytes that it ended with.
#[derive(Debug, Default, PartialEq, Eq)]
struct Story {
    failures: Vec<(JobState, ErrorCode)>,
    bytes: Vec<u8>,
}

impl Life {
    async fn begin(handle: Handle, folder: PathBuf, file: AddFile) -> Life {
        let body = CreateJob { files: vec![file], ..CreateJob::default() };
        let job = handle.create(me(), body).await.unwrap();
        let life = Life { handle, job, folder };
        life.wish(Wish::Resume).await;
        life
    }

    async fn wish(&self, wish: Wish) {
        let outcome = self.handle.wish(me(), self.job, wish).await.unwrap();
        assert_eq!(outcome.code, ErrorCode::S_OK);
    }

    /// Looks until the job stands still. Events would tell too, but gather short waits into one.
    async fn at_rest(&self) -> JobInfo {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        loop {
            let info = self.handle.job(me(), self.job).await.unwrap();
            match info.state {
                JobState::TransientError | JobState::Error | JobState::Transferred => return info,
                JobState::Queued | JobState::Connecting | JobState::Transferring => {}
                state => panic!("nobody asked for {state}"),
            }
            pause.tick().await;
        }
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Leads the job to its end, resuming it whenever it stops. `Err`: what is never right.
    async fn lead(&self) -> Result<Story, String> {
        let mut story = Story::default();
        loop {
            let info = self.at_rest().await;
            if !self.names().is_empty() {
                return Err(format!("{:?} appeared before Complete", self.names()));
            }
            if info.state == JobState::Transferred {
                break self.complete(&info, &mut story).await?;
            }
            let error = info.error.ok_or("a stop without a reason")?;
            story.failures.push((info.state, error.code));
            if story.failures.len() > FAILURES_MAX {
                return Err(format!("it never ends: {:?}", story.failures));
            }
            self.wish(Wish::Resume).await;
        }
        Ok(story)
    }

    async fn complete(&self, info: &JobInfo, story: &mut Story) -> Result<(), String> {
        self.wish(Wish::Complete).await;
        if self.names() != ["file"] {
            return Err(format!("{:?} after Complete", self.names()));
        }
        story.bytes = std::fs::read(self.folder.join("file")).unwrap();
        let length = story.bytes.len() as u64;
        let said = (info.progress.bytes_total, info.progress.bytes_transferred);
        if said != (Some(length), length) {
            return Err(format!("{said:?} was said of {length} bytes"));
        }
        Ok(())
    }
}

/// `Err` says how a job's story differs from its fate.
fn compare(story: Story, fate: &Fate, lay: Lay) -> Result<(), String> {
    // The break that sets up the case is not part of it.
    let broke = (JobState::TransientError, ErrorCode::CURL_PARTIAL_FILE);
    let failures = match (lay, story.failures.split_first()) {
        (Lay::Resumed | Lay::ResumedForGood, Some((first, rest))) if *first == broke => rest,
        (Lay::Resumed | Lay::ResumedForGood, _) => return Err("not interrupted".to_owned()),
        _ => &story.failures[..],
    };
    let all = |code| failures.iter().all(|met| *met == (JobState::TransientError, code));
    let failures_agree = match fate {
        Fate::Straight | Fate::Changed | Fate::Deceived(_) => failures.is_empty(),
        Fate::Waits(code) => !failures.is_empty() && all(*code),
        Fate::MayWait(code) => all(*code),
        Fate::Stops(code) => failures == [(JobState::Error, *code)],
    };
    if !failures_agree {
        return Err(format!("met {failures:?}"));
    }
    let bytes = match fate {
        Fate::Straight | Fate::Waits(_) | Fate::MayWait(_) | Fate::Stops(_) => wanted(lay),
        Fate::Changed => LARGE.changed().all(),
        Fate::Deceived(bytes) => bytes.clone(),
    };
    (story.bytes == bytes).then_some(()).ok_or_else(|| "other bytes".to_owned())
}

/// conformance: class client-error, class server-error, class connection, class bad-url
/// conformance: class bad-hash, class odd-success, class whole-for-part, class no-size
/// conformance: AddFile size, AddFile no-range-server
/// conformance: code DO_E_HTTP_BLOCKSIZE_MISMATCH, code DO_E_INSUFFICIENT_RANGE_SUPPORT
/// conformance: code WININET_E_TIMEOUT
/// conformance: code DO_E_FILE_SIZE_UNKNOWN_HTTP_200
#[test]
fn every_fault_leads_a_job_to_its_fate() {
    let origin = Origin::start(Plan::new());
    let patient = Site::new(|_| {});
    let impatient = Site::new(impatient);
    let complaints = run(async {
        let mut lives = JoinSet::new();
        for (index, case) in catalogue::all().into_iter().enumerate() {
            for lay in lays(&case) {
                let name = format!("{index}-{lay:?}");
                let path = format!("/{name}");
                origin.set(&path, route(&case, lay));
                let is_timeout = case.expect == Expect::Timeout;
                let site = if is_timeout { &impatient } else { &patient };
                let folder = site.destination(&name);
                let file = file(lay, origin.url(&path), &folder.join("file"));
                let handle = site.engine.handle();
                let case = case.clone();
                lives.spawn(async move {
                    let life = Life::begin(handle, folder, file).await;
                    let fate = fate(&case, lay);
                    let outcome = life.lead().await.and_then(|story| compare(story, &fate, lay));
                    let complain = |why| format!("{} ({lay:?}): not {fate:?}: {why}", case.name);
                    outcome.map_err(complain)
                });
            }
        }
        lives.join_all().await
    });
    let complaints: Vec<String> = complaints.into_iter().filter_map(Result::err).collect();
    assert!(complaints.is_empty(), "{} differ:\n{}", complaints.len(), complaints.join("\n"));
}

/// Leads one job on an engine of its own.
fn lead(change: impl FnOnce(&mut HttpSettings), file: impl FnOnce(&Path) -> AddFile) -> Story {
    let site = Site::new(change);
    let folder = site.destination("out");
    let file = file(&folder.join("file"));
    run(async { Life::begin(site.engine.handle(), folder, file).await.lead().await }).unwrap()
}

/// Two stretches of [`LARGE`] that share a piece of the local file.
fn two_ranges() -> Vec<ByteRange> {
    let range = |offset| ByteRange { offset, length: Some(300_000) };
    vec![range(1_000), range(2 * MIB)]
}

fn two_stretches(content: Content) -> Vec<u8> {
    [content.bytes(1_000..301_000), content.bytes(2 * MIB..2 * MIB + 300_000)].concat()
}

#[test]
fn a_file_that_changes_between_two_of_its_ranges_is_not_mixed() {
    let honest = || Route::honest(LARGE);
    let changes = |route: Route| {
        route.when(When::After(1), Version::NewTag).when(When::After(1), Version::NewBytes)
    };
    for (name, route) in [
        ("an origin that knows If-Range", changes(honest())),
        ("one that does not", changes(honest()).always(Ranges::IfRangeIgnored)),
        (
            "one whose file has another size, too",
            changes(honest()).when(When::After(1), Version::Size(4 * MIB)),
        ),
    ] {
        let origin = Origin::start(Plan::new().route("/a", route));
        let story =
            lead(|_| {}, |to| AddFile { ranges: two_ranges(), ..add(origin.url("/a"), to) });
        assert_eq!(story.failures, [], "{name}");
        assert!(story.bytes == two_stretches(LARGE.changed()), "{name}");
    }
}

#[test]
fn ranges_of_a_file_without_a_version_are_joined_only_under_a_hash() {
    let nameless = Route::honest(LARGE).always(Version::NoTag).always(Version::NoDate);
    let named_later = Route::honest(LARGE)
        .when(When::First(1), Version::NoTag)
        .when(When::First(1), Version::NoDate);
    let refused = (JobState::Error, ErrorCode::DO_E_INSUFFICIENT_RANGE_SUPPORT);
    let digest = digest::digest(&digest::SHA256, &two_stretches(LARGE));
    for (name, route, sha256, failures) in [
        ("no version, a hash", nameless, Some(hex(digest.as_ref())), vec![]),
        ("a version when asked again", named_later, None, vec![refused]),
    ] {
        let origin = Origin::start(Plan::new().route("/a", route));
        let story = lead(
            |_| {},
            |to| AddFile { ranges: two_ranges(), sha256, ..add(origin.url("/a"), to) },
        );
        assert_eq!(story.failures, failures, "{name}");
        assert!(story.bytes == two_stretches(LARGE), "{name}");
    }
}

#[test]
fn a_size_that_was_wrong_at_first_is_forgotten_with_the_reply() {
    // Nothing is had of the first reply, but its size was believed.
    for wrong in [LARGE.size() + 5, LARGE.size() - 5, 100, 9 * MIB] {
        let route = Route::honest(LARGE)
            .when(When::First(1), Version::Size(wrong))
            .when(When::First(1), End::FinAfter(50));
        let origin = Origin::start(Plan::new().route("/a", route));
        let story = lead(|_| {}, |to| add(origin.url("/a"), to));
        assert_eq!(story.failures.len(), 1, "{wrong}");
        assert!(story.bytes == LARGE.all(), "{wrong}");
    }
}

#[test]
fn a_file_that_changes_with_every_reply_is_whole_or_not_at_all() {
    // Each reply is of another version than the one before, and breaks after two pieces.
    let mut route = Route::honest(LARGE).when(When::First(4), End::FinAfter(CUT));
    for nth in [2, 4] {
        route =
            route.when(When::Only(nth), Version::NewTag).when(When::Only(nth), Version::NewBytes);
    }
    let origin = Origin::start(Plan::new().route("/a", route));
    let story = lead(|_| {}, |to| add(origin.url("/a"), to));
    assert!(story.bytes == LARGE.all());
}

#[test]
fn a_file_that_changes_three_times_under_one_transfer_is_an_error() {
    // Its two ranges are never of one version, because no two replies are.
    let changes_max = 12;
    let route = (1..=changes_max).fold(Route::honest(LARGE), |route, request| {
        route.when(When::After(request), Version::NewTag)
    });
    let origin = Origin::start(Plan::new().route("/a", route));
    let site = Site::new(|_| {});
    let folder = site.destination("out");
    let file = AddFile { ranges: two_ranges(), ..add(origin.url("/a"), &folder.join("file")) };
    run(async {
        let life = Life::begin(site.engine.handle(), folder, file).await;
        let info = life.at_rest().await;
        let error = info.error.unwrap();
        assert_eq!((info.state, error.code), (JobState::Error, ErrorCode::E_UNEXPECTED));
        assert!(error.message.contains("keeps changing"), "{}", error.message);
    });
    // Each of three versions was seen by its first range, and denied by its second.
    assert_eq!(origin.requests().len(), 6);
}

#[test]
fn a_job_waits_as_long_as_its_origin_wishes_and_an_hour_at_most() {
    // What was asked for, and the wait in seconds without the chance that stretches it.
    for (status, asked, wait) in [(503, "1800", 1_800), (429, "1800", 1_800), (503, "99999", 3_600)]
    {
        let route = Route::honest(FILE)
            .always(Answer::Status(status))
            .always(Answer::RetryAfter(asked.to_owned()));
        let origin = Origin::start(Plan::new().route("/a", route));
        let site = Site::new(|_| {});
        let folder = site.destination("out");
        let file = add(origin.url("/a"), &folder.join("file"));
        let info =
            run(async { Life::begin(site.engine.handle(), folder, file).await.at_rest().await });
        let Some(Waiting::Retry { at }) = info.waiting else { panic!("{:?}", info.waiting) };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let ahead = Duration::from_millis(at.unix_millis()).saturating_sub(now).as_secs();
        // A busy machine may be late in looking; chance adds a tenth at most.
        assert!((wait - 60..=wait + wait / 10).contains(&ahead), "{status} {asked}: {ahead} s");
        assert_eq!(origin.requests().len(), 1, "it is left in peace");
    }
}

#[test]
fn a_file_behind_redirects_is_resumed_behind_them() {
    let route = Route::honest(LARGE).when(When::First(1), End::FinAfter(CUT));
    let origin = Origin::start(Plan::new().route("/a", route).chain("/r", 3, "/a"));
    let story = lead(|_| {}, |to| add(origin.url("/r"), to));
    assert_eq!(story.failures, [(JobState::TransientError, ErrorCode::CURL_PARTIAL_FILE)]);
    assert!(story.bytes == LARGE.all());
    let requests = origin.requests();
    let last = &requests.last().unwrap().request;
    let rest = format!("bytes={}-{}", 2 * MIB, LARGE.size() - 1);
    assert_eq!((last.path(), last.field("range")), ("/a", Some(rest.as_str())));
    assert_eq!(last.field("if-range"), Some(LARGE.tag().as_str()));
}

#[test]
fn a_proxy_that_drops_ranges_or_wants_a_name_is_lived_with() {
    const URL: &str = "http://files.example/a";
    let cut = |route: Route| route.when(When::First(1), End::FinAfter(CUT));
    let denied = Answer::Status(407);
    let partial = (JobState::TransientError, ErrorCode::CURL_PARTIAL_FILE);
    let wants_name = (JobState::Error, ErrorCode::HTTP_E_STATUS_PROXY_AUTH_REQ);
    for (name, route, failures) in [
        ("drops ranges", cut(Route::honest(LARGE)).always(Ranges::Ignored), vec![partial]),
        ("wants a name", Route::honest(LARGE).when(When::First(1), denied), vec![wants_name]),
    ] {
        // The lab's origin is asked as a proxy: by the whole URL.
        let proxy = Origin::start(Plan::new().route(URL, route));
        let rules = ProxyRules::new(&proxy.url(""), "", "");
        let story = lead(|http| http.proxy = rules, |to| add(URL.to_owned(), to));
        assert_eq!(story.failures, failures, "{name}");
        assert!(story.bytes == LARGE.all(), "{name}");
    }
}
