//! The JSON of a piece-hash file, as far as that is JSON: which value stands under which key.
//!
//! Values of the wrong kind are noted and not refused here, so that the checks can be made in their
//! own order, whatever the order of the keys. Digests are decoded as they are read: what is kept of
//! an array of texts is shorter than the texts.

use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Digest, digest_from_base64};

/// What stands under the keys that mean something. Others are let through.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) major_version: Value,
    pub(super) minor_version: Value,
    pub(super) content_length: Value,
    pub(super) piece_size: Value,
    pub(super) hash_of_hashes: Value,
    pub(super) pieces: Value,
}

impl Draft {
    fn field(&mut self, name: Name) -> &mut Value {
        match name {
            Name::MajorVersion => &mut self.major_version,
            Name::MinorVersion => &mut self.minor_version,
            Name::ContentLength => &mut self.content_length,
            Name::PieceSize => &mut self.piece_size,
            Name::HashOfHashes => &mut self.hash_of_hashes,
            Name::Pieces => &mut self.pieces,
        }
    }
}

/// A key that means something.
enum Name {
    MajorVersion,
    MinorVersion,
    ContentLength,
    PieceSize,
    HashOfHashes,
    Pieces,
}

/// A value, seen as far as some field could want it.
#[derive(Debug, Default)]
pub(super) enum Value {
    /// The key is not there.
    #[default]
    Missing,
    /// A whole number that is not negative.
    Number(u64),
    /// A text that is a digest.
    Digest(Digest),
    /// An array.
    List(List),
    /// Anything else.
    Other,
}

/// An array that should hold digests.
#[derive(Debug, Default)]
pub(super) struct List {
    /// Those that are digests, in order.
    pub(super) digests: Vec<Digest>,
    /// All elements.
    pub(super) count: u64,
    /// The place of the first that is no digest.
    pub(super) first_wrong: Option<u64>,
}

/// Reads one JSON object and nothing behind it. `Err` says what is wrong and where.
///
/// Cost: linear in the text. Memory: 32 bytes for each digest, whose text has at least 46.
pub(super) fn read(text: &[u8]) -> Result<Draft, String> {
    let text = str::from_utf8(text).map_err(|error| error.to_string())?;
    // The reader would quote what stands there instead, at any length.
    if !text.trim_ascii_start().starts_with('{') {
        return Err("it is not a JSON object".to_owned());
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let draft = reader.deserialize_map(Fields).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(draft)
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Draft;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Draft, A::Error> {
        let mut draft = Draft::default();
        while let Some(key) = map.next_key_seed(Key)? {
            let field = match key {
                Some(key) => draft.field(key),
                None => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            // Readers differ in which of two they take: then a hash would prove nothing.
            if !matches!(field, Value::Missing) {
                return Err(A::Error::custom("a key stands there twice"));
            }
            *field = map.next_value_seed(Slot { in_list: false })?;
        }
        Ok(draft)
    }
}

/// A key that is one of ours, whatever escapes it is spelled with.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<Name>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<Name>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(match text {
            "MajorVersion" => Some(Name::MajorVersion),
            "MinorVersion" => Some(Name::MinorVersion),
            "ContentLength" => Some(Name::ContentLength),
            "PieceSize" => Some(Name::PieceSize),
            "HashOfHashes" => Some(Name::HashOfHashes),
            "Pieces" => Some(Name::Pieces),
            _later_versions_may_know_it => None,
        })
    }
}

/// Where a value stands: under a key, or in an array, where another array has no business.
struct Slot {
    in_list: bool,
}

impl<'de> DeserializeSeed<'de> for Slot {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Slot {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(digest_from_base64(text).map_or(Value::Other, Value::Digest))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = List::default();
        if self.in_list {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Other);
        }
        while let Some(element) = seq.next_element_seed(Slot { in_list: true })? {
            if let Value::Digest(digest) = element {
                list.digests.push(digest);
            } else {
                list.first_wrong.get_or_insert(list.count);
            }
            list.count += 1;
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_i64<E: Error>(self, _negative: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E: Error>(self, _fraction: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_bool<E: Error>(self, _flag: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Other)
    }
}
