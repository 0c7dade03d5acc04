//! Documents of every kind, the hostile ones included.

use proptest::prelude::*;

use super::*;

const HASH: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
const OTHER: &str = "e258d248fda94c63753607f7c4494ee0fcbe92f1a76bfdac795c9d84101eb317";

/// A document of version 4 with this inside its root.
fn v4(inside: &str) -> String {
    format!("<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">{inside}</metalink>")
}

/// One with one file, of which this is said beside a URL.
fn file(said: &str) -> String {
    v4(&format!("<file name=\"a\"><url>http://h.example/a</url>{said}</file>"))
}

fn read_text(text: &str) -> Result<Metalink, Fault> {
    read(text.as_bytes())
}

#[track_caller]
fn one(text: &str) -> Described {
    let mut files = read_text(text).unwrap().files;
    assert_eq!(files.len(), 1);
    files.remove(0)
}

#[track_caller]
fn refused(text: &str, expect: &str) {
    let why = read_text(text).map(|metalink| metalink.files).unwrap_err().0;
    assert!(why.contains(expect), "{why}");
}

#[track_caller]
fn noted(text: &str, expect: &str) {
    let notes = read_text(text).unwrap().notes;
    assert!(notes.iter().any(|note| note.contains(expect)), "{notes:?}");
}

#[test]
fn a_document_as_publishers_write_it_is_understood() {
    let text = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- made by a mirror director -->
<metalink xmlns="urn:ietf:params:xml:ns:metalink" xmlns:x="urn:other">
  <generator>Director/1</generator>
  <published>2026-11-22T00:00:00Z</published>
  <file name="dist/disk &amp; more.iso">
    <size>6</size>
    <x:size>7</x:size>
    <hash type="sha-1">abc</hash>
    <hash type="sha-256">{}</hash>
    <signature mediatype="application/pgp-signature">...</signature>
    <url location="de" priority="20">http://de.example/disk.iso?a=1&amp;b=2</url>
    <url location="at" priority="10"><![CDATA[ https://at.example/disk.iso#x ]]></url>
    <url>http://last.example/disk.iso</url>
    <url priority="1">ftp://ftp.example/disk.iso</url>
    <metaurl mediatype="torrent">http://t.example/disk.torrent</metaurl>
    <resources><url>http://no.example/</url></resources>
  </file>
  <file name="b"><url>http://h.example/b</url></file>
</metalink>
"#,
        HASH.to_uppercase()
    );
    let metalink = read_text(&text).unwrap();
    let [disk, b] = metalink.files.as_slice() else { panic!("{metalink:?}") };
    assert_eq!(disk.name, "dist/disk & more.iso");
    assert_eq!((disk.size, disk.sha256.map(|hash| hash[0])), (Some(6), Some(0x58)));
    let urls = [
        "https://at.example/disk.iso",
        "http://de.example/disk.iso?a=1&b=2",
        "http://last.example/disk.iso",
    ];
    assert_eq!(disk.urls, urls);
    assert_eq!((b.name.as_str(), b.size, b.sha256, &b.pieces), ("b", None, None, &None));
    assert_eq!(metalink.notes, ["URLs of ftp are passed over"]);
}

#[test]
fn version_3_is_understood_as_far_as_it_says_the_same() {
    let text = format!(
        r#"<metalink version="3.0" xmlns="http://www.metalinker.org/"><files><file name="a">
        <size>6</size>
        <verification><hash type="md5">x</hash><hash type="sha256">{HASH}</hash></verification>
        <resources>
          <url type="http" preference="90">http://b.example/a</url>
          <url type="http" preference="100">http://a.example/a</url>
          <url type="http">http://c.example/a</url>
          <url type="bittorrent">magnet:?xt=x</url>
        </resources></file></files></metalink>"#
    );
    let file = one(&text);
    let urls = ["http://a.example/a", "http://b.example/a", "http://c.example/a"];
    assert_eq!((file.size, file.sha256.is_some()), (Some(6), true));
    assert_eq!(file.urls, urls);
}

#[test]
fn a_prefix_is_as_good_as_none() {
    let text = r#"<m:metalink xmlns:m="urn:ietf:params:xml:ns:metalink"><m:file name="a">
        <m:url>http://h.example/a</m:url><url>http://not-ours.example/</url></m:file></m:metalink>"#;
    assert_eq!(one(text).urls, ["http://h.example/a"]);
}

/// A file of two pieces of 64 KiB with these words about them.
fn pieces(size: u64, attributes: &str, hashes: &[&str]) -> String {
    let hashes: String = hashes.iter().map(|hash| format!("<hash>{hash}</hash>")).collect();
    file(&format!("<size>{size}</size><pieces {attributes}>{hashes}</pieces>"))
}

const CUT: &str = r#"length="65536" type="sha-256""#;

#[test]
fn piece_hashes_are_kept_when_they_fit_the_file() {
    let kept = one(&pieces(65_537, CUT, &[HASH, OTHER])).pieces.unwrap();
    assert_eq!((kept.length, kept.sha256.len()), (65_536, 2));
    assert_eq!((kept.sha256[0][0], kept.sha256[1][0]), (0x58, 0xe2));

    for (text, why) in [
        (pieces(65_537, r#"length="65536" type="sha-1""#, &[HASH, OTHER]), "are not SHA-256"),
        (pieces(65_537, CUT, &[HASH]), "as many as"),
        (pieces(65_537, CUT, &[HASH, HASH, HASH]), "as many as"),
        (pieces(65_537, CUT, &[HASH, "zz"]), "64 hexadecimal"),
        (pieces(65_537, r#"length="65535" type="sha-256""#, &[HASH, OTHER]), "of a length"),
        (pieces(65_537, r#"length="32768" type="sha-256""#, &[HASH, OTHER, HASH]), "of a length"),
        (pieces(1 << 40, r#"length="134217728" type="sha-256""#, &[HASH]), "of a length"),
        (pieces(65_537, r#"type="sha-256""#, &[HASH, OTHER]), "of a length"),
        (file(&format!("<pieces {CUT}><hash>{HASH}</hash></pieces>")), "unknown size"),
    ] {
        assert_eq!(one(&text).pieces, None, "{why}");
        noted(&text, why);
    }
}

#[test]
fn of_several_sets_of_pieces_the_good_one_counts() {
    let good = format!("<pieces {CUT}><hash>{HASH}</hash></pieces>");
    let weak = format!("<pieces length=\"9\" type=\"sha-1\"><hash>{OTHER}</hash></pieces>");
    for sets in [format!("{good}{weak}"), format!("{weak}{good}"), format!("{good}{good}")] {
        let kept = one(&file(&format!("<size>5</size>{sets}"))).pieces.unwrap();
        assert_eq!((kept.length, kept.sha256.len(), kept.sha256[0][0]), (65_536, 1, 0x58));
    }
    let numbered = |first, second| {
        format!(
            "<size>65537</size><pieces {CUT}><hash piece=\"{first}\">{HASH}</hash>\
             <hash piece=\"{second}\">{OTHER}</hash></pieces>"
        )
    };
    assert!(one(&file(&numbered(0, 1))).pieces.is_some());
    noted(&file(&numbered(1, 0)), "are not in order");
}

#[test]
fn a_weaker_hash_is_passed_over_and_that_is_said() {
    let weak = file(r#"<hash type="md5">x</hash><hash type="sha-1">y</hash>"#);
    assert_eq!(one(&weak).sha256, None);
    noted(&weak, "a has no SHA-256; md5, sha-1 is not checked");
    let both = file(&format!("<hash type=\"md5\">x</hash><hash type=\"SHA-256\">{HASH}</hash>"));
    assert_eq!(read_text(&both).unwrap().notes, [""; 0]);
}

#[test]
fn a_document_that_contradicts_itself_is_refused_as_a_whole() {
    let hash = |text| format!("<hash type=\"sha-256\">{text}</hash>");
    refused(&file(&format!("{}{}", hash(HASH), hash(OTHER))), "two different SHA-256");
    assert!(one(&file(&format!("{}{}", hash(HASH), hash(HASH)))).sha256.is_some());
    refused(&file("<size>1</size><size>2</size>"), "two sizes");
    refused(&file("<size>many</size>"), "not a number of bytes");
    refused(&file("<size>-1</size>"), "not a number of bytes");
    refused(&file("<size>99999999999999999999</size>"), "not a number of bytes");
    refused(&file(&hash("abc")), "not 64 hexadecimal digits");
    refused(&v4(r#"<file name="a"/>"#), "no http or https URL");
    refused(&v4(r#"<file name="a"><url>ftp://h/a</url></file>"#), "no http or https URL");
    let twin = r#"<file name="a"><url>http://h.example/a</url></file>"#;
    refused(&v4(&format!("{twin}{twin}")), "names a twice");
    refused(&v4(""), "names no files");
}

#[test]
fn a_name_never_leaves_its_folder() {
    for name in ["/etc/cron.d/x", "../x", "a/../../x", "a\\..\\x", ".bashrc", "a&#10;b", "", "a//b"]
    {
        let text = v4(&format!("<file name=\"{name}\"><url>http://h.example/a</url></file>"));
        assert!(read_text(&text).is_err(), "{name}");
    }
    refused(&v4("<file><url>http://h.example/a</url></file>"), "empty name");
}

#[test]
fn entities_and_document_types_are_refused() {
    let bomb = r#"<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>"#;
    refused(&format!("{bomb}{}", file("<size>&b;</size>")), "document type");
    refused(
        &format!("<!DOCTYPE metalink SYSTEM \"file:///etc/passwd\">{}", file("")),
        "document type",
    );
    refused(&file("<url>http://h.example/&evil;</url>"), "entity `evil`");
    refused(&v4("<file name=\"&evil;\"><url>http://h.example/a</url></file>"), "not proper XML");
    assert_eq!(one(&file("<size>&#49;&#x30;</size>")).size, Some(10));
}

#[test]
fn what_is_no_metalink_is_refused() {
    refused("", "not a metalink");
    refused("hello", "not a metalink");
    refused("<html xmlns=\"http://www.w3.org/1999/xhtml\"><body/></html>", "not a metalink");
    refused("<metalink/>", "not a metalink");
    refused(&file("").replace("</metalink>", ""), "ends in the middle");
    refused(&file("").replace("</file>", "</fil>"), "not proper XML");
    refused(&format!("{0}{0}", file("")), "behind its end");
    refused(&file("").replace("<file ", "<file name=\"b\" "), "not proper XML");
    assert_eq!(read(b"\xff\xfe<"), Err(Fault("it is not UTF-8".to_owned())));
    let with_mark = format!("\u{feff}{}", file(""));
    assert_eq!(one(&with_mark).name, "a");
}

#[test]
fn everything_has_a_bound() {
    refused(&" ".repeat(DOCUMENT_BYTES_MAX + 1), "more than");
    let deep = |depth: usize| file(&format!("{}{}", "<x>".repeat(depth), "</x>".repeat(depth)));
    assert!(read_text(&deep(30)).is_ok());
    refused(&deep(31), "deep");
    refused(&file(&format!("<x a=\"{}\"/>", "y".repeat(8 * 1024))), "a tag has more");
    refused(&file(&format!("<size>{}</size>", "1".repeat(9_000))), "a text has more");
    let files = |count: usize| {
        let one = |n| format!("<file name=\"f{n}\"><url>http://h.example/a</url></file>");
        v4(&(0..count).map(one).collect::<String>())
    };
    assert_eq!(read_text(&files(FILES_MAX)).unwrap().files.len(), FILES_MAX);
    refused(&files(FILES_MAX + 1), "names more than");

    let url = |n: usize| format!("<url>http://m{n}.example/</url>");
    let urls: String = (0..2_000).map(url).collect();
    assert_eq!(one(&file(&urls)).urls.len(), 65);
    let schemes: String = (0..100).map(|n| format!("<url>s{n}://x/</url>")).collect();
    assert_eq!(read_text(&file(&schemes)).unwrap().notes.len(), 17);
}

#[test]
fn no_url_brings_credentials_or_comes_twice() {
    let text = file(
        "<url>http://h.example/a</url><url>http://u:p@h.example/a</url>\
         <url priority=\"5\">http://h.example/a#x</url><url>not a url</url>",
    );
    assert_eq!(one(&text).urls, ["http://h.example/a"]);
    noted(&text, "user name or password");
    noted(&text, "no URL");
}

/// What a document is made of, in any order.
fn parts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">".to_owned()),
        Just("</metalink>".to_owned()),
        Just("<file name=\"a\">".to_owned()),
        Just("<file name='../b'>".to_owned()),
        Just("</file>".to_owned()),
        Just("<url>http://h.example/a</url>".to_owned()),
        Just("<size>5</size>".to_owned()),
        Just(format!("<pieces {CUT}><hash>{HASH}</hash></pieces>")),
        Just("<!DOCTYPE x [".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("]]>".to_owned()),
        Just("<!--".to_owned()),
        Just("&amp;".to_owned()),
        Just("&#0;".to_owned()),
        "[<>&;\"'/!?a-z \\[\\]-]{0,6}",
    ];
    proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    /// No bytes make the reader panic, and what it lets pass keeps every promise.
    #[test]
    fn whatever_comes_is_read_or_refused(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            parts().prop_map(String::into_bytes),
            (0..400_usize, any::<u8>()).prop_map(|(at, byte)| {
                let mut bytes = pieces(5, CUT, &[HASH]).into_bytes();
                let at = at % bytes.len();
                bytes[at] = byte;
                bytes
            }),
        ],
    ) {
        if let Ok(metalink) = read(&bytes) {
            prop_assert!((1..=FILES_MAX).contains(&metalink.files.len()));
            for file in metalink.files {
                prop_assert!(name::checked(&file.name).is_ok());
                prop_assert!((1..=65).contains(&file.urls.len()));
                if let Some(pieces) = file.pieces {
                    let count = file.size.unwrap().div_ceil(u64::from(pieces.length));
                    prop_assert_eq!(pieces.sha256.len() as u64, count);
                }
            }
        }
    }
}
