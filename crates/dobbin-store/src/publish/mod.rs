//! Showing a finished file to the user.
//!
//! In three steps, so that a crash between any two of them can be told apart afterwards:
//! [`prepare`] makes a complete, flushed file on the destination's file system under a name that
//! nobody looks for, and says in an [`Intent`] which; the caller writes that to the journal;
//! [`commit`] gives the file its name, [`commit_all`] many files theirs at once. After a crash [`recover`] says whether that happened.
//!
//! When the caller passes an open file instead of a path, [`fill()`] fills that.

mod check;
mod copy;
mod error;
mod fill;
mod folders;
mod intent;
mod placeholder;
mod prepare;

pub use check::{check_destination, check_destination_in};
pub use copy::Way;
pub use error::PublishError;
pub use fill::fill;
pub use folders::Folders;
pub use intent::{Intent, Recovered, abandon, commit, commit_all, recover};
pub use placeholder::{
    PLACEHOLDER_MODE, check_placeholder, is_placeholder, put_placeholder, remove_placeholder,
};
pub use prepare::{Wanted, mode_of_new_files, part_path, part_tag, prepare, prepare_in};

#[cfg(test)]
mod tests;
