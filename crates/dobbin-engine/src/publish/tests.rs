//! Groups of finished files, and who hears what of them.

use std::fs;

use tempfile::TempDir;

use super::*;

const MIB: u64 = 1024 * 1024;

const BOOT: &str = "boot";

fn job() -> JobId {
    JobId::from_bytes([7; 16])
}

/// A file that was finished, or is only said to be so large.
fn item(folder: &Path, number: u32, size: u64) -> Item {
    let number = FileNumber(number);
    Item {
        number,
        place: Place::in_folder(&folder.join("store"), number),
        size,
        layout: None,
        destination: Some(folder.join(number.to_string())),
        replace: false,
        taken_by: None,
        last_modified: None,
        tag: part_tag(job(), number),
    }
}

#[test]
fn files_are_cut_into_as_many_groups_as_go_at_once_and_no_group_is_too_large() {
    let max = GROUP_BYTES_MAX;
    let same = |count: usize, size| vec![size; count];
    for (sizes, expect) in [
        (vec![], vec![]),
        (same(3, 1), vec![1; 3]),
        (same(PUBLISHING_MAX, 1), vec![1; PUBLISHING_MAX]),
        (same(17, 1), vec![3, 3, 3, 3, 3, 2]),
        (same(8 * GROUP_FILES_MAX, 0), vec![GROUP_FILES_MAX; 8]),
        (same(9 * GROUP_FILES_MAX + 6, 1), [vec![GROUP_FILES_MAX; 9], vec![6]].concat()),
        // Those that would hold the others up go by themselves; exactly so much does not.
        (same(16, 40 * MIB), vec![1; 16]),
        (same(16, max / 2), vec![2; 8]),
        (vec![1, max, 1, 1, 2 * max, 1, u64::MAX, u64::MAX, 1], vec![1, 1, 2, 1, 1, 1, 1, 1]),
    ] {
        let items: Vec<Item> =
            (0..).zip(&sizes).map(|(number, size)| item(Path::new("/"), number, *size)).collect();
        let groups = groups(&items);
        let counts: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        assert_eq!(counts, expect, "{sizes:?}");
        let numbers = groups.iter().flat_map(|group| group.iter().map(|item| item.number.0));
        let numbers: Vec<u32> = numbers.collect();
        assert_eq!(numbers, (0..sizes.len() as u32).collect::<Vec<_>>(), "none is lost or moved");
    }
}

/// A job with finished files, and what a loop would hear.
struct Scene {
    folder: TempDir,
    items: Vec<Item>,
}

impl Scene {
    fn of(files_count: u32) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let items = (0..files_count).map(|number| {
            let item = item(folder.path(), number, 5);
            let layout = Staging::layout_of(&item.place, item.size).unwrap();
            let staging = Staging::create(item.place.clone(), layout, BOOT).unwrap();
            staging.write_at(b"whole", 0).unwrap();
            layout.pieces().for_each(|piece| staging.mark_have(piece).unwrap());
            staging.flush().unwrap();
            item
        });
        let items = items.collect();
        Scene { folder, items }
    }

    /// Does `work` beside a loop that does `note` when it is to note intents, which says whether they
    /// are durable. Says also which files the loop was told of, in the order of their numbers.
    fn beside_a_loop<T>(
        &self,
        mut note: impl FnMut(Vec<Intent>) -> bool + Send,
        work: impl FnOnce(&[Item], &SyncSender<Event>) -> T,
    ) -> (T, Vec<u32>) {
        let (inbox, events) = sync_channel(16);
        let listen = move || {
            let mut published = Vec::new();
            for event in events {
                match event {
                    Event::PublishIntended { intents, noted, .. } => {
                        let intents = intents.into_iter().map(|(_, intent)| intent).collect();
                        noted.send(note(intents)).unwrap();
                    }
                    Event::FilesPublished { files, .. } => {
                        published.extend(files.iter().map(|number| number.0));
                    }
                    _ => unreachable!("nothing else is told of publishing"),
                }
            }
            published.sort_unstable();
            published
        };
        thread::scope(|scope| {
            let published = scope.spawn(listen);
            let outcome = work(&self.items, &inbox);
            drop(inbox);
            (outcome, published.join().unwrap())
        })
    }

    fn found(&self, number: u32) -> Option<String> {
        fs::read_to_string(self.folder.path().join(number.to_string())).ok()
    }

    /// Which of the files stand under their names.
    fn shown(&self) -> Vec<u32> {
        let is_shown = |number: &u32| self.found(*number).is_some_and(|text| text == "whole");
        (0..self.items.len() as u32).filter(is_shown).collect()
    }
}

fn all(items: &[Item], inbox: &SyncSender<Event>) -> Option<u32> {
    publish_all(job(), items, BOOT, inbox).map(|(number, _)| number.0)
}

fn group(items: &[Item], inbox: &SyncSender<Event>) -> Vec<u32> {
    let failed = publish_group(job(), items, BOOT, inbox);
    failed.iter().map(|(number, _)| number.0).collect()
}

#[test]
fn every_file_is_shown_after_its_intent_was_noted() {
    let scene = Scene::of(20);
    let nothing_shown = |intents: Vec<Intent>| intents.iter().all(|intent| !intent.to.exists());
    let (failed, told) = scene.beside_a_loop(nothing_shown, all);
    let numbers: Vec<u32> = (0..20).collect();
    assert_eq!((failed, &told, scene.shown()), (None, &numbers, numbers.clone()));
}

#[test]
fn no_file_is_shown_whose_intent_could_not_be_noted() {
    let scene = Scene::of(3);
    let (failed, told) = scene.beside_a_loop(|_| false, all);
    assert!(failed.is_some() && told.is_empty() && scene.shown().is_empty());
}

#[test]
fn only_those_files_suffer_in_whose_way_something_is_at_the_last_moment() {
    let scene = Scene::of(6);
    // Somebody puts files there when all are ready.
    let in_the_way = |intents: Vec<Intent>| {
        for at in [1, 2] {
            fs::write(&intents[at].to, "theirs").unwrap();
        }
        true
    };
    let (failed, told) = scene.beside_a_loop(in_the_way, group);
    assert_eq!((failed, told), (vec![1, 2], vec![0, 3, 4, 5]));
    assert_eq!(scene.shown(), [0, 3, 4, 5]);
    assert_eq!(scene.found(1).as_deref(), Some("theirs"));
}

#[test]
fn a_group_ends_before_the_file_that_cannot_be_made_ready_and_what_stands_before_it_is_shown() {
    let scene = Scene::of(6);
    fs::write(scene.folder.path().join("3"), "theirs").unwrap();
    let (failed, told) = scene.beside_a_loop(|_| true, group);
    assert_eq!((failed, told), (vec![3], vec![0, 1, 2]));
    let found = [2, 3, 4].map(|number| scene.found(number));
    assert_eq!(found, [Some("whole".into()), Some("theirs".into()), None]);
}

#[test]
fn what_its_caller_has_taken_itself_is_done_without_a_name_or_an_intent() {
    let mut scene = Scene::of(2);
    scene.items.iter_mut().for_each(|item| item.destination = None);
    let (failed, told) = scene.beside_a_loop(|_| unreachable!("nothing is to be shown"), all);
    assert_eq!((failed, told, scene.shown()), (None, vec![0, 1], vec![]));
}
