//! Reading a document: XML of a stranger, so everything has a bound and nothing is fetched for it.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use super::draft::{Draft, Notes, PRIORITY_LAST, number};
use super::{DOCUMENT_BYTES_MAX, Described, FILES_MAX, Fault, Metalink};
use crate::render::text::clean;

/// The longest tag, in bytes: a name and a few attributes.
const TAG_BYTES_MAX: usize = 8 * 1024;

/// The most bytes of text in one element that is read. URLs are the longest.
const TEXT_BYTES_MAX: usize = 8 * 1024;

/// The most elements inside each other; what is read needs six.
const DEPTH_MAX: usize = 32;

/// The most things that are said to have been passed over.
const NOTES_MAX: usize = 16;

/// Elements of RFC 5854.
const NAMESPACE: &str = "urn:ietf:params:xml:ns:metalink";

/// Elements of version 3.
const NAMESPACE_3: &str = "http://www.metalinker.org/";

/// Where in a document the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    Root,
    /// Version 3 puts its files into an element of their own.
    Files,
    File,
    /// Version 3 groups what is said of a file: `verification`, `resources`.
    Inside,
    Size,
    Hash,
    Pieces,
    PieceHash,
    Url,
    /// Of no interest, with all that is in it.
    Elsewhere,
}

impl Spot {
    /// What an element of this name is here.
    fn child(self, name: &str, is_3: bool) -> Spot {
        match (self, name) {
            (Spot::Root, "file") if !is_3 => Spot::File,
            (Spot::Root, "files") if is_3 => Spot::Files,
            (Spot::Files, "file") => Spot::File,
            (Spot::File, "verification" | "resources") if is_3 => Spot::Inside,
            (Spot::File, "size") => Spot::Size,
            (Spot::File | Spot::Inside, "hash") => Spot::Hash,
            (Spot::File | Spot::Inside, "pieces") => Spot::Pieces,
            (Spot::File | Spot::Inside, "url") => Spot::Url,
            (Spot::Pieces, "hash") => Spot::PieceHash,
            _ => Spot::Elsewhere,
        }
    }

