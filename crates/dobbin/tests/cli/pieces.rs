//! `dobbin publish`, `dobbin verify`, and `dobbin get --phf` with an agent inside the command and a real
//! server.

use crate::home::{Ended, Home};
use crate::web::{Page, Web};

/// Three pieces of 64 KiB and a short one, in letters.
fn content() -> String {
    (0..200_000_u32).map(|n| char::from(b'a' + (n * 7 % 26) as u8)).collect()
}

fn json(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

/// A home with the file and its piece-hash file, and what was said of them.
fn published() -> (Home, serde_json::Value) {
    let home = Home::new();
    std::fs::write(home.file("a"), content()).unwrap();
    let ended = home.run(&["publish", "a", "--json"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    let said = json(&ended);
    (home, said)
}

#[test]
fn what_is_published_is_what_sha256_says_of_each_piece() {
    let (home, said) = published();
    assert_eq!(said["kind"], "published");
    assert_eq!((&said["pieces_count"], &said["piece_size"]), (&4.into(), &65_536.into()));
    let text = std::fs::read_to_string(home.file("a.phf")).unwrap();
    let phf: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(phf["ContentLength"], 200_000);
    assert_eq!(phf["HashOfHashes"], said["hash_of_hashes"]);
    // Computed by another program from the same bytes: SHA-256 of the first piece, and of the four
    // digests in a row.
    assert_eq!(phf["Pieces"][0], FIRST_PIECE);
    assert_eq!(phf["HashOfHashes"], HASH_OF_HASHES);
    let names: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
    assert_eq!(names.len(), 2, "nothing else is left: {names:?}");
}

const FIRST_PIECE: &str = "nc0ouBOW8mpqKtQj3NSBSYBIYfj4nnmrZ/+Wkei94Q4=";
const HASH_OF_HASHES: &str = "vyegvikVkv0AgT/iDQ5Ir/+Bgtqy0pH2bdfHkkvOsdM=";

#[test]
fn a_person_reads_few_words_and_nothing_is_overwritten() {
    let (home, said) = published();
    let ended = home.run(&["publish", "a"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("a.phf exists"), "{}", ended.err);
    let ended = home.run(&["publish", "a", "-f", "--piece-size", "128k", "-o", "b.phf"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<&str> = ended.out.lines().collect();
    assert!(
        lines[0].starts_with("wrote b.phf: 195 KiB in 2 pieces of 128 KiB, 0."),
        "{}",
        lines[0]
    );
    assert!(lines[1].starts_with("its SHA-256     "), "{}", lines[1]);
    assert_ne!(lines[2], format!("hash of hashes  {}", said["hash_of_hashes"].as_str().unwrap()));
    std::fs::write(home.file("empty"), "").unwrap();
    assert_eq!(home.run(&["publish", "empty"]).code, Some(0));
    assert_eq!(home.run(&["verify", "empty", "--phf", "empty.phf"]).code, Some(0));
}

#[test]
fn a_whole_file_is_called_whole_and_a_damaged_one_is_told_byte_by_byte() {
    let (home, said) = published();
    let verify = |words: &[&str]| home.run(&[&["verify", "a", "--phf", "a.phf"], words].concat());
    let whole = verify(&[]);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    assert_eq!(whole.out, "a is whole: 195 KiB, 4 of 4 pieces right\n");
    let known = said["hash_of_hashes"].as_str().unwrap();
    let sha256 = said["phf_sha256"].as_str().unwrap();
    assert_eq!(verify(&["--hash-of-hashes", known, "--phf-sha256", sha256]).code, Some(0));

    let right = content().into_bytes();
    let mut wrong = right.clone();
    wrong[65_536] ^= 1;
    wrong[196_607] ^= 1;
    wrong.extend(b"more");
    std::fs::write(home.file("a"), &wrong).unwrap();
    let damaged = verify(&[]);
    assert_eq!((damaged.code, damaged.err.as_str()), (Some(1), ""));
    assert_eq!(
        damaged.out,
        "wrong    pieces 1 to 2, bytes 65536 to 196607 (128 KiB)\n\
         surplus  bytes 200000 to 200003 (4 B)\n\
         a is damaged: 2 of 4 pieces wrong\n"
    );
    let told = verify(&["--json"]);
    assert_eq!(told.code, Some(1));
    let told = json(&told);
    assert_eq!((&told["kind"], &told["exit"]), (&"verified".into(), &1.into()));
    assert_eq!(told["wrong"][0]["first_piece"], 1);
    assert_eq!(told["wrong"][0]["last_byte"], 196_607);
    assert_eq!(told["surplus"]["first_byte"], 200_000);

    std::fs::write(home.file("a"), &right[..150_000]).unwrap();
    let short = verify(&[]);
    assert_eq!(short.code, Some(1));
    assert_eq!(
        short.out,
        "missing  bytes 150000 to 199999 (48.8 KiB)\na is damaged: 0 of 4 pieces wrong\n"
    );
}

#[test]
fn nothing_is_compared_with_hashes_that_are_not_believed() {
    let (home, _) = published();
    let other = "A".repeat(43) + "=";
    let hash = "0".repeat(64);
    for (words, expect) in [
        (&["--phf", "none"][..], "cannot read the piece-hash file none"),
        (&["--phf", "a"], "is not a JSON object"),
        (&["--phf", "a.phf", "--hash-of-hashes", &other], "DO_E_METAINFO_HOH_MATCH"),
        (&["--phf", "a.phf", "--phf-sha256", &hash], "DO_E_METAINFO_DIGEST_MATCH"),
        (&["--phf", "a.phf", "--phf-sha256", "0"], "64 hexadecimal digits"),
        (&[], "--phf <FILE>"),
    ] {
        let ended = home.run(&[&["verify", "a"], words].concat());
        assert_eq!(ended.code, Some(2), "{words:?}: {ended:?}");
        assert!(ended.err.contains(expect), "{words:?}: {}", ended.err);
    }
    let ended = home.run(&["verify", ".", "--phf", "a.phf"]);
    assert!(ended.err.contains("it is not a file"), "{}", ended.err);
    for (words, expect) in [
        (&["publish", "none"][..], "cannot read none"),
        (&["publish", "."], "it is not a file"),
        (&["publish", "a", "--piece-size", "100k"], "a power of two"),
        (&["publish", "a", "--piece-size", "32k"], "a power of two"),
    ] {
        let ended = home.run(words);
        assert_eq!(ended.code, Some(2), "{words:?}: {ended:?}");
        assert!(ended.err.contains(expect), "{words:?}: {}", ended.err);
    }
}

/// A server that has the file and its piece-hash file, and what is known of that.
fn site() -> (Home, Web, serde_json::Value) {
    let (home, said) = published();
    let web = Web::start();
    web.serve("/a", Page::Text(content()));
    web.serve("/a.phf", Page::Text(std::fs::read_to_string(home.file("a.phf")).unwrap()));
    (home, web, said)
}

#[test]
fn get_checks_with_a_piece_hash_file_of_this_machine_or_of_a_server() {
    let (home, web, said) = site();
    let known = said["hash_of_hashes"].as_str().unwrap();
    let sha256 = said["phf_sha256"].as_str().unwrap();
    let (url, phf) = (web.url("/a"), web.url("/a.phf"));
    for (name, words) in [
        ("one", &["--phf", "a.phf"][..]),
        ("two", &["--phf", &phf, "--hash-of-hashes", known]),
        ("three", &["--phf", &phf, "--phf-sha256", sha256]),
    ] {
        let ended = home.run(&[&["get", "-q", "-o", name, &url], words].concat());
        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
        assert_eq!(std::fs::read_to_string(home.file(name)).unwrap(), content());
    }
    assert_eq!(web.asked().iter().filter(|path| *path == "/a.phf").count(), 2);
}

#[test]
fn get_never_saves_a_file_whose_pieces_are_wrong_unless_that_is_allowed() {
    let (home, web, said) = site();
    web.serve("/a", Page::Text(content().replacen('a', "b", 1)));
    let url = web.url("/a");
    let ended = home.run(&["get", "-q", "-o", "wrong", &url, "--phf", "a.phf"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("DO_E_BAD_PIECE_HASH"), "{}", ended.err);
    assert!(!home.file("wrong").exists());
    let ended = home.run(&["get", "-q", "-o", "lax", &url, "--phf", "a.phf", "--phf-optional"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let gone = web.url("/gone.phf");
    let known = said["hash_of_hashes"].as_str().unwrap();
    let words = ["get", "-q", "-o", "none", &url, "--phf", &gone, "--hash-of-hashes", known];
    let ended = home.run(&words);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("cannot fetch the piece-hash file"), "{}", ended.err);
}

#[test]
fn get_refuses_hashes_that_nothing_vouches_for() {
    let home = Home::new();
    std::fs::write(home.file("bad.phf"), "{}").unwrap();
    let hash = "0".repeat(64);
    for (words, expect) in [
        (&["--phf", "http://h/a.phf"][..], "give its --phf-sha256"),
        (&["--phf", "none.phf"], "cannot read the piece-hash file none.phf"),
        (&["--phf", "bad.phf"], "is not of version 1"),
        (&["--phf", "bad.phf", "--phf-sha256", &hash], "does not have the --phf-sha256"),
        (&["--phf-optional"], "--phf <FILE|URL>"),
        (&["--phf", "bad.phf", "http://h/b"], "the hashes of one file"),
    ] {
        let ended = home.run(&[&["get", "http://h/a"], words].concat());
        assert_eq!(ended.code, Some(2), "{words:?}: {ended:?}");
        assert!(ended.err.contains(expect), "{words:?}: {}", ended.err);
    }
}
