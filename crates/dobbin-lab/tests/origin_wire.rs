//! Every behaviour of the lab's origin, seen as bytes on the wire.

mod raw;

use std::time::{Duration, Instant};

use dobbin_lab::origin::{
    Answer, Behaviour, Content, End, Exchange, Length, NEW_DATE, OLD_DATE, Origin, Outcome, Pace,
    Plan, Ranges, Route, Version, When,
};
use raw::{After, Client, PATIENCE, Raw, ask, dechunk};

const FILE: Content = Content::new(42, 10_000);
const RANGE: &str = "Range: bytes=1000-1999";

/// One behaviour, one request, and what must be seen.
struct Row {
    name: &'static str,
    route: Route,
    fields: &'static [&'static str],
    check: fn(&Raw),
}

fn whole(name: &'static str, behaviour: impl Into<Behaviour>, check: fn(&Raw)) -> Row {
    Row { name, route: Route::honest(FILE).always(behaviour), fields: &[], check }
}

fn ranged(name: &'static str, behaviour: impl Into<Behaviour>, check: fn(&Raw)) -> Row {
    Row { name, route: Route::honest(FILE).always(behaviour), fields: &[RANGE], check }
}

/// Asks each row of its own path of one origin.
fn check_all(rows: Vec<Row>) {
    let origin = Origin::start(Plan::new());
    for (index, row) in rows.into_iter().enumerate() {
        let path = format!("/{index}");
        origin.set(&path, row.route);
        println!("{}", row.name);
        (row.check)(&ask(origin.address(), "GET", &path, row.fields));
    }
}

#[test]
fn an_honest_origin_says_what_it_sends() {
    let origin = Origin::start(Plan::new().file("/f", FILE));
    let at = origin.address();

    let reply = ask(at, "GET", "/f?x=1", &[]);
    assert_eq!((reply.status(), reply.value("Content-Length").as_str()), (200, "10000"));
    assert_eq!(reply.body(), FILE.all());
    assert_eq!(reply.value("ETag"), FILE.tag());
    assert_eq!(reply.value("Last-Modified"), OLD_DATE);
    assert_eq!(reply.value("Accept-Ranges"), "bytes");

    let reply = ask(at, "HEAD", "/f", &[]);
    assert_eq!((reply.status(), reply.value("Content-Length").as_str()), (200, "10000"));
    assert!(reply.body().is_empty());

    let reply = ask(at, "GET", "/f", &[RANGE]);
    assert_eq!((reply.status(), reply.value("Content-Length").as_str()), (206, "1000"));
    assert_eq!(reply.value("Content-Range"), "bytes 1000-1999/10000");
    assert_eq!(reply.body(), FILE.bytes(1000..2000));

    let reply = ask(at, "GET", "/f", &["Range: bytes=10000-"]);
    assert_eq!((reply.status(), reply.value("Content-Range").as_str()), (416, "bytes */10000"));

    assert_eq!(ask(at, "GET", "/g", &[]).status(), 404);
    assert_eq!(ask(at, "PUT", "/f", &["Content-Length: 0"]).status(), 405);
}

#[test]
fn an_honest_origin_keeps_to_preconditions() {
    let origin = Origin::start(Plan::new().file("/f", FILE));
    let tag = FILE.tag();
    for (fields, status) in [
        (vec![RANGE.to_owned(), format!("If-Range: {tag}")], 206),
        (vec![RANGE.to_owned(), format!("If-Range: {OLD_DATE}")], 206),
        (vec![RANGE.to_owned(), format!("If-Range: W/{tag}")], 200),
        (vec![RANGE.to_owned(), "If-Range: \"other\"".to_owned()], 200),
        (vec![RANGE.to_owned(), format!("If-Range: {NEW_DATE}")], 200),
        (vec![format!("If-Match: {tag}")], 200),
        (vec![format!("If-Match: \"a\", {tag}")], 200),
        (vec!["If-Match: *".to_owned()], 200),
        (vec!["If-Match: \"other\"".to_owned()], 412),
        (vec![format!("If-Unmodified-Since: {OLD_DATE}")], 200),
        (vec![format!("If-Unmodified-Since: {NEW_DATE}")], 412),
        (vec![format!("If-None-Match: W/{tag}")], 304),
        (vec!["If-None-Match: \"other\"".to_owned()], 200),
        (vec![format!("If-Modified-Since: {OLD_DATE}")], 304),
    ] {
        let lines: Vec<&str> = fields.iter().map(String::as_str).collect();
        assert_eq!(ask(origin.address(), "GET", "/f", &lines).status(), status, "{fields:?}");
    }
}

