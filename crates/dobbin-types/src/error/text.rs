//! Codes as people and programs read them.

use core::fmt;
use core::str::FromStr;
use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::ErrorCode;
use super::code::facility;
use super::system::{curl_text, errno_text};

impl ErrorCode {
    /// What happened, in a sentence for the caller: lower case, no full stop. Never empty, also for a
    /// code without a name.
    pub fn text(self) -> Cow<'static, str> {
        if let Some(row) = self.row() {
            return row.text.into();
        }
        let number = self.within_facility();
        if !self.is_failure() {
            "it worked".into()
        } else if let Some(status) = self.http_status() {
            format!("the server answered {status}").into()
        } else if self.is_system() {
            match (errno_text(number), curl_text(number)) {
                (Some(errno), Some(curl)) => format!("{errno}, or {curl}").into(),
                (Some(text), None) | (None, Some(text)) => text.into(),
                (None, None) => format!("the system reported error {number}").into(),
            }
        } else if self.facility() == facility::WIN32 {
            format!("the system reported the Windows error {number}").into()
        } else {
            "something failed for a reason this version does not know".into()
        }
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
        let text = Cow::<'de, str>::deserialize(deserializer)?;
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