    fn has_text(self) -> bool {
        match self {
            Spot::Size | Spot::Hash | Spot::PieceHash | Spot::Url => true,
            Spot::Root
            | Spot::Files
            | Spot::File
            | Spot::Inside
            | Spot::Pieces
            | Spot::Elsewhere => false,
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    is_3: bool,
    path: Vec<Spot>,
    /// Of the element that is open, if its text is read.
    text: String,
    /// Its `type`, `priority`, `preference` or `piece`.
    attribute: Option<String>,
    draft: Draft,
    files: Vec<Described>,
    names: std::collections::BTreeSet<String>,
    notes: Notes,
}

/// Reads a document of at most [`DOCUMENT_BYTES_MAX`] bytes.
///
/// # Errors
///
/// Whatever is no metalink, or one that cannot be followed as a whole: no part of it is taken then. A
/// document type, and with it every entity of its own, is refused.
pub(crate) fn read(document: &[u8]) -> Result<Metalink, Fault> {
    if document.len() > DOCUMENT_BYTES_MAX {
        return Err(Fault::new(format!("it has more than {DOCUMENT_BYTES_MAX} bytes")));
    }
    let text = str::from_utf8(document).map_err(|_| Fault::new("it is not UTF-8"))?;
    let mut xml = NsReader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    xml.config_mut().expand_empty_elements = true;
    let mut reading = Reading::default();
    loop {
        let (namespace, event) = xml.read_resolved_event().map_err(|error| not_xml(&error))?;
        let namespace = match namespace {
            ResolveResult::Bound(Namespace(name)) => name,
            ResolveResult::Unbound | ResolveResult::Unknown(_) => "",
        };
        match event {
            Event::Start(tag) => reading.begin(namespace, &tag)?,
            Event::End(_) => reading.end()?,
            Event::Text(text) => reading.take(&text.xml10_content())?,
            Event::CData(text) => reading.take(&text.xml10_content())?,
            Event::GeneralRef(reference) => reading.take_reference(&reference)?,
            Event::DocType(_) => {
                return Err(Fault::new("it has a document type, which is not read"));
            }
            Event::Eof => return reading.finish(),
            // `expand_empty_elements` leaves none of these.
            Event::Empty(_) => {}
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

impl Reading {
    fn begin(&mut self, namespace: &str, tag: &BytesStart<'_>) -> Result<(), Fault> {
        if tag.len() > TAG_BYTES_MAX {
            return Err(Fault::new(format!("a tag has more than {TAG_BYTES_MAX} bytes")));
        }
        if self.path.len() == DEPTH_MAX {
            return Err(Fault::new(format!("its elements are more than {DEPTH_MAX} deep")));
        }
        let is_ours = namespace == if self.is_3 { NAMESPACE_3 } else { NAMESPACE };
        let local = tag.local_name();
        let spot = match self.path.last() {
            None => self.root(namespace, local.as_ref())?,
            Some(here) if is_ours => here.child(local.as_ref(), self.is_3),
            Some(_) => Spot::Elsewhere,
        };
        self.path.push(spot);
        self.text.clear();
        self.attribute = match spot {
            Spot::File => {
                self.draft = Draft::default();
                self.draft.name = value_of(tag, "name")?.unwrap_or_default();
                None
            }
            Spot::Pieces => {
                let kind = value_of(tag, "type")?.unwrap_or_default();
                let length = value_of(tag, "length")?.unwrap_or_default();
                self.draft.begin_pieces(&kind, &length);
                None
            }
            Spot::Hash => value_of(tag, "type")?,
            Spot::PieceHash => value_of(tag, "piece")?,
            Spot::Url if self.is_3 => value_of(tag, "preference")?,
            Spot::Url => value_of(tag, "priority")?,
            Spot::Root | Spot::Files | Spot::Inside | Spot::Size | Spot::Elsewhere => None,
        };
        Ok(())
    }

    fn root(&mut self, namespace: &str, local: &str) -> Result<Spot, Fault> {
        if !self.files.is_empty() {
            return Err(Fault::new("something stands behind its end"));
        }
        self.is_3 = namespace == NAMESPACE_3;
        if local != "metalink" || !(self.is_3 || namespace == NAMESPACE) {
            return Err(Fault::new("it is not a metalink"));
        }
        Ok(Spot::Root)
    }

    fn end(&mut self) -> Result<(), Fault> {
        let text = std::mem::take(&mut self.text);
        let attribute = self.attribute.take();
        match self.path.pop() {
            Some(Spot::Size) => self.draft.set_size(&text),
            Some(Spot::Hash) => self.draft.add_hash(attribute.as_deref().unwrap_or("?"), &text),
            Some(Spot::PieceHash) => {
                self.draft.add_piece(attribute.as_deref(), &text);
                Ok(())
            }
            Some(Spot::Pieces) => {
                self.draft.end_pieces();
                Ok(())
            }
            Some(Spot::Url) => {
                let priority = priority(self.is_3, attribute.as_deref());
                self.draft.add_url(priority, &text, &mut self.notes);
                Ok(())
            }
            Some(Spot::File) => self.end_file(),
            Some(Spot::Root) if self.files.is_empty() => Err(Fault::new("it names no files")),
            Some(Spot::Root | Spot::Files | Spot::Inside | Spot::Elsewhere) => Ok(()),
            None => Err(Fault::new("an element ends that did not begin")),
        }
    }

    fn end_file(&mut self) -> Result<(), Fault> {
        if self.files.len() == FILES_MAX {
            return Err(Fault::new(format!("it names more than {FILES_MAX} files")));
        }
        let file = std::mem::take(&mut self.draft).finish(&mut self.notes)?;
        if !self.names.insert(file.name.clone()) {
            return Err(Fault::new(format!("it names {} twice", file.name)));
        }
        self.files.push(file);
        Ok(())
    }

    fn take(&mut self, text: &str) -> Result<(), Fault> {
        if !self.path.last().is_some_and(|spot| spot.has_text()) {
            return Ok(());
        }
        if self.text.len() + text.len() > TEXT_BYTES_MAX {
            return Err(Fault::new(format!("a text has more than {TEXT_BYTES_MAX} bytes")));
        }
        self.text.push_str(text);
        Ok(())
    }

    /// A character by its number, or one of the five names that XML itself has (XML 1.0 §4.6).
    fn take_reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Fault> {
        let number = reference.resolve_char_ref().map_err(|error| not_xml(&error))?;
        let name = reference.xml10_content();
        let character = number.or(match name.as_ref() {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => None,
        });
        let unknown =
            || Fault::new(format!("it uses the entity `{}`, which is not read", clean(&name)));
        self.take(character.ok_or_else(unknown)?.encode_utf8(&mut [0; 4]))
    }

    fn finish(self) -> Result<Metalink, Fault> {
        if !self.path.is_empty() {
            return Err(Fault::new("it ends in the middle"));
        }
        if self.files.is_empty() {
            return Err(Fault::new("it is not a metalink"));
        }
        let more_count = self.notes.len().saturating_sub(NOTES_MAX);
        let mut notes: Vec<String> = self.notes.into_iter().take(NOTES_MAX).collect();
        if more_count > 0 {
            notes.push(format!("and {more_count} more such things"));
        }
        Ok(Metalink { files: self.files, notes })
    }
}

/// The value of an attribute without a prefix. All are looked at, so that none is there twice.
fn value_of(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, Fault> {
    let mut found = None;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| not_xml(&error))?;
        if attribute.key.as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            found = Some(value.map_err(|error| not_xml(&error))?.into_owned());
        }
    }
    Ok(found)
}

/// What a URL's attribute says, as a priority: of those the smaller comes first, of the preferences of
/// version 3, which go to 100, the greater.
fn priority(is_3: bool, said: Option<&str>) -> u32 {
    let said = said.and_then(number).and_then(|number| u32::try_from(number).ok());
    match said {
        Some(preference @ 0..=100) if is_3 => 101 - preference,
        Some(priority @ 1..=PRIORITY_LAST) if !is_3 => priority,
        Some(_) | None => PRIORITY_LAST,
    }
}

fn not_xml(error: &dyn std::fmt::Display) -> Fault {
    Fault::new(format!("it is not proper XML: {}", clean(&error.to_string())))
}
