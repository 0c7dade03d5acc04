//! From a value that a caller sets to what changes.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use dobbin_types::file::{DISPLAY_NAME_CHARS_MAX, URL_CHARS_MAX};
use dobbin_types::{CostPolicy, DownloadProperty, ErrorCode, PropertyValue};

use super::View;
use crate::job::check_local_name;

/// Why a value is refused: the interface's code, and a sentence that shows no secret.
pub type Fault = (ErrorCode, String);

/// A property with a value that was found right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// `Uri`.
    Uri(String),
    /// `ContentId`.
    ContentId(String),
    /// `DisplayName`.
    DisplayName(String),
    /// `LocalPath`.
    LocalPath(String),
    /// `HttpCustomHeaders`.
    Headers(Vec<(String, String)>),
    /// `CostPolicy`.
    CostPolicy(CostPolicy),
    /// `SecurityFlags`.
    SecurityFlags(u32),
    /// `CallbackFreqPercent`.
    CallbackPercent(u32),
    /// `CallbackFreqSeconds`.
    CallbackSeconds(u32),
    /// `NoProgressTimeoutSeconds`.
    NoProgressTimeout(u32),
    /// `ForegroundPriority`.
    Foreground(bool),
    /// `BlockingMode`.
    Blocking(bool),
    /// `CallbackInterface`: whether there is one.
    Callback(bool),
    /// `StreamInterface`: whether there is one.
    Streams(bool),
    /// `NetworkToken`, which changes nothing outside Windows.
    NetworkToken,
    /// `CorrelationVector`.
    CorrelationVector(String),
    /// `IntegrityCheckInfo`.
    IntegrityInfo(String),
    /// `IntegrityCheckMandatory`.
    IntegrityMandatory(bool),
    /// `TotalSizeBytes`.
    TotalSize(u64),
    /// `DisallowOnCellular`.
    DisallowCellular(bool),
    /// `HttpCustomAuthHeaders`.
    AuthHeaders(Vec<(String, String)>),
    /// `HttpAllowSecureToNonSecureRedirect`.
    AllowDowngrade(bool),
    /// `NonVolatile`.
    NonVolatile(bool),
}

/// Syntax that core does without, because reading it needs tables: the engine knows it.
pub trait Syntax {
    /// Whether a text is a URL that can be fetched.
    fn url(&self, text: &str) -> Result<(), Fault>;
    /// Whether these headers may be sent.
    fn headers(&self, headers: &[(String, String)]) -> Result<(), Fault>;
    /// Whether a text is an `IntegrityCheckInfo`.
    fn integrity_info(&self, text: &str) -> Result<(), Fault>;
    /// Whether a text is a client certificate in base64.
    fn certificate(&self, text: &str) -> Result<(), Fault>;
}

/// Shortest `NoProgressTimeoutSeconds` of this interface (decision "numbers").
const NO_PROGRESS_SECONDS_MIN: u32 = 60;

/// The same where a program speaks the interface of the agent for Linux.
const NO_PROGRESS_SECONDS_MIN_IN_PLACE: u32 = 10;

/// Longest `ContentId` and `CorrelationVector`, in characters.
const ID_CHARS_MAX: usize = 256;

/// `WINHTTP_ENABLE_SSL_REVOCATION`: revoked certificates are refused. Overrides the flags that relax.
const FLAG_REVOCATION: u32 = 0x1;

/// Flags that relax the check of the server's certificate: unknown authority, wrong usage, other
/// name, wrong date.
const FLAGS_RELAX: u32 = 0x100 | 0x200 | 0x1000 | 0x2000;

