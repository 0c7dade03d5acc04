//! A loop driven by hand.

mod crowd;
mod settle;
