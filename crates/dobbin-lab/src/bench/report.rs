//! From runs to a table.

use std::fmt::Write as _;
use std::time::Duration;

use super::child::Cost;

/// What the columns mean.
pub(super) const LEGEND: &str = "\
\"On disk\" counts the time until the file would survive a power cut: where the tool does not flush, the
bench does after its exit. CPU is user and system time, to 10 ms.
";

/// One run of one tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) cost: Cost,
    /// What it took after the exit until the file had reached the disk.
    pub(super) flush: Duration,
    /// Requests that the server saw.
    pub(super) requests_count: usize,
}

/// All runs of one tool.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) version: String,
    pub(super) flushes: bool,
    pub(super) runs: Vec<Run>,
}

/// What a table row shows: medians over the runs.
struct Medians {
    wall: f64,
    durable: f64,
    cpu: f64,
    peak_bytes: u64,
    requests_count: usize,
}

impl Line {
    /// The median from start to exit; `None` without a run.
    pub(super) fn wall(&self) -> Option<Duration> {
        median(self.runs.iter().map(|run| run.cost.wall).collect())
    }

    /// `None` without a run.
    fn medians(&self) -> Option<Medians> {
        let seconds = |of: fn(&Run) -> Duration| {
            Some(median(self.runs.iter().map(of).collect())?.as_secs_f64())
        };
        Some(Medians {
            wall: seconds(|run| run.cost.wall)?,
            durable: seconds(|run| run.cost.wall + run.flush)?,
            cpu: seconds(|run| run.cost.cpu)?,
            peak_bytes: median(self.runs.iter().map(|run| run.cost.peak_bytes).collect())?,
            requests_count: median(self.runs.iter().map(|run| run.requests_count).collect())?,
        })
    }
}

/// The middle one; of an even number, the lower of the two in the middle.
pub(super) fn median<T: Ord + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied()
}

/// The name of the tool with the least median wall time; empty if none ran.
pub(super) fn fastest(lines: &[Line]) -> &'static str {
    let ran = lines.iter().filter_map(|line| Some((line.medians()?.wall, line.name)));
    ran.min_by(|(one, _), (other, _)| one.total_cmp(other)).map_or("", |(_, name)| name)
}

/// The table in Markdown. Ratios are to the tool called `reference`, where it ran.
pub(super) fn markdown(lines: &[Line], reference: &str, size_bytes: u64) -> String {
    let size_gib = size_bytes as f64 / f64::from(1_u32 << 30);
    let base = lines.iter().find(|line| line.name == reference).and_then(Line::medians);
    let ratio = |value: f64, of: fn(&Medians) -> f64| match &base {
        Some(base) if of(base) > 0.0 => format!("{:.2}", value / of(base)),
        Some(_) | None => "–".to_owned(),
    };
    let mut text = format!(
        "| tool | wall s | wall ÷ {reference} | on disk s | on disk ÷ {reference} | CPU s/GiB \
         | CPU ÷ {reference} | peak MiB | requests | flushes itself |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|---|\n"
    );
    for line in lines {
        let Some(medians) = line.medians() else {
            let _ = writeln!(text, "| {} | failed | | | | | | | | |", line.name);
            continue;
        };
        let _ = writeln!(
            text,
            "| {} | {:.3} | {} | {:.3} | {} | {:.2} | {} | {:.1} | {} | {} |",
            line.name,
            medians.wall,
            ratio(medians.wall, |base| base.wall),
            medians.durable,
            ratio(medians.durable, |base| base.durable),
            medians.cpu / size_gib,
            ratio(medians.cpu, |base| base.cpu),
            medians.peak_bytes as f64 / f64::from(1 << 20),
            medians.requests_count,
            if line.flushes { "yes" } else { "no" },
        );
    }
    text.push('\n');
    for line in lines {
        let _ = writeln!(text, "- {}: {}", line.name, line.version);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &'static str, walls_ms: &[u64]) -> Line {
        let run = |ms: &u64| Run {
            cost: Cost {
                wall: Duration::from_millis(*ms),
                cpu: Duration::from_millis(ms / 2),
                peak_bytes: 3 << 20,
            },
            flush: Duration::from_millis(100),
            requests_count: 2,
        };
        let runs = walls_ms.iter().map(run).collect();
        Line { name, version: format!("{name} 1"), flushes: name == "ours", runs }
    }

    #[test]
    fn the_middle_one_counts() {
        assert_eq!(median(vec![9, 1, 5]), Some(5));
        assert_eq!(median(vec![4, 1, 3, 2]), Some(2));
        assert_eq!(median::<u8>(vec![]), None);
    }

    #[test]
    fn ratios_are_to_the_reference() {
        let lines = [line("ours", &[300, 500, 100_000]), line("curl", &[1000]), line("sick", &[])];
        let text = markdown(&lines, "curl", 1 << 30);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[2], "| ours | 0.500 | 0.50 | 0.600 | 0.55 | 0.25 | 0.50 | 3.0 | 2 | yes |");
        assert_eq!(rows[3], "| curl | 1.000 | 1.00 | 1.100 | 1.00 | 0.50 | 1.00 | 3.0 | 2 | no |");
        assert!(rows[4].starts_with("| sick | failed |"));
        assert_eq!(rows[6], "- ours: ours 1");
        assert_eq!(fastest(&lines), "ours");
        assert_eq!(fastest(&lines[2..]), "");
        let alone = markdown(&lines[..1], "curl", 1 << 30);
        assert!(alone.contains("| 0.500 | – |"));
    }
}
