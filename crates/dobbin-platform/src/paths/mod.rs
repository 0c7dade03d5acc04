//! Where an agent keeps its state, and where it can be spoken to.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod os;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod os;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Whom an agent works for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One user: state in the home folder, no rights beyond the user's own.
    User,
    /// Everybody on the machine.
    System,
}

/// The two places an agent needs. Both are absolute; neither has to exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Folder of the journal and of the pieces.
    pub state: PathBuf,
    /// Unix socket of the REST interface.
    pub socket: PathBuf,
}

/// Why there is no place for an agent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathsError {
    /// Neither the state folder nor the home folder is named.
    #[error(
        "cannot tell where to keep state: set HOME or XDG_STATE_HOME to the absolute path of a \
         folder"
    )]
    NoHome,
    /// The kernel would not take the socket's address.
    #[error(
        "cannot use {}: a socket's path has at most {} bytes and this one has {}; set \
         XDG_RUNTIME_DIR to a shorter folder",
        .0.display(), SOCKET_PATH_BYTES_MAX, .0.as_os_str().len()
    )]
    SocketTooLong(PathBuf),
}

/// Longest path a unix socket can have here, in bytes, without the NUL at its end.
pub const SOCKET_PATH_BYTES_MAX: usize = os::SOCKET_PATH_BYTES_MAX;

/// Our folder within folders that all programs share.
const OWN_FOLDER: &str = "dobbin";

/// The configuration file within its folder.
const CONFIG_NAME: &str = "dobbin.toml";

/// The socket within its folder.
const SOCKET_NAME: &str = "api.sock";

impl Paths {
    /// The places for an agent in this process' environment.
    ///
    /// For the agent itself, not for its clients: a client that runs as a service of its own has
    /// that service's `RUNTIME_DIRECTORY`, in which no agent listens.
    pub fn of_agent(scope: Scope) -> Result<Paths, PathsError> {
        Paths::in_environment(scope, |name| std::env::var_os(name))
    }

