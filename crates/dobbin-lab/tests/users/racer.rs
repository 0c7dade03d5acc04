//! Folders that turn into links, and back, while somebody else's rights are being borrowed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use dobbin_lab::origin::{Content, Origin, Plan};
use dobbin_types::ErrorCode;

use crate::stage::{AGENT, ANN, ROOT, Stage, file, transferred};

/// How often the folder turns into a link and back, at least.
const FLIPS: u32 = 2_000;

/// Everything below a folder, with what is in it.
fn picture(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut seen: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    seen.sort();
    seen
}

/// Turns `folder` into a link to `victim` and back until told to stop, and at least as often as it
/// says above.
fn flip(folder: &Path, victim: &Path, is_over: &AtomicBool, flips_count: &AtomicU32) {
    let aside = folder.with_extension("aside");
    let link = folder.with_extension("link");
    while !is_over.load(Ordering::Relaxed) || flips_count.load(Ordering::Relaxed) < FLIPS {
        symlink(victim, &link).unwrap();
        fs::rename(folder, &aside).unwrap();
        fs::rename(&link, folder).unwrap();
        fs::remove_file(folder).unwrap();
        fs::rename(&aside, folder).unwrap();
        flips_count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Ann's folder turns into a link to a folder of root's while root completes Ann's job, or while she
/// does herself. What lands, lands in her own folder, or not at all.
///
/// conformance: complete administrator
#[test]
fn nothing_lands_where_a_link_leads_that_the_jobs_owner_could_not_write() {
    for caller in [ROOT, ANN] {
        let Some(stage) = Stage::open(AGENT) else { return };
        let victim = stage.folder_of("victim", ROOT, 0o755);
        fs::write(victim.join("file-0"), "precious").unwrap();
        let before = picture(&victim);
        let home = stage.folder_of("home", ANN, 0o700);
        let folder = stage.folder_of("home/folder", ANN, 0o700);
        let content = Content::new(31, 4_096);
        let origin = Origin::start(Plan::new().file("/a", content));
        let ids: Vec<_> = stage.with(ANN, |manager| async move {
            let mut ids = Vec::new();
            for number in 0..40 {
                let to = folder.join(format!("file-{number}"));
                let mut file = file(origin.url("/a"), &to);
                file.replace = true;
                ids.push(transferred(&manager, vec![file]).await.id());
            }
            ids
        });
        let (is_over, flips_count) = (AtomicBool::new(false), AtomicU32::new(0));
        let folder = home.join("folder");
        let codes: Vec<_> = thread::scope(|scope| {
            scope.spawn(|| flip(&folder, &victim, &is_over, &flips_count));
            let codes = stage.with(caller, |manager| async move {
                let mut codes = Vec::new();
                for id in ids {
                    let job = manager.job(id).await.unwrap();
                    codes.push(job.complete().await.map_err(|error| error.code()));
                }
                codes
            });
            is_over.store(true, Ordering::Relaxed);
            codes
        });
        assert!(picture(&victim) == before, "something reached root's folder");
        assert!(flips_count.load(Ordering::Relaxed) >= FLIPS);
        for (number, code) in codes.iter().enumerate() {
            let path = folder.join(format!("file-{number}"));
            match code {
                Ok(outcome) => {
                    assert_eq!(outcome.code, ErrorCode::S_OK);
                    assert!(fs::read(&path).unwrap() == content.all(), "{number}");
                }
                Err(code) => {
                    assert!([ErrorCode::EACCES, ErrorCode::ENOENT].contains(code), "{code:?}");
                    assert!(!path.exists(), "{number}");
                }
            }
        }
        let left: Vec<_> = picture(&folder)
            .into_iter()
            .filter(|(path, _)| path.extension().is_some_and(|extension| extension == "part"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
