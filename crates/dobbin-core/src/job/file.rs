//! One file of a job, and the door through which files come in.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use dobbin_types::file::{LOCAL_NAME_BYTES_MAX, URL_CHARS_MAX};
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
    /// The absolute path.
    pub local_name: String,
    /// Empty for the whole file.
    pub ranges: Vec<ByteRange>,
    /// Size of the remote file, if the caller knows it.
    pub size: Option<u64>,
    /// 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// Whether Complete may replace what stands under the local name.
    pub replace: bool,
}

/// A file of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Unique in the job.
    pub file_id: String,
    /// The URL.
    pub remote_name: String,
    /// The absolute path.
    pub local_name: String,
    /// In the order given: the local file is these parts back to back. Empty for the whole file.
    pub ranges: Vec<ByteRange>,
    /// Size of the remote file as the caller said it.
    pub declared_size: Option<u64>,
    /// The hash that the local file must have.
    pub sha256: Option<[u8; 32]>,
    /// Whether Complete may replace what stands under the local name.
    pub replace: bool,
    /// What the origin said of the file; `None` before its first reply.
    pub facts: Option<Facts>,
    /// Every byte is here, checked and flushed.
    pub finished: bool,
    /// It stands under its name (`BG_FILE_PROGRESS::Completed`).
    pub published: bool,
}

impl File {
    /// Size of the local file when it is done; `None` while nobody has said it.
    pub fn local_size(&self) -> Option<u64> {
        let remote_size = self.facts.as_ref().map(|facts| facts.remote_size).or(self.declared_size);
        ranges::local_size(&self.ranges, remote_size)
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

/// Lets files into a job that has `present` already: all of them, or none and the first reason.
///
/// * `is_url`: whether a text is a URL that can be fetched; `Err` says why not. URL syntax is the
///   engine's to know, because its parser needs tables that core does without.
///
/// Checks what can be known without asking disk or network; whether the folder exists and may be
/// written is the engine's question. Cost: O((n + m) log(n + m)) in the numbers of files.
pub fn door(
    present: &[File],
    offered: &[NewFile],
    is_url: impl Fn(&str) -> Result<(), (ErrorCode, String)>,
) -> Result<Vec<File>, Refusal> {
    let mut ids: alloc::collections::BTreeSet<&str> =
        present.iter().map(|file| file.file_id.as_str()).collect();
    let mut names: alloc::collections::BTreeSet<&str> =
        present.iter().map(|file| file.local_name.as_str()).collect();
    let mut admitted = Vec::with_capacity(offered.len());
    for (index, file) in offered.iter().enumerate() {
        let refuse = |(field, code, message)| Refusal { index, field, code, message };
        check(file, &is_url).map_err(refuse)?;
        if let Some(id) = &file.file_id
            && !ids.insert(id)
        {
            return Err(refuse(taken("file_id", "file id", id)));
        }
        if !names.insert(&file.local_name) {
            return Err(refuse(taken("local_name", "destination", &file.local_name)));
        }
        let sha256 = file.sha256.as_deref().map(digest).transpose().map_err(refuse)?;
        admitted.push(File {
            file_id: file.file_id.clone().unwrap_or_default(),
            remote_name: file.remote_name.clone(),
            local_name: file.local_name.clone(),
            ranges: file.ranges.clone(),
            declared_size: file.size,
            sha256,
            replace: file.replace,
            facts: None,
            finished: false,
            published: false,
        });
    }
    name_the_nameless(present.len(), &mut admitted);
    Ok(admitted)
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
    if file.remote_name.chars().count() > URL_CHARS_MAX {
        return Err((
            "remote_name",
            ErrorCode::E_INVALIDARG,
            format!("the URL has more than {URL_CHARS_MAX} characters"),
        ));
    }
    if !file.remote_name.is_empty() {
        is_url(&file.remote_name).map_err(|(code, why)| ("remote_name", code, why))?;
    }
    if file.local_name.is_empty() {
        return invalid("local_name", "the local name is empty; give an absolute path");
    }
    if !file.local_name.starts_with('/') {
        return Err((
            "local_name",
            ErrorCode::E_INVALIDARG,
            format!("`{}` is not an absolute path", file.local_name),
        ));
    }
    if file.local_name.contains('\0') {
        return invalid("local_name", "the local name contains a NUL character");
    }
    if file.local_name.len() > LOCAL_NAME_BYTES_MAX {
        return Err((
            "local_name",
            ErrorCode::E_INVALIDARG,
            format!("the local name has more than {LOCAL_NAME_BYTES_MAX} bytes"),
        ));
    }
    ranges::check(&file.ranges, file.size).map_err(|(code, why)| ("ranges", code, why))
}

fn taken(field: &'static str, what: &str, value: &str) -> Fault {
    (field, ErrorCode::E_INVALIDARG, format!("another file of the job has the {what} `{value}`"))
}

/// Reads 64 hexadecimal digits.
fn digest(text: &str) -> Result<[u8; 32], Fault> {
    let wrong = |why: String| ("sha256", ErrorCode::E_INVALIDARG, why);
    if text.len() != 64 {
        return Err(wrong(format!("a SHA-256 has 64 hexadecimal digits, not {}", text.len())));
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let nibble = |digit: u8| {
            char::from(digit)
                .to_digit(16)
                .ok_or_else(|| wrong(format!("`{}` is no hexadecimal digit", char::from(digit))))
        };
        *byte = (nibble(pair[0])? * 16 + nibble(pair[1])?) as u8;
    }
    Ok(bytes)
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
            local_name: local_name.to_owned(),
            ..NewFile::default()
        }
    }

