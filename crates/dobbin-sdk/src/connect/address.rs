//! Which sockets to try, in which order.

use std::ffi::OsString;
use std::path::PathBuf;

/// The socket of the machine's agent, in a folder that the service manager makes.
pub const SYSTEM_SOCKET: &str = "/run/dobbin/api.sock";

/// The socket's place below a folder for run-time files.
const SOCKET_NAME: &str = "dobbin/api.sock";

/// Where to look for the agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Address {
    /// This socket and no other.
    Socket(PathBuf),
    /// The first of these that answers:
    ///
    /// 1. `$DOBBIN_SOCKET`; if it is set, nothing else is tried;
    /// 2. the user's own agent: `$XDG_RUNTIME_DIR/dobbin/api.sock`, or without that folder
    ///    `run/api.sock` in the agent's state folder, which is `$XDG_STATE_HOME/dobbin` or
    ///    `$HOME/.local/state/dobbin`;
    /// 3. the machine's agent: [`SYSTEM_SOCKET`].
    ///
    /// Variables that are empty, or not absolute where a folder is meant, count as not set (XDG Base
    /// Directory Specification).
    #[default]
    Default,
}

impl Address {
    /// The sockets that [`Manager::connect`](crate::Manager::connect) tries, in its order, as this
    /// process's environment has it now.
    pub fn sockets(&self) -> Vec<PathBuf> {
        self.sockets_in(&|name| std::env::var_os(name))
    }

    fn sockets_in(&self, variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
        match self {
            Address::Socket(path) => vec![path.clone()],
            Address::Default => match variable("DOBBIN_SOCKET").filter(|path| !path.is_empty()) {
                Some(path) => vec![PathBuf::from(path)],
                None => user_socket(variable).into_iter().chain([SYSTEM_SOCKET.into()]).collect(),
            },
        }
    }
}

/// The socket of the user's own agent; nothing where the environment names no folder for it.
fn user_socket(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(runtime) = folder("XDG_RUNTIME_DIR") {
        return Some(runtime.join(SOCKET_NAME));
    }
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    Some(state.join("dobbin/run/api.sock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: Address, environment: &[(&str, &str)], expect: &[&str]) {
        let variable = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        };
        let expect: Vec<PathBuf> = expect.iter().map(PathBuf::from).collect();
        assert_eq!(address.sockets_in(&variable), expect, "{environment:?}");
    }

    #[test]
    fn an_explicit_socket_is_the_only_one() {
        let address = Address::Socket("/tmp/a.sock".into());
        check(address, &[("DOBBIN_SOCKET", "/tmp/b.sock"), ("HOME", "/home/u")], &["/tmp/a.sock"]);
    }

    #[test]
    fn the_variable_silences_all_defaults() {
        let environment = [("DOBBIN_SOCKET", "here.sock"), ("XDG_RUNTIME_DIR", "/run/user/1")];
        check(Address::Default, &environment, &["here.sock"]);
    }

    #[test]
    fn the_users_agent_comes_before_the_machines() {
        check(
            Address::Default,
            &[("XDG_RUNTIME_DIR", "/run/user/1"), ("HOME", "/home/u")],
            &["/run/user/1/dobbin/api.sock", SYSTEM_SOCKET],
        );
        check(
            Address::Default,
            &[("XDG_STATE_HOME", "/s"), ("HOME", "/home/u")],
            &["/s/dobbin/run/api.sock", SYSTEM_SOCKET],
        );
        check(
            Address::Default,
            &[("HOME", "/home/u")],
            &["/home/u/.local/state/dobbin/run/api.sock", SYSTEM_SOCKET],
        );
        check(Address::Default, &[], &[SYSTEM_SOCKET]);
    }

    #[test]
    fn empty_and_relative_variables_count_as_not_set() {
        check(
            Address::Default,
            &[("DOBBIN_SOCKET", ""), ("XDG_RUNTIME_DIR", "run"), ("HOME", "/home/u")],
            &["/home/u/.local/state/dobbin/run/api.sock", SYSTEM_SOCKET],
        );
        check(Address::Default, &[("XDG_STATE_HOME", "state"), ("HOME", "")], &[SYSTEM_SOCKET]);
    }
}
