//! Fetches one file in the background: the classic program for copy jobs, from end to end.
//!
//! ```text
//! cargo run -p dobbin-sdk --example copy_job -- URL PATH
//! ```
//!
//! It needs an agent (`dobbin serve`). Kill it in the middle and start it again with the same
//! arguments: it finds its job, which went on meanwhile, and takes it up.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use dobbin_sdk::blocking::{Callback, Job, Manager};
use dobbin_sdk::types::rest::{AddFile, CreateJob, JobFailure};
use dobbin_sdk::types::{ErrorCode, NotifyFlags};
use dobbin_sdk::{Address, JobFilter};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, path] = arguments.as_slice() else {
        eprintln!("usage: copy_job URL PATH");
        return ExitCode::from(2);
    };
    let outcome = Manager::connect(Address::Default)
        .map_err(Into::into)
        .and_then(|manager| copy(&manager, url, path, &mut std::io::stdout()));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Fetches `url` to the absolute `path`, and says how it goes on.
pub(crate) fn copy(
    manager: &Manager,
    url: &str,
    path: &str,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let job = find_or_create(manager, url, path)?;
    writeln!(out, "job {}", job.id())?;

    // Callbacks come on a connection of their own, which a thread serves; also when the agent is
    // restarted meanwhile.
    let (news, told) = sync_channel(16);
    let mut listener = manager.listen()?;
    let flags =
        NotifyFlags::JOB_TRANSFERRED.0 | NotifyFlags::JOB_ERROR.0 | NotifyFlags::JOB_MODIFICATION.0;
    job.set_notify_flags(NotifyFlags(flags))?;
    job.set_notify_interface(Some(&listener.interface()))?;
    thread::spawn(move || listener.serve_always(&Watch { news }));

    job.resume()?;
    for news in told {
        match news {
            News::Progress(have, Some(all)) => writeln!(out, "{have} of {all} bytes")?,
            News::Progress(have, None) => writeln!(out, "{have} bytes")?,
            News::Saved => {
                writeln!(out, "saved {path}")?;
                return Ok(());
            }
            News::Failed(why) => {
                // What cannot be had is dropped, with everything that was fetched for it.
                job.cancel()?;
                return Err(why.into());
            }
        }
    }
    Err("the agent does not want to be listened to any more".into())
}

/// The job for this destination, if an earlier run of this program left one; else a new one.
fn find_or_create(manager: &Manager, url: &str, path: &str) -> Result<Job, Box<dyn Error>> {
    let filter = JobFilter { local_name: Some(path.to_owned()), ..JobFilter::default() };
    if let Some(found) = manager.jobs(&filter)?.first() {
        return Ok(manager.job(found.id)?);
    }
    let job = manager
        .create_job(&CreateJob { display_name: "copy_job".to_owned(), ..CreateJob::default() })?;
    job.add_files(vec![AddFile {
        remote_name: url.to_owned(),
        local_name: Some(path.to_owned()),
        ..AddFile::default()
    }])?;
    Ok(job)
}

/// What the main thread wants to know.
enum News {
    /// Bytes here, and in all if that is known.
    Progress(u64, Option<u64>),
    /// The file stands under its name.
    Saved,
    /// It cannot be had, and why.
    Failed(String),
}

/// Is called by the agent (`IBackgroundCopyCallback`).
struct Watch {
    news: SyncSender<News>,
}

impl Watch {
    /// The main thread may be gone already: then nobody wants to know.
    fn tell(&self, news: News) -> Result<(), ErrorCode> {
        let _ = self.news.send(news);
        Ok(())
    }
}

impl Callback for Watch {
    fn job_transferred(&self, job: &Job) -> Result<(), ErrorCode> {
        match job.complete() {
            Ok(_) => self.tell(News::Saved),
            // Something is in the way of the file, or the disk is full: the job stays as it is.
            Err(error) => self.tell(News::Failed(error.to_string())),
        }
    }

    fn job_error(&self, _job: &Job, error: &JobFailure) -> Result<(), ErrorCode> {
        self.tell(News::Failed(format!("{} [{}]", error.message, error.code)))
    }

    fn job_modification(&self, job: &Job) -> Result<(), ErrorCode> {
        let progress = job.progress().map_err(|error| error.code())?;
        self.tell(News::Progress(progress.bytes_transferred, progress.bytes_total))
    }
}
