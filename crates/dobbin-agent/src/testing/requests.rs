//! What the agent makes of requests, good and bad.

use dobbin_types::ErrorCode;
use dobbin_types::rest::{AgentInfo, AgentMode, JobInfo, JobList, Outcome};
use dobbin_types::{JobState, Priority};

use super::verbs::{body_for, path_for};
use super::{House, JSON_TYPE, request};
use crate::ipc;

/// An id that no job has.
const NOBODY: &str = "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d";

#[tokio::test]
async fn an_agent_says_who_it_is() {
    let house = House::open().await;
    let answer = house.ask("GET", "/v1/agent").await;
    assert_eq!(answer.status, 200);
    let info: AgentInfo = answer.body_as();
    assert_eq!((info.version.as_str(), info.mode), ("1.2.3", AgentMode::Service));
    assert_eq!(info.pid, std::process::id());
    assert_eq!(info.uid, dobbin_platform::identity::own_uid());
    assert_eq!(info.store, house.home.path().join("state").to_string_lossy());
    house.close().await;
}

/// conformance: Manager::CreateJob, Manager list, Job::GetDisplayName, Job::GetState
/// conformance: Job::GetPriority, code DO_E_ERROR_INFORMATION_UNAVAILABLE
#[tokio::test]
async fn a_job_goes_through_its_calls() {
    let house = House::open().await;
    let created = house.tell("POST", "/v1/jobs", r#"{"display_name":"maps"}"#).await;
    assert_eq!(created.status, 201);
    let path = created.headers["location"].clone();
    let info: JobInfo = house.ask("GET", &path).await.body_as();
    assert_eq!((info.display_name.as_str(), info.state), ("maps", JobState::Suspended));

    let path_of = |rest: &str| format!("{path}/{rest}");
    let set = house.tell("PUT", &path_of("priority"), r#"{"priority":"high"}"#).await;
    assert_eq!(set.body_as::<Outcome>().code, ErrorCode::S_OK);
    let info: JobInfo = house.ask("GET", &path).await.body_as();
    assert_eq!(info.priority, Priority::High);
    house.ask("POST", &path_of("resume")).await.refused(409, ErrorCode::DO_E_JOB_EMPTY);
    house
        .ask("GET", &path_of("error"))
        .await
        .refused(404, ErrorCode::DO_E_ERROR_INFORMATION_UNAVAILABLE);

    let all: JobList = house.ask("GET", "/v1/jobs").await.body_as();
    assert_eq!(all.jobs.len(), 1);
    let some: JobList = house.ask("GET", "/v1/jobs?state=queued").await.body_as();
    assert_eq!(some.jobs.len(), 0);

    let cancelled = house.ask("POST", &path_of("cancel")).await;
    assert_eq!(cancelled.body_as::<Outcome>().state, JobState::Cancelled);
    let all: JobList = house.ask("GET", "/v1/jobs").await.body_as();
    assert_eq!(all.jobs.len(), 0);
    house.close().await;
}

/// conformance: code E_UNSUPPORTED
#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_unsupported() {
    let house = House::open().await;
    let paths = [
        "/",
        "/v1",
        "/v2/jobs",
        "/v1/jobs/",
        "//v1/jobs",
        "/v1/./jobs",
        "/v1/jobs/../agent",
        "/v1/%2e%2e/etc/passwd",
        "/v1/jobs%2f",
        "/v1/JOBS",
        "/openapi.json",
    ];
    for path in paths {
        house.ask("GET", path).await.refused(404, ErrorCode::E_UNSUPPORTED);
    }
    let rows = [
        ("DELETE", "/v1/jobs", "GET,HEAD,POST"),
        ("OPTIONS", "/v1/jobs", "GET,HEAD,POST"),
        ("POST", "/v1/agent", "GET,HEAD"),
        ("PATCH", "/v1/events", "GET,HEAD"),
        ("BREW", "/v1/openapi.json", "GET,HEAD"),
    ];
    for (method, path, allow) in rows {
        let answer = house.ask(method, path).await;
        answer.refused(405, ErrorCode::E_UNSUPPORTED);
        assert_eq!(answer.headers["allow"], allow, "{method} {path}");
    }
    // No verb works as a GET: what only looks cannot change anything.
    for row in ipc::table().iter().filter(|row| row.method == http::Method::POST) {
        if !ipc::table().iter().any(|other| other.path == row.path && other.method == "GET") {
            let answer = house.ask("GET", &path_for(row.path, NOBODY.parse().unwrap())).await;
            answer.refused(405, ErrorCode::E_UNSUPPORTED);
        }
    }
    house.close().await;
}

#[tokio::test]
async fn every_route_refuses_a_query_it_does_not_know() {
    let house = House::open().await;
    for row in ipc::table() {
        let path = format!("{}?colour=red", path_for(row.path, NOBODY.parse().unwrap()));
        let answer = house.tell(row.method.as_str(), &path, "{}").await;
        let failure = answer.refused(400, ErrorCode::E_INVALIDARG);
        assert_eq!(failure.field.as_deref(), Some("query"), "{path}");
        assert!(failure.message.contains("unknown field `colour`"), "{path}: {failure:?}");
    }
    house.close().await;
}

#[tokio::test]
async fn queries_and_paths_that_mean_nothing_are_named() {
    let house = House::open().await;
    let rows = [
        ("/v1/jobs?state=flying", "query", "flying"),
        ("/v1/jobs?state=queued&state=queued", "query", "duplicate field `state`"),
        ("/v1/events?job=7", "query", "invalid"),
        ("/v1/jobs/7", "job", "no id of a job"),
        ("/v1/jobs/%00", "job", "no id of a job"),
        ("/v1/jobs/..%2f..", "job", "no id of a job"),
        ("/v1/jobs/%c0%ae", "path", "UTF-8"),
        ("/v1/jobs/7/files", "job", "no id of a job"),
        ("/v1/jobs/0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d/files/one", "file", "number"),
        ("/v1/jobs/0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d/files/-1", "file", "number"),
        ("/v1/jobs/0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d/files/4294967296", "file", "number"),
    ];
    for (path, field, says) in rows {
        let failure = house.ask("GET", path).await.refused(400, ErrorCode::E_INVALIDARG);
        assert_eq!(failure.field.as_deref(), Some(field), "{path}: {failure:?}");
        assert!(failure.message.contains(says), "{path}: {failure:?}");
    }
    house.close().await;
}

/// conformance: Manager::GetJob not-found, code DO_E_JOB_NOT_FOUND
#[tokio::test]
async fn a_job_that_does_not_exist_is_not_found_by_any_route() {
    let house = House::open().await;
    for row in ipc::table().iter().filter(|row| row.path.contains("{job}")) {
        let body = body_for(row.path, &row.method);
        let answer = house
            .tell(row.method.as_str(), &path_for(row.path, NOBODY.parse().unwrap()), body)
            .await;
        answer.refused(404, ErrorCode::DO_E_JOB_NOT_FOUND);
    }
    house.close().await;
}

#[tokio::test]
async fn bodies_that_are_not_json_are_refused_by_their_type() {
    let house = House::open().await;
    let body = Some(r#"{"display_name":"x"}"#);
    let rows: [&[(&str, &str)]; 6] = [
        &[],
        &[("content-type", "")],
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "application/json-seq")],
        &[JSON_TYPE, ("content-encoding", "gzip")],
    ];
    for headers in rows {
        let answer = house.send(request("POST", "/v1/jobs", headers, body)).await;
        let failure = answer.refused(415, ErrorCode::E_INVALIDARG);
        assert_eq!(failure.field.as_deref(), Some("content-type"), "{headers:?}");
    }
    for value in ["application/json; charset=utf-8", "Application/JSON", "application/json ;x"] {
        let headers = [("content-type", value)];
        let answer = house.send(request("POST", "/v1/jobs", &headers, body)).await;
        assert_eq!(answer.status, 201, "{value}: {answer:?}");
    }
    house.close().await;
}

