//! Files that are checked piece by piece, on the real engine: where the hashes come from, what is made
//! of those that cannot be had, and which bytes they keep out.

#![allow(clippy::unwrap_used)]

mod site;

use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::digest;
use dobbin_engine::{Recover, Wish};
use dobbin_lab::origin::{Answer, Content, End, Origin, Plan, Route, Version, When};
use dobbin_store::{Change, Store};
use dobbin_types::phf::{Digest, Phf, digest_to_base64, digest_to_hex};
use dobbin_types::rest::{AddFile, AddFiles, JobInfo, PHF_TEXT_BYTES_MAX, PieceHashes};
use dobbin_types::{ByteRange, ErrorCode, FileProperty, JobId, JobState};
use dobbin_types::{DoFilePropertyId, FileNumber};
use site::{Site, file, me};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The smallest that there are, so that small files have many.
const PIECE: u32 = 64 * 1024;

fn sha256(bytes: &[u8]) -> Digest {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().unwrap()
}

/// The piece-hash file of these bytes.
fn phf_of(bytes: &[u8]) -> Phf {
    let pieces = bytes.chunks(PIECE as usize).map(sha256).collect();
    Phf::new(bytes.len() as u64, PIECE, pieces, sha256).unwrap()
}

/// A file whose hashes are at `/a.phf` of the same origin, and known by the `HashOfHashes` of `phf`.
fn checked(origin: &Origin, out: &str, site: &Site, phf: &Phf, mandatory: bool) -> AddFile {
    let hashes = PieceHashes {
        url: Some(origin.url("/a.phf")),
        hash_of_hashes: Some(digest_to_base64(phf.hash_of_hashes())),
        mandatory,
        ..PieceHashes::default()
    };
    AddFile { piece_hashes: Some(hashes), ..file(origin.url("/a"), &site.path(out)) }
}

fn serves(bytes: impl Into<Vec<u8>>) -> Route {
    Route::honest(Content::new(0, 0)).always(Answer::Bytes(bytes.into()))
}

fn asked(origin: &Origin, path: &str) -> usize {
    origin.requests().iter().filter(|exchange| exchange.request.path() == path).count()
}

impl Site {
    fn fetch(&self, file: AddFile) -> (JobId, JobInfo) {
        let job = self.create(vec![file]);
        self.wish(job, Wish::Resume).unwrap();
        (job, self.wait(job, &[JobState::Transferred, JobState::Error, JobState::TransientError]))
    }

    /// The files in the folder of the job that end so.
    fn kept(&self, job: JobId, ending: &str) -> Vec<PathBuf> {
        let folder = self.path("state/staging").join(job.to_string());
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_str().unwrap().ends_with(ending)).collect()
    }
}

/// conformance: DOFile2 IntegrityCheckInfo, download-property IntegrityCheckInfo
#[test]
fn a_file_with_right_hashes_arrives_and_they_go_with_its_job() {
    let content = Content::new(1, MIB + 123);
    let phf = phf_of(&content.all());
    let origin = Origin::start(Plan::new().file("/a", content).route("/a.phf", serves(phf.text())));
    for mandatory in [false, true] {
        let site = Site::new();
        let (job, info) = site.fetch(checked(&origin, "out", &site, &phf, mandatory));
        assert_eq!((info.state, info.error), (JobState::Transferred, None));
        assert_eq!(site.kept(job, ".phf").len(), 1);
        site.wish(job, Wish::Complete).unwrap();
        assert!(std::fs::read(site.path("out")).unwrap() == content.all());
        assert_eq!(site.kept(job, ".phf").len(), 0);
    }
    assert_eq!(asked(&origin, "/a.phf"), 2);
}

