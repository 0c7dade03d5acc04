//! The table of properties, row by row: what each is before it is set, when it may be set, and which
//! values it takes.

use dobbin_core::download::check_category;
use dobbin_types::{CostPolicy, DownloadProperty, ErrorCode, PropertyValue};

use crate::make::{COLUMNS, Column, Life};

type Property = DownloadProperty;

/// When a property may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Never,
    Created,
    CreatedOrPaused,
    Active,
    NotOver,
}

impl When {
    fn allows(self, column: Column) -> bool {
        let is_paused =
            matches!(column, Column::PausedUser | Column::PausedTransient | Column::PausedFatal);
        match self {
            When::Never => false,
            When::Created => column == Column::Created,
            When::CreatedOrPaused => column == Column::Created || is_paused,
            When::Active => is_paused || matches!(column, Column::Created | Column::Transferring),
            When::NotOver => !matches!(column, Column::Finalized | Column::Aborted),
        }
    }
}

/// A row of the table.
struct Row {
    property: Property,
    /// What it is before anybody sets it.
    before: Result<PropertyValue, ErrorCode>,
    when: When,
    /// A value that it takes.
    good: PropertyValue,
    /// What setting that value says.
    outcome: Result<(), ErrorCode>,
    /// What it is then.
    after: Result<PropertyValue, ErrorCode>,
}

const NOT_SET: Result<PropertyValue, ErrorCode> = Err(ErrorCode::E_NOT_SET);
const WRITE_ONLY: Result<PropertyValue, ErrorCode> = Err(ErrorCode::DO_E_WRITE_ONLY_PROPERTY);

/// A row whose value can be got as it was set.
fn row(
    property: Property,
    before: Result<PropertyValue, ErrorCode>,
    when: When,
    good: impl Into<PropertyValue>,
) -> Row {
    let good = good.into();
    Row { property, before, when, good: good.clone(), outcome: Ok(()), after: Ok(good) }
}

/// A row whose value nobody gets.
fn write_only(property: Property, good: impl Into<PropertyValue>) -> Row {
    Row { after: WRITE_ONLY, ..row(property, WRITE_ONLY, When::Created, good) }
}

fn table() -> Vec<Row> {
    let number = |number: u64| Ok(PropertyValue::from(number));
    let off = || Ok(PropertyValue::Flag(false));
    let id = "09090909-0909-0909-0909-090909090909";
    let not_offered = |row| Row { outcome: Err(ErrorCode::E_NOTIMPL), ..row };
    vec![
        Row {
            outcome: Err(ErrorCode::DO_E_READ_ONLY_PROPERTY),
            after: Ok(id.into()),
            ..row(Property::Id, Ok(id.into()), When::Never, "x")
        },
        row(Property::Uri, NOT_SET, When::CreatedOrPaused, "http://b.example/"),
        row(Property::ContentId, NOT_SET, When::Created, "content"),
        row(Property::DisplayName, NOT_SET, When::NotOver, "name"),
        row(Property::LocalPath, NOT_SET, When::Created, "/b"),
        row(Property::HttpCustomHeaders, NOT_SET, When::CreatedOrPaused, "a: b\r\nc: d"),
        row(Property::CostPolicy, number(2), When::Active, 5),
        write_only(Property::SecurityFlags, 1),
        row(Property::CallbackFreqPercent, number(0), When::Active, 10),
        row(Property::CallbackFreqSeconds, number(1), When::Active, 7),
        row(Property::NoProgressTimeoutSeconds, number(300), When::Active, 60),
        row(Property::ForegroundPriority, off(), When::Active, true),
        row(Property::BlockingMode, off(), When::CreatedOrPaused, true),
        row(Property::CallbackInterface, NOT_SET, When::Active, true),
        write_only(Property::StreamInterface, true),
        not_offered(write_only(Property::SecurityContext, "LS0t")),
        write_only(Property::NetworkToken, true),
        row(Property::CorrelationVector, NOT_SET, When::Active, "cV.1"),
        not_offered(write_only(Property::DecryptionInfo, "{}")),
        write_only(Property::IntegrityCheckInfo, "{}"),
        row(Property::IntegrityCheckMandatory, off(), When::Created, true),
        row(Property::TotalSizeBytes, NOT_SET, When::Created, u64::MAX),
        row(Property::DisallowOnCellular, off(), When::Active, true),
        row(Property::HttpCustomAuthHeaders, NOT_SET, When::CreatedOrPaused, "a: b"),
        row(Property::HttpAllowSecureToNonSecureRedirect, off(), When::Created, true),
        row(Property::NonVolatile, off(), When::Created, true),
    ]
}

