//! Linux: systemd, and whatever speaks its `sd_notify(3)` and `sd_listen_fds(3)`.

use std::io;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use sd_notify::NotifyState;

pub(super) fn notify_ready() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Ready])
}

pub(super) fn notify_stopping() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Stopping])
}

pub(super) fn notify_alive() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Watchdog])
}

/// `sd_watchdog_enabled(3)`: how long it waits for a sign of life.
pub(super) fn watchdog_patience() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

pub(super) fn sockets_from_activation() -> io::Result<Vec<UnixListener>> {
    let mut handed = ListenFd::from_env();
    let mut sockets = Vec::with_capacity(handed.len());
    for index in 0..handed.len() {
        let Some(socket) = handed.take_unix_listener(index)? else { continue };
        // A connection instead (`Accept=yes`), or a socket that nobody can reach yet, fails only
        // at the first `accept`, long after we said that we are ready.
        if !socket_acceptconn(&socket)? {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("socket {index} from the service manager does not listen"),
            ));
        }
        sockets.push(socket);
    }
    Ok(sockets)
}

#[cfg(test)]
mod tests {
    //! Each of these runs itself again as a child, because what they test is in the environment,
    //! which a process with threads must not change for itself.

    use std::env;
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::{UnixDatagram, UnixStream};
    use std::process::{Command, Output, Stdio};
    use std::time::Duration;

    use super::super::*;

    /// Set in a child, so that it knows to be one, to what the child is to do.
    const PART: &str = "DOBBIN_TEST_PART";

    /// What the child is to do; `None` in the parent.
    fn part() -> Option<String> {
        env::var(PART).ok()
    }

