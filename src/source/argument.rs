//! What a person writes behind `--source`: a folder, a git address with a reference, or an archive with its digest.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use super::address::redacted;
use crate::model::{CommitId, Digest, HostPath, SourceSpec};

#[derive(Debug, Error, Diagnostic, PartialEq, Eq)]
pub enum ArgumentError {
    #[error("there is no folder `{text}`, and it is not an address either")]
    #[diagnostic(
        code(source::no_such_source),
        help("give a folder, https://host/repository.git#tag, or https://host/file.tar.gz#sha256=<digest>")
    )]
    Unknown { text: String },

    #[error("`{}` is a file, not a folder", path.display())]
    #[diagnostic(
        code(source::file_given),
        help("an archive on this machine is unpacked first: mkdir source && tar -xf {} --strip-components=1 -C source", path.display())
    )]
    File { path: PathBuf },

    #[error("archive {url} has no digest")]
    #[diagnostic(
        code(source::no_digest),
        help("say which bytes are meant: {url}#sha256=<64 hexadecimal digits>")
    )]
    NoDigest { url: String },

    #[error("archive {url} has a digest that is none: {reason}")]
    #[diagnostic(code(source::bad_digest), help("`sha256sum` prints the digest of a file"))]
    BadDigest { url: String, reason: String },

    #[error("`{reference}` looks like an abbreviated commit, which names no commit for sure")]
    #[diagnostic(
        code(source::abbreviated_commit),
        help("give all 40 digits (`git rev-parse {reference}`), a tag or a branch")
    )]
    Abbreviated { reference: String },

    #[error("`{reference}` is not a git reference")]
    #[diagnostic(
        code(source::bad_reference),
        help("give a tag, a branch or a full commit id behind the `#`")
    )]
    BadReference { reference: String },

    #[error("{url} needs ssh, which is not supported")]
    #[diagnostic(
        code(source::ssh),
        help("use the repository's https address, or clone it and give the folder")
    )]
    Ssh { url: String },
}

const ARCHIVES: [&str; 5] = [".tar.gz", ".tgz", ".tar.xz", ".tar.zst", ".tar"];

/// Reads the value of `--source`; a path is relative to `folder`. An existing folder wins over every other reading.
pub fn parse_source_argument(text: &str, folder: &Path) -> Result<SourceSpec, ArgumentError> {
    let path = folder.join(text);
    if !text.is_empty() && path.is_dir() {
        return Ok(SourceSpec::Folder { path: HostPath::new(path) });
    }
    if path.is_file() {
        return Err(ArgumentError::File { path: PathBuf::from(text) });
    }
    let Some((scheme, _)) = text.split_once("://") else {
        // The short form of ssh: user@host:path.
        return match text.split_once(':') {
            Some((host, _)) if host.contains('@') && !host.contains('/') => {
                Err(ArgumentError::Ssh { url: redacted(text) })
            }
            Some(_) | None => Err(ArgumentError::Unknown { text: redacted(text) }),
        };
    };
    match scheme {
        "http" | "https" | "git" | "file" => {}
        "ssh" | "git+ssh" => return Err(ArgumentError::Ssh { url: redacted(text) }),
        _ => return Err(ArgumentError::Unknown { text: redacted(text) }),
    }
    let (url, fragment) = match text.split_once('#') {
        Some((url, fragment)) => (url, Some(fragment)),
        None => (text, None),
    };
    let address = url.split('?').next().unwrap_or(url);
    if scheme.starts_with("http") && ARCHIVES.iter().any(|ending| address.ends_with(ending)) {
        return archive(url, fragment);
    }
    let (reference, commit) = match fragment {
        Some(fragment) => reference(fragment)?,
        None => (None, None),
    };
    Ok(SourceSpec::Git { url: url.to_owned(), reference, commit, subdir: None })
}

fn archive(url: &str, fragment: Option<&str>) -> Result<SourceSpec, ArgumentError> {
    let digest = fragment.and_then(|fragment| fragment.strip_prefix("sha256="));
    let digest = digest.ok_or_else(|| ArgumentError::NoDigest { url: redacted(url) })?;
    let sha256: Digest = digest.parse().map_err(|reason: crate::model::DigestError| {
        ArgumentError::BadDigest { url: redacted(url), reason: reason.to_string() }
    })?;
    Ok(SourceSpec::Tarball { urls: vec![url.to_owned()], sha256 })
}

fn reference(fragment: &str) -> Result<(Option<String>, Option<CommitId>), ArgumentError> {
    if let Ok(commit) = fragment.parse::<CommitId>() {
        return Ok((None, Some(commit)));
    }
    if is_abbreviated(fragment) {
        return Err(ArgumentError::Abbreviated { reference: fragment.to_owned() });
    }
    match is_reference(fragment) {
        true => Ok((Some(fragment.to_owned()), None)),
        false => Err(ArgumentError::BadReference { reference: fragment.to_owned() }),
    }
}

/// Whether the text looks like a commit id cut short.
pub(super) fn is_abbreviated(text: &str) -> bool {
    (7..40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether git takes the text for the name of a tag or branch; nothing else may reach a refspec.
pub(super) fn is_reference(text: &str) -> bool {
    !text.starts_with('-') && git2::Reference::is_valid_name(&format!("refs/tags/{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SourceSpec, ArgumentError> {
        parse_source_argument(text, Path::new("/nowhere"))
    }

    #[test]
    fn an_address_is_git_with_a_reference_or_an_archive_with_a_digest() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(
            parse(&format!("https://example.org/MIOpen.git#{commit}")),
            Ok(SourceSpec::Git {
                url: "https://example.org/MIOpen.git".to_owned(),
                reference: None,
                commit: Some(commit.parse().unwrap()),
                subdir: None,
            })
        );
        assert_eq!(
            parse("https://example.org/MIOpen#rocm-6.4.3"),
            Ok(SourceSpec::Git {
                url: "https://example.org/MIOpen".to_owned(),
                reference: Some("rocm-6.4.3".to_owned()),
                commit: None,
                subdir: None,
            })
        );
        let sha256 = Digest::of("x");
        let url = "https://example.org/a.tar.xz".to_owned();
        assert_eq!(
            parse(&format!("{url}#sha256={sha256}")),
            Ok(SourceSpec::Tarball { urls: vec![url.clone()], sha256 })
        );
        assert_eq!(parse(&url), Err(ArgumentError::NoDigest { url }));
    }

    #[test]
    fn a_folder_is_taken_as_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().to_str().unwrap();
        assert_eq!(parse(text), Ok(SourceSpec::Folder { path: HostPath::new(folder.path()) }));
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let path = HostPath::new(folder.path().join("sub"));
        assert_eq!(parse_source_argument("sub", folder.path()), Ok(SourceSpec::Folder { path }));
        assert!(matches!(parse_source_argument("", folder.path()), Err(ArgumentError::Unknown { .. })));
    }

    #[test]
    fn what_names_nothing_for_sure_is_refused() {
        let short = parse("https://example.org/x.git#2d1fd997a").unwrap_err();
        assert_eq!(short, ArgumentError::Abbreviated { reference: "2d1fd997a".to_owned() });
        for bad in ["", "-upload-pack=x", "a..b", "refs/heads/*", "a b"] {
            let error = parse(&format!("https://example.org/x.git#{bad}")).unwrap_err();
            assert_eq!(error, ArgumentError::BadReference { reference: bad.to_owned() });
        }
        assert!(matches!(parse("git@example.org:x.git"), Err(ArgumentError::Ssh { .. })));
        assert!(matches!(parse("./no/such/folder"), Err(ArgumentError::Unknown { .. })));
    }
}