    /// The places for an agent in an environment where `variable` looks a name up.
    ///
    /// * [`Scope::User`], after the XDG Base Directory rules: state in `$XDG_STATE_HOME/dobbin`,
    ///   else in `$HOME/.local/state/dobbin`; socket in `$XDG_RUNTIME_DIR/dobbin`, else in `run`
    ///   within the state folder.
    /// * [`Scope::System`], after `systemd.exec(5)`: `$STATE_DIRECTORY` and `$RUNTIME_DIRECTORY`,
    ///   the first of each where there are several, else the system's own places for such things.
    ///
    /// A value that is empty or not absolute counts as not set, as the XDG rules demand: it would
    /// mean another place with every working directory.
    pub fn in_environment(
        scope: Scope,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Paths, PathsError> {
        let folder = |name: &str| variable(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let first_folder = |name: &str| first_of(&variable(name)?);
        let (state, socket_folder) = match scope {
            Scope::User => {
                let state = folder("XDG_STATE_HOME")
                    .or_else(|| Some(folder("HOME")?.join(os::STATE_IN_HOME)))
                    .ok_or(PathsError::NoHome)?
                    .join(OWN_FOLDER);
                let run = folder("XDG_RUNTIME_DIR").map(|run| run.join(OWN_FOLDER));
                let run = run.unwrap_or_else(|| state.join("run"));
                (state, run)
            }
            Scope::System => (
                first_folder("STATE_DIRECTORY")
                    .unwrap_or_else(|| Path::new(os::SYSTEM_STATE).join(OWN_FOLDER)),
                first_folder("RUNTIME_DIRECTORY")
                    .unwrap_or_else(|| Path::new(os::SYSTEM_RUN).join(OWN_FOLDER)),
            ),
        };
        let socket = socket_folder.join(SOCKET_NAME);
        if socket.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            return Err(PathsError::SocketTooLong(socket));
        }
        Ok(Paths { state, socket })
    }
}

/// Where the configuration file of an agent is looked for, in this process' environment.
///
/// See [`config_file_in_environment`].
pub fn config_file(scope: Scope) -> Option<PathBuf> {
    config_file_in_environment(scope, |name| std::env::var_os(name))
}

/// Where the configuration file of an agent is looked for, where `variable` looks a name up; `None`
/// when the environment names no place. The file need not exist.
///
/// * [`Scope::User`], after the XDG Base Directory rules: in `$XDG_CONFIG_HOME/dobbin`, else in
///   `$HOME/.config/dobbin`.
/// * [`Scope::System`], after `systemd.exec(5)`: in `$CONFIGURATION_DIRECTORY`, the first where
///   there are several, else in the system's own place for such things.
///
/// What is empty or not absolute counts as not set, as for [`Paths::in_environment`].
pub fn config_file_in_environment(
    scope: Scope,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Option<PathBuf> {
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let own = match scope {
        Scope::User => folder("XDG_CONFIG_HOME")
            .or_else(|| Some(folder("HOME")?.join(os::CONFIG_IN_HOME)))?
            .join(OWN_FOLDER),
        Scope::System => variable("CONFIGURATION_DIRECTORY")
            .and_then(|list| first_of(&list))
            .unwrap_or_else(|| Path::new(os::SYSTEM_CONFIG).join(OWN_FOLDER)),
    };
    Some(own.join(CONFIG_NAME))
}

/// The first path of a list separated by colons, if it is absolute.
fn first_of(list: &OsStr) -> Option<PathBuf> {
    let first = list.as_bytes().split(|byte| *byte == b':').next()?;
    Some(PathBuf::from(OsStr::from_bytes(first))).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths in an environment of just these variables.
    fn paths(scope: Scope, variables: &[(&str, &str)]) -> Result<Paths, PathsError> {
        Paths::in_environment(scope, |wanted| {
            variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.into())
        })
    }

    #[track_caller]
    fn check(scope: Scope, variables: &[(&str, &str)], state: &str, socket: &str) {
        let expect = Paths { state: state.into(), socket: socket.into() };
        assert_eq!(paths(scope, variables), Ok(expect), "{scope:?} {variables:?}");
    }

    #[test]
    fn a_user_has_both_where_the_desktop_rules_say() {
        check(
            Scope::User,
            &[("HOME", "/home/ann"), ("XDG_STATE_HOME", "/s"), ("XDG_RUNTIME_DIR", "/run/user/7")],
            "/s/dobbin",
            "/run/user/7/dobbin/api.sock",
        );
        check(
            Scope::User,
            &[("HOME", "/home/ann"), ("XDG_RUNTIME_DIR", "/run/user/7")],
            "/home/ann/.local/state/dobbin",
            "/run/user/7/dobbin/api.sock",
        );
    }

    #[test]
    fn a_user_without_a_runtime_folder_has_the_socket_beside_the_state() {
        check(
            Scope::User,
            &[("HOME", "/home/ann")],
            "/home/ann/.local/state/dobbin",
            "/home/ann/.local/state/dobbin/run/api.sock",
        );
        check(Scope::User, &[("XDG_STATE_HOME", "/s")], "/s/dobbin", "/s/dobbin/run/api.sock");
    }

    #[test]
    fn empty_and_relative_values_count_as_not_set() {
        for useless in ["", "state", "./state", "~/state"] {
            check(
                Scope::User,
                &[("HOME", "/h"), ("XDG_STATE_HOME", useless), ("XDG_RUNTIME_DIR", useless)],
                "/h/.local/state/dobbin",
                "/h/.local/state/dobbin/run/api.sock",
            );
            assert_eq!(paths(Scope::User, &[("HOME", useless)]), Err(PathsError::NoHome));
            let system = [("STATE_DIRECTORY", useless), ("RUNTIME_DIRECTORY", useless)];
            assert_eq!(paths(Scope::System, &system), paths(Scope::System, &[]));
        }
    }

    #[test]
    fn without_a_home_the_error_says_what_to_set() {
        let error = paths(Scope::User, &[("XDG_RUNTIME_DIR", "/run/user/7")]).unwrap_err();
        assert_eq!(error, PathsError::NoHome);
        assert!(error.to_string().contains("set HOME or XDG_STATE_HOME"), "{error}");
    }

    #[test]
    fn the_service_manager_chooses_the_systems_places() {
        check(
            Scope::System,
            &[("STATE_DIRECTORY", "/var/lib/private/dobbin"), ("RUNTIME_DIRECTORY", "/run/d")],
            "/var/lib/private/dobbin",
            "/run/d/api.sock",
        );
        check(
            Scope::System,
            &[("STATE_DIRECTORY", "/one:/two"), ("RUNTIME_DIRECTORY", "/three:/four")],
            "/one",
            "/three/api.sock",
        );
    }

    #[test]
    fn the_configuration_lies_where_configurations_lie() {
        #[track_caller]
        fn check(scope: Scope, variables: &[(&str, &str)], expect: Option<&str>) {
            let file = config_file_in_environment(scope, |wanted| {
                variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.into())
            });
            assert_eq!(file.as_deref(), expect.map(Path::new), "{scope:?} {variables:?}");
        }
        let home = ("HOME", "/h");
        check(Scope::User, &[home, ("XDG_CONFIG_HOME", "/c")], Some("/c/dobbin/dobbin.toml"));
        check(Scope::User, &[home], Some("/h/.config/dobbin/dobbin.toml"));
        check(
            Scope::User,
            &[home, ("XDG_CONFIG_HOME", "c")],
            Some("/h/.config/dobbin/dobbin.toml"),
        );
        check(Scope::User, &[("CONFIGURATION_DIRECTORY", "/c")], None);
        check(Scope::System, &[home], Some("/etc/dobbin/dobbin.toml"));
        check(Scope::System, &[("CONFIGURATION_DIRECTORY", "/a:/b")], Some("/a/dobbin.toml"));
        check(Scope::System, &[("CONFIGURATION_DIRECTORY", "a")], Some("/etc/dobbin/dobbin.toml"));
    }

