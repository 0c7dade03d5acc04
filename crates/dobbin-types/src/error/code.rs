//! The number itself, and what its bits say.

use core::fmt;

use super::table::{ALIASES, Class, Row, TABLE};

/// The outcome of a call or the reason why a job stopped: a Windows `HRESULT`.
///
/// Every number is allowed, also one that no row of [`TABLE`](super::TABLE) knows: errors of the
/// system, of HTTP and of other programs keep their own. In REST bodies it is text with eight hex
/// digits, such as `0x80D02013`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, example = "0x80D02013"))]
pub struct ErrorCode(pub u32);

/// The facilities this crate looks into, as they stand in bits 16 to 26.
pub(super) mod facility {
    /// Errors of Windows itself.
    pub(in super::super) const WIN32: u32 = 7;
    /// HTTP statuses.
    pub(in super::super) const HTTP: u32 = 25;
    /// Delivery Optimization, and with [`super::SYSTEM_BASE`] errno and curl codes.
    pub(in super::super) const DELIVERY: u32 = 208;
}

/// What an errno or a curl code is added to.
pub(super) const SYSTEM_BASE: u32 = 0xC0D0_0000;

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
            && self.facility() == facility::DELIVERY
            && self.0 & TRANSIENT_ZONE_MASK == TRANSIENT_ZONE
    }

    /// What is known of the code, if it is one of [`TABLE`](super::TABLE).
    ///
    /// Cost: a binary search over some 120 rows.
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

    pub(super) const fn facility(self) -> u32 {
        (self.0 >> 16) & 0x07FF
    }

    /// Whether it is an errno or a curl code under [`SYSTEM_BASE`].
    pub(super) const fn is_system(self) -> bool {
        self.0 & 0xFFFF_0000 == SYSTEM_BASE
    }

    /// The lower sixteen bits: the number within the facility.
    pub(super) const fn within_facility(self) -> u16 {
        (self.0 & 0xFFFF) as u16
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
