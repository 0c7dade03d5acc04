//! One file of a job, and the door through which files come in.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use dobbin_types::file::{LOCAL_NAME_BYTES_MAX, MIRRORS_MAX, URL_CHARS_MAX};
use dobbin_types::phf::{Digest, digest_from_hex};
use dobbin_types::{ByteRange, ErrorCode};

use super::facts::Facts;
use super::ranges;

/// What a caller says of a file, not yet checked (`AddFileWithRanges`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewFile {
    /// `None`: the service makes one.
    pub file_id: Option<String>,
    /// The URL; empty is accepted here and refused by Resume.
    pub remote_name: String,
    /// Further URLs of the same file, best first.
    pub mirrors: Vec<String>,
    /// Whether it was a stranger who named the URLs, so that they may lead to public addresses only.
    pub public_only: bool,
    /// The absolute path; `None` for a file that gets one later (`IDeliveryOptimizationJob2::AddFile`).
    pub local_name: Option<String>,
    /// Empty for the whole file.
    pub ranges: Vec<ByteRange>,
    /// Size of the remote file, if the caller knows it.
    pub size: Option<u64>,
    /// 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// Whether Complete may replace what stands under the local name.
    pub replace: bool,
    /// How its pieces are to be checked.
    pub check: Check,
}

/// A file of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Unique in the job.
    pub file_id: String,
    /// The URL in force; empty while there is none.
    pub remote_name: String,
    /// Further URLs of the same file, best first; none twice, and at most [`MIRRORS_MAX`].
    pub mirrors: Vec<String>,
    /// Whether any of its URLs may be asked at public addresses only.
    pub public_only: bool,
    /// The URL that a record keeps instead, after `SetRemoteName` and until Resume.
    pub recorded_name: Option<String>,
    /// The absolute path; empty while there is none.
    pub local_name: String,
    /// In the order given: the local file is these parts back to back. Empty for the whole file.
    pub ranges: Vec<ByteRange>,
    /// Size of the remote file as the caller said it.
    pub declared_size: Option<u64>,
    /// The hash that the local file must have.
    pub sha256: Option<[u8; 32]>,
    /// Whether Complete may replace what stands under the local name.
    pub replace: bool,
    /// How its pieces are to be checked.
    pub check: Check,
    /// What the origin said of the file; `None` before its first reply.
    pub facts: Option<Facts>,
    /// Every byte is here, checked and flushed.
    pub finished: bool,
    /// It stands under its name (`BG_FILE_PROGRESS::Completed`).
    pub published: bool,
    /// How many of the ranges were transferred before the portion that was asked for last
    /// (`IDODownload::Start` of a download that is transferred). Their bytes are here and flushed.
    pub earlier_ranges_count: usize,
    /// The caller takes the bytes itself (`StreamInterface`): there is no local name.
    pub streams: bool,
}

/// What a caller said of checking a file piece by piece.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Check {
    /// `IntegrityCheckInfo`: JSON text that was checked when it was set.
    pub info: Option<String>,
    /// `IntegrityCheckMandatory`; `None` was never set and counts as false.
    pub mandatory: Option<bool>,
}

impl File {
    /// What keeps it from being fetched at all, as a code and a sentence for its owner.
    ///
    /// Resume refuses a file without URL or place, but one may join a job that is under way. A file
    /// that must be checked (`IntegrityCheckMandatory`) needs something to check it against, and piece
    /// hashes are of whole contents: of parts of one they prove nothing, whatever is fetched for them.
    pub fn obstacle(&self) -> Option<(ErrorCode, &'static str)> {
        if self.local_name.is_empty() && !self.streams {
            return Some((ErrorCode::DO_E_LOCALPATH_NOT_SET, "the file has no place to go"));
        }
        if self.remote_name.is_empty() {
            return Some((ErrorCode::INET_E_INVALID_URL, "the file has no URL"));
        }
        match (self.check.mandatory, &self.check.info) {
            (Some(true), None) => Some((
                ErrorCode::DO_E_INTEGRITYCHECKINFO_UNSPECIFIED,
                "the file must be checked, but nothing says against which hashes",
            )),
            (Some(true), Some(_)) if !self.ranges.is_empty() => Some((
                ErrorCode::DO_E_INTEGRITYCHECKINFO_UNAVAILABLE,
                "the file must be checked, but piece hashes cover whole files and this one is parts",
            )),
            (Some(true), Some(_)) | (Some(false) | None, _) => None,
        }
    }

