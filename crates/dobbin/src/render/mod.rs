//! What people and programs see. Reads jobs, never changes them.

pub(crate) mod amount;
pub(crate) mod bar;
pub(crate) mod json;
pub(crate) mod output;
pub(crate) mod plain;
pub(crate) mod screen;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod wording;
pub(crate) mod work;
