//! Downloads (`IDODownload`): their states, their properties and what these may hold.
//!
//! A download is a job with one file, seen through another interface. The words here are that
//! interface's; what they mean for the job is decided in the core.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::job::interface_enum;

interface_enum! {
    /// Where a download stands (`DODownloadState`).
    pub enum DownloadState {
        /// Never started: nothing was fetched yet.
        Created = 0, "created";
        /// In the queue, or bytes are being fetched.
        Transferring = 1, "transferring";
        /// Everything that was asked for is here. It may be started again with another portion.
        Transferred = 2, "transferred";
        /// Done for good: the file is the caller's. Final.
        Finalized = 3, "finalized";
        /// Given up: nothing is left of it. Final.
        Aborted = 4, "aborted";
        /// Stopped: by request (both codes 0), by an error that may pass (extended code only), or by
        /// a fatal one (code).
        Paused = 5, "paused";
    }
}

impl DownloadState {
    /// Whether the download is over.
    pub fn is_final(self) -> bool {
        matches!(self, DownloadState::Finalized | DownloadState::Aborted)
    }
}

interface_enum! {
    /// Which networks a download may use (`DODownloadCostPolicy`).
    pub enum CostPolicy {
        /// Any. The default of foreground downloads.
        Always = 0, "always";
        /// None that counts bytes.
        Unrestricted = 1, "unrestricted";
        /// None near or over its data cap. The default of background downloads.
        Standard = 2, "standard";
        /// None while roaming.
        NoRoaming = 3, "no_roaming";
        /// None over its cap where that is charged.
        NoSurcharge = 4, "no_surcharge";
        /// No cellular one.
        NoCellular = 5, "no_cellular";
    }
}

interface_enum! {
    /// A property of a download (`DODownloadProperty`), by the interface's number.
    pub enum DownloadProperty {
        /// The download's GUID.
        Id = 0, "id";
        /// Where the file comes from.
        Uri = 1, "uri";
        /// Id of the published content.
        ContentId = 2, "content_id";
        /// The download's name, for people.
        DisplayName = 3, "display_name";
        /// Where the file goes: an absolute path. Missing folders are made.
        LocalPath = 4, "local_path";
        /// Headers for the origin, one a line. Secrets.
        HttpCustomHeaders = 5, "http_custom_headers";
        /// A [`CostPolicy`] by its number.
        CostPolicy = 6, "cost_policy";
        /// What is demanded of TLS, as WinHTTP's flags.
        SecurityFlags = 7, "security_flags";
        /// Progress, in percent of the whole, after which a status callback is due; 0 for none.
        CallbackFreqPercent = 8, "callback_freq_percent";
        /// Seconds after which a status callback is due while something changes; 0 for none.
        CallbackFreqSeconds = 9, "callback_freq_seconds";
        /// Seconds without a byte after which the download stops for good, at least 60.
        NoProgressTimeoutSeconds = 10, "no_progress_timeout_seconds";
        /// Whether somebody is waiting for it.
        ForegroundPriority = 11, "foreground_priority";
        /// Whether Start is answered only at the end of the transfer.
        BlockingMode = 12, "blocking_mode";
        /// Whether the caller has a status callback.
        CallbackInterface = 13, "callback_interface";
        /// Whether the caller takes the bytes itself, in place of a file.
        StreamInterface = 14, "stream_interface";
        /// A client certificate: PEM or PKCS#12, in base64.
        SecurityContext = 15, "security_context";
        /// Whether the network is used with the caller's own token. No effect outside Windows.
        NetworkToken = 16, "network_token";
        /// Id by which servers trace the request, sent as `MS-CV`.
        CorrelationVector = 17, "correlation_vector";
        /// Keys of encrypted content, as JSON.
        DecryptionInfo = 18, "decryption_info";
        /// Where the piece hashes are, as JSON.
        IntegrityCheckInfo = 19, "integrity_check_info";
        /// Whether content that cannot be checked is refused.
        IntegrityCheckMandatory = 20, "integrity_check_mandatory";
        /// Bytes of the remote file, as the caller knows it.
        TotalSizeBytes = 21, "total_size_bytes";
        /// Whether cellular networks are never used.
        DisallowOnCellular = 22, "disallow_on_cellular";
        /// Headers for the origin, sent once it has answered 401 or 407. Secrets.
        HttpCustomAuthHeaders = 23, "http_custom_auth_headers";
        /// Whether a redirect may lead from https to http.
        HttpAllowSecureToNonSecureRedirect = 24, "http_allow_secure_to_non_secure_redirect";
        /// Whether the download outlives a restart of the service.
        NonVolatile = 25, "non_volatile";
    }
}

