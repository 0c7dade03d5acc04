//! `dobbin get --background`: the running agent does it all.

use dobbin_types::ErrorCode;
use dobbin_types::JobId;
use serde::Serialize;

use super::claim;
use super::plan::Plan;
use crate::args::GetArgs;
use crate::reach::{self, Place, Whose};
use crate::render::{output, wording};
use crate::trouble::{Exit, Trouble};

/// The object that `--json` prints.
#[derive(Serialize)]
struct HandedOver {
    kind: &'static str,
    exit: u8,
    job: JobId,
}

/// Creates the job, resumes it, prints its id and leaves.
///
/// # Errors
///
/// When no agent runs that stays: one inside another command would leave with that command.
pub(super) async fn hand_over(args: &GetArgs, plan: &Plan, place: &Place) -> Result<Exit, Trouble> {
    let Some(agent) = reach::running(place, Whose::Own).await? else {
        return Err(nobody("no agent of yours is running"));
    };
    if !agent.stays {
        return Err(nobody("the agent that runs is part of another command and ends with it"));
    }
    let claim = claim::claim(&agent.manager, plan, args).await?;
    claim.job.resume().await?;
    let id = claim.job.id();
    if args.json {
        output::json(&HandedOver { kind: "handed_over", exit: Exit::Done.number(), job: id });
        return Ok(Exit::Done);
    }
    if !args.quiet {
        for note in plan.notes.iter().chain(&claim.notes) {
            anstream::eprintln!("{note}");
        }
        let (name, short) = (plan.name(), wording::short(id));
        let name = crate::render::text::clean(&name);
        anstream::eprintln!("{name} is being fetched; `dobbin jobs watch {short}` shows how");
    }
    output::line(&id.to_string());
    Ok(Exit::Done)
}

fn nobody(message: &str) -> Trouble {
    Trouble::failed(message)
        .code(ErrorCode::DO_E_NO_SERVICE)
        .remedy("start one with `dobbin serve`, or leave --background out")
}
