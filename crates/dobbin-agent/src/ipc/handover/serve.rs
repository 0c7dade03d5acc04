//! One job handed over, word by word: see [`dobbin_types::rest::Handover`].

use std::fs::File;
use std::time::Instant;

use dobbin_engine::{Actor, Handle, Handover, Next};
use dobbin_types::ErrorCode;
use dobbin_types::rest::{AgentWord, ClientWord, Failure};
use tokio::runtime;

use super::channel::{Broken, Channel};
use crate::ipc::tokens::Tokens;

/// Serves one connection to its end. Blocks, possibly for good when a file of the caller's hangs.
pub(super) fn serve(
    mut channel: Channel,
    actor: Actor,
    engine: &Handle,
    tokens: &Tokens,
    runtime: &runtime::Handle,
) {
    let ended = begin(&mut channel, actor, engine, tokens, runtime)
        .and_then(|mut handover| hand_over(&mut channel, &mut handover));
    let uid = actor.uid();
    match ended {
        Ok(()) => tracing::debug!(%uid, "job handed over"),
        Err(End::Broken(Broken::Ended(cause))) => {
            tracing::debug!(%uid, ?cause, "handover ended early");
        }
        Err(End::Broken(Broken::Nonsense(why))) => {
            refuse(&mut channel, Failure::new(ErrorCode::E_INVALIDARG, why));
        }
        Err(End::Refused(failure)) => refuse(&mut channel, failure),
    }
}

enum End {
    Broken(Broken),
    Refused(Failure),
}

impl From<Broken> for End {
    fn from(broken: Broken) -> End {
        End::Broken(broken)
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> End {
        End::Refused(failure)
    }
}

fn refuse(channel: &mut Channel, failure: Failure) {
    tracing::debug!(code = %failure.code, "handover refused");
    // Whoever has hung up does not hear it, and that is all.
    let _ = channel.write(&AgentWord::Refused { failure });
}

fn begin(
    channel: &mut Channel,
    actor: Actor,
    engine: &Handle,
    tokens: &Tokens,
    runtime: &runtime::Handle,
) -> Result<Handover, End> {
    let (ClientWord::Begin { token }, _) = channel.read()? else {
        return Err(out_of_turn());
    };
    let Some(job) = tokens.redeem(&token, actor.uid(), Instant::now()) else {
        let why = "the token is used up, too old or somebody else's";
        return Err(Failure::new(ErrorCode::E_ACCESSDENIED, why).into());
    };
    Ok(runtime.block_on(engine.hand_over(actor, job))?)
}

fn hand_over(channel: &mut Channel, handover: &mut Handover) -> Result<(), End> {
    loop {
        match handover.advance()? {
            Next::Files(files) => channel.write(&AgentWord::Give { files })?,
            Next::Done(outcome) => return Ok(channel.write(&AgentWord::Done { outcome })?),
        }
        while !named(channel, handover)? {}
    }
}

/// One word of the client's about files that were given; whether they are done with.
fn named(channel: &mut Channel, handover: &mut Handover) -> Result<bool, End> {
    match channel.read()? {
        (ClientWord::Fill { files }, opened) => {
            let opened: Vec<File> = opened;
            let files = handover.fill(&files, opened)?;
            channel.write(&AgentWord::Filled { files })?;
            Ok(false)
        }
        (ClientWord::Named { files, failed }, _) => {
            handover.named(files, failed)?;
            Ok(true)
        }
        (ClientWord::Begin { .. }, _) => Err(out_of_turn()),
    }
}

fn out_of_turn() -> End {
    Failure::new(ErrorCode::E_INVALIDARG, "this word does not come now").into()
}
