//! What the words of the command line name: files, and metalinks that name files.
//!
//! A metalink at a URL is fetched as every file is, by a job of the agent: proxies, redirects,
//! certificates and retries are then the same for both.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dobbin_sdk::{Job, Manager};
use dobbin_types::rest::{AddFile, CreateJob, JobInfo};
use dobbin_types::{JobState, Priority};
use tokio::time::{MissedTickBehavior, interval};

use super::failure;
use super::plan::Item;
use super::signals::Signals;
use crate::args::GetArgs;
use crate::document::{self, is_url};
use crate::metalink::{self, DOCUMENT_BYTES_MAX, Metalink};
use crate::reach::{self, Place, Whose};
use crate::render::text::{brief, clean};
use crate::trouble::{Exit, Trouble};

/// How a metalink's name ends, in lower case.
const ENDINGS: [&str; 2] = [".meta4", ".metalink"];

/// How often a job that fetches a metalink is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Names that are tried for a folder of our own. The second one is tried if somebody foresaw the first.
const SCRATCH_NAMES_MAX: u32 = 16;

/// What one word names.
#[derive(Debug)]
pub(super) enum Named {
    /// The address of a file, not yet read.
    Url(String),
    /// A metalink.
    Document(Document),
}

/// A metalink, and where it came from.
#[derive(Debug)]
pub(super) struct Document {
    /// For messages.
    pub(super) from: String,
    /// Whether it came from a public address, so that what it names may lead to such only.
    pub(super) public_only: bool,
    /// What it says.
    pub(super) metalink: Metalink,
}

/// All that the command line names, in its order; metalinks are fetched and read.
///
/// # Errors
///
/// A metalink that cannot be had or followed.
pub(super) async fn gather(args: &GetArgs, place: &Place) -> Result<Vec<Named>, Trouble> {
    let mut all = Vec::new();
    for word in &args.urls {
        // Whoever says how it is to be called wants the document itself.
        if args.output.is_none() && is_metalink(word) {
            all.push(Named::Document(document(word, args, place).await?));
        } else {
            all.push(Named::Url(word.clone()));
        }
    }
    for word in &args.metalinks {
        all.push(Named::Document(document(word, args, place).await?));
    }
    Ok(all)
}

