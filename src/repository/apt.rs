//! The half for apt: `pool/`, an index of it, and the signed `InRelease` that names the index by its digest.

use std::fs;
use std::path::Path;

use super::{RepositoryError, Task, files};
use crate::model::{Digest, rfc_5322};
use crate::package;

const FOLDER: &str = "apt";
const SUITE: &str = "stable";
const COMPONENT: &str = "main";
const ARCHITECTURE: &str = "amd64";
const SETTINGS: &str = "rdna-build.sources";

/// Puts a package into the pool; gives its path if it was not there.
pub(super) fn add(package: &Path, task: &Task<'_>) -> Result<Option<String>, RepositoryError> {
    let control = control(package)?;
    let name = field(&control, "Package").ok_or_else(|| RepositoryError::Unreadable {
        path: package.to_owned(),
        reason: "it does not say its name".to_owned(),
    })?;
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c))
        || name.starts_with('.')
    {
        let reason = format!("it calls itself {name:?}");
        return Err(RepositoryError::Unreadable { path: package.to_owned(), reason });
    }
    let file = package.file_name().unwrap_or_default();
    let place = task.folder.join(FOLDER).join("pool").join(COMPONENT).join(name).join(file);
    Ok(files::add(package, &place)?.then(|| files::relative(task.folder, &place)))
}

/// Makes the index anew; tells how many packages are in it.
pub(super) fn index(task: &Task<'_>) -> Result<usize, RepositoryError> {
    let root = task.folder.join(FOLDER);
    let packages = files::below(&root.join("pool"), ".deb")?;
    let release = root.join("dists").join(SUITE);
    if packages.is_empty() && !release.exists() {
        return Ok(0);
    }
    let mut text = String::new();
    for package in &packages {
        let (sha256, size) = files::digest(package)?;
        let control = control(package)?;
        text += &format!(
            "{}\nFilename: {}\nSize: {size}\nSHA256: {sha256}\n\n",
            control.trim_end(),
            files::relative(&root, package)
        );
    }
    let binary = format!("{COMPONENT}/binary-{ARCHITECTURE}");
    let packed = files::gzip(text.as_bytes());
    let indexes = [("Packages", text.into_bytes()), ("Packages.gz", packed)];

    let mut sums = String::new();
    let mut names = Vec::new();
    for (name, bytes) in &indexes {
        let digest = Digest::of(bytes);
        // By its digest, so that apt never gets the index of another state than the one that is signed.
        files::replace(&release.join(&binary).join("by-hash/SHA256").join(digest.to_string()), bytes)?;
        files::replace(&release.join(&binary).join(name), bytes)?;
        sums += &format!(" {digest} {:>16} {binary}/{name}\n", bytes.len());
        names.push(digest.to_string());
    }
    let before = last_indexes(&release);
    sign(task, &release, &signed_text(task.now, &sums))?;
    files::keep_only(&release.join(&binary).join("by-hash/SHA256"), &[&names, &before])?;
    Ok(packages.len())
}

fn signed_text(now: u64, sums: &str) -> String {
    let date = rfc_5322(now).replace("+0000", "UTC");
    format!(
        "Origin: rdna-build\nLabel: rdna-build\nSuite: {SUITE}\nCodename: {SUITE}\nDate: {date}\nArchitectures: {ARCHITECTURE}\nComponents: {COMPONENT}\nDescription: ROCm libraries for RDNA1 GPUs\nAcquire-By-Hash: yes\nSHA256:\n{sums}"
    )
}

/// Writes `Release` in the forms that apt knows, the one that it asks for first last.
fn sign(task: &Task<'_>, release: &Path, text: &str) -> Result<(), RepositoryError> {
    files::replace(&release.join("Release"), text.as_bytes())?;
    let (detached, inline) = (release.join("Release.gpg"), release.join("InRelease"));
    let Some(key) = task.key else {
        // Signatures of an older state would not fit.
        for path in [&detached, &inline] {
            if path.exists() {
                fs::remove_file(path).map_err(RepositoryError::io("removing", path))?;
            }
        }
        return Ok(());
    };
    let failed = |reason| RepositoryError::Sign { what: "the index for apt", reason };
    files::replace(&detached, key.sign_detached(text.as_bytes()).map_err(failed)?.as_bytes())?;
    files::replace(&inline, key.sign_cleartext(text).map_err(failed)?.as_bytes())
}

/// The digests that the state before this one names.
fn last_indexes(release: &Path) -> Vec<String> {
    let text = fs::read_to_string(release.join("Release")).unwrap_or_default();
    let words = text.lines().filter_map(|line| line.strip_prefix(' ')?.split(' ').next());
    words.map(str::to_owned).collect()
}

/// What people put into `/etc/apt/sources.list.d`.
pub(super) fn settings(task: &Task<'_>, url: &str) -> Result<String, RepositoryError> {
    let trust = match task.key {
        // Inside, so that one file is enough: apt reads a key among its sources since 2.3.10.
        Some(key) => {
            let key = key.public_armored();
            let lines = key.lines().map(|line| if line.trim().is_empty() { " ." } else { line });
            format!("Signed-By:\n{}", lines.map(|line| format!(" {}\n", line.trim())).collect::<String>())
        }
        None => "Trusted: yes\n".to_owned(),
    };
    let text = format!(
        "Types: deb\nURIs: {url}/{FOLDER}\nSuites: {SUITE}\nComponents: {COMPONENT}\nArchitectures: {ARCHITECTURE}\n{trust}"
    );
    let path = task.folder.join(SETTINGS);
    files::replace(&path, text.as_bytes())?;
    Ok(SETTINGS.to_owned())
}

fn control(package: &Path) -> Result<String, RepositoryError> {
    let text = package::read_control(package)?;
    // A blank line would begin another package in the index.
    Ok(text.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n"))
}

/// A field of one line.
fn field<'t>(control: &'t str, name: &str) -> Option<&'t str> {
    control.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
}
