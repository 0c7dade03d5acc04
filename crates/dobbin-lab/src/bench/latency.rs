//! How long calls take.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Samples by the name of what was called.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    samples: BTreeMap<&'static str, Vec<Duration>>,
}

impl Latencies {
    /// Calls, and notes how long it took.
    pub(super) fn time<T>(&mut self, name: &'static str, call: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let outcome = call();
        self.samples.entry(name).or_default().push(began.elapsed());
        outcome
    }

    /// Takes over what another one noted.
    pub(super) fn merge(&mut self, other: Latencies) {
        for (name, samples) in other.samples {
            self.samples.entry(name).or_default().extend(samples);
        }
    }

    /// The rows of a table: name, count, median, 99th percentile, longest. The last one is of all.
    pub(super) fn rows(&self) -> String {
        let mut text = String::new();
        let all = ("all of these", self.samples.values().flatten().copied().collect());
        let named = self.samples.iter().map(|(name, samples)| (*name, samples.clone()));
        for (name, mut sorted) in named.chain([all]) {
            sorted.sort_unstable();
            let millis = |part| percentile(&sorted, part).as_secs_f64() * 1_000.0;
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "| {name} | {} | {:.2} | {:.2} | {:.2} |",
                sorted.len(),
                millis(0.5),
                millis(0.99),
                millis(1.0)
            );
        }
        text
    }
}

/// The sample that so large a part of all does not exceed (nearest rank); zero of nothing.
fn percentile(sorted: &[Duration], part: f64) -> Duration {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_sample_by_its_rank() {
        let of = |count: u64| (1..=count).map(Duration::from_millis).collect::<Vec<_>>();
        for (count, part, expect) in
            [(100, 0.5, 50), (100, 0.99, 99), (100, 1.0, 100), (1, 0.99, 1), (3, 0.5, 2)]
        {
            let got = percentile(&of(count), part);
            assert_eq!(got, Duration::from_millis(expect), "{count} {part}");
        }
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn what_two_noted_is_one_table() {
        let (mut one, mut other) = (Latencies::default(), Latencies::default());
        assert_eq!(one.time("list", || 7), 7);
        other.time("list", || ());
        other.time("create", || ());
        one.merge(other);
        let rows = one.rows();
        assert!(rows.starts_with("| create | 1 |") && rows.contains("| list | 2 |"), "{rows}");
        assert!(rows.lines().last().is_some_and(|row| row.starts_with("| all of these | 3 |")));
    }
}
