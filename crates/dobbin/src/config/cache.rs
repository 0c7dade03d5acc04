//! The table `cache` of the configuration file.

use dobbin_agent::{CacheHosts, CacheSettings, Fallback};
use serde::Deserialize;

use super::read;

/// The cache hosts of the site, which are asked before origins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Cache {
    /// In their order.
    #[serde(deserialize_with = "read::cache_hosts")]
    pub(crate) hosts: Option<CacheHosts>,
    /// What becomes of a file that they do not give.
    #[serde(deserialize_with = "read::cache_fallback")]
    pub(crate) fallback: Option<Fallback>,
}

impl Cache {
    /// What the agent is told.
    pub(crate) fn settings(&self) -> CacheSettings {
        CacheSettings {
            hosts: self.hosts.clone().unwrap_or_default(),
            fallback: self.fallback.unwrap_or_default(),
        }
    }

    /// The hosts as a file says them, and nothing where there are none.
    pub(crate) fn hosts_text(&self) -> String {
        let settings = self.settings();
        let hosts: Vec<String> =
            settings.hosts.as_slice().iter().map(ToString::to_string).collect();
        hosts.join(",")
    }

    /// The fall-back as a file says it.
    pub(crate) fn fallback_text(&self) -> String {
        match self.settings().fallback {
            Fallback::AtOnce => "0".to_owned(),
            Fallback::After(delay) => delay.as_secs().to_string(),
            Fallback::Never => "never".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, hosts: &str, fallback: &str) {
        let cache: Cache = toml::from_str(text).unwrap();
        assert_eq!(
            (cache.hosts_text().as_str(), cache.fallback_text().as_str()),
            (hosts, fallback)
        );
        let again = format!("fallback = {:?}", cache.fallback_text());
        let again: Cache = toml::from_str(&again).unwrap();
        assert_eq!(again.settings().fallback, cache.settings().fallback, "{text}");
    }

    #[test]
    fn hosts_and_fall_back_are_said_as_on_the_command_line() {
        check("", "", "0");
        check("hosts = \"Cache.example, b:81\"", "cache.example,b:81", "0");
        check("hosts = \"a\"\nfallback = 60", "a", "60");
        check("hosts = \"a\"\nfallback = \"60\"", "a", "60");
        check("fallback = \"never\"", "", "never");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            "hosts = \"http://a\"",
            "hosts = \"\"",
            "hosts = [\"a\"]",
            "fallback = -1",
            "fallback = \"soon\"",
            "fallback = 2592001",
            "host = \"a\"",
        ] {
            assert!(toml::from_str::<Cache>(wrong).is_err(), "{wrong}");
        }
    }
}
