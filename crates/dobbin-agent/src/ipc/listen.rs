//! The socket in the file system: taken over from a dead agent, never from a living one.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use dobbin_platform::Scope;
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::time::timeout;

use super::limit::BACKLOG;

/// A socket that callers reach, and its file if we made it.
#[derive(Debug)]
pub(crate) struct Listening {
    /// Where callers arrive.
    pub(crate) listener: UnixListener,
    /// Removed with us. Nothing for a socket of the service manager, which keeps it.
    pub(crate) file: Option<SocketFile>,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// Another agent answers there.
    #[error("another agent answers at {}", .0.display())]
    Answered(PathBuf),
    /// Something stands there that is no socket.
    #[error("{} is no socket", .0.display())]
    NoSocket(PathBuf),
    /// The system refused.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What we were doing.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// How long a living agent has to accept a connection. Longer than any pause of a healthy one:
/// taking a socket away from the living is worse than not starting.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

impl Listening {
    /// Makes the socket at `path`, and its folder where there is none.
    ///
    /// [`Scope::User`]: for this user alone (folder 0700, socket 0600). [`Scope::System`]: for
    /// everybody (0755, 0666), because the kernel names each caller. A folder that exists keeps its
    /// rights.
    ///
    /// A lock beside the socket makes sure that of two agents which start at the same moment only
    /// one decides that the file is stale. The lock file stays when the agent ends: removing it would
    /// let two agents lock two files of the same name.
    ///
    /// # Errors
    ///
    /// [`ListenError::Answered`] while another agent uses the path, [`ListenError::NoSocket`] for a
    /// file of another kind, which is left alone.
    pub(crate) async fn at(path: &Path, scope: Scope) -> Result<Listening, ListenError> {
        let doing = |what: &'static str, path: &Path| {
            let path = path.to_owned();
            move |source| ListenError::Io { what, path, source }
        };
        let folder_mode = match scope {
            Scope::User => 0o700,
            Scope::System => 0o755,
        };
        if let Some(folder) = path.parent() {
            let mut builder = DirBuilder::new();
            builder.recursive(true).mode(folder_mode);
            builder.create(folder).map_err(doing("create the folder", folder))?;
        }
        let lock = lock(path)?;
        remove_stale(path).await?;

        bind(path, scope, Some(lock))
    }

    /// Makes the socket for open files beside the one at `api`, which is ours already, with the same
    /// rights.
    ///
    /// # Errors
    ///
    /// As [`Listening::at`]; `api` may also have no name that another one can stand beside.
    pub(crate) async fn beside(api: &Path, scope: Scope) -> Result<Listening, ListenError> {
        let path = api.with_file_name(files_socket_name(api));
        remove_stale(&path).await?;
        bind(&path, scope, None)
    }

    /// Uses a socket that the service manager made.
    ///
    /// # Errors
    ///
    /// The system's, for a socket that cannot be waited on.
    pub(crate) fn activated(socket: std::os::unix::net::UnixListener) -> io::Result<Listening> {
        socket.set_nonblocking(true)?;
        Ok(Listening { listener: UnixListener::from_std(socket)?, file: None })
    }
}

/// Makes the socket file, which must not exist.
fn bind(path: &Path, scope: Scope, lock: Option<File>) -> Result<Listening, ListenError> {
    let doing =
        |what: &'static str| move |source| ListenError::Io { what, path: path.to_owned(), source };
    let mode = match scope {
        Scope::User => 0o600,
        Scope::System => 0o666,
    };
    // Nobody can connect between `bind` and `listen`, so the mode is right for the first caller.
    let socket = UnixSocket::new_stream().map_err(doing("make a socket for"))?;
    socket.bind(path).map_err(doing("bind the socket"))?;
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(doing("set the rights of"))?;
    let made = fs::symlink_metadata(path).map_err(doing("look at"))?;
    let (device, inode) = (made.dev(), made.ino());
    let file = SocketFile { path: path.to_owned(), device, inode, _lock: lock };
    let listener = socket.listen(BACKLOG).map_err(doing("listen at"))?;
    Ok(Listening { listener, file: Some(file) })
}

/// A socket file that we made. Dropping it removes the file, unless somebody put another one in its
/// place.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// Held until the file is gone.
    _lock: Option<File>,
}

