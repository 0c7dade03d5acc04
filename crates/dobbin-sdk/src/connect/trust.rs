//! Which users may run the agent that this process talks to.
//!
//! A socket's path says nothing about who listens on it: on a shared machine anybody may have been
//! there first. The kernel knows, and this is where its answer is judged.

use std::path::Path;

/// The permission bits with which somebody other than a folder's owner may put files into it.
const OTHERS_MAY_WRITE: u32 = 0o022;

/// Whom this process believes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trust {
    own: u32,
    root: u32,
}

/// What the file system says of a folder on the way to a socket.
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
    /// That is the process's own user, the administrator and, where only the administrator can have
    /// made the socket's folder and given it away, the folder's owner: as with the machine's agent.
    pub(crate) fn accepts(&self, server: u32, socket: &Path) -> bool {
        server == self.own || server == self.root || self.given_to(server, &folders_of(socket))
    }

    /// Whether the first of these folders belongs to `server` alone, and all those above it to the
    /// administrator alone.
    fn given_to(&self, server: u32, folders: &[Folder]) -> bool {
        let only = |folder: &Folder, owner: u32| {
            folder.owner == owner && folder.mode & OTHERS_MAY_WRITE == 0
        };
        match folders {
            [own, above @ ..] if !above.is_empty() => {
                only(own, server) && above.iter().all(|folder| only(folder, self.root))
            }
            _ => false,
        }
    }
}

/// The folders that lead to `socket`, innermost first, up to the root; none when one of them is a
/// link or cannot be looked at.
fn folders_of(socket: &Path) -> Vec<Folder> {
    use std::os::unix::fs::MetadataExt as _;

    if !socket.is_absolute() {
        return Vec::new();
    }
    let look = |path: &Path| {
        let metadata = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_dir)?;
        Some(Folder { owner: metadata.uid(), mode: metadata.mode() })
    };
    socket.ancestors().skip(1).map(look).collect::<Option<_>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u32 = 1000;
    const OTHER: u32 = 1001;
    const SERVICE: u32 = 990;
    const ROOT_DIR: (u32, u32) = (0, 0o40755);

    #[track_caller]
    fn check(server: u32, folders: &[(u32, u32)], expect: bool) {
        let folders: Vec<_> =
            folders.iter().map(|(owner, mode)| Folder { owner: *owner, mode: *mode }).collect();
        assert_eq!(Trust::of(OWN, 0).given_to(server, &folders), expect, "{server}: {folders:?}");
    }

    #[test]
    fn only_oneself_and_root_are_believed_at_a_users_socket() {
        let nowhere = Path::new("relative.sock");
        for (server, expect) in [(OWN, true), (0, true), (OTHER, false)] {
            assert_eq!(Trust::of(OWN, 0).accepts(server, nowhere), expect, "{server}");
        }
    }

    #[test]
    fn the_owner_of_a_folder_is_believed_when_only_root_can_have_given_it_away() {
        check(SERVICE, &[(SERVICE, 0o40755), ROOT_DIR, ROOT_DIR], true);
        check(OTHER, &[(SERVICE, 0o40755), ROOT_DIR, ROOT_DIR], false);
        check(SERVICE, &[(SERVICE, 0o40775), ROOT_DIR, ROOT_DIR], false);
        check(SERVICE, &[(SERVICE, 0o41777), ROOT_DIR, ROOT_DIR], false);
        check(SERVICE, &[ROOT_DIR, ROOT_DIR, ROOT_DIR], false);
        check(SERVICE, &[(SERVICE, 0o40755), (0, 0o41777), ROOT_DIR], false);
        check(SERVICE, &[(SERVICE, 0o40755), (SERVICE, 0o40755), ROOT_DIR], false);
        check(SERVICE, &[(SERVICE, 0o40755)], false);
        check(SERVICE, &[], false);
    }

    #[test]
    fn a_folder_of_somebody_elses_making_makes_nobody_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let owner = rustix::process::geteuid().as_raw();
        let stranger = Trust::of(owner + 1, owner + 2);
        assert!(!stranger.accepts(owner, &folder.path().join("api.sock")));
    }
}
