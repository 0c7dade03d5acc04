//! A loop with very many jobs, driven by hand: what it costs must grow with what moves, not with what
//! there is.

use std::time::Duration;

use dobbin_core::access::Actor;
use dobbin_core::download::Download;
use dobbin_platform::clock::FakeClock;
use dobbin_types::rest::{DownloadList, JobList};
use dobbin_types::{ErrorCode, JobId, JobState, Uid};
use tempfile::TempDir;

use super::USER;
use crate::handle::Wish;
use crate::list::{JobFilter, Page};
use crate::run::Loop;

struct Crowd {
    engine: Loop,
    clock: FakeClock,
    jobs: Vec<JobId>,
    _folder: TempDir,
}

impl Crowd {
    fn of(jobs_count: u32) -> Crowd {
        let (engine, clock, folder) = super::idle_loop();
        let mut crowd = Crowd { engine, clock, jobs: Vec::new(), _folder: folder };
        for number in 0..jobs_count {
            let job = crowd.create(USER, number);
            crowd.jobs.push(job);
        }
        crowd
    }

    /// Oldest first is the order in which they are made, also when two are of one moment.
    fn create(&mut self, owner: Uid, number: u32) -> JobId {
        self.create_as(owner, number, None)
    }

    fn create_as(&mut self, owner: Uid, number: u32, download: Option<Box<Download>>) -> JobId {
        self.clock.advance(Duration::from_millis(1));
        let mut bytes = [0; 16];
        bytes[12..].copy_from_slice(&number.to_be_bytes());
        bytes[..4].copy_from_slice(&owner.0.to_be_bytes());
        let id = JobId::from_bytes(bytes);
        super::create(&mut self.engine, (id, owner), super::offered([number]), download);
        id
    }

    fn wish(&mut self, job: JobId, wish: Wish) {
        super::wish(&mut self.engine, job, wish);
    }

    /// The jobs looked at in the second that passes.
    fn looks_of_a_second(&mut self) -> u64 {
        let before = self.engine.looks_count;
        self.clock.advance(Duration::from_secs(1));
        self.engine.pulse_due();
        self.engine.plan();
        self.engine.looks_count - before
    }

    fn downloads(&self, actor: Uid, page: Page) -> Result<DownloadList, ErrorCode> {
        let list = self.engine.downloads(Actor::from_kernel(actor), None, page);
        list.map_err(|failure| failure.code)
    }

    fn list(&self, actor: Uid, filter: &JobFilter, page: Page) -> JobList {
        self.engine.list(Actor::from_kernel(actor), filter, page)
    }
}

#[test]
fn a_second_costs_what_moves_however_many_jobs_rest() {
    let looks = |jobs_count: u32, resumed_count: usize| {
        let mut crowd = Crowd::of(jobs_count);
        for job in crowd.jobs.clone().into_iter().take(resumed_count) {
            crowd.wish(job, Wish::Resume);
        }
        crowd.engine.plan();
        crowd.looks_of_a_second()
    };
    assert_eq!(looks(500, 0), 0);
    assert_eq!(looks(500, 10), 10);
    assert_eq!(looks(500, 200), 64);
    assert_eq!(looks(3_000, 1_000), 64);
}

#[test]
fn a_list_is_the_same_in_pages_of_any_length_and_nobody_sees_another_s_jobs() {
    let mut crowd = Crowd::of(40);
    let other = crowd.create(Uid(1_001), 7);
    let late = crowd.create(USER, 1_000);
    let own: Vec<JobId> = crowd.jobs.iter().copied().chain([late]).collect();
    let all: Vec<JobId> = crowd.jobs.iter().copied().chain([other, late]).collect();
    for (actor, expect) in [(USER, &own), (Uid(1_001), &vec![other]), (Uid::ROOT, &all)] {
        for limit in [1, 7, 41, 42, 1_000] {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = Page { after, limit: Some(limit) };
                let list = crowd.list(actor, &JobFilter::default(), page);
                assert!(list.jobs.len() <= limit as usize);
                seen.extend(list.jobs.iter().map(|job| job.id));
                match list.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            assert_eq!(&seen, expect, "{actor:?}, {limit} a page");
        }
    }
}

#[test]
fn a_page_that_few_jobs_belong_on_is_cut_short_and_the_list_goes_on() {
    let mut crowd = Crowd::of(4_500);
    let last = crowd.jobs[4_499];
    crowd.wish(last, Wish::Resume);
    let filter = JobFilter { state: Some(JobState::Queued), ..JobFilter::default() };
    let first = crowd.list(USER, &filter, Page::default());
    assert_eq!((first.jobs.len(), first.next.is_some()), (0, true));
    let second = crowd.list(USER, &filter, Page { after: first.next, limit: None });
    assert_eq!(second.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [last]);
    assert_eq!(second.next, None);
}

#[test]
fn a_list_of_downloads_is_cut_short_as_one_of_jobs_is_and_then_nobody_says_that_there_are_none() {
    let mut crowd = Crowd::of(4_500);
    assert_eq!(crowd.downloads(Uid(1_001), Page::default()), Err(ErrorCode::DO_E_NO_DOWNLOADS));
    let download = crowd.create_as(USER, 4_500, Some(Box::default()));
    let first = crowd.downloads(USER, Page::default()).unwrap();
    assert_eq!((first.downloads.len(), first.next.is_some()), (0, true));
    let second = crowd.downloads(USER, Page { after: first.next, limit: Some(1) }).unwrap();
    assert_eq!(second.downloads.iter().map(|one| one.id).collect::<Vec<_>>(), [download]);
    // Its place is the list's last: behind it there are none, and that is no error.
    let place = crate::entries::place(crowd.engine.entries.get(&download).unwrap());
    let behind = crowd.downloads(USER, Page { after: Some(place), limit: None });
    assert_eq!(behind, Ok(DownloadList { downloads: Vec::new(), next: None }));
}
