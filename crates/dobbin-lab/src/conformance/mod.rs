//! What the interface promises, row by row, and which tests prove it.
//!
//! The rows are those of the interface's reference, in our own words: methods with their codes,
//! properties, structures, limits, what every call does in every state, what every event does. A test
//! that proves a row says so in its doc comment:
//!
//! ```text
//! /// conformance: Job::Cancel
//! /// conformance: state-table Suspend × *
//! #[test]
//! fn suspend_stops_what_moves() { … }
//! ```
//!
//! A `*` stands for anything, so that a test that walks a whole table says it in one line. Several
//! rows may stand in one line, with commas between. [`check`] finds rows without a test, marks
//! without a row, and marks above something that is no test; [`paper::document`] writes down what is
//! proved by what.

mod check;
mod mark;
pub mod paper;
mod row;
pub mod rows;
pub mod tables;

pub use check::{Finding, Proof, check, proofs};
pub use mark::{Mark, Misplaced, marks};
pub use row::{Group, Row, Standing};
