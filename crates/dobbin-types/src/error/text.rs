//! Codes as people and programs read them.

use core::fmt;
use core::str::FromStr;
use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::ErrorCode;
use super::code::{SYSTEM_BASE, WIN32_BASE};
use super::system::{curl_text, errno_text};

impl ErrorCode {
    /// What happened, in a sentence for the caller: lower case, no full stop. Never empty, also for a
    /// code without a name.
    pub fn text(self) -> Cow<'static, str> {
        if let Some(row) = self.row() {
            return row.text.into();
        }
        if !self.is_failure() {
            "it worked".into()
        } else if let Some(status) = self.http_status() {
            format!("the server answered {status}").into()
        } else if let Some(number) = self.above(SYSTEM_BASE) {
            system_text(number)
        } else if let Some(number) = self.above(WIN32_BASE) {
            format!("the system reported the Windows error {number}").into()
        } else {
            "something failed for a reason this version does not know".into()
        }
    }
}

/// Both meanings of a number that an errno and a curl code share: the code does not tell them apart.
fn system_text(number: u16) -> Cow<'static, str> {
    match (errno_text(number), curl_text(number)) {
        (Some(errno), Some(curl)) => format!("{errno}, or {curl}").into(),
        (Some(text), None) | (None, Some(text)) => text.into(),
        (None, None) => format!("the system reported error {number}").into(),
    }
}

/// `DO_E_INVALID_STATE (0x80D02013)`, or only the number of a code without a name.
impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.symbol() {
            Some(symbol) => write!(f, "{symbol} (0x{:08X})", self.0),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

/// A text that is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadableCode;

impl fmt::Display for UnreadableCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a code such as 0x80D02013, -2133843949 or DO_E_INVALID_STATE")
    }
}

impl std::error::Error for UnreadableCode {}

/// Reads what any log or program may show: `0x` and up to eight hex digits, a signed or unsigned
/// decimal of 32 bits, a name, or the form that `Display` writes, whose name must be the number's.
impl FromStr for ErrorCode {
    type Err = UnreadableCode;

    fn from_str(text: &str) -> Result<ErrorCode, UnreadableCode> {
        if let Some((symbol, rest)) = text.split_once(" (") {
            let code = rest.strip_suffix(')').and_then(from_hex).ok_or(UnreadableCode)?;
            let named = ErrorCode::from_symbol(symbol) == Some(code);
            return named.then_some(code).ok_or(UnreadableCode);
        }
        from_hex(text)
            .or_else(|| text.parse().ok().map(ErrorCode::from_hresult))
            .or_else(|| text.parse().ok().map(ErrorCode))
            .or_else(|| ErrorCode::from_symbol(text))
            .ok_or(UnreadableCode)
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("0x{:08X}", self.0))
    }
}

/// Reads the hexadecimal form only: a body of ours carries no other.
impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ErrorCode, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_hex(&text).ok_or_else(|| de::Error::custom(UnreadableCode))
    }
}

