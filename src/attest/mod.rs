//! What vouches for a package: what is in it (SBOM), how it was made (provenance), and by whose key (signature).
//!
//! SBOM and provenance follow from the manifest beside a package and the package's digest alone: the same manifest gives the
//! same bytes. All of it is offline. A signature is made over the list of digests beside the package (`.sha256`), so that
//! `gpg` or `minisign` and `sha256sum` are enough to check it, and over the provenance, in the envelope that in-toto's tools
//! read. Where keys lie and what is said of it is for others.

mod beside;
mod check;
mod envelope;
mod error;
mod files;
mod key;
mod list;
mod minisign;
mod provenance;
mod public;
mod purl;
mod sbom;
mod signature;
mod write;

pub use beside::Beside;
pub use check::{Checked, Finding, check};
pub use error::AttestError;
pub use files::digest_of;
pub use key::{Passphrase, SigningKey};
pub use public::{PublicKeys, Verdict};
pub use signature::{Signed, signed};
pub use write::{Attested, attest, sign, withdraw};

#[cfg(test)]
mod tests;
