//! What a request asks for: its verb, path and parameters as a typed call.

use dobbin_engine::Operation;
use dobbin_types::{DownloadProperty, DownloadState, ErrorCode, JobId, PropertyValue};

use super::request::Request;
use super::target::{Parameter, Query, split};

/// Shortest `NoProgressTimeoutSeconds` on this interface.
const NO_PROGRESS_SECONDS_MIN: u32 = 10;

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// A new download, with these properties where they were sent.
    Create { uri: Option<String>, path: Option<String> },
    /// Start, pause, finalize, abort.
    Operate(JobId, Operation),
    /// How it stands.
    Status(JobId),
    /// The value of a property, under the name by which it was asked for.
    Get { id: JobId, property: DownloadProperty, key: String },
    /// Properties to set: all of them or none. They are looked at after the download was found.
    Set { id: JobId, query: Query },
}

/// The call that a request is.
///
/// # Errors
///
/// In this order: `E_UNSUPPORTED` for another path or verb; `E_INVALIDARG` for a parameter that nobody
/// knows and `WIN32_UNHANDLED_EXCEPTION` for one that cannot be decoded; then the call's own, of which
/// `E_NOT_SET` is the answer to an id that is missing or can be no id of ours.
pub(super) fn call(request: &Request) -> Result<Call, ErrorCode> {
    let (words, query) = split(&request.target)?;
    let [folder, method] = words.as_slice() else {
        return Err(ErrorCode::E_UNSUPPORTED);
    };
    if !folder.eq_ignore_ascii_case("download") {
        return Err(ErrorCode::E_UNSUPPORTED);
    }
    let read: fn(Query) -> Result<Call, ErrorCode> =
        match (&*request.method, &*method.to_ascii_lowercase()) {
            ("POST", "create") => create,
            ("POST", "start") => |query| Ok(Call::Operate(id(&query)?, Operation::Start(None))),
            ("POST", "pause") => |query| Ok(Call::Operate(id(&query)?, Operation::Pause)),
            ("POST", "finalize") => |query| Ok(Call::Operate(id(&query)?, Operation::Finalize)),
            ("POST", "abort") => |query| Ok(Call::Operate(id(&query)?, Operation::Abort)),
            ("POST", "setproperty") => |query| Ok(Call::Set { id: id(&query)?, query }),
            ("GET", "getstatus") => |query| Ok(Call::Status(id(&query)?)),
            ("GET", "getproperty") => get,
            // Microsoft's agent never offered it, and its programs never ask.
            ("GET", "enumerate") => |_| Err(ErrorCode::E_NOTIMPL),
            _unknown => return Err(ErrorCode::E_UNSUPPORTED),
        };
    read(Query::read(query)?)
}

/// An empty value is as good as none.
fn create(query: Query) -> Result<Call, ErrorCode> {
    let given =
        |parameter| query.value(parameter).filter(|value| !value.is_empty()).map(str::to_owned);
    let (uri, path) = (given(Parameter::Uri), given(Parameter::DownloadFilePath));
    Ok(Call::Create { uri, path })
}

/// The property first, whatever the id.
fn get(query: Query) -> Result<Call, ErrorCode> {
    let key = query.value(Parameter::PropertyKey).unwrap_or_default().to_owned();
    if key.is_empty() {
        return Err(ErrorCode::E_INVALIDARG);
    }
    let property = match Parameter::from_name(&key) {
        Some(Parameter::Id) => DownloadProperty::Id,
        Some(Parameter::Uri) => DownloadProperty::Uri,
        Some(Parameter::DownloadFilePath) => DownloadProperty::LocalPath,
        Some(Parameter::NoProgressTimeoutSeconds) => DownloadProperty::NoProgressTimeoutSeconds,
        Some(Parameter::PropertyKey) | None => return Err(ErrorCode::DO_E_UNKNOWN_PROPERTY_ID),
    };
    Ok(Call::Get { id: id(&query)?, property, key })
}

/// The download that is meant. Ids are compared as the texts that we made of them, so that of one
/// download there is one spelling.
fn id(query: &Query) -> Result<JobId, ErrorCode> {
    let text = query.value(Parameter::Id).unwrap_or_default();
    let id: Option<JobId> = text.parse().ok();
    id.filter(|id| id.to_string() == text).ok_or(ErrorCode::E_NOT_SET)
}

