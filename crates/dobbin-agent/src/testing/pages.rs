//! Lists that come in pages, and watchers who are shown a long queue.

use std::collections::BTreeSet;

use dobbin_types::rest::{CreatedDownload, DownloadList, EventKind, JobList, route};
use dobbin_types::{ErrorCode, JobId};

use super::House;
use super::events::Subscribed;

/// More than a watcher is shown at a time, and not a multiple of it.
const JOBS: usize = 600;

async fn crowded() -> (House, Vec<JobId>) {
    let house = House::open().await;
    let mut jobs = Vec::new();
    for number in 0..JOBS {
        jobs.push(house.create(&format!("job {number}")).await);
    }
    (house, jobs)
}

async fn page(house: &House, query: &str) -> JobList {
    house.ask("GET", &format!("/v1/jobs?{query}")).await.body_as()
}

#[tokio::test]
async fn a_list_goes_on_where_the_page_before_ended_whatever_happens_between() {
    let (house, jobs) = crowded().await;
    let mut seen = Vec::new();
    let mut list = page(&house, "limit=250").await;
    assert_eq!(list.jobs.len(), 250);
    // The job at which the list was left goes, and so does one that is still to come.
    for gone in [list.jobs[249].id, jobs[JOBS - 1]] {
        house.ask("POST", &format!("/v1/jobs/{gone}/cancel")).await;
    }
    let late = house.create("late").await;
    loop {
        seen.extend(list.jobs.iter().map(|job| job.id));
        let Some(next) = list.next else { break };
        list = page(&house, &format!("limit=250&after={next}")).await;
    }
    let expect: Vec<JobId> = jobs[..JOBS - 1].iter().copied().chain([late]).collect();
    assert_eq!(seen.iter().collect::<BTreeSet<_>>(), expect.iter().collect());
    assert_eq!(seen.len(), expect.len(), "nobody is listed twice");
    assert!(page(&house, "").await.next.is_none(), "all of them fit on one page");
    assert_eq!(page(&house, "state=queued&limit=1").await, JobList { jobs: vec![], next: None });
    house.close().await;
}

/// conformance: IDOManager::EnumDownloads
#[tokio::test]
async fn downloads_come_in_pages_as_jobs_do_and_only_a_whole_list_can_have_none() {
    let house = House::open().await;
    let mut expect = Vec::new();
    for _ in 0..5 {
        let created = house.tell("POST", route::DOWNLOADS, "{}").await;
        expect.push(created.body_as::<CreatedDownload>().id);
        house.create("no download").await;
    }
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("{}?limit=2{after}", route::DOWNLOADS);
        let list: DownloadList = house.ask("GET", &path).await.body_as();
        assert!(list.downloads.len() <= 2, "{list:?}");
        seen.extend(list.downloads.iter().map(|download| download.id));
        let Some(next) = list.next else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen.iter().collect::<BTreeSet<_>>(), expect.iter().collect());
    assert_eq!(seen.len(), expect.len(), "nobody is listed twice");
    let none = "property=display_name&value=nobody";
    let answer = house.ask("GET", &format!("{}?{none}", route::DOWNLOADS)).await;
    answer.refused(404, ErrorCode::DO_E_NO_DOWNLOADS);
    house.close().await;
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused_with_the_word_that_is_wrong() {
    let house = House::open().await;
    for query in ["limit=0", "limit=1001", "limit=x", "after=x", "after=12"] {
        for list in [route::JOBS, route::DOWNLOADS] {
            let answer = house.ask("GET", &format!("{list}?{query}")).await;
            answer.refused(400, ErrorCode::E_INVALIDARG);
        }
    }
    assert_eq!(page(&house, "limit=1000").await, JobList { jobs: vec![], next: None });
    house.close().await;
}

#[tokio::test]
async fn a_watcher_of_a_long_queue_is_shown_every_job_once_and_misses_nothing() {
    let (house, jobs) = crowded().await;
    let mut events = Subscribed::to(&house, "/v1/events").await;
    // Before anything is read: one that was shown and one that was not go, one is changed.
    for gone in [jobs[0], jobs[JOBS - 1]] {
        house.ask("POST", &format!("/v1/jobs/{gone}/cancel")).await;
    }
    let path = format!("/v1/jobs/{}/priority", jobs[JOBS - 2]);
    let body = r#"{"priority":"low"}"#;
    let changed = house.tell("PUT", &path, body).await;
    assert_eq!(changed.status, 200);
    let late = house.create("late").await;

    let (mut known, mut ended) = (BTreeSet::new(), BTreeSet::new());
    while !known.contains(&late) || ended.is_empty() {
        let event = events.event().await;
        match event.kind {
            EventKind::Current => assert!(known.insert(event.job.id), "shown twice"),
            EventKind::Ended => drop(ended.insert(event.job.id)),
            // Of a job that is still to be shown, its turn tells everything.
            _ => drop(known.insert(event.job.id)),
        }
    }
    let expect: BTreeSet<JobId> = jobs[..JOBS - 1].iter().copied().chain([late]).collect();
    assert_eq!(known, expect);
    assert_eq!(ended, BTreeSet::from([jobs[0]]));
    house.close().await;
}
