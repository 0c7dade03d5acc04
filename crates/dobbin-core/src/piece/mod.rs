//! Pieces: how a file is cut, which pieces are had, and which to ask for next.

pub mod layout;
pub mod manifest;
pub mod picker;
pub mod set;

pub use layout::{DEFAULT_PIECE_SIZE, Layout, PIECES_PER_FILE_MAX, PieceIndex, PieceRun};
pub use manifest::Manifest;
pub use set::{PieceSet, PieceSetError};
