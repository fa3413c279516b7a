//! Where a virtual environment keeps torch's libraries, and which of them is MIOpen.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::VenvError;
use super::note::ORIGINAL;

/// The folder `torch/lib` of the one PyTorch in a virtual environment.
pub(super) fn torch(venv: &Path) -> Result<PathBuf, VenvError> {
    let wrong = |why: String| VenvError::NoVenv { path: venv.to_owned(), why };
    match fs::metadata(venv) {
        Err(error) => return Err(wrong(error.to_string())),
        Ok(metadata) if !metadata.is_dir() => return Err(wrong("it is no folder".to_owned())),
        Ok(_) => {}
    }
    let mut found: Vec<PathBuf> = Vec::new();
    for lib in ["lib", "lib64"].map(|lib| venv.join(lib)) {
        let pythons = fs::read_dir(&lib).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_python = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python3"))
        };
        for python in pythons.filter(is_python) {
            // `lib64` is often a link to `lib`.
            if let Ok(folder) = python.join("site-packages/torch/lib").canonicalize() {
                found.push(folder);
            }
        }
    }
    found.sort();
    found.dedup();
    match found.len() {
        0 => Err(VenvError::NoTorch { path: venv.to_owned() }),
        1 => Ok(found.remove(0)),
        _ => Err(VenvError::SeveralTorchs { path: venv.to_owned(), found }),
    }
}

/// Names of the libraries in a folder, without what we keep there; sorted.
pub(super) fn libraries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| {
        let is_library = name.ends_with(".so") || name.contains(".so.");
        is_library && !name.ends_with(ORIGINAL) && !name.starts_with('.')
    });
    names.sort();
    names
}

/// Refuses wheels for other devices.
pub(super) fn check_kind(folder: &Path, libraries: &[String]) -> Result<(), VenvError> {
    let has = |stem: &str| libraries.iter().any(|name| name.starts_with(stem));
    let other = |why: &str| Err(VenvError::OtherWheel { folder: folder.to_owned(), why: why.to_owned() });
    if has("libtorch_hip.so") {
        return Ok(());
    }
    if has("libtorch_cuda") {
        return other("it has libtorch_cuda.so, and no libtorch_hip.so: it is a wheel for CUDA");
    }
    other("it has no libtorch_hip.so: it is a wheel for the processor only")
}

/// The file that is the wheel's MIOpen; links to it stay as they are.
pub(super) fn miopen(folder: &Path, libraries: &[String]) -> Result<String, VenvError> {
    let is_file = |name: &&String| {
        fs::symlink_metadata(folder.join(name.as_str())).is_ok_and(|metadata| metadata.is_file())
    };
    let mut names: Vec<String> =
        libraries.iter().filter(|name| name.starts_with("libMIOpen.so")).filter(is_file).cloned().collect();
    match names.len() {
        0 => Err(VenvError::NoMiopen { folder: folder.to_owned() }),
        1 => Ok(names.remove(0)),
        _ => Err(VenvError::SeveralMiopens { folder: folder.to_owned(), names }),
    }
}