/// Of which kind a property's value is (the `VARIANT` type of the interface).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PropertyKind {
    /// `BSTR`: a text.
    Text,
    /// `UI4`: a number below 2^32.
    Number32,
    /// `UI8`: a number below 2^64.
    Number64,
    /// `BOOL`.
    Flag,
    /// `UNKNOWN`: an object that stays with the caller. Told as whether there is one.
    Object,
    /// `ARRAY` of `UI1`: bytes, as base64.
    Bytes,
}

/// What callers may do with a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PropertyAccess {
    /// Get it: `DO_E_READ_ONLY_PROPERTY` to whoever sets it.
    Read,
    /// Set it: `DO_E_WRITE_ONLY_PROPERTY` to whoever gets it.
    Write,
    /// Both.
    ReadWrite,
}

impl DownloadProperty {
    /// The property that a text names: by its word or by the decimal number. `None` is
    /// `DO_E_UNKNOWN_PROPERTY_ID`.
    pub fn from_name(text: &str) -> Option<DownloadProperty> {
        let by_number = || DownloadProperty::from_number(text.parse().ok()?);
        text.parse().ok().or_else(by_number)
    }

    /// Of which kind its value is.
    pub fn kind(self) -> PropertyKind {
        match self {
            DownloadProperty::Id
            | DownloadProperty::Uri
            | DownloadProperty::ContentId
            | DownloadProperty::DisplayName
            | DownloadProperty::LocalPath
            | DownloadProperty::HttpCustomHeaders
            | DownloadProperty::CorrelationVector
            | DownloadProperty::DecryptionInfo
            | DownloadProperty::IntegrityCheckInfo
            | DownloadProperty::HttpCustomAuthHeaders => PropertyKind::Text,
            DownloadProperty::CostPolicy
            | DownloadProperty::SecurityFlags
            | DownloadProperty::CallbackFreqPercent
            | DownloadProperty::CallbackFreqSeconds
            | DownloadProperty::NoProgressTimeoutSeconds => PropertyKind::Number32,
            DownloadProperty::TotalSizeBytes => PropertyKind::Number64,
            DownloadProperty::ForegroundPriority
            | DownloadProperty::BlockingMode
            | DownloadProperty::NetworkToken
            | DownloadProperty::IntegrityCheckMandatory
            | DownloadProperty::DisallowOnCellular
            | DownloadProperty::HttpAllowSecureToNonSecureRedirect
            | DownloadProperty::NonVolatile => PropertyKind::Flag,
            DownloadProperty::CallbackInterface | DownloadProperty::StreamInterface => {
                PropertyKind::Object
            }
            DownloadProperty::SecurityContext => PropertyKind::Bytes,
        }
    }

    /// What callers may do with it.
    pub fn access(self) -> PropertyAccess {
        match self {
            DownloadProperty::Id => PropertyAccess::Read,
            DownloadProperty::SecurityFlags
            | DownloadProperty::StreamInterface
            | DownloadProperty::SecurityContext
            | DownloadProperty::NetworkToken
            | DownloadProperty::DecryptionInfo
            | DownloadProperty::IntegrityCheckInfo => PropertyAccess::Write,
            DownloadProperty::Uri
            | DownloadProperty::ContentId
            | DownloadProperty::DisplayName
            | DownloadProperty::LocalPath
            | DownloadProperty::HttpCustomHeaders
            | DownloadProperty::CostPolicy
            | DownloadProperty::CallbackFreqPercent
            | DownloadProperty::CallbackFreqSeconds
            | DownloadProperty::NoProgressTimeoutSeconds
            | DownloadProperty::ForegroundPriority
            | DownloadProperty::BlockingMode
            | DownloadProperty::CallbackInterface
            | DownloadProperty::CorrelationVector
            | DownloadProperty::IntegrityCheckMandatory
            | DownloadProperty::TotalSizeBytes
            | DownloadProperty::DisallowOnCellular
            | DownloadProperty::HttpCustomAuthHeaders
            | DownloadProperty::HttpAllowSecureToNonSecureRedirect
            | DownloadProperty::NonVolatile => PropertyAccess::ReadWrite,
        }
    }
}