/// What is wrong with a piece-hash file, and the code behind the code where it must be had.
///
/// conformance: DOFile2 IntegrityCheckMandatory, download-property IntegrityCheckMandatory
/// conformance: code DO_E_INTEGRITYCHECKINFO_UNAVAILABLE
#[test]
fn without_believable_hashes_a_file_is_fetched_unchecked_or_not_at_all() {
    let content = Content::new(2, 200 * KIB);
    let phf = phf_of(&content.all());
    let text = phf.text();
    let alter = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        serves(text.replacen(from, to, 1))
    };
    let first = digest_to_base64(&phf.pieces()[0]);
    let longer = format!(r#""ContentLength":{}"#, content.size() + 1);
    let rows: [(Route, ErrorCode); 11] = [
        (serves(text[..100].to_owned()), ErrorCode::DO_E_METAINFO_CONTENT),
        (alter("Version\":1", "Version\":2"), ErrorCode::DO_E_METAINFO_VERSION),
        (alter("Length\":", "Length\":-"), ErrorCode::DO_E_METAINFO_CONTENT_LENGTH),
        (
            alter(&format!(r#""ContentLength":{}"#, content.size()), &longer),
            ErrorCode::DO_E_METAINFO_CONTENT_LENGTH,
        ),
        (alter("65536", "65537"), ErrorCode::DO_E_METAINFO_PIECE_SIZE),
        (alter("Hashes\":\"", "Hashes\":\"!"), ErrorCode::DO_E_METAINFO_PARSE_HOH),
        (serves(phf_of(b"another").text()), ErrorCode::DO_E_METAINFO_HOH_MATCH),
        (alter("Pieces\":[", "Pieces\":[\"\","), ErrorCode::DO_E_METAINFO_PARSE_PIECEHASHES),
        (alter(&first, ""), ErrorCode::DO_E_METAINFO_PARSE_ONE_PIECEHASH),
        (alter(&first, &digest_to_base64(&[9; 32])), ErrorCode::DO_E_METAINFO_HOH_FINAL_MATCH),
        (serves(""), ErrorCode::DO_E_METAINFO_FILE_SIZE),
    ];
    let missing = Route::honest(Content::new(0, 0)).always(Answer::Status(404));
    let rows = rows.into_iter().chain([(missing, ErrorCode::from_http_status(404))]);
    let site = Site::new();
    for (number, (route, behind)) in rows.enumerate() {
        let origin = Origin::start(Plan::new().file("/a", content).route("/a.phf", route));
        let (_, info) = site.fetch(checked(&origin, &format!("{number}-may"), &site, &phf, false));
        assert_eq!((info.state, info.error), (JobState::Transferred, None), "{behind:?}");
        let must = format!("{number}-must");
        let (job, info) = site.fetch(checked(&origin, &must, &site, &phf, true));
        let error = info.error.unwrap();
        assert_eq!(error.code, ErrorCode::DO_E_INTEGRITYCHECKINFO_UNAVAILABLE, "{behind:?}");
        assert_eq!(error.extended, Some(behind), "{}", error.message);
        assert!(site.wish(job, Wish::Complete).is_err() || !site.path(&must).exists());
    }
}

/// The whole file's digest is checked before anything else of it, and outweighs the rest.
#[test]
fn hashes_are_known_by_their_digest_too() {
    let content = Content::new(3, 200 * KIB);
    let phf = phf_of(&content.all());
    let (right, other) = (phf.text(), phf.text() + "\n");
    let site = Site::new();
    let by_digest = |text: &str, hash_of_hashes| PieceHashes {
        sha256: Some(digest_to_hex(&sha256(text.as_bytes()))),
        hash_of_hashes,
        mandatory: true,
        ..PieceHashes::default()
    };
    let foreign = Some(digest_to_base64(&[7; 32]));
    for (number, (served, hashes, error)) in [
        (&right, by_digest(&right, None), None),
        (&right, by_digest(&right, foreign), None),
        (&other, by_digest(&right, None), Some(ErrorCode::DO_E_METAINFO_DIGEST_MATCH)),
    ]
    .into_iter()
    .enumerate()
    {
        let plan = Plan::new().file("/a", content).route("/a.phf", serves(served.clone()));
        let origin = Origin::start(plan);
        let hashes = PieceHashes { url: Some(origin.url("/a.phf")), ..hashes };
        let out = site.path(&number.to_string());
        let file = AddFile { piece_hashes: Some(hashes), ..file(origin.url("/a"), &out) };
        let (_, info) = site.fetch(file);
        assert_eq!(info.error.map(|error| error.extended), error.map(Some), "{number}");
    }
}

#[test]
fn trouble_of_the_hashes_server_that_passes_is_waited_for_where_they_must_be_had() {
    let content = Content::new(4, 200 * KIB);
    let phf = phf_of(&content.all());
    let troubled = serves(phf.text()).when(When::First(1), Answer::Status(503));
    let origin = Origin::start(Plan::new().file("/a", content).route("/a.phf", troubled));
    let site = Site::new();
    let (job, info) = site.fetch(checked(&origin, "must", &site, &phf, true));
    assert_eq!(info.state, JobState::TransientError);
    assert_eq!(info.error.unwrap().http_status, Some(503));
    assert_eq!(asked(&origin, "/a"), 0, "no byte before its hash is known");
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
    assert_eq!(asked(&origin, "/a.phf"), 2);

    let down = serves("").always(Answer::Status(503));
    let origin = Origin::start(Plan::new().file("/a", content).route("/a.phf", down));
    let (_, info) = site.fetch(checked(&origin, "may", &site, &phf, false));
    assert_eq!(info.state, JobState::Transferred, "it may go without");
    assert_eq!(asked(&origin, "/a.phf"), 2, "but not for one passing trouble");
}

#[test]
fn a_job_is_stopped_at_once_while_the_hashes_do_not_come() {
    let content = Content::new(5, 200 * KIB);
    let phf = phf_of(&content.all());
    let silent = serves(phf.text()).when(When::First(1), End::StallAfter(100));
    let origin = Origin::start(Plan::new().file("/a", content).route("/a.phf", silent));
    let site = Site::new();
    let job = site.create(vec![checked(&origin, "out", &site, &phf, true)]);
    site.wish(job, Wish::Resume).unwrap();
    assert!(
        origin.wait(PATIENCE, |requests| requests.iter().any(|one| one.body_sent_bytes == 100))
    );
    site.wish(job, Wish::Suspend).unwrap();
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
}

/// conformance: code DO_E_BAD_PIECE_HASH
#[test]
fn a_wrong_piece_is_fetched_once_more_and_then_never_shown_where_it_must_be_right() {
    let content = Content::new(6, 200 * KIB);
    let mut meant = content.all();
    meant[100_000] ^= 1;
    let phf = phf_of(&meant);
    let plan = Plan::new().file("/a", content).route("/a.phf", serves(phf.text()));
    let origin = Origin::start(plan);
    let site = Site::new();
    let (_, info) = site.fetch(checked(&origin, "may", &site, &phf, false));
    assert_eq!(info.state, JobState::Transferred, "it may go without");
    let (job, info) = site.fetch(checked(&origin, "must", &site, &phf, true));
    assert_eq!(info.error.unwrap().code, ErrorCode::DO_E_BAD_PIECE_HASH);
    let _refused_or_partial = site.wish(job, Wish::Complete);
    assert!(!site.path("must").exists());

    let flaky = Route::honest(content).when(When::First(1), Version::NewBytes);
    let phf = phf_of(&content.all());
    let plan = Plan::new().route("/a", flaky).route("/a.phf", serves(phf.text()));
    let origin = Origin::start(plan);
    let file = AddFile {
        sha256: Some(digest_to_hex(&content.sha256())),
        ..checked(&origin, "healed", &site, &phf, true)
    };
    let (job, info) = site.fetch(file);
    assert_eq!((info.state, info.error), (JobState::Transferred, None));
    site.wish(job, Wish::Complete).unwrap();
    assert!(std::fs::read(site.path("healed")).unwrap() == content.all());
}

#[test]
fn a_restart_needs_the_hashes_server_no_more() {
    let content = Content::new(7, 2 * MIB);
    let phf = phf_of(&content.all());
    let once = serves(phf.text()).when(When::After(1), Answer::Status(404));
    let stalls = Route::honest(content).when(When::First(1), End::StallAfter(MIB));
    let plan = Plan::new().route("/a", stalls).route("/a.phf", once);
    let origin = Origin::start(plan);
    let mut site = Site::new();
    let job = site.create(vec![checked(&origin, "out", &site, &phf, true)]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait_for_bytes(job, MIB);
    site.stop();
    site.start(Recover::RunAll);
    site.wait(job, &[JobState::Transferred]);
    assert_eq!(asked(&origin, "/a.phf"), 1);

    // A copy that the disk has spoiled is fetched anew.
    let fresh = Origin::start(Plan::new().file("/a", content).route("/a.phf", serves(phf.text())));
    let stalled = checked(&fresh, "other", &site, &phf, true);
    let job = site.create(vec![stalled]);
    let kept = site.path("state/staging").join(job.to_string());
    std::fs::create_dir_all(&kept).unwrap();
    let name = format!("{}.phf", digest_to_hex(phf.hash_of_hashes()));
    let spoiled = phf.text().replacen("MajorVersion\":1", "MajorVersion\":3", 1);
    std::fs::write(kept.join(name), spoiled).unwrap();
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
    assert_eq!(asked(&fresh, "/a.phf"), 1);
}

/// After a restart of the machine the have file is not believed, and here not even the disk is: a byte
/// of a piece that was had is another one. Whatever the journal says, every piece is looked at: those
/// that it calls flushed may be wrong, and those that it does not know may be right.
#[test]
fn a_byte_that_the_disk_changed_is_found_when_the_machine_comes_back() {
    let content = Content::new(8, 2 * MIB);
    let phf = phf_of(&content.all());
    for is_flushed in [true, false] {
        let stalls = Route::honest(content).when(When::First(1), End::StallAfter(MIB + 10 * KIB));
        let plan = Plan::new().route("/a", stalls).route("/a.phf", serves(phf.text()));
        let origin = Origin::start(plan);
        let mut site = Site::new();
        let job = site.create(vec![checked(&origin, "out", &site, &phf, false)]);
        site.wish(job, Wish::Resume).unwrap();
        site.wait_for_bytes(job, MIB);
        site.stop();
        // As a restart of the machine leaves it: nothing tells which pieces were written.
        std::fs::remove_file(&site.kept(job, ".have")[0]).unwrap();
        if !is_flushed {
            let store = Store::open(&site.path("state")).unwrap();
            let change = Change::DropFlushed { job, number: FileNumber(0) };
            store.journal().write_and_wait(vec![change]).unwrap();
            store.close().unwrap();
        }
        let data = site.path("state/staging").join(job.to_string()).join("0");
        let mut bytes = std::fs::read(&data).unwrap();
        bytes[300_000] ^= 0x40;
        std::fs::write(&data, bytes).unwrap();
        site.start(Recover::RunAll);
        site.wait(job, &[JobState::Transferred]);
        site.wish(job, Wish::Complete).unwrap();
        assert!(std::fs::read(site.path("out")).unwrap() == content.all());
        let requests = origin.requests();
        let later = requests.iter().filter(|one| one.request.path() == "/a" && one.nth > 1);
        let again: u64 = later.map(|one| one.body_sent_bytes).sum();
        let most = MIB + 2 * u64::from(PIECE);
        assert!(again < most, "flushed: {is_flushed}; what was right came again: {again}");
    }
}

#[test]
fn hashes_may_come_with_the_file_and_are_gone_with_its_job() {
    let content = Content::new(9, 200 * KIB);
    let phf = phf_of(&content.all());
    let origin = Origin::start(Plan::new().file("/a", content));
    let mut site = Site::new();
    let hashes = PieceHashes { text: Some(phf.text()), mandatory: true, ..PieceHashes::default() };
    let with = |out: &str, hashes: PieceHashes| AddFile {
        piece_hashes: Some(hashes),
        ..file(origin.url("/a"), &site.path(out))
    };
    let files = [with("one", hashes.clone()), with("two", hashes.clone())];
    let job = site.create(vec![files[0].clone()]);
    let more = AddFiles { files: vec![files[1].clone()] };
    site.runtime.block_on(site.handle().add_files(me(), job, more)).unwrap();
    assert_eq!(site.kept(job, ".phf").len(), 1, "the same for both");
    site.stop();
    site.start(Recover::RunAll);
    site.wish(job, Wish::Resume).unwrap();
    let info = site.wait(job, &[JobState::Transferred, JobState::Error]);
    assert_eq!((info.state, info.error), (JobState::Transferred, None));
    site.wish(job, Wish::Cancel).unwrap();
    assert_eq!(site.kept(job, "").len(), 0);

    // Refused: nothing of it stays.
    let long =
        PieceHashes { text: Some(" ".repeat(PHF_TEXT_BYTES_MAX + 1)), ..PieceHashes::default() };
    let body = dobbin_types::rest::CreateJob {
        files: vec![
            AddFile { piece_hashes: Some(hashes), ..file(origin.url("/a"), &site.path("x")) },
            AddFile { piece_hashes: Some(long), ..file(origin.url("/a"), &site.path("y")) },
        ],
        ..dobbin_types::rest::CreateJob::default()
    };
    let refused = site.runtime.block_on(site.handle().create(me(), body)).unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("files[1].piece_hashes.text"));
    assert_eq!(std::fs::read_dir(site.path("state/staging")).unwrap().count(), 0);
}

/// Parts of a file cannot be told by the hashes of its pieces.
#[test]
fn a_file_of_ranges_is_fetched_unchecked_or_refused() {
    let content = Content::new(10, 200 * KIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let site = Site::new();
    let info = r#"{"HashOfHashes":"Q6VPwDxql56arq4kk3V9FCmlyKjQk/t7gQPozI33trY="}"#;
    for (mandatory, error) in
        [(false, None), (true, Some(ErrorCode::DO_E_INTEGRITYCHECKINFO_UNAVAILABLE))]
    {
        let ranges = vec![ByteRange { offset: 5, length: Some(7) }];
        let part = AddFile { ranges, ..file(origin.url("/a"), &site.path("part")) };
        let job = site.create(vec![part]);
        for (property, value) in [
            (DoFilePropertyId::IntegrityCheckInfo, info.into()),
            (DoFilePropertyId::IntegrityCheckMandatory, mandatory.into()),
        ] {
            let property = FileProperty::Delivery(property);
            let set = site.handle();
            let set = set.set_file_property(me(), job, FileNumber(0), property, value);
            site.runtime.block_on(set).unwrap();
        }
        site.wish(job, Wish::Resume).unwrap();
        let info = site.wait(job, &[JobState::Transferred, JobState::Error]);
        assert_eq!(info.error.map(|error| error.code), error);
    }
}

/// The caller's headers are secrets of the origin that they were given for.
#[test]
fn secrets_go_to_the_hashes_server_only_if_it_is_the_files_own() {
    let content = Content::new(11, 200 * KIB);
    let phf = phf_of(&content.all());
    let other = Origin::start(Plan::new().route("/a.phf", serves(phf.text())));
    let own = Origin::start(Plan::new().file("/a", content).route("/a.phf", serves(phf.text())));
    for (server, goes) in [(&own, true), (&other, false)] {
        let site = Site::new();
        let mut file = checked(&own, "out", &site, &phf, true);
        file.piece_hashes.as_mut().unwrap().url = Some(server.url("/a.phf"));
        let secret = dobbin_types::rest::Header { name: "X-Secret".into(), value: "canary".into() };
        let body = dobbin_types::rest::CreateJob {
            files: vec![file],
            headers: vec![secret],
            ..dobbin_types::rest::CreateJob::default()
        };
        let job = site.runtime.block_on(site.handle().create(me(), body)).unwrap();
        site.wish(job, Wish::Resume).unwrap();
        site.wait(job, &[JobState::Transferred]);
        let requests = server.requests();
        let asked = requests.iter().find(|one| one.request.path() == "/a.phf").unwrap();
        assert_eq!(asked.request.field("x-secret").is_some(), goes);
    }
}
