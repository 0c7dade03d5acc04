//! Every code that has a name: number, name, class and words, written once.

use super::ErrorCode;

/// What an outcome means to a job or to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Not an error.
    Success,
    /// Stops a job for now; the service tries again by itself.
    Transient,
    /// Stops a job until its owner acts. Some of these also answer a call.
    Fatal,
    /// Answers a call; never the reason why a job stopped.
    Call,
    /// Concerns a piece or a peer; by itself it never stops a job.
    Piece,
    /// Numerically transient, but only says that a download goes on in a lesser mode. It appears as
    /// an extended error and in logs, never as the reason why a job stopped.
    Information,
}

/// One named code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The number.
    pub code: ErrorCode,
    /// The interface's name; ours where the interface has none (`WIN32_…`).
    pub symbol: &'static str,
    /// What it means.
    pub class: Class,
    /// What happened, in a sentence for the caller: lower case, no full stop.
    pub text: &'static str,
}

/// Other names of a code in the interface's documentation.
pub(super) const ALIASES: &[(&str, ErrorCode)] =
    &[("DO_E_NOT_FOUND", ErrorCode::DO_E_NOT_FOUND), ("DO_E_EMPTY", ErrorCode::DO_E_EMPTY)];

impl ErrorCode {
    /// Another name of [`ErrorCode::DO_E_JOB_NOT_FOUND`], used by the page of `GetJob`.
    pub const DO_E_NOT_FOUND: ErrorCode = ErrorCode::DO_E_JOB_NOT_FOUND;
    /// Another name of [`ErrorCode::DO_E_JOB_EMPTY`], used by the page of `Resume`.
    pub const DO_E_EMPTY: ErrorCode = ErrorCode::DO_E_JOB_EMPTY;
}

/// Makes the constants and the table from one list, so that they cannot disagree.
macro_rules! codes {
    ($( $number:literal $symbol:ident $class:ident $text:literal; )+) => {
        impl ErrorCode {
            $(
                #[doc = concat!("`", stringify!($number), "`: ", $text, ".")]
                pub const $symbol: ErrorCode = ErrorCode($number);
            )+
        }

        /// All named codes, in the order of their numbers.
        ///
        /// Numbers and names are the public ones of Delivery Optimization, BITS and Windows. A number
        /// is never used for anything else; there is no room here for codes of our own.
        pub static TABLE: &[Row] = &[
            $( Row {
                code: ErrorCode($number),
                symbol: stringify!($symbol),
                class: Class::$class,
                text: $text,
            }, )+
        ];
    };
}

