//! The one table of routes. What is not in it is answered with `E_UNSUPPORTED`.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use dobbin_types::ErrorCode;
use dobbin_types::rest::{Failure, route};
use http::{Method, StatusCode};

use super::reply::Refusal;
use super::request::Shared;
use super::{callback, download, handler, property};

/// One row of the table.
pub(crate) struct Route {
    /// The only method that the handler answers, `HEAD` beside `GET` excepted.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "read where the table is compared with the document")
    )]
    pub(crate) method: Method,
    /// A path of [`dobbin_types::rest::route`].
    pub(crate) path: &'static str,
    handler: MethodRouter<Shared>,
}

/// Every method and path of the interface.
pub(crate) fn table() -> Vec<Route> {
    vec![
        get(route::AGENT, handler::agent),
        get(route::JOBS, handler::jobs),
        post(route::JOBS, handler::create),
        get(route::JOB, handler::job),
        get(route::FILES, handler::files),
        post(route::FILES, handler::add_files),
        get(route::FILE, handler::file),
        get(route::FILE_STATS, property::file_stats),
        get(route::FILE_WHY, property::file_why),
        put(route::REMOTE_NAME, property::set_remote_name),
        get(route::FILE_PROPERTY, property::of_file),
        put(route::FILE_PROPERTY, property::set_of_file),
        get(route::STATS, property::stats),
        get(route::WHY, property::why),
        get(route::JOB_PROPERTY, property::of_job),
        put(route::JOB_PROPERTY, property::set_of_job),
        post(route::RESUME, handler::resume),
        post(route::SUSPEND, handler::suspend),
        post(route::COMPLETE, handler::complete),
        post(route::HANDOVER, handler::hand_over),
        post(route::CANCEL, handler::cancel),
        put(route::PRIORITY, handler::set_priority),
        put(route::NO_PROGRESS_TIMEOUT, handler::set_no_progress_timeout),
        put(route::NOTIFY_FLAGS, handler::set_notify_flags),
        put(route::RATE_LIMIT, handler::set_rate_limit),
        get(route::ERROR, handler::error),
        get(route::EVENTS, handler::events),
        post(route::CALLBACKS, callback::listen),
        get(route::CALLBACK, callback::get),
        put(route::CALLBACK, callback::set),
        delete(route::CALLBACK, callback::clear),
        post(route::CALL, callback::answer),
        get(route::DOWNLOADS, download::downloads),
        post(route::DOWNLOADS, download::create),
        get(route::DOWNLOAD, download::download),
        post(route::DOWNLOAD_START, download::start),
        post(route::DOWNLOAD_PAUSE, download::pause),
        post(route::DOWNLOAD_ABORT, download::abort),
        post(route::DOWNLOAD_FINALIZE, download::finalize),
        get(route::DOWNLOAD_STATUS, download::status),
        get(route::DOWNLOAD_PROPERTY, download::property),
        put(route::DOWNLOAD_PROPERTY, download::set_property),
        get(route::DOWNLOAD_CONTENT, download::content),
        get(route::OPENAPI, handler::openapi),
    ]
}

/// Answers all requests, with refusals for what is not in the table.
pub(crate) fn router(shared: Shared) -> Router {
    table()
        .into_iter()
        .fold(Router::new(), |router, row| router.route(row.path, row.handler))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_path)
        .with_state(shared)
}

fn get<T: 'static>(path: &'static str, handler: impl Handler<T, Shared>) -> Route {
    Route { method: Method::GET, path, handler: on(MethodFilter::GET, handler) }
}

fn post<T: 'static>(path: &'static str, handler: impl Handler<T, Shared>) -> Route {
    Route { method: Method::POST, path, handler: on(MethodFilter::POST, handler) }
}

fn put<T: 'static>(path: &'static str, handler: impl Handler<T, Shared>) -> Route {
    Route { method: Method::PUT, path, handler: on(MethodFilter::PUT, handler) }
}

fn delete<T: 'static>(path: &'static str, handler: impl Handler<T, Shared>) -> Route {
    Route { method: Method::DELETE, path, handler: on(MethodFilter::DELETE, handler) }
}

async fn unknown_path() -> Refusal {
    Failure::new(ErrorCode::E_UNSUPPORTED, "there is nothing at this path")
        .remedy("see /v1/openapi.json for the paths there are")
        .into()
}

/// The router adds which methods there are (`Allow`, RFC 9110 §15.5.6).
async fn wrong_method(method: Method) -> Refusal {
    let message = format!("this path has no method {method}");
    let failure = Failure::new(ErrorCode::E_UNSUPPORTED, message);
    Refusal::of_http(StatusCode::METHOD_NOT_ALLOWED, failure)
}
