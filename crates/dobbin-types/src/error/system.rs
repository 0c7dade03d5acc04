//! Errors of the operating system and of the transfer, as codes.
//!
//! The open agent adds an errno and a curl code to the same base, `0xC0D00000`, so that one number can
//! mean two things: 5 is a failing disk as well as an unknown proxy. Programs and scripts know these
//! numbers, so we keep them; texts name both meanings. The errno numbers are Linux's.

use std::io;

use super::ErrorCode;
use super::code::{SYSTEM_BASE, WIN32_BASE};

/// Makes a constant per condition and the map from its number to its words.
macro_rules! conditions {
    ($map:ident, $of:literal, $from:ident: $( $number:literal $symbol:ident $text:literal; )+) => {
        impl ErrorCode {
            $(
                #[doc = concat!($of, " ", stringify!($number), ": ", $text, ".")]
                pub const $symbol: ErrorCode = ErrorCode::$from($number);
            )+
        }

        /// The words for the condition with this number, if it is one that is named.
        pub(super) const fn $map(number: u16) -> Option<&'static str> {
            match number {
                $( $number => Some($text), )+
                _ => None,
            }
        }
    };
}

conditions! { errno_text, "Errno", from_errno:
    1 EPERM "the system does not allow that (EPERM)";
    2 ENOENT "the file or its folder does not exist (ENOENT)";
    5 EIO "the disk failed (EIO)";
    12 ENOMEM "the system is out of memory (ENOMEM)";
    13 EACCES "the rights to the file or its folder are missing (EACCES)";
    16 EBUSY "the file is in use by the system (EBUSY)";
    17 EEXIST "the file exists already (EEXIST)";
    18 EXDEV "the two places are on different file systems (EXDEV)";
    20 ENOTDIR "a part of the path is not a folder (ENOTDIR)";
    21 EISDIR "the path leads to a folder (EISDIR)";
    22 EINVAL "the system cannot do that with this file (EINVAL)";
    23 ENFILE "the system has too many open files (ENFILE)";
    24 EMFILE "the program has too many open files (EMFILE)";
    26 ETXTBSY "the file is a program that is running (ETXTBSY)";
    27 EFBIG "the file is larger than the file system or a limit allows (EFBIG)";
    28 ENOSPC "the disk is full (ENOSPC)";
    30 EROFS "the file system is read-only (EROFS)";
    31 EMLINK "the file has too many names (EMLINK)";
    36 ENAMETOOLONG "the path is too long (ENAMETOOLONG)";
    39 ENOTEMPTY "the folder is not empty (ENOTEMPTY)";
    40 ELOOP "the path goes through too many links (ELOOP)";
    95 EOPNOTSUPP "the file system cannot do that (EOPNOTSUPP)";
    116 ESTALE "the network drive lost the file (ESTALE)";
    122 EDQUOT "the disk quota is used up (EDQUOT)";
}

conditions! { curl_text, "Curl code", from_curl:
    5 CURL_PROXY_RESOLVE "no address was found for the proxy's name";
    18 CURL_PARTIAL_FILE "the server ended the file early";
    23 CURL_WRITE_ERROR "what arrived could not be written";
    35 CURL_TLS_HANDSHAKE "no secure connection could be agreed on with the server";
    47 CURL_TOO_MANY_REDIRECTS "the server redirected too many times";
    52 CURL_EMPTY_REPLY "the server closed the connection without an answer";
    56 CURL_RECV_ERROR "the connection broke while the file was arriving";
    60 CURL_CERTIFICATE "the server's certificate is not to be trusted";
}

impl ErrorCode {
    /// The code for a Linux errno: `0xC0D00000` and its lower sixteen bits. Zero is success.
    ///
    /// The same number may be a curl code's; see [`ErrorCode::from_curl`].
    pub const fn from_errno(errno: i32) -> ErrorCode {
        match errno {
            0 => ErrorCode::S_OK,
            _ => ErrorCode(SYSTEM_BASE | (errno.cast_unsigned() & 0xFFFF)),
        }
    }

    /// The code for a transfer failure, counted as `CURLcode` is. Zero is success.
    ///
    /// We have no curl; we keep its numbers because programs compare them. Five conditions have codes
    /// of their own, all others are `0xC0D00000` and the number.
    pub const fn from_curl(curl: u16) -> ErrorCode {
        match curl {
            0 => ErrorCode::S_OK,
            3 => ErrorCode::INET_E_INVALID_URL,
            6 => ErrorCode::WIN32_NAME_NOT_RESOLVED,
            7 => ErrorCode::WIN32_CANNOT_CONNECT,
            28 => ErrorCode::WININET_E_TIMEOUT,
            33 => ErrorCode::DO_E_INSUFFICIENT_RANGE_SUPPORT,
            _ => ErrorCode(SYSTEM_BASE | curl as u32),
        }
    }