    /// A command that runs the test of this name again as a child with `part`, started by a shell
    /// line in which `"$@"` stands for it.
    fn child(test: &str, part: &str, shell_line: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", shell_line, "sh"])
            .arg(env::current_exe().unwrap())
            .args(["--exact", &format!("service::os::tests::{test}"), "--nocapture"])
            .env(PART, part)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for variable in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
            command.env_remove(variable);
        }
        for variable in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"] {
            command.env_remove(variable);
        }
        command
    }

    #[track_caller]
    fn succeed(mut command: Command) {
        let Output { status, stdout, stderr } = command.output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{status}\n{stdout}\n{stderr}");
        // A name that no test has runs nothing, and that is a success too.
        assert!(stdout.contains("1 passed"), "the child ran no test:\n{stdout}");
    }

    #[test]
    fn the_manager_hears_ready_then_alive_then_stopping() {
        const NAME: &str = "the_manager_hears_ready_then_alive_then_stopping";
        if part().is_some() {
            notify_ready().unwrap();
            notify_alive().unwrap();
            notify_stopping().unwrap();
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();

        let mut command = child(NAME, "speak", r#"exec "$@""#);
        command.env("NOTIFY_SOCKET", &path);
        succeed(command);

        let mut heard = Vec::new();
        let mut message = [0; 256];
        while let Ok(bytes_count) = manager.recv(&mut message) {
            heard.push(String::from_utf8(message[..bytes_count].to_vec()).unwrap());
        }
        assert_eq!(heard, ["READY=1\n", "WATCHDOG=1\n", "STOPPING=1\n"]);
    }

    #[test]
    fn without_a_manager_nothing_is_said_and_nothing_fails() {
        const NAME: &str = "without_a_manager_nothing_is_said_and_nothing_fails";
        if part().is_some() {
            notify_ready().unwrap();
            notify_alive().unwrap();
            notify_stopping().unwrap();
            assert_eq!(watchdog_interval(), None);
            assert!(sockets_from_activation().unwrap().is_empty());
            return;
        }
        succeed(child(NAME, "speak", r#"exec "$@""#));
    }

    #[test]
    fn a_manager_that_is_gone_is_an_error() {
        const NAME: &str = "a_manager_that_is_gone_is_an_error";
        if part().is_some() {
            assert_eq!(notify_ready().unwrap_err().kind(), io::ErrorKind::NotFound);
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut command = child(NAME, "speak", r#"exec "$@""#);
        command.env("NOTIFY_SOCKET", folder.path().join("absent"));
        succeed(command);
    }

    #[test]
    fn signs_of_life_are_due_twice_as_often_as_the_manager_demands() {
        const NAME: &str = "signs_of_life_are_due_twice_as_often_as_the_manager_demands";
        if let Some(millis) = part() {
            let expect = millis.parse().ok().map(Duration::from_millis);
            assert_eq!(watchdog_interval(), expect);
            return;
        }
        let rows = [
            ("15000", r#"WATCHDOG_USEC=30000000 exec "$@""#),
            ("15000", r#"WATCHDOG_USEC=30000000 WATCHDOG_PID=$$ exec "$@""#),
            // Meant for another process, off, and garbled.
            ("none", r#"WATCHDOG_USEC=30000000 WATCHDOG_PID=1 exec "$@""#),
            ("none", r#"WATCHDOG_USEC=0 exec "$@""#),
            ("none", r#"WATCHDOG_USEC=soon exec "$@""#),
        ];
        for (expect, line) in rows {
            succeed(child(NAME, expect, line));
        }
    }

    #[test]
    fn sockets_that_the_manager_bound_are_taken_over_once() {
        const NAME: &str = "sockets_that_the_manager_bound_are_taken_over_once";
        if part().is_some() {
            let sockets = sockets_from_activation().unwrap();
            assert_eq!(sockets.len(), 2);
            for socket in &sockets {
                let flags = rustix::io::fcntl_getfd(socket).unwrap();
                assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
                // The parent's connection waits since before we started.
                drop(socket.accept().unwrap());
            }
            assert!(sockets_from_activation().unwrap().is_empty());
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let mut connections = [(); 2].map(|()| UnixStream::connect(&path).unwrap());

        // Descriptor 3 and up is where a service manager puts them.
        let line = r#"LISTEN_FDS=2 LISTEN_PID=$$ exec "$@" 3<&0 4<&0 </dev/null"#;
        let mut command = child(NAME, "listen", line);
        command.stdin(OwnedFd::from(listener));
        succeed(command);
        for connection in &mut connections {
            assert_eq!(connection.read(&mut [0]).unwrap(), 0, "the child accepted and hung up");
        }
    }

    #[test]
    fn sockets_meant_for_another_process_are_left_alone() {
        const NAME: &str = "sockets_meant_for_another_process_are_left_alone";
        if part().is_some() {
            assert!(sockets_from_activation().unwrap().is_empty());
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("api.sock")).unwrap();
        let line = r#"LISTEN_FDS=1 LISTEN_PID=1 exec "$@" 3<&0 </dev/null"#;
        let mut command = child(NAME, "listen", line);
        command.stdin(OwnedFd::from(listener));
        succeed(command);
    }

    /// What stands at descriptor 3 in a child that must refuse it.
    #[track_caller]
    fn check_refused(name: &str, handed: OwnedFd) {
        let line = r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&0 </dev/null"#;
        let mut command = child(name, "listen", line);
        command.stdin(handed);
        succeed(command);
    }

    #[test]
    fn what_does_not_listen_on_a_unix_socket_is_refused() {
        const NAME: &str = "what_does_not_listen_on_a_unix_socket_is_refused";
        if part().is_some() {
            let error = sockets_from_activation().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
            return;
        }
        check_refused(NAME, std::fs::File::open("/dev/null").unwrap().into());
        check_refused(NAME, UnixDatagram::unbound().unwrap().into());
        check_refused(NAME, std::net::TcpListener::bind("127.0.0.1:0").unwrap().into());
        check_refused(NAME, UnixStream::pair().unwrap().0.into());
    }
}
