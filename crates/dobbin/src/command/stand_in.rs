//! The program under the name of Microsoft's Delivery Optimization agent for Linux: what starts or
//! asks that agent finds this one, and need not be changed.
//!
//! That agent understands two words and ignores all others. So does this: whatever else is said, it
//! is the machine's agent, with the interface that those programs speak. It needs no root: the folder
//! that they look into belongs to the agent's user, by the service manager's doing.

use std::ffi::OsString;
use std::path::Path;

use crate::args::ServeArgs;
use crate::command::serve;
use crate::reach::{Place, VERSION};
use crate::render::output;
use crate::trouble::{Exit, Trouble};

/// What that agent's program is called.
const NAME: &str = "deliveryoptimization-agent";

/// The words behind the program's name, if it was called by that name; with or without a folder.
pub(crate) fn words(mut line: impl Iterator<Item = OsString>) -> Option<Vec<OsString>> {
    let called = line.next()?;
    (Path::new(&called).file_name()? == NAME).then(|| line.collect())
}

/// Says the version when that is all that was asked, and serves otherwise.
pub(crate) fn run(words: &[OsString]) -> Result<Exit, Trouble> {
    if let [word] = words
        && ["--version", "-v", "--version-extra"].iter().any(|asked| word == asked)
    {
        output::line(&version());
        return Ok(Exit::Done);
    }
    let args = ServeArgs { system: true, compat: true, ..ServeArgs::default() };
    serve::run(args, &Place::new(None))
}

/// The version in that agent's form: who built it, its name, and three numbers. What else may stand
/// there (times and branches of a build) has no meaning here.
fn version() -> String {
    format!("dobbin;{NAME}/v{VERSION}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_alone_decides_and_not_the_folder() {
        let read = |line: &[&str]| words(line.iter().map(OsString::from)).map(|words| words.len());
        assert_eq!(read(&[NAME]), Some(0));
        assert_eq!(read(&["/usr/local/bin/deliveryoptimization-agent", "-v"]), Some(1));
        assert_eq!(read(&["./deliveryoptimization-agent", "--version", "x"]), Some(2));
        for other in [
            "dobbin",
            "/deliveryoptimization-agent/dobbin",
            "deliveryoptimization-agent2",
            "Deliveryoptimization-agent",
            "..",
            "",
        ] {
            assert_eq!(read(&[other, NAME]), None, "{other}");
        }
        assert_eq!(read(&[]), None);
    }
}
