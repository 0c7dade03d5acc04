//! Downloads (`IDODownload`): what that interface's words mean for a job.
//!
//! A download is a job with one file. It has no state machine of its own: here a job is shown in the
//! other interface's words ([`View`]), its operations are turned into wishes
//! ([`View::decide`]), and its properties into settings ([`View::setting`]). All of it is translation;
//! the job moves in [`crate::job::step`] and nowhere else.

mod model;
mod operation;
mod property;
mod setting;
mod status;

use dobbin_types::JobState;

use crate::job::{File, Job};

pub use model::Download;
pub use operation::Operation;
pub(crate) use property::flags_of;
pub use property::{CALLBACK_SECONDS_DEFAULT, NO_PROGRESS_SECONDS_DEFAULT, check_category};
pub use setting::{Fault, Setting, Syntax};
pub use status::Codes;

/// A job, looked at as the download it is.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    job: &'a Job,
    download: &'a Download,
    file: &'a File,
}

impl<'a> View<'a> {
    /// The download that a job is; `None` for a job that is none.
    pub fn of(job: &'a Job) -> Option<View<'a>> {
        let download = job.about().download.as_deref()?;
        let file = job.files().first()?;
        Some(View { job, download, file })
    }

    /// The job that it is.
    pub fn job(&self) -> &'a Job {
        self.job
    }

    /// What only a download has.
    pub fn download(&self) -> &'a Download {
        self.download
    }

    /// The name that was taken for its file, as long as that is not the caller's: what stands there goes
    /// with the download.
    pub fn placeholder(&self) -> Option<&'a str> {
        let is_kept = self.job.state() == JobState::Acknowledged && self.file.published;
        let is_taken = self.download.in_place && self.download.started && !is_kept;
        is_taken.then_some(self.file.local_name.as_str())
    }

    /// Its one file.
    pub fn file(&self) -> &'a File {
        self.file
    }
}