impl View<'_> {
    /// What setting a property to a value changes. The caller has asked [`View::may_set`].
    ///
    /// `E_INVALIDARG` for a value of another type or out of its limits, and the property's own codes.
    pub fn setting(
        &self,
        property: DownloadProperty,
        value: PropertyValue,
        syntax: &impl Syntax,
    ) -> Result<Setting, Fault> {
        match property {
            DownloadProperty::Id => Err(of(ErrorCode::DO_E_READ_ONLY_PROPERTY)),
            DownloadProperty::Uri => uri(text(value)?, syntax).map(Setting::Uri),
            DownloadProperty::ContentId => content_id(text(value)?).map(Setting::ContentId),
            DownloadProperty::DisplayName => display_name(text(value)?).map(Setting::DisplayName),
            DownloadProperty::LocalPath => self.local_path(text(value)?),
            DownloadProperty::HttpCustomHeaders => {
                headers(&text(value)?, syntax).map(Setting::Headers)
            }
            DownloadProperty::CostPolicy => cost_policy(number32(&value)?).map(Setting::CostPolicy),
            DownloadProperty::SecurityFlags => {
                security_flags(number32(&value)?).map(Setting::SecurityFlags)
            }
            DownloadProperty::CallbackFreqPercent => match number32(&value)? {
                percent @ 0..=100 => Ok(Setting::CallbackPercent(percent)),
                _ => invalid("the percentage is more than 100"),
            },
            DownloadProperty::CallbackFreqSeconds => number32(&value).map(Setting::CallbackSeconds),
            DownloadProperty::NoProgressTimeoutSeconds => match number32(&value)? {
                0..NO_PROGRESS_SECONDS_MIN_IN_PLACE => invalid("the timeout is less than 10 s"),
                0..NO_PROGRESS_SECONDS_MIN if !self.download.in_place => {
                    invalid("the timeout is less than 60 s")
                }
                seconds => Ok(Setting::NoProgressTimeout(seconds)),
            },
            DownloadProperty::ForegroundPriority => flag(&value).map(Setting::Foreground),
            DownloadProperty::BlockingMode => flag(&value).map(Setting::Blocking),
            DownloadProperty::CallbackInterface => object(&value).map(Setting::Callback),
            DownloadProperty::StreamInterface => self.stream(object(&value)?),
            DownloadProperty::SecurityContext => {
                syntax.certificate(&text(value)?)?;
                not_offered("client certificates are not offered yet")
            }
            DownloadProperty::NetworkToken => flag(&value).map(|_| Setting::NetworkToken),
            DownloadProperty::CorrelationVector => {
                correlation_vector(text(value)?, syntax).map(Setting::CorrelationVector)
            }
            DownloadProperty::DecryptionInfo => {
                text(value)?;
                not_offered("encrypted content is not offered")
            }
            DownloadProperty::IntegrityCheckInfo => {
                let info = text(value)?;
                syntax.integrity_info(&info)?;
                Ok(Setting::IntegrityInfo(info))
            }
            DownloadProperty::IntegrityCheckMandatory => {
                flag(&value).map(Setting::IntegrityMandatory)
            }
            DownloadProperty::TotalSizeBytes => match value {
                PropertyValue::Number(0) => invalid("a size of 0 says nothing"),
                PropertyValue::Number(bytes) => Ok(Setting::TotalSize(bytes)),
                _ => wrong_type("a number"),
            },
            DownloadProperty::DisallowOnCellular => flag(&value).map(Setting::DisallowCellular),
            DownloadProperty::HttpCustomAuthHeaders => {
                headers(&text(value)?, syntax).map(Setting::AuthHeaders)
            }
            DownloadProperty::HttpAllowSecureToNonSecureRedirect => {
                flag(&value).map(Setting::AllowDowngrade)
            }
            DownloadProperty::NonVolatile => flag(&value).map(Setting::NonVolatile),
        }
    }

    fn local_path(&self, path: String) -> Result<Setting, Fault> {
        if self.file.streams {
            return Err(of(ErrorCode::DO_E_FILE_DOWNLOADSINK_ALREADY_SET));
        }
        check_local_name(&path).map_err(|why| (ErrorCode::E_INVALIDARG, why))?;
        Ok(Setting::LocalPath(path))
    }

    fn stream(&self, is_set: bool) -> Result<Setting, Fault> {
        if is_set && !self.file.local_name.is_empty() {
            return Err(of(ErrorCode::DO_E_FILE_DOWNLOADSINK_ALREADY_SET));
        }
        Ok(Setting::Streams(is_set))
    }
}

fn of(code: ErrorCode) -> Fault {
    (code, code.text().into_owned())
}

fn invalid<T>(why: &str) -> Result<T, Fault> {
    Err((ErrorCode::E_INVALIDARG, why.to_owned()))
}

fn not_offered<T>(why: &str) -> Result<T, Fault> {
    Err((ErrorCode::E_NOTIMPL, why.to_owned()))
}

