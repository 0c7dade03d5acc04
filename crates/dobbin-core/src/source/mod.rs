//! Where bytes may come from: what is known of a source before and while it is asked, which source to
//! ask, and over how many connections.

mod reach;
pub mod share;
pub mod width;
pub mod word;

pub use reach::Reach;
