//! What `dobbin get` is going to do: which URL goes where.
//!
//! Everything that can be refused without asking anybody is refused here, before a byte is fetched.

use std::collections::HashMap;
use std::path::{Path, PathBuf, absolute};

use dobbin_types::file::{LOCAL_NAME_BYTES_MAX, MIRRORS_MAX, URL_CHARS_MAX};
use dobbin_types::phf::digest_to_hex;
use dobbin_types::rest::PieceHashes;
use url::Url;

use super::folder;
use super::hashes;
use super::name;
use super::named::Named;
use crate::args::GetArgs;
use crate::metalink::Described;
use crate::render::screen::Title;
use crate::render::text::brief;
use crate::trouble::Trouble;

/// One file to fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Item {
    /// Where from. Kept out of messages: it may hold secrets.
    pub(crate) url: String,
    /// Where else from, best first. As secret.
    pub(crate) mirrors: Vec<String>,
    /// Whether a stranger on the internet named them all.
    pub(crate) public_only: bool,
    /// Its size in bytes, if somebody said it.
    pub(crate) size: Option<u64>,
    /// The SHA-256 that it must have, as 64 hexadecimal digits.
    pub(crate) sha256: Option<String>,
    /// How its pieces are to be checked.
    pub(crate) piece_hashes: Option<PieceHashes>,
    /// Where to: an absolute path in a folder that exists.
    pub(crate) local_name: String,
    /// Whether something stood there before, which `--force` allows.
    pub(crate) exists: bool,
}

impl Item {
    /// Whether this is one of the places it is to be had from.
    pub(crate) fn comes_from(&self, url: &str) -> bool {
        self.url == url || self.mirrors.iter().any(|mirror| mirror == url)
    }

    /// Host and name, for messages.
    pub(crate) fn from(&self) -> String {
        brief(&self.url)
    }

    /// The destination as a person would type it here: relative where that is shorter.
    pub(crate) fn shown(&self) -> String {
        let path = Path::new(&self.local_name);
        let here = std::env::current_dir().ok();
        let relative = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
        relative.unwrap_or_else(|| path.to_owned()).display().to_string()
    }
}

/// All files of one command; at least one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// In the order of the command line.
    pub(crate) items: Vec<Item>,
    /// Folders that metalinks want below the chosen one, outer ones first.
    pub(crate) folders: Vec<PathBuf>,
    /// What the person should know about what was asked for.
    pub(crate) notes: Vec<String>,
}

impl Plan {
    /// Reads the command line, of which `named` is what its words name.
    ///
    /// # Errors
    ///
    /// Bad usage, for a URL that is none, a name that cannot be made, a folder that does not exist,
    /// a destination named twice, or one that exists without `--force`.
    pub(crate) fn new(args: &GetArgs, named: Vec<Named>) -> Result<Plan, Trouble> {
        refuse_what_fits_one_url(args, &named)?;
        let mut plan = Plan::default();
        for named in named {
            match named {
                Named::Url(text) => plan.items.push(plain(args, &text)?),
                Named::Document(document) => {
                    let (from, public_only) = (document.from, document.public_only);
                    let note = |note| format!("note: {from}: {note}");
                    plan.notes.extend(document.metalink.notes.into_iter().map(note));
                    for file in document.metalink.files {
                        let item = described(args, file, &mut plan.folders)?;
                        plan.items.push(Item { public_only, ..item });
                    }
                }
            }
        }
        let mut taken: HashMap<&str, &Item> = HashMap::new();
        for item in &plan.items {
            if let Some(other) = taken.insert(&item.local_name, item) {
                let (one, two, name) = (other.from(), item.from(), &item.local_name);
                let what = format!("{one} and {two} would both be saved as {name}");
                return Err(Trouble::usage(what).remedy("fetch them into different folders"));
            }
        }
        Ok(plan)
    }

