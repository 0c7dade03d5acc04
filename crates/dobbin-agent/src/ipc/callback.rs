//! The routes by which programs are called back.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use dobbin_types::rest::{AnswerCall, CallbackInfo, Outcome, SetCallback};

use super::events;
use super::handler::Reply;
use super::reply::Refusal;
use super::request::{Body, Call, CallInPath, JobInPath, NoBody, Shared};

/// The caller listens for as long as it reads the reply.
pub(super) async fn listen(
    State(shared): State<Shared>,
    call: Call,
    NoBody: NoBody,
) -> Result<Response, Refusal> {
    let listening = shared.engine.listen(call.caller.actor).await?;
    Ok(events::stream(listening, shared.leave, &shared.limits))
}

pub(super) async fn get(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
) -> Reply<CallbackInfo> {
    Ok(Json(shared.engine.callback(call.caller.actor, job).await?))
}

pub(super) async fn set(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    Body(body): Body<SetCallback>,
) -> Reply<Outcome> {
    Ok(Json(shared.engine.set_callback(call.caller.actor, job, Some(body.listener)).await?))
}

pub(super) async fn clear(
    State(shared): State<Shared>,
    call: Call,
    JobInPath(job): JobInPath,
    NoBody: NoBody,
) -> Reply<Outcome> {
    Ok(Json(shared.engine.set_callback(call.caller.actor, job, None).await?))
}

pub(super) async fn answer(
    State(shared): State<Shared>,
    call: Call,
    CallInPath(job, number): CallInPath,
    Body(body): Body<AnswerCall>,
) -> Reply<Outcome> {
    Ok(Json(shared.engine.answer_call(call.caller.actor, job, number, body.result).await?))
}
