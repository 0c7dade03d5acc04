//! Small file systems of one's own.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted file system. Unmounted when it is dropped, also by a test that fails.
pub(crate) struct Mount {
    folder: tempfile::TempDir,
    /// What it is mounted from, where that is a file.
    _image: Option<tempfile::NamedTempFile>,
}

impl Mount {
    /// So many MiB in memory; `None`, with a word about it, where we may not mount.
    pub(crate) fn memory(mib: u32) -> Option<Mount> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={mib}m,mode=700");
        let mounted = mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], folder.path());
        mounted.then_some(Mount { folder, _image: None })
    }

    /// An ext4 that turns read-only when it finds an error; `None` as above.
    pub(crate) fn ext4() -> Option<Mount> {
        let image = tempfile::NamedTempFile::new().unwrap();
        image.as_file().set_len(48 << 20).unwrap();
        let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(image.path()).status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: NOT RUN, because there is no mkfs.ext4");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let from = image.path().to_str().unwrap();
        let mounted = mount(&["-t", "ext4", "-o", "loop,errors=remount-ro", from], folder.path());
        mounted.then_some(Mount { folder, _image: Some(image) })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all the space that is left, but for so many bytes.
    pub(crate) fn fill_but(&self, left_bytes: u64) -> PathBuf {
        let path = self.path().join("filler");
        let mut filler = File::create(&path).unwrap();
        for step in [64 * 1024, 512] {
            while filler.write_all(&vec![1; step]).is_ok() {}
        }
        let len = filler.metadata().unwrap().len();
        filler.set_len(len.saturating_sub(left_bytes)).unwrap();
        path
    }

    /// Makes the kernel find an error in it.
    pub(crate) fn spoil(&self) -> bool {
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let ours = self.path().to_str().unwrap();
        let device = mounts.lines().find_map(|line| {
            let mut words = line.split(' ');
            let device = words.next()?;
            (words.next()? == ours).then(|| device.trim_start_matches("/dev/").to_owned())
        });
        let trigger = format!("/sys/fs/ext4/{}/trigger_fs_error", device.unwrap());
        fs::write(trigger, "a test").is_ok()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: an agent that a failed test left running must not keep it.
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

fn mount(words: &[&str], folder: &Path) -> bool {
    let mounted = rustix::process::geteuid().is_root()
        && Command::new("mount")
            .args(words)
            .arg(folder)
            .status()
            .is_ok_and(|ended| ended.success());
    if !mounted {
        eprintln!("SKIPPED: NOT RUN, because it needs the right to mount");
    }
    mounted
}
