//! Spans tried out without a network: by hand, at random, and with simulated connections.

extern crate std;

use std::vec::Vec;

use proptest::prelude::*;

use super::*;

const MIB: u64 = 1024 * 1024;

fn file(pieces: u32) -> Layout {
    Layout::new(u64::from(pieces) * MIB, MIB as u32).unwrap()
}

fn one_of(among: usize, bytes_per_second: u64) -> Seeker<'static> {
    Seeker { among, bytes_per_second, wait: None, except: &[] }
}

fn numbers(spans: &Spans, id: SpanId) -> Range<u32> {
    let left = spans.left(id).unwrap();
    left.first().number()..left.last().number() + 1
}

#[test]
fn a_connection_that_is_alone_gets_all_up_to_the_next_gap() {
    let layout = file(1_000);
    let mut spans = Spans::new(PieceSet::empty(layout));
    let all = spans.take(&one_of(1, 0)).unwrap();
    assert_eq!(numbers(&spans, all), 0..1_000);
    spans.give_back(all);
    let mut had = PieceSet::empty(layout);
    had.insert(layout.index(500).unwrap());
    let mut spans = Spans::new(had);
    let front = spans.take(&one_of(1, 0)).unwrap();
    assert_eq!(numbers(&spans, front), 0..500);
}

#[test]
fn one_that_joins_takes_the_back_and_the_first_one_never_notices_but_by_its_end() {
    let mut spans = Spans::new(PieceSet::empty(file(1_000)));
    let first = spans.take(&one_of(1, 0)).unwrap();
    // Nobody knows how fast they are: as likely as not both are alike.
    let second = spans.take(&one_of(2, 0)).unwrap();
    assert_eq!((numbers(&spans, first), numbers(&spans, second)), (0..500, 500..1_000));
    // Who is known to be fast gets more, but not more than four seconds' worth at a time.
    spans.measured(first, 10 * MIB);
    let third = spans.take(&one_of(3, 20 * MIB)).unwrap();
    assert_eq!((numbers(&spans, first), numbers(&spans, third)), (0..420, 420..500));
}

#[test]
fn owner_and_thief_are_done_at_the_same_time() {
    for (owner, thief, wait_millis, pieces) in [
        // 99 pieces are behind the one that is in progress.
        (20, 20, 0, 50),
        (10, 30, 0, 75),
        (30, 10, 0, 25),
        // While the thief asks, its owner brings 20 of them.
        (20, 20, 1_000, 40),
        (20, 0, 1_000, 40),
        // Asking takes too long: shared, it would be done no sooner than this connection asks twice.
        (20, 20, 1_700, 0),
        (2_000, 2_000, 0, 0),
        (2_000, 2_000, 17, 0),
        (1_900, 2_000, 17, 35),
    ] {
        let mut spans = Spans::new(PieceSet::empty(file(100)));
        let first = spans.take(&one_of(1, 0)).unwrap();
        spans.measured(first, owner * MIB);
        let wait = Some(Duration::from_millis(wait_millis));
        let seeker = Seeker { wait, ..one_of(2, thief * MIB) };
        let taken = spans.take(&seeker).map_or(0..0, |id| numbers(&spans, id));
        let row = (owner, thief, wait_millis);
        assert_eq!(taken.len(), pieces, "{row:?}");
    }
}

