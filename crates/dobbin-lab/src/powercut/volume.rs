//! A small file system of our own whose power can be cut.
//!
//! A file is mounted through a loop device. The cut is the kernel's own: `FS_IOC_SHUTDOWN` with
//! "no log flush" makes the file system forget at once whatever did not reach the disk, as a machine
//! without power does, and mounting it again replays its journal. What was flushed is there, and
//! what was not is there or is not.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Which file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FileSystem {
    /// The one that most machines have.
    Ext4,
    /// The other large one, which allocates late and writes sizes last.
    Xfs,
}

impl FileSystem {
    /// Its name to `mount`.
    fn name(self) -> &'static str {
        match self {
            FileSystem::Ext4 => "ext4",
            FileSystem::Xfs => "xfs",
        }
    }

    /// The program that makes one, and what it is to be told. The journal is as small as it may be: it
    /// is read anew after every cut.
    pub(super) fn maker(self) -> (&'static str, &'static [&'static str]) {
        match self {
            FileSystem::Ext4 => ("mkfs.ext4", &["-q", "-F", "-J", "size=8"]),
            FileSystem::Xfs => ("mkfs.xfs", &["-q", "-f"]),
        }
    }
}

/// Bytes of the file that holds a volume; written only where something is. An xfs must be so large.
const VOLUME_BYTES: u64 = 384 * 1024 * 1024;

/// Tells the file system at the path to shut down: `_IOR('X', 125, __u32)` with flag 2
/// (`linux/fs.h`, "no log flush"; xfs has the same number).
///
/// In Perl, because an ioctl by number is `unsafe` in Rust, which the house allows in the product's
/// own `platform` alone, and a power switch has no place there. Perl is part of every Debian.
const CUT: &str = r#"
    open(my $there, "<", $ARGV[0]) or die "$ARGV[0]: $!";
    my $flag = pack("L", 2);
    ioctl($there, 0x8004587D, $flag) or die "shutdown: $!";
"#;

/// A mounted volume. Unmounted when it is dropped; its loop device goes with its last mount, and its
/// mounts go with the process, because that has a mount namespace of its own.
#[derive(Debug)]
pub(super) struct Volume {
    image: PathBuf,
    mount: PathBuf,
    kind: FileSystem,
}

impl Volume {
    /// Makes one in `folder` and mounts it there.
    pub(super) fn make(folder: &Path, name: &str, kind: FileSystem) -> Result<Volume> {
        let image = folder.join(format!("{name}.img"));
        let mount = folder.join(name);
        File::create(&image)?.set_len(VOLUME_BYTES)?;
        std::fs::create_dir(&mount)?;
        let (maker, words) = kind.maker();
        call(Command::new(maker).args(words).arg(&image))?;
        let volume = Volume { image, mount, kind };
        volume.mount()?;
        Ok(volume)
    }

    /// Where it is to be seen.
    pub(super) fn path(&self) -> &Path {
        &self.mount
    }

    /// Cuts its power, and gives it back.
    pub(super) fn cut(&self) -> Result<()> {
        call(Command::new("perl").args(["-e", CUT]).arg(&self.mount))?;
        self.unmount()?;
        self.mount()
    }

    fn mount(&self) -> Result<()> {
        let kind = self.kind.name();
        call(
            Command::new("mount").args(["-t", kind, "-o", "loop"]).args([&self.image, &self.mount]),
        )
    }

    fn unmount(&self) -> Result<()> {
        call(Command::new("umount").arg(&self.mount))
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Not mounted any more after a cut that failed: then there is nothing to do.
        let _ = self.unmount();
    }
}

/// Runs a program to its end.
fn call(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_owned();
    let ended = command.output().with_context(|| format!("cannot run {}", name.display()))?;
    if !ended.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&ended.stderr).trim());
    }
    Ok(())
}
