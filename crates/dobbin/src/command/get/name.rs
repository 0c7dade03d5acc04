//! The name of the file that a URL's content is saved under.
//!
//! Made from the URL alone, which the user typed: what a server sends never chooses a name.

use url::Url;

use crate::render::text::steers;

/// Longest name that file systems take, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// The last segment of the URL's path, percent-decoded and made safe; nothing when that leaves no
/// name. The query is no part of it.
///
/// Safe means: one name in the folder it is put into, not hidden, and nothing in it that steers a
/// terminal. Characters that cannot stay become `_`; dots at the beginning are dropped.
pub(super) fn from_url(url: &Url) -> Option<String> {
    let last = url.path_segments()?.next_back()?;
    let decoded = String::from_utf8(percent_decoded(last)).ok()?;
    let safe: String = decoded
        .chars()
        .map(|character| if is_unsafe(character) { '_' } else { character })
        .collect();
    let name = safe.trim().trim_start_matches('.').trim_start();
    (!name.is_empty() && name.len() <= NAME_BYTES_MAX).then(|| name.to_owned())
}

/// Both slashes: one is Unix's, the other that of whoever gets the file next.
fn is_unsafe(character: char) -> bool {
    matches!(character, '/' | '\\') || steers(character)
}

/// Bytes of a URL's segment, with `%XX` resolved; a `%` that begins no such thing stays.
fn percent_decoded(segment: &str) -> Vec<u8> {
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
        match (bytes[index], digit(index + 1), digit(index + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                index += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                index += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expect: Option<&str>) {
        let url = Url::parse(&format!("https://example.com{path}")).unwrap();
        assert_eq!(from_url(&url).as_deref(), expect, "{path}");
    }

    #[test]
    fn the_name_is_the_last_part_of_the_path() {
        check("/a/b/disk.iso", Some("disk.iso"));
        check("/disk.iso?download=1&name=evil#top", Some("disk.iso"));
        check("/Some%20File%C3%A4.txt", Some("Some Fileä.txt"));
        check("/100%25.txt", Some("100%.txt"));
        check("/50%", Some("50%"));
        check("/%zz", Some("%zz"));
    }

    #[test]
    fn a_path_without_a_name_has_none() {
        check("", None);
        check("/", None);
        check("/folder/", None);
        check("/a/..", None);
        check("/%2e", None);
        check("/...", None);
        check("/%20", None);
        check("/%FF%FE", None);
    }

    #[test]
    fn a_name_cannot_leave_its_folder_hide_or_steer() {
        check("/%2e%2e%2fetc%2fpasswd", Some("_etc_passwd"));
        check("/..%2f..%2fx", Some("_.._x"));
        check("/a%5Cb", Some("a_b"));
        check("/a%00b%0Ac%1B%5B2J", Some("a_b_c_[2J"));
        check("/.bashrc", Some("bashrc"));
        check("/%20.hidden", Some("hidden"));
        check("/photo%E2%80%AEgpj.exe", Some("photo_gpj.exe"));
    }

    #[test]
    fn a_name_that_no_file_system_takes_is_none() {
        check(&format!("/{}", "a".repeat(255)), Some(&"a".repeat(255)));
        check(&format!("/{}", "a".repeat(256)), None);
    }
}
