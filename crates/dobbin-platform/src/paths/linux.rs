//! Linux: the File System Hierarchy and the XDG Base Directory rules.

/// `unix(7)`: `sun_path` has 108 bytes, one of them for the NUL.
pub(super) const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Where programs keep state within a user's home.
pub(super) const STATE_IN_HOME: &str = ".local/state";

/// Where programs keep their configuration within a user's home.
pub(super) const CONFIG_IN_HOME: &str = ".config";

/// Where services keep their configuration.
pub(super) const SYSTEM_CONFIG: &str = "/etc";

/// Where services keep state.
pub(super) const SYSTEM_STATE: &str = "/var/lib";

/// Where services keep sockets.
pub(super) const SYSTEM_RUN: &str = "/run";

#[cfg(test)]
mod tests {
    use super::super::{Paths, Scope};

    /// Clients find the agent there without being told: the interface promises these names.
    #[test]
    fn without_a_service_manager_the_system_has_its_known_places() {
        let paths = Paths::in_environment(Scope::System, |_| None).unwrap();
        assert_eq!(paths.state.to_str(), Some("/var/lib/dobbin"));
        assert_eq!(paths.socket.to_str(), Some("/run/dobbin/api.sock"));
    }
}
