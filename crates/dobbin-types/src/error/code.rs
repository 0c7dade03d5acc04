//! The number itself, and what its bits say.

use core::fmt;

use super::table::{ALIASES, Class, Row, TABLE};

/// The outcome of a call or the reason why a job stopped: a Windows `HRESULT`.
///
/// Every number is allowed, also one that no row of [`TABLE`] knows: errors of the system, of HTTP
/// and of other programs keep their own. In REST bodies it is text with eight hex digits, such as
/// `0x80D02013`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, example = "0x80D02013"))]
pub struct ErrorCode(pub u32);

/// What a Windows error is added to.
pub(super) const WIN32_BASE: u32 = 0x8007_0000;
/// What an HTTP status is added to.
pub(super) const HTTP_BASE: u32 = 0x8019_0000;
/// What an errno or a curl code is added to.
pub(super) const SYSTEM_BASE: u32 = 0xC0D0_0000;

/// `FACILITY_DELIVERY_OPTIMIZATION`, as it stands in bits 16 to 26.
const DELIVERY_FACILITY: u32 = 208;

/// The bits of the code that select its zone, and the zone of what passes by itself
/// (`DO_TRANSIENT_ZONE_MASK`, `DO_TRANSIENT_ZONE`).
const TRANSIENT_ZONE_MASK: u32 = 0xF800;
const TRANSIENT_ZONE: u32 = 0x3800;

impl ErrorCode {
    /// The code with this signed number, as C programs and the compatible REST interface write it.
    pub const fn from_hresult(number: i32) -> ErrorCode {
        ErrorCode(number.cast_unsigned())
    }

    /// The number as C programs and the compatible REST interface write it: signed.
    pub const fn hresult(self) -> i32 {
        self.0.cast_signed()
    }

    /// Whether it reports a failure. `S_FALSE` and `BG_S_PARTIAL_COMPLETE` do not.
    pub const fn is_failure(self) -> bool {
        self.hresult() < 0
    }

    /// Whether the number lies in the transient zone of Delivery Optimization's own codes, which is
    /// how programs written for it recognise a pause that ends by itself.
    ///
    /// This is about the number alone. Whether the service retries a failure is
    /// [`ErrorCode::class`]: a DNS failure is retried, yet its number lies in no zone.
    pub const fn is_transient(self) -> bool {
        self.is_failure()
            && (self.0 >> 16) & 0x07FF == DELIVERY_FACILITY
            && self.0 & TRANSIENT_ZONE_MASK == TRANSIENT_ZONE
    }

    /// What is known of the code, if it is one of [`TABLE`].
    ///
    /// Cost: a binary search over some 130 rows.
    pub fn row(self) -> Option<&'static Row> {
        TABLE.binary_search_by_key(&self, |row| row.code).ok().map(|index| &TABLE[index])
    }

    /// Its name, if it has one.
    pub fn symbol(self) -> Option<&'static str> {
        self.row().map(|row| row.symbol)
    }

    /// The code with this name, in the exact spelling; the documentation's other names for
    /// `DO_E_JOB_NOT_FOUND` and `DO_E_JOB_EMPTY` are understood.
    pub fn from_symbol(symbol: &str) -> Option<ErrorCode> {
        let rows = TABLE.iter().map(|row| (row.symbol, row.code));
        rows.chain(ALIASES.iter().copied()).find(|(name, _)| *name == symbol).map(|(_, code)| code)
    }

    /// What kind of outcome it is, for known and unknown codes alike.
    ///
    /// Of the numbers that an errno and a curl code share (see [`ErrorCode::from_errno`]) the
    /// likelier one decides; who knows the cause should use that knowledge instead.
    pub fn class(self) -> Class {
        if let Some(row) = self.row() {
            row.class
        } else if !self.is_failure() {
            Class::Success
        } else if self.is_transient() || self.is_retried_status() || self.is_retried_curl() {
            Class::Transient
        } else {
            Class::Fatal
        }
    }

    /// The lower sixteen bits, if the upper ones are those of `base`.
    pub(super) const fn above(self, base: u32) -> Option<u16> {
        if self.0 & 0xFFFF_0000 == base { Some((self.0 & 0xFFFF) as u16) } else { None }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.symbol() {
            Some(symbol) => f.write_str(symbol),
            None => write!(f, "ErrorCode(0x{:08X})", self.0),
        }
    }
}

