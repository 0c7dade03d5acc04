//! What properties hold now.

use dobbin_core::job::{File, Job, JobError};
use dobbin_types::rest::Failure;
use dobbin_types::{
    DoFilePropertyId, DoJobPropertyId, ErrorCode, FileProperty, FilePropertyId, JobProperty,
    JobPropertyId, PropertyValue,
};
use serde::Serialize;

use crate::entry::LiveFile;

type Answer = Result<PropertyValue, Failure>;

/// A property of a job.
///
/// `DO_E_UNKNOWN_PROPERTY_ID` for those that Delivery Optimization does not have.
pub(crate) fn of_job(job: &Job, property: JobProperty) -> Answer {
    match property {
        JobProperty::Bits(JobPropertyId::CostFlags) => Ok(u64::from(job.cost_flags().0).into()),
        JobProperty::Bits(JobPropertyId::NotificationClsid) => {
            Ok(job.notify_clsid().to_string().into())
        }
        JobProperty::Bits(
            JobPropertyId::DynamicContent
            | JobPropertyId::HighPerformance
            | JobPropertyId::MaxDownloadSize
            | JobPropertyId::UseStoredCredentials
            | JobPropertyId::MinimumNotificationInterval
            | JobPropertyId::OnDemandMode,
        ) => Err(refusal(ErrorCode::DO_E_UNKNOWN_PROPERTY_ID)),
        JobProperty::Delivery(DoJobPropertyId::ExtendedErrorInfo) => Ok(job
            .error_object()
            .map(|error| extended_error(job, error))
            .unwrap_or_default()
            .into()),
    }
}

/// A property of a file.
///
/// `DO_E_UNKNOWN_PROPERTY_ID`, `DO_E_WRITE_ONLY_PROPERTY`, `E_NOT_SET` for one that never got a value,
/// `DO_E_MEMORYSTREAM_DOWNLOAD_NOT_SUPPORTED`.
pub(crate) fn of_file(file: &File, live: &LiveFile, property: FileProperty) -> Answer {
    let not_set = || refusal(ErrorCode::E_NOT_SET);
    match property {
        FileProperty::Bits(FilePropertyId::HttpResponseHeaders) => {
            live.gauge.reply_headers().map(|text| (*text).into()).ok_or_else(not_set)
        }
        FileProperty::Delivery(
            DoFilePropertyId::DecryptionInfo | DoFilePropertyId::IntegrityCheckInfo,
        ) => Err(refusal(ErrorCode::DO_E_WRITE_ONLY_PROPERTY)),
        FileProperty::Delivery(DoFilePropertyId::IntegrityCheckMandatory) => {
            file.check.mandatory.map(Into::into).ok_or_else(not_set)
        }
        FileProperty::Delivery(DoFilePropertyId::DownloadSinkInterface) => {
            Err(refusal(ErrorCode::DO_E_UNKNOWN_PROPERTY_ID))
        }
        FileProperty::Delivery(DoFilePropertyId::DownloadSinkFilePath) => {
            let name = Some(file.local_name.as_str()).filter(|name| !name.is_empty());
            name.map(Into::into).ok_or_else(not_set)
        }
        FileProperty::Delivery(DoFilePropertyId::DownloadSinkMemoryStream) => {
            Err(refusal(ErrorCode::DO_E_MEMORYSTREAM_DOWNLOAD_NOT_SUPPORTED))
        }
        FileProperty::Delivery(DoFilePropertyId::TotalSizeBytes) => {
            file.remote_size().map(Into::into).ok_or_else(not_set)
        }
    }
}

fn refusal(code: ErrorCode) -> Failure {
    Failure::of(code).at("property")
}

/// The text of `ExtendedErrorInfo` (decision "extended error text"): every key always there, so that
/// a program need not ask which.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ExtendedError<'a> {
    /// `0x80190194`.
    error: String,
    /// `0x00000000` for none.
    extended_error: String,
    /// 0 where no HTTP reply was the cause.
    http_status: u16,
    /// Of the file it happened to; empty for none.
    url: &'a str,
    /// Its local name; empty for none.
    file: &'a str,
}

fn extended_error(job: &Job, error: &JobError) -> String {
    let number = |code: ErrorCode| format!("0x{:08X}", code.0);
    let file = error.file.and_then(|number| job.file(number));
    let text = ExtendedError {
        error: number(error.code),
        extended_error: number(error.extended.unwrap_or(ErrorCode::S_OK)),
        http_status: error.http_status.unwrap_or(0),
        url: file.map_or("", |file| &file.remote_name),
        file: file.map_or("", |file| &file.local_name),
    };
    serde_json::to_string(&text).expect("texts and numbers have a JSON form")
}
