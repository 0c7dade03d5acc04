//! A job as the interface's tables see it.

use dobbin_types::{ErrorCode, JobState};

use crate::conformance::tables::{self, Cell, Operation};

/// What a caller does, as far as the tables tell calls apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// `Resume`.
    Resume,
    /// `Suspend`.
    Suspend,
    /// `Cancel`.
    Cancel,
    /// `Complete`, where every file can be put in its place.
    Complete,
    /// `Complete`, where this file cannot, should it be finished.
    CompleteBut(u32),
    /// `AddFileWithRanges`, one file.
    AddFile,
    /// `SetPriority`.
    SetPriority,
    /// `SetNoProgressTimeout`.
    SetNoProgressTimeout,
    /// `SetNotifyFlags`.
    SetNotifyFlags,
    /// `IBackgroundCopyJob5::SetProperty`.
    SetJobProperty,
    /// `IBackgroundCopyFile2::SetRemoteName`.
    SetRemoteName,
    /// `IDeliveryOptimizationFile2::SetProperty`.
    SetFileProperty,
}

/// What a call answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// A success with this code.
    Ok(ErrorCode),
    /// A refusal with this code.
    Refused(ErrorCode),
    /// What the system says of a file that cannot be put in its place.
    System,
}

/// Files of a job in the model, at most.
pub(super) const FILES_MAX: u32 = 4;

/// All that the tables ask of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    /// Its state.
    pub(super) state: JobState,
    /// How many files it has.
    pub(super) files_count: u32,
    /// Which of them are finished, a bit each.
    pub(super) finished: u32,
}

impl Shape {
    /// A new job: suspended and empty.
    pub(super) fn new() -> Shape {
        Shape { state: JobState::Suspended, files_count: 0, finished: 0 }
    }

    /// Whether this file is finished.
    pub(super) fn is_finished(self, number: u32) -> bool {
        self.finished & (1 << number) != 0
    }

    /// Whether every file is; true without files.
    pub(super) fn all_finished(self) -> bool {
        self.finished == (1 << self.files_count) - 1
    }

    /// The files that are not finished.
    pub(super) fn unfinished(self) -> impl Iterator<Item = u32> {
        (0..self.files_count).filter(move |number| !self.is_finished(*number))
    }

    /// The row of the tables that speaks of this call to this job.
    fn operation(self, call: Call) -> &'static Operation {
        match call {
            Call::Resume if self.files_count == 0 => &tables::RESUME_EMPTY,
            Call::Resume if self.all_finished() => &tables::RESUME_FINISHED,
            Call::Resume => &tables::RESUME,
            Call::Suspend => &tables::SUSPEND,
            Call::Cancel => &tables::CANCEL,
            Call::CompleteBut(number) if self.is_finished(number) => &tables::COMPLETE_FAILS,
            Call::Complete | Call::CompleteBut(_) if self.all_finished() => &tables::COMPLETE,
            Call::Complete | Call::CompleteBut(_) => &tables::COMPLETE_PARTLY,
            Call::AddFile => &tables::ADD_FILE,
            Call::SetPriority => &tables::SET_PRIORITY,
            Call::SetNoProgressTimeout => &tables::SET_NO_PROGRESS_TIMEOUT,
            Call::SetNotifyFlags => &tables::SET_NOTIFY_FLAGS,
            Call::SetJobProperty => &tables::SET_JOB_PROPERTY,
            Call::SetRemoteName => &tables::SET_REMOTE_NAME,
            Call::SetFileProperty => &tables::SET_FILE_PROPERTY,
        }
    }

    /// What the tables say of this call, and what the job is after it.
    ///
    /// # Panics
    ///
    /// If the tables say that no such job exists: then the model itself went astray.
    pub(super) fn call(self, call: Call) -> (Answer, Shape) {
        match self.operation(call).cell(self.state) {
            Cell::Ok(code, to) => {
                let mut after = Shape { state: to.unwrap_or(self.state), ..self };
                if call == Call::AddFile {
                    after.files_count += 1;
                }
                (Answer::Ok(code), after)
            }
            Cell::Refused(code) => (Answer::Refused(code), self),
            Cell::Fails => (Answer::System, self),
            Cell::Never => panic!("the tables know no {self:?} for {call:?}"),
        }
    }
}
