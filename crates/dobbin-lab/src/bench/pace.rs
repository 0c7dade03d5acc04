//! How exactly a limit of the rate is kept, and how it is shared: real connections to an origin of
//! the lab's, read as transfers read them.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use dobbin_core::limit::BytesPerSecond;
use dobbin_net::http::{Client, HttpSettings, ProxyRules, Request};
use dobbin_net::throttle::{Service, Throttle};
use tokio::task::LocalSet;
use url::Url;

use super::interrupt::Interrupt;
use super::line::Report;
use super::machine::Machine;
use super::paper::Section;
use crate::origin::{Content, Origin, Plan};

/// What is promised of any stretch of this length.
const WINDOW: Duration = Duration::from_secs(5);

/// Between two looks at what has come.
const SAMPLE: Duration = Duration::from_millis(100);

/// Connections are opened, and the kernel's buffers fill, before anything is counted.
const WARM_UP: Duration = Duration::from_secs(1);

const MIB: u64 = 1 << 20;

/// What is measured.
const RATES: [u64; 4] = [64 << 10, MIB, 10 * MIB, 100 * MIB];
const JOBS: [usize; 2] = [1, 8];
const CONNECTIONS: [usize; 2] = [1, 16];

/// `bench pace`.
#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    /// How long each case is measured, in seconds; at least 6.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(6..=600))]
    seconds: u64,
    /// As the other benches have it; this one writes no file.
    #[arg(long, value_name = "FOLDER", hide = true)]
    dir: Option<PathBuf>,
    /// As the other benches have it; this one asks its origin itself, through the same client.
    #[arg(long, value_name = "PROGRAM", hide = true)]
    dobbin: Option<PathBuf>,
}

/// Its part of the paper.
pub(super) const SECTION: Section = Section {
    heading: "A limit of the rate",
    about: "\
Jobs share one limit of the rate; each reads over so many connections from an origin on this machine that
is faster. Counted is what was read, in every stretch of five seconds: the worst of them should differ from
the limit by no more than 3 %. Each job should have as much as every other, whatever the number of its
connections: the last column says what the least and the most had, of an equal part.",
    call: &["pace"],
    quick: &["pace", "--seconds", "6"],
};

/// What one case showed.
struct Outcome {
    /// The largest deviation of any window from the limit, as a part of it.
    worst: f64,
    /// What the job with the fewest and the one with the most bytes had of an equal part.
    least: f64,
    most: f64,
}

/// Measures every case.
pub(super) fn report(options: &Options, interrupt: &Interrupt) -> Result<Report> {
    let folder = options.dir.as_deref().unwrap_or(Path::new("."));
    let mut text = format!(
        "{}\n\n| Limit of all jobs | Jobs | Connections of each | Worst 5 s | Least and most of a job |\n\
         |---|---|---|---|---|\n",
        Machine::of(folder)
    );
    let mut failures = Vec::new();
    for rate in RATES {
        for jobs in JOBS {
            for connections in CONNECTIONS {
                interrupt.check()?;
                let span = Duration::from_secs(options.seconds);
                let case = format!("| {} KiB/s | {jobs} | {connections} |", rate >> 10);
                let row = match measure(rate, jobs, connections, span)? {
                    Some(outcome) => format!(
                        "{case} {:+.2} % | {:.0} %, {:.0} % |\n",
                        outcome.worst * 100.0,
                        outcome.least * 100.0,
                        outcome.most * 100.0
                    ),
                    None => {
                        failures.push(format!("{case} the machine was too slow to look"));
                        format!("{case} - | - |\n")
                    }
                };
                text.push_str(&row);
            }
        }
    }
    Ok(Report { text, failures })
}

/// Nothing where the machine was too slow for a single window.
fn measure(rate: u64, jobs: usize, connections: usize, span: Duration) -> Result<Option<Outcome>> {
    let origin = Origin::start(Plan::new().file("/a", Content::new(1, 1 << 40)));
    let url: Url = origin.url("/a").parse()?;
    let settings =
        HttpSettings { proxy: ProxyRules::none(), ..HttpSettings::product("dobbin-lab") };
    let client = Client::new(settings)?;
    let service = Service::new(BytesPerSecond::new(rate));
    let counts: Rc<Vec<AtomicU64>> = Rc::new((0..jobs).map(|_| AtomicU64::new(0)).collect());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let samples = LocalSet::new().block_on(&runtime, async {
        for job in 0..jobs {
            let throttle = service.job(false, None);
            for _ in 0..connections {
                let (client, url, throttle) = (client.clone(), url.clone(), throttle.clone());
                let counts = Rc::clone(&counts);
                tokio::task::spawn_local(async move {
                    if let Err(error) = read(&client, url, &throttle, &counts[job]).await {
                        eprintln!("a connection ended: {error:#}");
                    }
                });
            }
        }
        tokio::time::sleep(WARM_UP).await;
        look(&counts, span).await
    });
    Ok(judge(&samples, rate))
}

/// Reads as transfers do, for ever.
async fn read(client: &Client, url: Url, throttle: &Throttle, count: &AtomicU64) -> Result<()> {
    let mut response = client.open(&Request::whole(url)).await?;
    response.body.keep_pace(throttle);
    while let Some(bytes) = response.body.next().await? {
        count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        throttle.take(bytes.len() as u64).await;
    }
    Ok(())
}

/// When it was looked, and what had come to each job.
type Sample = (Instant, Vec<u64>);

async fn look(counts: &[AtomicU64], span: Duration) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut clock = tokio::time::interval(SAMPLE);
    let end = Instant::now() + span;
    while Instant::now() <= end {
        clock.tick().await;
        let here = counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        samples.push((Instant::now(), here));
    }
    samples
}

/// Nothing when there is no whole window.
fn judge(samples: &[Sample], rate: u64) -> Option<Outcome> {
    let mut worst = None;
    for (index, (from, before)) in samples.iter().enumerate() {
        let Some((to, after)) = samples[index..].iter().find(|(at, _)| *at - *from >= WINDOW)
        else {
            break;
        };
        let bytes = after.iter().sum::<u64>() - before.iter().sum::<u64>();
        let deviation = bytes as f64 / (*to - *from).as_secs_f64() / rate as f64 - 1.0;
        if worst.is_none_or(|worst: f64| deviation.abs() > worst.abs()) {
            worst = Some(deviation);
        }
    }
    let ((_, before), (_, after)) = (samples.first()?, samples.last()?);
    let got: Vec<u64> = after.iter().zip(before).map(|(after, before)| after - before).collect();
    let equal = got.iter().sum::<u64>() as f64 / got.len() as f64;
    let part = |bytes: Option<&u64>| bytes.map_or(0.0, |bytes| *bytes as f64 / equal);
    Some(Outcome { worst: worst?, least: part(got.iter().min()), most: part(got.iter().max()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_window_is_found_and_the_parts_of_jobs() {
        let start = Instant::now();
        // Two jobs at 100 bytes a second; in the seventh second there are 50 more.
        let sample = |second: u64| {
            let burst = if second >= 7 { 50 } else { 0 };
            (start + Duration::from_secs(second), vec![25 * second, 75 * second + burst])
        };
        let samples: Vec<Sample> = (0..=12).map(sample).collect();
        let outcome = judge(&samples, 100).unwrap();
        assert!((outcome.worst - 0.1).abs() < 1e-9, "{}", outcome.worst);
        assert!(outcome.least < 0.5 && outcome.most > 1.5);
        assert!(judge(&samples[..5], 100).is_none());
    }
}
