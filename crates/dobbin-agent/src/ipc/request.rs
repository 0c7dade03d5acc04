//! What a caller may send: query, path and body, each read through one door.
//!
//! Everything is checked here against its type and nothing is guessed: an unknown name, a value of
//! another type, anything after the end is a refusal that says where.

use std::str::FromStr;

use axum::body::Body as HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use bytes::Bytes;
use dobbin_engine::{Handle, Page};
use dobbin_types::rest::{AgentInfo, Bookmark, CallNumber, Failure, JOBS_PER_PAGE_MAX, route};
use dobbin_types::{DownloadProperty, ErrorCode, FileNumber, JobId};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::actor::Caller;
use super::download::unknown_property;
use super::json;
use super::leave::Leave;
use super::limit::{Limits, SMALL_BODY_BYTES_MAX};
use super::reply::{JSON, Refusal};
use super::tokens::Tokens;

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shared {
    /// Where calls go.
    pub(crate) engine: Handle,
    /// What the agent says of itself.
    pub(crate) info: std::sync::Arc<AgentInfo>,
    /// What a caller may take up.
    pub(crate) limits: Limits,
    /// Where open files are taken; nothing where no socket for them could be made.
    pub(crate) files: Option<FilesDoor>,
    /// Heard by replies without an end of their own.
    pub(crate) leave: Leave,
}

/// The socket for open files, and who may come to it.
#[derive(Debug, Clone)]
pub(crate) struct FilesDoor {
    /// Its name beside the socket of the interface.
    pub(crate) name: String,
    /// Who was told to come.
    pub(crate) tokens: Tokens,
}

/// One call: who, on what, and its query. Every handler takes exactly one, so none can forget to
/// refuse a query it does not know.
#[derive(Debug)]
pub(crate) struct Call<Q = NoQuery> {
    /// Who calls, as the kernel says.
    pub(crate) caller: Caller,
    /// What stood behind the question mark.
    pub(crate) query: Q,
}

/// The query of a route that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

impl<Q: DeserializeOwned> FromRequestParts<Shared> for Call<Q> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Call<Q>, Refusal> {
        // Only the accept loop puts a caller here: extensions do not travel over the wire.
        let caller =
            parts.extensions.get::<Caller>().cloned().ok_or_else(|| {
                Failure::new(ErrorCode::E_ACCESSDENIED, "nobody knows who asks this")
            })?;
        let Query(query) = Query::try_from_uri(&parts.uri)
            .map_err(|error| Refusal::bad_request(innermost(&error)).at("query"))?;
        Ok(Call { caller, query })
    }
}

/// The part of a list that the query of a route with pages asks for.
pub(crate) fn page(after: Option<Bookmark>, limit: Option<u32>) -> Result<Page, Refusal> {
    if limit.is_some_and(|limit| limit == 0 || limit > JOBS_PER_PAGE_MAX) {
        let why = format!("a page has from 1 to {JOBS_PER_PAGE_MAX} jobs");
        return Err(Refusal::bad_request(why).at(route::QUERY_LIMIT));
    }
    Ok(Page { after, limit })
}

/// The job that the path names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JobInPath(pub(crate) JobId);

/// The job and the file that the path names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileInPath(pub(crate) JobId, pub(crate) FileNumber);

/// The property that the path names, of a job or of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NamedProperty<P>(pub(crate) P);

impl<P: FromStr> FromRequestParts<Shared> for NamedProperty<P> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        let segments = path_segments(parts, shared).await?;
        segment(&segments, "property").parse().map(NamedProperty).map_err(|_unknown| {
            Failure::of(ErrorCode::DO_E_UNKNOWN_PROPERTY_ID).at("property").into()
        })
    }
}

impl FromRequestParts<Shared> for JobInPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        let segments = path_segments(parts, shared).await?;
        Ok(JobInPath(job(&segments)?))
    }
}

/// The job and the call that the path names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallInPath(pub(crate) JobId, pub(crate) CallNumber);

impl FromRequestParts<Shared> for CallInPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        let segments = path_segments(parts, shared).await?;
        let number = segment(&segments, "call").parse().map_err(|_| {
            Refusal::bad_request("a call is named by the number it came with").at("call")
        })?;
        Ok(CallInPath(job(&segments)?, CallNumber(number)))
    }
}

impl FromRequestParts<Shared> for FileInPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        let segments = path_segments(parts, shared).await?;
        let number = segment(&segments, "file").parse().map_err(|_| {
            Refusal::bad_request("a file is named by its number in the job, from 0").at("file")
        })?;
        Ok(FileInPath(job(&segments)?, FileNumber(number)))
    }
}

/// The download that the path names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DownloadInPath(pub(crate) JobId);

/// The download and the property that the path names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PropertyInPath(pub(crate) JobId, pub(crate) DownloadProperty);

impl FromRequestParts<Shared> for DownloadInPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        let segments = path_segments(parts, shared).await?;
        Ok(DownloadInPath(download(&segments)?))
    }
}

impl FromRequestParts<Shared> for PropertyInPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        let segments = path_segments(parts, shared).await?;
        let name = segment(&segments, "property");
        let property = DownloadProperty::from_name(name)
            .ok_or_else(|| unknown_property(name).at("property"))?;
        Ok(PropertyInPath(download(&segments)?, property))
    }
}

