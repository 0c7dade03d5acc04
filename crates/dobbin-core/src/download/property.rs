//! The properties of a download: when each may be set, and what each is.

use alloc::string::{String, ToString};

use dobbin_types::{
    CostFlags, CostPolicy, DownloadProperty, DownloadState, ErrorCode, PropertyValue,
};

use dobbin_types::download::PropertyAccess;

use super::View;

/// `NoProgressTimeoutSeconds` of a download whose caller has not said it: what the agent for Linux
/// that this interface is known from takes.
pub const NO_PROGRESS_SECONDS_DEFAULT: u32 = 300;

/// `CallbackFreqSeconds` of a download whose caller has not said it.
pub const CALLBACK_SECONDS_DEFAULT: u32 = 1;

impl View<'_> {
    /// Whether the property may be set now; the code that refuses it otherwise.
    ///
    /// `DO_E_READ_ONLY_PROPERTY` whatever the state; `DO_E_INVALID_STATE` where the column "set when"
    /// says no.
    pub fn may_set(&self, property: DownloadProperty) -> Result<(), ErrorCode> {
        if property.access() == PropertyAccess::Read {
            return Err(ErrorCode::DO_E_READ_ONLY_PROPERTY);
        }
        // Programs written for the agent for Linux may set it to the end.
        let is_patience = property == DownloadProperty::NoProgressTimeoutSeconds;
        let state = self.state();
        if is_settable(property, state)
            || self.download.in_place && is_patience && !state.is_final()
        {
            Ok(())
        } else {
            Err(ErrorCode::DO_E_INVALID_STATE)
        }
    }

    /// `GetProperty`, in every state.
    ///
    /// `DO_E_WRITE_ONLY_PROPERTY`; `E_NOT_SET` for one without a default that was never set.
    pub fn get(&self, property: DownloadProperty) -> Result<PropertyValue, ErrorCode> {
        let (about, download, file) = (self.job.about(), self.download, self.file);
        let text = |text: &str| {
            if text.is_empty() { Err(ErrorCode::E_NOT_SET) } else { Ok(PropertyValue::from(text)) }
        };
        let number = |number: u32| Ok(PropertyValue::from(u64::from(number)));
        let flag = |value: bool| Ok(PropertyValue::from(value));
        match property {
            DownloadProperty::Id => Ok(self.job.id().to_string().into()),
            DownloadProperty::Uri => text(&file.remote_name),
            DownloadProperty::ContentId => text(download.content_id.as_deref().unwrap_or_default()),
            DownloadProperty::DisplayName => text(&about.display_name),
            DownloadProperty::LocalPath => text(&file.local_name),
            DownloadProperty::HttpCustomHeaders => text(&lines(&about.headers)),
            DownloadProperty::CostPolicy => number(self.cost_policy().number().cast_unsigned()),
            DownloadProperty::CallbackFreqPercent => number(download.callback_percent),
            DownloadProperty::CallbackFreqSeconds => number(self.callback_seconds()),
            // That agent's word for "never set".
            DownloadProperty::NoProgressTimeoutSeconds
                if download.in_place && self.job.about().no_progress_timeout.is_none() =>
            {
                number(0)
            }
            DownloadProperty::NoProgressTimeoutSeconds => {
                let seconds = self.job.no_progress_timeout().as_secs();
                Ok(PropertyValue::from(seconds))
            }
            DownloadProperty::ForegroundPriority => flag(self.job.priority().is_foreground()),
            DownloadProperty::BlockingMode => flag(download.blocking),
            DownloadProperty::CallbackInterface if download.callback => flag(true),
            DownloadProperty::CallbackInterface => Err(ErrorCode::E_NOT_SET),
            DownloadProperty::CorrelationVector => {
                text(download.correlation_vector.as_deref().unwrap_or_default())
            }
            DownloadProperty::IntegrityCheckMandatory => {
                flag(file.check.mandatory.unwrap_or(false))
            }
            DownloadProperty::TotalSizeBytes => {
                file.declared_size.map(PropertyValue::from).ok_or(ErrorCode::E_NOT_SET)
            }
            DownloadProperty::DisallowOnCellular => flag(download.disallow_cellular),
            DownloadProperty::HttpCustomAuthHeaders => text(&lines(&download.auth_headers)),
            DownloadProperty::HttpAllowSecureToNonSecureRedirect => flag(download.allow_downgrade),
            DownloadProperty::NonVolatile => flag(download.non_volatile),
            DownloadProperty::SecurityFlags
            | DownloadProperty::StreamInterface
            | DownloadProperty::SecurityContext
            | DownloadProperty::NetworkToken
            | DownloadProperty::DecryptionInfo
            | DownloadProperty::IntegrityCheckInfo => Err(ErrorCode::DO_E_WRITE_ONLY_PROPERTY),
        }
    }

    /// Which networks it may use: as set, or by its priority.
    pub fn cost_policy(&self) -> CostPolicy {
        let flags = self.job.cost_flags();
        let allows = |policy: &CostPolicy| {
            let needed = flags_of(*policy).0;
            flags.0 & needed == needed
        };
        // The other interface may have set a mask that is no policy: the loosest one within it.
        let policies = [
            CostPolicy::Always,
            CostPolicy::NoRoaming,
            CostPolicy::NoSurcharge,
            CostPolicy::Standard,
        ];
        match policies.into_iter().find(allows) {
            Some(CostPolicy::Always) if self.download.no_cellular => CostPolicy::NoCellular,
            Some(policy) => policy,
            None => CostPolicy::Unrestricted,
        }
    }

    /// How often its caller wants to be told, in seconds.
    pub fn callback_seconds(&self) -> u32 {
        self.download.callback_seconds.unwrap_or(CALLBACK_SECONDS_DEFAULT)
    }

    /// Whether it is what a `DO_DOWNLOAD_ENUM_CATEGORY` asks for. Values are compared exactly, ids in
    /// either case. Nothing is in a category that [`check_category`] refuses.
    pub fn is_in(&self, property: DownloadProperty, value: &str) -> bool {
        if property == DownloadProperty::Id {
            return self.job.id().to_string().eq_ignore_ascii_case(value);
        }
        check_category(property).is_ok()
            && self.get(property).is_ok_and(|found| found == PropertyValue::from(value))
    }
}

