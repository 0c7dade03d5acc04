//! Where a metalink may put a file (RFC 5854 §4.1.2.1).

use dobbin_types::file::LOCAL_NAME_BYTES_MAX;

use super::Fault;
use crate::render::text::{clean, steers};

/// Longest name of one folder or file that file systems take, in bytes.
const PART_BYTES_MAX: usize = 255;

/// The most folders above a file.
const FOLDERS_MAX: usize = 16;

/// Lets a name pass that stays below the folder it is put into.
///
/// It is refused rather than repaired: a publisher who means well writes none of these, and whoever
/// does not should not choose what the repaired name is.
pub(super) fn checked(name: &str) -> Result<&str, Fault> {
    let refuse = |why: &str| Err(Fault::new(format!("the file name `{}` {why}", clean(name))));
    if name.is_empty() {
        return Err(Fault::new("a file has an empty name"));
    }
    if name.len() > LOCAL_NAME_BYTES_MAX {
        return Err(Fault::new(format!("a file name has more than {LOCAL_NAME_BYTES_MAX} bytes")));
    }
    if name.starts_with('/') {
        return refuse("is an absolute path");
    }
    if name.contains('\\') {
        return refuse("contains a backslash");
    }
    if name.chars().any(steers) {
        return refuse("contains a character that steers a terminal");
    }
    let parts: Vec<&str> = name.split('/').collect();
    if parts.len() > FOLDERS_MAX + 1 {
        return refuse("lies in too many folders");
    }
    for part in parts {
        match part {
            "" => return refuse("has an empty part"),
            "." | ".." => return refuse("leads out of its folder"),
            hidden if hidden.starts_with('.') => return refuse("is hidden"),
            blank if blank.trim() != blank => return refuse("has a part with blanks at its end"),
            long if long.len() > PART_BYTES_MAX => return refuse("has too long a part"),
            _ => {}
        }
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_stay_below_their_folder() {
        let deep = |folders: usize| format!("{}f", "d/".repeat(folders));
        for good in ["a", "a.iso", "dir/a b.iso", "x/y/z", "a..b", "naïve 文字.txt", &deep(16)] {
            assert_eq!(checked(good), Ok(good));
        }
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../a",
            "a/..",
            "a/../b",
            "./a",
            "a/.",
            "a/./b",
            "a//b",
            "a/",
            "..\\a",
            "C:\\a",
            "a\\b",
            ".bashrc",
            "a/.ssh/b",
            " a",
            "a ",
            "a/ b",
            "a\0b",
            "a\nb",
            "a\u{1b}[2J",
            "a\u{202e}gpj.exe",
            &"x".repeat(256),
            &deep(17),
            &"x/".repeat(3_000),
        ] {
            assert!(checked(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        /// Joined to a folder, whatever is let pass lies below it.
        #[test]
        fn no_name_leads_out(name in prop_oneof![any::<String>(), "[./a\\\\ ]{1,12}"]) {
            if let Ok(name) = checked(&name) {
                let mut depth = 0;
                for part in std::path::Path::new(name).components() {
                    prop_assert!(matches!(part, std::path::Component::Normal(_)), "{name:?}");
                    depth += 1;
                }
                prop_assert!(depth >= 1);
            }
        }
    }
}
