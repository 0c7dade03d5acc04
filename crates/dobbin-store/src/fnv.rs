//! A hash for telling things apart that nobody tries to confuse.

/// The 64-bit FNV-1a hash. Always the same for the same bytes, in every version: records and names of
/// files depend on it.
pub(crate) fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_stay_what_they_are() {
        for (bytes, expect) in [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(fnv1a(bytes.bytes()), expect, "{bytes:?}");
        }
    }
}