    /// The code for a Windows error: `0x80070000` and its lower sixteen bits. Zero, and what is an
    /// `HRESULT` with its top bit set already, stay as they are (`HRESULT_FROM_WIN32`).
    pub const fn from_win32(error: u32) -> ErrorCode {
        if error.cast_signed() <= 0 {
            ErrorCode(error)
        } else {
            ErrorCode(WIN32_BASE | (error & 0xFFFF))
        }
    }

    /// The code for a local file that cannot be opened, read, written, renamed or deleted.
    ///
    /// By kind where the kind says it, so that every system gives the same number; else by the
    /// system's own number; [`ErrorCode::EIO`] where there is none. Not for sockets: there the same
    /// kinds mean other things.
    pub fn from_file_error(error: &io::Error) -> ErrorCode {
        match error.kind() {
            io::ErrorKind::NotFound => ErrorCode::ENOENT,
            io::ErrorKind::PermissionDenied => ErrorCode::EACCES,
            io::ErrorKind::AlreadyExists => ErrorCode::EEXIST,
            io::ErrorKind::NotADirectory => ErrorCode::ENOTDIR,
            io::ErrorKind::IsADirectory => ErrorCode::EISDIR,
            io::ErrorKind::DirectoryNotEmpty => ErrorCode::ENOTEMPTY,
            io::ErrorKind::ReadOnlyFilesystem => ErrorCode::EROFS,
            io::ErrorKind::StaleNetworkFileHandle => ErrorCode::ESTALE,
            io::ErrorKind::StorageFull => ErrorCode::ENOSPC,
            io::ErrorKind::QuotaExceeded => ErrorCode::EDQUOT,
            io::ErrorKind::FileTooLarge => ErrorCode::EFBIG,
            io::ErrorKind::ResourceBusy => ErrorCode::EBUSY,
            io::ErrorKind::ExecutableFileBusy => ErrorCode::ETXTBSY,
            io::ErrorKind::CrossesDevices => ErrorCode::EXDEV,
            io::ErrorKind::TooManyLinks => ErrorCode::EMLINK,
            io::ErrorKind::InvalidFilename => ErrorCode::ENAMETOOLONG,
            io::ErrorKind::InvalidInput => ErrorCode::EINVAL,
            io::ErrorKind::Unsupported => ErrorCode::EOPNOTSUPP,
            io::ErrorKind::OutOfMemory => ErrorCode::E_OUTOFMEMORY,
            // What `write_all` says of a write that took nothing.
            io::ErrorKind::WriteZero => ErrorCode::WIN32_BAD_LENGTH,
            _ => error.raw_os_error().map_or(ErrorCode::EIO, ErrorCode::from_errno),
        }
    }

    /// Whether the machine lacks something for now that a local file needs: space, quota, memory,
    /// descriptors, or the right to write at all while its file system is read-only. It comes back
    /// without the job being touched, so a job waits for it (decision "a full disk is waited out");
    /// a disk that fails ([`ErrorCode::EIO`]) is not waited for.
    pub const fn is_local_shortage(self) -> bool {
        matches!(
            self,
            ErrorCode::ENOSPC
                | ErrorCode::EDQUOT
                | ErrorCode::EROFS
                | ErrorCode::ENFILE
                | ErrorCode::EMFILE
                | ErrorCode::ENOMEM
                | ErrorCode::E_OUTOFMEMORY
        )
    }

