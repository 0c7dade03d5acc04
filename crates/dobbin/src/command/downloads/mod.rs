//! `dobbin downloads`: the queue as programs written for IDODownload see it.

mod change;
mod look;
mod value;

use dobbin_sdk::{Download, DownloadManager};
use dobbin_types::{ErrorCode, JobId};

use super::jobs::{Noun, choose};
use crate::args::{DownloadsArgs, DownloadsCommand};
use crate::reach::{self, Agent, Place, Whose};
use crate::trouble::{Exit, Trouble};

pub(crate) async fn run(args: DownloadsArgs, place: Place) -> Result<Exit, Trouble> {
    let agent = reach::running_or_embedded(&place, Whose::Any).await?;
    let outcome = with_agent(args, &agent).await;
    agent.leave().await;
    outcome
}

async fn with_agent(args: DownloadsArgs, agent: &Agent) -> Result<Exit, Trouble> {
    let manager = DownloadManager::from(agent.manager.clone());
    let json = args.json;
    match args.command {
        DownloadsCommand::List { category } => look::list(&manager, category, json).await,
        DownloadsCommand::Create(args) => change::create(agent, &manager, args, json).await,
        DownloadsCommand::Start { download, ranges } => {
            let download = pick(&manager, &download).await?;
            change::start(agent, &download, ranges, json).await
        }
        DownloadsCommand::Pause { download } => {
            let download = pick(&manager, &download).await?;
            change::report("paused", &download, &download.pause().await?, json)
        }
        DownloadsCommand::Abort { download } => {
            let download = pick(&manager, &download).await?;
            change::report("aborted", &download, &download.abort().await?, json)
        }
        DownloadsCommand::Finalize { download } => {
            let download = pick(&manager, &download).await?;
            change::report("finalized", &download, &download.finalize().await?, json)
        }
        DownloadsCommand::Status { download } => {
            look::status(&pick(&manager, &download).await?, json).await
        }
        DownloadsCommand::Get { download, property } => {
            look::get(&pick(&manager, &download).await?, property, json).await
        }
        DownloadsCommand::Set { download, property, value } => {
            change::set(&pick(&manager, &download).await?, property, value, json).await
        }
    }
}

/// The download with this id or, if only one has it, this beginning of an id.
async fn pick(manager: &DownloadManager, text: &str) -> Result<Download, Trouble> {
    let id = match text.parse::<JobId>() {
        Ok(id) => id,
        Err(_) => {
            let listed = match manager.enum_downloads(None).await {
                Err(error) if error.code() == ErrorCode::DO_E_NO_DOWNLOADS => Vec::new(),
                listed => listed?,
            };
            let ids: Vec<JobId> = listed.iter().map(|download| download.id).collect();
            choose(Noun::DOWNLOAD, text, &ids)?
        }
    };
    match manager.download(id).await {
        Err(error) if error.code() == ErrorCode::E_NOT_SET => Err(Noun::DOWNLOAD.none(text)),
        found => Ok(found?),
    }
}
