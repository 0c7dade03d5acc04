//! Values of options, out of text.
//!
//! Each function is the one door for its kind of value; what comes out of it cannot be wrong.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use dobbin_agent::{CacheHosts, Fallback, HostFault};
use dobbin_types::phf::{
    Digest, PIECE_SIZE_MAX, PIECE_SIZE_MIN, digest_from_base64, digest_from_hex, digest_to_hex,
};
use dobbin_types::rest::Header;
use dobbin_types::{ByteRange, CostFlags, DownloadProperty, JobState, NotifyFlags, Priority};

/// Words of [`Priority`], offered to completions and named in errors.
pub(crate) fn priority() -> impl TypedValueParser<Value = Priority> {
    PossibleValuesParser::new(Priority::ALL.iter().map(|value| value.word()))
        .try_map(|word| word.parse::<Priority>())
}

/// Words of [`JobState`].
pub(crate) fn state() -> impl TypedValueParser<Value = JobState> {
    PossibleValuesParser::new(JobState::ALL.iter().map(|value| value.word()))
        .try_map(|word| word.parse::<JobState>())
}

/// A property of a download, by its word or number.
pub(crate) fn property(text: &str) -> Result<DownloadProperty, String> {
    DownloadProperty::from_name(text).ok_or_else(|| {
        let words: Vec<&str> = DownloadProperty::ALL.iter().map(|value| value.word()).collect();
        format!("expected one of {}, or its number", words.join(", "))
    })
}

/// `PROPERTY=VALUE`. By which properties downloads can be listed is the agent's to say.
pub(crate) fn category(text: &str) -> Result<(DownloadProperty, String), String> {
    let (name, value) =
        text.split_once('=').ok_or("expected a property, an equals sign and a value")?;
    Ok((property(name)?, value.to_owned()))
}

/// The events that an owner can be told of, by their words.
const EVENTS: [(&str, NotifyFlags); 5] = [
    ("transferred", NotifyFlags::JOB_TRANSFERRED),
    ("error", NotifyFlags::JOB_ERROR),
    ("disable", NotifyFlags::DISABLE),
    ("modification", NotifyFlags::JOB_MODIFICATION),
    ("file_transferred", NotifyFlags::FILE_TRANSFERRED),
];

/// Words of events with commas between them, or `none`.
pub(crate) fn notify_flags(text: &str) -> Result<NotifyFlags, String> {
    if text == "none" {
        return Ok(NotifyFlags(0));
    }
    let flag = |word: &str| EVENTS.iter().find(|(known, _)| *known == word).map(|(_, flag)| flag.0);
    let flags = text.split(',').map(|word| flag(word.trim()));
    let sum = flags.reduce(|sum, flag| Some(sum? | flag?)).flatten();
    sum.map(NotifyFlags).ok_or_else(|| {
        let words: Vec<&str> = EVENTS.iter().map(|(word, _)| *word).collect();
        format!("expected none, or some of {} with commas between them", words.join(", "))
    })
}

/// The word of a cost policy, or a mask in hexadecimal digits after `0x`. Which bits may be set is
/// the agent's to say.
pub(crate) fn cost_flags(text: &str) -> Result<CostFlags, String> {
    let named = CostFlags::NAMED.iter().find(|(word, _)| *word == text).map(|(_, flags)| *flags);
    let mask = || {
        let digits = text.strip_prefix("0x")?;
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten().map(CostFlags)
    };
    named.or_else(mask).ok_or_else(|| {
        let words = CostFlags::NAMED.map(|(word, _)| word);
        format!("expected one of {}, or a mask such as 0x80000067", words.join(", "))
    })
}

/// Cache hosts with commas between them, at least one.
pub(crate) fn cache_hosts(text: &str) -> Result<CacheHosts, String> {
    let hosts: CacheHosts = text.parse().map_err(|fault: HostFault| fault.to_string())?;
    if hosts.is_empty() { Err("expected at least one cache host".to_owned()) } else { Ok(hosts) }
}

/// Seconds until the origin is asked, or `never`.
pub(crate) fn cache_fallback(text: &str) -> Result<Fallback, String> {
    if text == "never" {
        return Ok(Fallback::Never);
    }
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| is_plain);
    seconds
        .and_then(Fallback::from_seconds)
        .ok_or_else(|| "expected never, or a number of seconds up to 2592000 (30 days)".to_owned())
}