/// The value of a property (`VARIANT`), as JSON has it: nothing, a boolean, a number or a text.
///
/// Of which kind it must be is the property's [`PropertyKind`]. Some hold secrets, so that debugging
/// shows no text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PropertyValue {
    /// `VT_EMPTY`: takes an object back.
    Nothing,
    /// A flag, or whether there is an object.
    Flag(bool),
    /// A number.
    Number(u64),
    /// A text, or bytes as base64.
    Text(String),
}

impl fmt::Debug for PropertyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PropertyValue::Nothing => f.write_str("nothing"),
            PropertyValue::Flag(value) => write!(f, "{value}"),
            PropertyValue::Number(value) => write!(f, "{value}"),
            PropertyValue::Text(_) => f.write_str("(text)"),
        }
    }
}

impl From<&str> for PropertyValue {
    fn from(text: &str) -> PropertyValue {
        PropertyValue::Text(text.to_owned())
    }
}

impl From<String> for PropertyValue {
    fn from(text: String) -> PropertyValue {
        PropertyValue::Text(text)
    }
}

impl From<bool> for PropertyValue {
    fn from(value: bool) -> PropertyValue {
        PropertyValue::Flag(value)
    }
}

impl From<u64> for PropertyValue {
    fn from(number: u64) -> PropertyValue {
        PropertyValue::Number(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// conformance: enum DODownloadState, enum DODownloadCostPolicy
    #[test]
    fn states_and_cost_policies_have_the_interfaces_numbers() {
        let states = ["created", "transferring", "transferred", "finalized", "aborted", "paused"];
        for (number, word) in (0..).zip(states) {
            let state = DownloadState::from_number(number);
            assert_eq!(state.map(DownloadState::word), Some(word));
        }
        let policies =
            ["always", "unrestricted", "standard", "no_roaming", "no_surcharge", "no_cellular"];
        for (number, word) in (0..).zip(policies) {
            assert_eq!(CostPolicy::from_number(number).map(CostPolicy::word), Some(word));
        }
        assert_eq!((DownloadState::ALL.len(), CostPolicy::ALL.len()), (6, 6));
    }

    /// conformance: code DO_E_UNKNOWN_PROPERTY_ID
    #[test]
    fn the_properties_have_the_interfaces_numbers() {
        assert_eq!(DownloadProperty::ALL.len(), 26);
        for (number, property) in (0..).zip(DownloadProperty::ALL) {
            assert_eq!(property.number(), number);
            assert_eq!(DownloadProperty::from_name(property.word()), Some(*property));
            assert_eq!(DownloadProperty::from_name(&number.to_string()), Some(*property));
        }
        for unknown in ["26", "-1", "", "Uri ", "catalog_id"] {
            assert_eq!(DownloadProperty::from_name(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_value_travels_as_plain_json() {
        for (value, json) in [
            (PropertyValue::Nothing, "null"),
            (true.into(), "true"),
            (u64::MAX.into(), "18446744073709551615"),
            ("a\"".into(), r#""a\"""#),
        ] {
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
            assert_eq!(serde_json::from_str::<PropertyValue>(json).unwrap(), value);
        }
        for wrong in ["-1", "1.5", "[]", "{}"] {
            assert!(serde_json::from_str::<PropertyValue>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn debugging_shows_no_text() {
        assert!(!format!("{:?}", PropertyValue::from("canary")).contains("canary"));
    }
}
