//! Linux: socket credentials and `/proc`.

#[path = "tcp_table.rs"]
mod tcp_table;
#[cfg(test)]
#[path = "tcp_tests.rs"]
mod tcp_tests;

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

/// What the kernel reports for a socket that nobody is at the other end of.
const NO_PEER: libc::uid_t = libc::uid_t::MAX;

/// `getsockopt(2)` with `SO_PEERCRED`.
///
/// Not through rustix: the kernel reports process number 0 for a peer from outside our pid
/// namespace (an agent in a container, a client on the host), and rustix reads that into a type
/// for which 0 is no valid value.
#[expect(unsafe_code, reason = "no safe wrapper holds every answer the kernel gives")]
pub(super) fn peer_uid(socket: BorrowedFd<'_>) -> io::Result<u32> {
    let mut peer = libc::ucred { pid: 0, uid: NO_PEER, gid: libc::gid_t::MAX };
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the descriptor is open as long as it is borrowed. `peer` and `size` are valid for
    // writes, `size` holds the size of `peer`, which the kernel does not write beyond, and any
    // bytes make a valid `ucred`: it consists of plain integers.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut size,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    if size as usize != size_of::<libc::ucred>() || peer.uid == NO_PEER {
        return Err(io::Error::new(
            io::ErrorKind::NotConnected,
            "cannot tell who is at the other end of the socket",
        ));
    }
    Ok(peer.uid)
}

/// The kernel's tables of TCP connections, of this process' network namespace. A peer that opened
/// a socket of version 6 stands in the second one, wherever it is connected to.
const TCP_TABLES: [&str; 2] = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];

/// How often the tables are read for one that is connected and not listed: the kernel writes them a
/// page at a time, and may pass over a line when another one goes meanwhile.
const TABLE_READS_MAX: usize = 3;

/// The other end of `socket` in the kernel's tables.
pub(super) fn tcp_peer_uid(socket: BorrowedFd<'_>) -> io::Result<Option<u32>> {
    let (here, there) = (address(rustix::net::getsockname(socket)?)?, peer_address(socket)?);
    for _ in 0..TABLE_READS_MAX {
        let mut uid = None;
        for path in TCP_TABLES {
            uid = match File::open(path) {
                // The other end is the one whose own address is our peer's.
                Ok(table) => tcp_table::uid_of(BufReader::new(table), there, here)?,
                // A kernel without this version of the protocol has no connection of it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            if uid.is_some() {
                break;
            }
        }
        // While we are connected nobody else can have these addresses. When we are not any more,
        // whoever was found may be the next one who has them.
        if peer_address(socket).is_err() {
            return Ok(None);
        }
        if uid.is_some() {
            return Ok(uid);
        }
    }
    Ok(None)
}

fn peer_address(socket: BorrowedFd<'_>) -> io::Result<SocketAddr> {
    address(rustix::net::getpeername(socket)?.ok_or(io::ErrorKind::NotConnected)?)
}

fn address(address: rustix::net::SocketAddrAny) -> io::Result<SocketAddr> {
    SocketAddr::try_from(address).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidInput, "the socket has no address of TCP")
    })
}

/// `proc_pid_status(5)`: there since Linux 4.7.
pub(super) fn umask() -> Option<u32> {
    umask_in(&fs::read_to_string("/proc/self/status").ok()?)
}

fn umask_in(status: &str) -> Option<u32> {
    let value = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    let bits = u32::from_str_radix(value.trim_ascii(), 8).ok()?;
    (bits <= 0o777).then_some(bits)
}

#[cfg(test)]
mod tests {
    use std::fs::{OpenOptions, Permissions};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::{Path, PathBuf};
    use std::thread;