    /// The file of a download that nobody has said anything of.
    pub(crate) fn nameless() -> File {
        let mut files = [NewFile::default()].map(|file| admitted(&file, None));
        name_the_nameless(0, &mut files);
        let [file] = files;
        file
    }

    /// Bytes of the local file that earlier portions filled: its first ones.
    pub fn earlier_bytes(&self) -> u64 {
        let remote_size = self.facts.as_ref().map(|facts| facts.remote_size).or(self.declared_size);
        match self.ranges.get(..self.earlier_ranges_count) {
            None | Some([]) => 0,
            Some(earlier) => ranges::local_size(earlier, remote_size).unwrap_or(0),
        }
    }

    /// Size of the local file when it is done; `None` while nobody has said it.
    pub fn local_size(&self) -> Option<u64> {
        ranges::local_size(&self.ranges, self.remote_size())
    }

    /// Size of the remote file: as the origin says, else as the caller did; `None` while nobody has.
    pub fn remote_size(&self) -> Option<u64> {
        self.facts.as_ref().map(|facts| facts.remote_size).or(self.declared_size)
    }
}

/// Why a file was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which of the files that were offered, from 0.
    pub index: usize,
    /// Which of its fields, by its name in REST bodies.
    pub field: &'static str,
    /// The interface's code.
    pub code: ErrorCode,
    /// What was wrong, for the caller.
    pub message: String,
}

/// Lets files in, whatever job they are for: all of them, or none and the first reason. One without an
/// id of the caller's has none yet: see [`join`].
///
/// * `is_url`: whether a text is a URL that can be fetched; `Err` says why not. URL syntax is the
///   engine's to know, because its parser needs tables that core does without.
///
/// Checks what can be known without asking disk or network; whether the folder exists and may be
/// written is the engine's question. Cost: O(m log m) in the number of files.
pub fn door(
    offered: &[NewFile],
    is_url: impl Fn(&str) -> Result<(), (ErrorCode, String)>,
) -> Result<Vec<File>, Refusal> {
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut files = Vec::with_capacity(offered.len());
    for (index, file) in offered.iter().enumerate() {
        let refuse = |fault| refusal(index, fault);
        check(file, &is_url).map_err(refuse)?;
        let sha256 = file.sha256.as_deref().map(digest).transpose().map_err(refuse)?;
        if let Some(id) = file.file_id.as_deref().filter(|id| !ids.insert(*id)) {
            return Err(refuse(id_taken(id)));
        }
        if let Some(name) = file.local_name.as_deref().filter(|name| !names.insert(*name)) {
            return Err(refuse(name_taken(name)));
        }
        files.push(admitted(file, sha256));
    }
    Ok(files)
}

/// Lets files that came through the [`door`] into a job that has `present` already: all of them, or
/// none and the first that clashes. Those without an id get one.
///
/// Cost: O((n + m) log m) in the numbers of files present and joining.
pub fn join(present: &[File], mut joining: Vec<File>) -> Result<Vec<File>, Refusal> {
    let texts = |text: fn(&File) -> &str| {
        let indexed = joining.iter().enumerate().map(move |(index, file)| (text(file), index));
        indexed.filter(|(text, _)| !text.is_empty()).collect::<BTreeMap<&str, usize>>()
    };
    let (ids, names) = (texts(|file| &file.file_id), texts(|file| &file.local_name));
    let same_id = present.iter().filter_map(|file| ids.get(file.file_id.as_str()));
    let same_name = present.iter().filter_map(|file| names.get(file.local_name.as_str()));
    let (same_id, same_name) = (same_id.min().copied(), same_name.min().copied());
    if let Some(index) = [same_id, same_name].into_iter().flatten().min() {
        let file = &joining[index];
        let fault = match same_id == Some(index) {
            true => id_taken(&file.file_id),
            false => name_taken(&file.local_name),
        };
        return Err(refusal(index, fault));
    }
    name_the_nameless(present.len(), &mut joining);
    Ok(joining)
}

/// A file as it was offered, of which nothing is here yet.
fn admitted(file: &NewFile, sha256: Option<[u8; 32]>) -> File {
    File {
        file_id: file.file_id.clone().unwrap_or_default(),
        remote_name: file.remote_name.clone(),
        mirrors: distinct_mirrors(file),
        public_only: file.public_only,
        recorded_name: None,
        local_name: file.local_name.clone().unwrap_or_default(),
        ranges: file.ranges.clone(),
        declared_size: file.size,
        sha256,
        replace: file.replace,
        check: file.check.clone(),
        facts: None,
        finished: false,
        published: false,
        earlier_ranges_count: 0,
        streams: false,
    }
}