fn from_hex(text: &str) -> Option<ErrorCode> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    // Checked here because the standard parser also takes a sign.
    let well_formed =
        (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    well_formed.then(|| u32::from_str_radix(digits, 16).ok().map(ErrorCode))?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::TABLE;

    #[track_caller]
    fn check_words(code: ErrorCode) {
        let text = code.text();
        let first = text.chars().next().expect("a text");
        assert!(!first.is_whitespace() && !first.is_ascii_uppercase(), "{code}: {text}");
        assert!(!text.ends_with(['.', ' ', '!']), "{code}: {text}");
        assert!(!text.contains(". ") && !text.contains('\n'), "{code}: {text}");
    }

    #[test]
    fn every_code_says_what_happened_in_one_sentence() {
        for row in TABLE {
            check_words(row.code);
        }
        for number in 0..=u16::MAX {
            check_words(ErrorCode::from_http_status(number));
            check_words(ErrorCode::from_curl(number));
            check_words(ErrorCode::from_win32(number.into()));
        }
    }

    #[test]
    fn a_code_without_a_name_says_what_its_number_tells() {
        #[track_caller]
        fn check(code: ErrorCode, expect: &str) {
            assert_eq!(code.text(), expect, "{code}");
        }
        check(ErrorCode::from_http_status(429), "the server answered 429");
        check(ErrorCode::ENOSPC, "the disk is full (ENOSPC)");
        check(ErrorCode::CURL_EMPTY_REPLY, "the server closed the connection without an answer");
        check(
            ErrorCode::from_errno(5),
            "the disk failed (EIO), or no address was found for the proxy's name",
        );
        check(ErrorCode::from_errno(99), "the system reported error 99");
        check(ErrorCode::from_win32(2), "the system reported the Windows error 2");
        check(ErrorCode(0x0000_1234), "it worked");
        check(ErrorCode(0x8A00_0001), "something failed for a reason this version does not know");
    }

    #[test]
    fn a_code_is_shown_with_its_name_and_its_number() {
        assert_eq!(ErrorCode::DO_E_INVALID_STATE.to_string(), "DO_E_INVALID_STATE (0x80D02013)");
        assert_eq!(ErrorCode::from_http_status(429).to_string(), "0x801901AD");
        assert_eq!(ErrorCode::S_OK.to_string(), "S_OK (0x00000000)");
    }

    /// conformance: hresult signed
    #[test]
    fn every_form_that_a_log_may_show_is_read() {
        for text in [
            "DO_E_INVALID_STATE (0x80D02013)",
            "DO_E_INVALID_STATE",
            "0x80D02013",
            "0X80d02013",
            "-2133843949",
            "2161123347",
        ] {
            assert_eq!(text.parse(), Ok(ErrorCode::DO_E_INVALID_STATE), "{text}");
        }
        assert_eq!("0x1".parse(), Ok(ErrorCode::S_FALSE));
        assert_eq!("DO_E_EMPTY".parse(), Ok(ErrorCode::DO_E_JOB_EMPTY));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in [
            "",
            "0x",
            "0x+1",
            "0x180D02013",
            "80D02013",
            "4294967296",
            "-2147483649",
            "DO_E_NOTHING",
            "DO_E_JOB_EMPTY (0x80D02013)",
            "DO_E_INVALID_STATE (0x80D02013",
            " (0x80D02013)",
        ] {
            assert_eq!(text.parse::<ErrorCode>(), Err(UnreadableCode), "{text:?}");
        }
    }

    #[test]
    fn json_carries_hex_digits_and_nothing_else() {
        let json = serde_json::to_string(&ErrorCode::DO_E_INVALID_STATE).unwrap();
        assert_eq!(json, r#""0x80D02013""#);
        for text in [r#""0x80D02013""#, r#""0x80d02013""#] {
            let code: ErrorCode = serde_json::from_str(text).unwrap();
            assert_eq!(code, ErrorCode::DO_E_INVALID_STATE);
        }
        for text in ["-2133843949", r#""-2133843949""#, r#""DO_E_INVALID_STATE""#, "null"] {
            assert!(serde_json::from_str::<ErrorCode>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_number_is_read_back_from_what_is_shown(number: u32) {
            let code = ErrorCode(number);
            prop_assert_eq!(code.to_string().parse(), Ok(code));
            prop_assert_eq!(code.hresult().to_string().parse(), Ok(code));
            let json = serde_json::to_string(&code).unwrap();
            prop_assert_eq!(serde_json::from_str::<ErrorCode>(&json).unwrap(), code);
            check_words(code);
        }

        #[test]
        fn a_named_code_is_read_back_from_what_is_shown(index in 0..TABLE.len()) {
            let code = TABLE[index].code;
            prop_assert_eq!(code.to_string().parse(), Ok(code));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            let _ = text.parse::<ErrorCode>();
        }
    }
}
