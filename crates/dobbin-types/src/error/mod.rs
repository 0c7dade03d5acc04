//! The codes that a caller sees: their numbers, names, words and meaning.
//!
//! One number per outcome, the interface's own (`HRESULT`), everywhere: in jobs, on the REST
//! interface, in the C interface and in logs. This module only names and translates; what a job does
//! on a failure is decided in the core, with [`ErrorCode::class`] as its advice.

mod code;
mod http;
mod reply;
mod system;
mod table;
mod text;

pub use code::ErrorCode;
pub use table::{Class, Row, TABLE};
pub use text::UnreadableCode;