/// Bytes a second, at least 1: a number, with a decimal fraction if need be, and `k`, `M` or `G` for
/// powers of 1024. Rounds down.
pub(crate) fn rate(text: &str) -> Result<u64, String> {
    let wrong = || "expected a number of bytes a second such as 500k, 1.5M or 2G".to_owned();
    let (number, factor) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    // Digits only: the standard parser would also take a sign. Nine decimals are more than 2^30.
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return Err(wrong());
    }
    let scale = 10_u128.pow(fraction.len() as u32);
    let whole: u128 = whole.parse().map_err(|_| wrong())?;
    let fraction: u128 = fraction.parse().map_err(|_| wrong())?;
    let bytes = whole
        .checked_mul(scale)
        .and_then(|scaled| scaled.checked_add(fraction)?.checked_mul(factor))
        .ok_or_else(wrong)?
        / scale;
    match u64::try_from(bytes) {
        Ok(0) => Err("nothing can be fetched at less than 1 byte a second".to_owned()),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(wrong()),
    }
}

/// A limit that is set anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewLimit {
    /// There is none any more.
    None,
    /// Bytes a second.
    Rate(u64),
}

/// A rate, or `none`.
pub(crate) fn new_limit(text: &str) -> Result<NewLimit, String> {
    if text == "none" { Ok(NewLimit::None) } else { rate(text).map(NewLimit::Rate) }
}

/// A SHA-256 as 64 hexadecimal digits, in lower case from here on.
pub(crate) fn sha256(text: &str) -> Result<String, String> {
    digest_hex(text).map(|digest| digest_to_hex(&digest))
}

/// A SHA-256 as 64 hexadecimal digits.
pub(crate) fn digest_hex(text: &str) -> Result<Digest, String> {
    digest_from_hex(text).ok_or_else(|| "expected 64 hexadecimal digits".to_owned())
}

/// A SHA-256 in base64.
pub(crate) fn digest_base64(text: &str) -> Result<Digest, String> {
    digest_from_base64(text).ok_or_else(|| "expected 32 bytes in base64".to_owned())
}

/// Bytes of a piece: a power of two within the limits of piece-hash files.
pub(crate) fn piece_size(text: &str) -> Result<u32, String> {
    let size = rate(text).ok().and_then(|size| u32::try_from(size).ok());
    size.filter(|size| size.is_power_of_two() && (PIECE_SIZE_MIN..=PIECE_SIZE_MAX).contains(size))
        .ok_or_else(|| "expected a power of two from 64k to 64M, such as 256k or 1M".to_owned())
}

/// `Name: value`. Which names may be sent is the agent's to say.
pub(crate) fn header(text: &str) -> Result<Header, String> {
    match text.split_once(':') {
        Some((name, value)) if !name.is_empty() => {
            Ok(Header { name: name.to_owned(), value: value.trim().to_owned() })
        }
        _ => Err("expected a name, a colon and a value".to_owned()),
    }
}

