//! Obtaining the hashes of a file's pieces.
//!
//! The caller has said what they are known by, and mostly where they are (`IntegrityCheckInfo`). They
//! come from the copy that is kept beside the file's bytes, else from the URL, and are believed only
//! when every check of the piece-hash file has passed. A copy is kept before the first piece is
//! fetched, so that a restart needs the URL no more.
//!
//! What cannot be obtained is no error of the file as long as it need not be checked: it is fetched
//! without, and the ledger says why (decision "simple mode"). Where it must be
//! (`IntegrityCheckMandatory`), trouble that may pass is reported as that of the origin would be, and
//! all other is `DO_E_INTEGRITYCHECKINFO_UNAVAILABLE` with what is behind it as the extended code.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use dobbin_core::job::Trouble;
use dobbin_core::piece::Manifest;
use dobbin_core::retry;
use dobbin_net::http::{Client, FetchError, Request};
use dobbin_store::{FileError, KeptPhf};
use dobbin_types::ErrorCode;
use dobbin_types::phf::{Digest, Expected, PHF_BYTES_MAX, Phf, PhfError};
use http::{HeaderName, HeaderValue};
use tokio::sync::oneshot;
use url::Url;

use super::ledger::Checking;
use super::order::Order;
use super::trouble::{fatal, of_fetch};
use crate::hands::Hands;
use crate::property::CheckInfo;

/// How often a piece-hash file is asked for that need not be had, when its server is in trouble that
/// may pass. One lost packet should not leave a file unchecked; a server that is down should not hold
/// one up that may go without.
const OPTIONAL_TRIES_MAX: u32 = 2;

/// What obtaining them takes.
pub(super) struct Seeker<'a> {
    pub(super) order: &'a Order,
    pub(super) client: &'a Client,
    pub(super) hands: &'a Hands,
    /// The file's own URL.
    pub(super) url: &'a Url,
    /// The caller's headers, which are secrets of that URL's origin.
    pub(super) headers: &'a [(HeaderName, HeaderValue)],
}

/// Hashes that were found, and where, for people.
struct Found {
    manifest: Manifest,
    from: String,
}

/// Obtains the manifest of the order's file; `None` when it is to be fetched without, for a reason that
/// the ledger tells.
///
/// May be dropped at any time: what it writes is whole or not there.
///
/// # Errors
///
/// Only where the file must be checked: see the head of this file.
pub(super) async fn obtain(seeker: &Seeker<'_>) -> Result<Option<Manifest>, Trouble> {
    let order = seeker.order;
    let Some(text) = &order.file.check.info else {
        // Nobody asked for it, so there is nothing to tell.
        return Ok(None);
    };
    if !order.file.ranges.is_empty() {
        return without(order, "piece hashes cover whole files, and parts of one are fetched");
    }
    let found = match CheckInfo::read_again(text) {
        Ok(info) => seeker.find(&info).await,
        Err(why) => Err(unavailable(ErrorCode::E_INVALIDARG, format!("IntegrityCheckInfo: {why}"))),
    };
    match found {
        Ok(Found { manifest, from }) => {
            order.ledger.note_checking(Checking::Pieces { from: from.into() });
            Ok(Some(manifest))
        }
        Err(trouble) => give_up(order, trouble).map(|()| None),
    }
}

/// The manifest, if it is of a file as large as the origin's; where it is not, as [`obtain`] says of one
/// that cannot be obtained.
pub(super) fn of_size(
    order: &Order,
    manifest: Option<Arc<Manifest>>,
    size: u64,
) -> Result<Option<Arc<Manifest>>, Trouble> {
    let Some(manifest) = manifest else {
        return Ok(None);
    };
    let length = manifest.layout().file_size();
    if length == size {
        return Ok(Some(manifest));
    }
    let why = format!("the piece hashes are of a file of {length} bytes, the server's has {size}");
    give_up(order, unavailable(ErrorCode::DO_E_METAINFO_CONTENT_LENGTH, why)).map(|()| None)
}

/// The file goes on without hashes, for a reason that is noted, or not at all if it must be checked.
pub(super) fn give_up(order: &Order, trouble: Trouble) -> Result<(), Trouble> {
    if order.file.check.mandatory == Some(true) {
        return Err(trouble);
    }
    tracing::warn!(job = %order.job, file = %order.number, error = %trouble.message, "fetched unchecked");
    order.ledger.note_checking(Checking::Not { why: trouble.message.into() });
    Ok(())
}

fn without(order: &Order, why: &str) -> Result<Option<Manifest>, Trouble> {
    order.ledger.note_checking(Checking::Not { why: why.into() });
    Ok(None)
}

