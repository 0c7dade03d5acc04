//! One queue, seen through two interfaces, by one user and not by another.

use dobbin_engine::{Actor, Operation, Page, Wish};
use dobbin_lab::origin::{Content, End, Origin, Plan, Route};
use dobbin_types::rest::CreateJob;
use dobbin_types::{DownloadProperty, DownloadState, ErrorCode, JobId, JobState, Uid};

use crate::site::{Site, me};

fn ids(
    site: &Site,
    actor: Actor,
    category: Option<(DownloadProperty, &str)>,
) -> Result<Vec<JobId>, ErrorCode> {
    let category = category.map(|(property, value)| (property, value.to_owned()));
    let list = site.runtime().block_on(site.handle().downloads(actor, category, Page::default()));
    let list = list.map_err(|failure| failure.code)?;
    Ok(list.downloads.iter().map(|download| download.id).collect())
}

/// conformance: IDOManager::EnumDownloads, IDOManager::EnumDownloads property
#[test]
fn callers_find_their_own_downloads_and_nobody_elses() {
    let site = Site::new();
    let none = Err(ErrorCode::DO_E_NO_DOWNLOADS);
    assert_eq!(ids(&site, me(), None), none);
    let one = site.create_to("http://a.example/1".into(), "one");
    let two = site.create();
    site.set(two, DownloadProperty::DisplayName, "Two").unwrap();
    site.set(two, DownloadProperty::ContentId, "content").unwrap();
    let body = CreateJob { display_name: "no download".into(), ..CreateJob::default() };
    site.runtime().block_on(site.handle().create(me(), body)).unwrap();
    let mut all = ids(&site, me(), None).unwrap();
    all.sort();
    let mut expect = [one, two];
    expect.sort();
    assert_eq!(all, expect);
    let path = site.path("one").display().to_string();
    let upper = two.to_string().to_uppercase();
    for (property, value, expect) in [
        (DownloadProperty::Uri, "http://a.example/1", Ok(vec![one])),
        (DownloadProperty::LocalPath, path.as_str(), Ok(vec![one])),
        (DownloadProperty::DisplayName, "Two", Ok(vec![two])),
        (DownloadProperty::DisplayName, "two", none.clone()),
        (DownloadProperty::ContentId, "content", Ok(vec![two])),
        (DownloadProperty::Id, upper.as_str(), Ok(vec![two])),
        (DownloadProperty::NonVolatile, "false", Err(ErrorCode::DO_E_UNKNOWN_PROPERTY_ID)),
    ] {
        assert_eq!(ids(&site, me(), Some((property, value))), expect, "{property} = {value}");
    }
    // Not even the administrator lists what others created.
    for other in [Uid(61_234), Uid::ROOT].map(Actor::from_kernel) {
        if other != me() {
            assert_eq!(ids(&site, other, None), none);
        }
    }
    site.operate(two, Operation::Abort).unwrap();
    let gone = ids(&site, me(), Some((DownloadProperty::Id, &two.to_string())));
    assert_eq!(gone, none);
}

#[test]
fn another_user_does_nothing_to_a_download() {
    let site = Site::new();
    let job = site.create_to("http://a.example/1".into(), "one");
    let other = Actor::from_kernel(Uid(61_234));
    let handle = site.handle();
    site.runtime().block_on(async {
        let denied = Some(ErrorCode::E_ACCESSDENIED);
        for operation in [Operation::Start(None), Operation::Pause, Operation::Abort] {
            let refused = handle.operate(other, job, operation.clone()).await.err();
            assert_eq!(refused.map(|failure| failure.code), denied, "{operation:?}");
        }
        let uri = DownloadProperty::Uri;
        let got = handle.download_property(other, job, uri).await.err();
        assert_eq!(got.map(|failure| failure.code), denied);
        let set = handle.set_download_property(other, job, uri, "http://x/".into()).await.err();
        assert_eq!(set.map(|failure| failure.code), denied);
        let content = handle.download_content(other, job, 0).await.err();
        assert_eq!(content.map(|failure| failure.code), denied);
    });
    assert_eq!(site.status(job).unwrap().state, DownloadState::Created);
}

/// conformance: IDODownload jobs
#[test]
fn a_download_is_a_job_and_both_interfaces_move_it() {
    let site = Site::new();
    let content = Content::new(1, 1_000);
    let slow = Route::honest(content).always(End::StallAfter(10));
    let origin = Origin::start(Plan::new().route("/slow", slow).file("/a", content));
    let job = site.create_to(origin.url("/slow"), "out");
    let handle = site.handle();
    let wish = |wish| {
        let outcome = site.runtime().block_on(handle.wish(me(), job, wish));
        outcome.map(|done| done.state).map_err(|failure| failure.code)
    };
    let listed = site
        .runtime()
        .block_on(handle.jobs(me(), Default::default(), Default::default()))
        .unwrap()
        .jobs;
    assert_eq!((listed[0].id, listed[0].state), (job, JobState::Suspended));
    assert_eq!(listed[0].download.unwrap().status.state, DownloadState::Created);

    wish(Wish::Resume).unwrap();
    site.wait(job, |status| status.bytes_transferred == 10);
    assert_eq!(wish(Wish::Suspend), Ok(JobState::Suspended));
    assert_eq!(site.status(job).unwrap().state, DownloadState::Paused);
    site.set(job, DownloadProperty::Uri, origin.url("/a")).unwrap();
    site.run(job).unwrap();
    site.wait_for(job, DownloadState::Transferred);
    assert_eq!(wish(Wish::Complete), Ok(JobState::Acknowledged));
    assert_eq!(site.status(job).unwrap().state, DownloadState::Finalized);
    assert!(std::fs::read(site.path("out")).unwrap() == content.all());

    // A job that is no download is none.
    let body = CreateJob { display_name: "job".into(), ..CreateJob::default() };
    let plain = site.runtime().block_on(handle.create(me(), body)).unwrap();
    assert_eq!(site.status(plain), Err(ErrorCode::E_NOT_SET));
    assert_eq!(site.operate(plain, Operation::Abort), Err(ErrorCode::E_NOT_SET));
}
