//! By whose key a package is signed, if by any.

use std::path::Path;

use super::beside::{Beside, SignatureKind, name};
use super::envelope::{self, Envelope};
use super::error::AttestError;
use super::key;
use super::list::{self, Listed};
use super::public::{PublicKeys, Verdict};
use super::{files, provenance};

/// What the signature of a package comes to. It is one of the list of digests: what the list says must be held against the
/// files as well.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "signed", rename_all = "kebab-case")]
pub enum Signed {
    /// By nobody.
    No,
    /// By a key that is trusted here.
    By { key: String, name: Option<String> },
    /// By a key that is not known here, which may be anybody's.
    ByUnknown { key: String },
    /// The signature is not what it must be.
    Wrong { why: String },
}

impl Signed {
    /// As people read it behind `signed by`.
    pub fn by(&self) -> String {
        match self {
            Signed::No => "nobody".to_owned(),
            Signed::By { key, name: None } => key.clone(),
            Signed::By { key, name: Some(name) } => format!("{key} {name}"),
            Signed::ByUnknown { key } => format!("{key}, a key that is not known here"),
            Signed::Wrong { why } => format!("nobody: the signature is wrong: {why}"),
        }
    }
}

/// Judges the signature of a package by the keys that are trusted, at the time `now` (seconds since 1970).
pub fn signed(archive: &Path, keys: &PublicKeys, now: u64) -> Result<Signed, AttestError> {
    let beside = Beside::of(archive)?;
    let of_list = of_list(&beside, keys, now)?;
    let of_provenance = of_provenance(&beside, keys, now)?;
    let wrong = |why: &str| Signed::Wrong { why: why.to_owned() };
    Ok(match (of_list, of_provenance) {
        (None, None) => Signed::No,
        (None, Some(_)) => wrong("the provenance is signed, and the list of digests is not"),
        (Some(Verdict::Bad { why }), _) | (_, Some(Verdict::Bad { why })) => Signed::Wrong { why },
        (Some(Verdict::Good { key, .. }), Some(Verdict::Good { key: other, .. })) if key != other => {
            Signed::Wrong {
                why: format!("the list of digests is signed by {key}, the provenance by {other}"),
            }
        }
        (Some(Verdict::Good { .. }), Some(Verdict::UnknownKey { key })) => {
            Signed::Wrong { why: format!("the provenance is signed by another key than the list: {key}") }
        }
        (Some(Verdict::UnknownKey { key }), _) => Signed::ByUnknown { key },
        (Some(Verdict::Good { key, name }), _) => Signed::By { key, name },
    })
}

/// The list of digests, where there is one.
pub(super) fn read_list(beside: &Beside) -> Result<Option<Result<Vec<Listed>, String>>, AttestError> {
    let text = files::read_if_there(&beside.list(), list::LIMIT)?;
    Ok(text.map(|text| {
        let lines = list::parse(&text)?;
        match lines.first() {
            Some(first) if first.name == name(beside.archive()) => Ok(lines),
            // Others read the first line only.
            Some(_) | None => Err(format!("its first line is not about {}", name(beside.archive()))),
        }
    }))
}

fn of_list(beside: &Beside, keys: &PublicKeys, now: u64) -> Result<Option<Verdict>, AttestError> {
    let mut verdicts = Vec::new();
    for kind in SignatureKind::ALL {
        let Some(signature) = files::read_if_there(&beside.signature(kind), key::LIMIT)? else { continue };
        let Some(text) = files::read_if_there(&beside.list(), list::LIMIT)? else {
            return Ok(Some(Verdict::Bad { why: "the list that it is of is not there".to_owned() }));
        };
        let verdict = keys.verify_detached(&signature, &text, now);
        let about = list::parse(&text).map(|lines| lines.first().map(|line| line.name.clone()));
        verdicts.push(match about {
            Ok(Some(about)) if about == name(beside.archive()) => verdict,
            Ok(_) | Err(_) => Verdict::Bad { why: "it is of the list of another package".to_owned() },
        });
    }
    Ok(strongest(verdicts))
}

fn of_provenance(beside: &Beside, keys: &PublicKeys, now: u64) -> Result<Option<Verdict>, AttestError> {
    let Some(text) = files::read_if_there(&beside.provenance(), provenance::LIMIT)? else { return Ok(None) };
    // What cannot be read is not signed; whether it is provenance at all is asked elsewhere.
    let Ok(envelope) = serde_json::from_slice::<Envelope>(&text) else { return Ok(None) };
    let judge = || {
        let statement = envelope.statement()?;
        let bytes = envelope::signed_bytes(&statement);
        let judge = |signature: &envelope::EnvelopeSignature| {
            Ok(keys.verify_detached(&signature.text()?, &bytes, now))
        };
        envelope.signatures.iter().map(judge).collect::<Result<Vec<_>, String>>()
    };
    Ok(match judge() {
        Ok(verdicts) => strongest(verdicts),
        Err(why) => Some(Verdict::Bad { why }),
    })
}

/// A wrong signature spoils all; beside one that counts, unknown ones do no harm.
fn strongest(mut verdicts: Vec<Verdict>) -> Option<Verdict> {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Bad { .. } => 0,
        Verdict::Good { .. } => 1,
        Verdict::UnknownKey { .. } => 2,
    };
    verdicts.sort_by_key(rank);
    verdicts.into_iter().next()
}
