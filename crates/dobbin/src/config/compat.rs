//! The table `compat` of the configuration file.

use std::num::NonZeroU16;
use std::path::PathBuf;

use dobbin_agent::CompatOptions;
use serde::Deserialize;

use super::read;

/// How programs written for Microsoft's Delivery Optimization agent for Linux are served.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Compat {
    /// Whether they are served at all.
    pub(crate) enabled: Option<bool>,
    /// Whether a download is there only for the user who created it.
    pub(crate) owners_only: Option<bool>,
    /// Folder of the file that names the port.
    #[serde(deserialize_with = "read::folder")]
    pub(crate) run_dir: Option<PathBuf>,
    /// Folder of that agent's own configuration files.
    #[serde(deserialize_with = "read::folder")]
    pub(crate) config_dir: Option<PathBuf>,
    /// The first port to try.
    pub(crate) port_first: Option<NonZeroU16>,
    /// The last port to try.
    pub(crate) port_last: Option<NonZeroU16>,
}

impl Compat {
    /// What the agent is told: nothing unless they are served.
    pub(crate) fn options(&self) -> Option<CompatOptions> {
        self.enabled.unwrap_or(false).then(|| self.effective())
    }

    /// With the defaults, which are those of Microsoft's agent.
    pub(crate) fn effective(&self) -> CompatOptions {
        let run_dir = self.run_dir.clone().unwrap_or_else(|| CompatOptions::RUN_DIR.into());
        let usual = CompatOptions::at(run_dir);
        let port = |said: Option<NonZeroU16>, usual: u16| said.map_or(usual, NonZeroU16::get);
        CompatOptions {
            config_dir: self.config_dir.clone().unwrap_or(usual.config_dir),
            ports: port(self.port_first, *usual.ports.start())
                ..=port(self.port_last, *usual.ports.end()),
            owners_only: self.owners_only.unwrap_or(usual.owners_only),
            ..usual
        }
    }

    /// What is wrong with keys that are right by themselves.
    pub(crate) fn fault(&self) -> Option<String> {
        let ports = self.effective().ports;
        ports.is_empty().then(|| {
            let (first, last) = (ports.start(), ports.end());
            format!("compat.port_first is {first}, and compat.port_last is {last}, below it")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_not_said_is_as_with_that_agent() {
        let said: Compat = toml::from_str("enabled = true").unwrap();
        let usual = CompatOptions::at(CompatOptions::RUN_DIR.into());
        assert_eq!(said.options(), Some(usual));
        assert_eq!(Compat::default().options(), None);
        assert_eq!(toml::from_str::<Compat>("enabled = false").unwrap().options(), None);
    }

    #[test]
    fn all_that_is_said_is_kept() {
        let text = "enabled = true\nowners_only = true\nrun_dir = \"/r\"\nconfig_dir = \"/c\"\n\
                    port_first = 1\nport_last = 2";
        let options = toml::from_str::<Compat>(text).unwrap().options().unwrap();
        assert!(options.owners_only);
        assert_eq!((options.run_dir.as_path(), options.ports), (Path::new("/r"), 1..=2));
        assert_eq!(options.config_dir.as_path(), Path::new("/c"));
    }

    #[test]
    fn ports_go_upwards() {
        let fault = |text| toml::from_str::<Compat>(text).unwrap().fault();
        assert_eq!(fault(""), None);
        assert_eq!(fault("port_first = 60999"), None);
        assert!(fault("port_first = 61000").unwrap().contains("port_last is 60999"));
        assert!(fault("port_last = 49999").unwrap().contains("port_first is 50000"));
    }
}