codes! {
    // Successes.
    0x00000000 S_OK Success
        "it worked";
    0x00000001 S_FALSE Success
        "it worked, but there was less to give than was asked for";
    0x00200017 BG_S_PARTIAL_COMPLETE Success
        "the finished files were kept and the unfinished ones deleted";
    0x0020001A BG_S_UNABLE_TO_DELETE_FILES Success
        "it worked, but some temporary files could not be deleted";

    // General failures.
    0x80004001 E_NOTIMPL Call
        "this service does not offer that";
    0x80004002 E_NOINTERFACE Call
        "the object has no such interface";
    0x80004003 E_POINTER Call
        "a pointer that must lead somewhere is null";
    0x80004004 E_ABORT Call
        "the operation was called off";
    0x80004005 E_FAIL Fatal
        "the service could not start or hit a failure without a name";
    0x8000FFFF E_UNEXPECTED Fatal
        "something happened that neither side provides for";

    // Windows errors, as numbers of the facility 7. Those without a public name carry ours.
    0x80070005 E_ACCESSDENIED Call
        "the job belongs to somebody else, or you may not write there";
    0x8007000E E_OUTOFMEMORY Fatal
        "the service ran out of memory";
    0x80070018 WIN32_BAD_LENGTH Fatal
        "the disk took fewer bytes than it was given";
    0x80070032 E_UNSUPPORTED Call
        "the service knows no such path, or not with this verb";
    0x80070057 E_INVALIDARG Call
        "an argument is missing or has a value that is not allowed";
    0x800700B7 WIN32_ALREADY_EXISTS Call
        "something of this name is there already";
    0x8007023E WIN32_UNHANDLED_EXCEPTION Call
        "the service failed while it handled the request";
    0x80070490 E_NOT_SET Call
        "there is no such thing, or it was never given a value";
    0x8007139F E_NOT_VALID_STATE Call
        "a part of the service is in no condition to do that";
    0x80072EE2 WININET_E_TIMEOUT Transient
        "the server did not answer, or sent too slowly for too long";
    0x80072EE7 WIN32_NAME_NOT_RESOLVED Transient
        "no address was found for the server's name";
    0x80072EFD WIN32_CANNOT_CONNECT Transient
        "no connection to the server could be made";
    0x80072F76 WININET_E_HEADER_NOT_FOUND Fatal
        "the server's reply lacks a header that is needed";
    0x80092003 CRYPT_E_FILE_ERROR Call
        "the client certificate cannot be read";
    0x800C0002 INET_E_INVALID_URL Fatal
        "the URL is malformed or not one of http or https";

    // HTTP. The first two are catch-alls of the compatible interface; the others are 0x80190000 and
    // the status. Statuses without a row still have a text.
    0x80190001 HTTP_E_STATUS_UNEXPECTED Fatal
        "the server answered with an HTTP status that has no meaning here";
    0x80190003 HTTP_E_STATUS_UNEXPECTED_REDIRECTION Transient
        "the server redirected in a way that could not be followed";
    0x80190190 HTTP_E_STATUS_BAD_REQUEST Fatal
        "the server did not understand the request (HTTP 400)";
    0x80190191 HTTP_E_STATUS_DENIED Fatal
        "the server wants a login (HTTP 401)";
    0x80190193 HTTP_E_STATUS_FORBIDDEN Fatal
        "the server refuses to hand out the file (HTTP 403)";
    0x80190194 HTTP_E_STATUS_NOT_FOUND Fatal
        "the server has no such file (HTTP 404)";
    0x80190196 HTTP_E_STATUS_NONE_ACCEPTABLE Fatal
        "the server has the file in no acceptable form (HTTP 406)";
    0x80190197 HTTP_E_STATUS_PROXY_AUTH_REQ Fatal
        "the proxy wants a login (HTTP 407)";
    0x80190198 HTTP_E_STATUS_REQUEST_TIMEOUT Transient
        "the server waited too long for the request (HTTP 408)";
    0x8019019D HTTP_E_STATUS_REQUEST_TOO_LARGE Fatal
        "the request is larger than the server allows (HTTP 413)";
    0x8019019E HTTP_E_STATUS_URI_TOO_LONG Fatal
        "the URL is longer than the server allows (HTTP 414)";
    0x801901F4 HTTP_E_STATUS_SERVER_ERROR Transient
        "the server failed (HTTP 500)";
    0x801901F5 HTTP_E_STATUS_NOT_SUPPORTED Transient
        "the server cannot do what the request needs (HTTP 501)";
    0x801901F6 HTTP_E_STATUS_BAD_GATEWAY Transient
        "a gateway got no proper reply from the server behind it (HTTP 502)";
    0x801901F7 HTTP_E_STATUS_SERVICE_UNAVAIL Transient
        "the server is overloaded or down for maintenance (HTTP 503)";
    0x801901F8 HTTP_E_STATUS_GATEWAY_TIMEOUT Transient
        "a gateway waited in vain for the server behind it (HTTP 504)";
    0x801901F9 HTTP_E_STATUS_VERSION_NOT_SUP Transient
        "the server does not speak this version of HTTP (HTTP 505)";

    // Limits the owner of the machine may set.
    0x80200049 BG_E_TOO_MANY_JOBS_PER_USER Call
        "you already have as many jobs as one user may have";
    0x80200050 BG_E_TOO_MANY_JOBS_PER_MACHINE Call
        "this machine already has as many jobs as it may have";
    0x80200051 BG_E_TOO_MANY_FILES_IN_JOB Call
        "the job already has as many files as it may have";
    0x80200052 BG_E_TOO_MANY_RANGES_IN_FILE Call
        "more ranges were asked for than one file may have";

    // Delivery Optimization: calls and jobs.
    0x80D01001 DO_E_NO_SERVICE Call
        "the service is not running, or is shutting down";
    0x80D02002 DO_E_DOWNLOAD_NO_PROGRESS Fatal
        "nothing arrived for as long as the job may go without progress";
    0x80D02003 DO_E_JOB_NOT_FOUND Call
        "no job has this id";
    0x80D02004 DO_E_JOB_EMPTY Call
        "the job has no files yet";
    0x80D02005 DO_E_NO_DOWNLOADS Call
        "no download matches";
    0x80D0200B DO_E_MEMORYSTREAM_DOWNLOAD_NOT_SUPPORTED Call
        "downloads into a memory stream are not offered";
    0x80D0200C DO_E_JOB_TOO_OLD Fatal
        "the job was neither completed nor cancelled within its longest life";
    0x80D0200D DO_E_LOCALPATH_NOT_SET Fatal
        "a file of the job has no place to go";
    0x80D02010 DO_E_FILE_NOT_AVAILABLE Call
        "the error does not concern any one file";
    0x80D02011 DO_E_UNKNOWN_PROPERTY_ID Call
        "the object has no such property";
    0x80D02012 DO_E_READ_ONLY_PROPERTY Call
        "the property can be read but not changed";
    0x80D02013 DO_E_INVALID_STATE Call
        "in its present state this cannot be done";
    0x80D02014 DO_E_ERROR_INFORMATION_UNAVAILABLE Call
        "the job has no error to tell of";
    0x80D02015 DO_E_WRITE_ONLY_PROPERTY Call
        "the property can be changed but not read";
    0x80D02016 DO_E_INTEGRITYCHECKINFO_UNSPECIFIED Fatal
        "the file must be checked, but nothing says against which hashes";
    0x80D02017 DO_E_INTEGRITYCHECKINFO_UNAVAILABLE Fatal
        "the file must be checked, but its piece hashes could not be had";
    0x80D02018 DO_E_FILE_DOWNLOADSINK_UNSPECIFIED Call
        "the download was given neither a path nor a stream to write to";
    0x80D02019 DO_E_FILE_DOWNLOADSINK_ALREADY_SET Call
        "the download already writes to another kind of place";
    0x80D0201A DO_E_FILE_SIZE_UNKNOWN_HTTP_200 Fatal
        "the server sent the file without saying how long it is (HTTP 200)";
    0x80D0201B DO_E_FILE_ENCRYPTION_EXPECTED Fatal
        "a key was given, but the file does not look encrypted";
    0x80D0201C DO_E_FILE_SIZE_UNKNOWN_HTTP_206 Fatal
        "the server sent a part without saying how long the file is (HTTP 206)";
    0x80D0201D DO_E_FILE_SIZE_UNKNOWN_HTTP_2XX Fatal
        "the server's success reply does not tell the file's length";
    0x80D0201E DO_E_NETWORK_ACCESS_CONSENT_NEEDED Fatal
        "the user has not agreed to the use of the network";
    0x80D02200 DO_E_DOWNLOAD_NO_URI Call
        "the download has no URL";
    0x80D02201 DO_E_DOWNLOAD_NO_CONTENT_ID Call
        "the download needs a content id and has none";
    0x80D02202 DO_E_INVALID_CONTENT_ID Call
        "the content id is malformed";
    0x80D02203 DO_E_DOWNLOAD_RANGES_UNEXPECTED Call
        "this download cannot be cut into ranges";
    0x80D02204 DO_E_DOWNLOAD_RANGES_EXPECTED Call
        "this download must be told which ranges to fetch";

    // Delivery Optimization: refusals and pauses. From 0x80D03800 on: the transient zone.
    0x80D03001 DO_E_NO_DOWNLOAD_PARTICIPATION Fatal
        "this machine is not among those that may take part now";
    0x80D03002 DO_E_NO_DOWNLOAD_EXTSETTINGS Fatal
        "the settings of the user or the owner forbid the download";
    0x80D03801 DO_E_BLOCKED_BY_COST_TRANSFER_POLICY Transient
        "the job waits for a network that costs less";
    0x80D03802 DO_E_DOWNLOADMODE_SET_BY_CP Information
        "the content's own policy allows only a lesser mode";
    0x80D03803 DO_E_BLOCKED_BY_CELLULAR_POLICY Transient
        "the job waits because the machine is on a mobile network";
    0x80D03804 DO_E_BLOCKED_BY_POWER_STATE Transient
        "the job waits because the machine runs on battery";
    0x80D03805 DO_E_BLOCKED_BY_NO_NETWORK Transient
        "the job waits because there is no network";
    0x80D03806 DO_E_DOWNLOADMODE_SET_BY_POLICY Information
        "the owner's policy prescribes the mode";
    0x80D03807 DO_E_BLOCKED_BY_VPN_POLICY Transient
        "the job waits because the machine is on a VPN";
    0x80D03808 DO_E_BLOCKED_BY_CRITICAL_MEMORY_USAGE Transient
        "the job waits because the machine is short of memory";
    0x80D03809 DO_E_DOWNLOADMODE_SET_BY_CACHE_ABSENCE Information
        "without a cache folder nothing is shared with peers";
    0x80D0380A DO_E_CLOUD_SERVICES_UNREACHABLE Information
        "the coordinating service does not answer, so the download goes on alone";
    0x80D0380B DO_E_DOWNLOADMODE_SET_FOR_UNREG_CALLER Information
        "the caller is not registered, so a lesser mode applies";
    0x80D0380C DO_E_DOWNLOADMODE_SET_FOR_SIMPLE_RANGES Information
        "only ranges are wanted, so the download goes on in simple mode";
    0x80D0380D DO_E_UNEXPECTED_HTTP_STATUS_2XX Transient
        "the server reported success without sending the file";

    // Delivery Optimization: HTTP and ranges.
    0x80D05001 DO_E_HTTP_BLOCKSIZE_MISMATCH Fatal
        "the server sent another number of bytes than was asked for";
    0x80D05002 DO_E_HTTP_CERT_VALIDATION Fatal
        "the server's certificate is not to be trusted";
    0x80D05010 DO_E_INVALID_RANGE Fatal
        "a range is empty or lies outside the file";
    0x80D05011 DO_E_INSUFFICIENT_RANGE_SUPPORT Fatal
        "the server cannot send parts of a file";
    0x80D05012 DO_E_OVERLAPPING_RANGES Call
        "two ranges share bytes";

    // Delivery Optimization: pieces, peers and piece hash files.
    0x80D06800 DO_E_UPLOADING_BAD_PIECES Piece
        "too many stored pieces turned out bad while they were sent to peers";
    0x80D06802 DO_E_FATAL_CORE_ERROR Fatal
        "the service failed inside; its log says more";
    0x80D06803 DO_E_SERVICES_RESPONSE_EMPTY Piece
        "the coordinating service sent an empty reply";
    0x80D06804 DO_E_BAD_INCOMING_DATA Piece
        "a piece arrived damaged or incomplete";
    0x80D06805 DO_E_BAD_PIECE_HASH Piece
        "a piece does not match its hash, and its source is no longer used";
    0x80D06806 DO_E_BAD_PIECE_HASH_NO_BAN Piece
        "a piece does not match its hash; its source gets another chance";
    0x80D06807 DO_E_ALREADY_HAVE_PIECE Piece
        "the piece was here already, so the second copy was dropped";
    0x80D06808 DO_E_MISSING_PIECE Piece
        "the piece asked for is no longer stored";
    0x80D06809 DO_E_METAINFO_CONTENT Piece
        "the piece hash file is not what such a file looks like";
    0x80D0680A DO_E_METAINFO_VERSION Piece
        "the piece hash file has a version that is not understood";
    0x80D0680B DO_E_SWARM_NOT_RUNNING Piece
        "the file is not being shared now";
    0x80D0680C DO_E_UNRECOGNIZED_CONN Piece
        "the connection is not one that is kept here";
    0x80D0680D DO_E_PEER_BANNED Piece
        "the peer is shut out because it sent bad data";
    0x80D0680E DO_E_CONNECT_TO_SELF Piece
        "the supposed peer is this machine itself";
    0x80D0680F DO_E_ALREADY_CONNECTED Piece
        "there is a connection to this peer already";
    0x80D06810 DO_E_NO_MORE_CONNECTIONS Piece
        "there are as many connections as there may be";
    0x80D06811 DO_E_LOST_CONNECTION Piece
        "the connection to the peer broke";
    0x80D06812 DO_E_UNRECOGNIZED_SWARM Piece
        "the peer asks for a file that is not shared here";
    0x80D06813 DO_E_INVALID_HANDSHAKE_LEN Piece
        "the peer's greeting has the wrong length";
    0x80D06814 DO_E_SOCKET_CLOSED Piece
        "the connection to the peer was closed";
    0x80D06815 DO_E_PEER_MSG_TOO_LONG Piece
        "a message of the peer is longer than any may be";
    0x80D06816 DO_E_INVALID_PEER_MSG Piece
        "a message of the peer makes no sense";
    0x80D06817 DO_E_PEER_IS_UPLOAD Piece
        "the peer only takes and has nothing to give";
    0x80D06818 DO_E_PIN_FAIL_NO_PEERING Call
        "only a file that was fetched with peers can be kept for them";
    0x80D06819 DO_E_DELETE_PINNED_SWARM Call
        "the file is marked to be kept, so deleting it needs force";
    0x80D0681A DO_E_METAINFO_DIGEST_MATCH Piece
        "the piece hash file as a whole does not match its digest";
    0x80D0681B DO_E_METAINFO_HOH_MATCH Piece
        "the piece hash file names another hash of hashes than was promised";
    0x80D0681C DO_E_METAINFO_HOH_FINAL_MATCH Piece
        "the listed piece hashes do not add up to their hash of hashes";
    0x80D0681D DO_E_METAINFO_CONTENT_LENGTH Piece
        "the piece hash file gives an impossible file length";
    0x80D0681E DO_E_METAINFO_PIECE_SIZE Piece
        "the piece hash file gives an impossible piece size";
    0x80D0681F DO_E_METAINFO_PARSE_HOH Piece
        "the hash of hashes in the piece hash file cannot be decoded";
    0x80D06820 DO_E_METAINFO_PARSE_PIECEHASHES Piece
        "the list in the piece hash file cannot be read";
    0x80D06821 DO_E_METAINFO_PARSE_ONE_PIECEHASH Piece
        "a hash in the piece hash file cannot be decoded";
    0x80D06822 DO_E_METAINFO_FILE_SIZE Piece
        "the piece hash file has no size, or an impossible one";

    // Known to the open agent, produced by nothing here.
    0x83750009 WEB_E_JSON_VALUE_NOT_FOUND Call
        "a value is missing from a JSON text";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn numbers_rise_so_that_a_search_finds_them() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].code < pair[1].code, "{} before {}", pair[0].symbol, pair[1].symbol);
        }
        for row in TABLE {
            assert_eq!(row.code.row(), Some(row));
        }
    }

    #[test]
    fn no_name_is_used_twice() {
        let names: BTreeSet<&str> = TABLE
            .iter()
            .map(|row| row.symbol)
            .chain(ALIASES.iter().map(|(name, _)| *name))
            .collect();
        assert_eq!(names.len(), TABLE.len() + ALIASES.len());
        for row in TABLE {
            assert_eq!(ErrorCode::from_symbol(row.symbol), Some(row.code));
        }
    }

    #[test]
    fn only_successes_lack_the_failure_bit() {
        for row in TABLE {
            let success = row.class == Class::Success;
            assert_eq!(row.code.is_failure(), !success, "{}", row.symbol);
        }
    }

    #[test]
    fn the_transient_zone_holds_what_passes_and_what_only_informs() {
        for row in TABLE {
            let passes = matches!(row.class, Class::Transient | Class::Information);
            if row.code.is_transient() {
                assert!(passes, "{} is in the zone", row.symbol);
            }
            // Delivery Optimization's own codes say it by their number; those of others cannot.
            if row.code.0 >> 16 == 0x80D0 {
                assert_eq!(row.code.is_transient(), passes, "{}", row.symbol);
            }
        }
    }

    #[test]
    fn a_name_and_its_number_tell_the_same_kind() {
        for row in TABLE {
            let high = row.code.0 >> 16;
            let expect = match row.symbol {
                name if name.starts_with("DO_E_") => 0x80D0,
                name if name.starts_with("HTTP_E_") => 0x8019,
                name if name.starts_with("BG_E_") => 0x8020,
                name if name.starts_with("WIN32_") || name.starts_with("WININET_E_") => 0x8007,
                _ => continue,
            };
            assert_eq!(high, expect, "{}", row.symbol);
        }
        for row in TABLE.iter().filter(|row| row.class == Class::Piece) {
            assert_eq!(row.code.0 >> 8, 0x80_D068, "{} is about a piece or a peer", row.symbol);
        }
    }

    #[test]
    fn no_text_serves_two_codes() {
        let texts: BTreeSet<&str> = TABLE.iter().map(|row| row.text).collect();
        assert_eq!(texts.len(), TABLE.len());
    }

    /// The decimals that programs and scripts compare with.
    /// conformance: hresult signed
    #[test]
    fn signed_decimals_are_the_published_ones() {
        let published = [
            (ErrorCode::S_OK, 0),
            (ErrorCode::S_FALSE, 1),
            (ErrorCode::BG_S_PARTIAL_COMPLETE, 2_097_175),
            (ErrorCode::BG_S_UNABLE_TO_DELETE_FILES, 2_097_178),
            (ErrorCode::E_NOTIMPL, -2_147_467_263),
            (ErrorCode::E_ABORT, -2_147_467_260),
            (ErrorCode::E_FAIL, -2_147_467_259),
            (ErrorCode::E_UNEXPECTED, -2_147_418_113),
            (ErrorCode::E_ACCESSDENIED, -2_147_024_891),
            (ErrorCode::E_OUTOFMEMORY, -2_147_024_882),
            (ErrorCode::WIN32_BAD_LENGTH, -2_147_024_872),
            (ErrorCode::E_UNSUPPORTED, -2_147_024_846),
            (ErrorCode::E_INVALIDARG, -2_147_024_809),
            (ErrorCode::WIN32_ALREADY_EXISTS, -2_147_024_713),
            (ErrorCode::WIN32_UNHANDLED_EXCEPTION, -2_147_024_322),
            (ErrorCode::E_NOT_SET, -2_147_023_728),
            (ErrorCode::E_NOT_VALID_STATE, -2_147_019_873),
            (ErrorCode::WININET_E_TIMEOUT, -2_147_012_894),
            (ErrorCode::WIN32_NAME_NOT_RESOLVED, -2_147_012_889),
            (ErrorCode::WIN32_CANNOT_CONNECT, -2_147_012_867),
            (ErrorCode::WININET_E_HEADER_NOT_FOUND, -2_147_012_746),
            (ErrorCode::CRYPT_E_FILE_ERROR, -2_146_885_629),
            (ErrorCode::INET_E_INVALID_URL, -2_146_697_214),
            (ErrorCode::HTTP_E_STATUS_NOT_FOUND, -2_145_844_844),
            (ErrorCode::DO_E_NO_SERVICE, -2_133_848_063),
            (ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS, -2_133_843_966),
            (ErrorCode::DO_E_UNKNOWN_PROPERTY_ID, -2_133_843_951),
            (ErrorCode::DO_E_READ_ONLY_PROPERTY, -2_133_843_950),
            (ErrorCode::DO_E_INVALID_STATE, -2_133_843_949),
            (ErrorCode::DO_E_FILE_DOWNLOADSINK_UNSPECIFIED, -2_133_843_944),
            (ErrorCode::DO_E_DOWNLOAD_NO_URI, -2_133_843_456),
            (ErrorCode::DO_E_BLOCKED_BY_NO_NETWORK, -2_133_837_819),
        ];
        for (code, decimal) in published {
            assert_eq!(code.hresult(), decimal, "{code}");
            assert_eq!(ErrorCode::from_hresult(decimal), code, "{code}");
        }
    }
}