    use dobbin_types::Uid;
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, connect, socket};

    use super::super::{own_uid, peer_uid, umask};
    use super::*;

    /// A user that is neither root nor, in all likelihood, the one who runs the tests.
    const SOMEBODY: u32 = 61_234;

    /// Connects to `server` from a socket bound to `name`, as somebody else where we may (root
    /// can give the rights of one thread away), else as ourselves. Returns the client's end and
    /// who it was.
    fn connect_from(name: PathBuf, server: PathBuf) -> (OwnedFd, Uid) {
        let client = move || {
            let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
            bind(&socket, &SocketAddrUnix::new(&name).unwrap()).unwrap();
            if own_uid() == Uid::ROOT {
                let uid = rustix::thread::Uid::from_raw(SOMEBODY);
                rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
            }
            connect(&socket, &SocketAddrUnix::new(&server).unwrap()).unwrap();
            (socket, own_uid())
        };
        thread::spawn(client).join().unwrap()
    }

    /// A listener that anybody may connect to.
    fn listen(folder: &Path) -> (UnixListener, PathBuf) {
        let path = folder.join("server");
        let listener = UnixListener::bind(&path).unwrap();
        fs::set_permissions(folder, Permissions::from_mode(0o711)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        (listener, path)
    }

    #[test]
    fn the_peer_is_whom_the_kernel_names_whatever_it_calls_itself() {
        for name in ["plain", ";uid=0;", "pid=1;uid=0;gid=0;socket=x;", "\u{1}uid=0\n"] {
            let folder = tempfile::tempdir().unwrap();
            let (listener, path) = listen(folder.path());
            let (_client, who) = connect_from(folder.path().join(name), path);
            let (stream, _) = listener.accept().unwrap();
            assert_eq!(peer_uid(&stream).unwrap(), who, "{name:?}");
        }
    }

    #[test]
    fn a_connection_speaks_for_whoever_made_it_even_in_other_hands() {
        let folder = tempfile::tempdir().unwrap();
        let (listener, path) = listen(folder.path());
        let (client, who) = connect_from(folder.path().join("client"), path);
        let (stream, _) = listener.accept().unwrap();
        // The thread that connected is gone, and its end of the socket is ours now.
        assert_eq!(peer_uid(&stream).unwrap(), who);
        drop(client);
        assert_eq!(peer_uid(&stream).unwrap(), who);
    }

    #[test]
    fn a_client_sees_who_listens() {
        let folder = tempfile::tempdir().unwrap();
        let (_listener, path) = listen(folder.path());
        let (client, _) = connect_from(folder.path().join("client"), path);
        assert_eq!(peer_uid(&client).unwrap(), own_uid());
    }

    #[track_caller]
    fn check_no_peer(socket: &impl AsFd) {
        assert_eq!(peer_uid(socket).unwrap_err().kind(), io::ErrorKind::NotConnected);
    }

    /// The kernel gives process 0 and user -1 for these: an error, and no user of that number.
    #[test]
    fn a_socket_without_such_a_peer_names_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        check_no_peer(&client);
        check_no_peer(&listener.accept().unwrap().0);
        check_no_peer(&socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap());
    }

    #[test]
    fn what_is_no_socket_names_nobody() {
        let file = fs::File::open("/dev/null").unwrap();
        assert_eq!(
            peer_uid(&file).unwrap_err().raw_os_error(),
            Some(libc::ENOTSOCK),
            "a file has no peer"
        );
    }

    #[test]
    fn both_ends_of_a_pair_are_ours() {
        let (one, other) = UnixStream::pair().unwrap();
        assert_eq!(peer_uid(&one).unwrap(), own_uid());
        assert_eq!(peer_uid(&other).unwrap(), own_uid());
    }

    #[test]
    fn the_umask_is_what_new_files_lack() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        OpenOptions::new().write(true).create_new(true).mode(0o777).open(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().mode() & 0o777;
        assert_eq!(umask().map(|taken| 0o777 & !taken), Some(mode));
    }

    #[test]
    fn the_umask_is_octal_and_may_be_missing() {
        assert_eq!(umask_in("Name:\tdobbin\nUmask:\t0027\nState:\tR\n"), Some(0o027));
        assert_eq!(umask_in("Umask:\t0000\n"), Some(0));
        assert_eq!(umask_in("Name:\tdobbin\nState:\tR\n"), None);
        assert_eq!(umask_in("Umask:\t0088\n"), None);
        assert_eq!(umask_in("Umask:\t7777\n"), None);
    }

    /// A process may call itself anything, but its name stays on its own line: the kernel escapes
    /// line ends in it.
    #[test]
    fn only_the_line_of_that_name_counts() {
        assert_eq!(umask_in("Name:\tUmask: 0000\nUmask:\t0022\n"), Some(0o022));
    }
}
