//! The manager, jobs and their properties.

use super::table;
use crate::conformance::row::Group;

/// `IBackgroundCopyManager`.
pub(super) fn manager() -> Group {
    table(
        "Manager",
        &[
            (
                "Manager::CreateJob",
                "makes a job with an id never used before: the caller's, suspended, empty",
            ),
            (
                "Manager::CreateJob arguments",
                "E_INVALIDARG for a name of more than 256 characters or a type that is no download; an empty name is allowed",
            ),
            ("Manager::GetJob", "finds a job that is not over by its id"),
            (
                "Manager::GetJob not-found",
                "DO_E_JOB_NOT_FOUND for an id that never was, and for a job that is over",
            ),
            ("Manager::GetJob denied", "E_ACCESSDENIED for another user's job"),
            (
                "access owner",
                "whoever created a job owns it; the owner and root may do everything with it",
            ),
            (
                "access others",
                "everybody else may neither look at a job nor change it: E_ACCESSDENIED",
            ),
            (
                "Manager list",
                "ours, for the missing EnumJobs: the caller's jobs, and for root everybody's",
            ),
        ],
    )
}

/// `IBackgroundCopyJob`.
pub(super) fn job() -> Group {
    table(
        "Jobs",
        &[
            ("Job::AddFiles several", "ours: several files at once, all or none"),
            ("Job::Cancel", "ends the job; what it fetched is deleted"),
            ("Job::Complete", "shows every finished file under its name and ends the job"),
            (
                "Job::Complete partial",
                "of an unfinished job keeps what is finished, drops the rest, and says BG_S_PARTIAL_COMPLETE",
            ),
            ("Job::Complete empty", "of a job without files: S_OK"),
            (
                "Job::Complete again",
                "after a failure goes on where it failed; files in their place stay there",
            ),
            ("Job::EnumFiles", "a picture of the list of files"),
            ("Job::GetDisplayName", "the name as given"),
            (
                "Job::GetError",
                "the error object in ERROR and TRANSIENT_ERROR, else DO_E_ERROR_INFORMATION_UNAVAILABLE",
            ),
            ("Job::GetError lifetime", "the error object lives until data moves again"),
            ("Job::GetId", "the id"),
            ("Job::GetNoProgressTimeout", "as set, else what follows from the priority"),
            ("Job::GetNotifyFlags", "as set"),
            ("Job::GetNotifyInterface", "S_OK and nothing when none is set"),
            ("Job::GetPriority", "as set"),
            ("Job::GetProgress", "bytes and files, here and in all"),
            ("Job::GetState", "where it stands"),
            ("Job::GetTimes", "creation, last change, and when it was transferred"),
            ("Job::GetType", "a download"),
            ("Job::Resume", "puts the job into the queue; a waiting job is tried now"),
            ("Job::Resume clears", "counts failures and the time without a byte anew"),
            (
                "Job::SetNoProgressTimeout",
                "in seconds; the timer starts anew with every byte and knows no wall clock",
            ),
            ("Job::SetNotifyFlags", "any accepted bits"),
            ("Job::SetNotifyFlags unknown-bits", "E_NOTIMPL, and nothing changes"),
            ("Job::SetNotifyInterface", "who is told; the last one set is, and none clears it"),
            ("Job::SetNotifyInterface denied", "E_ACCESSDENIED for everybody but owner and root"),
            ("Job::SetPriority", "takes effect on what waits and what runs"),
            ("Job::SetPriority unknown", "E_INVALIDARG beyond LOW"),
            ("Job::Suspend", "stops what runs; what was fetched is kept"),
            ("Job late-results", "what a stopped attempt still delivers changes nothing"),
        ],
    )
}

/// `IBackgroundCopyJob5` and `IDeliveryOptimizationJob2`.
pub(super) fn job_properties() -> Group {
    table(
        "Job properties",
        &[
            (
                "Job5::GetProperty COST_FLAGS",
                "as set, else what follows from the priority: ALWAYS in the foreground, STANDARD in the background",
            ),
            ("Job5::SetProperty COST_FLAGS", "applies at once, also to what runs"),
            ("Job5::GetProperty NOTIFICATION_CLSID", "as set"),
            (
                "Job5::SetProperty NOTIFICATION_CLSID",
                "remembered across restarts; the zero GUID clears it",
            ),
            ("Job5::GetProperty unknown", "DO_E_UNKNOWN_PROPERTY_ID for every other property"),
            ("Job5::SetProperty unknown", "DO_E_UNKNOWN_PROPERTY_ID for every other property"),
            (
                "Job2::GetProperty ExtendedErrorInfo",
                "the last failure as JSON: Error, ExtendedError, HttpStatus, Url, File; empty without one",
            ),
            ("Job2::GetProperty unknown", "DO_E_UNKNOWN_PROPERTY_ID"),
            (
                "Job2::SetProperty",
                "always fails: DO_E_READ_ONLY_PROPERTY for ExtendedErrorInfo, else DO_E_UNKNOWN_PROPERTY_ID",
            ),
        ],
    )
}