/// conformance: Job::SetPriority unknown, code E_INVALIDARG
#[tokio::test]
async fn a_wrong_body_is_refused_with_the_place_where_it_is_wrong() {
    let house = House::open().await;
    let deep = "[".repeat(100_000);
    let deep_inside = format!(r#"{{"display_name":{deep}"#);
    let rows = [
        ("", None, "must be a JSON object"),
        ("null", None, "must be a JSON object"),
        (r#"["x"]"#, None, "must be a JSON object"),
        (deep.as_str(), None, "must be a JSON object"),
        ("{", None, "line 1 column 1"),
        (r#"{"display_name":"x"}}"#, None, "line 1 column 21"),
        (r#"{"display_name":"x"} {"display_name":"y"}"#, None, "trailing characters"),
        ("{\n\"display_name\": nope\n}", Some("display_name"), "line 2 column 18"),
        (r#"{"display_name":7}"#, Some("display_name"), "invalid type: integer `7`"),
        (deep_inside.as_str(), None, "an array stands where an object belongs"),
        (r#"{"display_name":"x","priority":"soon"}"#, Some("priority"), "unknown variant"),
        (r#"{"display_name":"x","colour":1}"#, Some("colour"), "unknown field `colour`"),
        (r#"{"display_name":"x","display_name":"y"}"#, None, "duplicate field `display_name`"),
        (r#"{"display_name":"x","bytes_per_second_max":-1}"#, Some("bytes_per_second_max"), "-1"),
        ("{}", None, "missing field `display_name`"),
        (r#"{"display_name":["x"]}"#, Some("display_name"), "invalid type: sequence"),
        (r#"{"display_name":"x","files":[["http://host.invalid/x","/x"]]}"#, None, "at byte 29"),
        (
            r#"{"display_name":"x","files":[{"remote_name":"","local_name":""},{"remote":""}]}"#,
            Some("files[1].remote"),
            "unknown field `remote`",
        ),
    ];
    for (body, field, says) in rows {
        let shown = &body[..body.len().min(80)];
        let answer = house.tell("POST", "/v1/jobs", body).await;
        let failure = answer.refused(400, ErrorCode::E_INVALIDARG);
        assert!(failure.message.contains(says), "{shown}: {failure:?}");
        if let Some(field) = field {
            assert_eq!(failure.field.as_deref(), Some(field), "{shown}: {failure:?}");
        }
    }
    let mut bytes = request("POST", "/v1/jobs", &[JSON_TYPE], Some(r#"{"display_name":"??"}"#));
    let end = bytes.len();
    bytes[end - 4..end - 2].copy_from_slice(&[0xC0, 0xAE]);
    house.send(bytes).await.refused(400, ErrorCode::E_INVALIDARG);
    let all: JobList = house.ask("GET", "/v1/jobs").await.body_as();
    assert_eq!(all.jobs.len(), 0, "nothing was created on the way");
    house.close().await;
}

#[tokio::test]
async fn a_verb_needs_no_body_and_takes_no_words() {
    let house = House::open().await;
    let job = house.create("x").await;
    let path = format!("/v1/jobs/{job}/suspend");
    assert_eq!(house.ask("POST", &path).await.status, 200);
    let typed_but_empty = request("POST", &path, &[JSON_TYPE], Some(""));
    assert_eq!(house.send(typed_but_empty).await.status, 200);
    assert_eq!(house.tell("POST", &path, " {} ").await.status, 200);
    house.tell("POST", &path, r#"{"now":true}"#).await.refused(400, ErrorCode::E_INVALIDARG);
    let untyped = request("POST", &path, &[], Some("{}"));
    house.send(untyped).await.refused(415, ErrorCode::E_INVALIDARG);
    house.close().await;
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let house = House::open().await;
    let answer = house.ask("HEAD", "/v1/agent").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    house.close().await;
}

#[tokio::test]
async fn the_document_is_served() {
    let house = House::open().await;
    let answer = house.ask("GET", "/v1/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, crate::openapi::text());
    house.close().await;
}
