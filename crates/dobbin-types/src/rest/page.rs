//! Long lists come in pages.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::JobId;
use crate::time::FileTime;

/// Jobs of one page at most, and as many as there are on one that nobody asked to be shorter.
pub const JOBS_PER_PAGE_MAX: u32 = 1_000;

/// Where a list of jobs was left: behind the job of this id, created at this time. It stays good when
/// the job is gone.
///
/// On the wire it is a text that says nothing to callers: they give back what they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bookmark {
    /// When the job was created: lists begin with the oldest.
    pub creation: FileTime,
    /// The job; tells those of one moment apart.
    pub job: JobId,
}

/// A text that no list was left with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoBookmark;

impl fmt::Display for NoBookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no list was left there; give back what `next` of a page says")
    }
}

impl core::error::Error for NoBookmark {}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.creation.0, self.job)
    }
}

impl FromStr for Bookmark {
    type Err = NoBookmark;

    fn from_str(text: &str) -> Result<Bookmark, NoBookmark> {
        let (creation, job) = text.split_once('.').ok_or(NoBookmark)?;
        let creation = u64::from_str_radix(creation, 16).map_err(|_| NoBookmark)?;
        let job = job.parse().map_err(|_| NoBookmark)?;
        Ok(Bookmark { creation: FileTime(creation), job })
    }
}

impl TryFrom<String> for Bookmark {
    type Error = NoBookmark;

    fn try_from(text: String) -> Result<Bookmark, NoBookmark> {
        text.parse()
    }
}

impl From<Bookmark> for String {
    fn from(bookmark: Bookmark) -> String {
        bookmark.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_leads_to_where_the_list_was_left() {
        let job: JobId = "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d".parse().unwrap();
        for creation in [0, 1, 133_000_000_000_000_000, u64::MAX] {
            let bookmark = Bookmark { creation: FileTime(creation), job };
            assert_eq!(bookmark.to_string().parse(), Ok(bookmark));
        }
        for text in ["", ".", "12", "x.0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d", "1.2"] {
            assert_eq!(text.parse::<Bookmark>(), Err(NoBookmark), "{text}");
        }
    }
}
