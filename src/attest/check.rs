//! Holds a package against everything that lies beside it.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::beside::{Beside, name};
use super::envelope::Envelope;
use super::error::AttestError;
use super::list::Listed;
use super::provenance::{self, Statement, Subject};
use super::public::PublicKeys;
use super::sbom::{self, Sbom};
use super::signature::{Signed, read_list, signed};
use super::{files, write};
use crate::model::{CheckOutcome, Digest, Manifest};
use crate::package::{self, PackageError};
use crate::plan::TOOL;

/// What was found of a package.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Checked {
    pub package: String,
    pub sha256: Digest,
    pub findings: Vec<Finding>,
    #[serde(flatten)]
    pub signed: Signed,
}

/// What one question came to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    pub check: &'static str,
    #[serde(flatten)]
    pub outcome: CheckOutcome,
    pub says: String,
}

/// Something is not what it must be; or it is not there: what is missing.
enum Doubt {
    Wrong(String),
    Missing(String),
}

type Answer = Result<String, Doubt>;

/// The digests of what a signature covers, in the order of [`Beside::covered`], of what was read: beyond their limits files are
/// not read at all.
type Found = [Option<Digest>; 4];

impl Checked {
    pub fn failed(&self) -> usize {
        self.findings.iter().filter(|finding| finding.outcome == CheckOutcome::Failed).count()
    }
}

/// Checks a package at the time `now` (seconds since 1970). It is unpacked into an empty folder of the caller's. Where
/// `is_required`, a signature by a trusted key must be there.
pub fn check(
    archive: &Path,
    scratch: &Path,
    keys: &PublicKeys,
    is_required: bool,
    now: u64,
    cancel: &CancellationToken,
) -> Result<Checked, AttestError> {
    let beside = Beside::of(archive)?;
    let (sha256, inside, files) = open(archive, scratch, cancel)?;
    let list = read_list(&beside)?;
    let manifest = match write::manifest_beside(&beside) {
        Ok(found) => Ok(found),
        Err(AttestError::NoManifest { manifest, .. }) => Err(missing(&manifest)),
        Err(AttestError::BadManifest { reason, .. }) => Err(Doubt::Wrong(reason)),
        Err(AttestError::TooLarge { limit, .. }) => Err(too_large(limit)),
        Err(other) => return Err(other),
    };
    let sbom_text = read(&beside.sbom(), sbom::LIMIT)?;
    let provenance_text = read(&beside.provenance(), provenance::LIMIT)?;
    let signed = signed(archive, keys, now)?;
    let digest = |text: &Result<Vec<u8>, Doubt>| text.as_ref().ok().map(Digest::of);
    let found = [
        Some(sha256),
        manifest.as_ref().ok().map(|(_, digest)| *digest),
        digest(&sbom_text),
        digest(&provenance_text),
    ];

    let findings = vec![
        finding("archive", of_archive(&beside, sha256, list.as_ref())),
        finding("files", files),
        finding("manifest", of_manifest(manifest.as_ref(), inside.as_ref())),
        finding("sbom", of_sbom(&sbom_text, manifest.as_ref(), sha256)),
        finding("provenance", of_provenance(&beside, &provenance_text, manifest.as_ref(), found)),
        finding("report", of_report(manifest.as_ref())),
        finding("signature", of_signature(&beside, &signed, found, list.as_ref(), is_required)),
    ];
    Ok(Checked { package: name(archive), sha256, findings, signed })
}

fn finding(check: &'static str, answer: Answer) -> Finding {
    let (outcome, says) = match answer {
        Ok(says) => (CheckOutcome::Passed, says),
        Err(Doubt::Wrong(says)) => (CheckOutcome::Failed, says),
        Err(Doubt::Missing(missing)) => (CheckOutcome::Skipped { missing: missing.clone() }, missing),
    };
    Finding { check, outcome, says }
}

fn missing(path: &Path) -> Doubt {
    Doubt::Missing(format!("there is no {} beside it", name(path)))
}

fn too_large(limit: u64) -> Doubt {
    Doubt::Wrong(format!("it is larger than {limit} bytes"))
}

/// A file beside the package, or why there is nothing to look at.
fn read(path: &Path, limit: u64) -> Result<Result<Vec<u8>, Doubt>, AttestError> {
    match files::read_if_there(path, limit) {
        Ok(Some(text)) => Ok(Ok(text)),
        Ok(None) => Ok(Err(missing(path))),
        Err(AttestError::TooLarge { limit, .. }) => Ok(Err(too_large(limit))),
        Err(other) => Err(other),
    }
}

