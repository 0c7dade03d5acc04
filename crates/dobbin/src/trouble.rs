//! What went wrong, for the person who typed the command.

use std::error::Error as _;
use std::process::ExitCode;

use dobbin_types::ErrorCode;
use serde::Serialize;

use crate::render::{output, style, text};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked is done.
    Done,
    /// It could not be done; for `get`: the transfer failed.
    Failed,
    /// The command made no sense, and nothing was begun.
    Usage,
    /// Another agent has what this one needs: the same command may work later.
    Busy,
    /// Somebody pressed Ctrl-C, or asked the program to end.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees. 75 is `EX_TEMPFAIL` of `sysexits.h`, 130 what shells use for a
    /// program ended by Ctrl-C.
    pub(crate) fn number(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Busy => 75,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.number())
    }
}

/// Why a command did not do what it was asked: what, why, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    exit: Exit,
    message: String,
    code: Option<ErrorCode>,
    remedies: Vec<String>,
}

impl Trouble {
    /// Something failed. `message` is lower case, without a full stop, and names the value.
    pub(crate) fn failed(message: impl Into<String>) -> Trouble {
        let message = text::clean(&message.into()).into_owned();
        Trouble { exit: Exit::Failed, message, code: None, remedies: Vec::new() }
    }

    /// The command makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Trouble {
        Trouble { exit: Exit::Usage, ..Trouble::failed(message) }
    }

    /// Somebody else has what is needed.
    pub(crate) fn busy(message: impl Into<String>) -> Trouble {
        Trouble { exit: Exit::Busy, ..Trouble::failed(message) }
    }

    /// The same, with the interface's code.
    pub(crate) fn code(mut self, code: ErrorCode) -> Trouble {
        self.code = Some(code);
        self
    }

    /// The same, with something to do about it.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Trouble {
        self.remedies.push(text::clean(&remedy.into()).into_owned());
        self
    }

    /// The same, saying first what was being done: `cannot …: ` and what was known so far.
    pub(crate) fn while_doing(mut self, doing: &str) -> Trouble {
        self.message = format!("{}: {}", text::clean(doing), self.message);
        self
    }

    /// The same as bad usage, where the agent refused what the command line said.
    pub(crate) fn into_usage(mut self) -> Trouble {
        self.exit = Exit::Usage;
        self
    }

    /// Whether it is that no agent answers any more, so that another one may be looked for.
    pub(crate) fn is_no_service(&self) -> bool {
        self.code == Some(ErrorCode::DO_E_NO_SERVICE)
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Writes it to standard error, and with `json` also as an object to standard output, where a
    /// program reads.
    pub(crate) fn tell(&self, json: bool) {
        if json {
            output::json(&Told {
                kind: "failed",
                exit: self.exit.number(),
                message: &self.message,
                code: self.code,
                symbol: self.code.and_then(ErrorCode::symbol),
                remedies: &self.remedies,
            });
        }
        anstream::eprint!("{}", self.rendered());
    }

    fn rendered(&self) -> String {
        let (error, help) = (style::ERROR, style::HELP);
        let mut lines = format!("{error}error:{error:#} {}", self.message);
        if let Some(code) = self.code {
            lines.push_str(&format!(" [{code}]"));
        }
        lines.push('\n');
        for remedy in &self.remedies {
            lines.push_str(&format!("  {help}help:{help:#} {remedy}\n"));
        }
        lines
    }
}

/// The object that `--json` prints for it.
#[derive(Serialize)]
struct Told<'a> {
    kind: &'static str,
    exit: u8,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<ErrorCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<&'static str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    remedies: &'a [String],
}

impl From<dobbin_sdk::Error> for Trouble {
    fn from(error: dobbin_sdk::Error) -> Trouble {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        if let dobbin_sdk::Error::Refused(failure) = &error
            && let Some(field) = &failure.field
        {
            message.push_str(&format!(" ({field})"));
        }
        let trouble = Trouble::failed(message).code(error.code());
        match error.remedy() {
            Some(remedy) => trouble.remedy(remedy),
            None => trouble,
        }
    }
}

#[cfg(test)]
mod tests {
    use dobbin_types::rest::Failure;

    use super::*;

    #[test]
    fn an_error_says_what_why_and_what_to_do() {
        let trouble = Trouble::failed("the server answered 404")
            .while_doing("cannot fetch example.com/file")
            .code(ErrorCode::HTTP_E_STATUS_NOT_FOUND)
            .remedy("check the address");
        assert_eq!(
            anstream::adapter::strip_str(&trouble.rendered()).to_string(),
            "error: cannot fetch example.com/file: the server answered 404 \
             [HTTP_E_STATUS_NOT_FOUND (0x80190194)]\n  help: check the address\n"
        );
        assert_eq!(trouble.exit(), Exit::Failed);
    }

    #[test]
    fn a_refusal_names_the_field_and_keeps_the_agents_advice() {
        let failure = Failure::new(ErrorCode::E_INVALIDARG, "Host is the service's own")
            .at("headers[0].name")
            .remedy("leave it out");
        let trouble = Trouble::from(dobbin_sdk::Error::Refused(failure)).into_usage();
        assert_eq!(trouble.message, "Host is the service's own (headers[0].name)");
        assert_eq!(trouble.remedies, ["leave it out"]);
        assert_eq!(trouble.exit(), Exit::Usage);
    }

    #[test]
    fn what_others_wrote_cannot_steer_the_terminal() {
        let trouble = Trouble::failed("bad \u{1b}[2Jname\n");
        assert_eq!(trouble.message, "bad \u{fffd}[2Jname\u{fffd}");
    }
}
