//! Properties of jobs and files: the interface's ids and numbers.
//!
//! Four families of ids, two for jobs and two for files, because the interface has one from its BITS
//! time and one of its own for each. Their words differ, so that one name is enough on the wire:
//! see [`JobProperty`] and [`FileProperty`].

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::job::{Priority, interface_enum};

interface_enum! {
    /// `BITS_JOB_PROPERTY_ID`: what `IBackgroundCopyJob5::GetProperty` is asked for.
    ///
    /// Delivery Optimization has the first two; for the others the answer is
    /// `DO_E_UNKNOWN_PROPERTY_ID`.
    pub enum JobPropertyId {
        /// Which networks the job may use, by cost: a number, see [`CostFlags`].
        CostFlags = 1, "cost_flags";
        /// The class to start when no live callback takes a notification: a GUID as text.
        NotificationClsid = 2, "notification_clsid";
        /// Not offered.
        DynamicContent = 3, "dynamic_content";
        /// Not offered.
        HighPerformance = 4, "high_performance";
        /// Not offered.
        MaxDownloadSize = 5, "max_download_size";
        /// Not offered.
        UseStoredCredentials = 7, "use_stored_credentials";
        /// Not offered.
        MinimumNotificationInterval = 9, "minimum_notification_interval_ms";
        /// Not offered.
        OnDemandMode = 10, "on_demand_mode";
    }
}

interface_enum! {
    /// `DOJobPropertyId`: what `IDeliveryOptimizationJob2::GetProperty` is asked for.
    pub enum DoJobPropertyId {
        /// The error object as a JSON text, empty when there is none. Read only. Its number was never
        /// published (decision "ExtendedErrorInfo is 0").
        ExtendedErrorInfo = 0, "extended_error_info";
    }
}

interface_enum! {
    /// `BITS_FILE_PROPERTY_ID`: what `IBackgroundCopyFile5::GetProperty` is asked for.
    pub enum FilePropertyId {
        /// Status line and headers of the last HTTP reply for the file, lines ended by CRLF: a text.
        /// Read only.
        HttpResponseHeaders = 1, "http_response_headers";
    }
}

interface_enum! {
    /// `DOFilePropertyId`: what `IDeliveryOptimizationFile2::GetProperty` is asked for.
    pub enum DoFilePropertyId {
        /// How the content is encrypted: a JSON text. Write only, and not offered (`E_NOTIMPL`).
        DecryptionInfo = 0, "decryption_info";
        /// Where the piece hashes are: a JSON text. Write only.
        IntegrityCheckInfo = 1, "integrity_check_info";
        /// Whether a file that cannot be checked is an error: true or false.
        IntegrityCheckMandatory = 2, "integrity_check_mandatory";
        /// Listed by the interface and described nowhere: `DO_E_UNKNOWN_PROPERTY_ID`.
        DownloadSinkInterface = 3, "download_sink_interface";
        /// Where the file goes: an absolute path.
        DownloadSinkFilePath = 4, "download_sink_file_path";
        /// Deprecated: `DO_E_MEMORYSTREAM_DOWNLOAD_NOT_SUPPORTED`.
        DownloadSinkMemoryStream = 5, "download_sink_memory_stream";
        /// Size of the remote file in bytes: a number.
        TotalSizeBytes = 6, "total_size_bytes";
    }
}

/// A property of a job, of either family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobProperty {
    /// Of `IBackgroundCopyJob5`.
    Bits(JobPropertyId),
    /// Of `IDeliveryOptimizationJob2`.
    Delivery(DoJobPropertyId),
}

/// A property of a file, of either family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileProperty {
    /// Of `IBackgroundCopyFile5`.
    Bits(FilePropertyId),
    /// Of `IDeliveryOptimizationFile2`.
    Delivery(DoFilePropertyId),
}

/// A name that no property of the object has (`DO_E_UNKNOWN_PROPERTY_ID`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownProperty;

impl fmt::Display for UnknownProperty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the object has no property of this name")
    }
}

impl std::error::Error for UnknownProperty {}

/// Makes one property out of two families: its word, and both ways in.
macro_rules! two_families {
    ($name:ident: $bits:ident, $delivery:ident) => {
        impl $name {
            /// Every property, in the order of the families and their numbers.
            pub fn all() -> impl Iterator<Item = $name> {
                let bits = $bits::ALL.iter().copied().map($name::Bits);
                bits.chain($delivery::ALL.iter().copied().map($name::Delivery))
            }

            /// Its name in paths of the REST interface and on the command line.
            pub fn word(self) -> &'static str {
                match self {
                    $name::Bits(id) => id.word(),
                    $name::Delivery(id) => id.word(),
                }
            }
        }

        impl From<$bits> for $name {
            fn from(id: $bits) -> $name {
                $name::Bits(id)
            }
        }

        impl From<$delivery> for $name {
            fn from(id: $delivery) -> $name {
                $name::Delivery(id)
            }
        }

        impl FromStr for $name {
            type Err = UnknownProperty;

            fn from_str(text: &str) -> Result<$name, UnknownProperty> {
                $name::all().find(|property| property.word() == text).ok_or(UnknownProperty)
            }
        }
    };
}