/// The properties that a `setproperty` sets, in the order in which they were sent, for a download that
/// shows itself in that state. `Id` says which download, and is not one of them.
///
/// # Errors
///
/// `E_INVALIDARG` for a value that cannot be, `DO_E_UNKNOWN_PROPERTY_ID` for `PropertyKey`, and
/// `DO_E_INVALID_STATE`. Whether a URL is one is the engine's to say.
pub(super) fn settings(
    query: Query,
    state: DownloadState,
) -> Result<Vec<(DownloadProperty, PropertyValue)>, ErrorCode> {
    let is_created = state == DownloadState::Created;
    let is_at_rest = is_created || state == DownloadState::Paused;
    let mut settings = Vec::new();
    for (parameter, value) in query.into_parameters() {
        let (property, is_possible) = match parameter {
            Parameter::Id => continue,
            Parameter::PropertyKey => return Err(ErrorCode::DO_E_UNKNOWN_PROPERTY_ID),
            Parameter::Uri => (DownloadProperty::Uri, is_at_rest),
            Parameter::DownloadFilePath => (DownloadProperty::LocalPath, is_created),
            Parameter::NoProgressTimeoutSeconds => {
                let seconds = seconds(&value)?;
                settings.push((DownloadProperty::NoProgressTimeoutSeconds, seconds.into()));
                continue;
            }
        };
        if value.is_empty() {
            return Err(ErrorCode::E_INVALIDARG);
        }
        if !is_possible {
            return Err(ErrorCode::DO_E_INVALID_STATE);
        }
        settings.push((property, value.into()));
    }
    Ok(settings)
}

