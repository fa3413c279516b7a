//! The words of `rdna-build sign` and `rdna-build verify-package`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::cli::settings::Flags;

pub const SIGN_EXAMPLES: &str = "\
Examples:
  rdna-build sign --key ~/keys/release.asc out/miopen-3.3.0-gfx1010-debian-sid.tar.zst
  RDNA_BUILD_SIGN_PASSPHRASE=… rdna-build sign --key ~/keys/minisign.key out/*.tar.zst
  rdna-build sign --unsigned out/miopen-3.3.0-gfx1010-debian-sid.tar.zst

SBOM and provenance are made anew from the manifest beside the package; the key signs both, the manifest and the package.
Nothing is sent anywhere. A passphrase is never an argument: other users could read it.";

pub const VERIFY_PACKAGE_EXAMPLES: &str = "\
Examples:
  rdna-build verify-package miopen-3.3.0-gfx1010-debian-sid.tar.zst
  rdna-build verify-package --key release.pub.asc PACKAGE.tar.zst
  rdna-build verify-package --require-signature --json PACKAGE.tar.zst

Exits with 0 when nothing is wrong, 5 when something is. That nobody signed is said, and wrong only with --key or
--require-signature. Whether the library works is asked by `rdna-build verify`.";

#[derive(Debug, Args)]
pub struct SignArguments {
    /// Packages, each with the manifest beside it
    #[arg(value_name = "PACKAGE", required = true, value_hint = ValueHint::FilePath)]
    pub packages: Vec<PathBuf>,
    /// The secret key: a file of `gpg --export-secret-keys`, or minisign's [default: the setting sign-key]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    /// Read the key's passphrase from the first line of this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub passphrase_file: Option<PathBuf>,
    /// Write SBOM and provenance, and sign nothing
    #[arg(long, conflicts_with_all = ["key", "passphrase_file"])]
    pub unsigned: bool,
}

#[derive(Debug, Args)]
pub struct VerifyPackageArguments {
    /// A package, with what lies beside it
    #[arg(value_name = "PACKAGE", value_hint = ValueHint::FilePath)]
    pub package: PathBuf,
    /// The public key that must have signed, or a folder of such; may be repeated [default: the setting trusted-keys]
    #[arg(long = "key", value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub keys: Vec<PathBuf>,
    /// Fail where no trusted key signed
    #[arg(long)]
    pub require_signature: bool,
}

impl SignArguments {
    pub(super) fn flags(&self) -> Flags {
        Flags {
            sign_key: self.key.clone(),
            sign_passphrase_file: self.passphrase_file.clone(),
            ..Flags::default()
        }
    }
}

impl VerifyPackageArguments {
    pub(super) fn flags(&self) -> Flags {
        Flags { trusted_keys: self.keys.clone(), ..Flags::default() }
    }

    /// Who names a key wants its signature.
    pub fn is_signature_required(&self) -> bool {
        self.require_signature || !self.keys.is_empty()
    }
}
