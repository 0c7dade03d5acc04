//! Reading a configuration file, and saying what is wrong with it.

use std::io;
use std::path::{Path, PathBuf};

use dobbin_agent::{CacheHosts, Fallback, Scope, config_file};
use serde::{Deserialize, Deserializer, de};

use super::{Config, Found};
use crate::args::value;
use crate::document;
use crate::trouble::Trouble;

/// Bytes of a configuration file at most: some thousand times what there is to say.
pub(crate) const CONFIG_BYTES_MAX: usize = 1024 * 1024;

impl Config {
    /// The configuration of an agent: of the file that somebody `named`, else of the usual one of
    /// the scope, which need not exist.
    ///
    /// # Errors
    ///
    /// Bad usage, for a file that cannot be read or used, or was named and is not there.
    pub(crate) fn find(named: Option<&Path>, scope: Scope) -> Result<Found, Trouble> {
        if let Some(file) = named {
            let config = Config::read(file)?;
            return Ok(Found { config, file: Some(file.to_owned()), is_there: true });
        }
        let Some(file) = config_file(scope) else {
            return Ok(Found { config: Config::default(), file: None, is_there: false });
        };
        // Whatever else keeps us from reading it is no reason to go on without what it says.
        let is_there =
            !matches!(file.metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound);
        let config = if is_there { Config::read(&file)? } else { Config::default() };
        Ok(Found { config, file: Some(file), is_there })
    }

    /// What a file says.
    ///
    /// # Errors
    ///
    /// Bad usage, for what is no file, cannot be read, is too long, or says what is not understood:
    /// with the line and the key.
    pub(crate) fn read(file: &Path) -> Result<Config, Trouble> {
        let bytes = document::read(file, "configuration file", CONFIG_BYTES_MAX)?;
        let wrong = |what: String| {
            let what = format!("cannot use the configuration file {}: {what}", file.display());
            Trouble::usage(what).remedy("`dobbin config check --help` shows all that it may say")
        };
        if bytes.len() > CONFIG_BYTES_MAX {
            return Err(wrong(format!("it is longer than {CONFIG_BYTES_MAX} bytes")));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = line_of(error.as_bytes(), error.utf8_error().valid_up_to());
            wrong(format!("line {line}: it is not text in UTF-8"))
        })?;
        parse(&text).map_err(wrong)
    }
}

/// What the text of a file says, or what is wrong with it.
fn parse(text: &str) -> Result<Config, String> {
    let config: Config = toml::from_str(text).map_err(|error| {
        let what = error.message().replace('\n', ", ");
        match error.span() {
            Some(span) => format!("line {}: {what}", line_of(text.as_bytes(), span.start)),
            None => what,
        }
    })?;
    config.compat.fault().map_or(Ok(config), Err)
}

/// The line of a place in a text, from 1.
fn line_of(text: &[u8], at: usize) -> usize {
    text.iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// A number, or a text of the command line's form.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, or a text such as on the command line")]
enum Said {
    Number(u64),
    Text(String),
}

impl Said {
    /// As it would stand on the command line.
    fn text(self) -> String {
        match self {
            Said::Number(number) => number.to_string(),
            Said::Text(text) => text,
        }
    }
}

/// A rate in bytes a second.
pub(super) fn rate<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    value::rate(&Said::deserialize(from)?.text()).map(Some).map_err(de::Error::custom)
}

/// Cache hosts with commas between them.
pub(super) fn cache_hosts<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<CacheHosts>, D::Error> {
    value::cache_hosts(&String::deserialize(from)?).map(Some).map_err(de::Error::custom)
}

/// Seconds, or never.
pub(super) fn cache_fallback<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Fallback>, D::Error> {
    value::cache_fallback(&Said::deserialize(from)?.text()).map(Some).map_err(de::Error::custom)
}

