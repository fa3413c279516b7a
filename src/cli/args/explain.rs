//! The words of `rdna-build explain`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

pub const EXPLAIN_EXAMPLES: &str = "\
Examples:
  rdna-build explain                              every conflict that is known
  rdna-build explain device-libs-newer            what one is, and what to do
  rdna-build explain --log build.log              which one made a build fail
  rdna-build logs | rdna-build explain --log -    the same for the last run

The log may come from anywhere. A log that shows none is no error.";

#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The conflict; without it all are listed
    pub rule: Option<String>,
    /// Read a log for conflicts; `-` is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "rule")]
    pub log: Option<PathBuf>,
}
