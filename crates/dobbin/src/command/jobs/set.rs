//! `dobbin jobs set` and `dobbin jobs remote-name`.

use dobbin_sdk::{File, Job, Manager};
use dobbin_types::{Clsid, CostFlags, DoFilePropertyId, FileNumber, NotifyFlags};

use super::change::{local_name, refused, report};
use super::pick;
use crate::args::SetArgs;
use crate::args::value::NewLimit;
use crate::render::amount::Rate;
use crate::trouble::{Exit, Trouble};

/// Sets one thing after the other, in the order of the options in the help. The first refusal ends
/// it; what was set before stays set, and was told.
pub(super) async fn set(manager: &Manager, args: SetArgs, json: bool) -> Result<Exit, Trouble> {
    let job = pick::pick(manager, &args.job).await?;
    if let Some(priority) = args.priority {
        report(&format!("set to {priority}"), &job, job.set_priority(priority).await?, json)?;
    }
    if let Some(seconds) = args.timeout {
        report(&gives_up(seconds), &job, job.set_no_progress_timeout(seconds).await?, json)?;
    }
    if let Some(limit) = args.limit_rate {
        let (rate, done) = match limit {
            NewLimit::None => (None, "fetches without a limit of its own".to_owned()),
            NewLimit::Rate(rate) => (Some(rate), format!("fetches at most {}", Rate(rate))),
        };
        report(&done, &job, job.set_rate_limit(rate).await?, json)?;
    }
    if let Some(flags) = args.notify {
        let outcome = job.set_notify_flags(flags).await.map_err(refused)?;
        report(&tells(flags), &job, outcome, json)?;
    }
    if let Some(flags) = args.cost {
        let outcome = job.set_cost_flags(flags).await.map_err(refused)?;
        report(&format!("may use networks of policy {}", policy(flags)), &job, outcome, json)?;
    }
    if let Some(clsid) = args.clsid {
        let done = if clsid == Clsid::NULL { "names no class" } else { "names its class" };
        report(done, &job, job.set_notify_clsid(clsid).await?, json)?;
    }
    if let Some(number) = args.file {
        set_file(&job, &job.file(FileNumber(number)), args, json).await?;
    }
    Ok(Exit::Done)
}

async fn set_file(job: &Job, file: &File, args: SetArgs, json: bool) -> Result<(), Trouble> {
    let number = file.number();
    if let Some(path) = args.to {
        let path = local_name(path)?;
        let outcome = file.set_local_name(&path).await.map_err(refused)?;
        report(&format!("file {number} goes to {path}"), job, outcome, json)?;
    }
    if let Some(size) = args.size {
        let setting = file.set_property(DoFilePropertyId::TotalSizeBytes, size);
        let outcome = setting.await.map_err(refused)?;
        report(&format!("file {number} has {size} bytes"), job, outcome, json)?;
    }
    Ok(())
}

pub(super) async fn remote_name(
    manager: &Manager,
    job: &str,
    file: u32,
    url: &str,
    json: bool,
) -> Result<Exit, Trouble> {
    let job = pick::pick(manager, job).await?;
    let outcome = job.file(FileNumber(file)).set_remote_name(url).await.map_err(refused)?;
    report(&format!("file {file} comes from the new address"), &job, outcome, json)
}

/// What a no-progress timeout means.
pub(super) fn gives_up(seconds: u32) -> String {
    match seconds {
        0 => "gives up at the first error".to_owned(),
        seconds => format!("gives up after {seconds} s without a byte"),
    }
}

fn tells(flags: NotifyFlags) -> String {
    format!("notify flags 0x{:02X}", flags.0)
}

fn policy(flags: CostFlags) -> String {
    flags.word().map_or_else(|| format!("0x{:08X}", flags.0), str::to_owned)
}