fn seconds(text: &str) -> Result<u64, ErrorCode> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: Option<u32> = text.parse().ok().filter(|_| is_number);
    match seconds {
        Some(seconds @ NO_PROGRESS_SECONDS_MIN..) => Ok(u64::from(seconds)),
        Some(_) | None => Err(ErrorCode::E_INVALIDARG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d";

    fn asked(method: &str, target: &str) -> Result<Call, ErrorCode> {
        let (method, target) = (method.to_owned(), target.to_owned());
        call(&Request { method, target, is_from_afar: false, is_last: false })
    }

    #[track_caller]
    fn check(method: &str, target: &str, expect: Result<Call, ErrorCode>) {
        assert_eq!(asked(method, target), expect, "{method} {target}");
    }

    /// conformance: rest endpoints
    #[test]
    fn every_call_has_its_verb_and_its_name_in_any_case() {
        let id: JobId = ID.parse().unwrap();
        for (verb, name, expect) in [
            ("POST", "start", Call::Operate(id, Operation::Start(None))),
            ("POST", "pause", Call::Operate(id, Operation::Pause)),
            ("POST", "finalize", Call::Operate(id, Operation::Finalize)),
            ("POST", "abort", Call::Operate(id, Operation::Abort)),
            ("GET", "getstatus", Call::Status(id)),
        ] {
            let target = format!("Download//{}/?id={ID}&Uri=x", name.to_uppercase());
            check(verb, &target, Ok(expect));
            for other in ["PUT", "post", "Get", if verb == "GET" { "POST" } else { "GET" }] {
                check(other, &target, Err(ErrorCode::E_UNSUPPORTED));
            }
        }
        let create = |uri: Option<&str>, path: Option<&str>| Call::Create {
            uri: uri.map(str::to_owned),
            path: path.map(str::to_owned),
        };
        check("POST", "/download/create", Ok(create(None, None)));
        check("POST", "download/create?Uri=&DownloadFilePath=", Ok(create(None, None)));
        let target = "download/create?Uri=http://a/&DownloadFilePath=/b&Id=x&PropertyKey=y";
        check("POST", target, Ok(create(Some("http://a/"), Some("/b"))));
        check("GET", "download/enumerate?Id=x", Err(ErrorCode::E_NOTIMPL));
    }

    /// conformance: rest paths
    #[test]
    fn any_other_path_is_not_supported() {
        for target in ["", "/", "download", "create", "download/x", "a/create", "download/create/x"]
        {
            check("POST", target, Err(ErrorCode::E_UNSUPPORTED));
        }
        check("POST", "download/x?y=z", Err(ErrorCode::E_UNSUPPORTED));
        check("POST", "download/create?y=z", Err(ErrorCode::E_INVALIDARG));
        check("POST", "download/%", Err(ErrorCode::WIN32_UNHANDLED_EXCEPTION));
        check("GET", "download/enumerate?y", Err(ErrorCode::E_INVALIDARG));
    }

    /// conformance: rest ids
    #[test]
    fn an_id_is_the_text_that_was_given_out() {
        let (upper, braces) = (ID.to_uppercase(), format!("{{{ID}}}"));
        let plain = ID.replace('-', "");
        for id in ["", "x", &upper, &braces, &plain] {
            for (verb, name) in [("GET", "getstatus"), ("POST", "start"), ("POST", "setproperty")] {
                let target = format!("download/{name}?Id={}", id.replace('{', "%7b"));
                check(verb, &target, Err(ErrorCode::E_NOT_SET));
            }
        }
        check("POST", "download/abort", Err(ErrorCode::E_NOT_SET));
    }

    /// conformance: rest getproperty
    #[test]
    fn of_a_property_the_name_is_looked_at_before_the_id() {
        for (key, property) in [
            ("Id", DownloadProperty::Id),
            ("uri", DownloadProperty::Uri),
            ("DOWNLOADFILEPATH", DownloadProperty::LocalPath),
            ("NoProgressTimeoutSeconds", DownloadProperty::NoProgressTimeoutSeconds),
        ] {
            let call = Call::Get { id: ID.parse().unwrap(), property, key: key.to_owned() };
            check("GET", &format!("download/getproperty?Id={ID}&PropertyKey={key}"), Ok(call));
            let target = format!("download/getproperty?PropertyKey={key}");
            check("GET", &target, Err(ErrorCode::E_NOT_SET));
        }
        for key in ["PropertyKey", "x", "ContentId"] {
            let target = format!("download/getproperty?PropertyKey={key}");
            check("GET", &target, Err(ErrorCode::DO_E_UNKNOWN_PROPERTY_ID));
        }
        check("GET", "download/getproperty?PropertyKey=", Err(ErrorCode::E_INVALIDARG));
        check("GET", &format!("download/getproperty?Id={ID}"), Err(ErrorCode::E_INVALIDARG));
    }

    /// conformance: rest setproperty
    #[test]
    fn properties_are_set_in_their_states_with_values_that_can_be() {
        use DownloadState::{Created, Paused, Transferred, Transferring};
        #[track_caller]
        fn check(query: &str, state: DownloadState, expect: Result<usize, ErrorCode>) {
            let settings = settings(Query::read(query).unwrap(), state);
            assert_eq!(settings.map(|settings| settings.len()), expect, "{query} {state}");
        }
        let busy = Err(ErrorCode::DO_E_INVALID_STATE);
        let all = format!("Id={ID}&Uri=x&DownloadFilePath=y&NoProgressTimeoutSeconds=10");
        check(&all, Created, Ok(3));
        for (query, expect) in [
            ("Uri=x", [Ok(1), busy, Ok(1), busy]),
            ("DownloadFilePath=x", [Ok(1), busy, busy, busy]),
            ("NoProgressTimeoutSeconds=60", [Ok(1), Ok(1), Ok(1), Ok(1)]),
            ("Id=x", [Ok(0), Ok(0), Ok(0), Ok(0)]),
        ] {
            for (state, expect) in [Created, Transferring, Paused, Transferred].iter().zip(expect) {
                check(query, *state, expect);
            }
        }
        check("PropertyKey=Uri", Created, Err(ErrorCode::DO_E_UNKNOWN_PROPERTY_ID));
        for query in ["Uri=", "DownloadFilePath=", "Uri=x&DownloadFilePath="] {
            check(query, Created, Err(ErrorCode::E_INVALIDARG));
        }
        for seconds in ["", "9", "0", "-10", "+10", "10.0", "1x", "4294967296", " 10"] {
            let query = format!("NoProgressTimeoutSeconds={seconds}");
            check(&query, Created, Err(ErrorCode::E_INVALIDARG));
        }
        check("NoProgressTimeoutSeconds=4294967295", Created, Ok(1));
        let settings = settings(Query::read(&all).unwrap(), Created).unwrap();
        let seconds = (DownloadProperty::NoProgressTimeoutSeconds, PropertyValue::Number(10));
        assert_eq!(settings[2], seconds);
    }
}
