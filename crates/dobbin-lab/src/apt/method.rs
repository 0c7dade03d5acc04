//! The method's side of a conversation with apt, whoever fetches the files.

use std::fs::{self, File};
use std::io::{self, BufRead, Read as _, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{self, Algorithm, Context};

use super::message::Message;

/// Bytes hashed at a time.
const STEP_BYTES: usize = 64 * 1024;

/// Hashes by apt's names for them.
const HASHES: [(&str, &Algorithm); 3] = [
    ("SHA1-Hash", &digest::SHA1_FOR_LEGACY_USE_ONLY),
    ("SHA256-Hash", &digest::SHA256),
    ("SHA512-Hash", &digest::SHA512),
];

/// Answers every request for a file until apt has no more, in their order.
///
/// * `folder`: where each file is fetched to, under a name of its own, before it gets apt's.
/// * `fetch`: has the bytes of a URL put into a file that is not there yet; why not, in words.
pub(super) fn converse(
    from: &mut impl BufRead,
    to: &mut impl Write,
    folder: &Path,
    mut fetch: impl FnMut(&str, &Path) -> Result<(), String>,
) -> io::Result<()> {
    Message::new("100 Capabilities")
        .with("Version", "1.2")
        .with("Single-Instance", "false")
        .with("Pipeline", "true")
        .with("Send-Config", "false")
        .write(to)?;
    let mut number = 0;
    while let Some(message) = Message::read(from)? {
        // The other one is apt's configuration, of which nothing is wanted.
        let wanted = (message.number() == Some(600))
            .then(|| Some((message.field("URI")?, message.field("Filename")?)))
            .flatten();
        let Some((url, path)) = wanted else { continue };
        number += 1;
        let fetched_to = folder.join(format!("{}-{number}.tmp", std::process::id()));
        let fetched = fetch(url, &fetched_to)
            .and_then(|()| take(url, &fetched_to, &PathBuf::from(path)).map_err(|e| e.to_string()));
        let answer = fetched.unwrap_or_else(|why| {
            Message::new("400 URI Failure").with("URI", url).with("Message", &why)
        });
        answer.write(to)?;
    }
    Ok(())
}

/// Gives a fetched file its name, and says what it is.
fn take(url: &str, fetched: &Path, path: &Path) -> io::Result<Message> {
    fs::rename(fetched, path)?;
    let mut file = File::open(path)?;
    let mut hashes = HASHES.map(|(name, algorithm)| (name, Context::new(algorithm)));
    let (mut size, mut step) = (0, vec![0; STEP_BYTES]);
    loop {
        let count = file.read(&mut step)?;
        if count == 0 {
            break;
        }
        size += count;
        hashes.iter_mut().for_each(|(_, hash)| hash.update(&step[..count]));
    }
    let message = Message::new("201 URI Done")
        .with("URI", url)
        .with("Filename", &path.to_string_lossy())
        .with("Size", &size.to_string());
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Ok(hashes
        .into_iter()
        .fold(message, |message, (name, hash)| message.with(name, &hex(hash.finish().as_ref()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_fetched_is_told_with_its_hashes_and_what_was_not_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        let text = format!(
            "601 Configuration\nConfig-Item: a=b\n\n600 URI Acquire\nURI: http://h/a\nFilename: {0}\n\n\
             600 URI Acquire\nURI: http://h/b\nFilename: {0}\n\n",
            target.display()
        );
        let mut told = Vec::new();
        let fetch = |url: &str, path: &Path| match url {
            "http://h/a" => fs::write(path, "abc").map_err(|error| error.to_string()),
            _ => Err("not\nthere".to_owned()),
        };
        converse(&mut text.as_bytes(), &mut told, folder.path(), fetch).unwrap();
        let mut told = told.as_slice();
        let mut next = || Message::read(&mut told).unwrap().unwrap();
        assert_eq!(next().number(), Some(100));
        let done = next();
        assert_eq!((done.number(), done.field("Size")), (Some(201), Some("3")));
        assert_eq!(
            done.field("SHA256-Hash"),
            Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        );
        assert_eq!(fs::read(&target).unwrap(), b"abc");
        let failure = next();
        assert_eq!((failure.number(), failure.field("URI")), (Some(400), Some("http://h/b")));
        assert_eq!(failure.field("Message"), Some("not there"));
    }
}
