//! What the configuration files of Microsoft's agent say, put into effect while this agent runs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use dobbin_engine::{CacheHosts, CacheSettings, Fallback, Handle};

use super::admin_config::Understood;
use super::config_files::ConfigFiles;

/// Faults of one list of hosts that are told; the rest are passed over without a word.
const FAULTS_TOLD_MAX: usize = 8;

/// The files, and what comes before them.
#[derive(Debug)]
pub(crate) struct Administration {
    files: ConfigFiles,
    /// The cache hosts of the command line; where there is one, those of the files do not count.
    named: CacheSettings,
    remote: RemoteRule,
}

/// Whether callers whose own address is not a loopback one are refused
/// (`RestControllerValidateRemoteAddr`): they are, unless the administrator says otherwise. Cheap to
/// clone; clones are the same, and change with the file.
#[derive(Debug, Clone)]
pub(crate) struct RemoteRule(Arc<AtomicBool>);

impl RemoteRule {
    /// Whether they are refused now.
    pub(crate) fn refuses(&self) -> bool {
        // Nothing else is read on the strength of this value.
        self.0.load(Ordering::Relaxed)
    }
}

impl Administration {
    /// What the files in `folder` say, unless cache hosts are `named` already. Blocks for two small
    /// reads.
    pub(crate) fn read(folder: &Path, named: CacheSettings) -> Administration {
        let files = ConfigFiles::read(folder, Instant::now());
        let remote = RemoteRule(Arc::new(files.validates_remote().into()));
        Administration { files, named, remote }
    }

    /// Who is refused for the address that they come from, now and from then on.
    pub(crate) fn remote(&self) -> RemoteRule {
        self.remote.clone()
    }

    /// The cache hosts that hold now. What is not understood of the files is left out, and somebody
    /// is told.
    pub(crate) fn cache_hosts(&self) -> CacheSettings {
        if !self.named.hosts.is_empty() {
            return self.named.clone();
        }
        let (hosts, fallback_seconds) = self.files.cache();
        let Understood { config, faults } = understood(hosts, fallback_seconds);
        for fault in faults {
            tracing::warn!(fault, "a setting of cache hosts is passed over");
        }
        config
    }

    /// When the files are to be looked at again.
    pub(crate) fn due(&self) -> Instant {
        self.files.due()
    }

    /// Looks at the files again, if that is due, and has the engine follow them. Blocks as
    /// [`Administration::read`] does.
    pub(crate) fn look(&mut self, now: Instant, engine: &Handle) {
        let is_changed = self.files.look(now);
        self.follow(is_changed, engine);
    }

    /// Reads the administrator's file at once, because somebody asks for it.
    pub(crate) fn reload(&mut self, engine: &Handle) {
        let is_changed = self.files.reload_admin();
        tracing::info!(is_changed, "configuration read again");
        self.follow(is_changed, engine);
    }

    fn follow(&self, is_changed: bool, engine: &Handle) {
        if is_changed {
            self.remote.0.store(self.files.validates_remote(), Ordering::Relaxed);
            let settings = self.cache_hosts();
            tracing::info!(hosts_count = settings.hosts.as_slice().len(), "cache hosts set");
            engine.set_cache_hosts(settings);
        }
    }
}

/// The cache hosts of a list with commas, and when their origins are asked.
fn understood(hosts: &str, fallback_seconds: Option<i64>) -> Understood<CacheSettings> {
    let (mut list, mut faults) = (CacheHosts::default(), Vec::new());
    let mut text = String::new();
    // One after the other: a host that makes no sense does not spoil the rest of the list.
    for host in hosts.split(',') {
        let longer = format!("{text},{host}");
        match longer.parse() {
            Ok(hosts) => (list, text) = (hosts, longer),
            Err(fault) => faults.push(fault.to_string()),
        }
        if faults.len() == FAULTS_TOLD_MAX {
            break;
        }
    }
    let fallback = fallback_seconds.map(|seconds| {
        Fallback::from_seconds(seconds).unwrap_or_else(|| {
            faults.push(format!("{seconds} is no delay in seconds, and counts as not there"));
            Fallback::default()
        })
    });
    let config = CacheSettings { hosts: list, fallback: fallback.unwrap_or_default() };
    Understood { config, faults }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_command_line_comes_before_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"DOCacheHost": "b", "DODelayCacheServerFallbackBackground": -1}"#;
        fs::write(folder.path().join("admin-config.json"), text).unwrap();
        let of_files = Administration::read(folder.path(), CacheSettings::default()).cache_hosts();
        assert_eq!(of_files, understood("b", Some(-1)).config);
        let named = understood("a", Some(5)).config;
        let of_line = Administration::read(folder.path(), named.clone()).cache_hosts();
        assert_eq!(of_line, named);
    }

    /// conformance: rest remote-switch
    #[test]
    fn callers_from_elsewhere_are_refused_unless_the_file_says_otherwise() {
        for (text, expect) in [
            ("{}", true),
            (r#"{"RestControllerValidateRemoteAddr": "true"}"#, true),
            (r#"{"RestControllerValidateRemoteAddr": false}"#, false),
            (r#"{"RestControllerValidateRemoteAddr": "no"}"#, true),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("admin-config.json"), text).unwrap();
            let administration = Administration::read(folder.path(), CacheSettings::default());
            assert_eq!(administration.remote().refuses(), expect, "{text}");
        }
    }

    #[track_caller]
    fn check(hosts: &str, expect: &[&str], faults_count: usize) {
        let Understood { config, faults } = understood(hosts, None);
        let got: Vec<String> = config.hosts.as_slice().iter().map(ToString::to_string).collect();
        assert_eq!(
            (got.iter().map(String::as_str).collect::<Vec<_>>(), faults.len()),
            (expect.to_vec(), faults_count),
            "{hosts:?}: {faults:?}"
        );
    }

    /// conformance: rest admin-config
    #[test]
    fn a_list_is_split_and_trimmed_and_loses_only_what_makes_no_sense() {
        check("", &[], 0);
        check("   ", &[], 0);
        check("cache", &["cache"], 0);
        check(" a , b:8080,,[::1]:81 ", &["a", "b:8080", "[::1]:81"], 0);
        check("a,http://b/,c", &["a", "c"], 1);
        check("a b", &[], 1);
        check(&"a b,".repeat(100), &[], FAULTS_TOLD_MAX);
    }

    #[test]
    fn a_list_that_is_too_long_keeps_its_beginning() {
        let names: Vec<String> = (0..17).map(|number| format!("c{number}")).collect();
        let expect: Vec<&str> = names[..16].iter().map(String::as_str).collect();
        check(&names.join(","), &expect, 1);
    }

    /// conformance: rest admin-config
    #[test]
    fn a_delay_is_a_number_of_seconds_or_never() {
        for (seconds, expect, faults_count) in [
            (None, Fallback::AtOnce, 0),
            (Some(0), Fallback::AtOnce, 0),
            (Some(60), Fallback::After(Duration::from_secs(60)), 0),
            (Some(-1), Fallback::Never, 0),
            (Some(-2), Fallback::AtOnce, 1),
            (Some(i64::MAX), Fallback::AtOnce, 1),
        ] {
            let Understood { config, faults } = understood("a", seconds);
            assert_eq!((config.fallback, faults.len()), (expect, faults_count), "{seconds:?}");
        }
    }
}
