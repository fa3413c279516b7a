//! The words of `rdna-build explain`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

pub const EXPLAIN_EXAMPLES: &str = "\
Examples:
  rdna-build explain                              all that has an id
  rdna-build explain device-libs-newer            what a conflict is, and what to do
  rdna-build explain patch-marks                  what a check of `verify` asks and proves
  rdna-build explain --log build.log              which one made a build fail
  rdna-build logs | rdna-build explain --log -    the same for the last run

The log may come from anywhere. A log that shows none is no error.";

#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// A conflict, a check of `verify` or a finding of `doctor`; without it all are listed
    #[arg(value_name = "ID")]
    pub topic: Option<String>,
    /// Read a log for conflicts; `-` is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "topic")]
    pub log: Option<PathBuf>,
}
