//! `dobbin serve`: the agent, until it is told to stop.

use std::num::NonZeroU64;

use dobbin_agent::JobLimits;

use crate::args::ServeArgs;
use crate::reach::{self, Place};
use crate::trouble::{Exit, Trouble};

pub(crate) fn run(args: ServeArgs, place: &Place) -> Result<Exit, Trouble> {
    let limits = JobLimits {
        jobs_max: args.limits.max_jobs,
        jobs_per_user_max: args.limits.max_jobs_per_user,
        files_per_job_max: args.limits.max_files_per_job,
        ranges_per_file_max: args.limits.max_ranges_per_file,
    };
    let mut options = reach::service_options(args.system, args.state, place)?;
    options.limits = limits;
    options.bytes_per_second_max = args.limit_rate.and_then(NonZeroU64::new);
    dobbin_agent::serve(options).map_err(reach::cannot_start)?;
    Ok(Exit::Done)
}
