//! `dobbin serve`: the agent, until it is told to stop.

use crate::args::ServeArgs;
use crate::reach::{self, Place};
use crate::trouble::{Exit, Trouble};

pub(crate) fn run(args: ServeArgs, place: &Place) -> Result<Exit, Trouble> {
    let options = reach::service_options(args.system, args.state, place)?;
    dobbin_agent::serve(options).map_err(reach::cannot_start)?;
    Ok(Exit::Done)
}
