//! What can go wrong with keys and with what lies beside a package.

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use crate::model::Digest;
use crate::openpgp::SecretKeyError;
use crate::package::PackageError;

#[derive(Debug, Error, Diagnostic)]
pub enum AttestError {
    #[error("{} cannot be read as a secret key: {reason}", path.display())]
    #[diagnostic(
        code(sign::unreadable),
        help("write one with `gpg --armor --export-secret-keys KEY > FILE`, or make one with `minisign -G`")
    )]
    UnreadableKey { path: PathBuf, reason: String },

    #[error("{} is a public key, and signing needs the secret one", path.display())]
    #[diagnostic(
        code(sign::public),
        help("`gpg --armor --export-secret-keys KEY > FILE` writes the secret half")
    )]
    PublicKey { path: PathBuf },

    #[error("{} holds {count} secret keys, and which of them signs is open", path.display())]
    #[diagnostic(
        code(sign::several),
        help("write one alone: `gpg --armor --export-secret-keys FINGERPRINT > FILE`")
    )]
    SeveralKeys { path: PathBuf, count: usize },

    #[error("the key {} is revoked", path.display())]
    #[diagnostic(code(sign::revoked), help("nobody would accept its signatures: sign with another key"))]
    RevokedKey { path: PathBuf },

    #[error("the key {} has expired", path.display())]
    #[diagnostic(
        code(sign::expired),
        help(
            "prolong it with `gpg --quick-set-expire FINGERPRINT 1y` and export it again, or sign with another"
        )
    )]
    ExpiredKey { path: PathBuf },

    #[error("the key {} cannot sign: {why}", path.display())]
    #[diagnostic(
        code(sign::not_for_signing),
        help("add a subkey that signs, `gpg --quick-add-key FINGERPRINT ed25519 sign`, and export it again")
    )]
    NotForSigning { path: PathBuf, why: &'static str },

    #[error("the part of {} that signs is not in the file", path.display())]
    #[diagnostic(
        code(sign::elsewhere),
        help(
            "a key on a card cannot be used here: sign `….sha256` with gpg itself, or export a subkey that signs"
        )
    )]
    KeyElsewhere { path: PathBuf },

    #[error("the key {} is locked, and no passphrase was given", path.display())]
    #[diagnostic(
        code(sign::locked),
        help("put it into RDNA_BUILD_SIGN_PASSPHRASE, or into a file that `sign-passphrase-file` names")
    )]
    LockedKey { path: PathBuf },

    #[error("the passphrase does not unlock the key {}", path.display())]
    #[diagnostic(
        code(sign::passphrase),
        help(
            "of a file its first line counts; an RDNA_BUILD_SIGN_PASSPHRASE that is set comes before the file"
        )
    )]
    WrongPassphrase { path: PathBuf },

    #[error("{} is a key of minisign, which does not sign texts of this kind", path.display())]
    #[diagnostic(code(sign::not_openpgp), help("apt and dnf know OpenPGP only: name a key of GnuPG"))]
    NotOpenPgp { path: PathBuf },

    #[error("{} is no public key: {reason}", path.display())]
    #[diagnostic(
        code(sign::not_a_public_key),
        help("`gpg --armor --export KEY > FILE` writes one, and `minisign -G` a `.pub`")
    )]
    NotAPublicKey { path: PathBuf, reason: String },

    #[error("beside {} is no manifest {}", archive.display(), manifest.display())]
    #[diagnostic(
        code(sign::no_manifest),
        help("a build puts it there: keep the files of a package together, or build it again")
    )]
    NoManifest { archive: PathBuf, manifest: PathBuf },

    #[error("{} is no manifest: {reason}", path.display())]
    #[diagnostic(code(sign::manifest), help("build the package again: the manifest is written anew"))]
    BadManifest { path: PathBuf, reason: String },

    #[error("{} tells of another package than the one inside {}", manifest.display(), archive.display())]
    #[diagnostic(
        code(sign::other_manifest),
        help("nothing was signed; build the package again, and look into how the two came together")
    )]
    OtherManifest { archive: PathBuf, manifest: PathBuf },

    #[error("the sha256 of {} is {found}, {} says {expected}", archive.display(), list.display())]
    #[diagnostic(
        code(sign::wrong_digest),
        help("nothing was signed; the archive was changed or is damaged: build the package again")
    )]
    WrongDigest { archive: PathBuf, list: PathBuf, found: Digest, expected: String },

    #[error("the signature of {} is wrong: {why}", archive.display())]
    #[diagnostic(
        code(sign::bad_signature),
        help("`rdna-build verify-package` says more; take the package from where it was published again")
    )]
    BadSignature { archive: PathBuf, why: String },

    #[error("{} is larger than {limit} bytes, which no such file is", path.display())]
    #[diagnostic(
        code(sign::too_large),
        help("it is none of ours: remove it, `rdna-build sign` makes it anew")
    )]
    TooLarge { path: PathBuf, limit: u64 },

    #[error("{doing} {} failed: {source}", path.display())]
    #[diagnostic(code(sign::io))]
    Io { doing: &'static str, path: PathBuf, source: io::Error },

    #[error(transparent)]
    #[diagnostic(transparent)]
    Package(#[from] PackageError),
}

impl AttestError {
    /// Says which file could not be read, for `map_err`.
    pub(super) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { doing: "reading", path, source }
    }

    /// Says which file could not be removed, for `map_err`.
    pub(super) fn removing(path: &Path, source: io::Error) -> Self {
        Self::Io { doing: "removing", path: path.to_owned(), source }
    }

    pub(super) fn of_key(path: &Path, error: SecretKeyError) -> Self {
        let path = path.to_owned();
        match error {
            SecretKeyError::Unreadable { reason } => Self::UnreadableKey { path, reason },
            SecretKeyError::Public => Self::PublicKey { path },
            SecretKeyError::Several { count } => Self::SeveralKeys { path, count },
            SecretKeyError::Revoked => Self::RevokedKey { path },
            SecretKeyError::Expired => Self::ExpiredKey { path },
            SecretKeyError::MayNotSign { why } => Self::NotForSigning { path, why },
            SecretKeyError::Elsewhere => Self::KeyElsewhere { path },
            SecretKeyError::Locked => Self::LockedKey { path },
            SecretKeyError::WrongPassphrase => Self::WrongPassphrase { path },
        }
    }
}
