//! One store, one origin, some folders, and the jobs of a client: what an agent lives on from kill to
//! kill.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::Result;
use dobbin_store::durable;
use dobbin_types::rest::AddFile;
use dobbin_types::{ByteRange, FileNumber};

use super::agent::Setup;
use super::blow::Ground;
use super::job::{Job, Wanted};
use super::refetch::Accounts;
use super::served::{Library, Served};
use crate::chance::Chance;
use crate::origin::{Origin, Plan};

/// A group that nobody is in, for a folder that hands its group on.
const STRANGE_GROUP: u32 = 54_321;

/// What an agent lives on.
#[derive(Debug)]
pub(crate) struct World<'a> {
    pub(crate) setup: Setup,
    pub(super) origin: Origin,
    pub(crate) jobs: Vec<Job>,
    pub(super) accounts: Accounts,
    /// Where files go: on the store's file system, on another one, and where they must be copied.
    pub(super) folders: Vec<PathBuf>,
    /// Jobs ever created.
    pub(super) jobs_count: u64,
    /// Files of jobs that are over and that stand under their names.
    pub(super) delivered: BTreeSet<PathBuf>,
    pub(super) delivered_bytes: u64,
    /// Jobs are completed whether or not they are transferred.
    pub(super) completes_early: bool,
    library: &'a Library,
    /// What its clients ask for: some of the library, so that each world has weaknesses of its own.
    wanted: Vec<&'a Served>,
    files_count: u64,
    /// Removed with the world, unless it is kept.
    ground: Ground,
}

impl<'a> World<'a> {
    pub(super) fn new(
        program: &Path,
        ground: Ground,
        library: &'a Library,
        chance: &mut Chance,
    ) -> Result<World<'a>> {
        let plan = library
            .files()
            .iter()
            .fold(Plan::new(), |plan, served| plan.route(&served.path, served.route(chance)));
        let wanted_count = chance.within(1..library.files().len() as u64);
        let wanted = (0..wanted_count).filter_map(|_| chance.pick(library.files())).collect();
        let folder = ground.here.path();
        let near = folder.join("near");
        fs::create_dir(&near)?;
        let mut folders = vec![near];
        folders.extend(folder_with_strange_group(folder)?);
        folders.extend(ground.elsewhere.as_ref().map(|folder| folder.path().to_path_buf()));
        // They are there before the agent is, whatever becomes of the machine.
        for folder in folders.iter().map(PathBuf::as_path).chain([folder]) {
            durable::flush_parent(folder)?;
        }
        Ok(World {
            setup: Setup {
                log: ground.log.clone(),
                ..Setup::in_folder(program.to_path_buf(), folder)
            },
            origin: Origin::start(plan),
            jobs: Vec::new(),
            accounts: Accounts::default(),
            folders,
            jobs_count: 0,
            delivered: BTreeSet::new(),
            delivered_bytes: 0,
            completes_early: chance.one_in(3),
            library,
            wanted,
            files_count: 0,
            ground,
        })
    }

    /// A file that nobody wanted before, to a name that nobody used before.
    pub(super) fn want(&mut self, chance: &mut Chance) -> Wanted {
        let served = *chance.pick(&self.wanted).expect("something is wanted");
        self.files_count += 1;
        let number = self.files_count;
        let folder = chance.pick(&self.folders).expect("there is a folder near the store");
        let path = folder.join(format!("file-{number}"));
        let ranges = if chance.one_in(5) { ranges(served, chance) } else { Vec::new() };
        let is_one = served.versions.len() == 1 && ranges.is_empty();
        let is_hashed = is_one && chance.one_in(3);
        let add = AddFile {
            // The query makes the origin's record tell transfers apart.
            remote_name: self.origin.url(&format!("{}?{number}", served.path)),
            local_name: Some(path.display().to_string()),
            sha256: is_hashed.then(|| served.sha256()),
            size: (served.resumes && chance.one_in(4)).then(|| served.size()),
            ranges: ranges.clone(),
            ..AddFile::default()
        };
        Wanted {
            add,
            path,
            results: served.results(&ranges),
            counts: served.resumes && ranges.is_empty(),
            found_finished: false,
        }
    }

    /// From now on the origin does what it should, as fast as it can.
    pub(super) fn heal(&self) {
        for served in self.library.files() {
            self.origin.set(&served.path, served.healed());
        }
    }

    /// The file whose requests carry this target.
    pub(super) fn of_target(&self, target: &str) -> Option<(&Job, FileNumber, &Wanted)> {
        self.jobs.iter().find_map(|job| {
            let numbered = job.files.iter().zip((0_u32..).map(FileNumber));
            let (file, number) =
                numbered.into_iter().find(|(file, _)| file.add.remote_name.ends_with(target))?;
            Some((job, number, file))
        })
    }

    /// Whether what was not flushed is lost with the agent.
    pub(super) fn loses_unflushed(&self) -> bool {
        self.ground.loses_unflushed
    }

    /// Whether it is no promise that this file beside a destination is gone when its job is over: the
    /// note of it was not flushed, and may have gone with the power (`dobbin_store`, "beside"). It
    /// costs space.
    pub(super) fn may_stay(&self, path: &Path) -> bool {
        self.ground.loses_unflushed && path.extension().is_some_and(|extension| extension == "part")
    }

    /// Leaves everything where it is, for somebody to look at.
    pub(super) fn keep(self) -> Vec<PathBuf> {
        let folders = [Some(self.ground.here), self.ground.elsewhere];
        folders.into_iter().flatten().map(tempfile::TempDir::keep).collect()
    }
}

/// Two stretches of the file that share a piece of the local one; none where that cannot be.
fn ranges(served: &Served, chance: &mut Chance) -> Vec<ByteRange> {
    if !served.joins || served.size() < 600_000 {
        return Vec::new();
    }
    let half = served.size() / 2;
    let stretch = |offset| ByteRange { offset, length: Some(half - 100_000) };
    vec![stretch(chance.within(0..100_000)), stretch(half + chance.within(0..100_000))]
}

/// A folder whose new files get a group of its own, so that a staging file cannot simply be renamed
/// into it; nothing where only root could make one.
fn folder_with_strange_group(folder: &Path) -> Result<Option<PathBuf>> {
    let path = folder.join("grouped");
    fs::create_dir(&path)?;
    if chown(&path, None, Some(STRANGE_GROUP)).is_err() {
        fs::remove_dir(&path)?;
        return Ok(None);
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o2755))?;
    Ok(Some(path))
}
