//! Properties, figures and reasons of jobs and files, one function for each route.

use axum::Json;
use axum::extract::State;
use dobbin_types::rest::{
    FileStats, FileWhy, JobStats, JobWhy, Outcome, PropertyBody, SetRemoteName,
};
use dobbin_types::{FileProperty, JobProperty};

use super::reply::Refusal;
use super::request::{Body, Call, FileInPath, JobInPath, NamedProperty, Shared};

type Reply<T> = Result<Json<T>, Refusal>;

pub(super) async fn of_job(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    NamedProperty(property): NamedProperty<JobProperty>,
) -> Reply<PropertyBody> {
    let value = shared.engine.job_property(call.caller.actor, job, property).await?;
    Ok(Json(PropertyBody { value }))
}

pub(super) async fn set_of_job(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    NamedProperty(property): NamedProperty<JobProperty>,
    Body(PropertyBody { value }): Body<PropertyBody>,
) -> Reply<Outcome> {
    let actor = call.caller.actor;
    Ok(Json(shared.engine.set_job_property(actor, job, property, value).await?))
}

pub(super) async fn of_file(
    State(shared): State<Shared>,
    call: Call,
    FileInPath(job, file): FileInPath,
    NamedProperty(property): NamedProperty<FileProperty>,
) -> Reply<PropertyBody> {
    let value = shared.engine.file_property(call.caller.actor, job, file, property).await?;
    Ok(Json(PropertyBody { value }))
}

pub(super) async fn set_of_file(
    State(shared): State<Shared>,
    call: Call,
    FileInPath(job, file): FileInPath,
    NamedProperty(property): NamedProperty<FileProperty>,
    Body(PropertyBody { value }): Body<PropertyBody>,
) -> Reply<Outcome> {
    let actor = call.caller.actor;
    Ok(Json(shared.engine.set_file_property(actor, job, file, property, value).await?))
}

pub(super) async fn set_remote_name(
    State(shared): State<Shared>,
    call: Call,
    FileInPath(job, file): FileInPath,
    Body(body): Body<SetRemoteName>,
) -> Reply<Outcome> {
    let actor = call.caller.actor;
    Ok(Json(shared.engine.set_remote_name(actor, job, file, body.remote_name).await?))
}

pub(super) async fn stats(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
) -> Reply<JobStats> {
    Ok(Json(shared.engine.stats(call.caller.actor, job).await?))
}

pub(super) async fn file_stats(
    State(shared): State<Shared>,
    call: Call,
    FileInPath(job, file): FileInPath,
) -> Reply<FileStats> {
    Ok(Json(shared.engine.file_stats(call.caller.actor, job, file).await?))
}

pub(super) async fn why(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
) -> Reply<JobWhy> {
    Ok(Json(shared.engine.why(call.caller.actor, job).await?))
}

pub(super) async fn file_why(
    State(shared): State<Shared>,
    call: Call,
    FileInPath(job, file): FileInPath,
) -> Reply<FileWhy> {
    Ok(Json(shared.engine.file_why(call.caller.actor, job, file).await?))
}
