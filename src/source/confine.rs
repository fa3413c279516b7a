//! What may lie inside a folder: the one place that judges relative paths and symlinks of foreign input.
//!
//! Judges text only. That nothing is written *through* a symlink is the writer's part: it makes symlinks last.

/// Says why a path or a symlink may not be written below a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Escape {
    #[error("it is empty")]
    Empty,
    #[error("it is absolute")]
    Absolute,
    #[error("it has a `..` in it")]
    Parent,
    #[error("it has an empty part or a `.` in it")]
    Blank,
    #[error("it has a NUL byte in it")]
    Nul,
    #[error("it has control characters in it")]
    Control,
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it is longer than 4095 bytes")]
    Long,
    #[error("it reaches into a `.git` folder")]
    Git,
    #[error("it points outside the folder")]
    Outside,
}

const LONGEST_PATH: usize = 4095;

/// Accepts a relative path whose every part is a plain name.
pub fn check_relative(path: &str) -> Result<(), Escape> {
    if path.is_empty() {
        return Err(Escape::Empty);
    }
    if path.starts_with('/') {
        return Err(Escape::Absolute);
    }
    if path.len() > LONGEST_PATH {
        return Err(Escape::Long);
    }
    if path.contains('\0') {
        return Err(Escape::Nul);
    }
    path.split('/').try_for_each(|part| match part {
        ".." => Err(Escape::Parent),
        "" | "." => Err(Escape::Blank),
        _ => Ok(()),
    })
}

/// Accepts a relative path that also stays out of git's own folder, as patches and checkouts must.
pub fn check_outside_git(path: &str) -> Result<(), Escape> {
    check_relative(path)?;
    match path.split('/').any(|part| part.eq_ignore_ascii_case(".git")) {
        true => Err(Escape::Git),
        false => Ok(()),
    }
}

/// Accepts the target of a symlink at `path` when following it cannot leave the folder.
///
/// `..` is good only at the front: behind a name it would climb out of wherever that name, itself perhaps a
/// symlink, leads. So the rule holds for chains of symlinks as well.
pub fn check_link(path: &str, target: &str) -> Result<(), Escape> {
    if target.is_empty() {
        return Err(Escape::Empty);
    }
    if target.starts_with('/') {
        return Err(Escape::Absolute);
    }
    if target.len() > LONGEST_PATH {
        return Err(Escape::Long);
    }
    if target.contains('\0') {
        return Err(Escape::Nul);
    }
    let mut height = path.split('/').count() - 1;
    let mut descended = false;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if descended || height == 0 => return Err(Escape::Outside),
            ".." => height -= 1,
            _ => descended = true,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_paths_are_inside() {
        assert_eq!(check_relative("a/b.c"), Ok(()));
        assert_eq!(check_relative("..a/b.."), Ok(()));
        for (path, why) in [
            ("", Escape::Empty),
            ("/etc/passwd", Escape::Absolute),
            ("a/../b", Escape::Parent),
            ("a//b", Escape::Blank),
            ("./a", Escape::Blank),
            ("a\0b", Escape::Nul),
        ] {
            assert_eq!(check_relative(path), Err(why), "{path:?}");
        }
        assert_eq!(check_outside_git("a/.GIT/config"), Err(Escape::Git));
        assert_eq!(check_outside_git("a/.gitignore"), Ok(()));
    }

    #[test]
    fn a_symlink_may_climb_to_the_root_of_the_folder_and_no_further() {
        assert_eq!(check_link("a/b/link", "../../c/d"), Ok(()));
        assert_eq!(check_link("a/b/link", "../../../c"), Err(Escape::Outside));
        assert_eq!(check_link("link", "/etc"), Err(Escape::Absolute));
    }

    #[test]
    fn a_symlink_may_not_climb_out_of_another_symlink() {
        // With d/up -> `..`, d/up/../x is the folder's parent although the text alone looks inside.
        assert_eq!(check_link("d/link", "up/../x"), Err(Escape::Outside));
    }
}
