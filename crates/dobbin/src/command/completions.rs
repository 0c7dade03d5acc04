//! `dobbin completions` and `dobbin man`: made from the command line's own definitions, so that they
//! cannot be out of date.

use std::io;

use clap::CommandFactory as _;

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::trouble::{Exit, Trouble};

pub(crate) fn completions(args: CompletionsArgs) -> Result<Exit, Trouble> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "dobbin", &mut script);
    write_out(&script)
}

pub(crate) fn man(args: ManArgs) -> Result<Exit, Trouble> {
    let Some(folder) = args.folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command())
            .render(&mut page)
            .map_err(|error| Trouble::failed(format!("cannot make the manual page: {error}")))?;
        return write_out(&page);
    };
    clap_mangen::generate_to(Cli::command(), &folder).map_err(|error| {
        Trouble::failed(format!("cannot write manual pages into {}: {error}", folder.display()))
    })?;
    Ok(Exit::Done)
}

fn write_out(bytes: &[u8]) -> Result<Exit, Trouble> {
    use io::Write as _;

    match io::stdout().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Trouble::failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(Exit::Done),
    }
}
