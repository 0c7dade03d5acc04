//! `dobbin why`: why a job stands where it stands.

mod sentence;
mod tables;

use dobbin_sdk::Manager;
use dobbin_types::FileNumber;
use dobbin_types::rest::{FileWhy, JobWhy};
use serde::Serialize;

use super::jobs::pick;
use crate::args::WhyArgs;
use crate::reach::{self, Place, Whose};
use crate::render::output;
use crate::render::table::{named, terminal_width};
use crate::render::text::wrapped;
use crate::trouble::{Exit, Trouble};

/// Width of the names of values, and the room that a value has at least.
const NAME_WIDTH: usize = 10;
const VALUE_WIDTH_MIN: usize = 30;

/// The object that `--json` prints for one file: the file beside its job.
#[derive(Serialize)]
struct OneFile<'a> {
    job: &'a JobWhy,
    file: &'a FileWhy,
}

pub(crate) async fn run(args: WhyArgs, place: Place) -> Result<Exit, Trouble> {
    let agent = reach::running_or_embedded(&place, Whose::Any).await?;
    let outcome = why(&agent.manager, &args).await;
    agent.leave().await;
    outcome
}

async fn why(manager: &Manager, args: &WhyArgs) -> Result<Exit, Trouble> {
    let job = pick(manager, &args.job).await?;
    let why = job.why().await?;
    let file = match args.file {
        Some(number) => Some(job.file(FileNumber(number)).why().await?),
        None => None,
    };
    match (&file, args.json) {
        (Some(file), true) => output::json(&OneFile { job: &why, file }),
        (None, true) => output::json(&why),
        (_, false) => output::line(&page(&why, file.as_ref(), terminal_width()).join("\n")),
    }
    Ok(Exit::Done)
}

/// The whole answer: a sentence, what holds the job and what comes next, then where its bytes came
/// from.
///
/// * `file`: the one file that was asked for; without it, all that the agent told of.
fn page(why: &JobWhy, file: Option<&FileWhy>, width: Option<usize>) -> Vec<String> {
    let mut lines = vec![sentence::headline(&why.job), String::new()];
    let room = width.map(|width| width.saturating_sub(NAME_WIDTH).max(VALUE_WIDTH_MIN));
    for (name, value) in sentence::rows(why, file) {
        for (index, text) in wrapped(&value, room).into_iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            lines.push(named(name, NAME_WIDTH, &text));
        }
    }
    let bytes = file.map_or(&why.bytes, |file| &file.bytes);
    let files: Vec<&FileWhy> = match file {
        Some(file) => vec![file],
        None => why.files.iter().collect(),
    };
    let shown = [
        Some(tables::bytes(bytes)),
        tables::connections(&files, why.at),
        tables::requests(&files, why.at, file.is_none()),
        tables::failures(why),
    ];
    for table in shown.into_iter().flatten() {
        lines.push(String::new());
        lines.extend(table.lines(width));
    }
    lines
}

#[cfg(test)]
mod tests;
