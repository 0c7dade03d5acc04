//! The door for what callers send: wire bodies in, checked domain values out.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use dobbin_core::access::Actor;
use dobbin_core::job::{File, JobLimits, NewFile, NewJob, Refusal, door, join};
use dobbin_net::http::is_reserved;
use dobbin_types::file::DISPLAY_NAME_CHARS_MAX;
use dobbin_types::rest::{AddFile, CreateJob, Failure, Header};
use dobbin_types::{ErrorCode, JobId, JobType, Uid};
use http::{HeaderName, HeaderValue};
use url::Url;
use uuid::Uuid;

use crate::destination::{self, Keep, Looked};
use crate::piece_hashes::{Given, drop_kept};

/// Headers of one job, so that a record stays small.
const HEADERS_MAX: usize = 64;

/// Checks what callers send, as far as that needs no job.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// Whom the service runs as.
    own_uid: Uid,
    /// The service's own folder, which no caller may write to through it.
    state: PathBuf,
    limits: JobLimits,
}

/// Files that were checked as far as that needs no job, and whose destinations were looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Offered {
    pub(crate) files: Vec<File>,
    /// Where the bytes of each are to be kept.
    pub(crate) keeps: Vec<Keep>,
}

impl Offered {
    /// How many ranges each of the files has.
    pub(crate) fn ranges_counts(&self) -> impl Iterator<Item = usize> + '_ {
        self.files.iter().map(|file| file.ranges.len())
    }
}

impl Door {
    pub(crate) fn new(own_uid: Uid, state: &Path, limits: JobLimits) -> Door {
        Door { own_uid, state: state.to_path_buf(), limits }
    }

    /// A limit of a job's rate, in bytes a second.
    pub(crate) fn rate_limit(rate: Option<u64>) -> Result<Option<NonZeroU64>, Failure> {
        match rate {
            Some(0) => Err(invalid("bytes_per_second_max", "the rate must be at least 1")
                .remedy("leave it out for no limit, or suspend the job")),
            rate => Ok(rate.and_then(NonZeroU64::new)),
        }
    }

    /// A new job and its first files. What comes with them is kept where the job will look for it; a
    /// job that does not come to be is to be taken back ([`Door::take_back`]).
    pub(crate) fn job(&self, actor: Actor, body: CreateJob) -> Result<(NewJob, Offered), Failure> {
        if body.display_name.chars().count() > DISPLAY_NAME_CHARS_MAX {
            return Err(invalid("display_name", "the name has more than 256 characters"));
        }
        let bytes_per_second_max = Door::rate_limit(body.bytes_per_second_max)?;
        let headers = headers(body.headers)?;
        let (mut offered, given) = self.files(actor, body.files)?;
        self.limits.more_files(actor.uid(), 0, offered.ranges_counts()).map_err(refused)?;
        offered.files = join(&[], offered.files).map_err(refused)?;
        let new = NewJob {
            id: JobId(Uuid::new_v4()),
            owner: actor.uid(),
            display_name: body.display_name,
            job_type: body.job_type.unwrap_or(JobType::Download),
            priority: body.priority.unwrap_or_default(),
            no_progress_timeout: body.no_progress_timeout_seconds,
            completion: body.completion.unwrap_or(dobbin_types::Completion::Caller),
            headers,
            bytes_per_second_max,
            download: None,
        };
        given.keep(&self.state, new.id)?;
        Ok((new, offered))
    }

    /// Takes back what was kept for a job that was refused.
    pub(crate) fn take_back(&self, job: JobId) {
        drop_kept(&self.state, job);
    }

    /// Keeps what came with files that are about to be added to a job. Asks the disk.
    pub(crate) fn keep(&self, job: JobId, given: &Given) -> Result<(), Failure> {
        given.keep(&self.state, job)
    }

    /// Files to add, and what comes with them: looks at their destinations.
    pub(crate) fn files(
        &self,
        actor: Actor,
        files: Vec<AddFile>,
    ) -> Result<(Offered, Given), Failure> {
        let mut given = Given::default();
        let files = files.into_iter().enumerate().map(|(index, file)| {
            new_file(file, &mut given).map_err(|failure| within(index, failure))
        });
        let files: Vec<NewFile> = files.collect::<Result<_, _>>()?;
        // First what can be said without the disk, so that the message names the real mistake.
        let files = door(&files, is_url).map_err(refused)?;
        let mut keeps = Vec::with_capacity(files.len());
        let mut looked = Looked::default();
        for (index, file) in files.iter().enumerate() {
            if file.local_name.is_empty() {
                keeps.push(Keep::default());
                continue;
            }
            let place = self.place(actor, Path::new(&file.local_name), file.replace);
            let keep = destination::check(&place, &mut looked)
                .map_err(|failure| failure.at(format!("files[{index}].local_name")))?;
            keeps.push(keep);
        }
        Ok((Offered { files, keeps }, given))
    }

    /// Whether a download of that caller may go there, as far as that can be said before it starts: its
    /// folder need not exist yet.
    pub(crate) fn may_name(&self, actor: Actor, path: &Path) -> Result<(), Failure> {
        destination::may_name(&self.place(actor, path, false))
    }

    /// Makes the folders of a download's destination, looks whether a file may be put there, and says
    /// where its bytes are to be kept.
    pub(crate) fn make_way(&self, actor: Actor, path: &str) -> Result<Keep, Failure> {
        destination::make_way(&self.place(actor, Path::new(path), false))
    }

