//! What a request's target says: the words of its path and the parameters of its query.
//!
//! Split first and decoded afterwards, each part by itself: a URL that is a parameter's value has
//! question marks, ampersands and escapes of its own.

use dobbin_types::ErrorCode;

/// What a caller may say in a query; any other name is refused. Names are compared without regard to
/// case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    Id,
    Uri,
    DownloadFilePath,
    NoProgressTimeoutSeconds,
    PropertyKey,
}

impl Parameter {
    const ALL: [(&str, Parameter); 5] = [
        ("Id", Parameter::Id),
        ("Uri", Parameter::Uri),
        ("DownloadFilePath", Parameter::DownloadFilePath),
        ("NoProgressTimeoutSeconds", Parameter::NoProgressTimeoutSeconds),
        ("PropertyKey", Parameter::PropertyKey),
    ];

    /// The parameter of this name, in either case.
    pub(super) fn from_name(name: &str) -> Option<Parameter> {
        let mut all = Parameter::ALL.iter();
        all.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, parameter)| *parameter)
    }
}

/// The parameters of a query, decoded, in the order in which they were sent. Of one that was sent
/// twice the last counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(Parameter, String)>);

impl Query {
    /// The value of a parameter; nothing if it was not sent.
    pub(super) fn value(&self, wanted: Parameter) -> Option<&str> {
        self.0.iter().find(|(parameter, _)| *parameter == wanted).map(|(_, value)| value.as_str())
    }

    /// All of them.
    pub(super) fn into_parameters(self) -> impl Iterator<Item = (Parameter, String)> {
        self.0.into_iter()
    }

    /// The parameters of a query.
    ///
    /// Items are split at `&`, or at `;` where there is no `&`; each at its first `=`; `+` stands for
    /// itself. Empty items say nothing.
    ///
    /// # Errors
    ///
    /// `E_INVALIDARG` for a name that is none of ours, and the codes of [`decoded`].
    pub(super) fn read(query: &str) -> Result<Query, ErrorCode> {
        let separator = if query.contains('&') { '&' } else { ';' };
        let mut found = Query::default();
        for item in query.split(separator).filter(|item| !item.is_empty()) {
            let (name, value) = item.split_once('=').unwrap_or((item, ""));
            let parameter = Parameter::from_name(name).ok_or(ErrorCode::E_INVALIDARG)?;
            let value = decoded(value)?;
            found.0.retain(|(earlier, _)| *earlier != parameter);
            found.0.push((parameter, value));
        }
        Ok(found)
    }
}

/// The decoded words of a target's path, empty ones left out, and its query as it was sent.
///
/// # Errors
///
/// Those of [`decoded`].
pub(super) fn split(target: &str) -> Result<(Vec<String>, &str), ErrorCode> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = decoded(path)?;
    let words = path.split('/').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Ok((words, query))
}

/// A text with its escapes (`%41`) replaced.
///
/// # Errors
///
/// `WIN32_UNHANDLED_EXCEPTION` for a `%` that is no escape, which is what Microsoft's agent answers;
/// `E_INVALIDARG` for bytes that are no text in UTF-8: neither a URL nor one of our paths can be that.
fn decoded(text: &str) -> Result<String, ErrorCode> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => rest
                .next()
                .and_then(digit)
                .zip(rest.next().and_then(digit))
                .map(|(high, low)| high << 4 | low)
                .ok_or(ErrorCode::WIN32_UNHANDLED_EXCEPTION)?,
            plain => plain,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).map_err(|_| ErrorCode::E_INVALIDARG)
}

/// The value of a hexadecimal digit.
fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_path(target: &str, expect: Result<(&[&str], &str), ErrorCode>) {
        let split = split(target);
        let found = split.as_ref().map(|(words, query)| (words.as_slice(), *query));
        let expect = expect.map(|(words, query)| {
            (words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), query)
        });
        assert_eq!(found, expect.as_ref().map(|(words, query)| (&words[..], *query)), "{target}");
    }

    /// conformance: rest slashless
    #[test]
    fn a_path_is_its_words_however_many_slashes_there_are() {
        let create: &[&str] = &["download", "create"];
        for target in [
            "download/create",
            "/download/create",
            "//download//create/",
            "download%2Fcreate",
            "%64ownload/create",
        ] {
            check_path(target, Ok((create, "")));
        }
        check_path("/Download/CREATE?a=/b?c", Ok((&["Download", "CREATE"], "a=/b?c")));
        check_path("?a", Ok((&[], "a")));
        check_path("a%2", Err(ErrorCode::WIN32_UNHANDLED_EXCEPTION));
        check_path("a%FFb", Err(ErrorCode::E_INVALIDARG));
    }

    #[track_caller]
    fn check_query(query: &str, expect: Result<&[(Parameter, &str)], ErrorCode>) {
        let found = Query::read(query).map(|query| query.0);
        let expect = expect.map(|all| {
            all.iter().map(|(parameter, value)| (*parameter, (*value).to_owned())).collect()
        });
        assert_eq!(found, expect, "{query}");
    }

    /// conformance: rest query
    #[test]
    fn a_query_is_split_first_and_decoded_afterwards() {
        use Parameter::{DownloadFilePath as Path, Id, Uri};
        check_query("", Ok(&[]));
        // A URL with everything in it that is special somewhere, as the SDK encodes it.
        let uri = "http://a/b?c%3D1%26d%3De%252Ff%2Bg%20h";
        let all = "http://a/b?c=1&d=e%2Ff+g h";
        check_query(&format!("Uri={uri}&DownloadFilePath=/x"), Ok(&[(Uri, all), (Path, "/x")]));
        check_query("uri=a+b", Ok(&[(Uri, "a+b")]));
        check_query("Uri=a=b==", Ok(&[(Uri, "a=b==")]));
        check_query("Uri", Ok(&[(Uri, "")]));
        check_query("&Uri=a&&Id=b&", Ok(&[(Uri, "a"), (Id, "b")]));
        check_query("Uri=a;Id=b", Ok(&[(Uri, "a"), (Id, "b")]));
        check_query("Uri=a;b&Id=c", Ok(&[(Uri, "a;b"), (Id, "c")]));
        check_query("ID=a&id=b&iD=%63", Ok(&[(Id, "c")]));
        check_query("Uri=%c3%A4", Ok(&[(Uri, "\u{e4}")]));
    }

    /// conformance: rest parameters
    #[test]
    fn a_name_that_nobody_knows_and_an_escape_that_is_none_are_refused() {
        for query in ["Url=a", "=a", "Id=a&x", "Id%20=a", "Id=a;Uri=b&x=c", "Uri=%FF"] {
            check_query(query, Err(ErrorCode::E_INVALIDARG));
        }
        for query in ["Uri=%", "Uri=%4", "Uri=%4g", "Uri=%%41", "Uri=%+1", "Id=a&Uri=%zz"] {
            check_query(query, Err(ErrorCode::WIN32_UNHANDLED_EXCEPTION));
        }
    }
}
