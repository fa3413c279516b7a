//! `config.json` of Docker and `auth.json` of Podman, as far as passwords go.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{Credential, CredentialsError, Secret};

/// More than any configuration takes.
const LARGEST: u64 = 16 << 20;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ConfigFile {
    auths: BTreeMap<String, Entry>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// Base64 of `user:password`.
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

impl ConfigFile {
    /// Nothing where there is no such file.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, CredentialsError> {
        let unreadable = |reason| CredentialsError::Unreadable { path: path.to_owned(), reason };
        let Some(bytes) = read_bytes(path).map_err(|error| unreadable(error.to_string()))? else {
            return Ok(None);
        };
        // The reason names a line, never its text.
        let place = |error: serde_json::Error| {
            unreadable(format!("line {}, column {}", error.line(), error.column()))
        };
        serde_json::from_slice(&bytes).map(Some).map_err(place)
    }

    /// The helper that keeps the password of a registry.
    pub(super) fn helper(&self, registry: &str) -> Option<&str> {
        self.cred_helpers
            .get(registry)
            .or(Some(&self.creds_store))
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// The password of a registry that stands in the file itself.
    pub(super) fn credential(&self, registry: &str) -> Option<Credential> {
        let exact = self.auths.get(registry);
        let host = || self.auths.iter().find(|(key, _)| names(key, registry)).map(|(_, entry)| entry);
        exact.and_then(Entry::credential).or_else(|| host().and_then(Entry::credential))
    }
}

impl Entry {
    fn credential(&self) -> Option<Credential> {
        if !self.identitytoken.is_empty() {
            return Some(Credential::Identity(Secret::new(&self.identitytoken)));
        }
        let (user, secret) = match STANDARD.decode(self.auth.trim()).ok().map(String::from_utf8) {
            Some(Ok(text)) if !text.is_empty() => {
                let (user, secret) = text.split_once(':')?;
                // Docker pads with NUL.
                (user.to_owned(), secret.trim_end_matches('\0').to_owned())
            }
            Some(Ok(_) | Err(_)) | None => (self.username.clone(), self.password.clone()),
        };
        Credential::new(user, secret)
    }
}

pub(super) fn read_bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        // A path through a file leads nowhere either.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    match file.take(LARGEST + 1).read_to_end(&mut bytes)? as u64 > LARGEST {
        true => Err(io::Error::other(format!("it has more than {LARGEST} bytes"))),
        false => Ok(Some(bytes)),
    }
}

/// Whether a key of `auths` is the registry's: some write it as an address, with `/v1/` or `/v2/` behind it.
fn names(key: &str, registry: &str) -> bool {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    host == registry && matches!(path.trim_end_matches('/'), "" | "v1" | "v2")
}