two_families!(JobProperty: JobPropertyId, DoJobPropertyId);
two_families!(FileProperty: FilePropertyId, DoFilePropertyId);

/// What a job may cost (`BITS_JOB_TRANSFER_POLICY`): a mask of the network costs it accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CostFlags(pub u32);

impl CostFlags {
    /// Any network. The default of foreground jobs.
    pub const ALWAYS: CostFlags = CostFlags(0x8000_00FF);
    /// Not while roaming.
    pub const NOT_ROAMING: CostFlags = CostFlags(0x8000_007F);
    /// Not where bytes are charged beyond a plan.
    pub const NO_SURCHARGE: CostFlags = CostFlags(0x8000_006F);
    /// Not near or over a data cap. The default of background jobs.
    pub const STANDARD: CostFlags = CostFlags(0x8000_0067);
    /// Only where traffic costs nothing.
    pub const UNRESTRICTED: CostFlags = CostFlags(0x8000_0021);

    /// The policies that have a name, and their words on the command line.
    pub const NAMED: [(&'static str, CostFlags); 5] = [
        ("always", CostFlags::ALWAYS),
        ("not_roaming", CostFlags::NOT_ROAMING),
        ("no_surcharge", CostFlags::NO_SURCHARGE),
        ("standard", CostFlags::STANDARD),
        ("unrestricted", CostFlags::UNRESTRICTED),
    ];

    /// The mask in force for a job that was never given one (decision "cost flags follow the
    /// priority").
    pub fn default_of(priority: Priority) -> CostFlags {
        if priority.is_foreground() { CostFlags::ALWAYS } else { CostFlags::STANDARD }
    }

    /// Whether every bit is one that has a meaning: a cost, or "ignore congestion". Others are
    /// `E_INVALIDARG`, among them the reserved 0x40000000.
    pub fn are_accepted(self) -> bool {
        self.0 & !CostFlags::ALWAYS.0 == 0
    }

    /// The policy's word, if it is one of [`CostFlags::NAMED`].
    pub fn word(self) -> Option<&'static str> {
        CostFlags::NAMED.iter().find(|(_, flags)| *flags == self).map(|(word, _)| *word)
    }
}

/// The class that a job's owner wants started for notifications (`NOTIFICATION_CLSID`).
///
/// Kept for programs that set it and read it back: on systems without a class registry nothing is
/// ever started. `GUID_NULL` (all zero) stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Clsid(pub Uuid);

impl Clsid {
    /// None (`GUID_NULL`).
    pub const NULL: Clsid = Clsid(Uuid::nil());
}

impl fmt::Display for Clsid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for Clsid {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Clsid, uuid::Error> {
        text.parse().map(Clsid)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// conformance: enum BITS_JOB_PROPERTY_ID
    /// conformance: enum BITS_FILE_PROPERTY_ID
    /// conformance: enum DOFilePropertyId
    /// conformance: enum DOJobPropertyId
    #[test]
    fn ids_have_the_numbers_of_the_interface() {
        let numbers: Vec<i32> = JobPropertyId::ALL.iter().map(|id| id.number()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 7, 9, 10]);
        let numbers: Vec<i32> = DoFilePropertyId::ALL.iter().map(|id| id.number()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(FilePropertyId::HttpResponseHeaders.number(), 1);
        assert_eq!(DoJobPropertyId::ExtendedErrorInfo.number(), 0);
    }

    #[test]
    fn one_name_is_enough_for_the_properties_of_an_object() {
        let jobs: BTreeSet<&str> = JobProperty::all().map(JobProperty::word).collect();
        assert_eq!(jobs.len(), JobProperty::all().count());
        for property in JobProperty::all() {
            assert_eq!(property.word().parse(), Ok(property));
        }
        for property in FileProperty::all() {
            assert_eq!(property.word().parse(), Ok(property));
        }
        assert_eq!("CostFlags".parse::<JobProperty>(), Err(UnknownProperty));
        assert_eq!("cost_flags".parse::<FileProperty>(), Err(UnknownProperty));
    }

    /// conformance: enum BITS_JOB_TRANSFER_POLICY
    #[test]
    fn policies_have_the_bits_of_the_interface() {
        let bits = CostFlags::NAMED.map(|(_, flags)| flags.0);
        assert_eq!(bits, [0x8000_00FF, 0x8000_007F, 0x8000_006F, 0x8000_0067, 0x8000_0021]);
        assert!(bits.iter().all(|bits| CostFlags(*bits).are_accepted()));
        assert_eq!(CostFlags::STANDARD.word(), Some("standard"));
        assert_eq!(CostFlags(1).word(), None);
        assert!(!CostFlags(0x4000_0000).are_accepted() && !CostFlags(0x100).are_accepted());
    }

    #[test]
    fn a_class_is_read_with_and_without_braces() {
        let clsid: Clsid = "{0F0D3B2E-5A0E-4D9C-8F4B-1C2F3A4B5C6D}".parse().unwrap();
        assert_eq!(clsid.to_string(), "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d");
        assert_eq!(Clsid::NULL.to_string(), "00000000-0000-0000-0000-000000000000");
        assert_eq!(Clsid::default(), Clsid::NULL);
    }
}