#[test]
fn the_slowest_loses_its_back_and_what_is_nearly_done_is_left_alone() {
    let layout = file(60);
    let mut spans = Spans::new(PieceSet::empty(layout));
    let slow = spans.take(&one_of(3, 5 * MIB)).unwrap();
    let fast = spans.take(&one_of(3, 100 * MIB)).unwrap();
    let last = spans.take(&one_of(1, 100 * MIB)).unwrap();
    assert_eq!(numbers(&spans, slow), 0..10);
    assert_eq!(numbers(&spans, fast), 10..20);
    assert_eq!(numbers(&spans, last), 20..60);
    for _ in 20..58 {
        bring(&mut spans, last);
    }
    // 9 MiB behind the piece in progress, at 5 MiB/s: the only one that is not nearly done.
    let thief = spans.take(&one_of(4, 100 * MIB)).unwrap();
    assert_eq!((numbers(&spans, slow), numbers(&spans, thief)), (0..2, 2..10));
    bring(&mut spans, slow);
    spans.measured(slow, 100 * MIB);
    assert_eq!(spans.take(&one_of(4, 100 * MIB)), None, "all of them are nearly done");
    spans.give_back(thief);
    assert_eq!(numbers(&spans, slow), 1..10, "what was not begun is its owner's again");
}

#[test]
fn what_was_begun_and_given_back_is_free_for_anybody() {
    let mut spans = Spans::new(PieceSet::empty(file(100)));
    let first = spans.take(&one_of(1, 0)).unwrap();
    let second = spans.take(&one_of(2, 0)).unwrap();
    assert_eq!(numbers(&spans, second), 50..100);
    bring(&mut spans, second);
    spans.give_back(second);
    assert_eq!(numbers(&spans, first), 0..50);
    let third = spans.take(&one_of(2, 0)).unwrap();
    assert_eq!(numbers(&spans, third), 51..55);
}

#[test]
fn pieces_that_are_not_for_a_connection_are_never_in_its_span() {
    let layout = file(20);
    let except = [2, 3, 9].map(|number| layout.index(number).unwrap());
    let mut spans = Spans::new(PieceSet::empty(layout));
    let picky = Seeker { among: 1, bytes_per_second: 0, wait: None, except: &except };
    for expect in [0..2, 4..9, 10..20] {
        let id = spans.take(&picky).unwrap();
        assert_eq!(numbers(&spans, id), expect);
    }
    let other = spans.take(&one_of(1, 0)).unwrap();
    assert_eq!(numbers(&spans, other), 2..4);
}

#[test]
fn an_origin_that_sends_everything_has_one_span_of_everything() {
    let layout = file(10);
    let mut had = PieceSet::empty(layout);
    for number in [0, 5] {
        had.insert(layout.index(number).unwrap());
    }
    let mut spans = Spans::new(had);
    let only = spans.take(&one_of(1, 0)).unwrap();
    assert_eq!(numbers(&spans, only), 1..5);
    assert!(spans.widen(only));
    assert_eq!(numbers(&spans, only), 1..10);
    assert_eq!(spans.take(&one_of(1, 0)).map(|id| numbers(&spans, id)), Some(6..10));
    assert!(!spans.widen(only), "others fetch too");
}

/// What a random history does next.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Take {
        rate_mib: u64,
        among: usize,
    },
    /// The connection number `who` brings so many whole pieces.
    Bring {
        who: usize,
        pieces: u32,
    },
    GiveBack {
        who: usize,
    },
    Cut {
        who: usize,
    },
    /// What it is at turns out to be wrong: it moves on without having it.
    Wrong {
        who: usize,
    },
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        (0_u64..200, 1_usize..17).prop_map(|(rate_mib, among)| Deed::Take { rate_mib, among }),
        (any::<usize>(), 1_u32..40).prop_map(|(who, pieces)| Deed::Bring { who, pieces }),
        any::<usize>().prop_map(|who| Deed::GiveBack { who }),
        any::<usize>().prop_map(|who| Deed::Cut { who }),
        any::<usize>().prop_map(|who| Deed::Wrong { who }),
    ];
    proptest::collection::vec(deed, 0..200)
}

/// Brings the piece the connection is at, as a connection would; false at the end of its span.
fn bring(spans: &mut Spans, id: SpanId) -> bool {
    let Some(left) = spans.left(id) else {
        return false;
    };
    assert!(spans.have(left.first()), "piece {} was fetched twice", left.first());
    let next = spans.layout().index(left.first().number() + 1);
    spans.advance(id, next);
    true
}