async fn path_segments(parts: &mut Parts, shared: &Shared) -> Result<RawPathParams, Refusal> {
    RawPathParams::from_request_parts(parts, shared)
        .await
        .map_err(|error| Refusal::bad_request(error.body_text()).at("path"))
}

/// The segment of this name; empty when the route has none, which no id is.
fn segment<'a>(segments: &'a RawPathParams, name: &str) -> &'a str {
    segments.iter().find(|(found, _)| *found == name).map_or("", |(_, value)| value)
}

fn job(segments: &RawPathParams) -> Result<JobId, Refusal> {
    segment(segments, "job")
        .parse()
        .map_err(|error| Refusal::bad_request(format!("this is no id of a job: {error}")).at("job"))
}

fn download(segments: &RawPathParams) -> Result<JobId, Refusal> {
    segment(segments, "download").parse().map_err(|error| {
        Refusal::bad_request(format!("this is no id of a download: {error}")).at("download")
    })
}

/// A body: one JSON value of exactly this type.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

/// The body of a verb that takes no words: nothing at all, or an empty JSON object.
#[derive(Debug)]
pub(crate) struct NoBody;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<T: DeserializeOwned> FromRequest<Shared> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, shared: &Shared) -> Result<Body<T>, Refusal> {
        check_content_type(request.headers())?;
        with_body(request, shared, |bytes| json::read(bytes).map(Body)).await
    }
}

impl FromRequest<Shared> for NoBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, shared: &Shared) -> Result<NoBody, Refusal> {
        let typed = check_content_type(request.headers());
        with_body(request, shared, |bytes| {
            if !bytes.is_empty() {
                typed?;
                let Nothing {} = json::read(bytes)?;
            }
            Ok(NoBody)
        })
        .await
    }
}

/// Refuses bodies that are not plain JSON before a byte of them is read. A browser cannot send this
/// type to another origin without asking first, which is why no other type is accepted.
fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let refuse = |message: &str| {
        let failure = Failure::new(ErrorCode::E_INVALIDARG, message).at("content-type");
        Err(Refusal::of_http(StatusCode::UNSUPPORTED_MEDIA_TYPE, failure))
    };
    if headers.contains_key(CONTENT_ENCODING) {
        return refuse("the body must come without content encoding");
    }
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media_type = value.split(';').next().unwrap_or("").trim();
    if media_type.eq_ignore_ascii_case(JSON) {
        Ok(())
    } else {
        refuse("the body must come as \"content-type: application/json\"")
    }
}

/// Reads the whole body, within its limits, and gives it to `read`.
///
/// Large bodies of one user take turns; the turn is kept until `read` is done with the bytes.
async fn with_body<T>(
    request: Request,
    shared: &Shared,
    read: impl FnOnce(&[u8]) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let limits = &shared.limits;
    let seat = request.extensions().get::<Caller>().map(|caller| caller.seat.clone());
    let length = content_length(request.headers());
    if length.is_some_and(|length| length > limits.request_bytes_max as u64) {
        return Err(too_large(limits));
    }
    let until = Instant::now() + limits.body;
    // A body that does not say how long it is may be as long as it likes, up to the limit.
    let large = length.is_none_or(|length| length > SMALL_BODY_BYTES_MAX as u64);
    let _turn: Option<SemaphorePermit<'_>> = match &seat {
        Some(seat) if large => Some(
            timeout_at(until, seat.large_bodies.acquire())
                .await
                .ok()
                .and_then(Result::ok)
                .ok_or_else(busy)?,
        ),
        Some(_) | None => None,
    };
    let body = request.into_body();
    let bytes = timeout_at(until, collect(body, limits)).await.map_err(|_| too_slow(limits))??;
    read(&bytes)
}

/// The length that the header names. One that is no number never gets here: hyper refuses it.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(http::header::TRANSFER_ENCODING) {
        return None;
    }
    let length = headers.get(CONTENT_LENGTH).map(|value| value.to_str().ok()?.parse().ok());
    // Neither length nor encoding: there is no body (RFC 9112 §6.3).
    length.unwrap_or(Some(0))
}

async fn collect(body: HttpBody, limits: &Limits) -> Result<Bytes, Refusal> {
    match Limited::new(body, limits.request_bytes_max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limits)),
        Err(_) => Err(Refusal::bad_request("the body ended early").at("body")),
    }
}

fn too_large(limits: &Limits) -> Refusal {
    let message = format!("the body is larger than {} bytes", limits.request_bytes_max);
    let failure = Failure::new(ErrorCode::E_INVALIDARG, message)
        .remedy("create the job with fewer files, then add the others in several requests");
    Refusal::of_http(StatusCode::PAYLOAD_TOO_LARGE, failure)
}

fn too_slow(limits: &Limits) -> Refusal {
    let message = format!("the body did not arrive within {} s", limits.body.as_secs_f32());
    Refusal::of_http(StatusCode::REQUEST_TIMEOUT, Failure::new(ErrorCode::E_INVALIDARG, message))
}

fn busy() -> Refusal {
    let message = "other large requests of the same user are still being read";
    Failure::new(ErrorCode::E_OUTOFMEMORY, message).remedy("send them one after the other").into()
}

/// What the innermost error says: the outer ones only say that there is an inner one.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