    fn any_url(_: &str) -> Result<(), (ErrorCode, String)> {
        Ok(())
    }

    #[track_caller]
    fn refused(file: NewFile, field: &str, code: ErrorCode) {
        let refusal = door(&[], &[file], any_url).unwrap_err();
        assert_eq!((refusal.field, refusal.code), (field, code), "{}", refusal.message);
    }

    #[test]
    fn a_file_that_could_never_arrive_is_refused_with_its_field() {
        let with = |change: fn(&mut NewFile)| {
            let mut file = file("/tmp/a");
            change(&mut file);
            file
        };
        let invalid = ErrorCode::E_INVALIDARG;
        refused(with(|f| f.local_name = String::new()), "local_name", invalid);
        refused(with(|f| f.local_name = "a/b".to_owned()), "local_name", invalid);
        refused(with(|f| f.local_name = "/a\0b".to_owned()), "local_name", invalid);
        refused(with(|f| f.local_name = format!("/{}", "x".repeat(4_095))), "local_name", invalid);
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

    #[test]
    fn an_empty_url_is_left_to_resume() {
        let mut empty = file("/tmp/a");
        empty.remote_name = String::new();
        assert!(door(&[], &[empty], |_| Err((ErrorCode::E_INVALIDARG, String::new()))).is_ok());
    }

    #[test]
    fn two_files_never_share_a_destination_or_an_id() {
        let present = door(&[], &[file("/tmp/a")], any_url).unwrap();
        let refusal = door(&present, &[file("/tmp/b"), file("/tmp/a")], any_url).unwrap_err();
        assert_eq!((refusal.index, refusal.field), (1, "local_name"));
        let mut twin = file("/tmp/c");
        twin.file_id = Some(present[0].file_id.clone());
        assert_eq!(door(&present, &[twin], any_url).unwrap_err().field, "file_id");
    }

    #[test]
    fn a_hash_is_read_in_either_case() {
        let mut hashed = file("/tmp/a");
        hashed.sha256 = Some("aB".repeat(32));
        assert_eq!(door(&[], &[hashed], any_url).unwrap()[0].sha256, Some([0xAB; 32]));
    }
}
