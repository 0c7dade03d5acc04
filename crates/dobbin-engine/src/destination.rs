//! Whether the service may put a file where a caller wants it.
//!
//! A path is opened with the service's own rights, never with more (invariant 9). Where the caller
//! is somebody else, those rights are not the caller's, so more is refused: a service that runs as
//! root writes for nobody but root, and nothing that exists is ever replaced on another's word.

use std::io::ErrorKind;
use std::path::{Component, Path};

use dobbin_store::{durable, publish};
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

/// Looks at a destination before a byte is fetched.
pub(crate) fn check(place: &Place<'_>) -> Result<(), Failure> {
    may_name(place)?;
    publish::check_destination(place.path, place.replace).map_err(|error| {
        // The interface's code for "no right to write there" (`AddFileWithRanges`).
        let denied = ErrorCode::from_errno(ERRNO_EACCES);
        let code = if error.code() == denied { ErrorCode::E_ACCESSDENIED } else { error.code() };
        Failure::new(code, crate::transfer::chain(&error))
    })
}

/// The same, but folders that are missing are made (`LocalPath` of a download): with the caller's
/// rights, so only where those are the service's own.
pub(crate) fn make_way(place: &Place<'_>) -> Result<(), Failure> {
    may_name(place)?;
    let folder = place.path.parent().unwrap_or(place.path);
    if folder.is_dir() {
        return check(place);
    }
    if place.caller != place.own_uid {
        return Err(Failure::new(
            ErrorCode::E_ACCESSDENIED,
            format!("{} does not exist, and this agent runs as another user", folder.display()),
        )
        .remedy("make the folder first"));
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
    check(place)
}

/// Whether the caller may name a destination at all; its folder need not exist.
pub(crate) fn may_name(place: &Place<'_>) -> Result<(), Failure> {
    let is_foreign = place.caller != place.own_uid;
    if is_foreign && place.own_uid == Uid::ROOT {
        return Err(Failure::new(
            ErrorCode::E_ACCESSDENIED,
            "this agent runs as root and writes files for nobody else",
        )
        .remedy("run `dobbin serve` as yourself, or the system agent as a user of its own"));
    }
    if is_foreign && place.replace {
        return Err(Failure::new(
            ErrorCode::E_ACCESSDENIED,
            "this agent runs as another user and replaces no file for you",
        )
        .remedy("choose a name that does not exist"));
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
