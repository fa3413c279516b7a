//! The half for dnf and zypper: packages, each signed, and `repodata/`, whose signed `repomd.xml` names all else by its digest.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use super::metadata::{self, Described};
use super::{PUBLIC_KEY, RepositoryError, Task, files, rpm_signature};
use crate::model::Digest;

const FOLDER: &str = "rpm";
const SETTINGS: &str = "rdna-build.repo";

/// Puts a package into the repository, with the key's signature; gives its path if it was not there.
pub(super) fn add(package: &Path, task: &Task<'_>) -> Result<Option<String>, RepositoryError> {
    let place = task.folder.join(FOLDER).join("packages").join(package.file_name().unwrap_or_default());
    let read = open(package)?;
    if place.exists() {
        // The signatures differ by their times; what they are about must not.
        return match header_digest(&read, package)? == header_digest(&open(&place)?, &place)? {
            true => Ok(None),
            false => Err(RepositoryError::OtherBytes { path: place }),
        };
    }
    let Some(key) = task.key else {
        return Ok(files::add(package, &place)?.then(|| files::relative(task.folder, &place)));
    };
    let bytes = fs::read(package).map_err(RepositoryError::io("reading", package))?;
    let damaged = || RepositoryError::Unreadable {
        path: package.to_owned(),
        reason: "its signature header cannot be read".to_owned(),
    };
    let payload = read.metadata.get_package_segment_offsets().payload as usize;
    let signature = key
        .sign_detached_bytes(rpm_signature::signed(&bytes, payload).ok_or_else(damaged)?)
        .map_err(|reason| RepositoryError::Sign { what: "a package for dnf", reason })?;
    let bytes = rpm_signature::with_signature(&bytes, &signature, key.is_rsa()).ok_or_else(damaged)?;
    files::replace(&place, &bytes)?;
    Ok(Some(files::relative(task.folder, &place)))
}

fn open(path: &Path) -> Result<rpm::Package, RepositoryError> {
    let file = File::open(path).map_err(RepositoryError::io("opening", path))?;
    let package = rpm::Package::parse(&mut BufReader::new(file)).map_err(|error| unreadable(path, error))?;
    package.verify_digests().map_err(|error| unreadable(path, error))?;
    Ok(package)
}

/// Of the header, which names the digest of the payload.
fn header_digest(package: &rpm::Package, path: &Path) -> Result<Digest, RepositoryError> {
    Ok(Digest::of(package.header_bytes().map_err(|error| unreadable(path, error))?))
}

fn unreadable(path: &Path, error: rpm::Error) -> RepositoryError {
    RepositoryError::Unreadable { path: path.to_owned(), reason: error.to_string() }
}

/// Makes the indexes anew; tells how many packages are in them.
pub(super) fn index(task: &Task<'_>) -> Result<usize, RepositoryError> {
    let root = task.folder.join(FOLDER);
    let packages = files::below(&root.join("packages"), ".rpm")?;
    let repodata = root.join("repodata");
    if packages.is_empty() && !repodata.exists() {
        return Ok(0);
    }
    let mut described = Vec::new();
    for path in &packages {
        let (sha256, size) = files::digest(path)?;
        let file = File::open(path).map_err(RepositoryError::io("opening", path))?;
        let modified = file.metadata().and_then(|metadata| metadata.modified());
        let modified = modified.map_err(RepositoryError::io("reading", path))?;
        let modified = modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
        let read = rpm::PackageMetadata::parse(&mut BufReader::new(file));
        let metadata = read.map_err(|error| unreadable(path, error))?;
        described.push(Described { metadata, size, sha256, modified, place: files::relative(&root, path) });
    }
    let mut entries = Vec::new();
    let mut names = Vec::new();
    for (kind, text) in
        metadata::documents(&described).map_err(|(path, error)| unreadable(&root.join(path), error))?
    {
        let packed = files::gzip(text.as_bytes());
        let digest = Digest::of(&packed);
        let name = format!("{digest}-{kind}.xml.gz");
        files::replace(&repodata.join(&name), &packed)?;
        entries.push(metadata::Index {
            kind,
            name: name.clone(),
            size: packed.len(),
            digest,
            open_size: text.len(),
            open_digest: Digest::of(&text),
        });
        names.push(name);
    }
    let before = last_indexes(&repodata);
    let repomd = metadata::repomd(&entries, task.now);
    sign(task, &repodata, &repomd)?;
    let signed = ["repomd.xml", "repomd.xml.asc", "repomd.xml.key"].map(str::to_owned);
    files::keep_only(&repodata, &[&names, &before, &signed])?;
    Ok(packages.len())
}

/// Signature and text change one after the other: whoever reads in between asks again, as with any mirror.
fn sign(task: &Task<'_>, repodata: &Path, repomd: &str) -> Result<(), RepositoryError> {
    let signature = repodata.join("repomd.xml.asc");
    match task.key {
        Some(key) => {
            let failed = |reason| RepositoryError::Sign { what: "the index for dnf", reason };
            let signed = key.sign_detached(repomd.as_bytes()).map_err(failed)?;
            files::replace(&repodata.join("repomd.xml.key"), key.public_armored().as_bytes())?;
            files::replace(&signature, signed.as_bytes())?;
        }
        None if signature.exists() => {
            fs::remove_file(&signature).map_err(RepositoryError::io("removing", &signature))?;
        }
        None => {}
    }
    files::replace(&repodata.join("repomd.xml"), repomd.as_bytes())
}

/// The indexes that the state before this one names.
fn last_indexes(repodata: &Path) -> Vec<String> {
    let text = fs::read_to_string(repodata.join("repomd.xml")).unwrap_or_default();
    let names = text.split("href=\"repodata/").skip(1).filter_map(|rest| rest.split('"').next());
    names.map(str::to_owned).collect()
}

/// What people put into `/etc/yum.repos.d`.
pub(super) fn settings(task: &Task<'_>, url: &str) -> Result<String, RepositoryError> {
    let trust = match task.key {
        Some(_) => format!("gpgcheck=1\nrepo_gpgcheck=1\ngpgkey={url}/{PUBLIC_KEY}\n"),
        None => "gpgcheck=0\nrepo_gpgcheck=0\n".to_owned(),
    };
    let text = format!(
        "[rdna-build]\nname=ROCm libraries for RDNA1 GPUs\nbaseurl={url}/{FOLDER}\nenabled=1\n{trust}"
    );
    files::replace(&task.folder.join(SETTINGS), text.as_bytes())?;
    Ok(SETTINGS.to_owned())
}