#[test]
fn lies_about_length_are_told_as_written() {
    check_all(vec![
        whole("longer", Length::Longer(5), |reply| {
            assert_eq!(reply.value("Content-Length"), "10005");
            assert_eq!((reply.body(), reply.after), (&FILE.all()[..], After::Closed));
        }),
        whole("shorter", Length::Shorter(5), |reply| {
            assert_eq!(reply.value("Content-Length"), "9995");
            assert_eq!(reply.body(), FILE.all());
        }),
        whole("text", Length::Text("many"), |reply| {
            assert_eq!(reply.value("Content-Length"), "many");
        }),
        whole("unsaid", Length::Unsaid, |reply| {
            assert!(reply.values("Content-Length").is_empty());
            assert!(reply.values("Transfer-Encoding").is_empty());
            assert_eq!(reply.value("Connection"), "close");
            assert_eq!((reply.body(), reply.after), (&FILE.all()[..], After::Closed));
        }),
        whole("chunked", Length::Chunked(4096), |reply| {
            assert_eq!(reply.value("Transfer-Encoding"), "chunked");
            assert!(reply.values("Content-Length").is_empty());
            assert!(reply.body().starts_with(b"1000\r\n"));
            assert_eq!(dechunk(reply.body()), Ok(FILE.all()));
        }),
        whole("chunked, cut", Length::ChunkedCut, |reply| {
            assert_eq!(dechunk(reply.body()), Err(FILE.all()));
            assert_eq!(reply.after, After::Closed);
        }),
        whole("chunk size", Length::ChunkSize("FFFFFFFFFFFFFFFFF"), |reply| {
            assert_eq!(dechunk(reply.body()), Err(FILE.bytes(0..1000)));
        }),
        whole("two", Length::Two(1), |reply| {
            assert_eq!(reply.values("Content-Length"), ["10000", "10001"]);
            assert_eq!(reply.body(), FILE.all());
        }),
        whole("and chunked", Length::AndChunked, |reply| {
            assert_eq!(reply.value("Content-Length"), "10000");
            assert_eq!(reply.value("Transfer-Encoding"), "chunked");
            assert_eq!(dechunk(reply.body()), Ok(FILE.all()));
        }),
        whole("extra", Length::Extra(7), |reply| {
            assert_eq!(reply.value("Content-Length"), "10000");
            assert_eq!(reply.body(), [&FILE.all()[..], b"!!!!!!!"].concat());
        }),
        whole("HTTP/1.0", Length::Http10, |reply| {
            assert!(reply.head().starts_with("HTTP/1.0 200 "));
            assert_eq!((reply.body(), reply.after), (&FILE.all()[..], After::Closed));
        }),
    ]);
}

#[test]
fn lies_about_ranges_are_told_as_written() {
    check_all(vec![
        ranged("ignored", Ranges::Ignored, |reply| {
            assert_eq!((reply.status(), reply.body()), (200, &FILE.all()[..]));
            assert!(reply.values("Content-Range").is_empty());
        }),
        ranged("start", Ranges::StartOff(-10), |reply| {
            assert_eq!(reply.value("Content-Range"), "bytes 990-1999/10000");
            assert_eq!((reply.status(), reply.body()), (206, &FILE.bytes(1000..2000)[..]));
        }),
        ranged("end", Ranges::EndOff(10), |reply| {
            assert_eq!(reply.value("Content-Range"), "bytes 1000-2009/10000");
            assert_eq!((reply.status(), reply.body()), (206, &FILE.bytes(1000..2000)[..]));
        }),
        ranged("total", Ranges::TotalOff(-1), |reply| {
            assert_eq!(reply.value("Content-Range"), "bytes 1000-1999/9999");
            assert_eq!((reply.status(), reply.body()), (206, &FILE.bytes(1000..2000)[..]));
        }),
        ranged("other", Ranges::Other(500), |reply| {
            assert_eq!(reply.value("Content-Range"), "bytes 1500-2499/10000");
            assert_eq!((reply.status(), reply.body()), (206, &FILE.bytes(1500..2500)[..]));
        }),
        ranged("unnamed", Ranges::Unnamed, |reply| {
            assert!(reply.values("Content-Range").is_empty());
            assert_eq!((reply.status(), reply.body()), (206, &FILE.bytes(1000..2000)[..]));
        }),
        ranged("unsatisfied", Ranges::Unsatisfied, |reply| {
            assert_eq!(reply.value("Content-Range"), "bytes */10000");
            assert_eq!((reply.status(), reply.body()), (206, &FILE.bytes(1000..2000)[..]));
        }),
        ranged("total unsaid", Ranges::TotalUnsaid, |reply| {
            assert_eq!(reply.value("Content-Range"), "bytes 1000-1999/*");
            assert_eq!((reply.status(), reply.body()), (206, &FILE.bytes(1000..2000)[..]));
        }),
        ranged("multipart", Ranges::Multipart, |reply| {
            let kind = reply.value("Content-Type");
            let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect("multipart");
            let body = reply.body();
            assert!(body.starts_with(format!("--{boundary}\r\n").as_bytes()));
            assert!(body.ends_with(format!("\r\n--{boundary}--\r\n").as_bytes()));
            assert_eq!(reply.value("Content-Length"), body.len().to_string());
            let part = FILE.bytes(1000..2000);
            assert!(body.windows(part.len()).any(|window| window == part));
        }),
        Row {
            name: "If-Range ignored",
            route: Route::honest(FILE).always(Ranges::IfRangeIgnored),
            fields: &[RANGE, "If-Range: \"other\""],
            check: |reply| assert_eq!(reply.status(), 206),
        },
        whole("a whole file is not touched", Ranges::StartOff(1), |reply| {
            assert_eq!((reply.status(), reply.body()), (200, &FILE.all()[..]));
        }),
    ]);
}

