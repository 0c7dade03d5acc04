//! Ways in which a transfer ends without its file.

use dobbin_core::job::Trouble;
use dobbin_store::StagingError;
use dobbin_types::ErrorCode;

use super::trouble::{fatal, of_disk};

/// Why a transfer ended without its file.
pub(super) enum End {
    /// It was told to, or nobody listens any more.
    Stopped,
    /// It cannot go on.
    Failed(Trouble),
}

impl From<StagingError> for End {
    fn from(error: StagingError) -> End {
        End::Failed(of_disk(error.code(), &error))
    }
}

/// More pieces than are kept track of.
pub(super) fn too_large() -> End {
    End::Failed(fatal(
        ErrorCode::from_errno(27), // EFBIG
        "the file has more pieces than can be kept track of".into(),
    ))
}
