//! Logging in: a password that the registry takes is kept where Docker would keep it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::file::{ConfigFile, read_bytes};
use super::{Credential, CredentialsError, helper};

/// Where a password was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    Helper {
        program: String,
    },
    /// As base64, which hides nothing: whoever may read the file has it.
    File {
        path: PathBuf,
    },
}

/// Keeps a registry's password: by the helper that the file names, else in the file itself.
pub async fn login(
    registry: &str,
    credential: &Credential,
    file: Option<&Path>,
) -> Result<Kept, CredentialsError> {
    let path = file.ok_or(CredentialsError::NoFile)?;
    let known = ConfigFile::read(path)?.unwrap_or_default();
    if let Some(name) = known.helper(registry) {
        helper::store(name, registry, credential).await?;
        return Ok(Kept::Helper { program: format!("docker-credential-{name}") });
    }
    write(path, registry, credential)?;
    Ok(Kept::File { path: path.to_owned() })
}

/// Adds the password to the file, in which all else stays as it is.
fn write(path: &Path, key: &str, credential: &Credential) -> Result<(), CredentialsError> {
    let unwritable = |source| CredentialsError::Unwritable { path: path.to_owned(), source };
    // Many have it in another folder, by a symlink, which stays one.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unwritable)?;
    let mut document = match read_bytes(&path).map_err(unwritable)? {
        Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| unwritable(error.into()))?,
        None => json!({}),
    };
    let entry = match credential {
        Credential::Password { user, secret } => {
            json!({ "auth": STANDARD.encode(format!("{user}:{}", secret.expose())) })
        }
        Credential::Identity(secret) => json!({ "identitytoken": secret.expose() }),
    };
    match document.get_mut("auths").and_then(Value::as_object_mut) {
        Some(auths) => drop(auths.insert(key.to_owned(), entry)),
        None => document["auths"] = json!({ key: entry }),
    }
    let mut text = serde_json::to_vec_pretty(&document).expect("a document has only text keys");
    text.push(b'\n');
    let replace = || {
        // Private from its first moment.
        let mut file = tempfile::Builder::new()
            .prefix(".config-")
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(folder)?;
        file.write_all(&text)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    };
    replace().map_err(unwritable)
}
