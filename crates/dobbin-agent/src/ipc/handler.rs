//! One function for each route: takes the request apart, calls the engine, wraps the answer.
//!
//! Nothing is decided here. Functions that answer `GET` only look.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use dobbin_engine::{JobFilter, Wish};
use dobbin_types::rest::{
    AddFiles, AddedFiles, AgentInfo, Bookmark, CreateJob, CreatedJob, Failure, FileInfo, FileList,
    Handover, JobFailure, JobInfo, JobList, Outcome, SetNoProgressTimeout, SetNotifyFlags,
    SetPriority, SetRateLimit, route,
};
use dobbin_types::{ErrorCode, JobId, JobState};
use http::StatusCode;
use http::header::{CONTENT_TYPE, LOCATION};
use serde::Deserialize;

use super::events;
use super::reply::{JSON, Refusal};
use super::request::{Body, Call, FileInPath, FilesDoor, JobInPath, NoBody, Shared, page};
use crate::openapi;

pub(super) type Reply<T> = Result<Json<T>, Refusal>;

pub(super) async fn agent(State(shared): State<Shared>, _: Call) -> Json<AgentInfo> {
    Json(AgentInfo::clone(&shared.info))
}

pub(super) async fn openapi(_: Call) -> Response {
    // Made anew for each of the few who ask: an idle agent does not keep it in memory.
    ([(CONTENT_TYPE, JSON)], openapi::text()).into_response()
}

/// The query of the list of jobs; names as in [`route::QUERY_LOCAL_NAME`], [`route::QUERY_STATE`],
/// [`route::QUERY_AFTER`], [`route::QUERY_LIMIT`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobsQuery {
    local_name: Option<String>,
    state: Option<JobState>,
    after: Option<Bookmark>,
    limit: Option<u32>,
}

pub(super) async fn jobs(State(shared): State<Shared>, call: Call<JobsQuery>) -> Reply<JobList> {
    let JobsQuery { local_name, state, after, limit } = call.query;
    let page = page(after, limit)?;
    let filter = JobFilter { local_name, state };
    Ok(Json(shared.engine.jobs(call.caller.actor, filter, page).await?))
}

pub(super) async fn create(
    State(shared): State<Shared>,
    call: Call,
    Body(body): Body<CreateJob>,
) -> Result<Response, Refusal> {
    let id = shared.engine.create(call.caller.actor, body).await?;
    let location = route::of_job(route::JOB, id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(CreatedJob { id })).into_response())
}

pub(super) async fn job(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
) -> Reply<JobInfo> {
    Ok(Json(shared.engine.job(call.caller.actor, job).await?))
}

pub(super) async fn files(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
) -> Reply<FileList> {
    Ok(Json(shared.engine.files(call.caller.actor, job).await?))
}

pub(super) async fn add_files(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    Body(body): Body<AddFiles>,
) -> Reply<AddedFiles> {
    let numbers = shared.engine.add_files(call.caller.actor, job, body).await?;
    Ok(Json(AddedFiles { numbers }))
}

pub(super) async fn file(
    State(shared): State<Shared>,
    call: Call,
    FileInPath(job, file): FileInPath,
) -> Reply<FileInfo> {
    Ok(Json(shared.engine.file(call.caller.actor, job, file).await?))
}

pub(super) async fn error(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
) -> Reply<JobFailure> {
    Ok(Json(shared.engine.error(call.caller.actor, job).await?))
}

pub(super) async fn resume(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    NoBody: NoBody,
) -> Reply<Outcome> {
    wish(shared, call, job, Wish::Resume).await
}

pub(super) async fn suspend(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    NoBody: NoBody,
) -> Reply<Outcome> {
    wish(shared, call, job, Wish::Suspend).await
}

pub(super) async fn complete(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    NoBody: NoBody,
) -> Reply<Outcome> {
    wish(shared, call, job, Wish::Complete).await
}

pub(super) async fn hand_over(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    NoBody: NoBody,
) -> Reply<Handover> {
    let actor = call.caller.actor;
    let owner = shared.engine.may_change(actor, job).await?;
    let Some(FilesDoor { name, tokens }) = shared.files else {
        let why = "this agent has no socket for open files";
        let remedy = "see that the folder of its socket belongs to the agent's user";
        return Err(Failure::new(ErrorCode::DO_E_NO_SERVICE, why).remedy(remedy).into());
    };
    let token = tokens.mint(actor.uid(), job, Instant::now()).ok_or_else(|| {
        Failure::new(ErrorCode::DO_E_NO_SERVICE, "too many jobs are being completed")
            .remedy("try again in a moment")
    })?;
    Ok(Json(Handover { token, socket: name, owner }))
}

pub(super) async fn cancel(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    NoBody: NoBody,
) -> Reply<Outcome> {
    wish(shared, call, job, Wish::Cancel).await
}

pub(super) async fn set_priority(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    Body(body): Body<SetPriority>,
) -> Reply<Outcome> {
    wish(shared, call, job, Wish::SetPriority(body.priority)).await
}

pub(super) async fn set_no_progress_timeout(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    Body(body): Body<SetNoProgressTimeout>,
) -> Reply<Outcome> {
    wish(shared, call, job, Wish::SetNoProgressTimeout(body.seconds)).await
}

pub(super) async fn set_notify_flags(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    Body(body): Body<SetNotifyFlags>,
) -> Reply<Outcome> {
    wish(shared, call, job, Wish::SetNotifyFlags(body.flags)).await
}

pub(super) async fn set_rate_limit(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    Body(body): Body<SetRateLimit>,
) -> Reply<Outcome> {
    let (actor, rate) = (call.caller.actor, body.bytes_per_second_max);
    Ok(Json(shared.engine.set_rate_limit(actor, job, rate).await?))
}

async fn wish(shared: Shared, call: Call, job: JobId, wish: Wish) -> Reply<Outcome> {
    Ok(Json(shared.engine.wish(call.caller.actor, job, wish).await?))
}

/// The query of the event stream; name as in [`route::QUERY_JOB`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    job: Option<JobId>,
}

pub(super) async fn events(
    State(shared): State<Shared>,
    call: Call<EventsQuery>,
) -> Result<Response, Refusal> {
    let events = shared.engine.subscribe(call.caller.actor, call.query.job).await?;
    Ok(events::stream(events, shared.leave, &shared.limits))
}