    /// Whether it is a curl code whose cause may pass. The errno with the same number is one that
    /// stops no job; [`ErrorCode::CURL_PROXY_RESOLVE`] is absent because a failing disk is not
    /// retried.
    pub(super) const fn is_retried_curl(self) -> bool {
        matches!(
            self,
            ErrorCode::CURL_PARTIAL_FILE
                | ErrorCode::CURL_TLS_HANDSHAKE
                | ErrorCode::CURL_TOO_MANY_REDIRECTS
                | ErrorCode::CURL_EMPTY_REPLY
                | ErrorCode::CURL_RECV_ERROR
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// conformance: system-code errno
    #[test]
    fn system_numbers_are_those_of_the_open_agent() {
        let published = [
            (ErrorCode::ENOENT, 0xC0D0_0002, -1_060_110_334),
            (ErrorCode::EACCES, 0xC0D0_000D, -1_060_110_323),
            (ErrorCode::EEXIST, 0xC0D0_0011, -1_060_110_319),
            (ErrorCode::EISDIR, 0xC0D0_0015, -1_060_110_315),
            (ErrorCode::ENOSPC, 0xC0D0_001C, -1_060_110_308),
            (ErrorCode::EROFS, 0xC0D0_001E, -1_060_110_306),
        ];
        for (code, number, decimal) in published {
            assert_eq!(code, ErrorCode(number));
            assert_eq!(code.hresult(), decimal);
        }
    }

    #[test]
    fn every_errno_stays_in_its_half() {
        for errno in 1..=0xFFFF {
            let code = ErrorCode::from_errno(errno);
            assert_eq!(code.above(SYSTEM_BASE).map(i32::from), Some(errno));
        }
        assert_eq!(ErrorCode::from_errno(0), ErrorCode::S_OK);
        assert_eq!(ErrorCode::from_errno(-1).above(SYSTEM_BASE), Some(0xFFFF));
        assert_eq!(ErrorCode::from_errno(i32::MIN).above(SYSTEM_BASE), Some(0));
    }

    /// conformance: system-code transfer
    /// conformance: code INET_E_INVALID_URL
    #[test]
    fn curl_conditions_have_the_numbers_that_scripts_compare() {
        let published = [
            (3, ErrorCode::INET_E_INVALID_URL),
            (6, ErrorCode(0x8007_2EE7)),
            (7, ErrorCode(0x8007_2EFD)),
            (28, ErrorCode(0x8007_2EE2)),
            (33, ErrorCode::DO_E_INSUFFICIENT_RANGE_SUPPORT),
            (5, ErrorCode(0xC0D0_0005)),
            (18, ErrorCode(0xC0D0_0012)),
            (23, ErrorCode(0xC0D0_0017)),
            (35, ErrorCode(0xC0D0_0023)),
            (47, ErrorCode(0xC0D0_002F)),
            (52, ErrorCode(0xC0D0_0034)),
            (56, ErrorCode(0xC0D0_0038)),
            (60, ErrorCode(0xC0D0_003C)),
            (77, ErrorCode(0xC0D0_004D)),
            (0, ErrorCode::S_OK),
        ];
        for (curl, code) in published {
            assert_eq!(ErrorCode::from_curl(curl), code, "{curl}");
        }
        assert_eq!(ErrorCode::CURL_PARTIAL_FILE, ErrorCode(0xC0D0_0012));
        assert_eq!(ErrorCode::CURL_RECV_ERROR, ErrorCode(0xC0D0_0038));
    }

    /// conformance: system-code windows
    /// conformance: code WIN32_NAME_NOT_RESOLVED, code WIN32_BAD_LENGTH, code WIN32_ALREADY_EXISTS
    /// conformance: code WIN32_UNHANDLED_EXCEPTION
    #[test]
    fn windows_errors_are_wrapped_once() {
        assert_eq!(ErrorCode::from_win32(24), ErrorCode::WIN32_BAD_LENGTH);
        assert_eq!(ErrorCode::from_win32(183), ErrorCode::WIN32_ALREADY_EXISTS);
        assert_eq!(ErrorCode::from_win32(574), ErrorCode::WIN32_UNHANDLED_EXCEPTION);
        assert_eq!(ErrorCode::from_win32(1168), ErrorCode::E_NOT_SET);
        assert_eq!(ErrorCode::from_win32(12_007), ErrorCode::WIN32_NAME_NOT_RESOLVED);
        assert_eq!(ErrorCode::from_win32(0), ErrorCode::S_OK);
        assert_eq!(ErrorCode::from_win32(0x8007_0490), ErrorCode::E_NOT_SET);
        assert_eq!(ErrorCode::from_win32(0x0001_0005), ErrorCode::E_ACCESSDENIED);
    }

    /// conformance: code E_OUTOFMEMORY, code WIN32_BAD_LENGTH, class disk
    #[test]
    fn a_file_error_has_a_code_whatever_it_carries() {
        #[track_caller]
        fn check(error: io::Error, expect: ErrorCode) {
            assert_eq!(ErrorCode::from_file_error(&error), expect, "{error:?}");
        }
        check(io::ErrorKind::NotFound.into(), ErrorCode::ENOENT);
        check(io::ErrorKind::PermissionDenied.into(), ErrorCode::EACCES);
        check(io::ErrorKind::WriteZero.into(), ErrorCode::WIN32_BAD_LENGTH);
        check(io::ErrorKind::OutOfMemory.into(), ErrorCode::E_OUTOFMEMORY);
        check(io::Error::other("made up here"), ErrorCode::EIO);
        // A number of the system that has no kind of its own.
        check(io::Error::from_raw_os_error(5), ErrorCode::EIO);
    }

    #[test]
    fn a_shortage_passes_and_a_failure_or_a_refusal_does_not() {
        for (errno, expect) in [
            (5, false),
            (12, true),
            (13, false),
            (17, false),
            (20, false),
            (23, true),
            (24, true),
            (28, true),
            (30, true),
            (116, false),
            (122, true),
        ] {
            let code = ErrorCode::from_file_error(&io::Error::from_raw_os_error(errno));
            assert_eq!(code.is_local_shortage(), expect, "errno {errno}: {code}");
        }
    }

    #[test]
    fn a_missing_file_on_this_very_disk_is_enoent() {
        let error = std::fs::File::open("no-such-folder/no-such-file").unwrap_err();
        assert_eq!(ErrorCode::from_file_error(&error), ErrorCode::ENOENT);
    }
}
