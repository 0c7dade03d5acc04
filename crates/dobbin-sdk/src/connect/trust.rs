//! Which users may run the agent that this process talks to.
//!
//! A socket's path says nothing about who listens on it: on a shared machine anybody may have been
//! there first. The kernel knows, and this is where its answer is judged.

use std::path::Path;

use super::SYSTEM_SOCKET;

/// The permission bits with which somebody other than a folder's owner may put files into it.
const OTHERS_MAY_WRITE: u32 = 0o022;

/// Whom this process believes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trust {
    own: u32,
    root: u32,
}

/// What the file system says of the folder that a socket lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Folder {
    owner: u32,
    mode: u32,
}

impl Trust {
    /// Its own user and the administrator.
    pub(crate) fn of_this_process() -> Trust {
        Trust { own: rustix::process::geteuid().as_raw(), root: 0 }
    }

    /// Somebody who is neither `own` nor the administrator, to see how impostors look to them.
    #[cfg(test)]
    pub(crate) fn of(own: u32, root: u32) -> Trust {
        Trust { own, root }
    }

    /// Whether `server`, who listens on `socket`, may be the agent.
    ///
    /// That is the process's own user, the administrator and, for [`SYSTEM_SOCKET`] alone, the owner
    /// of its folder: only the administrator can have given that folder away.
    pub(crate) fn accepts(&self, server: u32, socket: &Path) -> bool {
        let folder =
            (socket == Path::new(SYSTEM_SOCKET)).then(|| socket.parent().and_then(folder_of));
        self.judge(server, folder.flatten())
    }

    fn judge(&self, server: u32, folder: Option<Folder>) -> bool {
        let keeps_the_folder = folder
            .is_some_and(|folder| folder.owner == server && folder.mode & OTHERS_MAY_WRITE == 0);
        server == self.own || server == self.root || keeps_the_folder
    }
}

fn folder_of(path: &Path) -> Option<Folder> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_dir)?;
    Some(Folder { owner: metadata.uid(), mode: metadata.mode() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u32 = 1000;
    const OTHER: u32 = 1001;
    const SERVICE: u32 = 990;

    #[track_caller]
    fn check(server: u32, folder: Option<(u32, u32)>, expect: bool) {
        let folder = folder.map(|(owner, mode)| Folder { owner, mode });
        assert_eq!(Trust::of(OWN, 0).judge(server, folder), expect, "{server} in {folder:?}");
    }

    #[test]
    fn only_oneself_and_root_are_believed_at_a_users_socket() {
        check(OWN, None, true);
        check(0, None, true);
        check(OTHER, None, false);
    }

    #[test]
    fn the_owner_of_the_system_folder_is_believed_when_nobody_else_can_write_there() {
        check(SERVICE, Some((SERVICE, 0o40755)), true);
        check(OTHER, Some((SERVICE, 0o40755)), false);
        check(SERVICE, Some((SERVICE, 0o40775)), false);
        check(SERVICE, Some((SERVICE, 0o41777)), false);
        check(SERVICE, Some((0, 0o40755)), false);
    }

    #[test]
    fn another_folder_than_the_systems_makes_nobody_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let owner = rustix::process::geteuid().as_raw();
        let stranger = Trust::of(owner + 1, owner + 2);
        assert!(!stranger.accepts(owner, &folder.path().join("api.sock")));
    }
}
