//! The visible step, and how to tell afterwards whether it was taken.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::check::{check_free, look};
use super::error::PublishError;
use crate::durable::{self, FlushedFolders};
use crate::error::{Doing, FileError};

/// That this very file is to appear under that name. Written to the journal before it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Where the file is now, flushed and with its final mode and time.
    #[serde(with = "path_text")]
    pub from: PathBuf,
    /// Where it is to appear.
    #[serde(with = "path_text")]
    pub to: PathBuf,
    /// The file system that holds it.
    pub device: u64,
    /// Its number there: with the device, which file it is, whatever its name.
    pub inode: u64,
    /// Whether a file with the new name may be replaced.
    pub replace: bool,
    /// Whether it is a copy made for this, or else the staging file itself.
    pub copied: bool,
}

/// What a crash left of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// The file stands under its name, durably.
    Published,
    /// It does not. A copy made for it is removed; the staging file is as it was.
    NotPublished,
}

impl Intent {
    /// Whether this is the file that is meant.
    fn is(&self, found: &Metadata) -> bool {
        (found.dev(), found.ino()) == (self.device, self.inode)
    }

    /// Whether the file at `path` is the one that is meant.
    fn is_at(&self, path: &Path) -> io::Result<bool> {
        match fs::symlink_metadata(path) {
            Ok(found) => Ok(self.is(&found)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// Gives the file its name, and makes that durable. May be repeated: once the file stands there, it
/// only makes sure that it stays.
///
/// # Errors
///
/// `EISDIR`, `EEXIST`, `ENOENT` and the rights, as [`super::check_destination`] says; `ESTALE` when
/// the file that was made ready is no longer there. An error from flushing the folder comes after the
/// visible step: then repeat the call.
pub fn commit(intent: &Intent) -> Result<(), PublishError> {
    commit_all([intent]).pop().unwrap_or(Ok(()))
}

/// [`commit`] of many files: all get their names, and then each folder is flushed once. The outcomes
/// come in the order of the intents, and each is that of its file alone; an error from flushing a
/// folder is told to every file that was shown in it.
pub fn commit_all<'a>(
    intents: impl IntoIterator<Item = &'a Intent>,
) -> Vec<Result<(), PublishError>> {
    let shown: Vec<(&Intent, Result<Shown, PublishError>)> =
        intents.into_iter().map(|intent| (intent, show(intent))).collect();
    let mut folders = FlushedFolders::default();
    let settle = |(intent, shown): (&'a Intent, Result<Shown, PublishError>)| {
        let shown = shown?;
        let folder = durable::parent(&intent.to);
        folders.flush(folder).doing("flush", folder)?;
        match shown {
            Shown::Now => Ok(()),
            Shown::Before => remove_second_name(intent),
        }
    };
    shown.into_iter().map(settle).collect()
}

/// When a file got its name.
enum Shown {
    /// In this call.
    Now,
    /// In an earlier life, or an earlier call.
    Before,
}

/// The visible step itself, not durable yet.
fn show(intent: &Intent) -> Result<Shown, PublishError> {
    let there = look(&intent.to)?;
    if there.as_ref().is_some_and(|found| intent.is(found)) {
        return Ok(Shown::Before);
    }
    if !intent.is_at(&intent.from).doing("look at", &intent.from)? {
        return Err(FileError::new("publish", &intent.from, Errno::STALE).into());
    }
    check_free(&intent.to, there.as_ref(), intent.replace)?;
    let renamed = if intent.replace {
        durable::rename_unflushed(&intent.from, &intent.to)
    } else {
        durable::rename_noreplace_unflushed(&intent.from, &intent.to)
    };
    renamed.doing("create", &intent.to)?;
    Ok(Shown::Now)
}

/// Finds out, after a crash, whether the file was given its name. If so that is made durable, else
/// what was made ready for it is removed.
///
/// # Errors
///
/// When the folder of the destination cannot be looked at or flushed; nothing is decided then.
pub fn recover(intent: &Intent) -> Result<Recovered, PublishError> {
    if intent.is_at(&intent.to).doing("look at", &intent.to)? {
        settle(intent)?;
        return Ok(Recovered::Published);
    }
    abandon(intent)?;
    Ok(Recovered::NotPublished)
}

/// Removes what was made ready for an intent that shall not be carried out. The staging file stays.
pub fn abandon(intent: &Intent) -> Result<(), PublishError> {
    if intent.copied && intent.is_at(&intent.from).doing("look at", &intent.from)? {
        fs::remove_file(&intent.from).doing("remove", &intent.from)?;
    }
    Ok(())
}

/// The file stands under its name: makes that durable, and removes a second name that a rename in two
/// steps may have left.
fn settle(intent: &Intent) -> Result<(), PublishError> {
    durable::flush_parent(&intent.to).doing("flush", durable::parent(&intent.to))?;
    remove_second_name(intent)
}

/// Removes the name that a rename in two steps may have left.
fn remove_second_name(intent: &Intent) -> Result<(), PublishError> {
    if intent.from != intent.to && intent.is_at(&intent.from).doing("look at", &intent.from)? {
        fs::remove_file(&intent.from).doing("remove", &intent.from)?;
    }
    Ok(())
}

/// Paths in records: text where they are text, their bytes where they are not. Nothing is lost.
mod path_text {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Stored<T, B> {
        Text(T),
        Bytes(B),
    }

    pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        match path.to_str() {
            Some(text) => Stored::<&str, &[u8]>::Text(text),
            None => Stored::Bytes(path.as_os_str().as_bytes()),
        }
        .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<PathBuf, D::Error> {
        Ok(match Stored::<String, Vec<u8>>::deserialize(deserializer)? {
            Stored::Text(text) => PathBuf::from(text),
            Stored::Bytes(bytes) => PathBuf::from(OsString::from_vec(bytes)),
        })
    }
}