/// Whether downloads can be listed by this property (`EnumDownloads`); else
/// `DO_E_UNKNOWN_PROPERTY_ID`.
pub fn check_category(property: DownloadProperty) -> Result<(), ErrorCode> {
    match property {
        DownloadProperty::Id
        | DownloadProperty::Uri
        | DownloadProperty::ContentId
        | DownloadProperty::DisplayName
        | DownloadProperty::LocalPath => Ok(()),
        _no_category => Err(ErrorCode::DO_E_UNKNOWN_PROPERTY_ID),
    }
}

/// The mask of a job with this policy. Cellular networks have no bit of their own.
pub(crate) fn flags_of(policy: CostPolicy) -> CostFlags {
    match policy {
        CostPolicy::Always | CostPolicy::NoCellular => CostFlags::ALWAYS,
        CostPolicy::NoRoaming => CostFlags::NOT_ROAMING,
        CostPolicy::NoSurcharge => CostFlags::NO_SURCHARGE,
        CostPolicy::Standard => CostFlags::STANDARD,
        CostPolicy::Unrestricted => CostFlags::UNRESTRICTED,
    }
}

/// The column "set when". Active is what can still move: created, transferring or paused.
fn is_settable(property: DownloadProperty, state: DownloadState) -> bool {
    let is_created = state == DownloadState::Created;
    let is_paused = state == DownloadState::Paused;
    let is_active = is_created || is_paused || state == DownloadState::Transferring;
    match property {
        DownloadProperty::Id => false,
        DownloadProperty::ContentId
        | DownloadProperty::LocalPath
        | DownloadProperty::SecurityFlags
        | DownloadProperty::StreamInterface
        | DownloadProperty::SecurityContext
        | DownloadProperty::NetworkToken
        | DownloadProperty::DecryptionInfo
        | DownloadProperty::IntegrityCheckInfo
        | DownloadProperty::IntegrityCheckMandatory
        | DownloadProperty::TotalSizeBytes
        | DownloadProperty::HttpAllowSecureToNonSecureRedirect
        | DownloadProperty::NonVolatile => is_created,
        DownloadProperty::Uri
        | DownloadProperty::HttpCustomHeaders
        | DownloadProperty::BlockingMode
        | DownloadProperty::HttpCustomAuthHeaders => is_created || is_paused,
        DownloadProperty::CostPolicy
        | DownloadProperty::CallbackFreqPercent
        | DownloadProperty::CallbackFreqSeconds
        | DownloadProperty::NoProgressTimeoutSeconds
        | DownloadProperty::ForegroundPriority
        | DownloadProperty::CallbackInterface
        | DownloadProperty::CorrelationVector
        | DownloadProperty::DisallowOnCellular => is_active,
        DownloadProperty::DisplayName => !state.is_final(),
    }
}

/// Headers as a text, one a line, as they were given but for the ends of lines.
fn lines(headers: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in headers {
        if !text.is_empty() {
            text.push_str("\r\n");
        }
        text.push_str(name);
        text.push_str(": ");
        text.push_str(value);
    }
    text
}
