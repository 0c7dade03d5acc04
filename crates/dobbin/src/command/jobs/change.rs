//! The verbs that change jobs.

use std::path::{PathBuf, absolute};

use dobbin_sdk::{Job, Manager};
use dobbin_types::rest::{AddFile, AddedFiles, CreateJob, CreatedJob, Outcome};
use dobbin_types::{Completion, ErrorCode, JobId};
use serde::Serialize;

use super::pick;
use crate::args::{AddArgs, CreateArgs};
use crate::reach::Agent;
use crate::render::{output, wording};
use crate::trouble::{Exit, Trouble};

/// The object that `--json` prints for a verb: the job and the interface's outcome.
#[derive(Serialize)]
struct Changed {
    id: JobId,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Prints how a verb went: `job 0f0d3b2e: suspended`, and what else the outcome says.
pub(super) fn report(done: &str, job: &Job, outcome: Outcome, json: bool) -> Result<Exit, Trouble> {
    if json {
        output::json(&Changed { id: job.id(), outcome });
        return Ok(Exit::Done);
    }
    let id = wording::short(job.id());
    if outcome.code == ErrorCode::S_OK {
        anstream::eprintln!("job {id}: {done}");
    } else {
        anstream::eprintln!("job {id}: {done}, but {} [{}]", outcome.code.text(), outcome.code);
    }
    Ok(Exit::Done)
}

pub(super) async fn create(agent: &Agent, args: CreateArgs, json: bool) -> Result<Exit, Trouble> {
    let mut files = Vec::new();
    if let (Some(url), Some(path)) = (args.url, args.path) {
        let local_name = local_name(path)?;
        files.push(AddFile {
            remote_name: url,
            local_name: Some(local_name),
            ..AddFile::default()
        });
    }
    let wish = CreateJob {
        display_name: args.name,
        priority: args.priority,
        completion: args.auto_complete.then_some(Completion::Service),
        files,
        ..CreateJob::default()
    };
    let job = agent.manager.create_job(&wish).await.map_err(refused)?;
    if json {
        output::json(&CreatedJob { id: job.id() });
    } else {
        output::line(&job.id().to_string());
    }
    if args.resume {
        job.resume().await?;
        say_if_nothing_runs(agent, json);
    }
    Ok(Exit::Done)
}

pub(super) async fn add(manager: &Manager, args: AddArgs, json: bool) -> Result<Exit, Trouble> {
    let job = pick::pick(manager, &args.job).await?;
    let file = AddFile {
        remote_name: args.url,
        mirrors: args.mirrors,
        local_name: args.path.map(local_name).transpose()?,
        ranges: args.ranges,
        size: args.size,
        sha256: args.sha256,
        replace: args.replace,
        ..AddFile::default()
    };
    let numbers = job.add_files(vec![file]).await.map_err(refused)?;
    if json {
        output::json(&AddedFiles { numbers });
    } else {
        let id = wording::short(job.id());
        numbers.iter().for_each(|number| anstream::eprintln!("job {id}: file {number} added"));
    }
    Ok(Exit::Done)
}

pub(super) async fn resume(agent: &Agent, job: &str, json: bool) -> Result<Exit, Trouble> {
    let job = pick::pick(&agent.manager, job).await?;
    let outcome = job.resume().await?;
    let state = outcome.state;
    report(&format!("resumed, {state}"), &job, outcome, json)?;
    say_if_nothing_runs(agent, json);
    Ok(Exit::Done)
}

/// Cancels one job after the other; those that can be are, whatever becomes of the others.
pub(super) async fn cancel(
    manager: &Manager,
    jobs: &[String],
    json: bool,
) -> Result<Exit, Trouble> {
    let mut first_trouble = None;
    for text in jobs {
        let outcome = match pick::pick(manager, text).await {
            Ok(job) => match job.cancel().await {
                Ok(outcome) => report("cancelled", &job, outcome, json).map(|_| ()),
                Err(error) => Err(Trouble::from(error)),
            },
            Err(trouble) => Err(trouble),
        };
        match (outcome, &first_trouble) {
            (Ok(()), _) => {}
            (Err(trouble), None) => first_trouble = Some(trouble),
            (Err(trouble), Some(_)) => trouble.tell(json),
        }
    }
    first_trouble.map_or(Ok(Exit::Done), Err)
}

/// A job resumed in an agent that is about to leave moves when the next one comes.
pub(crate) fn say_if_nothing_runs(agent: &Agent, json: bool) {
    if !agent.stays && !json {
        anstream::eprintln!("note: no agent is running that stays; it goes on with `dobbin serve`");
    }
}

/// An absolute path as the agent wants it.
pub(crate) fn local_name(path: PathBuf) -> Result<String, Trouble> {
    let shown = path.display().to_string();
    let absolute = absolute(path)
        .map_err(|error| Trouble::usage(format!("cannot tell where {shown} is: {error}")))?;
    absolute
        .into_os_string()
        .into_string()
        .map_err(|_| Trouble::usage(format!("the path {shown} is not UTF-8")))
}

/// A refusal of what the command line said is bad usage.
pub(crate) fn refused(error: dobbin_sdk::Error) -> Trouble {
    let about_the_request = [
        ErrorCode::E_INVALIDARG,
        ErrorCode::INET_E_INVALID_URL,
        ErrorCode::DO_E_INVALID_RANGE,
        ErrorCode::DO_E_OVERLAPPING_RANGES,
        ErrorCode::DO_E_INVALID_CONTENT_ID,
    ];
    let usage = about_the_request.contains(&error.code());
    let trouble = Trouble::from(error);
    if usage { trouble.into_usage() } else { trouble }
}
