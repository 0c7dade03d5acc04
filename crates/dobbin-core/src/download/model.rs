//! What a download has that other jobs have not.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use dobbin_types::{Completion, JobId, JobType, Priority, Uid};

use super::property::NO_PROGRESS_SECONDS_DEFAULT;
use crate::job::{File, NewJob};

/// What a download has that other jobs have not: the properties without a home in the job or its
/// file. `None` where a property was never set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Download {
    /// Whether it was ever started: what tells `Created` from `Paused`.
    pub started: bool,
    /// The caller has a status callback. Dies with the caller's connection and is in no record.
    pub callback: bool,
    /// `ContentId`.
    pub content_id: Option<String>,
    /// `CostPolicy` is the one that the job's cost flags cannot say.
    pub no_cellular: bool,
    /// `SecurityFlags`.
    pub security_flags: u32,
    /// `CallbackFreqPercent`.
    pub callback_percent: u32,
    /// `CallbackFreqSeconds`.
    pub callback_seconds: Option<u32>,
    /// `BlockingMode`.
    pub blocking: bool,
    /// `CorrelationVector`.
    pub correlation_vector: Option<String>,
    /// `DisallowOnCellular`.
    pub disallow_cellular: bool,
    /// `HttpCustomAuthHeaders`: secrets, sent once the origin has asked for them.
    pub auth_headers: Vec<(String, String)>,
    /// `HttpAllowSecureToNonSecureRedirect`.
    pub allow_downgrade: bool,
    /// `NonVolatile`: whether it outlives a restart of the service.
    pub non_volatile: bool,
    /// The service itself writes the file, with its own rights and in its own name, and shows it as soon
    /// as it is whole: as the agent does whose interface existing programs speak. Its name is taken from
    /// the first Start on.
    pub in_place: bool,
}

impl Download {
    /// A new download and its file, with every property at its default
    /// (`IDOManager::CreateDownload`).
    pub fn create(id: JobId, owner: Uid) -> (NewJob, File) {
        let new = NewJob {
            id,
            owner,
            display_name: String::new(),
            job_type: JobType::Download,
            priority: Priority::Normal,
            no_progress_timeout: Some(NO_PROGRESS_SECONDS_DEFAULT),
            completion: Completion::Caller,
            headers: Vec::new(),
            bytes_per_second_max: None,
            download: Some(Box::default()),
        };
        (new, File::nameless())
    }

    /// The same for a program that speaks the interface of Microsoft's agent for Linux: somebody waits
    /// for it, and it outlives a restart, which that agent's downloads do not.
    pub fn create_in_place(id: JobId, owner: Uid) -> (NewJob, File) {
        let (new, file) = Download::create(id, owner);
        let download = Download { in_place: true, non_volatile: true, ..Download::default() };
        let new = NewJob {
            priority: Priority::Foreground,
            no_progress_timeout: None,
            download: Some(Box::new(download)),
            ..new
        };
        (new, file)
    }
}
