//! The address of a repository: `ghcr.io/owner/name`, `127.0.0.1:5000/store`.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// The longest host and path that the distribution specification leaves room for.
const LONGEST: usize = 255;

/// A repository of a registry. Its parts are plain: nothing in them leads to another place of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Host and, where there is one, port.
    registry: String,
    /// Lowercase parts with `/` between them.
    path: String,
}

/// Why a text is not the address of a repository or registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("`{text}` names no repository: expected is REGISTRY/PATH, e.g. ghcr.io/owner/name")]
    NoPath { text: String },
    #[error(
        "`{text}` is an address of the web: expected is REGISTRY/PATH without `https://`, e.g. ghcr.io/owner/name"
    )]
    Scheme { text: String },
    #[error("`{host}` is no host with or without a port, e.g. ghcr.io or localhost:5000")]
    Host { host: String },
    #[error(
        "`{path}` is no path in a registry: lowercase letters, digits and single `.`, `_`, `-` between `/`"
    )]
    Path { path: String },
}

impl Repository {
    /// A registry without a repository, for logging in.
    pub(super) fn none(registry: &str) -> Result<Self, AddressError> {
        check_host(registry)?;
        Ok(Self { registry: registry.to_owned(), path: String::new() })
    }

    /// Host and port as a person writes them.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// `https://host/v2/path/`, which every question begins with.
    pub(super) fn url(&self) -> String {
        let scheme = if is_loopback(&self.registry) { "http" } else { "https" };
        let slash = if self.path.is_empty() { "" } else { "/" };
        format!("{scheme}://{}/v2/{}{slash}", self.registry, self.path)
    }

    /// Whether it is on this machine, where plain http is spoken.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.registry)
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl FromStr for Repository {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.contains("://") {
            return Err(AddressError::Scheme { text: without_password(text) });
        }
        let Some((registry, path)) = text.split_once('/') else {
            return Err(AddressError::NoPath { text: without_password(text) });
        };
        check_host(registry)?;
        match path.len() <= LONGEST && path.split('/').all(is_part) {
            true => Ok(Self { registry: registry.to_owned(), path: path.to_owned() }),
            false => Err(AddressError::Path { path: path.to_owned() }),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.path)
    }
}

/// Whether the text is a host with or without a port.
pub fn check_host(text: &str) -> Result<(), AddressError> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let has_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    match text.len() <= LONGEST && host.split('.').all(is_label) && has_port {
        true => Ok(()),
        false => Err(AddressError::Host { host: without_password(text) }),
    }
}

fn is_loopback(registry: &str) -> bool {
    let host = registry.split(':').next().unwrap_or_default();
    host == "localhost" || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, as the distribution specification has it.
fn is_part(part: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separated =
        |between: &str| matches!(between, "" | "." | "_" | "__") || between.chars().all(|c| c == '-');
    part.starts_with(is_plain) && part.ends_with(is_plain) && part.split(is_plain).all(separated)
}

/// A wrong address may have been typed with a password in it.
fn without_password(text: &str) -> String {
    match (text.find("://").map_or(0, |at| at + 3), text.rfind('@')) {
        (start, Some(at)) if at >= start => format!("{}***{}", &text[..start], &text[at..]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> String {
        text.parse::<Repository>().unwrap().url()
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        assert_eq!(url("ghcr.io/owner/name"), "https://ghcr.io/v2/owner/name/");
        assert_eq!(url("localhost:5000/a"), "http://localhost:5000/v2/a/");
        assert_eq!(url("127.1.2.3/a/b"), "http://127.1.2.3/v2/a/b/");
        assert_eq!(url("127.0.0.1.example.org/a"), "https://127.0.0.1.example.org/v2/a/");
    }

    #[test]
    fn what_is_no_repository_is_told_why() {
        let why = |text: &str| text.parse::<Repository>().unwrap_err().to_string();
        assert!(why("ghcr.io").contains("names no repository"));
        assert!(why("https://ghcr.io/a").contains("without `https://`"));
        for text in ["me@host/a", "host:0/a", "host:x/a", "/a", "a..b/c", "host:99999/a", "h ost/a"] {
            assert!(why(text).contains("is no host"), "{text}");
        }
        for text in
            ["host/", "host/A", "host/../a", "host/a//b", "host/a?b", "host/a:tag", "host/a@b", "host/-a"]
        {
            assert!(why(text).contains("is no path"), "{text}");
        }
        assert!("host/a.b_c__d--e/f0".parse::<Repository>().is_ok());
    }

    #[test]
    fn a_password_in_a_wrong_address_is_not_repeated() {
        for text in ["https://me:secret@ghcr.io/a", "me:secret@ghcr.io/a", "me:secret@ghcr.io"] {
            let why = text.parse::<Repository>().unwrap_err().to_string();
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
