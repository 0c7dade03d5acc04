//! What the configuration files of Microsoft's agent say, out of their text. Reads no file.
//!
//! `admin-config.json` is the administrator's: policies by their names, of which that agent knows the
//! few below. `sdk-config.json` is written by programs that hand over an IoT device's connection
//! string. Values are JSON strings or what they stand for: `"60"` is as good as `60`. Keys that are not
//! known are passed over, since others may read the same file. A value that makes no sense counts as
//! not there, and somebody is told.

use std::collections::BTreeMap;

use serde_json::Value;

/// What the administrator says; nothing without a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AdminConfig {
    /// `DOCacheHost`, as it stands there. Blank is an answer, too: no cache host, wherever else one is
    /// named.
    pub(crate) cache_host: Option<String>,
    /// Seconds before an origin is asked where a cache host fails, and -1 for never.
    ///
    /// `DODelayCacheServerFallbackBackground`, else `DODelayCacheServerFallbackForeground`: that agent
    /// knows no priorities, and asks for the former first.
    pub(crate) fallback_seconds: Option<i64>,
    /// `RestControllerValidateRemoteAddr`.
    pub(crate) validate_remote: Option<bool>,
}

/// What programs say; nothing without a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SdkConfig {
    /// The device's gateway, which is its cache host: `GatewayHostName` of `ADUC_IoTConnectionString`.
    pub(crate) gateway: Option<String>,
}

/// What was understood of a text, and what was not: a sentence for each key that was passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Understood<T> {
    pub(crate) config: T,
    pub(crate) faults: Vec<String>,
}

/// A configuration that a file may hold.
pub(crate) trait FileConfig: Default {
    /// What a text says.
    ///
    /// # Errors
    ///
    /// Why it says nothing, in words: when it is no JSON object.
    fn read(text: &[u8]) -> Result<Understood<Self>, String>;
}

impl FileConfig for AdminConfig {
    fn read(text: &[u8]) -> Result<Understood<AdminConfig>, String> {
        let mut keys = Keys::read(text)?;
        let cache_host = keys.text("DOCacheHost");
        let background = keys.number("DODelayCacheServerFallbackBackground");
        let foreground = keys.number("DODelayCacheServerFallbackForeground");
        let validate_remote = keys.truth("RestControllerValidateRemoteAddr");
        let fallback_seconds = background.or(foreground);
        let config = AdminConfig { cache_host, fallback_seconds, validate_remote };
        Ok(Understood { config, faults: keys.faults })
    }
}

impl FileConfig for SdkConfig {
    fn read(text: &[u8]) -> Result<Understood<SdkConfig>, String> {
        let mut keys = Keys::read(text)?;
        let gateway = keys.text("ADUC_IoTConnectionString").as_deref().and_then(gateway);
        Ok(Understood { config: SdkConfig { gateway }, faults: keys.faults })
    }
}

/// The gateway's name within a connection string: what stands behind `GatewayHostName=`, in any case
/// and anywhere, up to a semicolon. Nothing else is taken from the string, which holds a secret.
fn gateway(connection: &str) -> Option<String> {
    const NAME: &str = "gatewayhostname=";
    let at = connection.to_ascii_lowercase().find(NAME)? + NAME.len();
    let host = connection[at..].split(';').next().unwrap_or_default().trim();
    (!host.is_empty()).then(|| host.to_owned())
}

/// The keys of an object, and what was wrong with those that were asked for.
struct Keys {
    values: BTreeMap<String, Value>,
    faults: Vec<String>,
}