/// The archive's digest, the manifest inside, and whether every file is what that says.
fn open(
    archive: &Path,
    scratch: &Path,
    cancel: &CancellationToken,
) -> Result<(Digest, Option<Manifest>, Answer), AttestError> {
    match package::unpack_checked(archive, scratch, cancel) {
        Ok(unpacked) => {
            let says = format!("each of {} is what the manifest inside says", unpacked.manifest.files.len());
            Ok((unpacked.sha256, Some(unpacked.manifest), Ok(says)))
        }
        Err(PackageError::NotOurs { reason, .. }) => {
            Ok((files::digest_of(archive)?, None, Err(Doubt::Wrong(reason))))
        }
        Err(PackageError::NotUnpackable { format }) => {
            let says = format!("a .{format} is not unpacked here");
            Ok((files::digest_of(archive)?, package::read_manifest(archive).ok(), Err(Doubt::Missing(says))))
        }
        Err(other) => Err(other.into()),
    }
}

fn of_archive(beside: &Beside, sha256: Digest, list: Option<&Result<Vec<Listed>, String>>) -> Answer {
    match list {
        None => Err(missing(&beside.list())),
        Some(Err(why)) => Err(Doubt::Wrong(why.clone())),
        Some(Ok(lines)) => match lines.first() {
            Some(line) if line.sha256 == sha256 => Ok(format!("its sha256 is the listed one, {sha256}")),
            Some(line) => Err(Doubt::Wrong(format!("its sha256 is {sha256}, the list says {}", line.sha256))),
            None => Err(Doubt::Wrong("the list is empty".to_owned())),
        },
    }
}

type Beheld<'a> = Result<&'a (Manifest, Digest), &'a Doubt>;

fn of_manifest(manifest: Beheld<'_>, inside: Option<&Manifest>) -> Answer {
    let (manifest, _) = manifest.map_err(Doubt::again)?;
    let inside = inside.ok_or_else(|| Doubt::Missing("the one inside cannot be read".to_owned()))?;
    match write::is_same(manifest.clone(), inside.clone()) {
        true => Ok("the one beside is the one inside, but for image and report".to_owned()),
        false => Err(Doubt::Wrong("the one beside tells of another package than the one inside".to_owned())),
    }
}

fn of_sbom(text: &Result<Vec<u8>, Doubt>, manifest: Beheld<'_>, sha256: Digest) -> Answer {
    let text = text.as_ref().map_err(Doubt::again)?;
    let (manifest, _) = manifest.map_err(|_| without_manifest())?;
    let sbom: Sbom = serde_json::from_slice(text).map_err(|error| Doubt::Wrong(error.to_string()))?;
    let expected = Sbom::of(manifest, sha256);
    let ((name, version, digest), own) = (sbom.subject(), expected.subject());
    if (name, version) != (own.0, own.1) {
        return Err(Doubt::Wrong(format!("it is of {}, another package", printable(&[name, version]))));
    }
    if digest != own.2 {
        let digest = printable(&[digest.unwrap_or("none")]);
        return Err(Doubt::Wrong(format!("it is of a package with another sha256, {digest}")));
    }
    agrees(sbom == expected, manifest)?;
    Ok("it is of this package, and says what the manifest says".to_owned())
}

fn of_provenance(
    beside: &Beside,
    text: &Result<Vec<u8>, Doubt>,
    manifest: Beheld<'_>,
    found: Found,
) -> Answer {
    let text = text.as_ref().map_err(Doubt::again)?;
    let (manifest, _) = manifest.map_err(|_| without_manifest())?;
    let statement = statement(text).map_err(Doubt::Wrong)?;
    statement.is_known().map_err(Doubt::Wrong)?;
    let [archive, manifest_sha256, sbom, _] = found;
    let (Some(archive), Some(manifest_sha256), Some(sbom)) = (archive, manifest_sha256, sbom) else {
        return Err(Doubt::Wrong(format!("it is of {}, too, which cannot be read", name(&beside.sbom()))));
    };
    let expected = write::subjects(beside, archive, manifest_sha256, sbom);
    same_subjects(&statement.subject, &expected).map_err(Doubt::Wrong)?;
    agrees(statement == Statement::of(manifest, &name(beside.manifest()), expected), manifest)?;
    Ok("it is of these files, and says what the manifest says".to_owned())
}

