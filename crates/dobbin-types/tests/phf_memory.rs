//! How much memory a hostile piece-hash file takes. Alone in its program, because the system counts
//! for the whole process.

#![allow(clippy::unwrap_used)]

use dobbin_types::phf::{Expected, Phf};

/// Bytes of each hostile text.
const TEXT_BYTES: usize = 4 * 1024 * 1024;

/// What `/proc/self/status` says under `name`, in bytes; `None` where the system does not say.
fn status(name: &str) -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|kib| kib * 1024)
}

/// The most memory that reading `text` took beyond what was taken before.
fn taken_by_reading(text: &[u8]) -> Option<usize> {
    // From here on the most that was ever taken is counted anew.
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = status("VmRSS:")?;
    assert!(Phf::read(text, &Expected::default(), |_| [0; 32]).is_err());
    Some(status("VmHWM:")?.saturating_sub(before))
}

/// `head`, then `middle` as often as it fits.
fn filled(head: &str, middle: &str) -> Vec<u8> {
    let mut text = head.as_bytes().to_vec();
    let count = (TEXT_BYTES - head.len()) / middle.len();
    text.extend_from_slice(middle.repeat(count).as_bytes());
    text
}

#[test]
fn a_hostile_file_takes_no_more_than_a_small_multiple_of_its_length() {
    let digest = format!("\"{}=\",", "A".repeat(43));
    let hostile = [
        (r#"{"Pieces":["#, digest.as_str()),
        (r#"{"Pieces":["#, "0,"),
        (r#"{"Pieces":["#, "\"\","),
        (r#"{"Pieces":"#, "["),
        (r#"{"Other":"#, "["),
        (r#"{"Other":"#, "{\"a\":"),
        (r#"{"HashOfHashes":""#, "\\u0041"),
        (r#"{""#, "k"),
        ("{", "\"key\":1,"),
        (r#"{"ContentLength":"#, "9"),
        ("\"", "text"),
    ];
    for (head, middle) in hostile {
        let Some(taken) = taken_by_reading(&filled(head, middle)) else {
            eprintln!("SKIPPED: the system does not say how much memory a process takes");
            return;
        };
        assert!(taken <= 3 * TEXT_BYTES, "{head}{middle}: {taken} for {TEXT_BYTES} bytes");
    }
}
