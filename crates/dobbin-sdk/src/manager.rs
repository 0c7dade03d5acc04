//! The agent as a whole: its jobs and what happens to them.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use dobbin_types::rest::{
    AddFile, AgentInfo, Bookmark, CreateJob, CreatedJob, Failure, JobInfo, JobList, route,
};
use dobbin_types::{ErrorCode, JobId, JobState, Uid};
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::callback::Listener;
use crate::connect::{Address, Trust};
use crate::error::Error;
use crate::event::{Events, Stream, Told};
use crate::handover;
use crate::job::Job;
use crate::transport::{Call, Transport};

/// A connection to an agent (`IBackgroundCopyManager`). Cheap to clone; clones share connections.
///
/// Calls wait for as long as the agent takes; who wants a limit puts one around them. A call that is
/// dropped before its answer is here may or may not have been carried out.
#[derive(Debug, Clone)]
pub struct Manager {
    transport: Arc<Transport>,
}

/// Which jobs to list; the default is all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// Only jobs with a file of exactly this local name.
    pub local_name: Option<String>,
    /// Only jobs in this state.
    pub state: Option<JobState>,
}

impl Manager {
    /// Connects to the first agent that answers and may be believed: it runs as this user, as the
    /// administrator or, at the machine's own socket, as the owner of that socket's folder.
    ///
    /// # Errors
    ///
    /// [`Error::NoService`] (`DO_E_NO_SERVICE`) with everything that was tried.
    pub async fn connect(address: Address) -> Result<Manager, Error> {
        let trust = Trust::of_this_process();
        let mut tried = Vec::new();
        for socket in address.sockets() {
            match Transport::open(&socket, trust).await {
                Ok(transport) => return Ok(Manager { transport: Arc::new(transport) }),
                Err(failed) => tried.push(failed),
            }
        }
        Err(Error::NoService { tried })
    }

    /// The socket at which the agent answered.
    pub fn socket(&self) -> &Path {
        self.transport.socket()
    }

    /// The user whom the agent runs as, as the kernel says.
    pub fn agent_uid(&self) -> Uid {
        Uid(self.transport.server())
    }

    /// What the agent says of itself.
    pub async fn agent(&self) -> Result<AgentInfo, Error> {
        self.get("asking who the agent is", route::AGENT.to_owned()).await
    }

    /// Creates a job, suspended (`IBackgroundCopyManager::CreateJob`).
    ///
    /// # Errors
    ///
    /// `E_INVALIDARG` and the codes of [`Job::add_files`], naming the field; no job is created then.
    pub async fn create_job(&self, job: &CreateJob) -> Result<Job, Error> {
        self.check_destinations(&job.files).await?;
        let path = route::JOBS.to_owned();
        let created: CreatedJob = self.send("creating a job", Method::POST, path, job).await?;
        Ok(self.handle(created.id))
    }

    /// Finds a job that is not over (`IBackgroundCopyManager::GetJob`).
    ///
    /// # Errors
    ///
    /// `DO_E_JOB_NOT_FOUND` for a job that never was, or was completed or cancelled;
    /// `E_ACCESSDENIED` for somebody else's.
    pub async fn job(&self, id: JobId) -> Result<Job, Error> {
        let job = self.handle(id);
        if job.info().await?.state.is_final() {
            return Err(Error::Refused(Failure::of(ErrorCode::DO_E_JOB_NOT_FOUND)));
        }
        Ok(job)
    }

    /// The caller's jobs that are not over, oldest first; for the administrator everybody's.
    pub async fn jobs(&self, filter: &JobFilter) -> Result<Vec<JobInfo>, Error> {
        let mut jobs = Vec::new();
        let mut after = None;
        loop {
            let page = self.jobs_page(filter, after, None).await?;
            jobs.extend(page.jobs);
            after = onward(after, page.next);
            if after.is_none() {
                return Ok(jobs);
            }
        }
    }

    /// One page of [`Manager::jobs`], for who does not want all of them at once: what comes behind
    /// `after` (from the beginning without), at most `limit` jobs (at least 1; as many as the agent
    /// gives without). With a [`JobList::next`] there are more, even if the page itself is empty.
    pub async fn jobs_page(
        &self,
        filter: &JobFilter,
        after: Option<Bookmark>,
        limit: Option<u32>,
    ) -> Result<JobList, Error> {
        let (after, limit) =
            (after.map(|after| after.to_string()), limit.map(|limit| limit.to_string()));
        let query = [
            (route::QUERY_LOCAL_NAME, filter.local_name.as_deref()),
            (route::QUERY_STATE, filter.state.map(JobState::word)),
            (route::QUERY_AFTER, after.as_deref()),
            (route::QUERY_LIMIT, limit.as_deref()),
        ];
        self.get("listing jobs", with_query(route::JOBS, &query)).await
    }