/// The statement in a file: bare, or in an envelope.
fn statement(text: &[u8]) -> Result<Statement, String> {
    let read = |text: &[u8]| serde_json::from_slice::<Statement>(text).map_err(|error| error.to_string());
    match serde_json::from_slice::<Envelope>(text) {
        Ok(envelope) => read(&envelope.statement()?),
        Err(_) => read(text),
    }
}

/// Names in a statement open nothing: they are held against the names that there must be.
fn same_subjects(found: &[Subject], expected: &[Subject]) -> Result<(), String> {
    for subject in found {
        let Some(own) = expected.iter().find(|own| own.name == subject.name) else {
            return Err(format!(
                "it is of {}, which is no file of this package",
                printable(&[&subject.name])
            ));
        };
        if own.sha256() != subject.sha256() {
            let said = subject.sha256().unwrap_or("nothing");
            return Err(format!("the sha256 of {} is not {}, as it says", own.name, printable(&[said])));
        }
    }
    match expected.iter().find(|own| !found.iter().any(|subject| subject.name == own.name)) {
        Some(left_out) => Err(format!("it is not of {}", left_out.name)),
        None => Ok(()),
    }
}

/// What other versions of the tool would have written is not known here.
fn agrees(is_same: bool, manifest: &Manifest) -> Result<(), Doubt> {
    match is_same || manifest.tool != TOOL {
        true => Ok(()),
        false => Err(Doubt::Wrong("it does not say what the manifest says".to_owned())),
    }
}

fn of_report(manifest: Beheld<'_>) -> Answer {
    let (manifest, _) = manifest.map_err(|_| without_manifest())?;
    let Some(report) = &manifest.verification else {
        return Err(Doubt::Missing("it was never verified: see `rdna-build verify`".to_owned()));
    };
    let says = format!("{} passed, {} failed", report.passed(), report.failed());
    match (report.passed(), report.failed()) {
        (0, 0) => Err(Doubt::Missing("its report proves nothing: no check passed or failed".to_owned())),
        (_, 0) => Ok(says),
        (_, _) => Err(Doubt::Wrong(says)),
    }
}

fn of_signature(
    beside: &Beside,
    signed: &Signed,
    found: Found,
    list: Option<&Result<Vec<Listed>, String>>,
    is_required: bool,
) -> Answer {
    let doubt = |says: String| if is_required { Doubt::Wrong(says) } else { Doubt::Missing(says) };
    match signed {
        Signed::No => return Err(doubt("nobody signed it".to_owned())),
        Signed::ByUnknown { .. } => return Err(doubt(format!("signed by {}", signed.by()))),
        Signed::Wrong { why } => return Err(Doubt::Wrong(why.clone())),
        Signed::By { .. } => {}
    }
    let lines = match list {
        Some(Ok(lines)) => lines,
        Some(Err(why)) => return Err(Doubt::Wrong(why.clone())),
        None => return Err(missing(&beside.list())),
    };
    let covered = beside.covered();
    for line in lines {
        let Some(index) = covered.iter().position(|path| name(path) == line.name) else {
            return Err(Doubt::Wrong(format!("it is of {}, which is no file of this package", line.name)));
        };
        match found[index] {
            Some(digest) if digest == line.sha256 => {}
            Some(_) => return Err(Doubt::Wrong(format!("{} was changed since it was signed", line.name))),
            None => return Err(Doubt::Wrong(format!("{} was signed and cannot be read", line.name))),
        }
    }
    let is_signed = |path: &&std::path::PathBuf| lines.iter().any(|line| line.name == name(path));
    let rest: Vec<String> = covered.iter().filter(|path| !is_signed(path)).map(|path| name(path)).collect();
    match rest.is_empty() {
        true => Ok(format!("signed by {}", signed.by())),
        false => Ok(format!("signed by {}, but for {}", signed.by(), rest.join(", "))),
    }
}

fn without_manifest() -> Doubt {
    Doubt::Missing("there is no manifest to hold it against".to_owned())
}

fn printable(words: &[&str]) -> String {
    crate::model::printable(&words.join(" "), 200)
}

impl Doubt {
    fn again(&self) -> Self {
        match self {
            Doubt::Wrong(why) => Doubt::Wrong(why.clone()),
            Doubt::Missing(what) => Doubt::Missing(what.clone()),
        }
    }
}
