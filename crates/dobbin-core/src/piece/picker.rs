//! Which pieces to ask for next.
//!
//! Pure: it sees what is settled and says what to ask for. First missing piece first, so that a file
//! fills from its start and a single connection reads in order.

use super::layout::PieceRun;
use super::set::PieceSet;

/// The next run of pieces to ask one source for; `None` when there is nothing left to ask.
///
/// * `settled`: the pieces that need not be asked for: had, or asked of somebody already.
/// * `run_bytes_max`: most bytes of the run. It always holds one piece at least, however large.
pub fn next_run(settled: &PieceSet, run_bytes_max: u64) -> Option<PieceRun> {
    runs(settled, run_bytes_max).next()
}

/// Everything that is left to ask for, in order, in runs of at most `run_bytes_max` bytes.
///
/// The runs cover each piece outside `settled` once and no other piece. See [`next_run`] for the
/// arguments.
pub fn runs(settled: &PieceSet, run_bytes_max: u64) -> impl Iterator<Item = PieceRun> {
    let mut gaps = settled.missing_runs();
    let mut rest: Option<PieceRun> = None;
    core::iter::from_fn(move || {
        let (front, behind) = rest.take().or_else(|| gaps.next())?.split(run_bytes_max);
        rest = behind;
        Some(front)
    })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::piece::layout::Layout;

    proptest! {
        #[test]
        fn runs_cover_exactly_the_missing_bytes_and_never_overlap(
            file_size in 0_u64..300,
            piece_size in 1_u32..9,
            settled_bits in any::<u64>(),
            run_bytes_max in 0_u64..40,
        ) {
            let layout = Layout::new(file_size, piece_size).unwrap();
            let mut settled = PieceSet::empty(layout);
            for piece in layout.pieces() {
                if settled_bits >> (piece.number() % 64) & 1 == 1 {
                    settled.insert(piece);
                }
            }
            let mut asked = settled.clone();
            let mut end_before = 0;
            for run in runs(&settled, run_bytes_max) {
                let bytes = run.bytes();
                prop_assert!(bytes.start >= end_before, "in order, without overlap");
                prop_assert!(
                    bytes.end - bytes.start <= run_bytes_max || run.piece_count() == 1,
                    "{:?} is longer than {}", run, run_bytes_max
                );
                for piece in run.pieces() {
                    prop_assert!(asked.insert(piece), "piece {} was settled", piece);
                }
                end_before = bytes.end;
            }
            prop_assert!(asked.is_full());
        }

        #[test]
        fn taking_one_run_after_the_other_is_the_same_as_all_at_once(
            file_size in 0_u64..100, run_bytes_max in 1_u64..40
        ) {
            let layout = Layout::new(file_size, 7).unwrap();
            let mut settled = PieceSet::empty(layout);
            let all: Vec<PieceRun> = runs(&settled, run_bytes_max).collect();
            let mut taken = Vec::new();
            while let Some(run) = next_run(&settled, run_bytes_max) {
                run.pieces().for_each(|piece| { settled.insert(piece); });
                taken.push(run);
            }
            prop_assert_eq!(taken, all);
        }
    }

    #[test]
    fn the_first_missing_piece_is_asked_for_first() {
        let layout = Layout::new(100, 10).unwrap();
        let mut settled = PieceSet::empty(layout);
        settled.insert(layout.index(0).unwrap());
        settled.insert(layout.index(3).unwrap());
        let spans =
            |bytes_max| runs(&settled, bytes_max).map(|run| run.bytes()).collect::<Vec<_>>();
        assert_eq!(spans(1000), [10..30, 40..100]);
        assert_eq!(spans(25), [10..30, 40..60, 60..80, 80..100]);
        assert_eq!(next_run(&PieceSet::full(layout), 25), None);
    }
}
