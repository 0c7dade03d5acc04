//! The HTTP source against everything in the catalogue, and against origins that need two.

use std::future::Future;
use std::time::{Duration, SystemTime};

use dobbin_lab::catalogue::{self, Ask, Case, Expect, FILE, PART};
use dobbin_lab::origin::{
    Answer, Content, End, Identity, Length, OLD_DATE, Origin, Plan, Route, Version, http_date,
};
use dobbin_net::http::{
    Class, Client, Extent, FetchError, HttpSettings, ProxyRules, RETRY_AFTER_MAX, Request,
    StallRule, Validator, certificates_from_pem,
};
use dobbin_types::ErrorCode;
use url::Url;

/// As the product, but without the environment's proxies.
fn settings() -> HttpSettings {
    HttpSettings { proxy: ProxyRules::none(), ..HttpSettings::product("dobbin-lab") }
}

/// Gives up soon. For cases that must end so: a busy machine may make anything else look stalled.
fn impatient() -> HttpSettings {
    let stall = StallRule { min_bytes_per_second: 1_000_000, over: Duration::from_millis(200) };
    HttpSettings { stall, ..settings() }
}

fn client(settings: HttpSettings) -> Client {
    Client::new(settings).expect("usable settings")
}

fn run<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(what)
}

fn url(text: &str) -> Url {
    text.parse().expect("a URL")
}

/// What a request came to.
struct Got {
    extent: Option<Extent>,
    total: Option<u64>,
    bytes: Vec<u8>,
    error: Option<FetchError>,
}

async fn fetch(client: &Client, request: &Request) -> Got {
    let mut got = Got { extent: None, total: None, bytes: Vec::new(), error: None };
    let mut response = match client.open(request).await {
        Ok(response) => response,
        Err(error) => return Got { error: Some(error), ..got },
    };
    (got.extent, got.total) = (Some(response.extent), response.total);
    loop {
        match response.body.next().await {
            Ok(Some(bytes)) => got.bytes.extend_from_slice(&bytes),
            Ok(None) => return got,
            Err(error) => return Got { error: Some(error), ..got },
        }
    }
}

fn request(ask: Ask, url: Url) -> Request {
    match ask {
        Ask::Whole => Request::whole(url),
        Ask::Part => Request::part(url, PART),
        Ask::PartOfVersion => Request {
            if_range: Some(Validator::StrongEtag(FILE.tag())),
            ..Request::part(url, PART)
        },
    }
}

/// `Err` says how the outcome differs from what the case expects.
fn compare(case: &Case, got: &Got) -> Result<(), String> {
    let whole = |content: Content, bytes_count: u64| {
        let agrees = got.error.is_none()
            && got.extent == Some(Extent::Whole)
            && got.bytes == content.bytes(0..bytes_count)
            && got.total.is_none_or(|total| total == bytes_count);
        agrees.then_some(()).ok_or_else(|| "not that whole".to_owned())
    };
    let failed = |code: ErrorCode, class: Class| match &got.error {
        None => Err("no error".to_owned()),
        Some(error) if (error.code(), error.class()) == (code, class) => Ok(()),
        Some(error) => Err(format!("{:?}, {:?}: {error}", error.code(), error.class())),
    };
    match case.expect {
        Expect::Whole => whole(FILE, FILE.size()),
        Expect::Shorter(bytes_count) => whole(FILE, bytes_count),
        Expect::Changed => whole(FILE.changed(), FILE.size()),
        Expect::Part => {
            let extent = Extent::Part { start: PART.start, end: PART.end };
            let agrees =
                got.error.is_none() && got.extent == Some(extent) && got.bytes == FILE.bytes(PART);
            agrees.then_some(()).ok_or_else(|| "not that part".to_owned())
        }
        Expect::Foreign => {
            let agrees = got.error.is_none()
                && got.extent == Some(Extent::Whole)
                && got.total != Some(FILE.size());
            agrees.then_some(()).ok_or_else(|| "not foreign".to_owned())
        }
        Expect::Transient(code) => failed(code, Class::Transient),
        Expect::Timeout => failed(ErrorCode::WININET_E_TIMEOUT, Class::Transient),
        Expect::Fatal(code) => failed(code, Class::Fatal),
    }?;
    // Whatever came before a failure was right.
    let start = match got.extent {
        Some(Extent::Part { start, .. }) => start,
        Some(Extent::Whole) | None => 0,
    };
    if got.error.is_some() && FILE.first_difference(start, &got.bytes).is_some() {
        return Err("wrong bytes before the failure".to_owned());
    }
    Ok(())
}

