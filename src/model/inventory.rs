//! What a root file system really holds of LLVM and ROCm, each part with the file that proves it.

use std::collections::{BTreeMap, BTreeSet};

use super::llvm::LlvmVersion;
use super::path::GuestPath;
use super::version::Version;

/// What was found, never guessed: what could not be told is absent, and what could not be read stands in `unread`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Inventory {
    /// What the system calls itself, e.g. `Debian GNU/Linux 13 (trixie)`.
    pub system: Option<String>,
    /// What of the environment steers compilers, loaders and ROCm.
    pub environment: BTreeMap<String, String>,
    /// The loader's folders from `/etc/ld.so.conf` and the files beside it.
    pub loader_folders: Vec<LoaderFolder>,
    pub commands: Vec<FoundCommand>,
    pub llvms: Vec<Llvm>,
    pub device_libraries: Vec<DeviceLibraries>,
    pub libraries: Vec<FoundLibrary>,
    pub hip_headers: Vec<HipHeaders>,
    pub rocm_trees: Vec<RocmTree>,
    /// Boost, half, CMake.
    pub parts: Vec<Part>,
    /// rocBLAS's kernels: folder, and the gfx targets that its file names say.
    pub rocblas_kernels: Vec<RocblasKernels>,
    /// Links to folders, and where they end: `/opt/rocm` → `/opt/rocm-6.4.3`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<String, String>,
    /// Installed Debian packages and their versions; nothing where there is no such database.
    pub packages: BTreeMap<String, String>,
    /// Library → the relation that brings it, by the package database: `libamdhip64.so.6` → `libamdhip64-6 (>= 6.4)`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub provided: BTreeMap<String, String>,
    pub unread: Vec<Unread>,
}

/// A folder that the loader searches.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LoaderFolder {
    pub folder: String,
    pub proof: GuestPath,
}

/// A compiler or tool as `PATH` finds it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FoundCommand {
    /// e.g. `clang`.
    pub name: String,
    /// The first on `PATH`.
    pub at: GuestPath,
    /// Where its symlinks end.
    pub is: GuestPath,
}

/// A folder with `bin/clang` in it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Llvm {
    pub root: GuestPath,
    pub version: Option<LlvmVersion>,
    /// The file that says the version.
    pub version_proof: Option<GuestPath>,
    pub clang: GuestPath,
    pub lld: Option<GuestPath>,
    /// Clang's folder of headers and runtimes, e.g. `/usr/lib/llvm-21/lib/clang/21`.
    pub resource: Option<GuestPath>,
    /// The libLLVM that clang needs; nothing where clang holds LLVM itself.
    pub libllvm: Option<GuestPath>,
}

/// A set of AMDGPU device libraries: `ocml.bc` and what lies beside it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DeviceLibraries {
    pub folder: GuestPath,
    /// Where else the folder is found under another name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<GuestPath>,
    /// What the files say who made them; more than one is a mixture.
    pub producers: BTreeMap<String, Vec<String>>,
    /// Code object versions, from `oclc_abi_version_500.bc`: 500.
    pub abis: BTreeSet<u32>,
    /// Instruction sets, from `oclc_isa_version_1010.bc`: `1010`.
    pub isas: BTreeSet<String>,
}

/// Which of the libraries that matter one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LibraryPart {
    Llvm,
    ClangCpp,
    Comgr,
    HipRuntime,
    Hiprtc,
    HiprtcBuiltins,
    Rocr,
    Rocblas,
    Miopen,
}

/// A shared library, by its real file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FoundLibrary {
    pub part: LibraryPart,
    pub path: GuestPath,
    pub soname: Option<String>,
    /// From the name of the file, behind `.so.`.
    pub version: Option<Version>,
    /// Library → where the loader finds it among what was looked at.
    pub needed: BTreeMap<String, Option<GuestPath>>,
    /// Library that it opens by name while it runs → where the loader finds it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub opens: BTreeMap<String, Option<GuestPath>>,
    /// Symbol versions that it defines, e.g. `LLVM_21.1`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defines: Vec<String>,
    /// Library → the symbol versions that it asks of it, of LLVM's libraries only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub wants: BTreeMap<String, Vec<String>>,
    /// The LLVM in it: a libLLVM's own, or one that was linked into it.
    pub holds: Option<LlvmVersion>,
}

/// `hip/hip_version.h`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HipHeaders {
    pub version: Version,
    pub proof: GuestPath,
}

/// A whole ROCm below one folder, as AMD's packages lay it out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RocmTree {
    pub root: GuestPath,
    pub version: Option<Version>,
    pub proof: GuestPath,
}

/// A part of which only the version counts.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Part {
    /// `boost`, `half`, `cmake`.
    pub name: String,
    pub version: Option<Version>,
    pub proof: GuestPath,
}

/// A folder of rocBLAS's kernels.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RocblasKernels {
    pub folder: GuestPath,
    pub targets: BTreeSet<String>,
}

/// A file that should have been read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unread {
    pub path: GuestPath,
    pub reason: String,
}

impl Inventory {
    /// A path in its simplest form, with the links on it followed as far as they are known; nothing for a relative one.
    pub fn real(&self, path: &str) -> Option<String> {
        let mut real = String::new();
        for part in path.strip_prefix('/')?.split('/') {
            match part {
                "" | "." => {}
                ".." => real.truncate(real.rfind('/').unwrap_or(0)),
                name => {
                    real = format!("{real}/{name}");
                    if let Some(end) = self.links.get(&real) {
                        real.clone_from(end);
                    }
                }
            }
        }
        Some(if real.is_empty() { "/".to_owned() } else { real })
    }

    /// The libraries that are this part.
    pub fn libraries(&self, part: LibraryPart) -> impl Iterator<Item = &FoundLibrary> {
        self.libraries.iter().filter(move |library| library.part == part)
    }

    /// The library whose real file this is.
    pub fn library(&self, path: &GuestPath) -> Option<&FoundLibrary> {
        self.libraries.iter().find(|library| library.path == *path)
    }

    /// A library and all it needs or opens, as far as they were found, each once, nearest first.
    pub fn closure<'a>(&'a self, of: &'a FoundLibrary) -> Vec<&'a FoundLibrary> {
        let mut reached = vec![of];
        let mut next = 0;
        while let Some(library) = reached.get(next) {
            next += 1;
            for needed in library.needed.values().chain(library.opens.values()).flatten() {
                if let Some(found) = self.library(needed)
                    && !reached.iter().any(|known| known.path == found.path)
                {
                    reached.push(found);
                }
            }
        }
        reached
    }

    /// What `name` on `PATH` is.
    pub fn command(&self, name: &str) -> Option<&FoundCommand> {
        self.commands.iter().find(|command| command.name == name)
    }

    /// The LLVM that a compiler belongs to, by its real file.
    pub fn llvm_of(&self, compiler: &GuestPath) -> Option<&Llvm> {
        self.llvms.iter().find(|llvm| llvm.clang == *compiler)
    }
}

impl DeviceLibraries {
    /// The newest LLVM among the producers.
    pub fn newest_producer(&self) -> Option<LlvmVersion> {
        self.producers.keys().filter_map(|producer| LlvmVersion::from_producer(producer)).max()
    }
}