impl Keys {
    fn read(text: &[u8]) -> Result<Keys, String> {
        // Some editors begin a file with the mark of its byte order.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let values = serde_json::from_slice(text).map_err(|error| {
            // Its own words may hold a value, and values may be secret.
            format!("line {}, column {}: no JSON object", error.line(), error.column())
        })?;
        Ok(Keys { values, faults: Vec::new() })
    }

    /// A string, or the text of a number or truth value.
    fn text(&mut self, key: &str) -> Option<String> {
        match self.values.get(key)? {
            Value::String(text) => Some(text.clone()),
            plain @ (Value::Number(_) | Value::Bool(_)) => Some(plain.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => self.fault(key, "no text"),
        }
    }

    fn number(&mut self, key: &str) -> Option<i64> {
        let text = self.text(key)?;
        text.trim().parse().ok().or_else(|| self.fault(key, "no whole number"))
    }

    fn truth(&mut self, key: &str) -> Option<bool> {
        match self.text(key)?.trim() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => self.fault(key, "neither true nor false"),
        }
    }

    fn fault<T>(&mut self, key: &str, what: &str) -> Option<T> {
        self.faults.push(format!("{key} is {what}, and counts as not there"));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn admin(text: &str) -> AdminConfig {
        let understood = AdminConfig::read(text.as_bytes()).unwrap();
        assert_eq!(understood.faults, [""; 0], "{text}");
        understood.config
    }

    #[test]
    fn an_empty_object_says_nothing() {
        assert_eq!(admin("{}"), AdminConfig::default());
        assert_eq!(admin("\u{feff} {}\n"), AdminConfig::default());
        assert_eq!(admin(r#"{"DODownloadMode": 1, "docachehost": "x"}"#), AdminConfig::default());
    }

    #[test]
    fn a_cache_host_is_kept_as_it_stands_and_blank_is_an_answer() {
        for (text, expect) in [
            (r#"{"DOCacheHost": "cache.example"}"#, Some("cache.example")),
            (r#"{"DOCacheHost": " a , b:8080 "}"#, Some(" a , b:8080 ")),
            (r#"{"DOCacheHost": ""}"#, Some("")),
            (r#"{"DOCacheHost": "a", "DOCacheHost": "b"}"#, Some("b")),
            ("{}", None),
        ] {
            assert_eq!(admin(text).cache_host.as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn the_delay_is_the_one_for_the_background_and_else_the_other() {
        for (text, expect) in [
            (r#"{"DODelayCacheServerFallbackBackground": 60}"#, Some(60)),
            (r#"{"DODelayCacheServerFallbackBackground": "60"}"#, Some(60)),
            (r#"{"DODelayCacheServerFallbackForeground": "-1"}"#, Some(-1)),
            (
                r#"{"DODelayCacheServerFallbackForeground": 5,
                    "DODelayCacheServerFallbackBackground": 0}"#,
                Some(0),
            ),
            ("{}", None),
        ] {
            assert_eq!(admin(text).fallback_seconds, expect, "{text}");
        }
    }

    #[test]
    fn a_truth_value_has_four_forms_and_each_may_be_a_string() {
        for (value, expect) in [
            ("true", true),
            ("false", false),
            ("1", true),
            ("0", false),
            ("\"true\"", true),
            ("\"false\"", false),
            ("\"1\"", true),
            ("\"0\"", false),
        ] {
            let text = format!("{{\"RestControllerValidateRemoteAddr\": {value}}}");
            assert_eq!(admin(&text).validate_remote, Some(expect), "{value}");
        }
    }

    #[test]
    fn a_value_that_makes_no_sense_is_told_by_its_key_and_spoils_no_other() {
        for (key, value) in [
            ("DOCacheHost", "{}"),
            ("DOCacheHost", "[\"a\"]"),
            ("DOCacheHost", "null"),
            ("DODelayCacheServerFallbackBackground", "\"soon\""),
            ("DODelayCacheServerFallbackBackground", "1.5"),
            ("DODelayCacheServerFallbackForeground", "99999999999999999999"),
            ("RestControllerValidateRemoteAddr", "\"TRUE\""),
            ("RestControllerValidateRemoteAddr", "2"),
        ] {
            let other = match key {
                "DOCacheHost" => "\"DODelayCacheServerFallbackBackground\": 7",
                _ => "\"DOCacheHost\": \"a\"",
            };
            let text = format!("{{\"{key}\": {value}, {other}}}");
            let Understood { config, faults } = AdminConfig::read(text.as_bytes()).unwrap();
            let is_rest = match key {
                "DOCacheHost" => config.fallback_seconds == Some(7),
                _ => config.cache_host.as_deref() == Some("a"),
            };
            assert!(is_rest && faults.len() == 1 && faults[0].contains(key), "{text}: {faults:?}");
            assert_eq!(config.validate_remote, None, "{text}");
        }
    }

    #[test]
    fn what_is_no_object_says_where() {
        for text in ["", "[]", "{", "{\"DOCacheHost\": \"a\"", "x", "{} {}", "\"DOCacheHost\""] {
            let fault = AdminConfig::read(text.as_bytes()).unwrap_err();
            assert!(fault.starts_with("line "), "{text}: {fault}");
        }
    }

    /// conformance: rest gateway
    #[test]
    fn the_gateway_is_found_anywhere_in_the_connection_string() {
        for (connection, expect) in [
            ("HostName=h;DeviceId=d;SharedAccessKey=k=;GatewayHostName=gw.local", Some("gw.local")),
            ("GATEWAYHOSTNAME=10.0.0.7;HostName=h", Some("10.0.0.7")),
            ("xGatewayHostName= gw ;", Some("gw")),
            ("GatewayHostName=a;GatewayHostName=b", Some("a")),
            ("GatewayHostName=", None),
            ("GatewayHostName=;x", None),
            ("HostName=h", None),
            ("İGatewayHostName=gw", Some("gw")),
            ("", None),
        ] {
            let text = serde_json::json!({ "ADUC_IoTConnectionString": connection }).to_string();
            let config = SdkConfig::read(text.as_bytes()).unwrap().config;
            assert_eq!(config.gateway.as_deref(), expect, "{connection}");
        }
        assert_eq!(SdkConfig::read(b"{}").unwrap(), Understood::default());
    }

    #[test]
    fn no_word_about_a_fault_holds_a_secret() {
        let text = br#"{"ADUC_IoTConnectionString": ["SharedAccessKey=canary"]}"#;
        let told = format!("{:?}", SdkConfig::read(text).unwrap());
        assert!(told.contains("ADUC_IoTConnectionString") && !told.contains("canary"), "{told}");
        let broken = br#"{"ADUC_IoTConnectionString": "canary" "SharedAccessKey"}"#;
        let told = SdkConfig::read(broken).unwrap_err();
        assert!(!told.contains("canary") && !told.contains("SharedAccessKey"), "{told}");
    }
}
