//! The file that says at which port we listen. Programs written for Microsoft's agent take the newest
//! file of the folder whose name says so, and read its first line.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::StartError;

/// What names of such files contain.
const SIGN: &str = "restport";

/// Everybody may read it, and nobody has to write it again.
const MODE: u32 = 0o444;

/// The file of this process. Removed when dropped.
#[derive(Debug)]
pub(super) struct PortFile(PathBuf);

impl PortFile {
    /// Removes what others left in `folder`, which is made where there is none, and says there that
    /// the port is this one.
    ///
    /// Nobody ever finds the file empty: it is written under another name first. It is not flushed,
    /// since what it says dies with the machine.
    pub(super) fn write(folder: &Path, port: u16) -> Result<PortFile, StartError> {
        let path = folder.join(format!("{SIGN}.{}", std::process::id()));
        let failed = |what: &'static str| {
            let path = path.clone();
            move |source| StartError::PortFile { what, path, source }
        };
        fs::create_dir_all(folder).map_err(failed("make the folder of"))?;
        remove_others(folder).map_err(failed("look into the folder of"))?;
        let beside = folder.join(format!(".port.{}", std::process::id()));
        write_whole(&beside, port).map_err(failed("write"))?;
        fs::rename(&beside, &path).map_err(failed("name"))?;
        Ok(PortFile(path))
    }
}

impl Drop for PortFile {
    fn drop(&mut self) {
        // Gone already: a next agent removes the files of those before it.
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "port file was left behind");
        }
    }
}

fn write_whole(path: &Path, port: u16) -> io::Result<()> {
    // What a process of the same id left, and which cannot be written to.
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = File::create_new(path)?;
    file.write_all(format!("{port}\n").as_bytes())?;
    // Not with the mode at its creation, of which the umask would take away.
    file.set_permissions(Permissions::from_mode(MODE))
}

/// One that cannot be removed does no harm: ours will be newer.
fn remove_others(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().contains(SIGN)
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::warn!(%error, "port file of another agent cannot be removed");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// conformance: rest port-file
    #[test]
    fn the_file_says_the_port_replaces_all_others_and_goes_with_us() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("deep/run");
        let file = PortFile::write(&folder, 50_007).unwrap();
        drop(file);
        assert!(names(&folder).is_empty());
        let ours = format!("restport.{}", std::process::id());
        for name in ["restport.1", "xrestport", &ours, "other", "restpor"] {
            fs::write(folder.join(name), "1\n").unwrap();
        }
        let file = PortFile::write(&folder, 60_999).unwrap();
        assert_eq!(names(&folder), ["other", "restpor", &ours]);
        assert_eq!(fs::read_to_string(folder.join(&ours)).unwrap(), "60999\n");
        let mode = fs::metadata(folder.join(&ours)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o444);
        // A next agent has removed it meanwhile.
        fs::remove_file(folder.join(&ours)).unwrap();
        drop(file);
        assert_eq!(names(&folder), ["other", "restpor"]);
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named() {
        let home = tempfile::tempdir().unwrap();
        let in_the_way = home.path().join("file");
        fs::write(&in_the_way, "").unwrap();
        let refused = PortFile::write(&in_the_way.join("run"), 1).unwrap_err();
        assert!(refused.to_string().contains("file/run/restport."), "{refused}");
    }
}
