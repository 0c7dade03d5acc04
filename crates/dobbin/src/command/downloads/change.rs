//! The verbs that change downloads.

use dobbin_sdk::{Download, DownloadManager};
use dobbin_types::rest::{CreateDownload, CreatedDownload, DownloadOutcome};
use dobbin_types::{ByteRange, DownloadProperty, JobId};
use serde::Serialize;

use super::value;
use crate::args::CreateDownloadArgs;
use crate::command::jobs::{local_name, refused, say_if_nothing_runs};
use crate::reach::Agent;
use crate::render::{output, wording};
use crate::trouble::{Exit, Trouble};

/// The object that `--json` prints for a verb: the download and the interface's outcome.
#[derive(Serialize)]
struct Changed<'a> {
    id: JobId,
    #[serde(flatten)]
    outcome: &'a DownloadOutcome,
}

/// The object that `--json` prints for a property that was set. Not its value: it may be a secret.
#[derive(Serialize)]
struct SetTold {
    id: JobId,
    property: DownloadProperty,
}

/// Prints how a verb went: `download 0f0d3b2e: paused`.
pub(super) fn report(
    done: &str,
    download: &Download,
    outcome: &DownloadOutcome,
    json: bool,
) -> Result<Exit, Trouble> {
    if json {
        output::json(&Changed { id: download.id(), outcome });
    } else {
        anstream::eprintln!("download {}: {done}", wording::short(download.id()));
    }
    Ok(Exit::Done)
}

pub(super) async fn create(
    agent: &Agent,
    manager: &DownloadManager,
    args: CreateDownloadArgs,
    json: bool,
) -> Result<Exit, Trouble> {
    let local_path = Some(local_name(args.path)?);
    let wish = CreateDownload { uri: Some(args.url), local_path };
    let download = manager.create_download(&wish).await.map_err(refused)?;
    let named = match args.name {
        Some(name) => download.set_property(DownloadProperty::DisplayName, name).await,
        None => Ok(()),
    };
    let settings = async {
        named?;
        let foreground = DownloadProperty::ForegroundPriority;
        download.set_property(foreground, args.foreground).await?;
        download.set_property(DownloadProperty::NonVolatile, !args.volatile).await
    };
    if let Err(error) = settings.await {
        // Half a download is none. If it cannot be aborted either, it is at least never started.
        let _ = download.abort().await;
        return Err(refused(error));
    }
    if json {
        output::json(&CreatedDownload { id: download.id() });
    } else {
        output::line(&download.id().to_string());
    }
    if args.start {
        download.start(None).await?;
        say_if_nothing_runs(agent, json);
    }
    Ok(Exit::Done)
}

pub(super) async fn start(
    agent: &Agent,
    download: &Download,
    ranges: Vec<ByteRange>,
    json: bool,
) -> Result<Exit, Trouble> {
    let ranges = (!ranges.is_empty()).then_some(ranges);
    let outcome = download.start(ranges).await.map_err(refused)?;
    report(&format!("started, {}", outcome.state), download, &outcome, json)?;
    say_if_nothing_runs(agent, json);
    Ok(Exit::Done)
}

pub(super) async fn set(
    download: &Download,
    property: DownloadProperty,
    text: String,
    json: bool,
) -> Result<Exit, Trouble> {
    let value = value::read(property, text).map_err(Trouble::usage)?;
    download.set_property(property, value).await.map_err(refused)?;
    if json {
        output::json(&SetTold { id: download.id(), property });
    } else {
        anstream::eprintln!("download {}: {property} set", wording::short(download.id()));
    }
    Ok(Exit::Done)
}
