//! Computations of the PyTorch of a person's virtual environment, against the same PyTorch on the processor.

use std::collections::BTreeMap;

use crate::model::{Digest, FileSet, Suite, SuiteCase};

/// The suite's id: its program compares the library's digest by itself.
pub(super) const ID: &str = "pytorch";
/// What a case may take, in seconds: importing PyTorch takes some, and the first use of each kernel compiles it.
const SECONDS: u32 = 300;

const CASES: [&str; 8] =
    ["crash", "square-40", "square-42", "square-43", "square-56", "square-224", "linear", "batch-norm"];

/// The suite, run by this interpreter; `library` is the MIOpen that must be the one that computes.
pub fn pytorch(interpreter: &str, library: Digest) -> Suite {
    let case = |name: &str| SuiteCase {
        name: name.to_owned(),
        arguments: vec![name.to_owned(), library.to_string()],
        seconds: SECONDS,
        emulated_seconds: None,
    };
    Suite {
        id: ID.to_owned(),
        summary: "layers of the PyTorch of a virtual environment".to_owned(),
        files: vec![],
        make: vec![],
        // Isolated: neither the folder of the script nor variables lead to modules of others.
        run: [interpreter, "-I", "{proofs}/pytorch/check.py"].map(str::to_owned).into(),
        environment: BTreeMap::from([("HOME".to_owned(), "{build}".to_owned())]),
        cases: CASES.map(case).into(),
    }
}

/// The suite's program.
pub fn pytorch_files() -> FileSet {
    let mut files = FileSet::default();
    files.insert("pytorch/check.py", include_bytes!("check.py").as_slice());
    files
}