/// The further URLs, each once. Cost: O(n²) in their number, which [`MIRRORS_MAX`] bounds.
fn distinct_mirrors(file: &NewFile) -> Vec<String> {
    let mut mirrors: Vec<String> = Vec::new();
    for url in &file.mirrors {
        if *url != file.remote_name && !mirrors.contains(url) {
            mirrors.push(url.clone());
        }
    }
    mirrors
}

type Fault = (&'static str, ErrorCode, String);

fn check(
    file: &NewFile,
    is_url: &impl Fn(&str) -> Result<(), (ErrorCode, String)>,
) -> Result<(), Fault> {
    let invalid = |field, message: &str| Err((field, ErrorCode::E_INVALIDARG, message.to_owned()));
    if file.file_id.as_deref() == Some("") {
        return invalid("file_id", "the file id is empty; leave it out to have one made");
    }
    if !file.remote_name.is_empty() {
        check_remote_name(&file.remote_name, is_url)
            .map_err(|(code, why)| ("remote_name", code, why))?;
    }
    check_mirrors(&file.mirrors, is_url).map_err(|(code, why)| ("mirrors", code, why))?;
    if let Some(name) = &file.local_name {
        check_local_name(name).map_err(|why| ("local_name", ErrorCode::E_INVALIDARG, why))?;
    }
    ranges::check(&file.ranges, file.size).map_err(|(code, why)| ("ranges", code, why))
}

/// Whether these can be a file's further URLs: not too many, and each as good as its first.
fn check_mirrors(
    mirrors: &[String],
    is_url: &impl Fn(&str) -> Result<(), (ErrorCode, String)>,
) -> Result<(), (ErrorCode, String)> {
    if mirrors.len() > MIRRORS_MAX {
        let why = format!("a file has at most {MIRRORS_MAX} mirrors, not {}", mirrors.len());
        return Err((ErrorCode::E_INVALIDARG, why));
    }
    for (index, url) in mirrors.iter().enumerate() {
        let name = |(code, why)| (code, format!("mirror {index}: {why}"));
        check_remote_name(url, is_url).map_err(name)?;
    }
    Ok(())
}

/// Whether a text can be a file's URL: not too long, and one that can be fetched
/// (`SetRemoteName`, decision "AddFile enforces the same").
pub fn check_remote_name(
    url: &str,
    is_url: &impl Fn(&str) -> Result<(), (ErrorCode, String)>,
) -> Result<(), (ErrorCode, String)> {
    if url.chars().count() > URL_CHARS_MAX {
        let why = format!("the URL has more than {URL_CHARS_MAX} characters");
        return Err((ErrorCode::E_INVALIDARG, why));
    }
    is_url(url)
}

/// Whether a text can be a file's local name, as far as the text tells; `Err` says why not
/// (`E_INVALIDARG`).
pub fn check_local_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the local name is empty; give an absolute path".to_owned());
    }
    if !name.starts_with('/') {
        return Err(format!("`{name}` is not an absolute path"));
    }
    if name.contains('\0') {
        return Err("the local name contains a NUL character".to_owned());
    }
    if name.len() > LOCAL_NAME_BYTES_MAX {
        return Err(format!("the local name has more than {LOCAL_NAME_BYTES_MAX} bytes"));
    }
    Ok(())
}

fn refusal(index: usize, (field, code, message): Fault) -> Refusal {
    Refusal { index, field, code, message }
}

fn id_taken(id: &str) -> Fault {
    ("file_id", ErrorCode::E_INVALIDARG, format!("another file of the job has the file id `{id}`"))
}

fn name_taken(name: &str) -> Fault {
    let why = format!("another file of the job has the destination `{name}`");
    ("local_name", ErrorCode::E_INVALIDARG, why)
}

fn digest(text: &str) -> Result<Digest, Fault> {
    digest_from_hex(text).ok_or_else(|| {
        let why = "a SHA-256 has 64 hexadecimal digits, and nothing else".to_owned();
        ("sha256", ErrorCode::E_INVALIDARG, why)
    })
}

