//! What the engine is told to do after a step.

use dobbin_types::FileNumber;

use super::model::Attempt;

/// One thing to do. The engine carries effects out in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The job's record changed: make it durable before anybody is answered.
    Persist,
    /// The record of this file changed.
    PersistFile(FileNumber),
    /// Nothing of this attempt is wanted any more. A courtesy: its late results change nothing
    /// anyway, because they carry its number.
    Stop(Attempt),
    /// Turn every finished file that is not published yet into the user's file, then report each
    /// and the end (`JobEvent::FilePublished`, `JobEvent::PublishEnded`).
    Publish,
    /// The job is over: forget its record, then remove every byte kept for it.
    Remove,
    /// Tell whoever watches.
    Tell(Notice),
}

/// What there is to tell of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notice {
    /// Something about it changed (`JobModification`).
    Modified,
    /// One of its files, not the last one, has been transferred: a modification too
    /// (`FILE_TRANSFERRED`).
    FileTransferred,
    /// Every file has been transferred (`JobTransferred`).
    Transferred,
    /// A fatal error stopped it (`JobError`).
    Error,
    /// It reached a final state.
    Ended,
}
