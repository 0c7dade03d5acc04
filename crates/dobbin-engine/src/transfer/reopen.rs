//! Opening what earlier attempts left of a file, and comparing it with its hashes where that is due.
//!
//! Without hashes the have file is believed in the run of the machine that wrote it, and the journal
//! after that. With them nothing needs to be believed that can be read back: after a restart of the
//! machine, or when the file was cut in another way before, every piece that may lie on the disk is
//! compared, those that the journal calls flushed included, because a disk may return other bytes than
//! it was given. Where no unchecked byte may be handed over (`IntegrityCheckMandatory`) the same is
//! done with every piece that is had, at every start: nobody has noted which of them were checked.

use std::sync::Arc;

use dobbin_core::piece::{Layout, Manifest, PieceSet};
use dobbin_store::{Known, Staging, StagingError};

use super::check::reads_right;
use super::end::{End, too_large};
use super::manifest::on_hands;
use super::order::Order;
use super::stop::Stop;
use super::trouble::fatal;
use crate::hands::Hands;

/// What was left, opened.
pub(super) struct Left {
    pub(super) staging: Arc<Staging>,
    /// Bytes that are had because they were read back and had their hashes.
    pub(super) checked_bytes: u64,
}

/// Opens the staging file of an order; `None` when there is none.
///
/// Does not return before the disk is left alone, even when the transfer is told to stop.
///
/// * `size`: bytes of the local file.
/// * `manifest`: of a file of that size.
/// * `flushed`: which pieces of a layout survive a power cut.
///
/// # Errors
///
/// Those of the disk, and [`End::Stopped`].
pub(super) async fn reopen(
    order: &Order,
    size: u64,
    manifest: Option<&Arc<Manifest>>,
    flushed: impl Fn(Layout) -> Option<PieceSet>,
    (hands, stop): (&Hands, &Stop),
) -> Result<Option<Left>, End> {
    let place = order.place.clone();
    let layout = match manifest {
        Some(manifest) => manifest.layout(),
        None => Staging::layout_of(&place, size).ok_or_else(too_large)?,
    };
    let flushed = flushed(layout);
    let is_believed = manifest.is_none() || Staging::is_believed(&place, layout, &order.boot);
    let opened = if is_believed {
        let known = Known { boot: &order.boot, flushed: flushed.as_ref() };
        Staging::reopen(place, layout, &known)
    } else {
        Staging::reopen_doubted(place, layout, flushed.as_ref())
    };
    let staging = match opened {
        Ok(staging) => Arc::new(staging),
        Err(error) if error.is_missing() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let doubted = match manifest {
        None => None,
        Some(_) if !is_believed => Some(staging.written()?),
        Some(_) => (order.file.check.mandatory == Some(true)).then(|| staging.have()),
    };
    let Some((manifest, doubted)) = manifest.zip(doubted) else {
        return Ok(Some(Left { staging, checked_bytes: 0 }));
    };
    let work = {
        let (staging, manifest, stop) = (Arc::clone(&staging), Arc::clone(manifest), stop.clone());
        move || recheck(&staging, &manifest, &doubted, &stop)
    };
    let Some(outcome) = on_hands(hands, work).await else {
        let why = "pieces could not be read back, which is our own mistake";
        return Err(End::Failed(fatal(dobbin_types::ErrorCode::DO_E_FATAL_CORE_ERROR, why.into())));
    };
    let checked_bytes = outcome?;
    if stop.is_wished() {
        return Err(End::Stopped);
    }
    staging.believe(&order.boot)?;
    Ok(Some(Left { staging, checked_bytes }))
}

/// Reads `doubted` pieces back: those that have their hashes are had, whatever was said of them before,
/// and the others are not. Stops early when the transfer is told to; what was not looked at stays as
/// it was.
///
/// Returns how many bytes were found right.
fn recheck(
    staging: &Staging,
    manifest: &Manifest,
    doubted: &PieceSet,
    stop: &Stop,
) -> Result<u64, StagingError> {
    let layout = manifest.layout();
    let mut buffer = Vec::new();
    let mut right_bytes = 0;
    for piece in layout.pieces().filter(|piece| doubted.contains(*piece)) {
        if stop.is_wished() {
            break;
        }
        if reads_right(manifest, piece, staging, &mut buffer)? {
            staging.mark_have(piece)?;
            right_bytes += u64::from(layout.piece_len(piece));
        } else {
            staging.drop_have(piece)?;
        }
    }
    Ok(right_bytes)
}
