//! Files: adding them, looking at them, their properties, and the enumerator.

use super::table;
use crate::conformance::row::Group;

/// `AddFileWithRanges` and `AddFile`.
pub(super) fn adding() -> Group {
    table(
        "Adding files",
        &[
            ("Job::AddFileWithRanges", "adds a file with id, URL, local name, ranges and size"),
            (
                "Job::AddFileWithRanges local-name",
                "E_INVALIDARG for a local name that is missing or not absolute",
            ),
            (
                "Job::AddFileWithRanges folder",
                "E_ACCESSDENIED where the caller may not write; the folder must exist",
            ),
            ("Job2::AddFile", "adds a file without local name, for a sink that is set later"),
            ("Job2::AddFile id", "E_INVALIDARG for an empty id"),
            ("AddFile whole", "no ranges mean the whole file"),
            ("AddFile offset-to-eof", "DO_E_INVALID_RANGE for an offset that means the end"),
            ("AddFile zero-length", "DO_E_INVALID_RANGE for a range of no bytes"),
            (
                "AddFile overflow",
                "DO_E_INVALID_RANGE for a range beyond 64 bits or beyond a size that was given",
            ),
            (
                "AddFile overlap",
                "DO_E_OVERLAPPING_RANGES for ranges that share a byte or an offset",
            ),
            ("AddFile to-eof", "a range to the end overlaps every later one"),
            ("AddFile layout", "the local file is the ranges back to back, in the order given"),
            ("AddFile outside", "a range outside the real file: ERROR with DO_E_INVALID_RANGE"),
            (
                "AddFile no-range-server",
                "a server without ranges: ERROR with DO_E_INSUFFICIENT_RANGE_SUPPORT",
            ),
            ("AddFile same-id", "E_INVALIDARG for an id that another file of the job has"),
            (
                "AddFile same-local-name",
                "E_INVALIDARG for a local name that another file of the job has",
            ),
            (
                "AddFile size",
                "a size that is not the server's: ERROR with DO_E_HTTP_BLOCKSIZE_MISMATCH",
            ),
            (
                "AddFile no-sink",
                "Resume of a job with a file without destination: DO_E_LOCALPATH_NOT_SET, state unchanged",
            ),
            ("AddFile no-url", "accepted; Resume says DO_E_DOWNLOAD_NO_URI, state unchanged"),
        ],
    )
}

/// `IBackgroundCopyFile` and its versions.
pub(super) fn file() -> Group {
    table(
        "Files",
        &[
            ("File::GetLocalName", "the whole path; empty for a file without one"),
            ("File::GetRemoteName", "the URL"),
            ("File::GetProgress", "bytes in all, bytes here, and whether it stands under its name"),
            ("File2::GetFileRanges", "the ranges in the order given; S_FALSE when there is none"),
            (
                "File2::SetRemoteName",
                "another URL, used from the next request on; durable with Resume",
            ),
            (
                "File2::SetRemoteName arguments",
                "E_INVALIDARG for what is no URL or longer than 2,200 characters",
            ),
            (
                "File2::SetRemoteName same-file",
                "goes on at the same byte when time stamp and size are the same, else from zero",
            ),
            ("File2::SetRemoteName finished", "files already transferred are left alone"),
            (
                "File5::GetProperty",
                "the headers of the file's last reply, lines ended by CR LF; E_NOT_SET before any reply; DO_E_UNKNOWN_PROPERTY_ID for every other property",
            ),
            (
                "File5::SetProperty",
                "DO_E_READ_ONLY_PROPERTY for the headers, else DO_E_UNKNOWN_PROPERTY_ID",
            ),
        ],
    )
}

/// `IDeliveryOptimizationFile` and its second version.
pub(super) fn download_file() -> Group {
    table(
        "Delivery Optimization's files",
        &[
            ("DOFile::GetStats", "figures of one file, in any state"),
            (
                "DOFile2::GetProperty",
                "DO_E_UNKNOWN_PROPERTY_ID for an id nobody knows, DO_E_WRITE_ONLY_PROPERTY for one that is only written, E_NOT_SET for one never set",
            ),
            (
                "DOFile2::SetProperty",
                "only while the job is SUSPENDED, ERROR or TRANSIENT_ERROR; a value of another type is E_INVALIDARG",
            ),
            ("DOFile2 DecryptionInfo", "written only"),
            ("DOFile2 IntegrityCheckInfo", "written only: where the piece hashes are, as JSON"),
            ("DOFile2 IntegrityCheckMandatory", "read and written: a failed check stops the file"),
            ("DOFile2 DownloadSinkInterface", "DO_E_UNKNOWN_PROPERTY_ID: listed without a meaning"),
            ("DOFile2 DownloadSinkFilePath", "read and written: the absolute destination"),
            ("DOFile2 DownloadSinkMemoryStream", "DO_E_MEMORYSTREAM_DOWNLOAD_NOT_SUPPORTED"),
            ("DOFile2 TotalSizeBytes", "read and written: the whole size"),
        ],
    )
}

/// `IEnumBackgroundCopyFiles`.
pub(super) fn enumerator() -> Group {
    table(
        "Enumerator",
        &[
            ("Enum::GetCount", "how many files the picture holds"),
            ("Enum::Next", "as many as asked for; S_FALSE when fewer are left"),
            ("Enum::Skip", "S_FALSE when it runs past the end"),
            ("Enum::Reset", "to the beginning"),
        ],
    )
}
