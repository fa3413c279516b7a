//! The list of digests beside a package, as `sha256sum` writes and checks it.

use crate::model::Digest;

pub(super) const LIMIT: u64 = 64 << 10;

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub name: String,
    pub sha256: Digest,
}

pub(super) fn text(lines: &[Listed]) -> String {
    // Two spaces: what `sha256sum --check` reads.
    lines.iter().map(|line| format!("{}  {}\n", line.sha256, line.name)).collect()
}

/// Reads a list. A name with a folder in it is refused: a list speaks of the files beside it.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Listed>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
    text.lines()
        .map(|line| {
            let wrong = || format!("`{}` is not a digest and a name", line.escape_debug());
            let (digest, name) = line.split_once("  ").ok_or_else(wrong)?;
            let sha256 = digest.parse().map_err(|_| wrong())?;
            match name.is_empty() || name.contains('/') || name.chars().any(char::is_control) {
                true => Err(format!("`{}` is not the name of a file beside it", name.escape_debug())),
                false => Ok(Listed { name: name.to_owned(), sha256 }),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let lines = [
            Listed { name: "a.tar.zst".into(), sha256: Digest::of("a") },
            Listed { name: "a b.json".into(), sha256: Digest::of("b") },
        ];
        assert_eq!(parse(text(&lines).as_bytes()), Ok(lines.to_vec()));
        let digest = Digest::of("");
        for bad in [format!("{digest}  ../x\n"), format!("{digest}  /etc/passwd\n"), format!("{digest}  \n")]
        {
            assert!(
                parse(bad.as_bytes()).unwrap_err().ends_with("is not the name of a file beside it"),
                "{bad}"
            );
        }
        for bad in ["x  y\n".to_owned(), format!("{digest} x\n"), "\n".to_owned()] {
            assert!(parse(bad.as_bytes()).unwrap_err().ends_with("is not a digest and a name"), "{bad}");
        }
        assert!(parse(b"\xff").is_err());
    }
}
