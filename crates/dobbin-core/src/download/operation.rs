//! The operations of a download, state by state.

use alloc::vec::Vec;

use dobbin_types::{ByteRange, DownloadState, ErrorCode};

use super::View;
use crate::job::{Wish, check_ranges};

/// What a caller asks of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `Start`, with the ranges that the caller gave: `None` for a null pointer, none for the whole
    /// file.
    Start(Option<Vec<ByteRange>>),
    /// `Pause`.
    Pause,
    /// `Finalize`.
    Finalize,
    /// `Abort`.
    Abort,
}

/// What to wish of the job; nothing for a success that changes nothing.
type Decision = Result<Option<Wish>, ErrorCode>;

const STAY: Decision = Ok(None);

impl View<'_> {
    /// What an operation means for the job in the state it is in, or the code that refuses it.
    ///
    /// What `Start` demands of the disk is not asked here.
    pub fn decide(&self, operation: &Operation) -> Decision {
        match operation {
            Operation::Start(ranges) => self.start(ranges.as_deref()),
            Operation::Pause => match self.state() {
                DownloadState::Created | DownloadState::Transferred => STAY,
                // A pause during an error that may pass becomes the caller's own; the job leaves a
                // fatal one as it is.
                DownloadState::Transferring | DownloadState::Paused => Ok(Some(Wish::Suspend)),
                DownloadState::Finalized | DownloadState::Aborted => over(),
            },
            Operation::Finalize => match self.state() {
                DownloadState::Transferred => Ok(Some(Wish::Complete)),
                DownloadState::Finalized => STAY,
                DownloadState::Created
                | DownloadState::Transferring
                | DownloadState::Paused
                | DownloadState::Aborted => over(),
            },
            Operation::Abort => match self.state() {
                DownloadState::Created
                | DownloadState::Transferring
                | DownloadState::Paused
                | DownloadState::Transferred => Ok(Some(Wish::Cancel)),
                DownloadState::Aborted => STAY,
                DownloadState::Finalized => over(),
            },
        }
    }

    fn start(&self, ranges: Option<&[ByteRange]>) -> Decision {
        match self.state() {
            DownloadState::Created => self.first_start(ranges.unwrap_or_default()),
            DownloadState::Transferring => STAY,
            DownloadState::Paused => self.start_again(ranges),
            DownloadState::Transferred => match ranges {
                None | Some([]) => STAY,
                // It is the caller's already, and nothing is appended to that.
                Some(_) if self.download.in_place => over(),
                Some(more) => self.next_portion(more),
            },
            DownloadState::Finalized | DownloadState::Aborted => over(),
        }
    }

    fn first_start(&self, ranges: &[ByteRange]) -> Decision {
        if self.file.remote_name.is_empty() {
            return Err(ErrorCode::DO_E_DOWNLOAD_NO_URI);
        }
        if self.file.local_name.is_empty() && !self.file.streams {
            return Err(ErrorCode::DO_E_FILE_DOWNLOADSINK_UNSPECIFIED);
        }
        if self.file.streams && ranges.is_empty() {
            return Err(ErrorCode::DO_E_DOWNLOAD_RANGES_EXPECTED);
        }
        self.check(ranges)?;
        Ok(Some(Wish::Portion(ranges.to_vec())))
    }

    /// Resumes what was begun. Other ranges than then would be another download.
    fn start_again(&self, ranges: Option<&[ByteRange]>) -> Decision {
        let (all, earlier) = (self.file.ranges.as_slice(), self.file.earlier_ranges_count);
        let last = all.get(earlier..).unwrap_or_default();
        match ranges {
            None => Ok(Some(Wish::Resume)),
            Some(given) if given == all || given == last => Ok(Some(Wish::Resume)),
            Some([]) => Err(ErrorCode::DO_E_DOWNLOAD_RANGES_EXPECTED),
            Some(_) => Err(ErrorCode::DO_E_DOWNLOAD_RANGES_UNEXPECTED),
        }
    }

    /// Another portion of the same file: appended to what is here, with which it must not overlap.
    fn next_portion(&self, more: &[ByteRange]) -> Decision {
        let here: &[ByteRange] = match self.file.ranges.as_slice() {
            // Everything is here.
            [] => &[ByteRange { offset: 0, length: None }],
            ranges => ranges,
        };
        self.check(more)?;
        self.check(&[here, more].concat())?;
        Ok(Some(Wish::Portion(more.to_vec())))
    }

    fn check(&self, ranges: &[ByteRange]) -> Result<(), ErrorCode> {
        check_ranges(ranges, self.file.declared_size).map_err(|(code, _why)| code)
    }
}

fn over() -> Decision {
    Err(ErrorCode::DO_E_INVALID_STATE)
}
