//! Which job a person means by the beginning of its id.

use dobbin_sdk::{Job, JobFilter, Manager};
use dobbin_types::{ErrorCode, JobId};

use crate::render::wording;
use crate::trouble::Trouble;

/// Fewest characters that name a job: less would name another one tomorrow.
const PREFIX_CHARS_MIN: usize = 4;

/// Most jobs that are named when a beginning fits several.
const NAMED_MAX: usize = 5;

/// The job with this id or, if only one has it, this beginning of an id.
pub(crate) async fn pick(manager: &Manager, text: &str) -> Result<Job, Trouble> {
    if let Ok(id) = text.parse::<JobId>() {
        return manager.job(id).await.map_err(|error| named(error, text));
    }
    let jobs = manager.jobs(&JobFilter::default()).await?;
    let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    let id = choose(Noun::JOB, text, &ids)?;
    manager.job(id).await.map_err(|error| named(error, text))
}

fn named(error: dobbin_sdk::Error, text: &str) -> Trouble {
    if error.code() == ErrorCode::DO_E_JOB_NOT_FOUND { none(text) } else { error.into() }
}

fn none(text: &str) -> Trouble {
    Noun::JOB.none(text)
}

/// What an id is one of, for messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noun {
    one: &'static str,
    several: &'static str,
    /// Lists all of them.
    list: &'static str,
    /// Of one that is not there.
    code: ErrorCode,
}

impl Noun {
    const JOB: Noun = Noun {
        one: "job",
        several: "jobs",
        list: "`dobbin jobs list`",
        code: ErrorCode::DO_E_JOB_NOT_FOUND,
    };
    pub(crate) const DOWNLOAD: Noun = Noun {
        one: "download",
        several: "downloads",
        list: "`dobbin downloads list`",
        code: ErrorCode::E_NOT_SET,
    };

    /// There is none of that id.
    pub(crate) fn none(self, text: &str) -> Trouble {
        Trouble::failed(format!("there is no {} {text}", self.one))
            .code(self.code)
            .remedy(format!("{} shows those that are not over", self.list))
    }
}

/// The one id that begins with `text`.
pub(crate) fn choose(noun: Noun, text: &str, ids: &[JobId]) -> Result<JobId, Trouble> {
    let prefix = text.trim_start_matches('{').to_ascii_lowercase();
    let is_id = prefix.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if prefix.len() < PREFIX_CHARS_MIN || !is_id {
        let what = format!("{text} is no {}", noun.one);
        let remedy = format!("give a {}'s id or at least its first four digits", noun.one);
        return Err(Trouble::usage(what).remedy(remedy));
    }
    let fits = |id: &&JobId| id.to_string().starts_with(&prefix);
    let found: Vec<JobId> = ids.iter().filter(fits).copied().collect();
    match found.as_slice() {
        [] => Err(noun.none(text)),
        [one] => Ok(*one),
        several => {
            let named: Vec<String> = several.iter().take(NAMED_MAX).map(JobId::to_string).collect();
            let more = if several.len() > NAMED_MAX { ", …" } else { "" };
            let what =
                format!("several {} begin with {text}: {}{more}", noun.several, named.join(", "));
            let longer = wording::short(several[0]).len() + 1;
            Err(Trouble::usage(what)
                .remedy(format!("give more of it, such as {longer} characters")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trouble::Exit;

    const IDS: [&str; 3] = [
        "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d",
        "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6e",
        "a1b2c3d4-5a0e-4d9c-8f4b-1c2f3a4b5c6d",
    ];

    #[track_caller]
    fn check(text: &str, expect: Result<usize, Exit>) {
        let ids = IDS.map(|id| id.parse().unwrap());
        let got = choose(Noun::JOB, text, &ids).map_err(|trouble| trouble.exit());
        assert_eq!(got, expect.map(|index| ids[index]), "{text}");
    }

    #[test]
    fn a_beginning_names_the_one_job_that_has_it() {
        check("a1b2", Ok(2));
        check("A1B2C3D4-5A0E", Ok(2));
        check("{a1b2c3", Ok(2));
        check("0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6e", Ok(1));
        check("0f0d", Err(Exit::Usage));
        check("a1b", Err(Exit::Usage));
        check("disk", Err(Exit::Usage));
        check("", Err(Exit::Usage));
        check("beef", Err(Exit::Failed));
    }
}
