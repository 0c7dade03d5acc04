//! Completing a job for a caller who writes the files with rights that the service does not have.
//!
//! The service opens no path of another user's (invariant 9). Such a caller creates each file itself,
//! passes it open, has it filled here and gives it its name: decision "who writes the user's file".
//! To the job this is Complete like any other, with [`Handover`] in the place of the disk threads.
//! Everything that may wait for a caller's file happens on the thread that holds the [`Handover`],
//! so that a file which hangs holds up nobody else.

mod desk;
mod giver;

pub(crate) use desk::{Desk, Ticket};
pub use giver::{Handover, Next};
