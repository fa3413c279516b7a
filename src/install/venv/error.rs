//! Why a library cannot be swapped.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

fn list(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  {line}")).collect()
}

#[derive(Debug, Error, Diagnostic)]
pub enum VenvError {
    #[error("{} is no virtual environment: {why}", path.display())]
    #[diagnostic(
        code(install::no_venv),
        help("name the folder that has bin/, lib/ and pyvenv.cfg; in Python: `import sys; sys.prefix`")
    )]
    NoVenv { path: PathBuf, why: String },

    #[error("there is no PyTorch in {}", path.display())]
    #[diagnostic(
        code(install::no_torch),
        help(
            "looked for lib/python3*/site-packages/torch/lib; install a ROCm wheel of PyTorch into it first"
        )
    )]
    NoTorch { path: PathBuf },

    #[error(
        "there are several PyTorchs in {}:{}",
        path.display(),
        list(&found.iter().map(|one| one.display().to_string()).collect::<Vec<_>>())
    )]
    #[diagnostic(code(install::several_torchs), help("remove those of Pythons that are no longer used"))]
    SeveralTorchs { path: PathBuf, found: Vec<PathBuf> },

    #[error("the PyTorch in {} is not for ROCm: {why}", folder.display())]
    #[diagnostic(code(install::other_wheel), help("install a wheel of PyTorch that was made for ROCm"))]
    OtherWheel { folder: PathBuf, why: String },

    #[error("the PyTorch in {} brings no libMIOpen.so: it takes the system's", folder.display())]
    #[diagnostic(
        code(install::no_miopen),
        help("start it with the library in front: rdna-build run miopen -- python3 …")
    )]
    NoMiopen { folder: PathBuf },

    #[error("there are several MIOpens in {}: {}", folder.display(), names.join(", "))]
    #[diagnostic(code(install::several_miopens), help("remove those that torch did not bring"))]
    SeveralMiopens { folder: PathBuf, names: Vec<String> },

    #[error("the package {package} holds no libMIOpen.so")]
    #[diagnostic(
        code(install::no_library),
        help("name a package of MIOpen: rdna-build install --into-venv DIR PACKAGE")
    )]
    NoLibrary { package: String },

    #[error("{} cannot be read as a library: {why}", path.display())]
    #[diagnostic(code(install::damaged), help("install PyTorch again"))]
    Unreadable { path: PathBuf, why: String },

    #[error("this MIOpen does not fit the PyTorch in {}:{}", folder.display(), list(objections))]
    #[diagnostic(
        code(install::unfit),
        help(
            "nothing was changed; build MIOpen with the toolchain of the wheel's ROCm release: rdna-build toolchains resolve miopen"
        )
    )]
    Unfit { folder: PathBuf, objections: Vec<String> },

    #[error("{} is neither what the wheel brought nor what was put there", path.display())]
    #[diagnostic(
        code(install::foreign),
        help(
            "somebody replaced it since. If PyTorch was installed anew, remove {} and {}, then install again",
            note.display(),
            original.display()
        )
    )]
    Foreign { path: PathBuf, note: PathBuf, original: PathBuf },

    #[error("{} was kept as the original, and is another than {} now", original.display(), path.display())]
    #[diagnostic(code(install::original), help("it is not overwritten; look what it is, and move it away"))]
    OtherOriginal { path: PathBuf, original: PathBuf },

    #[error("the original, {}, is {what}", original.display())]
    #[diagnostic(code(install::original), help("install the same PyTorch again to get it back"))]
    OriginalLost { original: PathBuf, what: &'static str },

    #[error("no library was swapped in {}", folder.display())]
    #[diagnostic(code(install::not_swapped), help("there is nothing to take back"))]
    NotSwapped { folder: PathBuf },
}