#[test]
fn the_table_has_a_row_for_every_property() {
    let rows: Vec<Property> = table().iter().map(|row| row.property).collect();
    assert_eq!(rows, Property::ALL);
}

/// conformance: IDODownload::GetProperty, code E_NOT_SET, download-property *
#[test]
fn a_property_that_was_never_set_has_its_default_or_none() {
    for row in table() {
        let before = Life::new().get(row.property);
        assert_eq!(before, row.before, "{:?}", row.property);
    }
}

/// conformance: download-property *, download-table SetProperty × *, IDODownload::SetProperty
#[test]
fn every_property_is_set_in_its_states_and_refused_in_the_others() {
    for row in table() {
        for column in COLUMNS {
            let mut life = Life::in_column(column, &[]);
            if row.property == Property::StreamInterface && column == Column::Created {
                life = Life::new();
            }
            let before = life.job.clone();
            let got = life.set(row.property, row.good.clone()).map(drop);
            let expect = match row.when {
                When::Never => row.outcome,
                when if when.allows(column) => row.outcome,
                _ => Err(ErrorCode::DO_E_INVALID_STATE),
            };
            let at = format!("{:?} × {column:?}", row.property);
            assert_eq!(got, expect, "{at}");
            if got.is_ok() {
                assert_eq!(life.get(row.property), row.after, "{at}");
            } else {
                assert_eq!(life.job, before, "{at}");
            }
        }
    }
}

/// conformance: IDODownload::GetProperty
#[test]
fn every_property_is_got_in_every_state() {
    for row in table() {
        for column in COLUMNS {
            let got = Life::in_column(column, &[]).get(row.property);
            match row.property {
                // These two are what a download needs to be in any state but the first.
                Property::Uri | Property::LocalPath => assert!(got.is_ok(), "{column:?}"),
                _ => assert_eq!(got, row.before, "{:?} × {column:?}", row.property),
            }
        }
    }
}

/// conformance: IDODownload::SetProperty
#[test]
fn a_value_of_another_type_is_refused() {
    let values = [PropertyValue::Nothing, true.into(), 5_u64.into(), "x".into(), u64::MAX.into()];
    for row in table().into_iter().filter(|row| row.when != When::Never) {
        let is_object =
            matches!(row.property, Property::CallbackInterface | Property::StreamInterface);
        for value in &values {
            let same_type = core::mem::discriminant(value) == core::mem::discriminant(&row.good);
            if same_type || (is_object && *value == PropertyValue::Nothing) {
                continue;
            }
            let got = Life::new().set(row.property, value.clone()).map(drop);
            assert_eq!(got, Err(ErrorCode::E_INVALIDARG), "{:?} = {value:?}", row.property);
        }
    }
}

/// conformance: IDODownload::SetProperty, number download-no-progress
/// conformance: download-property NoProgressTimeoutSeconds
/// conformance: code DO_E_INVALID_CONTENT_ID, code CRYPT_E_FILE_ERROR
#[test]
fn a_value_outside_its_limits_is_refused_with_the_propertys_own_code() {
    let invalid = ErrorCode::E_INVALIDARG;
    let text = |text: &str, count: usize| PropertyValue::from(text.repeat(count));
    let number = |number: u64| PropertyValue::from(number);
    for (property, value, code) in [
        (Property::Uri, text("", 0), invalid),
        (Property::Uri, text("bad", 1), ErrorCode::INET_E_INVALID_URL),
        (Property::Uri, text("x", 2_201), invalid),
        (Property::ContentId, text("", 0), ErrorCode::DO_E_INVALID_CONTENT_ID),
        (Property::ContentId, text("a\n", 1), ErrorCode::DO_E_INVALID_CONTENT_ID),
        (Property::DisplayName, text("ä", 257), invalid),
        (Property::LocalPath, text("", 0), invalid),
        (Property::LocalPath, text("a/b", 1), invalid),
        (Property::HttpCustomHeaders, text("no colon", 1), invalid),
        (Property::HttpCustomHeaders, text("good: x\nbad: y", 1), invalid),
        (Property::HttpCustomAuthHeaders, text("bad: y", 1), invalid),
        (Property::CostPolicy, number(6), invalid),
        (Property::CostPolicy, number(1 << 32), invalid),
        (Property::SecurityFlags, number(0x2), invalid),
        (Property::SecurityFlags, number(0x100), ErrorCode::E_ACCESSDENIED),
        (Property::SecurityFlags, number(0x3300), ErrorCode::E_ACCESSDENIED),
        (Property::CallbackFreqPercent, number(101), invalid),
        (Property::NoProgressTimeoutSeconds, number(59), invalid),
        (Property::NoProgressTimeoutSeconds, number(0), invalid),
        (Property::SecurityContext, text("bad", 1), ErrorCode::CRYPT_E_FILE_ERROR),
        (Property::CorrelationVector, text("", 0), invalid),
        (Property::CorrelationVector, text("x", 257), invalid),
        (Property::IntegrityCheckInfo, text("bad", 1), invalid),
        (Property::TotalSizeBytes, number(0), invalid),
    ] {
        let got = Life::new().set(property, value.clone()).map(drop);
        assert_eq!(got, Err(code), "{property:?} = {value:?}");
    }
}

