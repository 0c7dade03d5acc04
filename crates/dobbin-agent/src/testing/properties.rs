//! Properties, figures and moved files over the socket.

use dobbin_types::ErrorCode;
use dobbin_types::rest::{FileList, FileWhy, Holdup, JobStats, JobWhy, Outcome, PropertyBody};

use super::House;

/// conformance: DOFile2::GetProperty, DOFile2::SetProperty, code E_NOT_SET
#[tokio::test]
async fn properties_are_set_and_read_by_their_words() {
    let house = House::open().await;
    let job = house.create("x").await;
    let path = |rest: &str| format!("/v1/jobs/{job}/{rest}");
    let file = r#"{"files":[{"remote_name":"http://127.0.0.1:9/a"}]}"#;
    assert_eq!(house.tell("POST", &path("files"), file).await.status, 200);

    let flags = path("properties/cost_flags");
    let set = house.tell("PUT", &flags, r#"{"value":2147483681}"#).await;
    assert_eq!(set.body_as::<Outcome>().code, ErrorCode::S_OK);
    assert_eq!(house.ask("GET", &flags).await.body, r#"{"value":2147483681}"#);

    let sink = path("files/0/properties/download_sink_file_path");
    house.ask("GET", &sink).await.refused(404, ErrorCode::E_NOT_SET);
    house.ask("POST", &path("resume")).await.refused(409, ErrorCode::DO_E_LOCALPATH_NOT_SET);
    let there = house.home.path().join("there");
    let body = serde_json::json!({ "value": there }).to_string();
    assert_eq!(house.tell("PUT", &sink, &body).await.status, 200);
    assert_eq!(
        house.ask("GET", &sink).await.body_as::<PropertyBody>().value,
        there.to_str().unwrap().into()
    );

    let moved = r#"{"remote_name":"http://127.0.0.1:9/b"}"#;
    assert_eq!(house.tell("PUT", &path("files/0/remote-name"), moved).await.status, 200);
    let files: FileList = house.ask("GET", &path("files")).await.body_as();
    assert_eq!(files.files[0].remote_name, "http://127.0.0.1:9/b");
    let stats: JobStats = house.ask("GET", &path("stats")).await.body_as();
    assert_eq!(stats.files[0].source_url, "http://127.0.0.1:9/b");
    assert_eq!(house.ask("GET", &path("files/0/stats")).await.status, 200);
    house.close().await;
}

#[tokio::test]
async fn a_files_mirrors_come_in_and_are_shown() {
    let house = House::open().await;
    let job = house.create("x").await;
    let files = format!("/v1/jobs/{job}/files");
    let add = async |mirrors: &[&str]| {
        let file = serde_json::json!({ "remote_name": "http://h.invalid/a", "mirrors": mirrors });
        let body = serde_json::json!({ "files": [file] }).to_string();
        house.tell("POST", &files, &body).await
    };
    assert_eq!(add(&["http://m.invalid/a", "https://n.invalid/"]).await.status, 200);
    let shown: FileList = house.ask("GET", &files).await.body_as();
    assert_eq!(shown.files[0].mirrors, ["http://m.invalid/a", "https://n.invalid/"]);

    let refused = add(&["http://m.invalid/a", "ftp://n.invalid/"]).await;
    let failure = refused.refused(400, ErrorCode::E_INVALIDARG);
    assert_eq!(failure.field.as_deref(), Some("files[0].mirrors"));
    assert!(failure.message.contains("mirror 1"), "{failure:?}");
    house.close().await;
}

/// conformance: Job2::GetProperty unknown, Job5::GetProperty unknown
/// conformance: code DO_E_UNKNOWN_PROPERTY_ID, code DO_E_WRITE_ONLY_PROPERTY
/// conformance: code DO_E_FILE_NOT_AVAILABLE, code E_NOTIMPL
#[tokio::test]
async fn refusals_of_properties_name_what_was_wrong() {
    let house = House::open().await;
    let job = house.create("x").await;
    let file = r#"{"files":[{"remote_name":"http://127.0.0.1:9/a"}]}"#;
    house.tell("POST", &format!("/v1/jobs/{job}/files"), file).await;
    let get = async |rest: &str, status, code: ErrorCode, field: Option<&str>| {
        let answer = house.ask("GET", &format!("/v1/jobs/{job}/{rest}")).await;
        assert_eq!(answer.refused(status, code).field.as_deref(), field, "{rest}");
    };
    let unknown = ErrorCode::DO_E_UNKNOWN_PROPERTY_ID;
    get("properties/colour", 400, unknown, Some("property")).await;
    get("properties/1", 400, unknown, Some("property")).await;
    get("properties/high_performance", 400, unknown, Some("property")).await;
    get("files/0/properties/cost_flags", 400, unknown, Some("property")).await;
    let write_only = ErrorCode::DO_E_WRITE_ONLY_PROPERTY;
    get("files/0/properties/integrity_check_info", 400, write_only, Some("property")).await;
    let none = ErrorCode::DO_E_FILE_NOT_AVAILABLE;
    get("files/1/properties/total_size_bytes", 404, none, None).await;
    get("files/1/stats", 404, none, None).await;

    let put = async |rest: &str, body: &str, status, code: ErrorCode, field: &str| {
        let answer = house.tell("PUT", &format!("/v1/jobs/{job}/{rest}"), body).await;
        assert_eq!(answer.refused(status, code).field.as_deref(), Some(field), "{rest} {body}");
    };
    let invalid = ErrorCode::E_INVALIDARG;
    put("properties/cost_flags", r#"{"value":"x"}"#, 400, invalid, "value").await;
    put("properties/cost_flags", r#"{"value":-1}"#, 400, invalid, "value").await;
    put("properties/cost_flags", r#"{"value":null}"#, 400, invalid, "value").await;
    let total = "files/0/properties/total_size_bytes";
    put(total, r#"{"value":0}"#, 400, invalid, "value").await;
    put(
        "files/0/properties/decryption_info",
        r#"{"value":""}"#,
        501,
        ErrorCode::E_NOTIMPL,
        "property",
    )
    .await;
    put("files/0/remote-name", r#"{"remote_name":"x"}"#, 400, invalid, "remote_name").await;
    house.close().await;
}

#[tokio::test]
async fn reasons_are_told_of_a_job_and_of_its_files() {
    let house = House::open().await;
    let job = house.create("x").await;
    let file = r#"{"files":[{"remote_name":"http://127.0.0.1:9/a?key=secret"}]}"#;
    house.tell("POST", &format!("/v1/jobs/{job}/files"), file).await;
    let why: JobWhy = house.ask("GET", &format!("/v1/jobs/{job}/why")).await.body_as();
    assert_eq!(why.holdup, Some(Holdup::Resume { suspended_by: None, suspended_at: None }));
    let path = format!("/v1/jobs/{job}/files/0/why");
    assert_eq!(house.ask("GET", &path).await.body_as::<FileWhy>(), why.files[0]);
    let none = format!("/v1/jobs/{job}/files/1/why");
    house.ask("GET", &none).await.refused(404, ErrorCode::DO_E_FILE_NOT_AVAILABLE);
    house.close().await;
}
