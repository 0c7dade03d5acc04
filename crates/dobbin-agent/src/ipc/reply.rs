//! What goes back: bodies, refusals, and how they look as HTTP.

use axum::response::{IntoResponse, Response};
use dobbin_types::ErrorCode;
use dobbin_types::rest::Failure;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

/// The only type of request bodies, and of all replies but events.
pub(crate) const JSON: &str = "application/json";

/// A call that did not succeed.
///
/// The status follows from the code. Where HTTP itself is at fault (no such method, too large, too
/// slow) HTTP has a better status than the code, and the refusal carries that.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    // A box: refusals travel in `Result`s whose other side is small.
    failure: Box<Failure>,
}

impl Refusal {
    /// A refusal of the request as such, with a status of HTTP's own.
    pub(crate) fn of_http(status: StatusCode, failure: Failure) -> Refusal {
        Refusal { status, failure: Box::new(failure) }
    }

    /// The request is wrong in itself; `message` says how.
    pub(crate) fn bad_request(message: impl Into<String>) -> Refusal {
        Failure::new(ErrorCode::E_INVALIDARG, message).into()
    }

    /// The same, naming the part of the request.
    pub(crate) fn at(mut self, field: impl Into<String>) -> Refusal {
        self.failure.field = Some(field.into());
        self
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        let status = StatusCode::from_u16(failure.code.api_status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Refusal::of_http(status, failure)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, axum::Json(self.failure)).into_response()
    }
}

/// What every reply says, whatever answered: nobody may keep it, and it is what it says it is.
pub(crate) fn with_common_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

/// The whole reply to a caller for whom there is no seat, as it goes over the wire. The connection
/// ends with it.
pub(crate) fn no_seat(message: &str) -> Vec<u8> {
    let failure = Failure::new(ErrorCode::DO_E_NO_SERVICE, message)
        .remedy("close connections that are not used, then try again");
    let body = serde_json::to_vec(&failure).unwrap_or_default();
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut reply = format!(
        "HTTP/1.1 {status}\r\n{CONTENT_TYPE}: {JSON}\r\n{CACHE_CONTROL}: no-store\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    reply.extend_from_slice(&body);
    reply
}
