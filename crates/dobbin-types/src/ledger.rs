//! What may be said of the requests that fetch a file: whom they ask, why they are made, how they
//! end, and why bytes that came do not count.

use serde::{Deserialize, Serialize};

/// Makes an enum whose values each have a word on the wire and a sentence for people.
macro_rules! worded {
    (
        $(#[$about:meta])*
        pub enum $name:ident { $( $(#[$doc:meta])* $value:ident = $word:tt, $text:literal; )+ }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name { $( $(#[$doc])* #[serde(rename = $word)] $value, )+ }

        impl $name {
            /// Every value, in the order in which people are shown them.
            pub const ALL: &'static [$name] = &[ $( $name::$value, )+ ];

            /// The word used in REST bodies.
            pub fn word(self) -> &'static str {
                match self { $( $name::$value => $word, )+ }
            }

            /// The same for people: lower case, without a full stop.
            pub fn text(self) -> &'static str {
                match self { $( $name::$value => $text, )+ }
            }
        }
    };
}

/// What a source is to the file that is fetched from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SourceKind {
    /// Whoever answers at the file's own URL.
    Origin,
    /// A cache host that was asked for the file's own URL.
    CacheHost,
    /// Another URL at which the same file can be had.
    Mirror {
        /// Its place among the file's mirrors, from 1.
        number: u32,
    },
}

worded! {
    /// Why a request is made.
    pub enum Reason {
        /// Nothing of the file is here, and it was not asked for before.
        First = "first", "the first request for the file";
        /// Another connection for the same file, or the next part of it.
        Next = "next", "the next part";
        /// The job was at rest, or the service was: what is missing is asked for.
        Resumed = "resumed", "goes on after a break";
        /// The request before it failed.
        AfterFailure = "after_failure", "again after a failure";
        /// The part was another connection's, which was slower.
        Stolen = "stolen", "taken over from a slower connection";
        /// What came before did not have the right hash.
        WrongHash = "wrong_hash", "again, because the bytes were wrong";
        /// The file changed at its source: it is fetched from zero.
        OtherVersion = "other_version", "from zero, because the file changed";
        /// The source wanted to know who asks.
        Credentials = "credentials", "again, with the credentials that were asked for";
    }
}

worded! {
    /// How a request ended.
    pub enum RequestEnd {
        /// All that was asked for came.
        Complete = "complete", "complete";
        /// Its rest was given to another connection.
        Relieved = "relieved", "the rest went to another connection";
        /// The transfer was told to stop: the job rests, waits, or is over.
        Stopped = "stopped", "stopped";
        /// The reply was of another version of the file, and none of it was taken.
        OtherVersion = "other_version", "the file had changed";
        /// The source wanted to know who asks.
        Credentials = "credentials", "credentials were asked for";
        /// It brought less than it should have, or nothing.
        Failed = "failed", "failed";
    }
}

worded! {
    /// Why bytes that came, or were here before, do not count.
    pub enum Discard {
        /// They are of a version of the file that is gone.
        OtherVersion = "other_version", "the file changed at its source";
        /// The whole file did not have the hash that was given.
        WrongHash = "wrong_hash", "the file did not have the right hash";
        /// A piece did not have its hash.
        WrongPiece = "wrong_piece", "a piece did not have the right hash";
        /// They belong to a piece that was not whole when the transfer stopped.
        Unfinished = "unfinished", "the last piece was not whole when the transfer stopped";
        /// They were here already, or lie beyond what was wanted.
        Surplus = "surplus", "not needed";
        /// They were not on the disk any more.
        Lost = "lost", "not on the disk any more";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_on_the_wire_is_the_word() {
        let wire = |value: serde_json::Value| value.as_str().map(str::to_owned);
        for reason in Reason::ALL {
            let text = wire(serde_json::to_value(reason).unwrap());
            assert_eq!(text.as_deref(), Some(reason.word()));
        }
        for end in RequestEnd::ALL {
            let text = wire(serde_json::to_value(end).unwrap());
            assert_eq!(text.as_deref(), Some(end.word()));
        }
        for why in Discard::ALL {
            let text = wire(serde_json::to_value(why).unwrap());
            assert_eq!(text.as_deref(), Some(why.word()));
        }
        let cache = serde_json::to_value(SourceKind::CacheHost).unwrap();
        assert_eq!(cache, serde_json::json!({ "kind": "cache_host" }));
        let mirror = serde_json::to_value(SourceKind::Mirror { number: 2 }).unwrap();
        assert_eq!(mirror, serde_json::json!({ "kind": "mirror", "number": 2 }));
    }
}
