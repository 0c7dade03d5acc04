//! A reply as those programs read it. What they would choke on is an error here, however good it is as
//! HTTP.

use std::collections::BTreeMap;

use dobbin_types::ErrorCode;

/// Bytes of a reply that they have room for.
const REPLY_BYTES_MAX: usize = 2_048;

/// A reply, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Its fields, if the body is an object: texts, and numbers as texts.
    pub fields: BTreeMap<String, String>,
}

/// Why such a program could not have read it. Most of them end on the spot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("such a program cannot read this reply: {0}")]
pub struct Unreadable(pub &'static str);

impl Reply {
    /// Reads what has arrived; `None` while something is missing.
    ///
    /// # Errors
    ///
    /// What is not as those programs expect it.
    pub fn read(bytes: &[u8]) -> Result<Option<Reply>, Unreadable> {
        if bytes.len() > REPLY_BYTES_MAX {
            return Err(Unreadable("it has more than 2,048 bytes"));
        }
        let text = str::from_utf8(bytes).map_err(|_| Unreadable("it is no text"))?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return Ok(None);
        };
        let mut lines = head.split("\r\n");
        let status = status(lines.next().unwrap_or_default())?;
        let mut length = 0;
        for line in lines {
            let (name, value) = line.split_once(": ").ok_or(Unreadable("a field has no colon"))?;
            match name {
                "Content-Length" => {
                    length = value.parse().map_err(|_| Unreadable("the length is no number"))?;
                }
                "Transfer-Encoding" => return Err(Unreadable("the body is chunked")),
                _ => {}
            }
        }
        match body.len() {
            had if had < length => return Ok(None),
            had if had > length => return Err(Unreadable("there are more bytes than announced")),
            _ => {}
        }
        let fields = if body.is_empty() { BTreeMap::new() } else { fields(body)? };
        Ok(Some(Reply { status, fields }))
    }

    /// The value of a field that every reply of its kind must have.
    ///
    /// # Errors
    ///
    /// It is missing: the end of such a program.
    pub fn field(&self, name: &str) -> Result<&str, Unreadable> {
        self.fields.get(name).map(String::as_str).ok_or(Unreadable("a field is missing"))
    }

    /// The code of a refusal.
    ///
    /// # Errors
    ///
    /// There is none, or it is no signed decimal of 32 bits.
    pub fn code(&self, name: &str) -> Result<ErrorCode, Unreadable> {
        let number = self.field(name)?.parse::<i32>();
        Ok(ErrorCode::from_hresult(number.map_err(|_| Unreadable("a code is no signed decimal"))?))
    }
}

/// `HTTP/1.1`, digits, and a reason of letters, digits and spaces.
fn status(line: &str) -> Result<u16, Unreadable> {
    let rest = line.strip_prefix("HTTP/1.1 ").ok_or(Unreadable("it is not HTTP/1.1"))?;
    let (number, reason) = rest.split_once(' ').ok_or(Unreadable("there is no reason"))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == ' ';
    if reason.is_empty() || !reason.chars().all(is_plain) {
        return Err(Unreadable("the reason is not plain"));
    }
    number.parse().map_err(|_| Unreadable("the status is no number"))
}

/// The fields of a flat object.
fn fields(body: &str) -> Result<BTreeMap<String, String>, Unreadable> {
    let value: serde_json::Value =
        serde_json::from_str(body).map_err(|_| Unreadable("the body is no JSON"))?;
    let object = value.as_object().ok_or(Unreadable("the body is no object"))?;
    let field = |(name, value): (&String, &serde_json::Value)| {
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(number) => number.to_string(),
            _ => return Err(Unreadable("a value is neither a text nor a number")),
        };
        Ok((name.clone(), text))
    };
    object.iter().map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_such_a_program_would_choke_on_is_refused() {
        let good = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"Id\":\"a\"}";
        let reply = Reply::read(good.as_bytes()).unwrap().unwrap();
        assert_eq!((reply.status, reply.field("Id")), (200, Ok("a")));
        assert!(reply.field("Other").is_err() && reply.code("Id").is_err());
        for at in 0..good.len() {
            assert_eq!(Reply::read(&good.as_bytes()[..at]), Ok(None), "{at}");
        }
        for bad in [
            &good.replace("Content-Length", "content-length"),
            &good.replace("/1.1", "/1.0"),
            &good.replace("OK", "Not-OK"),
            &good.replace(" OK", ""),
            &good.replace("10", "9"),
            &good.replace("Content-Length: 10", "Transfer-Encoding: chunked"),
            &good.replace("\"a\"", "[1]"),
            &good.replace("{\"", "[[\""),
            &format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(2_048)),
        ] {
            assert!(Reply::read(bad.as_bytes()).is_err(), "{bad}");
        }
        let refusal = "HTTP/1.1 404 NotFound\r\nContent-Length: 28\r\n\r\n\
                       { \"ErrorCode\": -2147023728 }";
        let reply = Reply::read(refusal.as_bytes()).unwrap().unwrap();
        assert_eq!(reply.code("ErrorCode"), Ok(ErrorCode::E_NOT_SET));
        let unsigned = refusal.replace("-2147023728", "02147943568");
        assert!(Reply::read(unsigned.as_bytes()).is_err());
    }
}