#[test]
fn versions_change_as_written() {
    check_all(vec![
        whole("new tag", Version::NewTag, |reply| {
            assert_ne!(reply.value("ETag"), FILE.tag());
            assert_eq!(reply.value("Last-Modified"), OLD_DATE);
            assert_eq!(reply.body(), FILE.all());
        }),
        whole("new date", Version::NewDate, |reply| {
            assert_eq!(reply.value("ETag"), FILE.tag());
            assert_eq!(reply.value("Last-Modified"), NEW_DATE);
        }),
        whole("new bytes", Version::NewBytes, |reply| {
            assert_eq!(reply.value("ETag"), FILE.tag());
            assert_eq!(reply.body(), FILE.changed().all());
        }),
        ranged("new size", Version::Size(20_000), |reply| {
            assert_eq!(reply.value("ETag"), FILE.tag());
            assert_eq!(reply.value("Content-Range"), "bytes 1000-1999/20000");
        }),
        whole("weak tag", Version::WeakTag, |reply| {
            assert_eq!(reply.value("ETag"), format!("W/{}", FILE.tag()));
        }),
        whole("no tag", Version::NoTag, |reply| assert!(reply.values("ETag").is_empty())),
        whole("no date", Version::NoDate, |reply| {
            assert!(reply.values("Last-Modified").is_empty());
        }),
        Row {
            name: "a weak tag is no use in If-Range",
            route: Route::honest(FILE).always(Version::WeakTag).always(Version::NoDate),
            fields: &[RANGE, "If-Range: W/\"2a-2710\""],
            check: |reply| assert_eq!(reply.status(), 200),
        },
        Row {
            name: "a new tag voids If-Range",
            route: Route::honest(FILE).always(Version::NewTag).always(Version::NoDate),
            fields: &[RANGE, "If-Range: \"2a-2710\""],
            check: |reply| assert_eq!(reply.status(), 200),
        },
    ]);
    assert_eq!(FILE.tag(), "\"2a-2710\"", "the rows above spell it out");
}

#[test]
fn replies_end_as_written() {
    check_all(vec![
        whole("cut", End::FinAfter(3000), |reply| {
            assert_eq!(reply.value("Content-Length"), "10000");
            assert_eq!((reply.body(), reply.after), (&FILE.bytes(0..3000)[..], After::Closed));
        }),
        whole("cut at 0", End::FinAfter(0), |reply| {
            assert_eq!((reply.status(), reply.body(), reply.after), (200, &b""[..], After::Closed));
        }),
        whole("cut at the end is whole", End::FinAfter(10_000), |reply| {
            assert_eq!((reply.body(), reply.after), (&FILE.all()[..], After::Closed));
        }),
        ranged("cut of a range", End::FinAfter(300), |reply| {
            assert_eq!(reply.value("Content-Length"), "1000");
            assert_eq!(reply.body(), FILE.bytes(1000..1300));
        }),
        whole("reset", End::ResetAfter(3000), |reply| {
            assert_eq!(reply.after, After::Reset);
            assert!(FILE.bytes(0..3000).starts_with(reply.body()), "a prefix, at most");
        }),
        whole("empty", End::EmptyReply, |reply| {
            assert_eq!((&reply.bytes[..], reply.after), (&b""[..], After::Closed));
        }),
        whole("reset at once", End::ResetAtOnce, |reply| {
            assert_eq!((&reply.bytes[..], reply.after), (&b""[..], After::Reset));
        }),
        whole("garbage", End::Garbage(b"\x00\xFFno http"), |reply| {
            assert_eq!((&reply.bytes[..], reply.after), (&b"\x00\xFFno http"[..], After::Closed));
        }),
        whole("chunked and cut", End::FinAfter(10), |reply| {
            assert_eq!(reply.body(), FILE.bytes(0..10));
        }),
    ]);
}