/// Name of the socket for open files that belongs to the interface's socket at `api`.
pub(crate) fn files_socket_name(api: &Path) -> String {
    match api.file_name().unwrap_or_default().to_string_lossy().as_ref() {
        "api.sock" => "files.sock".to_owned(),
        other => format!("{other}.files"),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = |found: fs::Metadata| (found.dev(), found.ino()) == (self.device, self.inode);
        if fs::symlink_metadata(&self.path).is_ok_and(ours)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "socket file stays behind");
        }
    }
}

/// The lock for the socket at `path`, in a file beside it.
fn lock(path: &Path) -> Result<File, ListenError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let beside = PathBuf::from(beside);
    let doing = |source| ListenError::Io { what: "lock", path: beside.clone(), source };
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&beside)
        .map_err(doing)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ListenError::Answered(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(doing(source)),
    }
}

/// Removes a socket file at which nobody answers.
async fn remove_stale(path: &Path) -> Result<(), ListenError> {
    let doing =
        |what: &'static str| move |source| ListenError::Io { what, path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {}
        Ok(_) => return Err(ListenError::NoSocket(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(doing("look at")(error)),
    }
    match timeout(ANSWER_WITHIN, UnixStream::connect(path)).await {
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(doing("remove the stale socket"))
        }
        // Its backlog is full: somebody lives there, however busy.
        Ok(Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
            Err(doing("connect to")(error))
        }
        Ok(Ok(_) | Err(_)) | Err(_) => Err(ListenError::Answered(path.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn rights_follow_the_scope() {
        for (scope, folder_mode, socket_mode) in
            [(Scope::User, 0o700, 0o600), (Scope::System, 0o755, 0o666)]
        {
            let home = tempfile::tempdir().unwrap();
            let path = home.path().join("run/dobbin/api.sock");
            let _listening = Listening::at(&path, scope).await.unwrap();
            assert_eq!(mode(&path), socket_mode, "{scope:?}");
            assert_eq!(mode(path.parent().unwrap()), folder_mode, "{scope:?}");
        }
    }

    #[tokio::test]
    async fn a_folder_that_exists_keeps_its_rights() {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o750)).unwrap();
        let _listening = Listening::at(&home.path().join("api.sock"), Scope::System).await.unwrap();
        assert_eq!(mode(home.path()), 0o750);
    }

    #[tokio::test]
    async fn the_socket_goes_with_its_agent_and_is_free_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("api.sock");
        drop(Listening::at(&path, Scope::User).await.unwrap());
        assert!(!path.exists());
        Listening::at(&path, Scope::User).await.unwrap();
    }

    #[tokio::test]
    async fn a_socket_at_which_nobody_answers_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("api.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "what a killed agent leaves");
        let _listening = Listening::at(&path, Scope::User).await.unwrap();
        UnixStream::connect(&path).await.unwrap();
    }

    #[tokio::test]
    async fn a_socket_at_which_somebody_answers_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("api.sock");

        let first = Listening::at(&path, Scope::User).await.unwrap();
        let refused = Listening::at(&path, Scope::User).await.unwrap_err();
        assert!(matches!(refused, ListenError::Answered(_)), "another agent: {refused}");
        drop(first);

        let _stranger = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let refused = Listening::at(&path, Scope::User).await.unwrap_err();
        assert!(matches!(refused, ListenError::Answered(_)), "a program without lock: {refused}");
        assert!(path.exists());
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("api.sock");
        fs::write(&path, "precious").unwrap();
        let refused = Listening::at(&path, Scope::User).await.unwrap_err();
        assert!(matches!(refused, ListenError::NoSocket(_)), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[tokio::test]
    async fn a_file_that_somebody_put_in_our_place_is_not_removed() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("api.sock");
        let listening = Listening::at(&path, Scope::User).await.unwrap();
        // Made before ours is removed: a freed inode number may be given out again.
        let others = home.path().join("others");
        fs::write(&others, "theirs").unwrap();
        fs::rename(&others, &path).unwrap();
        drop(listening);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn a_path_that_no_socket_can_have_is_an_error_that_names_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("x".repeat(200));
        let refused = Listening::at(&path, Scope::User).await.unwrap_err();
        assert!(refused.to_string().contains("cannot bind the socket"), "{refused}");
    }
}
