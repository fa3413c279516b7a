//! The words of `rdna-build publish`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::cli::settings::{self, Flags};

pub const PUBLISH_EXAMPLES: &str = "\
Examples:
  rdna-build publish --repo public --key ~/keys/release.asc out/*.deb out/*.rpm
  rdna-build publish --repo public --url https://example.org/rocm out/*.deb
  rdna-build publish --repo public

The folder is all of it: any web server can offer it, and a CI server can upload it anywhere. Without packages the indexes
are made anew, e.g. after some were deleted. Publishing the same package again changes nothing.";

#[derive(Debug, Args)]
pub struct PublishArguments {
    /// Packages that end in .deb or .rpm
    #[arg(value_name = "PACKAGE", value_hint = ValueHint::FilePath)]
    pub packages: Vec<PathBuf>,
    /// The repository's folder; made if need be
    #[arg(long = "repo", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// Where people will reach it: writes files for their settings of apt and dnf
    #[arg(long, value_name = "URL", value_parser = settings::mirror, value_hint = ValueHint::Url)]
    pub url: Option<String>,
    /// The secret OpenPGP key: a file of `gpg --export-secret-keys` [default: the setting sign-key]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    /// Read the key's passphrase from the first line of this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub passphrase_file: Option<PathBuf>,
    /// Sign nothing: whoever installs from it must trust whoever serves it
    #[arg(long, conflicts_with_all = ["key", "passphrase_file"])]
    pub unsigned: bool,
}

impl PublishArguments {
    pub(super) fn flags(&self) -> Flags {
        Flags {
            sign_key: self.key.clone(),
            sign_passphrase_file: self.passphrase_file.clone(),
            ..Flags::default()
        }
    }
}