    /// The name of the job, and of the whole work in sentences.
    pub(crate) fn name(&self) -> String {
        let base = |item: &Item| {
            let name = item.local_name.rsplit('/').next().unwrap_or_default();
            name.chars().take(200).collect::<String>()
        };
        match self.items.as_slice() {
            [one] => base(one),
            [first, others @ ..] => format!("{} and {} more", base(first), others.len()),
            [] => String::new(),
        }
    }

    /// Where from and where to, in a person's words.
    pub(crate) fn title(&self) -> Title {
        match self.items.as_slice() {
            [one] => Title { name: self.name(), from: one.from(), to: one.shown() },
            several => {
                let folder = Path::new(&several[0].local_name).parent().unwrap_or(Path::new("/"));
                Title {
                    name: self.name(),
                    from: format!("{} files", several.len()),
                    to: folder.display().to_string(),
                }
            }
        }
    }
}

/// Refuses what says something of one file where there may be several, or where a metalink says it.
fn refuse_what_fits_one_url(args: &GetArgs, named: &[Named]) -> Result<(), Trouble> {
    let is_one_url = matches!(named, [Named::Url(_)]);
    let has_metalink = named.iter().any(|named| matches!(named, Named::Document(_)));
    let several = if has_metalink { "there is a metalink" } else { "there are several URLs" };
    if args.output.is_some() && !is_one_url {
        let what = format!("--output names one file, but {several}");
        return Err(Trouble::usage(what).remedy("use --dir to name a folder"));
    }
    if args.sha256.is_some() && !is_one_url {
        let what = format!("--sha256 is the hash of one file, but {several}");
        return Err(Trouble::usage(what).remedy("fetch the files one by one"));
    }
    if args.phf.is_some() && !is_one_url {
        let what = format!("--phf has the hashes of one file, but {several}");
        return Err(Trouble::usage(what).remedy("fetch the files one by one"));
    }
    if !args.mirrors.is_empty() && !is_one_url {
        let what = format!("--mirror is another address of one file, but {several}");
        return Err(Trouble::usage(what).remedy("fetch the files one by one"));
    }
    if !args.headers.is_empty() && has_metalink {
        let what = "the headers of --header would go to whichever servers the metalink names";
        return Err(Trouble::usage(what).remedy("fetch the files by their own addresses"));
    }
    Ok(())
}

/// The file at a URL of the command line.
fn plain(args: &GetArgs, text: &str) -> Result<Item, Trouble> {
    let url = read_url(text)?;
    let local_name = text_of(destination(args, &url)?)?;
    let exists = look_at(Path::new(&local_name), args.force)?;
    let mut mirrors: Vec<String> = Vec::new();
    for text in &args.mirrors {
        let mirror = read_url(text)?;
        if mirror != url && !mirrors.iter().any(|known| known == mirror.as_str()) {
            mirrors.push(mirror.into());
        }
    }
    if mirrors.len() > MIRRORS_MAX {
        let what = format!("a file has at most {MIRRORS_MAX} mirrors, not {}", mirrors.len());
        return Err(Trouble::usage(what));
    }
    let sha256 = args.sha256.clone();
    let piece_hashes = hashes::asked_for(args)?;
    Ok(Item {
        url: url.into(),
        mirrors,
        sha256,
        piece_hashes,
        local_name,
        exists,
        ..Item::default()
    })
}

/// A file of a metalink, below the folder that was chosen.
fn described(args: &GetArgs, file: Described, folders: &mut Vec<PathBuf>) -> Result<Item, Trouble> {
    let base = absolute_path(args.dir.as_deref().unwrap_or(Path::new(".")))?;
    must_be_there(&base)?;
    let path = folder::below(&base, &file.name, folders)?;
    let local_name = text_of(path)?;
    let exists = look_at(Path::new(&local_name), args.force)?;
    let piece_hashes = hashes::of_metalink(&file);
    let mut urls = file.urls.into_iter();
    Ok(Item {
        url: urls.next().unwrap_or_default(),
        mirrors: urls.collect(),
        size: file.size,
        sha256: file.sha256.as_ref().map(digest_to_hex),
        piece_hashes,
        local_name,
        exists,
        ..Item::default()
    })
}

