//! Values of properties, from and to text.

use dobbin_types::download::PropertyKind;
use dobbin_types::{DownloadProperty, PropertyValue};

/// What a text on the command line means for a property; `Err` says what was expected.
pub(super) fn read(property: DownloadProperty, text: String) -> Result<PropertyValue, String> {
    let flag = |text: &str| match text {
        "true" => Some(PropertyValue::Flag(true)),
        "false" => Some(PropertyValue::Flag(false)),
        _ => None,
    };
    match property.kind() {
        PropertyKind::Text | PropertyKind::Bytes => Ok(PropertyValue::Text(text)),
        PropertyKind::Number32 | PropertyKind::Number64 => match text.parse() {
            Ok(number) => Ok(PropertyValue::Number(number)),
            Err(_) => Err(format!("{property} takes a number")),
        },
        PropertyKind::Flag | PropertyKind::Object => {
            flag(&text).ok_or_else(|| format!("{property} takes true or false"))
        }
    }
}

/// A value as text.
pub(super) fn told(value: &PropertyValue) -> String {
    match value {
        PropertyValue::Nothing => String::new(),
        PropertyValue::Flag(value) => value.to_string(),
        PropertyValue::Number(number) => number.to_string(),
        PropertyValue::Text(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_the_property_wants_it() {
        #[track_caller]
        fn check(property: DownloadProperty, text: &str, expect: Option<PropertyValue>) {
            assert_eq!(read(property, text.to_owned()).ok(), expect, "{property} {text}");
        }
        check(DownloadProperty::Uri, "5", Some("5".into()));
        check(DownloadProperty::CostPolicy, "5", Some(5.into()));
        check(DownloadProperty::CostPolicy, "standard", None);
        check(DownloadProperty::TotalSizeBytes, "18446744073709551615", Some(u64::MAX.into()));
        check(DownloadProperty::TotalSizeBytes, "-1", None);
        check(DownloadProperty::NonVolatile, "true", Some(true.into()));
        check(DownloadProperty::NonVolatile, "yes", None);
        check(DownloadProperty::StreamInterface, "false", Some(false.into()));
    }

    #[test]
    fn a_value_is_told_as_it_is_read() {
        for (property, text) in [
            (DownloadProperty::Uri, "http://a/"),
            (DownloadProperty::CostPolicy, "5"),
            (DownloadProperty::NonVolatile, "false"),
        ] {
            assert_eq!(told(&read(property, text.to_owned()).unwrap()), text);
        }
        assert_eq!(told(&PropertyValue::Nothing), "");
    }
}
