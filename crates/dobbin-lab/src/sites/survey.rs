//! Which sites a life has.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use dobbin_types::JobId;

use super::life::Life;

/// The calls that change what is on the disk, and those that make it last.
pub(super) const CALLS: &str = "openat,mkdir,write,pwrite64,pwritev2,fsync,fdatasync,syncfs,sync_file_range,rename,\
                                renameat,renameat2,link,unlink,unlinkat,rmdir,ftruncate,fallocate,fchmod,\
                                utimensat,copy_file_range";

/// The third part of a life begins here: everything before is the second, or the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// From the agent's first step until it answers.
    Start,
    /// While jobs are created.
    Create,
    /// Everything else, to the agent's last step.
    Work,
}

impl Part {
    const ALL: [Part; 3] = [Part::Start, Part::Create, Part::Work];
}

/// A file or folder, by what it is for: ids differ from life to life.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// At this path below the life's folder.
    At(PathBuf),
    /// At this path below the folder of the job with this place in the story.
    Of(usize, PathBuf),
}

/// A call before which the agent can be killed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Site {
    pub(super) part: Part,
    pub(super) target: Target,
    pub(super) call: String,
    /// Which one of these calls, from 1.
    pub(super) nth: usize,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Site { part, target, call, nth } = self;
        write!(f, "{part:?}, {call} number {nth} on {target:?}")
    }
}

/// Watches one life for each of its parts, and says which sites it has.
pub(super) fn sites(program: &Path) -> Result<Vec<Site>> {
    let mut sites = Vec::new();
    for part in Part::ALL {
        let mut life = Life::new(program)?;
        let lines = life.watch(part)?;
        let mut counts: BTreeMap<(String, String, Target), usize> = BTreeMap::new();
        for line in &lines {
            let Some((thread, call, path)) = read(line, life.folder()) else { continue };
            let Some(target) = target(&path, life.folder(), life.ids()) else { continue };
            *counts.entry((thread, call, target)).or_default() += 1;
        }
        // A count is reached by whichever thread is first; the most that any has made are all there are.
        let mut most: BTreeMap<(String, Target), usize> = BTreeMap::new();
        for ((_, call, target), count) in counts {
            let known = most.entry((call, target)).or_default();
            *known = (*known).max(count);
        }
        for ((call, target), count) in most {
            let site = |nth| Site { part, call: call.clone(), target: target.clone(), nth };
            sites.extend((1..=count).map(site));
        }
    }
    Ok(sites)
}

/// A line of the tracer's: the thread, the call, and the first path in it that is ours.
fn read(line: &str, folder: &Path) -> Option<(String, String, PathBuf)> {
    let (thread, rest) = line.split_once(' ')?;
    let (call, arguments) = rest.trim_start().split_once('(')?;
    let is_name = call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name {
        return None;
    }
    let folder = folder.to_str()?;
    let at = arguments.find(folder)?;
    let end = arguments[at..].find(['"', '>']).map(|length| at + length)?;
    Some((thread.to_owned(), call.to_owned(), PathBuf::from(&arguments[at..end])))
}

/// What a path is for; `None` for what may be lost, and for what is nobody's.
fn target(path: &Path, folder: &Path, ids: &[JobId]) -> Option<Target> {
    let below = path.strip_prefix(folder).ok()?;
    // The log of the agent, its socket, and the index of the journal's log, which is made anew.
    let is_nothing = below.starts_with("agent.log")
        || below.starts_with("api.sock")
        || below.as_os_str().is_empty()
        || below.to_str().is_none_or(|text| text.ends_with("-shm"));
    if is_nothing {
        return None;
    }
    let of_job = ids.iter().enumerate().find_map(|(place, id)| {
        let rest = below.strip_prefix(Path::new("state/staging").join(id.to_string())).ok()?;
        Some(Target::Of(place, rest.to_path_buf()))
    });
    Some(of_job.unwrap_or_else(|| Target::At(below.to_path_buf())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_by_the_first_path_that_is_ours() {
        let folder = Path::new("/tmp/life");
        for (line, expect) in [
            (
                r#"7 openat(AT_FDCWD</work>, "/tmp/life/state/lock", O_RDWR|O_CREAT, 0600) = 9"#,
                Some(("openat", "state/lock")),
            ),
            (
                r#"7  fsync(12</tmp/life/state/journal.db-wal>) = 0"#,
                Some(("fsync", "state/journal.db-wal")),
            ),
            (r#"7 rename("/tmp/life/a", "/tmp/life/b" <unfinished ...>"#, Some(("rename", "a"))),
            (r#"7 <... rename resumed>) = 0"#, None),
            (r#"7 write(2</tmp/other>, "x", 1) = 1"#, None),
            ("7 +++ killed by SIGKILL +++", None),
        ] {
            let found = read(line, folder);
            let found = found
                .as_ref()
                .map(|(_, call, path)| (call.as_str(), path.strip_prefix(folder).unwrap()));
            assert_eq!(found, expect.map(|(call, path)| (call, Path::new(path))), "{line}");
        }
    }

    #[test]
    fn what_is_for_a_job_is_known_by_the_jobs_place_in_the_story() {
        let (folder, id) = (Path::new("/l"), JobId::from_bytes([7; 16]));
        let at = |path: String| target(Path::new(&path), folder, &[id]);
        assert_eq!(
            at(format!("/l/state/staging/{id}/0.have")),
            Some(Target::Of(0, "0.have".into()))
        );
        assert_eq!(at("/l/state/journal.db".into()), Some(Target::At("state/journal.db".into())));
        for nothing in ["/l", "/l/agent.log", "/l/state/journal.db-shm", "/elsewhere"] {
            assert_eq!(at(nothing.into()), None, "{nothing}");
        }
    }
}