    /// Opens a connection on which the agent calls this program about its jobs: see [`Listener`].
    pub async fn listen(&self) -> Result<Listener, Error> {
        Listener::open(self.clone()).await
    }

    /// Subscribes to what happens to one job, or to all of the caller's.
    pub async fn events(&self, job: Option<JobId>) -> Result<Events, Error> {
        let job = job.map(|id| id.to_string());
        let path = with_query(route::EVENTS, &[(route::QUERY_JOB, job.as_deref())]);
        let call =
            Call { doing: "following events", method: Method::GET, path, body: Bytes::new() };
        Events::open(&self.transport, call).await
    }

    /// Whether the agent is this user, so that it can write what this process can.
    pub(crate) fn is_own_agent(&self) -> bool {
        self.transport.server() == rustix::process::geteuid().as_raw()
    }

    /// Looks at destinations in the place of an agent that is another user and cannot.
    pub(crate) async fn check_destinations(&self, files: &[AddFile]) -> Result<(), Error> {
        if files.is_empty() || self.is_own_agent() {
            return Ok(());
        }
        let files = files.to_vec();
        let looked = handover::on_disk_thread(move || handover::check(&files)).await?;
        looked.map_err(Error::Refused)
    }

    /// A job whose existence nobody has checked.
    pub(crate) fn handle(&self, id: JobId) -> Job {
        Job::new(self.clone(), id)
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        path: String,
    ) -> Result<T, Error> {
        self.ask(Call { doing, method: Method::GET, path, body: Bytes::new() }).await
    }

    pub(crate) async fn delete<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        path: String,
    ) -> Result<T, Error> {
        self.ask(Call { doing, method: Method::DELETE, path, body: Bytes::new() }).await
    }

    /// Asks for a reply without end.
    pub(crate) async fn stream<E: Told>(
        &self,
        doing: &'static str,
        method: Method,
        path: &str,
    ) -> Result<Stream<E>, Error> {
        let call = Call { doing, method, path: path.to_owned(), body: Bytes::new() };
        Stream::open(&self.transport, call).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        path: String,
    ) -> Result<T, Error> {
        self.ask(Call { doing, method: Method::POST, path, body: Bytes::new() }).await
    }

    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        method: Method,
        path: String,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::Protocol { doing, why: error.to_string() })?;
        self.ask(Call { doing, method, path, body: body.into() }).await
    }

    /// Asks for something that is answered without words.
    pub(crate) async fn send_only(
        &self,
        doing: &'static str,
        method: Method,
        path: String,
        body: &impl Serialize,
    ) -> Result<(), Error> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::Protocol { doing, why: error.to_string() })?;
        self.transport.ask(&Call { doing, method, path, body: body.into() }).await.map(drop)
    }

    /// For replies that are no JSON.
    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let body = self.transport.ask(&call).await?;
        serde_json::from_slice(&body)
            .map_err(|error| Error::Protocol { doing: call.doing, why: error.to_string() })
    }
}

/// Where a list goes on behind a page. An agent that leads nowhere must not be followed for ever.
pub(crate) fn onward(after: Option<Bookmark>, next: Option<Bookmark>) -> Option<Bookmark> {
    next.filter(|next| after.is_none_or(|before| before < *next))
}

/// `path?name=value&…` with the pairs that have a value.
pub(crate) fn with_query(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut text = path.to_owned();
    let mut separator = '?';
    for (name, value) in pairs {
        if let Some(value) = value {
            text.push(separator);
            text.push_str(name);
            text.push('=');
            push_encoded(&mut text, value);
            separator = '&';
        }
    }
    text
}

/// Percent-encodes everything but the unreserved characters of RFC 3986 §2.3.
fn push_encoded(text: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_holds_only_what_was_asked_and_nothing_that_ends_it() {
        #[track_caller]
        fn check(pairs: &[(&str, Option<&str>)], expect: &str) {
            assert_eq!(with_query("/v1/jobs", pairs), expect);
        }
        check(&[("a", None), ("b", None)], "/v1/jobs");
        check(&[("a", None), ("b", Some("x"))], "/v1/jobs?b=x");
        check(
            &[("a", Some("/home/ü/a b&c=d#%+?")), ("b", Some("~-._"))],
            "/v1/jobs?a=%2Fhome%2F%C3%BC%2Fa%20b%26c%3Dd%23%25%2B%3F&b=~-._",
        );
    }
}