impl Seeker<'_> {
    async fn find(&self, info: &CheckInfo) -> Result<Found, Trouble> {
        if let Some(found) = self.kept(info).await {
            return Ok(found);
        }
        let Some(url) = &info.url else {
            let why = "nothing says where the piece-hash file is".to_owned();
            return Err(unavailable(ErrorCode::DO_E_METAINFO_FILE_SIZE, why));
        };
        let url = Url::parse(url)
            .map_err(|error| unavailable(ErrorCode::INET_E_INVALID_URL, error.to_string()))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let text = self.fetch_patiently(&url).await?;
        let (expected, kept) = (info.expected, self.place_for(&info.expected));
        let checked = on_hands(self.hands, move || {
            let phf = Phf::read(&text, &expected, sha256)?;
            Ok::<_, PhfError>((phf, kept.map_or(Ok(()), |kept| kept.keep(&text))))
        });
        let (phf, keeping) = checked
            .await
            .unwrap_or(Err(PhfError::Size { bytes: 0 }))
            .map_err(|error| unavailable(error.code(), format!("{error} (from {host})")))?;
        self.note_keeping(keeping);
        Ok(Found { manifest: phf.into(), from: format!("a piece-hash file from {host}") })
    }

    /// The copy of an earlier attempt, or the one that came with the file. It was right when it was
    /// kept; if it is not any more, the disk is to blame, and it is as if there were none.
    async fn kept(&self, info: &CheckInfo) -> Option<Found> {
        let (expected, kept) = (info.expected, self.place_for(&info.expected)?);
        let read = move || Some(Phf::read(&kept.read().ok()??, &expected, sha256));
        let phf = match on_hands(self.hands, read).await?? {
            Ok(phf) => phf,
            Err(error) => {
                tracing::warn!(job = %self.order.job, %error, "a kept piece-hash file is damaged");
                return None;
            }
        };
        // The length alone is not covered by the hash over the hashes.
        let size = self.order.file.remote_size();
        if size.is_some_and(|size| size != phf.content_length()) && info.url.is_some() {
            return None;
        }
        let from = match info.url {
            Some(_) => "the copy of a piece-hash file that was fetched before",
            None => "the piece-hash file that came with it",
        };
        Some(Found { manifest: phf.into(), from: from.to_owned() })
    }

    fn place_for(&self, expected: &Expected) -> Option<KeptPhf> {
        kept_name(expected).map(|name| KeptPhf::new(&self.order.place, &name))
    }

    /// A copy that could not be kept costs another request some day, nothing else.
    fn note_keeping(&self, keeping: Result<(), FileError>) {
        if let Err(error) = keeping {
            let error = super::chain(&error);
            tracing::warn!(job = %self.order.job, error, "cannot keep a piece-hash file");
        }
    }

    /// A file that need not be checked is not left unchecked for one passing trouble. The tries for one
    /// that must be are the job's own.
    async fn fetch_patiently(&self, url: &Url) -> Result<Vec<u8>, Trouble> {
        let mandatory = self.order.file.check.mandatory == Some(true);
        let mut failures_count = 0;
        loop {
            let trouble = match self.fetch(url).await {
                Err(trouble) if trouble.transient && !mandatory => trouble,
                outcome => return outcome,
            };
            failures_count += 1;
            if failures_count >= OPTIONAL_TRIES_MAX {
                return Err(trouble);
            }
            tokio::time::sleep(retry::delay(
                failures_count,
                retry::CAP_FOREGROUND,
                None,
                trouble.spread_thousandths,
            ))
            .await;
        }
    }

    async fn fetch(&self, url: &Url) -> Result<Vec<u8>, Trouble> {
        let mut request = Request::whole(url.clone());
        request.allow_downgrade = self.order.allow_downgrade;
        if url.origin() == self.url.origin() {
            request.headers = self.headers.to_vec();
        }
        let mut response = self.client.open(&request).await.map_err(|error| unfetched(&error))?;
        let mut text = Vec::new();
        let too_long = |bytes: u64| {
            let error = PhfError::Size { bytes };
            unavailable(error.code(), error.to_string())
        };
        if let Some(total) = response.total.filter(|total| *total > PHF_BYTES_MAX as u64) {
            return Err(too_long(total));
        }
        while let Some(bytes) = response.body.next().await.map_err(|error| unfetched(&error))? {
            if text.len() + bytes.len() > PHF_BYTES_MAX {
                return Err(too_long((text.len() + bytes.len()) as u64));
            }
            text.extend_from_slice(&bytes);
            if let Some(throttle) = &self.order.throttle {
                throttle.take(bytes.len() as u64).await;
            }
        }
        Ok(text)
    }
}

/// Under which digest a piece-hash file is kept: that of the whole file, which proves it alone, where
/// it is known.
pub(crate) fn kept_name(expected: &Expected) -> Option<Digest> {
    expected.digest.or(expected.hash_of_hashes)
}

/// SHA-256, as piece-hash files want it.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}

/// A fetch of a piece-hash file that failed. What may pass keeps its own code: for the job it is the
/// same as trouble with the file's server.
fn unfetched(error: &FetchError) -> Trouble {
    let trouble = of_fetch(error);
    let message = format!("cannot fetch the piece-hash file: {}", trouble.message);
    if trouble.transient {
        return Trouble { message, ..trouble };
    }
    Trouble { http_status: trouble.http_status, ..unavailable(trouble.code, message) }
}

/// The hashes cannot be had, and another try would not help.
fn unavailable(behind: ErrorCode, message: String) -> Trouble {
    let trouble = fatal(ErrorCode::DO_E_INTEGRITYCHECKINFO_UNAVAILABLE, message);
    Trouble { extended: Some(behind), ..trouble }
}

/// Does on a disk thread what takes too long for one that drives sockets. `None` when it panicked.
pub(super) async fn on_hands<T: Send + 'static>(
    hands: &Hands,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = oneshot::channel();
    hands.give(move || {
        // The transfer may have been stopped meanwhile.
        let _ = sender.send(work());
    });
    receiver.await.ok()
}
