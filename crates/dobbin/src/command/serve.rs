//! `dobbin serve`: the agent, until it is told to stop.

use std::num::NonZeroU64;

use dobbin_agent::{JobLimits, Scope};

use crate::args::ServeArgs;
use crate::config::{Config, Found};
use crate::reach::{self, Place};
use crate::trouble::{Exit, Trouble};

pub(crate) fn run(args: ServeArgs, place: &Place) -> Result<Exit, Trouble> {
    let scope = if args.system { Scope::System } else { Scope::User };
    let Found { config, .. } = Config::find(args.config.as_deref(), scope)?;
    let config = config.under(&args);
    let mut options = reach::service_options(args.system, args.state, place)?;
    options.limits = JobLimits {
        jobs_max: config.limits.max_jobs,
        jobs_per_user_max: config.limits.max_jobs_per_user,
        files_per_job_max: config.limits.max_files_per_job,
        ranges_per_file_max: config.limits.max_ranges_per_file,
    };
    options.bytes_per_second_max = config.limit_rate.and_then(NonZeroU64::new);
    options.compat = config.compat.options();
    options.cache_hosts = config.cache.settings();
    dobbin_agent::serve(options).map_err(reach::cannot_start)?;
    Ok(Exit::Done)
}
