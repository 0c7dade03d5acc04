//! Pieces: how a file is cut, which pieces are had, who fetches which, and what follows from wrong ones.

pub mod layout;
pub mod manifest;
pub mod set;
pub mod spans;
pub mod wrong;

pub use layout::{DEFAULT_PIECE_SIZE, Layout, PIECES_PER_FILE_MAX, PieceIndex, PieceRun};
pub use manifest::Manifest;
pub use set::{PieceSet, PieceSetError};
pub use spans::{SpanId, Spans};
