//! Writes what vouches for a package, and signs it.

use std::path::{Path, PathBuf};

use super::beside::{Beside, SignatureKind, name};
use super::envelope::{self, Envelope};
use super::error::AttestError;
use super::files;
use super::key::SigningKey;
use super::list::{self, Listed};
use super::provenance::{Statement, Subject};
use super::sbom::Sbom;
use crate::model::{Digest, Manifest};
use crate::package;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    pub archive: PathBuf,
    /// SBOM and provenance; where it was signed, also the list and its signature.
    pub files: Vec<PathBuf>,
    /// Fingerprint of the key that signed.
    pub signer: Option<String>,
}

/// Signs a package that a person names: its digest and its manifest are held against the archive first.
pub fn sign(archive: &Path, key: Option<&SigningKey>) -> Result<Attested, AttestError> {
    let beside = Beside::of(archive)?;
    let sha256 = files::digest_of(archive)?;
    if let Some(text) = files::read_if_there(&beside.list(), list::LIMIT)? {
        let expected =
            String::from_utf8_lossy(&text).split_whitespace().next().unwrap_or_default().to_owned();
        if expected != sha256.to_string() {
            let (archive, list) = (archive.to_owned(), beside.list());
            return Err(AttestError::WrongDigest { archive, list, found: sha256, expected });
        }
    }
    let (manifest, _) = manifest_beside(&beside)?;
    if !is_same(manifest, package::read_manifest(archive)?) {
        let (archive, manifest) = (archive.to_owned(), beside.manifest().to_owned());
        return Err(AttestError::OtherManifest { archive, manifest });
    }
    attest(archive, sha256, key)
}

/// Makes SBOM and provenance of a package anew from the manifest beside it, and signs where there is a key. A signature
/// that was there is gone: it is of the old ones.
pub fn attest(archive: &Path, sha256: Digest, key: Option<&SigningKey>) -> Result<Attested, AttestError> {
    let beside = Beside::of(archive)?;
    let (manifest, manifest_sha256) = manifest_beside(&beside)?;
    withdraw(archive)?;

    let sbom = sbom_text(&manifest, sha256);
    package::replace(&beside.sbom(), &sbom)?;
    let subjects = subjects(&beside, sha256, manifest_sha256, Digest::of(&sbom));
    let statement = statement_text(&Statement::of(&manifest, &name(beside.manifest()), subjects.clone()));
    let provenance = match key {
        None => [statement.as_slice(), b"\n"].concat(),
        Some(key) => sealed(&statement, key)?,
    };
    package::replace(&beside.provenance(), &provenance)?;
    let mut written = vec![beside.sbom(), beside.provenance()];

    if let Some(key) = key {
        // The archive first, which is what others read of the list.
        let lines: Vec<Listed> = beside
            .covered()
            .iter()
            .zip([sha256, manifest_sha256, Digest::of(&sbom), Digest::of(&provenance)])
            .map(|(path, sha256)| Listed { name: name(path), sha256 })
            .collect();
        let text = list::text(&lines);
        let signature = key.sign_detached(text.as_bytes())?;
        package::replace(&beside.list(), text.as_bytes())?;
        let place = beside.signature(key.signature_kind());
        package::replace(&place, signature.as_bytes())?;
        written.extend([beside.list(), place]);
    }
    Ok(Attested { archive: archive.to_owned(), files: written, signer: key.map(SigningKey::fingerprint) })
}

/// Removes the signature of a package whose files are about to change; says whether there was one.
pub fn withdraw(archive: &Path) -> Result<bool, AttestError> {
    let beside = Beside::of(archive)?;
    let mut was_there = false;
    for place in SignatureKind::ALL.map(|kind| beside.signature(kind)) {
        match std::fs::remove_file(&place) {
            Ok(()) => was_there = true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(AttestError::removing(&place, error)),
        }
    }
    if was_there && let Some(text) = files::read_if_there(&beside.list(), list::LIMIT)? {
        // The rest of the list is of files that change now.
        let archive_line: Vec<u8> =
            text.split_inclusive(|byte| *byte == b'\n').take(1).flatten().copied().collect();
        package::replace(&beside.list(), &archive_line)?;
    }
    Ok(was_there)
}

/// The manifest beside a package and the digest of its file.
pub(super) fn manifest_beside(beside: &Beside) -> Result<(Manifest, Digest), AttestError> {
    let path = beside.manifest();
    let none = || AttestError::NoManifest { archive: beside.archive().to_owned(), manifest: path.to_owned() };
    let text = files::read_if_there(path, Manifest::LARGEST)?.ok_or_else(none)?;
    let manifest = serde_json::from_slice(&text)
        .map_err(|error| AttestError::BadManifest { path: path.to_owned(), reason: error.to_string() })?;
    Ok((manifest, Digest::of(&text)))
}

/// Whether the manifest beside a package is that of the package: image and report are only known beside it.
pub(super) fn is_same(mut beside: Manifest, inside: Manifest) -> bool {
    beside.verification = None;
    beside.toolchain.image = inside.toolchain.image.clone();
    beside == inside
}

pub(super) fn sbom_text(manifest: &Manifest, sha256: Digest) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(&Sbom::of(manifest, sha256)).expect("a bill has only text keys");
    text.push(b'\n');
    text
}

/// What provenance is about: everything but itself.
pub(super) fn subjects(beside: &Beside, archive: Digest, manifest: Digest, sbom: Digest) -> Vec<Subject> {
    vec![
        Subject::new(beside.archive(), archive),
        Subject::new(beside.manifest(), manifest),
        Subject::new(&beside.sbom(), sbom),
    ]
}

fn statement_text(statement: &Statement) -> Vec<u8> {
    serde_json::to_vec(statement).expect("a statement has only text keys")
}

/// A statement in its envelope, on a line.
fn sealed(statement: &[u8], key: &SigningKey) -> Result<Vec<u8>, AttestError> {
    let signature = key.sign_detached(&envelope::signed_bytes(statement))?;
    let envelope = Envelope::new(statement, key.fingerprint(), &signature);
    let mut line = serde_json::to_vec(&envelope).expect("an envelope has only text keys");
    line.push(b'\n');
    Ok(line)
}