#[test]
fn a_stalled_reply_stays_until_the_client_leaves() {
    for (behaviour, expected_length) in
        [(End::NoReply, None), (End::StallAfter(0), Some(0)), (End::StallAfter(100), Some(100))]
    {
        let route = Route::honest(FILE).always(behaviour.clone());
        let origin = Origin::start(Plan::new().route("/f", route));
        let mut client = Client::connect(origin.address());
        client.send("GET", "/f", &["Connection: close"]);
        let reply = client.read_until(|bytes| match expected_length {
            None => true,
            Some(length) => {
                let head = bytes.windows(4).position(|w| w == b"\r\n\r\n");
                head.is_some_and(|at| bytes.len() >= at + 4 + length)
            }
        });
        assert_eq!(reply.after, After::Silent, "{behaviour:?}");
        match expected_length {
            None => assert!(reply.bytes.is_empty()),
            Some(length) => assert_eq!(reply.body(), FILE.bytes(0..length as u64)),
        }
        assert_eq!(origin.requests()[0].outcome, Outcome::Open);
        drop(client);
        assert!(origin.wait(PATIENCE, |seen| seen[0].outcome == Outcome::Broken), "{behaviour:?}");
    }
}

#[test]
fn an_origin_that_stops_ends_what_is_stalled() {
    let route = Route::honest(FILE).always(End::StallAfter(10));
    let origin = Origin::start(Plan::new().route("/f", route));
    let mut client = Client::connect(origin.address());
    client.send("GET", "/f", &[]);
    assert!(origin.wait(PATIENCE, |seen| seen.len() == 1 && seen[0].body_sent_bytes == 10));
    drop(origin);
    let reply = client.read_to_end();
    assert_eq!((reply.body().len(), reply.after), (10, After::Closed));
}

#[test]
fn a_silent_close_comes_after_a_whole_reply() {
    let route = Route::honest(FILE).when(When::First(1), End::CloseUnsaid);
    let origin = Origin::start(Plan::new().route("/f", route));
    let mut client = Client::connect(origin.address());
    client.send("GET", "/f", &[]);
    let reply = client.read_to_end();
    assert!(reply.values("Connection").is_empty());
    assert_eq!((reply.body(), reply.after), (&FILE.all()[..], After::Closed));
}