fn wrong_type<T>(expected: &str) -> Result<T, Fault> {
    Err((ErrorCode::E_INVALIDARG, format!("the value must be {expected}")))
}

fn text(value: PropertyValue) -> Result<String, Fault> {
    match value {
        PropertyValue::Text(text) => Ok(text),
        PropertyValue::Nothing | PropertyValue::Flag(_) | PropertyValue::Number(_) => {
            wrong_type("a text")
        }
    }
}

fn number32(value: &PropertyValue) -> Result<u32, Fault> {
    let number = match value {
        PropertyValue::Number(number) => u32::try_from(*number).ok(),
        PropertyValue::Nothing | PropertyValue::Flag(_) | PropertyValue::Text(_) => None,
    };
    number.map_or_else(|| wrong_type("a number below 2^32"), Ok)
}

fn flag(value: &PropertyValue) -> Result<bool, Fault> {
    match value {
        PropertyValue::Flag(value) => Ok(*value),
        PropertyValue::Nothing | PropertyValue::Number(_) | PropertyValue::Text(_) => {
            wrong_type("true or false")
        }
    }
}

/// Whether the caller has such an object. Taking it back is setting nothing.
fn object(value: &PropertyValue) -> Result<bool, Fault> {
    match value {
        PropertyValue::Nothing => Ok(false),
        PropertyValue::Flag(value) => Ok(*value),
        PropertyValue::Number(_) | PropertyValue::Text(_) => wrong_type("true, false or nothing"),
    }
}

fn uri(uri: String, syntax: &impl Syntax) -> Result<String, Fault> {
    if uri.is_empty() {
        return invalid("the URL is empty");
    }
    if uri.chars().count() > URL_CHARS_MAX {
        return Err((
            ErrorCode::E_INVALIDARG,
            format!("the URL has more than {URL_CHARS_MAX} characters"),
        ));
    }
    syntax.url(&uri).map_err(|(_code, why)| (ErrorCode::INET_E_INVALID_URL, why))?;
    Ok(uri)
}

fn content_id(id: String) -> Result<String, Fault> {
    let is_good = !id.is_empty()
        && id.chars().count() <= ID_CHARS_MAX
        && !id.chars().any(|character| character.is_control());
    if is_good { Ok(id) } else { Err(of(ErrorCode::DO_E_INVALID_CONTENT_ID)) }
}

fn display_name(name: String) -> Result<String, Fault> {
    if name.chars().count() > DISPLAY_NAME_CHARS_MAX {
        return Err((
            ErrorCode::E_INVALIDARG,
            format!("the name has more than {DISPLAY_NAME_CHARS_MAX} characters"),
        ));
    }
    Ok(name)
}

fn cost_policy(number: u32) -> Result<CostPolicy, Fault> {
    let policy = i32::try_from(number).ok().and_then(CostPolicy::from_number);
    policy.map_or_else(|| invalid("there is no cost policy of that number"), Ok)
}

/// No policy of the machine's owner allows to relax the check of certificates yet, so nobody may.
fn security_flags(flags: u32) -> Result<u32, Fault> {
    if flags & !(FLAG_REVOCATION | FLAGS_RELAX) != 0 {
        return invalid("the flags hold bits that have no meaning");
    }
    if flags & FLAG_REVOCATION == 0 && flags & FLAGS_RELAX != 0 {
        return Err((
            ErrorCode::E_ACCESSDENIED,
            "the check of server certificates may not be relaxed".to_owned(),
        ));
    }
    Ok(flags)
}

fn correlation_vector(vector: String, syntax: &impl Syntax) -> Result<String, Fault> {
    if vector.is_empty() || vector.chars().count() > ID_CHARS_MAX {
        return invalid("a correlation vector has 1 to 256 characters");
    }
    syntax.headers(&[("MS-CV".to_owned(), vector.clone())])?;
    Ok(vector)
}

/// Header fields, one a line; lines end with LF or CRLF, empty ones say nothing.
fn headers(text: &str, syntax: &impl Syntax) -> Result<Vec<(String, String)>, Fault> {
    let mut headers = Vec::new();
    for line in text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
        if line.is_empty() {
            continue;
        }
        let Some((name, value)) = line.split_once(':') else {
            return invalid("a header line has no colon");
        };
        headers.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
    }
    syntax.headers(&headers)?;
    Ok(headers)
}
