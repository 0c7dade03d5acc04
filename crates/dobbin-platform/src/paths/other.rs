//! Other Unixes: what the BSDs have in common.

/// `sun_path` has 104 bytes there, one of them for the NUL.
pub(super) const SOCKET_PATH_BYTES_MAX: usize = 103;

/// Where programs keep state within a user's home: the XDG rules hold for any Unix.
pub(super) const STATE_IN_HOME: &str = ".local/state";

/// Where programs keep their configuration within a user's home.
pub(super) const CONFIG_IN_HOME: &str = ".config";

/// Where services keep their configuration.
pub(super) const SYSTEM_CONFIG: &str = "/usr/local/etc";

/// Where services keep state.
pub(super) const SYSTEM_STATE: &str = "/var/db";

/// Where services keep sockets.
pub(super) const SYSTEM_RUN: &str = "/var/run";
