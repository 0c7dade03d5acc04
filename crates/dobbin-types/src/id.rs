//! Who and which: the ids of jobs, files and users.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of a job: a GUID, made by the service and never used twice (`IBackgroundCopyJob::GetId`).
///
/// Its text form is the lower-case hyphenated one without braces; braces and upper case are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobId(pub Uuid);

impl JobId {
    /// The sixteen bytes of the GUID, in the order of its text.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id whose bytes are these.
    pub fn from_bytes(bytes: [u8; 16]) -> JobId {
        JobId(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for JobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<JobId, uuid::Error> {
        text.parse().map(JobId)
    }
}

/// The place of a file in its job, from 0, in the order in which the files were added. Files are
/// never removed from a job, so the number never changes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileNumber(pub u32);

impl FileNumber {
    /// The number as an index into the job's list of files.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for FileNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user of the machine, as its kernel numbers them. On systems without numeric users the platform
/// crate maps the system's own identity to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Uid(pub u32);

impl Uid {
    /// The administrator: may see and change everybody's jobs.
    pub const ROOT: Uid = Uid(0);
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_is_read_with_and_without_braces() {
        let plain: JobId = "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d".parse().unwrap();
        let braces: JobId = "{0F0D3B2E-5A0E-4D9C-8F4B-1C2F3A4B5C6D}".parse().unwrap();
        assert_eq!(plain, braces);
        assert_eq!(plain.to_string(), "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d");
        assert_eq!(JobId::from_bytes(*plain.as_bytes()), plain);
    }
}
