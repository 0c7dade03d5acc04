//! Where bytes may come from: what is known of a source before and while it is asked.

mod reach;

pub use reach::Reach;