proptest! {
    /// Whatever happens: no piece belongs to two connections, none that is had belongs to anybody,
    /// and in the end one connection can finish the file.
    #[test]
    fn no_piece_is_ever_fetched_twice_and_none_is_forgotten(
        pieces in 1_u32..400, had_bits in any::<u64>(), deeds in deeds(),
    ) {
        let layout = file(pieces);
        let mut had = PieceSet::empty(layout);
        for piece in layout.pieces().filter(|p| had_bits >> (p.number() / 7 % 64) & 1 == 1) {
            had.insert(piece);
        }
        let mut spans = Spans::new(had);
        let mut ids: Vec<SpanId> = Vec::new();
        for deed in deeds {
            let pick = |who: usize| (!ids.is_empty()).then(|| ids[who % ids.len()]);
            match deed {
                Deed::Take { rate_mib, among } => {
                    ids.extend(spans.take(&one_of(among, rate_mib * MIB)));
                }
                Deed::Bring { who, pieces } => if let Some(id) = pick(who) {
                    for _ in 0..pieces {
                        if !bring(&mut spans, id) { break }
                    }
                },
                Deed::GiveBack { who } => if let Some(id) = pick(who) { spans.give_back(id) },
                Deed::Cut { who } => if let Some(id) = pick(who) { spans.cut(id); },
                Deed::Wrong { who } => if let Some(id) = pick(who)
                    && let Some(left) = spans.left(id)
                {
                    spans.advance(id, layout.index(left.first().number() + 1));
                },
            }
            prop_assert!(spans.running_count() <= SPANS_MAX);
            let mut owned = PieceSet::empty(layout);
            for left in ids.iter().filter_map(|id| spans.left(*id)) {
                for piece in left.pieces() {
                    prop_assert!(owned.insert(piece), "two fetch piece {}", piece);
                    prop_assert!(!spans.had().contains(piece), "piece {} is had", piece);
                }
            }
        }
        ids.iter().for_each(|id| spans.give_back(*id));
        while let Some(id) = spans.take(&one_of(1, 0)) {
            while bring(&mut spans, id) {}
            spans.give_back(id);
        }
        prop_assert!(spans.had().is_full());
    }

    /// Simulated connections of any speeds: the file is done when it could be, give or take what one
    /// span and one piece take, and the fast ones did the work.
    #[test]
    fn nobody_waits_long_for_a_slow_connection(
        pieces in 200_u32..2_000, rates_mib in proptest::collection::vec(1_u64..60, 2..9),
    ) {
        let mut spans = Spans::new(PieceSet::empty(file(pieces)));
        let among = rates_mib.len();
        // For each connection: its span, and bytes of the piece in progress.
        let mut at: Vec<(Option<SpanId>, u64)> = rates_mib.iter().map(|_| (None, 0)).collect();
        let mut millis = 0_u64;
        while !spans.had().is_full() {
            for (rate, (span, bytes)) in rates_mib.iter().zip(&mut at) {
                if span.is_none_or(|id| spans.left(id).is_none()) {
                    span.iter().for_each(|id| spans.give_back(*id));
                    // What was read of a piece that is somebody else's now is lost.
                    (*span, *bytes) = (spans.take(&one_of(among, rate * MIB)), 0);
                }
                let Some(id) = *span else { continue };
                *bytes += rate * MIB / 100;
                while *bytes >= MIB && bring(&mut spans, id) {
                    *bytes -= MIB;
                }
            }
            millis += 10;
            prop_assert!(millis < 10_000_000, "it comes to an end");
        }
        let total: u64 = rates_mib.iter().sum();
        let fluid = u64::from(pieces) * 1_000 / total;
        let slowest = rates_mib.iter().min().copied().unwrap_or(1);
        let slack = WAIT_MILLIS * LEAVE_WAITS + 1_000 / slowest * 2 + 100;
        prop_assert!(millis <= fluid + slack, "{} ms, at best {} ms", millis, fluid);
    }
}
