//! Bitcode with another data layout than the compiler's: a hint only.

use super::{Rule, signature};

pub(super) static RULE: Rule = Rule {
    id: "data-layout-differs",
    title: "device libraries and compiler describe memory differently: they come from different LLVMs",
    why: "\
Every bitcode file says how it lays out memory. The description for AMD's GPUs grew with time, so a difference shows that the file and
the compiler come from different LLVMs. By itself it does no harm. It is worth a look where something else fails.",
    told_by: "\
a log has the warning: Linking two modules of different data layouts. Nothing tells it before a build",
    remedies: &["compare the two: rdna-build toolchains inspect shows who made the device libraries, and every clang"],
    signatures: &[signature(
        r"warning: Linking two modules of different data layouts: '(?P<one>[^']*)' is '[^']*' whereas '(?P<two>[^']*)' is",
        "{one} and {two} come from different LLVMs",
    )
    .hint()],
    covers: &[],
    // Only the compiler itself says its layout.
    check: |_| vec![],
};