/// Gives files without an id of the caller's one that nobody else in the job has.
fn name_the_nameless(present_count: usize, admitted: &mut [File]) {
    for (index, file) in admitted.iter_mut().enumerate() {
        if file.file_id.is_empty() {
            // A caller's id of this shape could clash; the colon keeps ours apart from file names,
            // and a clash would cost nobody anything but uniqueness.
            file.file_id = format!("dobbin:{}", present_count + index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(local_name: &str) -> NewFile {
        NewFile {
            remote_name: "http://origin.example/a".to_owned(),
            local_name: Some(local_name.to_owned()),
            ..NewFile::default()
        }
    }

    fn any_url(_: &str) -> Result<(), (ErrorCode, String)> {
        Ok(())
    }

    /// Through the door and into a job.
    fn admit(present: &[File], offered: &[NewFile]) -> Result<Vec<File>, Refusal> {
        join(present, door(offered, any_url)?)
    }

    #[track_caller]
    fn refused(file: NewFile, field: &str, code: ErrorCode) {
        let refusal = admit(&[], &[file]).unwrap_err();
        assert_eq!((refusal.field, refusal.code), (field, code), "{}", refusal.message);
    }

    /// conformance: limit local-name, limit url, Job::AddFileWithRanges local-name, Job2::AddFile id
    #[test]
    fn a_file_that_could_never_arrive_is_refused_with_its_field() {
        let with = |change: fn(&mut NewFile)| {
            let mut file = file("/tmp/a");
            change(&mut file);
            file
        };
        let invalid = ErrorCode::E_INVALIDARG;
        refused(with(|f| f.local_name = Some(String::new())), "local_name", invalid);
        refused(with(|f| f.local_name = Some("a/b".to_owned())), "local_name", invalid);
        refused(with(|f| f.local_name = Some("/a\0b".to_owned())), "local_name", invalid);
        refused(
            with(|f| f.local_name = Some(format!("/{}", "x".repeat(4_095)))),
            "local_name",
            invalid,
        );
        refused(with(|f| f.remote_name = "x".repeat(2_201)), "remote_name", invalid);
        refused(with(|f| f.file_id = Some(String::new())), "file_id", invalid);
        refused(with(|f| f.sha256 = Some("ab".to_owned())), "sha256", invalid);
        refused(with(|f| f.sha256 = Some("zz".repeat(32))), "sha256", invalid);
        refused(with(|f| f.sha256 = Some("é".repeat(32))), "sha256", invalid);
        refused(
            with(|f| f.ranges = alloc::vec![ByteRange { offset: 0, length: Some(0) }]),
            "ranges",
            ErrorCode::DO_E_INVALID_RANGE,
        );
    }

    /// conformance: Job2::AddFile
    #[test]
    fn files_without_a_place_are_let_in_and_do_not_clash() {
        let placeless = NewFile { local_name: None, ..file("/x") };
        let admitted = admit(&[], &[placeless.clone(), placeless.clone()]).unwrap();
        assert_eq!(admitted[1].local_name, "");
        assert_eq!(admit(&admitted, &[placeless]).map(|files| files.len()), Ok(1));
    }

    /// conformance: DOFile2 IntegrityCheckMandatory
    #[test]
    fn a_file_that_cannot_be_fetched_rightly_is_not_fetched() {
        let whole = admit(&[], &[file("/tmp/a")]).unwrap().remove(0);
        let obstacle = |change: fn(&mut File)| {
            let mut file = whole.clone();
            change(&mut file);
            file.obstacle().map(|(code, _)| code)
        };
        assert_eq!(obstacle(|_| ()), None);
        let no_place = Some(ErrorCode::DO_E_LOCALPATH_NOT_SET);
        assert_eq!(obstacle(|file| file.local_name.clear()), no_place);
        let no_url = Some(ErrorCode::INET_E_INVALID_URL);
        assert_eq!(obstacle(|file| file.remote_name.clear()), no_url);
        let unspecified = Some(ErrorCode::DO_E_INTEGRITYCHECKINFO_UNSPECIFIED);
        assert_eq!(obstacle(|file| file.check.mandatory = Some(true)), unspecified);
        let both = |file: &mut File| {
            file.check = Check { info: Some("{}".to_owned()), mandatory: Some(true) };
        };
        assert_eq!(obstacle(both), None);
        let unavailable = Some(ErrorCode::DO_E_INTEGRITYCHECKINFO_UNAVAILABLE);
        let both_for_parts = |file: &mut File| {
            file.check = Check { info: Some("{}".to_owned()), mandatory: Some(true) };
            file.ranges = alloc::vec![ByteRange { offset: 0, length: Some(5) }];
        };
        assert_eq!(obstacle(both_for_parts), unavailable);
        assert_eq!(obstacle(|file| file.check.info = Some("{}".to_owned())), None);
        assert_eq!(obstacle(|file| file.check.mandatory = Some(false)), None);
    }

    /// conformance: AddFile no-url
    #[test]
    fn an_empty_url_is_left_to_resume() {
        let mut empty = file("/tmp/a");
        empty.remote_name = String::new();
        assert!(door(&[empty], |_| Err((ErrorCode::E_INVALIDARG, String::new()))).is_ok());
    }

    /// conformance: AddFile same-id, AddFile same-local-name
    #[test]
    fn two_files_never_share_a_destination_or_an_id() {
        let present = admit(&[], &[file("/tmp/a")]).unwrap();
        let refusal = admit(&present, &[file("/tmp/b"), file("/tmp/a")]).unwrap_err();
        assert_eq!((refusal.index, refusal.field), (1, "local_name"));
        let mut twin = file("/tmp/c");
        twin.file_id = Some(present[0].file_id.clone());
        assert_eq!(admit(&present, &[twin]).unwrap_err().field, "file_id");
    }

    #[test]
    fn the_first_file_that_clashes_is_named_whatever_it_clashes_by() {
        let named = |name: &str, id: &str| NewFile { file_id: Some(id.to_owned()), ..file(name) };
        let present = admit(&[], &[named("/a", "a"), named("/b", "b")]).unwrap();
        for (offered, expect) in [
            ([named("/c", "b"), named("/a", "d")], Some((0, "file_id"))),
            ([named("/b", "c"), named("/d", "a")], Some((0, "local_name"))),
            ([named("/b", "b"), named("/d", "d")], Some((0, "file_id"))),
            ([named("/c", "c"), named("/a", "d")], Some((1, "local_name"))),
            ([named("/c", "c"), named("/c", "d")], Some((1, "local_name"))),
            ([named("/c", "c"), named("/d", "c")], Some((1, "file_id"))),
            ([named("/c", "c"), named("/d", "d")], None),
        ] {
            let refusal = admit(&present, &offered).err();
            assert_eq!(refusal.map(|refusal| (refusal.index, refusal.field)), expect);
        }
    }

    #[test]
    fn mirrors_are_urls_like_the_first_and_not_too_many() {
        let only_http = |url: &str| match url.starts_with("http://") {
            true => Ok(()),
            false => Err((ErrorCode::INET_E_INVALID_URL, "no".to_owned())),
        };
        let url = |number: usize| format!("http://m{number}.example/a");
        let with = |mirrors| door(&[NewFile { mirrors, ..file("/tmp/a") }], only_http);
        let refused =
            |mirrors| with(mirrors).map_err(|r| (r.field, r.code, r.message)).unwrap_err();

        let most: Vec<String> = (0..MIRRORS_MAX).map(url).collect();
        assert_eq!(with(most.clone()).unwrap()[0].mirrors, most);
        let (field, code, _) = refused((0..=MIRRORS_MAX).map(url).collect());
        assert_eq!((field, code), ("mirrors", ErrorCode::E_INVALIDARG));
        let (field, code, why) = refused(alloc::vec![url(0), String::new()]);
        assert_eq!((field, code), ("mirrors", ErrorCode::INET_E_INVALID_URL));
        assert!(why.contains("mirror 1"), "{why}");
        let (_, code, _) = refused(alloc::vec![format!("http://{}", "x".repeat(URL_CHARS_MAX))]);
        assert_eq!(code, ErrorCode::E_INVALIDARG);
    }

    #[test]
    fn a_url_that_is_named_twice_counts_once_and_the_order_stays() {
        let [a, b] = ["http://m.example/a", "http://m.example/b"].map(str::to_owned);
        let origin = file("/tmp/a").remote_name;
        let mirrors = alloc::vec![b.clone(), origin, a.clone(), b.clone()];
        let offered = NewFile { mirrors, ..file("/tmp/a") };
        assert_eq!(admit(&[], &[offered]).unwrap()[0].mirrors, [b, a]);
    }

    #[test]
    fn a_hash_is_read_in_either_case() {
        let mut hashed = file("/tmp/a");
        hashed.sha256 = Some("aB".repeat(32));
        assert_eq!(admit(&[], &[hashed]).unwrap()[0].sha256, Some([0xAB; 32]));
    }
}
