//! Server-sent events: what happened to a job.

use serde::{Deserialize, Serialize};

use super::job::JobInfo;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EventKind {
    /// The picture at the time of subscribing, sent once for every job the subscription covers.
    Current,
    /// A job was created.
    Created,
    /// Bytes, files, properties or the state changed; at most one a second for a job
    /// (`IBackgroundCopyCallback::JobModification`).
    Modified,
    /// Every file has been transferred (`IBackgroundCopyCallback::JobTransferred`).
    Transferred,
    /// A fatal error stopped the job (`IBackgroundCopyCallback::JobError`).
    Error,
    /// The job is over: acknowledged or cancelled.
    Ended,
}

impl EventKind {
    /// The event's name on the wire (`event:` of a server-sent event).
    pub fn word(self) -> &'static str {
        match self {
            EventKind::Current => "current",
            EventKind::Created => "created",
            EventKind::Modified => "modified",
            EventKind::Transferred => "transferred",
            EventKind::Error => "error",
            EventKind::Ended => "ended",
        }
    }
}

/// Something happened to a job. Sent as the `data:` of a server-sent event whose `event:` is the
/// kind's word.
///
/// Events of one job arrive in the order in which they happened. A reader that falls too far behind
/// is disconnected, and learns what it missed from the [`EventKind::Current`] events of its next
/// subscription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The job right after it.
    pub job: JobInfo,
}