#[test]
fn the_flag_for_revocation_overrides_those_that_relax() {
    for flags in [0_u64, 0x1, 0x101, 0x3301] {
        assert_eq!(Life::new().set(Property::SecurityFlags, flags).map(drop), Ok(()), "{flags:x}");
    }
}

/// conformance: download-property HttpCustomHeaders
#[test]
fn header_lines_end_in_either_way() {
    for text in ["a: b\nc:d", "a: b\r\nc: d\r\n", "\na:b\n\nc:  d \n"] {
        let mut life = Life::new();
        life.set(Property::HttpCustomHeaders, text).unwrap();
        let pairs = [("a", "b"), ("c", "d")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(life.job.about().headers, pairs, "{text:?}");
        life.set(Property::HttpCustomHeaders, "").unwrap();
        assert_eq!(life.get(Property::HttpCustomHeaders), NOT_SET);
    }
}

/// conformance: code DO_E_FILE_DOWNLOADSINK_ALREADY_SET
#[test]
fn a_download_has_one_kind_of_sink() {
    let taken = Err(ErrorCode::DO_E_FILE_DOWNLOADSINK_ALREADY_SET);
    let mut life = Life::new();
    life.set(Property::LocalPath, "/a").unwrap();
    assert_eq!(life.set(Property::StreamInterface, true).map(drop), taken);
    assert_eq!(life.set(Property::LocalPath, "/b").map(drop), Ok(()));
    let mut life = Life::new();
    life.set(Property::StreamInterface, true).unwrap();
    assert_eq!(life.set(Property::LocalPath, "/a").map(drop), taken);
    life.set(Property::StreamInterface, PropertyValue::Nothing).unwrap();
    assert_eq!(life.set(Property::LocalPath, "/a").map(drop), Ok(()));
}

#[test]
fn the_cost_policy_follows_the_priority_until_it_is_set() {
    let mut life = Life::new();
    let policy = |life: &Life| life.view().cost_policy();
    assert_eq!(policy(&life), CostPolicy::Standard);
    life.set(Property::ForegroundPriority, true).unwrap();
    assert_eq!(policy(&life), CostPolicy::Always);
    life.set(Property::CostPolicy, 3).unwrap();
    life.set(Property::ForegroundPriority, false).unwrap();
    assert_eq!(policy(&life), CostPolicy::NoRoaming);
}

#[test]
fn a_callback_that_was_taken_back_is_not_set() {
    let mut life = Life::new();
    life.set(Property::CallbackInterface, true).unwrap();
    life.set(Property::CallbackInterface, PropertyValue::Nothing).unwrap();
    assert_eq!(life.get(Property::CallbackInterface), NOT_SET);
}

/// conformance: IDOManager::EnumDownloads property, struct DO_DOWNLOAD_ENUM_CATEGORY
#[test]
fn a_category_is_one_of_five_properties_and_compared_exactly() {
    let mut life = Life::ready();
    life.set(Property::DisplayName, "Name").unwrap();
    let is_in = |property, value| life.view().is_in(property, value);
    assert!(is_in(Property::Id, "09090909-0909-0909-0909-090909090909"));
    assert!(is_in(Property::DisplayName, "Name"));
    assert!(!is_in(Property::DisplayName, "name"));
    assert!(is_in(Property::LocalPath, "/a"));
    assert!(!is_in(Property::Uri, "http://origin.example/"));
    // Never set: in no category, not even the empty one.
    assert!(!is_in(Property::ContentId, ""));
    let categories = [
        Property::Id,
        Property::Uri,
        Property::ContentId,
        Property::DisplayName,
        Property::LocalPath,
    ];
    for property in Property::ALL {
        let expect = if categories.contains(property) {
            Ok(())
        } else {
            Err(ErrorCode::DO_E_UNKNOWN_PROPERTY_ID)
        };
        assert_eq!(check_category(*property), expect, "{property:?}");
    }
}
