//! The configuration files of Microsoft's agent, looked at again and again while the agent runs.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::admin_config::{AdminConfig, FileConfig, SdkConfig, Understood};

/// How long what was read counts, before it is looked whether the files say something else. That
/// agent's figure.
pub(crate) const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Bytes of such a file at most.
const CONFIG_BYTES_MAX: u64 = 1024 * 1024;

/// The file of the administrator.
const ADMIN_FILE: &str = "admin-config.json";

/// The file of programs.
const SDK_FILE: &str = "sdk-config.json";

/// Both files, and what was last understood of them.
///
/// A file that cannot be read or understood leaves everything as it was before it was spoilt, and
/// somebody is told, once for each different reason; one that is gone says nothing any more.
#[derive(Debug)]
pub(crate) struct ConfigFiles {
    admin: Watched<AdminConfig>,
    sdk: Watched<SdkConfig>,
    due: Instant,
}

impl ConfigFiles {
    /// The files in this folder, read as of `now`. Blocks for two small reads; so do the others.
    pub(crate) fn read(folder: &Path, now: Instant) -> ConfigFiles {
        let mut files = ConfigFiles {
            admin: Watched::at(folder.join(ADMIN_FILE)),
            sdk: Watched::at(folder.join(SDK_FILE)),
            due: now,
        };
        files.look(now);
        files
    }

    /// When the next look is due.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Reads both files again, if that is due, and says whether anything changed.
    pub(crate) fn look(&mut self, now: Instant) -> bool {
        if now < self.due {
            return false;
        }
        self.due = now + LOOK_AGAIN_AFTER;
        // Both of them, whatever became of the first.
        self.admin.read() | self.sdk.read()
    }

    /// Reads the administrator's file at once, and says whether anything changed (`SIGHUP`).
    pub(crate) fn reload_admin(&mut self) -> bool {
        self.admin.read()
    }

    /// The cache hosts as a list with commas, and the seconds before an origin is asked where they
    /// fail. What the administrator says of hosts, blank included, comes before a device's gateway.
    pub(crate) fn cache(&self) -> (&str, Option<i64>) {
        let AdminConfig { cache_host, fallback_seconds, .. } = &self.admin.config;
        let hosts = cache_host.as_deref().or(self.sdk.config.gateway.as_deref());
        (hosts.unwrap_or_default(), *fallback_seconds)
    }

    /// Whether callers whose own address is not a loopback one are refused: they are, unless the
    /// administrator says otherwise.
    pub(crate) fn validates_remote(&self) -> bool {
        self.admin.config.validate_remote.unwrap_or(true)
    }
}

/// A file, and what was last understood of it.
#[derive(Debug)]
struct Watched<T> {
    path: PathBuf,
    config: T,
    /// What was last wrong with it, and has been told.
    told: String,
}

impl<T: FileConfig + PartialEq> Watched<T> {
    fn at(path: PathBuf) -> Watched<T> {
        Watched { path, config: T::default(), told: String::new() }
    }

    /// Reads it, and says whether it says something else than before.
    fn read(&mut self) -> bool {
        let understood = match contents(&self.path) {
            Ok(Some(text)) => T::read(&text),
            Ok(None) => Ok(Understood { config: T::default(), faults: Vec::new() }),
            Err(error) => Err(error.to_string()),
        };
        match understood {
            Ok(Understood { config, faults }) => {
                self.tell(faults.join("; "), "a setting is not understood");
                let is_changed = config != self.config;
                self.config = config;
                is_changed
            }
            Err(fault) => {
                self.tell(fault, "a configuration file is not understood, so its last one holds");
                false
            }
        }
    }

    /// Logs what is wrong, unless the same was wrong the last time.
    fn tell(&mut self, fault: String, message: &'static str) {
        if fault != self.told && !fault.is_empty() {
            tracing::warn!(file = %self.path.display(), fault, "{message}");
        }
        self.told = fault;
    }
}

