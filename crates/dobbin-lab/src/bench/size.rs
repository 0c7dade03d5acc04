//! Sizes on the command line.

/// Reads a size: a whole number of bytes, or of KiB, MiB or GiB when it ends so.
///
/// Errors: a sentence for the command line.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u32); 3] = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let unit = UNITS.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
    let (digits, shift) = unit.unwrap_or((text, 0));
    let number: u64 = digits.trim().parse().map_err(|_| "not a size such as 512MiB".to_owned())?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0).ok_or("out of reach".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in [("1", 1), ("4096", 4096), ("3KiB", 3072), ("1 GiB", 1 << 30)] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "0", "MiB", "-1", "1.5GiB", "1gb", "99999999999GiB"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
