//! One function for each route of downloads, as in `handler.rs`.

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use dobbin_engine::Operation;
use dobbin_types::rest::{
    Bookmark, CreateDownload, CreatedDownload, DownloadInfo, DownloadList, DownloadOutcome,
    DownloadStatus, Failure, PropertyBody, StartDownload, route,
};
use dobbin_types::{DownloadProperty, ErrorCode};
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use serde::Deserialize;

use super::content::Reading;
use super::reply::Refusal;
use super::request::{Body, Call, DownloadInPath, NoBody, PropertyInPath, Shared, page};

type Reply<T> = Result<Json<T>, Refusal>;

/// The query of the list of downloads; names as in [`route::QUERY_PROPERTY`],
/// [`route::QUERY_VALUE`], [`route::QUERY_AFTER`], [`route::QUERY_LIMIT`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DownloadsQuery {
    property: Option<String>,
    value: Option<String>,
    after: Option<Bookmark>,
    limit: Option<u32>,
}

pub(super) async fn downloads(
    State(shared): State<Shared>,
    call: Call<DownloadsQuery>,
) -> Reply<DownloadList> {
    let DownloadsQuery { property, value, after, limit } = call.query;
    let page = page(after, limit)?;
    let category = match (property, value) {
        (None, None) => None,
        (Some(property), Some(value)) => {
            let property = DownloadProperty::from_name(&property)
                .ok_or_else(|| unknown_property(&property).at(route::QUERY_PROPERTY))?;
            Some((property, value))
        }
        (Some(_), None) | (None, Some(_)) => {
            let why = "a property and its value go together";
            return Err(Refusal::bad_request(why).at("query"));
        }
    };
    Ok(Json(shared.engine.downloads(call.caller.actor, category, page).await?))
}

pub(super) async fn create(
    State(shared): State<Shared>,
    call: Call,
    Body(body): Body<CreateDownload>,
) -> Result<Response, Refusal> {
    let id = shared.engine.create_download(call.caller.actor, body).await?;
    let location = route::of_download(route::DOWNLOAD, id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(CreatedDownload { id })).into_response())
}

pub(super) async fn download(
    State(shared): State<Shared>,
    call: Call,
    DownloadInPath(download): DownloadInPath,
) -> Reply<DownloadInfo> {
    Ok(Json(shared.engine.download(call.caller.actor, download).await?))
}

pub(super) async fn status(
    State(shared): State<Shared>,
    call: Call,
    DownloadInPath(download): DownloadInPath,
) -> Reply<DownloadStatus> {
    Ok(Json(shared.engine.download_status(call.caller.actor, download).await?))
}

/// A Start in blocking mode is answered late; an agent that leaves does not wait for it.
pub(super) async fn start(
    State(mut shared): State<Shared>,
    call: Call,
    DownloadInPath(download): DownloadInPath,
    Body(body): Body<StartDownload>,
) -> Reply<DownloadOutcome> {
    let operation = Operation::Start(body.ranges);
    let started = shared.engine.operate(call.caller.actor, download, operation);
    tokio::select! {
        outcome = started => Ok(Json(outcome?)),
        () = shared.leave.told() => {
            Err(Failure::new(ErrorCode::DO_E_NO_SERVICE, "the agent is shutting down").into())
        }
    }
}

pub(super) async fn pause(
    State(shared): State<Shared>,
    call: Call,
    DownloadInPath(download): DownloadInPath,
    NoBody: NoBody,
) -> Reply<DownloadOutcome> {
    Ok(Json(shared.engine.operate(call.caller.actor, download, Operation::Pause).await?))
}

pub(super) async fn abort(
    State(shared): State<Shared>,
    call: Call,
    DownloadInPath(download): DownloadInPath,
    NoBody: NoBody,
) -> Reply<DownloadOutcome> {
    Ok(Json(shared.engine.operate(call.caller.actor, download, Operation::Abort).await?))
}

pub(super) async fn finalize(
    State(shared): State<Shared>,
    call: Call,
    DownloadInPath(download): DownloadInPath,
    NoBody: NoBody,
) -> Reply<DownloadOutcome> {
    Ok(Json(shared.engine.operate(call.caller.actor, download, Operation::Finalize).await?))
}

pub(super) async fn property(
    State(shared): State<Shared>,
    call: Call,
    PropertyInPath(download, property): PropertyInPath,
) -> Reply<PropertyBody> {
    let value = shared.engine.download_property(call.caller.actor, download, property).await?;
    Ok(Json(PropertyBody { value }))
}

pub(super) async fn set_property(
    State(shared): State<Shared>,
    call: Call,
    PropertyInPath(download, property): PropertyInPath,
    Body(body): Body<PropertyBody>,
) -> Result<StatusCode, Refusal> {
    let (actor, value) = (call.caller.actor, body.value);
    shared.engine.set_download_property(actor, download, property, value).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The query of a download's bytes; name as in [`route::QUERY_OFFSET`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContentQuery {
    offset: Option<u64>,
}

pub(super) async fn content(
    State(shared): State<Shared>,
    call: Call<ContentQuery>,
    DownloadInPath(download): DownloadInPath,
) -> Result<Response, Refusal> {
    let offset = call.query.offset.unwrap_or(0);
    let content = shared.engine.download_content(call.caller.actor, download, offset).await?;
    let headers = [(CONTENT_TYPE, BYTES.to_owned()), (CONTENT_LENGTH, content.left().to_string())];
    Ok((headers, HttpBody::from_stream(Reading::new(content))).into_response())
}

/// The type of bytes of which nothing more is said.
pub(crate) const BYTES: &str = "application/octet-stream";

/// The refusal of a property that no download has.
pub(super) fn unknown_property(name: &str) -> Refusal {
    let message = format!("a download has no property `{}`", name.escape_debug());
    Failure::new(ErrorCode::DO_E_UNKNOWN_PROPERTY_ID, message).into()
}
