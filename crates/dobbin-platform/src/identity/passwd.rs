//! What to call a user when showing one to a person.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use dobbin_types::Uid;

/// How much of the file is read, in bytes. Some 100,000 users fit.
const PASSWD_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The name of a user in `/etc/passwd`, for display only: nothing is decided by a name.
///
/// `None` when the file is not readable or does not have the user, as with those that a directory
/// service adds; and when the name has characters that do not belong on a terminal. The file is
/// read anew each time.
pub fn user_name(uid: Uid) -> Option<String> {
    name_in(File::open("/etc/passwd").ok()?, uid)
}

/// The first name for `uid` in a file of the form that `passwd(5)` describes.
fn name_in(passwd: impl Read, uid: Uid) -> Option<String> {
    let lines = BufReader::new(passwd.take(PASSWD_BYTES_MAX)).split(b'\n');
    lines
        .map_while(Result::ok)
        .filter_map(|line| entry(String::from_utf8(line).ok()?))
        .find_map(|(name, number)| (number == uid).then_some(name))
        .filter(|name| !name.is_empty() && !name.contains(char::is_control))
}

/// Name and number of one line. Not of those that begin with a sign: they are orders to the C
/// library (`nsswitch.conf(5)`, "compat"), and name nobody.
fn entry(line: String) -> Option<(String, Uid)> {
    let mut fields = line.split(':');
    let (name, number) = (fields.next()?, fields.nth(1)?);
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|_| digits)?;
    (!name.starts_with(['+', '-'])).then(|| (name.to_owned(), Uid(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(passwd: &[u8], uid: u32, expect: Option<&str>) {
        let text = passwd.escape_ascii();
        assert_eq!(name_in(passwd, Uid(uid)).as_deref(), expect, "{uid} in {text}");
    }

    const USUAL: &[u8] = b"root:x:0:0:root:/root:/bin/sh\nann:x:1000:1001:Ann:/home/ann:/bin/sh\n";

    #[test]
    fn a_user_is_found_by_user_number_and_not_by_group() {
        check(USUAL, 0, Some("root"));
        check(USUAL, 1000, Some("ann"));
        check(USUAL, 1001, None);
        check(USUAL, 1, None);
    }

    #[test]
    fn the_first_of_two_names_is_the_name() {
        check(b"root:x:0:0::/:\ntoor:x:0:0::/:\n", 0, Some("root"));
    }

    #[test]
    fn lines_of_another_form_are_passed_over() {
        let odd = b"+\n\nnobody\n+::0:0:::\nx:y\n\xff:x:5:5::/:\nroot:x:0:0::/:";
        check(odd, 0, Some("root"));
        check(odd, 5, None);
        check(b"", 0, None);
        check(b"a:x:+0:0::/:\nb:x:-0:0::/:\nc:x:4294967296:0::/:\nd:x::0::/:", 0, None);
    }

    #[test]
    fn a_name_that_would_write_on_the_terminal_is_no_name() {
        check(b"\x1b[2Jann:x:7:7::/:\n", 7, None);
        check(b":x:7:7::/:\n", 7, None);
    }

    #[test]
    fn a_file_without_end_is_read_to_the_limit_only() {
        assert_eq!(name_in(std::io::repeat(b'x'), Uid(0)), None);
    }
}