#[test]
fn an_honest_connection_carries_many_replies() {
    let origin = Origin::start(Plan::new().file("/f", FILE));
    let mut client = Client::connect(origin.address());
    for start in [0_u64, 5000] {
        client.send("GET", "/f", &[&format!("Range: bytes={start}-{}", start + 9)]);
        let reply = client.read_until(|bytes| bytes.ends_with(&FILE.bytes(start..start + 10)));
        assert_eq!((reply.body().len(), reply.after), (10, After::Silent));
        client.0.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    let seen = origin.requests();
    assert_eq!(seen.iter().map(|one| one.connection).collect::<Vec<_>>(), [1, 1]);
    origin.hang_up();
    assert_eq!(client.read_to_end().after, After::Closed);
}

#[test]
fn slow_replies_take_their_time_and_lose_nothing() {
    let small = Content::new(5, 10);
    let pause = Duration::from_millis(2);
    for (name, route, least) in [
        ("drip", Route::honest(small).always(Pace::Drip(1, pause)), pause * 9),
        ("drip in twos", Route::honest(small).always(Pace::Drip(2, pause)), pause * 4),
        ("head drip", Route::honest(small).always(Pace::HeadDrip(pause)), pause * 100),
        (
            "rate",
            Route::honest(Content::new(5, 3000)).always(Pace::RatePerConnection(20_000)),
            Duration::from_millis(120),
        ),
    ] {
        let content = route.content();
        let origin = Origin::start(Plan::new().route("/f", route));
        let began = Instant::now();
        let reply = ask(origin.address(), "GET", "/f", &[]);
        assert_eq!(reply.body(), content.all(), "{name}");
        assert!(began.elapsed() >= least, "{name}: {:?}", began.elapsed());
    }
}

#[test]
fn a_rate_holds_over_all_replies_of_a_connection() {
    let content = Content::new(5, 1000);
    let route = Route::honest(content).always(Pace::RatePerConnection(20_000));
    let origin = Origin::start(Plan::new().route("/f", route));
    let mut client = Client::connect(origin.address());
    let began = Instant::now();
    for _ in 0..3 {
        client.send("GET", "/f", &[]);
    }
    let ends = content.bytes(990..1000);
    let reply = client.read_until(|bytes| {
        bytes.windows(ends.len()).filter(|window| *window == ends).count() == 3
    });
    assert_eq!(reply.after, After::Silent);
    assert!(began.elapsed() >= Duration::from_millis(130), "{:?}", began.elapsed());
}

#[test]
fn a_slow_reply_does_not_hold_up_the_end() {
    let route = Route::honest(FILE).always(Pace::Drip(1, Duration::from_secs(3600)));
    let origin = Origin::start(Plan::new().route("/f", route));
    let mut client = Client::connect(origin.address());
    client.send("GET", "/f", &[]);
    assert!(origin.wait(PATIENCE, |seen| seen.len() == 1 && seen[0].body_sent_bytes == 1));
    drop(origin);
    assert_eq!(client.read_to_end().body().len(), 1);
}

#[test]
fn other_answers_come_as_written() {
    check_all(vec![
        ranged("status", Answer::Status(503), |reply| {
            assert_eq!((reply.status(), reply.body()), (503, &b"status 503\n"[..]));
            assert!(reply.values("ETag").is_empty() && reply.values("Content-Range").is_empty());
        }),
        whole("401", Answer::Status(401), |reply| {
            assert!(reply.value("WWW-Authenticate").starts_with("Basic"));
        }),
        whole("407", Answer::Status(407), |reply| {
            assert!(reply.value("Proxy-Authenticate").starts_with("Basic"));
        }),
        whole("416", Answer::Status(416), |reply| {
            assert_eq!(reply.value("Content-Range"), "bytes */10000");
        }),
        whole("204", Answer::Status(204), |reply| {
            assert!(reply.values("Content-Length").is_empty() && reply.body().is_empty());
        }),
        whole("interim", Answer::Interim(103), |reply| {
            assert_eq!(reply.status(), 103);
            assert!(reply.body().starts_with(b"HTTP/1.1 200 OK\r\n"));
        }),
        whole("gzip", Answer::Gzip, |reply| {
            assert_eq!(reply.value("Content-Encoding"), "gzip");
            assert_eq!(reply.value("Content-Length"), reply.body().len().to_string());
            assert!(reply.body().starts_with(&[0x1F, 0x8B, 8]));
            assert_eq!(reply.body()[15..10_015], FILE.all());
        }),
        ranged("portal", Answer::Portal, |reply| {
            assert_eq!((reply.status(), reply.value("Content-Type").as_str()), (200, "text/html"));
            assert!(reply.body().starts_with(b"<!doctype html>"));
        }),
        whole("field", Answer::Field("X-Odd", "yes".to_owned()), |reply| {
            assert_eq!((reply.value("X-Odd").as_str(), reply.body()), ("yes", &FILE.all()[..]));
        }),
        whole("huge field", Answer::HugeField(100_000), |reply| {
            assert_eq!(reply.value("X-Huge").len(), 100_000);
        }),
        Row {
            name: "status with Retry-After",
            route: Route::honest(FILE)
                .always(Answer::Status(503))
                .always(Answer::RetryAfter("120".to_owned())),
            fields: &[],
            check: |reply| {
                assert_eq!((reply.status(), reply.value("Retry-After").as_str()), (503, "120"));
            },
        },
    ]);
}

#[test]
fn redirects_point_where_they_are_told() {
    let redirect = |status, to: &[&str]| {
        let to = to.iter().map(|one| (*one).to_owned()).collect();
        Route::honest(FILE).always(Answer::Redirect(status, to))
    };
    let plan = Plan::new()
        .route("/once", redirect(308, &["http://u:p@{authority}/f"]))
        .route("/none", redirect(302, &[]))
        .route("/empty", redirect(301, &[""]))
        .route("/two", redirect(307, &["/a", "/b"]))
        .chain("/chain", 3, "/f")
        .file("/f", FILE);
    let origin = Origin::start(plan);
    let at = origin.address();
    let locations = |path: &str| {
        let reply = ask(at, "GET", path, &[]);
        (reply.status(), reply.values("Location"))
    };
    assert_eq!(locations("/once"), (308, vec![format!("http://u:p@{at}/f")]));
    assert_eq!(locations("/none"), (302, vec![]));
    assert_eq!(locations("/empty"), (301, vec![String::new()]));
    assert_eq!(locations("/two"), (307, vec!["/a".to_owned(), "/b".to_owned()]));

    let mut path = "/chain".to_owned();
    let mut hops = 0;
    while let (302, mut next) = locations(&path) {
        path = next.remove(0);
        hops += 1;
    }
    assert_eq!((hops, path.as_str()), (3, "/f"));
}

#[test]
fn requests_are_counted_per_path_and_written_down() {
    let plan = Plan::new()
        .route(
            "/a",
            Route::honest(FILE)
                .when(When::First(2), Answer::Status(500))
                .when(When::Only(3), Answer::Status(429))
                .when(When::After(4), Answer::Status(410)),
        )
        .route(
            "/b",
            Route::honest(FILE)
                .when(When::Head, Version::Size(1))
                .when(When::Ranged, Answer::Field("X-Ranged", "1".to_owned()))
                .when(When::Resumed, Answer::Field("X-Resumed", "1".to_owned())),
        );
    let origin = Origin::start(plan);
    let at = origin.address();
    let statuses: Vec<u16> =
        (0..5).map(|_| ask(at, "GET", "/a", &["X-Mark: here"]).status()).collect();
    assert_eq!(statuses, [500, 500, 429, 200, 410]);

    assert_eq!(ask(at, "HEAD", "/b", &[]).value("Content-Length"), "1");
    assert_eq!(ask(at, "GET", "/b", &[]).value("Content-Length"), "10000");
    let from_start = ask(at, "GET", "/b", &["Range: bytes=0-9"]);
    assert_eq!(from_start.values("X-Ranged").len() + from_start.values("X-Resumed").len(), 1);
    let later = ask(at, "GET", "/b", &["Range: bytes=5-9"]);
    assert_eq!(later.values("X-Ranged").len() + later.values("X-Resumed").len(), 2);

    let seen = origin.requests();
    assert_eq!(seen.len(), 9);
    assert_eq!(seen[3].nth, 4);
    assert_eq!((seen[3].status, seen[3].body_sent_bytes), (Some(200), 10_000));
    assert_eq!(seen[3].request.field("x-mark"), Some("here"));
    assert_eq!(seen[3].outcome, Outcome::Sent);
    assert_eq!((seen[5].nth, seen[5].request.method.as_str()), (1, "HEAD"));
    assert_eq!((seen[8].status, seen[8].body_sent_bytes), (Some(206), 5));
}

#[test]
fn faults_combine() {
    let route = Route::honest(FILE)
        .when(When::Ranged, Length::Chunked(100))
        .when(When::Ranged, Ranges::TotalUnsaid)
        .when(When::Ranged, End::FinAfter(250))
        .when(When::After(1), Version::NewTag);
    let origin = Origin::start(Plan::new().route("/f", route));
    assert_eq!(ask(origin.address(), "GET", "/f", &[]).body(), FILE.all());
    let reply = ask(origin.address(), "GET", "/f", &[RANGE]);
    assert_eq!(reply.value("Content-Range"), "bytes 1000-1999/*");
    assert_ne!(reply.value("ETag"), FILE.tag());
    assert_eq!(dechunk(reply.body()), Err(FILE.bytes(1000..1250)));
}

#[test]
fn a_file_larger_than_memory_costs_none() {
    let huge = Content::new(1, 1 << 50);
    let origin = Origin::start(Plan::new().file("/f", huge));
    let far = (1_u64 << 50) - 5;
    let reply = ask(origin.address(), "GET", "/f", &[&format!("Range: bytes={far}-")]);
    assert_eq!(reply.body(), huge.bytes(far..1 << 50));
    // A client that leaves early ends it.
    let mut client = Client::connect(origin.address());
    client.send("GET", "/f", &[]);
    let started = |seen: &[Exchange]| seen.get(1).is_some_and(|one| one.body_sent_bytes > 0);
    assert!(origin.wait(PATIENCE, started));
    drop(client);
    assert!(origin.wait(PATIENCE, |seen| seen[1].outcome == Outcome::Broken));
}