/// The bytes of a file; `None` where there is none.
fn contents(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match path.metadata() {
        Ok(found) if found.is_file() => {}
        // A pipe in its place would have us wait for whoever writes into it.
        Ok(_) => return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut text = Vec::new();
    let file = File::open(path)?;
    file.take(CONFIG_BYTES_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 1 MiB"));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder with files, and a clock that nobody waits for.
    struct Stage {
        folder: tempfile::TempDir,
        now: Instant,
        files: ConfigFiles,
    }

    impl Stage {
        fn with(admin: Option<&str>, sdk: Option<&str>) -> Stage {
            let (folder, now) = (tempfile::tempdir().unwrap(), Instant::now());
            let mut stage = Stage { files: ConfigFiles::read(folder.path(), now), folder, now };
            stage.put(ADMIN_FILE, admin);
            stage.put(SDK_FILE, sdk);
            stage.files = ConfigFiles::read(stage.folder.path(), now);
            stage
        }

        fn put(&self, name: &str, text: Option<&str>) {
            let path = self.folder.path().join(name);
            match text {
                Some(text) => fs::write(path, text).unwrap(),
                None => drop(fs::remove_file(path)),
            }
        }

        /// Looks at the files so much later.
        fn look_after(&mut self, wait: Duration) -> bool {
            self.now += wait;
            self.files.look(self.now)
        }
    }

    const MOMENT: Duration = Duration::from_millis(1);

    #[test]
    fn without_files_nothing_is_said() {
        let stage = Stage::with(None, None);
        assert_eq!(stage.files.cache(), ("", None));
        let nowhere = ConfigFiles::read(Path::new("/nonexistent/folder"), Instant::now());
        assert_eq!(nowhere.cache(), ("", None));
    }

    #[test]
    fn the_administrators_host_comes_before_the_gateway_and_blank_is_a_host() {
        let sdk = Some(r#"{"ADUC_IoTConnectionString": "GatewayHostName=gw"}"#);
        for (admin, expect) in [
            (None, "gw"),
            (Some("{}"), "gw"),
            (Some(r#"{"DOCacheHost": "cache"}"#), "cache"),
            (Some(r#"{"DOCacheHost": ""}"#), ""),
        ] {
            assert_eq!(Stage::with(admin, sdk).files.cache().0, expect, "{admin:?}");
        }
    }

    /// conformance: rest look-again
    #[test]
    fn a_change_counts_after_a_minute_and_not_before() {
        let mut stage = Stage::with(None, None);
        stage.put(ADMIN_FILE, Some(r#"{"DOCacheHost": "a"}"#));
        assert!(!stage.look_after(LOOK_AGAIN_AFTER - MOMENT));
        assert_eq!(stage.files.cache().0, "");
        assert!(stage.look_after(MOMENT));
        assert_eq!(stage.files.cache().0, "a");
        // The minute begins anew with each look, whatever was found.
        assert_eq!(stage.files.due(), stage.now + LOOK_AGAIN_AFTER);
        assert!(!stage.look_after(LOOK_AGAIN_AFTER), "nothing changed");
    }

    /// conformance: rest look-again
    #[test]
    fn a_spoilt_file_changes_nothing_and_a_deleted_one_says_nothing_any_more() {
        let mut stage = Stage::with(
            Some(r#"{"DOCacheHost": "a", "RestControllerValidateRemoteAddr": false}"#),
            Some(r#"{"ADUC_IoTConnectionString": "GatewayHostName=gw"}"#),
        );
        for spoilt in ["", "{", "[]", "{\"DOCacheHost\": \"b\""] {
            stage.put(ADMIN_FILE, Some(spoilt));
            assert!(!stage.look_after(LOOK_AGAIN_AFTER), "{spoilt}");
            assert_eq!(
                (stage.files.cache().0, stage.files.admin.config.validate_remote),
                ("a", Some(false))
            );
            assert!(!stage.files.admin.told.is_empty(), "{spoilt}");
        }
        stage.put(ADMIN_FILE, Some(&" ".repeat(CONFIG_BYTES_MAX as usize + 1)));
        assert!(!stage.look_after(LOOK_AGAIN_AFTER));
        assert!(stage.files.admin.told.contains("longer"), "{}", stage.files.admin.told);
        stage.put(ADMIN_FILE, None);
        assert!(stage.look_after(LOOK_AGAIN_AFTER));
        assert_eq!((stage.files.cache().0, stage.files.admin.config.validate_remote), ("gw", None));
        stage.put(SDK_FILE, None);
        assert!(stage.look_after(LOOK_AGAIN_AFTER));
        assert_eq!(stage.files.cache().0, "");
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_is_not_read() {
        let mut stage = Stage::with(Some(r#"{"DOCacheHost": "a"}"#), None);
        stage.put(ADMIN_FILE, None);
        fs::create_dir(stage.folder.path().join(ADMIN_FILE)).unwrap();
        assert!(!stage.look_after(LOOK_AGAIN_AFTER));
        assert_eq!(stage.files.cache().0, "a");
    }

    #[test]
    fn a_hangup_reads_the_administrators_file_at_once_and_only_that() {
        let mut stage = Stage::with(None, None);
        stage.put(SDK_FILE, Some(r#"{"ADUC_IoTConnectionString": "GatewayHostName=gw"}"#));
        stage.put(ADMIN_FILE, Some(r#"{"DODelayCacheServerFallbackBackground": "30"}"#));
        assert!(stage.files.reload_admin());
        assert_eq!(stage.files.cache(), ("", Some(30)));
        assert!(!stage.files.reload_admin(), "nothing changed");
        assert!(stage.look_after(LOOK_AGAIN_AFTER));
        assert_eq!(stage.files.cache(), ("gw", Some(30)));
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        for path in [pipe.as_path(), folder.path(), Path::new("/dev/zero")] {
            let error = contents(path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{}", path.display());
        }
    }
}
