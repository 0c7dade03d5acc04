//! Wrong answers to a request for a range (RFC 9110 §14).

use std::ops::Range;

use crate::origin::reply::{File, Part, Reply};

/// What becomes of a request for a range. A request for the whole file is served as ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ranges {
    /// 200 and the whole file.
    Ignored,
    /// The range, although `If-Range` names another version: some servers do not know the field.
    IfRangeIgnored,
    /// `Content-Range` starts this many bytes beside what is sent.
    StartOff(i64),
    /// `Content-Range` ends this many bytes beside what is sent.
    EndOff(i64),
    /// `Content-Range` gives a total this many bytes beside the truth.
    TotalOff(i64),
    /// Another range, as long as the one asked for but this many bytes beside it, and it says so.
    Other(i64),
    /// 206 without `Content-Range`.
    Unnamed,
    /// 206 with `Content-Range: bytes */N`, a form that belongs to 416.
    Unsatisfied,
    /// `Content-Range: bytes a-b/*`: the total is not said.
    TotalUnsaid,
    /// `multipart/byteranges` with a single part.
    Multipart,
}

/// Between the parts of a multipart reply.
const BOUNDARY: &str = "dobbin-lab-boundary";

impl Ranges {
    pub(super) fn change(&self, file: &mut File) {
        match self {
            Ranges::Ignored => file.honours_range = false,
            Ranges::IfRangeIgnored => file.honours_if_range = false,
            Ranges::Other(off) => file.range_off = *off,
            Ranges::StartOff(_) | Ranges::EndOff(_) | Ranges::TotalOff(_) => {}
            Ranges::Unnamed | Ranges::Unsatisfied | Ranges::TotalUnsaid | Ranges::Multipart => {}
        }
    }

    pub(super) fn bend(&self, reply: &mut Reply) {
        let Some((range, total)) = reply.range.clone() else { return };
        let (first, last) = (range.start, range.end - 1);
        let named = match self {
            Ranges::Ignored | Ranges::IfRangeIgnored | Ranges::Other(_) => return,
            Ranges::StartOff(off) => {
                format!("bytes {}-{last}/{total}", first.saturating_add_signed(*off))
            }
            Ranges::EndOff(off) => {
                format!("bytes {first}-{}/{total}", last.saturating_add_signed(*off))
            }
            Ranges::TotalOff(off) => {
                format!("bytes {first}-{last}/{}", total.saturating_add_signed(*off))
            }
            Ranges::Unsatisfied => format!("bytes */{total}"),
            Ranges::TotalUnsaid => format!("bytes {first}-{last}/*"),
            Ranges::Unnamed => {
                reply.remove("Content-Range");
                return;
            }
            Ranges::Multipart => return multipart(reply, &range, total),
        };
        reply.set("Content-Range", named);
    }
}

fn multipart(reply: &mut Reply, range: &Range<u64>, total: u64) {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Type: application/octet-stream\r\n\
         Content-Range: bytes {}-{}/{total}\r\n\r\n",
        range.start,
        range.end - 1,
    );
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    reply.remove("Content-Range");
    reply.set("Content-Type", format!("multipart/byteranges; boundary={BOUNDARY}"));
    let inner = std::mem::take(&mut reply.body);
    let head = std::iter::once(Part::Bytes(head.into_bytes()));
    reply.set_body(head.chain(inner).chain([Part::Bytes(tail.into_bytes())]).collect());
}
