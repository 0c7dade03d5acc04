//! Core and a running agent do what the interface's tables say, whatever happens in whatever order.

use dobbin_lab::model::core::{Tally, sequence};
use dobbin_lab::model::{Options, on_agents};

/// Sequences on core. Each has a seed of its own, which a disagreement names.
const SEQUENCES: u64 = 10_000;

/// conformance: state-table Resume*, state-table Suspend × *, state-table Cancel × *
/// conformance: state-table Complete*, state-table AddFile × *, state-table SetPriority × *
/// conformance: state-table SetNoProgressTimeout × *, state-table SetNotifyFlags × *
/// conformance: state-table Job5::SetProperty × *, state-table SetRemoteName × *
/// conformance: state-table DOFile2::SetProperty × *, state-table GetError × *
/// conformance: event slot-*, event all-finished*, event one-finished*, event fatal*
/// conformance: event transient*, event retry*, event no-progress*, event stalled*
/// conformance: event network-*, event blocked*, event unblocked*, event restart*
/// conformance: event remote-changed*, event too-old*
#[test]
fn ten_thousand_histories_of_core_agree_with_the_tables() {
    let mut all = Tally::default();
    for seed in 0..SEQUENCES {
        let tally = sequence(seed).unwrap_or_else(|disagreement| panic!("{disagreement}"));
        all.turns += tally.turns;
        all.moves += tally.moves;
        all.refusals += tally.refusals;
    }
    // Sequences that hardly ever get anywhere would prove little.
    assert!(all.turns > 40 * SEQUENCES, "{all:?}");
    assert!(all.moves > 10 * SEQUENCES, "{all:?}");
    assert!(all.refusals > SEQUENCES, "{all:?}");
}

/// The same tables, on the whole way from a client to files on a disk.
/// conformance: state-table Resume*, state-table Suspend × *, state-table Cancel × *
/// conformance: state-table Complete*, state-table AddFile × *, cancel files
/// conformance: complete partial-files, complete visible, complete replace
#[test]
fn hundreds_of_histories_of_a_running_agent_agree_with_the_tables() {
    let options = Options { sequences: 120, seed: 1 };
    let report = on_agents(&options).unwrap_or_else(|disagreement| panic!("{disagreement}"));
    assert_eq!(report.sequences, 120);
    // Sequences that hardly ever get anywhere would prove little.
    assert!(report.calls > 8 * 120, "{report:?}");
    assert_eq!(report.ended, 120);
}