impl std::error::Error for ErrorCode {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_the_negative_numbers() {
        for code in [ErrorCode::S_OK, ErrorCode::S_FALSE, ErrorCode::BG_S_PARTIAL_COMPLETE] {
            assert!(!code.is_failure(), "{code:?}");
        }
        assert!(ErrorCode::E_FAIL.is_failure());
        assert!(ErrorCode::ENOENT.is_failure());
        assert_eq!(ErrorCode::from_hresult(-2_133_843_949), ErrorCode::DO_E_INVALID_STATE);
    }

    /// conformance: hresult transient-zone
    #[test]
    fn the_transient_zone_has_these_borders() {
        #[track_caller]
        fn check(number: u32, expect: bool) {
            assert_eq!(ErrorCode(number).is_transient(), expect, "0x{number:08X}");
        }
        check(0x80D0_37FF, false);
        check(0x80D0_3800, true);
        check(0x80D0_3FFF, true);
        check(0x80D0_4000, false);
        // A success, and the same zone number in another facility.
        check(0x00D0_3801, false);
        check(0x8007_3801, false);
        // The facility alone decides; no errno is that large.
        check(0xC0D0_3801, true);
    }

    /// conformance: hresult aliases
    #[test]
    fn a_code_is_found_by_every_name_it_has() {
        assert_eq!(ErrorCode::from_symbol("DO_E_EMPTY"), Some(ErrorCode::DO_E_JOB_EMPTY));
        assert_eq!(ErrorCode::from_symbol("DO_E_NOT_FOUND"), Some(ErrorCode::DO_E_JOB_NOT_FOUND));
        assert_eq!(ErrorCode::from_symbol("E_NOT_SET"), Some(ErrorCode(0x8007_0490)));
        assert_eq!(ErrorCode::from_symbol("e_not_set"), None);
        assert_eq!(ErrorCode::DO_E_EMPTY.symbol(), Some("DO_E_JOB_EMPTY"));
        assert_eq!(ErrorCode(0x8000_1234).symbol(), None);
    }

    #[test]
    fn a_code_without_a_name_has_the_class_of_its_kind() {
        #[track_caller]
        fn check(code: ErrorCode, expect: Class) {
            assert_eq!(code.class(), expect, "{code}");
        }
        check(ErrorCode(0x0000_1234), Class::Success);
        check(ErrorCode(0x80D0_38FF), Class::Transient);
        check(ErrorCode(0x8000_1234), Class::Fatal);
        check(ErrorCode::from_http_status(416), Class::Fatal);
        check(ErrorCode::from_http_status(429), Class::Transient);
        check(ErrorCode::from_http_status(507), Class::Transient);
        check(ErrorCode::CURL_PARTIAL_FILE, Class::Transient);
        check(ErrorCode::CURL_CERTIFICATE, Class::Fatal);
        // One number, two meanings: the failing disk wins over the unknown proxy.
        check(ErrorCode::EIO, Class::Fatal);
        check(ErrorCode::CURL_PROXY_RESOLVE, Class::Fatal);
        check(ErrorCode::ENOSPC, Class::Fatal);
    }

    #[test]
    fn debugging_shows_the_name_or_the_number() {
        assert_eq!(format!("{:?}", ErrorCode::E_INVALIDARG), "E_INVALIDARG");
        assert_eq!(format!("{:?}", ErrorCode::ENOENT), "ErrorCode(0xC0D00002)");
    }
}
