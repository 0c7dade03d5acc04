//! What a job is and what may be said of it: states, priorities, kinds, flags.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Makes an enum of the interface: its numbers, its words on the wire, and both ways between them.
///
/// The words are the interface's own, in lower case with underscores. A list of all values lets
/// tests and tables walk it without a wildcard.
macro_rules! interface_enum {
    (
        $(#[$about:meta])*
        pub enum $name:ident { $( $(#[$doc:meta])* $value:ident = $number:literal, $word:tt; )+ }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name { $( $(#[$doc])* #[serde(rename = $word)] $value = $number, )+ }

        impl $name {
            /// Every value, in the order of their numbers.
            pub const ALL: &'static [$name] = &[ $( $name::$value, )+ ];

            /// The interface's number.
            pub fn number(self) -> i32 {
                self as i32
            }

            /// The value with this number, if there is one.
            pub fn from_number(number: i32) -> Option<$name> {
                match number {
                    $( $number => Some($name::$value), )+
                    _ => None,
                }
            }

            /// The word used in REST bodies, on the command line and in logs.
            pub fn word(self) -> &'static str {
                match self {
                    $( $name::$value => $word, )+
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.word())
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::job::UnknownWord;

            fn from_str(text: &str) -> Result<$name, $crate::job::UnknownWord> {
                match text {
                    $( $word => Ok($name::$value), )+
                    _ => Err($crate::job::UnknownWord { known: &[ $( $word, )+ ] }),
                }
            }
        }
    };
}
pub(crate) use interface_enum;

/// A word that names no value of the enum it was read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownWord {
    pub(crate) known: &'static [&'static str],
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected one of {}", self.known.join(", "))
    }
}

impl std::error::Error for UnknownWord {}

interface_enum! {
    /// Where a job stands (`BG_JOB_STATE`).
    ///
    /// Only `core::job::step` moves a job from one to another.
    pub enum JobState {
        /// Waits for a slot.
        Queued = 0, "queued";
        /// Reserved by the interface; a job is never in it, connecting is part of
        /// [`JobState::Transferring`].
        Connecting = 1, "connecting";
        /// Bytes are being fetched.
        Transferring = 2, "transferring";
        /// At rest until its owner resumes it. Where every job begins.
        Suspended = 3, "suspended";
        /// A fatal error stopped it; its owner resumes, completes or cancels it.
        Error = 4, "error";
        /// An error that may pass stopped it; the service tries again by itself.
        TransientError = 5, "transient_error";
        /// Every file is here and safe; its owner completes it.
        Transferred = 6, "transferred";
        /// Completed: the files are the user's. Final.
        Acknowledged = 7, "acknowledged";
        /// Cancelled: nothing is left of it. Final.
        Cancelled = 8, "cancelled";
    }
}

impl JobState {
    /// Whether the job is over and accepts no wish any more.
    pub fn is_final(self) -> bool {
        matches!(self, JobState::Acknowledged | JobState::Cancelled)
    }
}

interface_enum! {
    /// How urgent a job is (`BG_JOB_PRIORITY`).
    ///
    /// The three background priorities are one class, as in Delivery Optimization; among waiting
    /// jobs of the class the higher one starts first.
    pub enum Priority {
        /// Somebody is waiting: before all background jobs, and never slowed for other traffic.
        Foreground = 0, "foreground";
        /// Background, first in its class.
        High = 1, "high";
        /// Background. The default.
        Normal = 2, "normal";
        /// Background, last in its class.
        Low = 3, "low";
    }
}

// Written out: the macro that makes the enum has no place for `#[default]`.
#[allow(clippy::derivable_impls)]
impl Default for Priority {
    fn default() -> Priority {
        Priority::Normal
    }
}

impl Priority {
    /// Whether the job is of the foreground class.
    pub fn is_foreground(self) -> bool {
        matches!(self, Priority::Foreground)
    }
}

interface_enum! {
    /// What a job does (`BG_JOB_TYPE`). Delivery Optimization only downloads.
    pub enum JobType {
        /// Fetches files.
        Download = 0, "download";
    }
}

interface_enum! {
    /// What a job's error has to do with (`BG_ERROR_CONTEXT`).
    ///
    /// Delivery Optimization uses two of the interface's values: the remote file exactly for HTTP
    /// 403, none for everything else. The others are reserved.
    pub enum ErrorContext {
        /// Nothing in particular.
        None = 0, "none";
        /// The origin refused the file (HTTP 403).
        RemoteFile = 5, "remote_file";
    }
}

interface_enum! {
    /// Who turns a transferred job into files under their names. Our extension of the interface,
    /// where it is always the caller.
    pub enum Completion {
        /// The job waits in [`JobState::Transferred`] until somebody calls Complete.
        Caller = 0, "caller";
        /// The service completes it as soon as it is transferred, with the service's own rights. If
        /// that fails, the job stays transferred and its owner may call Complete.
        Service = 1, "service";
    }
}

/// Which events a job's owner wants to be told of (`SetNotifyFlags`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotifyFlags(pub u32);

impl NotifyFlags {
    /// Every file has been transferred.
    pub const JOB_TRANSFERRED: NotifyFlags = NotifyFlags(0x01);
    /// A fatal error stopped the job.
    pub const JOB_ERROR: NotifyFlags = NotifyFlags(0x02);
    /// Mute: no event of this job is told, whatever other bits say.
    pub const DISABLE: NotifyFlags = NotifyFlags(0x04);
    /// Bytes arrived, files were added, properties or the state changed.
    pub const JOB_MODIFICATION: NotifyFlags = NotifyFlags(0x08);
    /// One file has been transferred; told as a modification.
    pub const FILE_TRANSFERRED: NotifyFlags = NotifyFlags(0x10);
    /// Ranges of a file were transferred: accepted by nobody, named so that it can be refused.
    pub const FILE_RANGES_TRANSFERRED: NotifyFlags = NotifyFlags(0x20);

    /// The bits a caller may set.
    pub const ACCEPTED: NotifyFlags = NotifyFlags(0x1F);

    /// Whether every bit is one that a caller may set; else `SetNotifyFlags` answers `E_NOTIMPL`.
    pub fn are_accepted(self) -> bool {
        self.0 & !NotifyFlags::ACCEPTED.0 == 0
    }

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: NotifyFlags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether an event with this bit is told: the bit is set and [`NotifyFlags::DISABLE`] is not.
    pub fn tell(self, event: NotifyFlags) -> bool {
        self.contains(event) && !self.contains(NotifyFlags::DISABLE)
    }
}

impl Default for NotifyFlags {
    /// Transferred and error, as the service this interface comes from.
    fn default() -> NotifyFlags {
        NotifyFlags(0x03)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// conformance: enum BG_JOB_STATE, enum BG_JOB_PRIORITY, enum BG_JOB_TYPE
    #[test]
    fn numbers_and_words_lead_back_to_their_value() {
        for state in JobState::ALL {
            assert_eq!(JobState::from_number(state.number()), Some(*state));
            assert_eq!(state.word().parse(), Ok(*state));
        }
        assert_eq!(JobState::ALL.len(), 9);
        assert_eq!(JobState::from_number(9), None);
        assert!("Queued".parse::<JobState>().is_err());
    }

    /// conformance: Callback DISABLE, enum notify-flags
    #[test]
    fn disable_mutes_whatever_else_is_set() {
        let flags = NotifyFlags(0x05);
        assert!(flags.contains(NotifyFlags::JOB_TRANSFERRED));
        assert!(!flags.tell(NotifyFlags::JOB_TRANSFERRED));
        assert!(NotifyFlags::default().tell(NotifyFlags::JOB_ERROR));
        assert!(!NotifyFlags(0x20).are_accepted());
    }
}