/// Whether the client still gets an honest file from the same origin. A connection that a bad reply
/// has spoilt may cost one try, if it fails in a way that may pass.
async fn is_unharmed(client: &Client, url: Url) -> bool {
    for _ in 0..2 {
        let got = fetch(client, &Request::whole(url.clone())).await;
        match got.error {
            None => return got.bytes == FILE.all(),
            Some(error) if error.class() == Class::Transient => {}
            Some(_) => return false,
        }
    }
    false
}

#[test]
fn every_fault_comes_to_what_the_catalogue_says() {
    let origin = Origin::start(Plan::new().file("/honest", FILE));
    let mut complaints = Vec::new();
    run(async {
        let (patient, impatient) = (client(settings()), client(impatient()));
        for (index, case) in catalogue::all().iter().enumerate() {
            let path = format!("/{index}");
            origin.set(&path, case.route());
            let client = if case.expect == Expect::Timeout { &impatient } else { &patient };
            let got = fetch(client, &request(case.ask, url(&origin.url(&path)))).await;
            if let Err(complaint) = compare(case, &got) {
                complaints.push(format!(
                    "{}: expected {:?}, got {complaint} ({:?}, {} bytes)",
                    case.name,
                    case.expect,
                    got.extent,
                    got.bytes.len()
                ));
            }
            if !is_unharmed(&patient, url(&origin.url("/honest"))).await {
                complaints.push(format!("{}: harms the next request", case.name));
            }
        }
    });
    assert!(complaints.is_empty(), "{} cases differ:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_case_that_may_pass_passes_when_the_origin_heals() {
    let origin = Origin::start(Plan::new());
    run(async {
        let (patient, impatient) = (client(settings()), client(impatient()));
        for (index, case) in catalogue::all().iter().enumerate() {
            let client = match case.expect {
                Expect::Transient(_) => &patient,
                Expect::Timeout => &impatient,
                Expect::Whole
                | Expect::Part
                | Expect::Shorter(_)
                | Expect::Changed
                | Expect::Foreign
                | Expect::Fatal(_) => continue,
            };
            let path = format!("/{index}");
            origin.set(&path, case.route_that_heals());
            let request = request(case.ask, url(&origin.url(&path)));
            let first = fetch(client, &request).await;
            // A redirect to itself heals on its own way.
            if let Err(complaint) = compare(case, &first) {
                assert_eq!(first.bytes, FILE.all(), "{}: {complaint}", case.name);
                continue;
            }
            let second = fetch(&patient, &request).await;
            assert_eq!(second.error, None, "{}", case.name);
        }
    });
}

/// conformance: number retry-after
#[test]
fn an_origins_wish_for_patience_is_heard_and_bounded() {
    let in_two_minutes = http_date(SystemTime::now() + Duration::from_secs(120));
    for (text, least_secs, most_secs) in [
        ("7", 7, 7),
        ("0", 0, 0),
        (in_two_minutes.as_str(), 100, 120),
        (OLD_DATE, 0, 0),
        ("86400", RETRY_AFTER_MAX.as_secs(), RETRY_AFTER_MAX.as_secs()),
        ("99999999999999999999999", RETRY_AFTER_MAX.as_secs(), RETRY_AFTER_MAX.as_secs()),
        ("Fri, 31 Dec 9999 23:59:59 GMT", RETRY_AFTER_MAX.as_secs(), RETRY_AFTER_MAX.as_secs()),
    ] {
        for status in [429, 503] {
            let route = Route::honest(FILE)
                .always(Answer::Status(status))
                .always(Answer::RetryAfter(text.to_owned()));
            let origin = Origin::start(Plan::new().route("/f", route));
            let request = Request::whole(url(&origin.url("/f")));
            let got = run(async { fetch(&client(settings()), &request).await });
            let error = got.error.expect("a refusal");
            assert_eq!((error.http_status, error.class()), (Some(status), Class::Transient));
            let seconds = error.retry_after.map(|wait| wait.as_secs());
            let heard = seconds.is_some_and(|s| (least_secs..=most_secs).contains(&s));
            assert!(heard, "{text:?}: {seconds:?}");
        }
    }
    for text in ["soon", "-5", "", "1.5"] {
        let route = Route::honest(FILE)
            .always(Answer::Status(503))
            .always(Answer::RetryAfter(text.to_owned()));
        let origin = Origin::start(Plan::new().route("/f", route));
        let request = Request::whole(url(&origin.url("/f")));
        let got = run(async { fetch(&client(settings()), &request).await });
        assert_eq!(got.error.expect("a refusal").retry_after, None, "{text:?}");
    }
}

/// conformance: number redirects
#[test]
fn redirects_of_every_kind_are_followed_up_to_ten() {
    for status in [301, 302, 303, 307, 308] {
        let redirect = Answer::Redirect(status, vec!["/f".to_owned()]);
        let plan = Plan::new().route("/old", Route::honest(FILE).always(redirect)).file("/f", FILE);
        let origin = Origin::start(plan);
        let request = Request::part(url(&origin.url("/old")), PART);
        let got = run(async { fetch(&client(settings()), &request).await });
        assert_eq!(got.bytes, FILE.bytes(PART), "{status}");
        let seen = origin.requests();
        assert_eq!(seen[1].request.field("range"), Some("bytes=40000-69999"), "{status}");
    }
    for (hops, followed) in [(10, true), (11, false), (50, false)] {
        let origin = Origin::start(Plan::new().chain("/old", hops, "/f").file("/f", FILE));
        let request = Request::whole(url(&origin.url("/old")));
        let got = run(async { fetch(&client(settings()), &request).await });
        let code = got.error.map(|error| error.code());
        let expected = (!followed).then_some(ErrorCode::CURL_TOO_MANY_REDIRECTS);
        assert_eq!(code, expected, "{hops} hops");
        assert_eq!(got.bytes == FILE.all(), followed, "{hops} hops");
        assert_eq!(origin.requests().len(), 11, "{hops} hops");
    }
}

#[test]
fn secrets_stay_with_the_origin_they_were_given_for() {
    let stranger = Origin::start(Plan::new().file("/f", FILE));
    let away = Answer::Redirect(302, vec![stranger.url("/f")]);
    let beside = Answer::Redirect(302, vec!["/f".to_owned()]);
    let plan = Plan::new()
        .route("/away", Route::honest(FILE).always(away))
        .route("/beside", Route::honest(FILE).always(beside))
        .file("/f", FILE);
    let origin = Origin::start(plan);
    run(async {
        let client = client(settings());
        for path in ["/away", "/beside"] {
            let mut asked = url(&origin.url(path));
            asked.set_username("user").expect("a URL with a host");
            asked.set_password(Some("canary")).expect("a URL with a host");
            let mut request = Request::whole(asked);
            for name in ["cookie", "x-canary"] {
                let name = name.parse().expect("a name");
                request.headers.push((name, "canary".parse().expect("a value")));
            }
            assert_eq!(fetch(&client, &request).await.bytes, FILE.all(), "{path}");
        }
    });
    let secret = |name: &str| ["authorization", "cookie", "x-canary"].contains(&name);
    for exchange in origin.requests() {
        let secrets_count = exchange.request.fields.iter().filter(|(name, _)| secret(name)).count();
        assert_eq!(secrets_count, 3, "{}", exchange.request.target);
    }
    let fields = stranger.requests().remove(0).request.fields;
    assert!(!fields.iter().any(|(name, value)| secret(name) || value.contains("canary")));
}

#[test]
fn a_redirect_from_https_leads_to_http_only_if_allowed() {
    let plain = Origin::start(Plan::new().file("/f", FILE));
    let down = Answer::Redirect(302, vec![plain.url("/f")]);
    let plan = Plan::new().route("/down", Route::honest(FILE).always(down));
    let secure = Origin::start_tls(plan, Identity::Valid);
    run(async {
        let client = client(trusting(&secure));
        let request = Request::whole(url(&secure.url("/down")));
        let error = fetch(&client, &request).await.error.expect("a refusal");
        assert_eq!((error.code(), error.class()), (ErrorCode::E_ACCESSDENIED, Class::Fatal));
        assert!(plain.requests().is_empty(), "it was not even asked");
        let request = Request { allow_downgrade: true, ..request };
        assert_eq!(fetch(&client, &request).await.bytes, FILE.all());
    });
}

/// Settings that trust what a TLS origin hands out.
fn trusting(origin: &Origin) -> HttpSettings {
    let pem = origin.authority_pem().expect("a TLS origin");
    let extra_roots = certificates_from_pem(pem.as_bytes()).expect("its own authority");
    HttpSettings { extra_roots, ..settings() }
}

/// conformance: class certificate, code DO_E_HTTP_CERT_VALIDATION
#[test]
fn only_a_valid_certificate_is_believed() {
    for identity in Identity::ALL {
        let origin = Origin::start_tls(Plan::new().file("/f", FILE), identity);
        let request = Request::whole(url(&origin.url("/f")));
        let got = run(async { fetch(&client(trusting(&origin)), &request).await });
        match identity {
            Identity::Valid => assert_eq!(got.bytes, FILE.all()),
            Identity::Expired
            | Identity::NotYetValid
            | Identity::WrongName
            | Identity::UnknownAuthority
            | Identity::SelfSigned
            | Identity::ClientOnly => {
                let error = got.error.expect("a refusal");
                let verdict = (error.code(), error.class());
                let expected = (ErrorCode::DO_E_HTTP_CERT_VALIDATION, Class::Fatal);
                assert_eq!(verdict, expected, "{identity:?}: {error}");
                assert!(origin.requests().is_empty(), "{identity:?}: asked in spite of it");
            }
        }
    }
}

#[test]
fn a_valid_certificate_is_not_believed_without_its_authority() {
    let origin = Origin::start_tls(Plan::new().file("/f", FILE), Identity::Valid);
    let request = Request::whole(url(&origin.url("/f")));
    let got = run(async { fetch(&client(settings()), &request).await });
    let error = got.error.expect("a refusal");
    assert_eq!(error.code(), ErrorCode::DO_E_HTTP_CERT_VALIDATION, "{error}");
}

#[test]
fn over_tls_the_end_of_a_body_without_length_must_be_announced() {
    let unsaid = || Route::honest(FILE).always(Length::Unsaid);
    let cut = Some(ErrorCode::CURL_PARTIAL_FILE);
    for (route, expected) in [(unsaid(), None), (unsaid().always(End::NoCloseNotify), cut)] {
        let origin = Origin::start_tls(Plan::new().route("/f", route), Identity::Valid);
        let request = Request::whole(url(&origin.url("/f")));
        let got = run(async { fetch(&client(trusting(&origin)), &request).await });
        assert_eq!(got.error.as_ref().map(FetchError::code), expected);
        assert_eq!(FILE.first_difference(0, &got.bytes), None);
        assert!(expected.is_some() || got.bytes.len() as u64 == FILE.size());
    }
}

/// conformance: class connection, code WIN32_CANNOT_CONNECT
#[test]
fn an_origin_that_is_gone_refuses_the_connection() {
    let gone = {
        let origin = Origin::start(Plan::new());
        url(&origin.url("/f"))
    };
    let got = run(async { fetch(&client(settings()), &Request::whole(gone)).await });
    let error = got.error.expect("nobody there");
    assert_eq!((error.code(), error.class()), (ErrorCode::WIN32_CANNOT_CONNECT, Class::Transient));
}

#[test]
fn connections_are_kept_between_requests_and_renewed_when_stale() {
    let origin = Origin::start(Plan::new().file("/f", FILE));
    run(async {
        let client = client(settings());
        let request = Request::part(url(&origin.url("/f")), PART);
        for _ in 0..3 {
            assert_eq!(fetch(&client, &request).await.bytes, FILE.bytes(PART));
        }
        assert!(origin.requests().iter().all(|exchange| exchange.connection == 1));
        origin.hang_up();
        assert_eq!(fetch(&client, &request).await.bytes, FILE.bytes(PART));
        assert_eq!(origin.requests()[3].connection, 2);
    });
}

#[test]
fn only_a_strong_validator_is_kept() {
    let tag = Validator::StrongEtag(FILE.tag());
    let date = Validator::LastModified(OLD_DATE.to_owned());
    let no_tag = Route::honest(FILE).always(Version::NoTag);
    for (route, expected) in [
        (Route::honest(FILE), Some(tag)),
        (no_tag.clone(), Some(date)),
        (no_tag.always(Version::NoDate), None),
        (Route::honest(FILE).always(Version::WeakTag), None),
    ] {
        let origin = Origin::start(Plan::new().route("/f", route));
        let request = Request::part(url(&origin.url("/f")), PART);
        let response = run(async { client(settings()).open(&request).await });
        assert_eq!(response.expect("a part").validator, expected);
    }
}
