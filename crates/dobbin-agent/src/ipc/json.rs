//! From the bytes of a body to a value of its type, or to the place where it is wrong.

use serde::de::DeserializeOwned;

use super::reply::Refusal;

/// How deep objects and arrays may be nested. Bodies of ours need five levels.
const DEPTH_MAX: usize = 32;

/// Reads one JSON object of type `T` and nothing after it.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let refuse =
        |why: &dyn std::fmt::Display| Refusal::bad_request(format!("cannot read the body: {why}"));
    check_shape(bytes).map_err(|why| refuse(&why))?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let refusal = refuse(error.inner());
        // The path of the body itself is a single dot.
        if field == "." { refusal } else { refusal.at(field) }
    })?;
    json.end().map_err(|error| refuse(&error))?;
    Ok(value)
}

/// Refuses what the parser would let through or only stop late: a type with named fields is also
/// read from an array, by position, so a body must be an object and no array may stand directly in
/// another (no body of ours has one there). Does not care whether the rest is JSON at all.
fn check_shape(bytes: &[u8]) -> Result<(), String> {
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err("it must be a JSON object".to_owned());
    }
    let mut open: Vec<u8> = Vec::new();
    let (mut in_text, mut escaped) = (false, false);
    for (at, byte) in bytes.iter().copied().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' if open.last() == Some(&b'[') => {
                return Err(format!("an array stands where an object belongs, at byte {at}"));
            }
            b'[' | b'{' if open.len() == DEPTH_MAX => {
                return Err(format!("more than {DEPTH_MAX} levels are nested, at byte {at}"));
            }
            b'[' | b'{' => open.push(byte),
            b']' | b'}' => drop(open.pop()),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, says: Option<&str>) {
        match (check_shape(body.as_bytes()), says) {
            (Ok(()), None) => {}
            (Err(why), Some(says)) => assert!(why.contains(says), "{body:.80}: {why}"),
            (got, _) => panic!("{body:.80}: {got:?}"),
        }
    }

    #[test]
    fn objects_and_arrays_of_objects_have_a_shape_that_bodies_have() {
        check("{}", None);
        check(" \r\n{\"files\":[{\"ranges\":[{},{}]},{\"ranges\":[]}]}", None);
    }

    #[test]
    fn values_by_position_are_refused() {
        check("", Some("must be a JSON object"));
        check("[]", Some("must be a JSON object"));
        check(r#"{"files":[["http://host/x","/x"]]}"#, Some("at byte 10"));
        check(r#"{"files":[{},["http://host/x","/x"]]}"#, Some("at byte 13"));
        check(r#"{"files":[{"ranges":[ [0,1]]}]}"#, Some("an array stands"));
    }

    #[test]
    fn brackets_in_text_are_text() {
        check(r#"{"a":"[[","b":"\"[[","c":"\\"}"#, None);
        check(r#"{"a":"\\","b":[[]]}"#, Some("an array stands"));
    }

    #[test]
    fn depth_is_limited() {
        let nested = |levels: usize| format!("{}{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
        check(&nested(DEPTH_MAX), None);
        check(&nested(DEPTH_MAX + 1), Some("more than 32 levels"));
    }

    #[test]
    fn what_is_no_json_at_all_is_left_to_the_parser() {
        check("{]}[", None);
        assert!(read::<serde_json::Value>(b"{]}[").is_err());
    }
}
