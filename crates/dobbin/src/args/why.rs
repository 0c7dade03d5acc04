//! `dobbin why`.

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  dobbin why 0f0d3b2e               why the job stands where it stands
  dobbin why 0f0d3b2e 3             the same of its file 3, with every request that is remembered
  dobbin why 0f0d3b2e --json        for programs

JOB is a job's id or its beginning, as for `dobbin jobs`; one that is over, its whole id.
Single requests and failures are remembered since the agent started.";

/// `dobbin why`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WhyArgs {
    /// Which job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,

    /// Which of its files, from 0
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<u32>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
