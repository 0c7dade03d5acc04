//! The catalogue of what origins do wrong. One value, one fault.
//!
//! Values combine: all that match a request act on the same reply, in the order of the route. First
//! those that change the [`File`] and the reading of the request, then, on the reply that an honest
//! origin would make of it, all others.

mod answer;
mod end;
mod length;
mod pace;
mod ranges;
mod version;

pub use answer::{Answer, GZIP_BODY_MAX};
pub use end::End;
pub use length::Length;
pub use pace::Pace;
pub use ranges::Ranges;
pub use version::Version;

use super::reply::{File, Reply};

/// One way in which an origin departs from RFC 9110 and 9112, or merely from what is convenient.
///
/// Numbers of bytes count the body as the client should see it, without chunk framing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// How long the body is said to be.
    Length(Length),
    /// What becomes of a request for a range.
    Ranges(Ranges),
    /// Which version of the file it is, and how it is named.
    Version(Version),
    /// How the reply ends, or does not.
    End(End),
    /// How fast it comes.
    Pace(Pace),
    /// What is answered instead of the file.
    Answer(Answer),
}

impl Behaviour {
    /// Changes what the origin takes the file to be.
    pub(super) fn change(&self, file: &mut File) {
        match self {
            Behaviour::Version(version) => version.change(file),
            Behaviour::Ranges(ranges) => ranges.change(file),
            Behaviour::Length(_) | Behaviour::End(_) | Behaviour::Pace(_) => {}
            Behaviour::Answer(_) => {}
        }
    }

    /// Changes the honest reply.
    pub(super) fn bend(&self, reply: &mut Reply) {
        match self {
            Behaviour::Length(length) => length.bend(reply),
            Behaviour::Ranges(ranges) => ranges.bend(reply),
            Behaviour::End(end) => end.bend(reply),
            Behaviour::Pace(pace) => reply.pace.slow(pace),
            Behaviour::Answer(answer) => answer.bend(reply),
            Behaviour::Version(_) => {}
        }
    }
}

/// Lets a route be written with the groups' own words.
macro_rules! group {
    ($($group:ident),*) => {$(
        impl From<$group> for Behaviour {
            fn from(one: $group) -> Behaviour {
                Behaviour::$group(one)
            }
        }
    )*};
}
group!(Length, Ranges, Version, End, Pace, Answer);
