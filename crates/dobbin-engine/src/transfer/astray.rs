//! What follows when bytes that came from a cache host are not those of the file: its origin is asked from
//! then on, and what is wrong from there is its own. Where the origin is never to be asked, they are as
//! wrong as those of any server.

use dobbin_core::cache::Turn;
use dobbin_core::piece::PieceIndex;
use dobbin_types::Discard;

use super::connection::Leave;
use super::work::{State, Work};

impl Work {
    /// Whether a cache host may be to blame for a file without its hash, and the origin is asked now.
    pub(super) fn blames_cache(&self) -> bool {
        let leaves = self.state().leave_cache();
        if leaves {
            let (job, file) = (self.order.job, self.order.number);
            tracing::warn!(%job, %file, "a file from a cache host does not have its hash");
        }
        leaves
    }

    /// Pieces from a cache host turned out to be wrong, and the origin is asked now.
    pub(super) fn wrong_from_cache(&self, state: &State, pieces: &[PieceIndex]) -> Leave {
        let layout = state.sink.as_ref().map(|sink| sink.staging.layout());
        let length = |piece: &PieceIndex| layout.map_or(0, |layout| layout.piece_len(*piece));
        let lengths = pieces.iter().map(|piece| u64::from(length(piece)));
        self.order.ledger.discard(Discard::WrongPiece, lengths.sum());
        let (job, file) = (self.order.job, self.order.number);
        tracing::warn!(%job, %file, count = pieces.len(), "pieces from a cache host came wrong");
        Leave::LeftCache
    }
}

impl State {
    /// What came from a cache host is not the file: from here on the origin is asked, if it may be. Says
    /// whether it is. Its own file may change as often as any.
    pub(super) fn leave_cache(&mut self) -> bool {
        let may_be_to_blame = self.sources.is_via_cache() || self.from_cache;
        let leaves = may_be_to_blame && self.sources.distrust_cache() == Turn::Origin;
        if leaves {
            self.restarts_count = 0;
            self.from_cache = false;
        }
        leaves
    }
}