    /// Whether a file may go there, and where its bytes are to be kept.
    pub(crate) fn destination(
        &self,
        actor: Actor,
        name: &str,
        replace: bool,
    ) -> Result<Keep, Failure> {
        destination::check(&self.place(actor, Path::new(name), replace), &mut Looked::default())
    }

    /// Takes the name of a file that the service writes for others in its own name.
    pub(crate) fn take(&self, path: &str) -> Result<Keep, Failure> {
        destination::take(&self.own_place(path))
    }

    /// Whether a name that was taken so is still there.
    pub(crate) fn check_taken(&self, path: &str) -> Result<(), Failure> {
        destination::check_taken(&self.own_place(path))
    }

    /// Gives such a name back.
    pub(crate) fn give_back(&self, path: &str) {
        destination::give_back(&self.own_place(path));
    }

    fn own_place<'a>(&'a self, path: &'a str) -> destination::Place<'a> {
        let (path, own_uid) = (Path::new(path), self.own_uid);
        destination::Place { path, replace: false, caller: own_uid, own_uid, state: &self.state }
    }

    fn place<'a>(&'a self, actor: Actor, path: &'a Path, replace: bool) -> destination::Place<'a> {
        let (caller, own_uid) = (actor.uid(), self.own_uid);
        destination::Place { path, replace, caller, own_uid, state: &self.state }
    }
}

/// A refusal of one of several files, naming it.
pub(crate) fn refused(refusal: Refusal) -> Failure {
    Failure::new(refusal.code, refusal.message)
        .at(format!("files[{}].{}", refusal.index, refusal.field))
}

/// Whether a text is a URL that can be fetched.
pub(crate) fn is_url(text: &str) -> Result<(), (ErrorCode, String)> {
    let wrong = |why: String| Err((ErrorCode::E_INVALIDARG, why));
    // The parser would quietly drop these (WHATWG URL, basic URL parser, steps 1 and 3); the
    // interface does no escaping for its callers.
    if text.chars().any(|c| c.is_ascii_control() || c == ' ') {
        return wrong("the URL contains a space or a control character; escape it".into());
    }
    match Url::parse(text) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            wrong(format!("the scheme `{}` is not http or https", url.scheme()))
        }
        Ok(url) if !url.has_host() => wrong("the URL names no host".into()),
        Ok(_) => Ok(()),
        Err(error) => wrong(format!("this is not a URL: {error}")),
    }
}

/// Headers that a caller wants sent.
pub(crate) fn headers(headers: Vec<Header>) -> Result<Vec<(String, String)>, Failure> {
    if headers.len() > HEADERS_MAX {
        return Err(invalid("headers", "a job has at most 64 headers"));
    }
    let check = |(index, header): (usize, Header)| {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| {
            invalid("name", format!("`{}` is not a header name", header.name.escape_debug()))
                .at(format!("headers[{index}].name"))
        })?;
        if is_reserved(&name) {
            return Err(invalid("name", format!("the service itself sets `{name}`"))
                .at(format!("headers[{index}].name")));
        }
        HeaderValue::from_str(&header.value).map_err(|_| {
            // Not shown: it is a secret.
            invalid("value", format!("the value of `{name}` contains a control character"))
                .at(format!("headers[{index}].value"))
        })?;
        Ok((header.name, header.value))
    };
    headers.into_iter().enumerate().map(check).collect()
}

fn new_file(mut file: AddFile, given: &mut Given) -> Result<NewFile, Failure> {
    let check = given.take(&mut file)?;
    Ok(NewFile {
        file_id: file.file_id,
        remote_name: file.remote_name,
        mirrors: file.mirrors,
        public_only: file.public_only,
        local_name: file.local_name,
        ranges: file.ranges,
        size: file.size,
        sha256: file.sha256,
        replace: file.replace,
        check,
    })
}

/// A failure that names a field of one of several files.
fn within(index: usize, failure: Failure) -> Failure {
    let field = failure.field.clone().unwrap_or_default();
    failure.at(format!("files[{index}].{field}"))
}

fn invalid(field: &str, message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::E_INVALIDARG, message).at(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// conformance: limit url, transport smb
    #[test]
    fn only_urls_that_can_be_fetched_come_in() {
        for good in ["http://a/b", "https://[::1]:8443/x?y=1", "HTTP://127.0.0.1/"] {
            assert_eq!(is_url(good), Ok(()), "{good}");
        }
        for bad in
            ["", "ftp://a/b", "file:///etc/passwd", "a/b", "http://", "http://a b/", "http://a/\n"]
        {
            assert_eq!(
                is_url(bad).map_err(|(code, _)| code),
                Err(ErrorCode::E_INVALIDARG),
                "{bad}"
            );
        }
    }

    #[test]
    fn headers_that_steer_the_transfer_are_refused_by_name() {
        let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
        for (bad, field) in [
            (header("Range", "bytes=0-"), "headers[0].name"),
            (header("host", "x"), "headers[0].name"),
            (header("a b", "x"), "headers[0].name"),
            (header("x-a", "b\r\nx-c: d"), "headers[0].value"),
        ] {
            assert_eq!(headers(vec![bad]).unwrap_err().field.as_deref(), Some(field));
        }
        assert!(headers(vec![header("Authorization", "Bearer x")]).is_ok());
    }
}
