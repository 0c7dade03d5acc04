//! `dobbin jobs`: looking at jobs and changing them.

mod change;
mod figures;
mod list;
mod pick;
mod set;
mod show;
mod watch;

pub(crate) use change::{local_name, refused, say_if_nothing_runs};
pub(crate) use pick::{Noun, choose, pick};

use crate::args::{JobsArgs, JobsCommand};
use crate::reach::{self, Agent, Place, Whose};
use crate::trouble::{Exit, Trouble};

pub(crate) async fn run(args: JobsArgs, place: Place) -> Result<Exit, Trouble> {
    if let JobsCommand::Watch { job } = &args.command {
        return watch::watch(&place, job.as_deref(), args.json).await;
    }
    let agent = reach::running_or_embedded(&place, Whose::Any).await?;
    let outcome = with_agent(args, &agent).await;
    agent.leave().await;
    outcome
}

async fn with_agent(args: JobsArgs, agent: &Agent) -> Result<Exit, Trouble> {
    let (manager, json) = (&agent.manager, args.json);
    match args.command {
        JobsCommand::List { state } => list::list(manager, state, json).await,
        JobsCommand::Show { job } => show::show(manager, &job, json).await,
        JobsCommand::Files { job } => show::files(manager, &job, json).await,
        JobsCommand::Error { job } => figures::error(manager, &job, json).await,
        JobsCommand::Stats { job } => figures::stats(manager, &job, json).await,
        JobsCommand::Headers { job, file } => figures::headers(manager, &job, file, json).await,
        JobsCommand::Set(args) => set::set(manager, args, json).await,
        JobsCommand::RemoteName { job, file, url } => {
            set::remote_name(manager, &job, file, &url, json).await
        }
        JobsCommand::Watch { .. } => unreachable!("handled above: it needs an agent that runs"),
        JobsCommand::Create(args) => change::create(agent, args, json).await,
        JobsCommand::Add(args) => change::add(manager, args, json).await,
        JobsCommand::Resume { job } => change::resume(agent, &job, json).await,
        JobsCommand::Suspend { job } => {
            let job = pick::pick(manager, &job).await?;
            change::report("suspended", &job, job.suspend().await?, json)
        }
        JobsCommand::Complete { job } => {
            let job = pick::pick(manager, &job).await?;
            change::report("completed", &job, job.complete().await?, json)
        }
        JobsCommand::Cancel { jobs } => change::cancel(manager, &jobs, json).await,
        JobsCommand::Priority { job, priority } => {
            let job = pick::pick(manager, &job).await?;
            let word = format!("set to {priority}");
            change::report(&word, &job, job.set_priority(priority).await?, json)
        }
        JobsCommand::Timeout { job, seconds } => {
            let job = pick::pick(manager, &job).await?;
            let word = set::gives_up(seconds);
            change::report(&word, &job, job.set_no_progress_timeout(seconds).await?, json)
        }
    }
}
