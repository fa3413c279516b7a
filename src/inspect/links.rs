//! Follows symlinks inside a root, by text: `..` stops at the root, and a circle leads nowhere.

/// Linux itself gives up after so many.
const MOST_LINKS: usize = 40;

/// Where an absolute path ends when every symlink on it is followed; nothing for a circle.
pub(super) fn follow<'a>(path: &str, link: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let mut todo: Vec<String> = parts(path);
    let mut done = String::new();
    let mut followed = 0;
    while let Some(part) = todo.pop() {
        if part == ".." {
            done.truncate(done.rfind('/').unwrap_or(0));
            continue;
        }
        let here = format!("{done}/{part}");
        match link(&here) {
            None => done = here,
            Some(target) => {
                followed += 1;
                if followed > MOST_LINKS || target.len() > 4096 {
                    return None;
                }
                if target.starts_with('/') {
                    done.clear();
                }
                todo.extend(parts(target));
            }
        }
    }
    Some(if done.is_empty() { "/".to_owned() } else { done })
}

/// An absolute path without `.`, `..` and doubled slashes.
pub(super) fn normal(path: &str) -> String {
    follow(path, |_| None).expect("without links there is no circle")
}

/// The parts, the last first.
fn parts(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").rev().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_inside_the_root() {
        let link = |path: &str| match path {
            "/lib" => Some("usr/lib"),
            "/usr/bin/clang" => Some("../lib/llvm-21/bin/clang"),
            "/opt/rocm" => Some("/etc/alternatives/rocm"),
            "/etc/alternatives/rocm" => Some("/opt/rocm-6.4.3"),
            "/opt/rocm-6.4.3/llvm" => Some("lib/llvm"),
            "/out" => Some("../../../etc"),
            "/circle" => Some("circle"),
            _ => None,
        };
        for (path, end) in [
            ("/lib/x.so", Some("/usr/lib/x.so")),
            ("/usr/bin/clang", Some("/usr/lib/llvm-21/bin/clang")),
            ("/opt/rocm/llvm/bin/clang", Some("/opt/rocm-6.4.3/lib/llvm/bin/clang")),
            ("/out/passwd", Some("/etc/passwd")),
            ("/circle/x", None),
            ("/usr//lib/./a/../b", Some("/usr/lib/b")),
            ("/..", Some("/")),
        ] {
            assert_eq!(follow(path, link).as_deref(), end, "{path}");
        }
    }
}