/// Whether a word names a metalink by the end of its name.
fn is_metalink(word: &str) -> bool {
    let path = if is_url(word) { word.split(['?', '#']).next().unwrap_or_default() } else { word };
    let path = path.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

async fn document(word: &str, args: &GetArgs, place: &Place) -> Result<Document, Trouble> {
    let (from, bytes, public_only) = if is_url(word) {
        let (bytes, from_public) = fetched(word, args, place).await?;
        (brief(word), bytes, from_public)
    } else {
        let text = document::read(Path::new(word), "metalink", DOCUMENT_BYTES_MAX)?;
        (clean(word).into_owned(), text, false)
    };
    let metalink = metalink::read(&bytes)
        .map_err(|fault| Trouble::failed(format!("cannot follow the metalink {from}: {fault}")))?;
    Ok(Document { from, public_only, metalink })
}

/// The bytes of a document at a URL, and whether they came from a public address. Ctrl-C drops the job
/// that fetches it.
async fn fetched(url: &str, args: &GetArgs, place: &Place) -> Result<(Vec<u8>, bool), Trouble> {
    if !args.headers.is_empty() {
        let what = "the headers of --header would go to whichever servers the metalink names";
        return Err(Trouble::usage(what).remedy("fetch the files by their own addresses"));
    }
    let scratch = Scratch::new()?;
    let mut signals = Signals::new()?;
    let agent = reach::running_or_embedded(place, Whose::Any).await?;
    let path = scratch.0.join("metalink");
    let outcome = fetch(&agent.manager, url, args, &path, &mut signals).await;
    agent.leave().await;
    let from_public = outcome?;
    Ok((document::read(&path, "metalink", DOCUMENT_BYTES_MAX)?, from_public))
}

/// Fetches a document to `path`. Says whether it came from a public address, which it counts as where
/// that is not known.
async fn fetch(
    manager: &Manager,
    url: &str,
    args: &GetArgs,
    path: &Path,
    signals: &mut Signals,
) -> Result<bool, Trouble> {
    let item =
        Item { url: url.to_owned(), local_name: path.display().to_string(), ..Item::default() };
    let file = AddFile {
        remote_name: item.url.clone(),
        local_name: Some(item.local_name.clone()),
        ..AddFile::default()
    };
    let wish = CreateJob {
        display_name: item.from().chars().take(200).collect(),
        priority: Some(Priority::Foreground),
        no_progress_timeout_seconds: args.no_progress_timeout,
        files: vec![file],
        ..CreateJob::default()
    };
    let doing = format!("cannot fetch the metalink {}", item.from());
    let refused = |error| Trouble::from(error).while_doing(&doing);
    let job = manager.create_job(&wish).await.map_err(refused)?;
    job.resume().await.map_err(refused)?;
    let last = tokio::select! {
        biased;
        () = signals.next() => {
            let _ = job.cancel().await;
            std::process::exit(i32::from(Exit::Interrupted.number()));
        }
        last = at_rest(&job) => last.map_err(refused)?,
    };
    match last.state {
        JobState::Transferred => {
            let files = job.files().await.map_err(refused)?;
            job.complete().await.map_err(refused)?;
            Ok(files.first().and_then(|file| file.from_public).unwrap_or(true))
        }
        JobState::Error => Err(failure::conclude(&job, &last, &[item]).await),
        _ => {
            let _ = job.cancel().await;
            Err(match is_too_large(&last) {
                true => Trouble::failed(format!("it has more than {DOCUMENT_BYTES_MAX} bytes")),
                false => Trouble::failed("somebody stopped its job"),
            }
            .while_doing(&doing))
        }
    }
}

/// Waits until the job has come to rest, or has more than a document may have.
async fn at_rest(job: &Job) -> Result<JobInfo, dobbin_sdk::Error> {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let info = job.info().await?;
        if is_too_large(&info) {
            return Ok(info);
        }
        match info.state {
            JobState::Queued
            | JobState::Connecting
            | JobState::Transferring
            | JobState::TransientError => {}
            JobState::Transferred
            | JobState::Error
            | JobState::Suspended
            | JobState::Acknowledged
            | JobState::Cancelled => return Ok(info),
        }
    }
}

/// Whether more was said or sent than a document may have.
fn is_too_large(job: &JobInfo) -> bool {
    let progress = &job.progress;
    progress.bytes_total.unwrap_or(0).max(progress.bytes_transferred) > DOCUMENT_BYTES_MAX as u64
}

/// A folder that nobody else can look into, gone with all that is in it when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, Trouble> {
        let (base, id) = (std::env::temp_dir(), std::process::id());
        let mut last = None;
        for number in 0..SCRATCH_NAMES_MAX {
            let path = base.join(format!("dobbin-{id}-{number}"));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Scratch(path)),
                Err(error) => last = Some(error),
            }
        }
        let why = last.map(|error| error.to_string()).unwrap_or_default();
        Err(Trouble::failed(format!("cannot make a folder in {}: {why}", base.display())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is a small file among others of its kind, which the system clears away.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metalink_is_known_by_the_end_of_its_name() {
        for (word, expect) in [
            ("release.meta4", true),
            ("./old.METALINK", true),
            ("https://h/x.meta4", true),
            ("HTTP://h/x.Meta4?mirror=1#top", true),
            ("https://h/x.iso?from=y.meta4", false),
            ("https://h/x.meta4.iso", false),
            ("https://h/meta4", false),
        ] {
            assert_eq!(is_metalink(word), expect, "{word}");
        }
    }

    #[test]
    fn a_scratch_folder_is_private_and_goes() {
        use std::os::unix::fs::PermissionsExt as _;
        let (one, two) = (Scratch::new().unwrap(), Scratch::new().unwrap());
        assert_ne!(one.0, two.0);
        let mode = fs::metadata(&one.0).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let path = one.0.clone();
        drop(one);
        assert!(!path.exists());
    }
}
