//! Whether the service may put a file where a caller wants it.
//!
//! A path is opened with the service's own rights, never with more (invariant 9). Where the caller
//! is somebody else, the service does not even look at it: what it would see is not what the caller
//! may do, and looking would tell the caller what is there. Such a caller looks for itself, and
//! creates the file itself (decision "who writes the user's file").

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use dobbin_store::publish::Folders;
use dobbin_store::{durable, publish, space};
use dobbin_types::rest::Failure;
use dobbin_types::{ErrorCode, Uid};

/// A destination and who wants it.
pub(crate) struct Place<'a> {
    pub(crate) path: &'a Path,
    pub(crate) replace: bool,
    pub(crate) caller: Uid,
    pub(crate) own_uid: Uid,
    pub(crate) state: &'a Path,
}

impl Place<'_> {
    /// Whether the caller is another user, who looks at it and makes its folder itself.
    fn is_foreign(&self) -> bool {
        self.caller != self.own_uid
    }
}

/// Where the bytes of a file are kept until it is complete: so that publishing it is a rename, wherever
/// the service may make files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Keep {
    /// In the service's own folder.
    #[default]
    InStore,
    /// Beside the destination, which lies on another file system.
    Beside,
}

impl Keep {
    /// For what goes to `folder`. Publishing copies where this is wrong or cannot be said.
    fn of(state: &Path, folder: &Path) -> Keep {
        match space::same_mount(state, folder) {
            Ok(false) => Keep::Beside,
            Ok(true) | Err(_) => Keep::InStore,
        }
    }
}

/// What was found out of folders while many destinations are looked at: each is asked once. Made anew
/// for each request, because what it keeps is a hint that grows old.
#[derive(Default)]
pub(crate) struct Looked {
    folders: Folders,
    /// Folders that do not lie in the agent's own, and where what goes there is kept.
    outside: BTreeMap<PathBuf, Keep>,
}

/// Looks at a destination before a byte is fetched, and says where the bytes are to be kept.
pub(crate) fn check(place: &Place<'_>, looked: &mut Looked) -> Result<Keep, Failure> {
    if place.is_foreign() {
        return Ok(Keep::InStore);
    }
    let folder = durable::parent(place.path);
    let keep = match looked.outside.get(folder) {
        Some(keep) => *keep,
        None => {
            may_name(place)?;
            let keep = Keep::of(place.state, folder);
            looked.outside.insert(folder.to_path_buf(), keep);
            keep
        }
    };
    publish::check_destination_in(&mut looked.folders, place.path, place.replace).map_err(
        |error| {
            // The interface's code for "no right to write there" (`AddFileWithRanges`).
            let denied = ErrorCode::from_errno(ERRNO_EACCES);
            let code =
                if error.code() == denied { ErrorCode::E_ACCESSDENIED } else { error.code() };
            Failure { code, ..of_publish(&error) }
        },
    )?;
    Ok(keep)
}

/// The same, but folders that are missing are made (`LocalPath` of a download): with the caller's
/// rights, so only where those are the service's own.
pub(crate) fn make_way(place: &Place<'_>) -> Result<Keep, Failure> {
    if place.is_foreign() {
        return Ok(Keep::InStore);
    }
    may_name(place)?;
    let folder = place.path.parent().unwrap_or(place.path);
    if folder.is_dir() {
        return check(place, &mut Looked::default());
    }
    if folder.components().any(|part| part == Component::ParentDir) {
        return Err(Failure::new(
            ErrorCode::E_INVALIDARG,
            format!("{} does not exist, and leads through `..`", folder.display()),
        ));
    }
    durable::create_shared_folder(folder).map_err(|error| {
        let code = match error.kind() {
            ErrorKind::PermissionDenied => ErrorCode::E_ACCESSDENIED,
            // Something that is no folder has the name of one.
            ErrorKind::AlreadyExists => ErrorCode::ENOTDIR,
            _ => error.raw_os_error().map_or(ErrorCode::E_FAIL, ErrorCode::from_errno),
        };
        Failure::new(code, format!("cannot make {}: {error}", folder.display()))
    })?;
    check(place, &mut Looked::default())
}

/// Takes the name of a file that the service writes for others in its own name: it must be free, and its
/// folder there already.
///
/// Errors: `E_ACCESSDENIED` in the agent's own folder, else what the operating system says to making a
/// file there, unchanged (`EEXIST`, `ENOENT`, `EACCES` …).
pub(crate) fn take(place: &Place<'_>) -> Result<Keep, Failure> {
    may_name(place)?;
    publish::put_placeholder(place.path).map_err(|error| of_publish(&error))?;
    Ok(Keep::of(place.state, durable::parent(place.path)))
}

/// Whether a name that was taken is still there; `ENOENT`.
pub(crate) fn check_taken(place: &Place<'_>) -> Result<(), Failure> {
    publish::check_placeholder(place.path).map_err(|error| of_publish(&error))
}

/// Gives such a name back: the file goes.
pub(crate) fn give_back(place: &Place<'_>) {
    if let Err(error) = publish::remove_placeholder(place.path, place.own_uid) {
        tracing::warn!(error = %crate::transfer::chain(&error), "a file was left behind");
    }
}

fn of_publish(error: &publish::PublishError) -> Failure {
    Failure::new(error.code(), crate::transfer::chain(error))
}

/// Whether the caller may name a destination at all; its folder need not exist.
pub(crate) fn may_name(place: &Place<'_>) -> Result<(), Failure> {
    if place.is_foreign() {
        return Ok(());
    }
    if is_inside(place.path, place.state) {
        return Err(Failure::new(
            ErrorCode::E_ACCESSDENIED,
            format!("{} lies in the agent's own folder", place.path.display()),
        ));
    }
    Ok(())
}

/// `EACCES`, which the store's errors carry as a number.
const ERRNO_EACCES: i32 = 13;

/// Whether `path` leads into `folder`, as far as the folders that exist tell.
fn is_inside(path: &Path, folder: &Path) -> bool {
    let deepest = path.ancestors().skip(1).find_map(|above| above.canonicalize().ok());
    match (deepest, folder.canonicalize()) {
        (Some(above), Ok(folder)) => above.starts_with(folder),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_is_asked_once_for_many_files_and_each_name_for_itself() {
        let root = tempfile::tempdir().unwrap();
        let (state, folder) = (root.path().join("state"), root.path().join("folder"));
        for made in [&state, &folder] {
            fs::create_dir(made).unwrap();
        }
        fs::write(folder.join("taken"), "").unwrap();
        let mut looked = Looked::default();
        let mut code = |path: PathBuf| {
            let (path, caller) = (path.as_path(), Uid(1));
            let place = Place { path, replace: false, caller, own_uid: caller, state: &state };
            check(&place, &mut looked).err().map(|failure| failure.code)
        };
        let exists = ErrorCode::from_errno(17); // EEXIST
        for _ in 0..2 {
            assert_eq!(code(folder.join("new")), None);
            assert_eq!(code(folder.join("taken")), Some(exists));
            // What was found out of one folder is not taken for another's.
            assert_eq!(code(state.join("new")), Some(ErrorCode::E_ACCESSDENIED));
        }
    }
}