/// `OFFSET-LENGTH`, or `OFFSET-` for everything from there.
pub(crate) fn range(text: &str) -> Result<ByteRange, String> {
    let wrong = || "expected OFFSET-LENGTH such as 0-100, or OFFSET- for all the rest".to_owned();
    let (offset, length) = text.split_once('-').ok_or_else(wrong)?;
    let number = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<u64>().ok()).flatten().ok_or_else(wrong)
    };
    let length = if length.is_empty() { None } else { Some(number(length)?) };
    match length {
        Some(0) => Err("a part of no bytes is none".to_owned()),
        _ => Ok(ByteRange { offset: number(offset)?, length }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_limit_is_a_rate_or_none() {
        assert_eq!(new_limit("none"), Ok(NewLimit::None));
        assert_eq!(new_limit("2k"), Ok(NewLimit::Rate(2_048)));
        assert!(new_limit("0").is_err() && new_limit("").is_err());
    }

    #[test]
    fn rates_are_numbers_with_a_unit() {
        #[track_caller]
        fn check(text: &str, expect: Option<u64>) {
            assert_eq!(rate(text).ok(), expect, "{text}");
        }
        check("1", Some(1));
        check("500k", Some(512_000));
        check("500K", Some(512_000));
        check("1.5M", Some(1_572_864));
        check("2G", Some(2_147_483_648));
        check("0.5k", Some(512));
        check("1.9", Some(1));
        check("18446744073709551615", Some(u64::MAX));
        for wrong in [
            "",
            "k",
            "0",
            "0.4",
            "0k",
            "-1",
            "+1",
            "1 k",
            "1kB",
            "1.k",
            ".5k",
            "1.2.3",
            "1e3",
            "18446744073709551616",
            "99999999999G",
            "1.0000000001M",
            "١k",
            "4294967296G4",
        ] {
            check(wrong, None);
        }
    }

    proptest! {
        #[test]
        fn a_rate_is_what_its_unit_says(number in 1_u64..1 << 33) {
            prop_assert_eq!(rate(&number.to_string()), Ok(number));
            prop_assert_eq!(rate(&format!("{number}k")), Ok(number << 10));
            prop_assert_eq!(rate(&format!("{number}M")), Ok(number << 20));
            prop_assert_eq!(rate(&format!("{number}G")), Ok(number << 30));
        }

        #[test]
        fn a_fraction_lies_between_its_neighbours(whole in 1_u64..1 << 20, tenth in 0_u64..10) {
            let bytes = rate(&format!("{whole}.{tenth}M")).unwrap();
            prop_assert!(whole << 20 <= bytes && bytes < (whole + 1) << 20);
            prop_assert_eq!(bytes, ((whole * 10 + tenth) << 20) / 10);
        }

        #[test]
        fn no_text_makes_the_doors_panic(text in "\\PC{0,20}") {
            let _ = (rate(&text), sha256(&text), header(&text).is_ok(), range(&text));
            let _ = (notify_flags(&text), cost_flags(&text));
        }
    }

    #[test]
    fn a_cache_host_is_named_and_a_delay_is_seconds_or_never() {
        let hosts = |text| cache_hosts(text).map(|hosts| hosts.as_slice().len()).ok();
        assert_eq!(hosts("cache.example"), Some(1));
        assert_eq!(hosts("cache.example:81, [::1]"), Some(2));
        for wrong in ["", ",", "http://cache.example", "cache.example/path", "cache:0"] {
            assert_eq!(hosts(wrong), None, "{wrong}");
        }
        assert_eq!(cache_fallback("never"), Ok(Fallback::Never));
        assert_eq!(cache_fallback("0"), Ok(Fallback::AtOnce));
        let minute = std::time::Duration::from_secs(60);
        assert_eq!(cache_fallback("60"), Ok(Fallback::After(minute)));
        for wrong in ["", "-1", "+60", "60s", "Never", "2592001", "99999999999999999999"] {
            assert!(cache_fallback(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn events_are_words_with_commas() {
        let flags = |text| notify_flags(text).map(|flags| flags.0).ok();
        assert_eq!(flags("none"), Some(0));
        assert_eq!(flags("transferred,error"), Some(3));
        assert_eq!(flags("modification, file_transferred ,disable"), Some(0x1C));
        for wrong in ["", "all", "transferred,", "transferred,none", "Error", "3"] {
            assert_eq!(flags(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn costs_are_words_or_masks() {
        let flags = |text| cost_flags(text).map(|flags| flags.0).ok();
        assert_eq!(flags("standard"), Some(0x8000_0067));
        assert_eq!(flags("0x80000021"), Some(0x8000_0021));
        assert_eq!(flags("0x0"), Some(0));
        for wrong in ["", "cheap", "0x", "0x+1", "21", "0x180000021", "Standard"] {
            assert_eq!(flags(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn hashes_have_64_digits() {
        assert_eq!(sha256(&"aB".repeat(32)), Ok("ab".repeat(32)));
        for wrong in ["".to_owned(), "a".repeat(63), "a".repeat(65), "g".repeat(64), "ä".repeat(32)]
        {
            assert!(sha256(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn headers_have_a_name_and_a_value() {
        let read = |text| header(text).map(|header| (header.name, header.value)).ok();
        let pair = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
        assert_eq!(read("A: b"), pair("A", "b"));
        assert_eq!(read("A:b:c "), pair("A", "b:c"));
        assert_eq!(read("A:"), pair("A", ""));
        assert_eq!(read("A"), None);
        assert_eq!(read(": b"), None);
    }

    #[test]
    fn ranges_have_an_offset_and_a_length() {
        #[track_caller]
        fn check(text: &str, expect: Option<(u64, Option<u64>)>) {
            let got = range(text).ok().map(|range| (range.offset, range.length));
            assert_eq!(got, expect, "{text}");
        }
        check("0-100", Some((0, Some(100))));
        check("100-", Some((100, None)));
        check("18446744073709551615-1", Some((u64::MAX, Some(1))));
        for wrong in ["", "-", "-5", "5", "5-0", "a-1", "1-a", "1-+1", "1--1"] {
            check(wrong, None);
        }
    }
}
