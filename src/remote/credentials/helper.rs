//! `docker-credential-…`: programs that keep passwords, spoken to as Docker does. Passwords go through pipes only.

use std::process::{Output, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::{Credential, CredentialsError, IDENTITY_USER};
use crate::model::printable;

/// One that asks a person for leave may take its time; one that hangs may not.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a helper says where it knows nothing of a registry.
const NOT_FOUND: &str = "credentials not found";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Spoken {
    #[serde(rename = "ServerURL", default)]
    server: String,
    username: String,
    secret: String,
}

/// The password that a helper keeps for `server`, if it keeps one.
pub(super) async fn get(name: &str, server: &str) -> Result<Option<Credential>, CredentialsError> {
    let output = run(name, "get", server.as_bytes()).await?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return match said.contains(NOT_FOUND) {
            true => Ok(None),
            false => Err(failed(name, &output)),
        };
    }
    let spoken: Spoken = serde_json::from_str(&said)
        .map_err(|_| error(name, "its answer is not the JSON that Docker's helpers give".to_owned()))?;
    Ok(Credential::new(spoken.username, spoken.secret))
}

/// Has a helper keep a password.
pub(super) async fn store(name: &str, server: &str, credential: &Credential) -> Result<(), CredentialsError> {
    let (user, secret) = match credential {
        Credential::Password { user, secret } => (user.as_str(), secret),
        Credential::Identity(secret) => (IDENTITY_USER, secret),
    };
    let spoken =
        Spoken { server: server.to_owned(), username: user.to_owned(), secret: secret.expose().to_owned() };
    let input = serde_json::to_vec(&spoken).expect("it has only text keys");
    let output = run(name, "store", &input).await?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(name, &output)),
    }
}

async fn run(name: &str, verb: &str, input: &[u8]) -> Result<Output, CredentialsError> {
    // The name comes from a file: it must not lead to a program elsewhere.
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return Err(error(name, "that is no name of a helper".to_owned()));
    }
    let spoken = async {
        let mut child = Command::new(format!("docker-credential-{name}"))
            .arg(verb)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that ends without reading says why by its status.
            let _ = stdin.write_all(input).await;
        }
        child.wait_with_output().await
    };
    match timeout(PATIENCE, spoken).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(reason)) => Err(error(name, reason.to_string())),
        Err(_) => Err(error(name, format!("it said nothing for {} s", PATIENCE.as_secs()))),
    }
}

/// What it wrote to standard output may hold the password.
fn failed(name: &str, output: &Output) -> CredentialsError {
    let said = String::from_utf8_lossy(&output.stderr);
    let said = match said.trim() {
        "" => String::new(),
        said => format!(": {}", printable(said, 200)),
    };
    error(name, format!("{}{said}", output.status))
}

fn error(name: &str, reason: String) -> CredentialsError {
    CredentialsError::Helper { program: printable(&format!("docker-credential-{name}"), 80), reason }
}
