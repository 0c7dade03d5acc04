//! Handing finished files to a caller who writes them with rights that the agent does not have.
//!
//! An agent opens no path of another user's. The caller creates each file itself, passes the open
//! file, has it filled, and gives it its name. [`Handover`] is the REST reply that begins it; the
//! rest are words on a second unix socket, over which open files can travel. Each word is one JSON
//! object and a line feed; the open files travel with the first byte of [`ClientWord::Fill`].
//!
//! ```text
//! client                              agent
//! POST …/handover                ──▶  Handover { token, socket, owner }
//! Begin { token }                ──▶  Give { files }
//! Fill { files } + open files    ──▶  Filled { files }
//!   (mode, time, rename, flush)
//! Named { files }                ──▶  Give { files } … or Done { outcome }
//! ```
//!
//! When the connection ends early the job is as it was, with the files named so far completed; the
//! same steps may be taken again.

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::job::Outcome;
use crate::id::{FileNumber, Uid};
use crate::time::FileTime;

/// Files in one word, and open files that travel with one.
pub const HANDOVER_FILES_MAX: usize = 4;

/// Bytes of one word with its line feed, in either direction. Enough for [`HANDOVER_FILES_MAX`]
/// paths of the greatest length, in the longest form that JSON has for them.
pub const HANDOVER_WORD_BYTES_MAX: usize = 128 * 1024;

/// Bytes of an identity ([`GivenFile::identity`]).
pub const HANDOVER_IDENTITY_BYTES_MAX: usize = 128;

/// Leave to take a job's finished files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Handover {
    /// Said once, within a minute, by the same user, to begin. A secret.
    pub token: String,
    /// Name of the socket for open files, in the folder of the socket that this reply came from.
    pub socket: String,
    /// Who owns the job. Somebody else who completes it must not be led to write where the owner
    /// could not.
    pub owner: Uid,
}

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "word", deny_unknown_fields)]
pub enum ClientWord {
    /// First of all; answered with [`AgentWord::Give`] or [`AgentWord::Done`].
    Begin {
        /// [`Handover::token`].
        token: String,
    },
    /// Fill these files, which were given last. One open file for each travels with the word, in the
    /// same order. Answered with [`AgentWord::Filled`].
    Fill {
        /// At least one and at most [`HANDOVER_FILES_MAX`].
        files: Vec<OpenedFile>,
    },
    /// These files, which were given last, stand under their names, durably. Answered with the next
    /// [`AgentWord::Give`] or with [`AgentWord::Done`].
    Named {
        /// Which; none when the first of them failed.
        files: Vec<FileNumber>,
        /// A file of those given that cannot be put in its place: the handover ends, and the
        /// answer is [`AgentWord::Refused`] with this failure.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<FailedFile>,
    },
}

/// What the agent says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "word")]
pub enum AgentWord {
    /// The next files to create.
    Give {
        /// At least one and at most [`HANDOVER_FILES_MAX`].
        files: Vec<GivenFile>,
    },
    /// The open files are filled and flushed.
    Filled {
        /// In the order of [`ClientWord::Fill`].
        files: Vec<FilledFile>,
    },
    /// The job is completed. The last word.
    Done {
        /// As from `Complete`.
        outcome: Outcome,
    },
    /// It goes no further; the job is as it was, with the files named so far completed. The last
    /// word.
    Refused {
        /// Why.
        failure: Failure,
    },
}

/// A finished file that waits for its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenFile {
    /// Its place in the job.
    pub number: FileNumber,
    /// The name it is to have.
    pub local_name: String,
    /// Whether a file of that name may be replaced.
    pub replace: bool,
    /// Its size in bytes.
    pub size: u64,
    /// The time it is to have, where the origin said one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<FileTime>,
    /// What a client said last time when it had this file filled: [`OpenedFile::identity`]. Where the
    /// file of that name still bears the identity, it was named before its client or the agent died, and
    /// needs only to be named again in [`ClientWord::Named`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

/// A file that the client has created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenedFile {
    /// Its place in the job.
    pub number: FileNumber,
    /// How the client will know this very file again, whatever its name; at most
    /// [`HANDOVER_IDENTITY_BYTES_MAX`] bytes that mean nothing to the agent.
    pub identity: String,
}

/// A file that is filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledFile {
    /// Its place in the job.
    pub number: FileNumber,
    /// Its size in bytes.
    pub size: u64,
    /// The hash that it was checked to have, as 64 lower-case hexadecimal digits, where the caller
    /// gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A file that the client could not put in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailedFile {
    /// Its place in the job.
    pub number: FileNumber,
    /// Why not.
    pub failure: Failure,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_they_are() {
        let begin = ClientWord::Begin { token: "t".into() };
        let text = r#"{"word":"begin","token":"t"}"#;
        assert_eq!(serde_json::to_string(&begin).unwrap(), text);
        assert_eq!(serde_json::from_str::<ClientWord>(text).unwrap(), begin);
        let named = r#"{"word":"named","files":[1]}"#;
        let expect = ClientWord::Named { files: vec![FileNumber(1)], failed: None };
        assert_eq!(serde_json::from_str::<ClientWord>(named).unwrap(), expect);
        assert!(
            serde_json::from_str::<ClientWord>(r#"{"word":"begin","token":"t","x":1}"#).is_err()
        );
    }

    #[test]
    fn the_longest_word_fits() {
        let file = GivenFile {
            number: FileNumber(u32::MAX),
            local_name: "\u{1}".repeat(crate::file::LOCAL_NAME_BYTES_MAX),
            replace: true,
            size: u64::MAX,
            last_modified: Some(FileTime(u64::MAX)),
            identity: Some("\u{1}".repeat(HANDOVER_IDENTITY_BYTES_MAX)),
        };
        let word = AgentWord::Give { files: vec![file; HANDOVER_FILES_MAX] };
        let length = serde_json::to_vec(&word).map_or(usize::MAX, |bytes| bytes.len() + 1);
        assert!(length <= HANDOVER_WORD_BYTES_MAX, "{length}");
    }
}
