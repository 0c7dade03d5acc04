//! What the agent says of itself.

use serde::{Deserialize, Serialize};

use crate::id::Uid;

/// How long the agent lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AgentMode {
    /// Started to stay: `dobbin serve`.
    Service,
    /// Lives inside a command, such as `dobbin get`, and leaves with it. Jobs that it found waiting
    /// stay where they are until somebody resumes them.
    Embedded,
}

/// Who answers at this socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentInfo {
    /// The program's version, as `MAJOR.MINOR.PATCH`.
    pub version: String,
    /// How long it lives.
    pub mode: AgentMode,
    /// Its process id.
    pub pid: u32,
    /// The user it runs as.
    pub uid: Uid,
    /// The folder in which it keeps jobs and staging files.
    pub store: String,
}
