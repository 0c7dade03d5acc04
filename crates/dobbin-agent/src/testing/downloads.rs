//! Downloads over the wire.

use dobbin_types::rest::{
    CreatedDownload, DownloadInfo, DownloadList, DownloadOutcome, DownloadStatus, JobList,
    PropertyBody,
};
use dobbin_types::{DownloadState, ErrorCode, PropertyValue};

use super::House;

/// conformance: IDOManager::CreateDownload
#[tokio::test]
async fn a_download_is_created_looked_at_and_ended() {
    let house = House::open().await;
    house.ask("GET", "/v1/downloads").await.refused(404, ErrorCode::DO_E_NO_DOWNLOADS);
    let answer = house.tell("POST", "/v1/downloads", "{}").await;
    let id = answer.body_as::<CreatedDownload>().id;
    let path = format!("/v1/downloads/{id}");
    assert_eq!((answer.status, &answer.headers["location"]), (201, &path));
    let info: DownloadInfo = house.ask("GET", &path).await.body_as();
    assert_eq!((info.id, info.uri, info.local_path), (id, None, None));
    let status: DownloadStatus = house.ask("GET", &format!("{path}/status")).await.body_as();
    assert_eq!((status.state, status.error), (DownloadState::Created, ErrorCode::S_OK));
    let start = house.tell("POST", &format!("{path}/start"), "{}").await;
    start.refused(409, ErrorCode::DO_E_DOWNLOAD_NO_URI);
    let finalize = house.ask("POST", &format!("{path}/finalize")).await;
    finalize.refused(409, ErrorCode::DO_E_INVALID_STATE);
    let content = house.ask("GET", &format!("{path}/content?offset=5")).await;
    content.refused(409, ErrorCode::DO_E_INVALID_STATE);
    let pause: DownloadOutcome = house.ask("POST", &format!("{path}/pause")).await.body_as();
    assert_eq!((pause.code, pause.state), (ErrorCode::S_OK, DownloadState::Created));
    let jobs: JobList = house.ask("GET", "/v1/jobs").await.body_as();
    assert_eq!(jobs.jobs[0].download.map(|mark| mark.status), Some(status));
    let abort: DownloadOutcome = house.ask("POST", &format!("{path}/abort")).await.body_as();
    assert_eq!(abort.state, DownloadState::Aborted);
    let status: DownloadStatus = house.ask("GET", &format!("{path}/status")).await.body_as();
    assert_eq!(status.state, DownloadState::Aborted);
    house.close().await;
}

/// conformance: code DO_E_UNKNOWN_PROPERTY_ID, code DO_E_READ_ONLY_PROPERTY
/// conformance: code DO_E_WRITE_ONLY_PROPERTY, code E_NOT_SET
#[tokio::test]
async fn properties_are_named_by_word_or_number() {
    let house = House::open().await;
    let id = house.tell("POST", "/v1/downloads", "{}").await.body_as::<CreatedDownload>().id;
    let path = |name: &str| format!("/v1/downloads/{id}/properties/{name}");
    let set = async |name: &str, value: &str| {
        house.tell("PUT", &path(name), &format!("{{\"value\":{value}}}")).await
    };
    house.ask("GET", &path("uri")).await.refused(404, ErrorCode::E_NOT_SET);
    assert_eq!(set("uri", "\"http://a.example/\"").await.status, 204);
    for name in ["uri", "1"] {
        let body: PropertyBody = house.ask("GET", &path(name)).await.body_as();
        assert_eq!(body.value, PropertyValue::from("http://a.example/"));
    }
    for unknown in ["26", "-1", "catalog_id"] {
        let code = ErrorCode::DO_E_UNKNOWN_PROPERTY_ID;
        house.ask("GET", &path(unknown)).await.refused(400, code);
        set(unknown, "true").await.refused(400, code);
    }
    set("id", "\"x\"").await.refused(400, ErrorCode::DO_E_READ_ONLY_PROPERTY);
    set("non_volatile", "1").await.refused(400, ErrorCode::E_INVALIDARG);
    set("cost_policy", "-1").await.refused(400, ErrorCode::E_INVALIDARG);
    set("decryption_info", "\"{}\"").await.refused(501, ErrorCode::E_NOTIMPL);
    let secret = house.ask("GET", &path("security_flags")).await;
    secret.refused(400, ErrorCode::DO_E_WRITE_ONLY_PROPERTY);
    house.close().await;
}

/// conformance: code DO_E_NO_DOWNLOADS
#[tokio::test]
async fn a_category_is_a_property_with_a_value() {
    let house = House::open().await;
    let body = r#"{"uri":"http://a.example/x?y=1&z"}"#;
    house.tell("POST", "/v1/downloads", body).await;
    let list = async |query: &str| house.ask("GET", &format!("/v1/downloads?{query}")).await;
    let found = list("property=uri&value=http%3A%2F%2Fa.example%2Fx%3Fy%3D1%26z").await;
    assert_eq!(found.body_as::<DownloadList>().downloads.len(), 1);
    list("property=uri&value=x").await.refused(404, ErrorCode::DO_E_NO_DOWNLOADS);
    let code = ErrorCode::DO_E_UNKNOWN_PROPERTY_ID;
    list("property=cost_policy&value=2").await.refused(400, code);
    list("property=nothing&value=2").await.refused(400, code);
    list("property=uri").await.refused(400, ErrorCode::E_INVALIDARG);
    list("value=x").await.refused(400, ErrorCode::E_INVALIDARG);
    house.close().await;
}

#[tokio::test]
async fn a_new_download_is_all_or_nothing() {
    let house = House::open().await;
    let create = async |body: &str| house.tell("POST", "/v1/downloads", body).await;
    let failure = create(r#"{"uri":"ftp://a/"}"#).await.refused(400, ErrorCode::INET_E_INVALID_URL);
    assert_eq!(failure.field.as_deref(), Some("uri"));
    let failure = create(r#"{"uri":"http://a/","local_path":"x"}"#).await;
    let failure = failure.refused(400, ErrorCode::E_INVALIDARG);
    assert_eq!(failure.field.as_deref(), Some("local_path"));
    create(r#"{"url":"http://a/"}"#).await.refused(400, ErrorCode::E_INVALIDARG);
    house.ask("GET", "/v1/downloads").await.refused(404, ErrorCode::DO_E_NO_DOWNLOADS);
    house.close().await;
}
