//! Completing a job whose agent cannot write the caller's files: this process creates them.
//!
//! The agent of the machine is another user and has no right to anybody's folders. So this process
//! creates each file with its own rights, passes it open, has it filled, and gives it its name. It
//! may die at any step: the job stays as it was, and the next call goes on.

mod check;
mod place;
mod words;

use dobbin_types::rest::{
    AgentWord, ClientWord, FailedFile, Failure, FilledFile, GivenFile, Handover, OpenedFile,
    Outcome, route,
};
use dobbin_types::{ErrorCode, FileNumber, JobId, Uid};

use self::place::{Part, Place};
use self::words::Words;
use crate::error::Error;
use crate::manager::Manager;

pub(crate) use self::check::check;

const DOING: &str = "completing the job";

/// Takes a job's finished files and completes it.
pub(crate) async fn complete(manager: &Manager, job: JobId) -> Result<Outcome, Error> {
    let path = route::of_job(route::HANDOVER, job);
    let Handover { token, socket, owner } = manager.post(DOING, path).await?;
    let mut words = Words::open(manager, &socket).await?;
    words.say(&ClientWord::Begin { token }, &[]).await?;
    loop {
        match words.hear().await? {
            AgentWord::Give { files } => take(&mut words, job, owner, files).await?,
            AgentWord::Done { outcome } => return Ok(outcome),
            AgentWord::Refused { failure } => return Err(Error::Refused(failure)),
            AgentWord::Filled { .. } => return Err(nonsense()),
        }
    }
}

/// Files that were given, as far as they are.
#[derive(Default)]
struct Taken {
    /// They stand under their names.
    named: Vec<FileNumber>,
    /// They are created.
    parts: Vec<Part>,
    /// It cannot be put in its place, and no file after it was tried.
    failed: Option<FailedFile>,
}

/// Creates, has filled, and names the files that were given last.
async fn take(
    words: &mut Words,
    job: JobId,
    owner: Uid,
    files: Vec<GivenFile>,
) -> Result<(), Error> {
    let mut taken = on_disk_thread(move || create_all(job, owner, files)).await?;
    if !taken.parts.is_empty() {
        let opened = |part: &Part| OpenedFile { number: part.number(), identity: part.identity() };
        let files = taken.parts.iter().map(opened).collect();
        let open = taken.parts.iter().map(Part::file).collect::<Vec<_>>();
        words.say(&ClientWord::Fill { files }, &open).await?;
        let filled = match words.hear().await? {
            AgentWord::Filled { files } => files,
            AgentWord::Refused { failure } => return Err(Error::Refused(failure)),
            AgentWord::Give { .. } | AgentWord::Done { .. } => return Err(nonsense()),
        };
        taken = on_disk_thread(move || name_all(taken, &filled)).await?;
    }
    let Taken { named, failed, .. } = taken;
    words.say(&ClientWord::Named { files: named, failed }, &[]).await
}

/// Creates the files that do not stand already, up to the first that cannot be.
fn create_all(job: JobId, owner: Uid, files: Vec<GivenFile>) -> Taken {
    let mut taken = Taken::default();
    for given in files {
        let number = given.number;
        match Place::open(job, owner, &given).and_then(|place| place.create(given)) {
            Ok(Some(part)) => taken.parts.push(part),
            Ok(None) => taken.named.push(number),
            Err(failure) => {
                taken.failed = Some(FailedFile { number, failure: at(number, failure) });
                break;
            }
        }
    }
    taken
}

/// Names the filled files, up to the first that cannot be. Those after it are removed.
fn name_all(mut taken: Taken, filled: &[FilledFile]) -> Taken {
    for part in std::mem::take(&mut taken.parts) {
        let number = part.number();
        let size = filled.iter().find(|file| file.number == number).map(|file| file.size);
        match part.name(size) {
            Ok(()) => taken.named.push(number),
            Err(failure) => {
                // One that could not even be created comes later in the job.
                taken.failed = Some(FailedFile { number, failure: at(number, failure) });
                break;
            }
        }
    }
    taken
}

fn at(number: FileNumber, failure: Failure) -> Failure {
    failure.at(format!("files[{number}]"))
}

fn nonsense() -> Error {
    Error::Protocol { doing: DOING, why: "the agent said something out of turn".to_owned() }
}

/// Does what may wait for a disk where it holds up no other call.
pub(crate) async fn on_disk_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Lost { doing: DOING, source: std::io::Error::other(error) })
}

/// A failure with the operating system's reason.
fn failure(what: &str, path: &std::path::Path, error: rustix::io::Errno) -> Failure {
    let code = ErrorCode::from_errno(error.raw_os_error());
    let why = std::io::Error::from(error);
    Failure::new(code, format!("cannot {what} {}: {why}", path.display()))
}
