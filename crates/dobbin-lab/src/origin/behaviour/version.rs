//! Files that change under their readers, and names for versions (RFC 9110 §8.8).

use crate::origin::reply::{File, NEW_DATE};

/// Which version of the file it is, and how it is named. With [`crate::origin::When::After`] the
/// file changes in the middle of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// Another `ETag`.
    NewTag,
    /// Another `Last-Modified`.
    NewDate,
    /// Other bytes ([`crate::origin::Content::changed`]), under whatever validators there are.
    NewBytes,
    /// The file has this size, under whatever validators there are.
    Size(u64),
    /// The `ETag` is weak.
    WeakTag,
    /// No `ETag`.
    NoTag,
    /// No `Last-Modified`.
    NoDate,
}

impl Version {
    pub(super) fn change(&self, file: &mut File) {
        match self {
            Version::NewTag => {
                let old = file.tag.take().unwrap_or_else(|| "\"\"".to_owned());
                file.tag = Some(format!("{}-new\"", old.trim_end_matches('"')));
            }
            Version::NewDate => file.date = Some(NEW_DATE.to_owned()),
            Version::NewBytes => file.content = file.content.changed(),
            Version::Size(size) => file.content = file.content.resized(*size),
            Version::WeakTag => file.tag = file.tag.take().map(|tag| format!("W/{tag}")),
            Version::NoTag => file.tag = None,
            Version::NoDate => file.date = None,
        }
    }
}
