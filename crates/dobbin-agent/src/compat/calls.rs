//! Doing what is asked: from a call to the engine's handle, and back to a reply.

use std::time::Instant;

use dobbin_engine::{Actor, Handle, Operation};
use dobbin_types::rest::Failure;
use dobbin_types::{DownloadProperty, ErrorCode, JobId, PropertyValue};

use super::endpoint::{Call, call, settings};
use super::reply::Reply;
use super::request::Request;
use super::status::{Seen, seen};
use super::target::Query;
use crate::ipc::{in_the_name_of, nobody};

/// Who answers requests. Cheap to clone.
#[derive(Clone)]
pub(super) struct Desk {
    engine: Handle,
    owners_only: bool,
}

/// A download that a caller may deal with.
struct Found {
    /// In whose name.
    actor: Actor,
    seen: Seen,
}

impl Desk {
    /// * `owners_only`: whether a download is there for its owner alone, and not for everybody who
    ///   knows its id.
    pub(super) fn new(engine: Handle, owners_only: bool) -> Desk {
        Desk { engine, owners_only }
    }

    /// The reply to a request. The answer to a change is given when it is durable.
    ///
    /// * `caller`: the user at the other end, if the kernel knows one.
    pub(super) async fn answer(&self, caller: Option<Actor>, request: &Request) -> Reply {
        let begun = Instant::now();
        let answer = self.answer_to(caller, request).await;
        tracing::debug!(
            uid = caller.map(|caller| caller.uid().0),
            method = %request.method,
            // Without the query, which holds ids, URLs and paths.
            path = request.target.split('?').next(),
            code = ?answer.as_ref().err(),
            elapsed_ms = begun.elapsed().as_millis(),
            "compat request answered"
        );
        answer.unwrap_or_else(Reply::refused)
    }

    async fn answer_to(
        &self,
        caller: Option<Actor>,
        request: &Request,
    ) -> Result<Reply, ErrorCode> {
        if request.is_from_afar {
            return Err(ErrorCode::E_ACCESSDENIED);
        }
        match call(request)? {
            Call::Create { uri, path } => {
                // Somebody must own it.
                let owner = caller.ok_or(ErrorCode::E_ACCESSDENIED)?;
                let created = self.engine.create_download_in_place(owner, uri, path).await;
                let id = created.map_err(code)?;
                Ok(Reply::of(&[("Id", &id.to_string())]))
            }
            Call::Operate(id, operation) => self.operate(caller, id, operation).await,
            Call::Status(id) => Ok(self.find(caller, id).await?.seen.reply()),
            Call::Get { id, property, key } => self.get(caller, id, property, &key).await,
            Call::Set { id, query } => self.set(caller, id, query).await,
        }
    }

    async fn operate(
        &self,
        caller: Option<Actor>,
        id: JobId,
        operation: Operation,
    ) -> Result<Reply, ErrorCode> {
        let found = self.find(caller, id).await?;
        self.engine.operate(found.actor, id, operation).await.map_err(code)?;
        Ok(Reply::empty())
    }

    /// A property that was never set is an empty text.
    async fn get(
        &self,
        caller: Option<Actor>,
        id: JobId,
        property: DownloadProperty,
        key: &str,
    ) -> Result<Reply, ErrorCode> {
        let actor = self.find(caller, id).await?.actor;
        let value = match self.engine.download_property(actor, id, property).await.map_err(code) {
            Ok(PropertyValue::Text(text)) => text,
            Ok(PropertyValue::Number(number)) => number.to_string(),
            Ok(PropertyValue::Flag(flag)) => flag.to_string(),
            Ok(PropertyValue::Nothing) | Err(ErrorCode::E_NOT_SET) => String::new(),
            Err(code) => return Err(code),
        };
        Ok(Reply::of(&[(key, &value)]))
    }

    async fn set(
        &self,
        caller: Option<Actor>,
        id: JobId,
        query: Query,
    ) -> Result<Reply, ErrorCode> {
        let found = self.find(caller, id).await?;
        let settings = settings(query, found.seen.state)?;
        self.engine.set_download_properties(found.actor, id, settings).await.map_err(code)?;
        Ok(Reply::empty())
    }

    /// The download with this id: one that was made here, is not over, and is there for the caller.
    /// `E_NOT_SET` else, whatever of it is not so.
    async fn find(&self, caller: Option<Actor>, id: JobId) -> Result<Found, ErrorCode> {
        let asks = caller.unwrap_or_else(nobody);
        let owner = self.engine.owner_in_place(asks, id).await.map_err(code)?;
        let actor = if self.owners_only {
            caller.filter(|caller| caller.uid() == owner).ok_or(ErrorCode::E_NOT_SET)?
        } else {
            in_the_name_of(owner)
        };
        let status = self.engine.download_status(actor, id).await.map_err(code)?;
        let seen = seen(&status).ok_or(ErrorCode::E_NOT_SET)?;
        Ok(Found { actor, seen })
    }
}

/// All that those programs hear of a failure. The sentence that goes with it is for the log.
fn code(failure: Failure) -> ErrorCode {
    tracing::debug!(code = ?failure.code, message = failure.message, "compat request refused");
    failure.code
}

#[cfg(test)]
mod tests;
