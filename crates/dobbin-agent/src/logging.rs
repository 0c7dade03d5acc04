//! Where log events go: to standard error, one line each.
//!
//! What is logged is decided where it happens; nothing that a caller marked as secret has a form
//! that can be logged.

use std::env;
use std::io::{self, IsTerminal};

use dobbin_types::rest::AgentMode;
use tracing_subscriber::EnvFilter;

/// The variable that says what is logged, as directives such as `debug` or
/// `info,dobbin_engine=trace`.
pub const LOG_VARIABLE: &str = "DOBBIN_LOG";

/// Begins to log, unless the program has a subscriber of its own.
///
/// Without [`LOG_VARIABLE`], a service says what changed and an agent inside a command says nothing:
/// there, standard error belongs to the command.
pub(crate) fn begin(mode: AgentMode) {
    let wanted = match (env::var(LOG_VARIABLE), mode) {
        (Ok(wanted), _) if !wanted.is_empty() => wanted,
        (_, AgentMode::Service) => "info".to_owned(),
        (_, AgentMode::Embedded) => return,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::builder().parse_lossy(wanted))
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    // The journal of systemd notes the time itself. An error means that somebody subscribed before
    // us, who then has the say.
    let _ = if env::var_os("JOURNAL_STREAM").is_some() {
        lines.without_time().try_init()
    } else {
        lines.try_init()
    };
}
