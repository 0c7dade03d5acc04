//! A configuration for whoever wants to see it: each key with its value, and where that is from.

use serde::Serialize;
use serde_json::{Value, json};

use super::Config;

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Setting {
    /// Its name, with that of its table before it.
    pub(crate) key: &'static str,
    /// What holds; `null` where there is no limit.
    pub(crate) value: Value,
    /// Whether the file says so; else it is the default.
    pub(crate) is_said: bool,
}

impl Config {
    /// Every key there is.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        // Both are destructured, so that no key is forgotten here.
        let Config { limit_rate, limits, cache, compat } = self;
        let super::Cache { hosts, fallback } = cache;
        let super::Compat { enabled, owners_only, run_dir, config_dir, port_first, port_last } =
            compat;
        let crate::args::LimitArgs {
            max_jobs,
            max_jobs_per_user,
            max_files_per_job,
            max_ranges_per_file,
        } = limits;
        let usual = compat.effective();
        let limit = |key, said: &Option<u32>| setting(key, said.is_some(), json!(said));
        vec![
            setting("limit_rate", limit_rate.is_some(), json!(limit_rate)),
            limit("limits.max_jobs", max_jobs),
            limit("limits.max_jobs_per_user", max_jobs_per_user),
            limit("limits.max_files_per_job", max_files_per_job),
            limit("limits.max_ranges_per_file", max_ranges_per_file),
            setting("cache.hosts", hosts.is_some(), json!(cache.hosts_text())),
            setting("cache.fallback", fallback.is_some(), json!(cache.fallback_text())),
            setting("compat.enabled", enabled.is_some(), json!(compat.options().is_some())),
            setting("compat.owners_only", owners_only.is_some(), json!(usual.owners_only)),
            setting("compat.run_dir", run_dir.is_some(), json!(usual.run_dir.to_string_lossy())),
            setting(
                "compat.config_dir",
                config_dir.is_some(),
                json!(usual.config_dir.to_string_lossy()),
            ),
            setting("compat.port_first", port_first.is_some(), json!(usual.ports.start())),
            setting("compat.port_last", port_last.is_some(), json!(usual.ports.end())),
        ]
    }
}

fn setting(key: &'static str, is_said: bool, value: Value) -> Setting {
    Setting { key, value, is_said }
}
