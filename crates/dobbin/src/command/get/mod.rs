//! `dobbin get`: fetches files, by whichever agent there is, and waits for them.

mod background;
mod claim;
mod failure;
mod folder;
mod follow;
mod hashes;
mod name;
mod named;
mod plan;
mod signals;

use std::time::Instant;

use dobbin_types::JobId;
use dobbin_types::rest::JobInfo;

use self::claim::Claim;
use self::follow::{End, Follower};
use self::plan::Plan;
use self::signals::Signals;
use crate::args::GetArgs;
use crate::reach::{self, Agent, Place, Whose};
use crate::render::screen::{self, Saved};
use crate::render::{json, wording};
use crate::trouble::{Exit, Trouble};

/// How many agents in a row may end while a command begins.
const BEGINNINGS_MAX: u32 = 20;

pub(crate) async fn run(args: GetArgs, place: Place) -> Result<Exit, Trouble> {
    let begun = Instant::now();
    let named = named::gather(&args, &place).await?;
    let plan = Plan::new(&args, named)?;
    folder::make(&plan.folders)?;
    if args.background {
        return background::hand_over(&args, &plan, &place).await;
    }
    let (mut agent, claim) = begin(&args, &plan, &place).await?;
    let mut signals = Signals::new()?;
    let outcome = fetch(&args, &plan, &place, &mut agent, &claim, &mut signals, begun).await;
    tokio::select! {
        biased;
        () = agent.leave() => outcome,
        // Whoever asks while the agent stops does not want to wait for that.
        () = signals.next() => std::process::exit(130),
    }
}

/// An agent, and the job at it.
///
/// The agent that answers may be another command's that ends just now; then the next one is looked
/// for. A job that was created in the last moment is found again by its destinations.
async fn begin(args: &GetArgs, plan: &Plan, place: &Place) -> Result<(Agent, Claim), Trouble> {
    let mut tries = 0;
    loop {
        let agent = reach::running_or_embedded(place, Whose::Any).await?;
        tries += 1;
        match claim::claim(&agent.manager, plan, args).await {
            Ok(claim) => return Ok((agent, claim)),
            Err(trouble) if trouble.is_no_service() && tries < BEGINNINGS_MAX => {}
            Err(trouble) => {
                agent.leave().await;
                return Err(trouble);
            }
        }
    }
}

async fn fetch(
    args: &GetArgs,
    plan: &Plan,
    place: &Place,
    agent: &mut Agent,
    claim: &Claim,
    signals: &mut Signals,
    begun: Instant,
) -> Result<Exit, Trouble> {
    let mut screen = screen::choose(args.json, args.quiet);
    for note in plan.notes.iter().chain(&claim.notes) {
        screen.note(note);
    }
    let mut follower = Follower::new(place, agent, plan, claim, screen.as_mut());
    let end = follower.follow(signals).await;
    let job = follower.job().clone();
    let (last, bytes_fetched) = (follower.last().cloned(), follower.bytes_fetched());
    if !matches!(end, Ok(End::Completed)) {
        screen.end();
    }
    match end? {
        End::Completed => {
            screen.saved(&Saved {
                job: job.id(),
                what: what_was_saved(plan),
                local_names: plan.items.iter().map(|item| item.local_name.clone()).collect(),
                bytes: last.map_or(0, |job| job.progress.bytes_transferred),
                bytes_fetched,
                elapsed: begun.elapsed(),
            });
            Ok(Exit::Done)
        }
        End::Failed(picture) => Err(failure::conclude(&job, &picture, &claim.items).await),
        End::Unsaved(error) => Err(unsaved(error, plan, job.id())),
        End::Suspended => {
            Err(Trouble::failed(format!("somebody suspended job {}", wording::short(job.id())))
                .remedy("the same command goes on"))
        }
        End::Gone => {
            Err(Trouble::failed(format!("somebody cancelled job {}", wording::short(job.id())))
                .remedy("the same command begins anew"))
        }
        End::Interrupted => {
            tell_interruption(args, job.id(), last.as_ref());
            Ok(Exit::Interrupted)
        }
    }
}

/// Everything is here, but not under its name: something is in the way.
fn unsaved(error: dobbin_sdk::Error, plan: &Plan, id: JobId) -> Trouble {
    let id = wording::short(id);
    Trouble::from(error)
        .while_doing(&format!("cannot save {}", what_was_saved(plan)))
        .remedy("everything is fetched and kept: clear the way, and the same command saves it")
        .remedy(format!("`dobbin jobs cancel {id}` drops it"))
}

fn tell_interruption(args: &GetArgs, id: JobId, last: Option<&JobInfo>) {
    if args.json {
        json::interrupted(id);
    }
    if !args.quiet {
        let have = last.map_or("nothing yet".to_owned(), wording::progress);
        let id = wording::short(id);
        anstream::eprintln!(
            "interrupted with {have}; the same command goes on, `dobbin jobs cancel {id}` drops it"
        );
    }
}

fn what_was_saved(plan: &Plan) -> String {
    match plan.items.as_slice() {
        [one] => one.shown(),
        several => format!("{} files", several.len()),
    }
}
