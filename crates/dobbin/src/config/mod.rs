//! The agent's configuration file: what it may say, and how it goes together with the command line.
//!
//! A file is read once, when an agent starts. Whatever it says and is not understood is an error with
//! its line: a misspelt limit is no limit. Nothing of it is ever written.

mod cache;
mod compat;
mod read;
mod show;

use std::path::PathBuf;

use serde::Deserialize;

pub(crate) use self::cache::Cache;
pub(crate) use self::compat::Compat;
pub(crate) use self::show::Setting;
use crate::args::{LimitArgs, ServeArgs};

/// What a file says. What it does not say is `None`, and then the default holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Bytes a second that all jobs together may fetch: a number, or a text such as `20M`.
    #[serde(deserialize_with = "read::rate")]
    pub(crate) limit_rate: Option<u64>,
    /// What callers may have.
    pub(crate) limits: LimitArgs,
    /// Who is asked before origins are.
    pub(crate) cache: Cache,
    /// Programs written for Microsoft's agent.
    pub(crate) compat: Compat,
}

/// A configuration, and where it was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// What holds as far as the file is concerned.
    pub(crate) config: Config,
    /// The file that was looked for; `None` when the environment names no place for one.
    pub(crate) file: Option<PathBuf>,
    /// Whether it was there.
    pub(crate) is_there: bool,
}

impl Config {
    /// The same, under what the command line says: that comes first.
    pub(crate) fn under(self, args: &ServeArgs) -> Config {
        let (file, said) = (self.limits, args.limits);
        let enabled = if args.compat { Some(true) } else { self.compat.enabled };
        Config {
            limit_rate: args.limit_rate.or(self.limit_rate),
            limits: LimitArgs {
                max_jobs: said.max_jobs.or(file.max_jobs),
                max_jobs_per_user: said.max_jobs_per_user.or(file.max_jobs_per_user),
                max_files_per_job: said.max_files_per_job.or(file.max_files_per_job),
                max_ranges_per_file: said.max_ranges_per_file.or(file.max_ranges_per_file),
            },
            cache: Cache {
                hosts: args.cache.cache_host.clone().or(self.cache.hosts),
                fallback: args.cache.cache_fallback.or(self.cache.fallback),
            },
            compat: Compat { enabled, ..self.compat },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_comes_before_the_file_and_the_file_before_the_default() {
        let file: Config = toml::from_str(
            "limit_rate = 5\nlimits = { max_jobs = 1, max_files_per_job = 2, max_ranges_per_file = 3 }",
        )
        .unwrap();
        let limits = LimitArgs { max_jobs: Some(7), max_jobs_per_user: Some(8), ..file.limits };
        let args = ServeArgs {
            limit_rate: Some(9),
            limits: LimitArgs { max_files_per_job: None, max_ranges_per_file: None, ..limits },
            ..ServeArgs::default()
        };
        let both = file.clone().under(&args);
        assert_eq!((both.limit_rate, both.limits), (Some(9), limits));
        assert_eq!(file.clone().under(&ServeArgs::default()), file);
        let none = Config::default().under(&ServeArgs::default());
        assert_eq!(none, Config::default());
    }

    #[test]
    fn cache_hosts_and_their_fall_back_are_chosen_each_for_itself() {
        let file: Config = toml::from_str("[cache]\nhosts = \"a\"\nfallback = \"never\"").unwrap();
        let mut args = ServeArgs::default();
        args.cache.cache_host = "b".parse().ok();
        let cache = file.clone().under(&args).cache;
        assert_eq!((cache.hosts_text().as_str(), cache.fallback_text().as_str()), ("b", "never"));
        assert_eq!(file.clone().under(&ServeArgs::default()), file);
    }

    #[test]
    fn either_may_switch_compatibility_on() {
        for (file, word, expect) in [
            ("", false, None),
            ("", true, Some(true)),
            ("enabled = false", false, Some(false)),
            ("enabled = false", true, Some(true)),
            ("enabled = true", false, Some(true)),
        ] {
            let config: Config = toml::from_str(&format!("[compat]\n{file}")).unwrap();
            let args = ServeArgs { compat: word, ..ServeArgs::default() };
            assert_eq!(config.under(&args).compat.enabled, expect, "{file:?} {word}");
        }
    }
}