fn read_url(text: &str) -> Result<Url, Trouble> {
    let mut url = Url::parse(text).map_err(|error| {
        let trouble = Trouble::usage(format!("{} is no URL: {error}", brief(text)));
        match error {
            url::ParseError::RelativeUrlWithoutBase => {
                trouble.remedy("begin it with https:// or http://")
            }
            _ => trouble,
        }
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        let what = format!("cannot fetch {}: its scheme is {}", brief(text), url.scheme());
        return Err(Trouble::usage(what).remedy("only http and https can be fetched"));
    }
    // What follows the # is the reader's, not the server's (RFC 9110 §7.1).
    url.set_fragment(None);
    if url.as_str().chars().count() > URL_CHARS_MAX {
        let what = format!("the URL of {} is longer than {URL_CHARS_MAX} characters", brief(text));
        return Err(Trouble::usage(what));
    }
    Ok(url)
}

/// Where a URL's content goes, as an absolute path.
fn destination(args: &GetArgs, url: &Url) -> Result<PathBuf, Trouble> {
    let path = match &args.output {
        Some(output) => output_path(output)?,
        None => {
            let name = name::from_url(url).ok_or_else(|| {
                let what =
                    format!("{} does not end with a name to save it under", brief(url.as_str()));
                Trouble::usage(what).remedy("name the file with -o FILE")
            })?;
            args.dir.clone().unwrap_or_default().join(name)
        }
    };
    let path = absolute_path(&path)?;
    must_be_there(path.parent().unwrap_or(Path::new("/")))?;
    Ok(path)
}

fn absolute_path(path: &Path) -> Result<PathBuf, Trouble> {
    absolute(path).map_err(|error| {
        Trouble::usage(format!("cannot tell where {} is: {error}", path.display()))
    })
}

fn must_be_there(folder: &Path) -> Result<(), Trouble> {
    if folder.is_dir() {
        return Ok(());
    }
    let what = format!("the folder {} does not exist", folder.display());
    Err(Trouble::usage(what).remedy(format!("mkdir -p {}", folder.display())))
}

fn output_path(output: &Path) -> Result<PathBuf, Trouble> {
    if output.as_os_str() == "-" {
        let what = "cannot write to standard output: a file is shown when it is whole and checked";
        return Err(Trouble::usage(what).remedy("name a file, and read it afterwards"));
    }
    let ends_with_slash = output.as_os_str().as_encoded_bytes().ends_with(b"/");
    if ends_with_slash || output.file_name().is_none() || output.is_dir() {
        let what = format!("{} is a folder, not a file", output.display());
        return Err(Trouble::usage(what).remedy("use --dir to name a folder"));
    }
    Ok(output.to_owned())
}

fn text_of(path: PathBuf) -> Result<String, Trouble> {
    let text = path.into_os_string().into_string().map_err(|path| {
        Trouble::usage(format!("the path {} is not UTF-8", Path::new(&path).display()))
    })?;
    if text.len() > LOCAL_NAME_BYTES_MAX {
        let what = format!("the path {text} is longer than {LOCAL_NAME_BYTES_MAX} bytes");
        return Err(Trouble::usage(what));
    }
    Ok(text)
}

/// Whether something stands at the destination; refused without `force`, and always for a folder.
fn look_at(path: &Path, force: bool) -> Result<bool, Trouble> {
    // The name itself and not what a link there leads to: it is the name that would be replaced.
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return Ok(false) };
    let shown = path.display();
    if metadata.is_dir() {
        return Err(Trouble::usage(format!("{shown} is a folder")).remedy("use -o to name a file"));
    }
    if !force {
        let what = format!("{shown} exists");
        return Err(Trouble::usage(what).remedy("use --force to replace it, or -o to name another"));
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::named::Document;
    use super::*;
    use crate::args::{Cli, Command};
    use crate::metalink::Metalink;
    use crate::trouble::Exit;

    fn plan_in(folder: &Path, words: &[&str]) -> Result<Plan, Trouble> {
        let folder = folder.to_str().unwrap();
        let words = words.iter().map(|word| word.replace("DIR", folder));
        let line = ["dobbin".to_owned(), "get".to_owned()].into_iter().chain(words);
        let Command::Get(args) = Cli::try_parse_from(line).unwrap().command else { panic!() };
        let named = args.urls.iter().cloned().map(Named::Url).collect();
        Plan::new(&args, named)
    }

    /// The plan for a metalink with these files, each at its own URL.
    fn plan_of(args: &[&str], names: &[&str]) -> Result<Plan, Trouble> {
        let line = ["dobbin", "get", "x.meta4"].iter().chain(args);
        let Command::Get(args) = Cli::try_parse_from(line).unwrap().command else { panic!() };
        let file = |name: &&str| Described {
            name: (*name).to_owned(),
            size: Some(7),
            sha256: Some([0xab; 32]),
            pieces: None,
            urls: vec![format!("http://h/{name}"), "http://m/x".to_owned()],
        };
        let metalink = Metalink {
            files: names.iter().map(file).collect(),
            notes: vec!["something".to_owned()],
        };
        let document = Document { from: "x.meta4".to_owned(), public_only: true, metalink };
        Plan::new(&args, vec![Named::Document(document)])
    }

    #[test]
    fn every_url_gets_its_own_place() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        let check = |words: &[&str], expect: &[(&str, &str)]| {
            let plan = plan_in(folder.path(), words).unwrap();
            let got: Vec<_> =
                plan.items.iter().map(|item| (item.url.clone(), item.local_name.clone())).collect();
            let expect: Vec<_> = (expect.iter())
                .map(|(url, name)| ((*url).to_owned(), format!("{root}/{name}")))
                .collect();
            assert_eq!(got, expect, "{words:?}");
        };
        check(&["-d", "DIR", "http://h/a?x=1#y"], &[("http://h/a?x=1", "a")]);
        check(
            &["-d", "DIR", "http://h/a", "http://g/b"],
            &[("http://h/a", "a"), ("http://g/b", "b")],
        );
        check(&["-o", "DIR/./z", "http://h/a b"], &[("http://h/a%20b", "z")]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("taken"), "x").unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("link")).unwrap();
        let hash = "0".repeat(64);
        let check = |words: &[&str], expect: &str| {
            let trouble = plan_in(folder.path(), words).unwrap_err();
            let said = format!("{trouble:?}");
            assert_eq!(trouble.exit(), Exit::Usage, "{words:?}");
            assert!(said.contains(expect), "{words:?}: {said}");
        };
        check(&["h/a"], "begin it with https://");
        check(&["ftp://h/a"], "only http and https");
        check(&["http://"], "is no URL");
        check(&["http://h/"], "-o FILE");
        check(&["-o", "-", "http://h/a"], "standard output");
        check(&["-o", "DIR/x", "http://h/a", "http://h/b"], "--output names one file");
        check(&["--sha256", &hash, "http://h/a", "http://h/b"], "--sha256 is the hash of one file");
        check(&["-d", "DIR", "http://h/a", "http://g/a"], "would both be saved as");
        check(&["-d", "DIR/none", "http://h/a"], "does not exist");
        check(&["-o", "DIR/none/a", "http://h/a"], "mkdir -p");
        check(&["-o", "DIR/sub", "http://h/a"], "is a folder");
        check(&["-o", "DIR/new/", "http://h/a"], "is a folder");
        check(&["-d", "DIR", "-f", "http://h/sub"], "is a folder");
        check(&["-d", "DIR", "http://h/taken"], "use --force");
        check(&["-d", "DIR", "http://h/link"], "use --force");
        check(&["-d", "DIR", &format!("http://h/{}", "a/".repeat(1200))], "longer than");
    }

    #[test]
    fn mirrors_are_read_like_urls_and_come_once() {
        let folder = tempfile::tempdir().unwrap();
        let words =
            ["-d", "DIR", "--mirror", "http://m/a#x", "--mirror", "http://h/a", "http://h/a"];
        let twice = [&["--mirror", "http://m/a"], words.as_slice()].concat();
        let plan = plan_in(folder.path(), &twice).unwrap();
        assert_eq!(plan.items[0].mirrors, ["http://m/a"]);
        let refused = |words: &[&str], expect: &str| {
            let said = format!("{:?}", plan_in(folder.path(), words).unwrap_err());
            assert!(said.contains(expect), "{said}");
        };
        refused(&["-d", "DIR", "--mirror", "ftp://m/a", "http://h/a"], "only http and https");
        refused(&["--mirror", "http://m/a", "http://h/a", "http://h/b"], "one file, but there are");
        let many: Vec<String> = (0..65).map(|n| format!("--mirror=http://m/{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        refused(&[&["-d", "DIR", "http://h/a"], many.as_slice()].concat(), "at most 64 mirrors");
    }

    #[test]
    fn a_metalinks_files_go_below_the_chosen_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        let plan = plan_of(&["-d", root], &["a", "sub/deep/b", "sub/c"]).unwrap();
        let places: Vec<&str> = plan.items.iter().map(|item| item.local_name.as_str()).collect();
        let expect = ["a", "sub/deep/b", "sub/c"].map(|name| format!("{root}/{name}"));
        assert_eq!(places, expect);
        assert_eq!(plan.folders, ["sub", "sub/deep"].map(|name| folder.path().join(name)));
        let first = &plan.items[0];
        assert_eq!((first.url.as_str(), first.size), ("http://h/a", Some(7)));
        assert_eq!(first.mirrors, ["http://m/x"]);
        assert!(plan.items.iter().all(|item| item.public_only));
        assert_eq!(first.sha256, Some("ab".repeat(32)));
        assert_eq!(plan.notes, ["note: x.meta4: something"]);
    }

    #[test]
    fn what_speaks_of_one_url_does_not_go_with_a_metalink() {
        let hash = "0".repeat(64);
        for (args, expect) in [
            (["-o", "x"].as_slice(), "--output names one file"),
            (&["--sha256", &hash], "--sha256 is the hash of one file"),
            (&["--mirror", "http://m/a"], "--mirror is another address"),
            (&["-H", "Authorization: x"], "whichever servers the metalink names"),
        ] {
            let said = format!("{:?}", plan_of(args, &["a"]).unwrap_err());
            assert!(said.contains(expect), "{said}");
        }
    }

    #[test]
    fn secrets_of_a_url_are_in_no_message() {
        let folder = tempfile::tempdir().unwrap();
        for url in ["http://u:secret@h/?k=secret", "ftp://h/?k=secret", "h/x?secret"] {
            let said = format!("{:?}", plan_in(folder.path(), &[url]).unwrap_err());
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn force_allows_what_exists() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("taken"), "x").unwrap();
        let plan = plan_in(folder.path(), &["-f", "-d", "DIR", "http://h/taken"]).unwrap();
        assert!(plan.items[0].exists);
    }

    #[test]
    fn the_work_is_named_after_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let name = |words: &[&str]| plan_in(folder.path(), words).unwrap().name();
        assert_eq!(name(&["-d", "DIR", "http://h/a"]), "a");
        assert_eq!(name(&["-d", "DIR", "http://h/a", "http://h/b"]), "a and 1 more");
    }
}
