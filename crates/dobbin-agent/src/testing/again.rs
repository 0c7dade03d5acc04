//! Running a test again as a child, for what belongs to a whole process: signals, limits and the
//! environment.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Set in a child, so that it knows to be one, to the folder it is to work in.
const HOME: &str = "DOBBIN_TEST_HOME";

/// The folder that the child is to work in; `None` in the parent.
pub(super) fn child_home() -> Option<PathBuf> {
    env::var_os(HOME).map(PathBuf::from)
}

/// A command that runs the test with this full name, and no other, as a child in `home`.
pub(super) fn child(test: &str, home: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(HOME, home)
        .env_remove("NOTIFY_SOCKET")
        .env_remove("WATCHDOG_USEC")
        .stdout(Stdio::piped());
    command
}