/// The absolute path of a folder: another one would mean another folder with every start.
pub(super) fn folder<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(from)?;
    let wrong = || format!("{} is not absolute; begin it with a slash", path.display());
    if path.is_absolute() { Ok(Some(path)) } else { Err(de::Error::custom(wrong())) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::args::ConfigArgs;
    use crate::trouble::Exit;

    #[test]
    fn a_rate_is_a_number_or_a_text_with_a_unit() {
        #[track_caller]
        fn check(text: &str, expect: Option<u64>) {
            assert_eq!(
                parse(text).ok().map(|config| config.limit_rate),
                expect.map(Some),
                "{text}"
            );
        }
        check("limit_rate = 500000", Some(500_000));
        check("limit_rate = \"20M\"", Some(20 << 20));
        for wrong in ["0", "-1", "1.5", "\"fast\"", "true", "[1]", "\"\""] {
            check(&format!("limit_rate = {wrong}"), None);
        }
    }

    #[track_caller]
    fn check_wrong(text: &str, expect: &[&str]) {
        let told = parse(text).unwrap_err();
        for part in expect {
            assert!(told.contains(part), "{text:?}: {told:?} lacks {part:?}");
        }
        assert!(!told.contains('\n'), "{told:?}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_its_key() {
        check_wrong("limit_rate = 1\n\nlimt = 2\n", &["line 3: ", "`limt`", "`limit_rate`"]);
        check_wrong("[limits]\nmax_jobs = 1\nmax_job = 2\n", &["line 3: ", "`max_job`"]);
        check_wrong("[compat]\nenable = true\n", &["line 2: ", "`enable`", "`enabled`"]);
        check_wrong("\n[compact]\n", &["line 2: ", "`compact`"]);
        check_wrong("[limits]\nmax_jobs = \"many\"", &["line 2: ", "u32"]);
        check_wrong("[limits]\nmax_jobs = -1", &["line 2: "]);
        check_wrong("limit_rate = \"fast\"", &["line 1: ", "500k, 1.5M or 2G"]);
        check_wrong("\nlimit_rate = true", &["line 2: ", "a number, or a text"]);
        check_wrong("[compat]\nrun_dir = \"run\"", &["line 2: ", "run is not absolute"]);
        check_wrong("[compat]\nport_first = 0", &["line 2: ", "nonzero"]);
        check_wrong("[compat]\nport_first = 70000", &["line 2: "]);
        check_wrong("[compat]\nport_first = 9\nport_last = 8", &["port_last is 8"]);
        check_wrong("limit_rate = 1\nlimit_rate = 2", &["line 2: ", "duplicate"]);
        check_wrong("limit_rate 1", &["line 1: "]);
    }

    /// The one place where people find all keys: what it shows must be usable as it stands.
    #[test]
    fn the_example_of_the_help_can_be_used() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            _config: ConfigArgs,
        }
        let command = <Line as clap::CommandFactory>::command();
        let check = command.find_subcommand("check").unwrap();
        let help = check.get_after_help().unwrap().to_string();
        let lines = help.lines().skip(1).take_while(|line| !line.is_empty());
        let config = parse(&lines.collect::<Vec<_>>().join("\n")).unwrap();
        let unsaid: Vec<_> =
            config.settings().into_iter().filter(|setting| !setting.is_said).collect();
        assert!(unsaid.is_empty(), "the help does not show {unsaid:?}");
    }

    #[test]
    fn a_file_is_read_as_a_whole_or_not_at_all() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("dobbin.toml");
        let told = |file: &Path| {
            let trouble = Config::read(file).unwrap_err();
            assert_eq!(trouble.exit(), Exit::Usage);
            format!("{trouble:?}")
        };
        assert!(told(&file).contains("dobbin.toml"), "a file that was named must be there");
        std::fs::write(&file, b"# \xff").unwrap();
        assert!(told(&file).contains("line 1: it is not text in UTF-8"));
        std::fs::write(&file, " ".repeat(CONFIG_BYTES_MAX)).unwrap();
        assert_eq!(Config::read(&file), Ok(Config::default()));
        std::fs::write(&file, " ".repeat(CONFIG_BYTES_MAX + 1)).unwrap();
        assert!(told(&file).contains("longer than"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[\\[\\]a-z_=\"0-9\n#.{},'+-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
