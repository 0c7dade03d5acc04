//! On what the figures were measured.

use std::fmt;
use std::fs;
use std::path::Path;
use std::thread;

/// Facts without which figures mean nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    cpu: String,
    cores_count: usize,
    kernel: String,
    file_system: String,
}

impl Machine {
    /// This machine, and the file system that `folder` lies on. What the system does not say is
    /// called unknown.
    pub(super) fn of(folder: &Path) -> Machine {
        let unknown = || "unknown".to_owned();
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let kernel = read("/proc/sys/kernel/osrelease").trim().to_owned();
        Machine {
            cpu: cpu_model(&read("/proc/cpuinfo")).unwrap_or_else(unknown),
            cores_count: thread::available_parallelism().map_or(1, usize::from),
            kernel: if kernel.is_empty() { unknown() } else { kernel },
            file_system: file_system(&read("/proc/self/mounts"), &folder).unwrap_or_else(unknown),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cpu, cores_count, kernel, file_system } = self;
        write!(f, "{cpu}, {cores_count} cores, Linux {kernel}, files on {file_system}")
    }
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The type of the mount that `folder` lies in: the longest mount point that leads to it, the
/// latest of those if one was mounted over another.
fn file_system(mounts: &str, folder: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let around = mounts.filter(|(point, _)| folder.starts_with(point));
    around.max_by_key(|(point, _)| point.len()).map(|(_, kind)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_system_is_that_of_the_nearest_mount() {
        let mounts = "/dev/a / ext4 rw 0 0\nnone /tmp tmpfs rw 0 0\nb /tmp/x xfs rw 0 0\n\
                      c /tmp/x btrfs rw 0 0\n";
        for (folder, kind) in
            [("/home", "ext4"), ("/tmp/y", "tmpfs"), ("/tmp/x/y", "btrfs"), ("/tmpfoo", "ext4")]
        {
            assert_eq!(file_system(mounts, Path::new(folder)).as_deref(), Some(kind), "{folder}");
        }
    }

    #[test]
    fn the_processor_is_the_first_one_named() {
        let cpuinfo = "processor : 0\nmodel name\t: Fast One\nmodel name\t: Other\n";
        assert_eq!(cpu_model(cpuinfo).as_deref(), Some("Fast One"));
        assert_eq!(cpu_model("processor : 0"), None);
    }
}