    #[test]
    fn scopes_do_not_read_each_others_variables() {
        let user = [("HOME", "/h"), ("XDG_STATE_HOME", "/x"), ("XDG_RUNTIME_DIR", "/r")];
        let system = [("STATE_DIRECTORY", "/s"), ("RUNTIME_DIRECTORY", "/d")];
        assert_eq!(paths(Scope::System, &user), paths(Scope::System, &[]));
        assert_eq!(paths(Scope::User, &system), Err(PathsError::NoHome));
    }

    #[test]
    fn a_socket_path_may_be_as_long_as_the_kernel_takes_and_no_longer() {
        let longest = SOCKET_PATH_BYTES_MAX - "/dobbin/api.sock".len();
        let folder = |bytes: usize| format!("/{}", "r".repeat(bytes - 1));
        let with = |run: &str| paths(Scope::User, &[("HOME", "/h"), ("XDG_RUNTIME_DIR", run)]);

        let fits = with(&folder(longest)).unwrap().socket;
        assert_eq!(fits.as_os_str().len(), SOCKET_PATH_BYTES_MAX);

        let error = with(&folder(longest + 1)).unwrap_err();
        assert!(matches!(error, PathsError::SocketTooLong(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&(SOCKET_PATH_BYTES_MAX + 1).to_string()), "{text}");
        assert!(text.contains("XDG_RUNTIME_DIR"), "{text}");
    }

    /// The number is the kernel's, not ours: it must refuse what we refuse and take what we take.
    #[test]
    fn the_limit_is_the_one_std_finds_too() {
        use std::os::unix::net::SocketAddr;
        let path = |bytes: usize| PathBuf::from("s".repeat(bytes));
        assert!(SocketAddr::from_pathname(path(SOCKET_PATH_BYTES_MAX)).is_ok());
        assert!(SocketAddr::from_pathname(path(SOCKET_PATH_BYTES_MAX + 1)).is_err());
    }

    /// Folder names are bytes, and not always text.
    #[test]
    fn a_home_that_is_not_utf_8_is_as_good_as_any() {
        let home = OsStr::from_bytes(b"/home/\xff");
        let variable = |name: &str| (name == "HOME").then(|| home.to_owned());
        let paths = Paths::in_environment(Scope::User, variable).unwrap();
        assert!(paths.state.starts_with(home));
        assert_eq!(first_of(OsStr::from_bytes(b"/\xff:/b")).unwrap().as_os_str().len(), 2);
    }
}
