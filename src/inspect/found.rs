//! Concludes an inventory from what was gathered: pure.

use std::collections::{BTreeMap, BTreeSet};

use super::gathered::{Facts, Gathered, plain};
use super::interest::COMMANDS;
use crate::code::{Identification, Library};
use crate::model::{
    DeviceLibraries, FoundCommand, FoundLibrary, GuestPath, HipHeaders, Inventory, LibraryPart, Llvm,
    LlvmVersion, LoaderFolder, Part, RocblasKernels, RocmTree, SYSTEM_PATH, Unread, Version,
};
use crate::toolchain::loader::SYSTEM_FOLDERS;
use crate::toolchain::parse_dpkg_status;

/// What of an environment steers compilers, the loader and ROCm.
pub const VARIABLES: [&str; 18] = [
    "CC",
    "CMAKE_PREFIX_PATH",
    "CXX",
    "DEVICE_LIB_PATH",
    "HIP_CLANG_PATH",
    "HIP_COMPILER",
    "HIP_DEVICE_LIB_PATH",
    "HIP_PATH",
    "HIP_PLATFORM",
    "HSA_OVERRIDE_GFX_VERSION",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LLVM_PATH",
    "PATH",
    "ROCM_HOME",
    "ROCM_PATH",
    "ROCM_ROOT",
    "HIP_ROOT_DIR",
];

/// Variables that name folders, some of them several.
const FOLDERS: [&str; 10] = [
    "PATH",
    "LD_LIBRARY_PATH",
    "ROCM_PATH",
    "ROCM_HOME",
    "HIP_PATH",
    "HIP_CLANG_PATH",
    "HIP_DEVICE_LIB_PATH",
    "DEVICE_LIB_PATH",
    "LLVM_PATH",
    "ROCM_ROOT",
];

/// Folders that an environment names, as absolute paths; `/` itself is left out.
pub(super) fn named_folders(environment: &BTreeMap<String, String>) -> BTreeSet<String> {
    let values = FOLDERS.iter().filter_map(|name| environment.get(*name));
    values.flat_map(|value| value.split(':')).filter_map(plain).filter(|folder| folder != "/").collect()
}

/// The folders that an environment names, in which programs and libraries are looked for by name, and those that hold a tree.
pub(super) fn named_apart(environment: &BTreeMap<String, String>) -> (Vec<String>, BTreeSet<String>) {
    let listed = |name: &str, default: &str| {
        let value = environment.get(name).map_or(default, String::as_str);
        let folders = value.split(':').filter_map(plain).filter(|folder| folder != "/");
        folders.collect::<Vec<_>>()
    };
    let shallow = [listed("PATH", SYSTEM_PATH), listed("LD_LIBRARY_PATH", "")].concat();
    let mut whole = named_folders(environment);
    whole.retain(|folder| !shallow.contains(folder));
    (shallow, whole)
}

/// The folders that the loader searches, by its settings and by itself.
pub(super) fn searched(gathered: &Gathered) -> Vec<String> {
    let set = loader_folders(gathered).into_iter().map(|folder| folder.folder);
    set.chain(SYSTEM_FOLDERS.map(str::to_owned)).chain(["/usr/local/lib".to_owned()]).collect()
}

/// Concludes what a root holds.
pub(super) fn inventory(mut gathered: Gathered, environment: &BTreeMap<String, String>) -> Inventory {
    let packages = match gathered.packages.take().map(|text| parse_dpkg_status(text.as_bytes())) {
        None => BTreeMap::new(),
        Some(Ok(packages)) => packages,
        Some(Err(error)) => {
            let path = GuestPath::new(super::interest::PACKAGES);
            gathered.unread.push(Unread { path, reason: error.to_string() });
            BTreeMap::new()
        }
    };
    let provided = std::mem::take(&mut gathered.provided).relations(&packages);
    for (path, facts) in &gathered.facts {
        if let Facts::Large(size) = facts {
            let reason =
                format!("{} MB are more than is read of a library through an engine", size / 1_000_000);
            gathered.unread.push(Unread { path: GuestPath::new(path.as_str()), reason });
        }
    }
    let steers = |name: &&str| environment.get(*name).map(|value| ((*name).to_owned(), value.clone()));
    let found = Found { loader_folders: loader_folders(&gathered), gathered: &gathered, environment };
    let libraries = found.libraries();
    Inventory {
        system: found.system(),
        environment: VARIABLES.iter().filter_map(steers).collect(),
        commands: found.commands(),
        llvms: found.llvms(&libraries),
        device_libraries: found.device_libraries(),
        hip_headers: found.hip_headers(),
        rocm_trees: found.rocm_trees(),
        parts: found.parts(),
        rocblas_kernels: found.rocblas_kernels(),
        links: found.links(),
        loader_folders: found.loader_folders,
        libraries,
        provided,
        packages,
        unread: {
            gathered.unread.sort_by(|one, other| one.path.cmp(&other.path));
            gathered.unread
        },
    }
}

struct Found<'a> {
    gathered: &'a Gathered,
    environment: &'a BTreeMap<String, String>,
    loader_folders: Vec<LoaderFolder>,
}

/// A program or library, by its real file.
struct Elf<'a> {
    path: &'a str,
    library: &'a Library,
    holds: Option<LlvmVersion>,
    opens: &'a BTreeSet<String>,
}

impl<'a> Found<'a> {
    /// The real file of a path, if there is one.
    fn file(&self, path: &str) -> Option<String> {
        let real = self.gathered.real(path)?;
        (self.gathered.names.contains(&real) && !self.gathered.links.contains_key(&real)).then_some(real)
    }

    /// Texts of files with this name, each real file once.
    fn texts<'s>(&'s self, name: &'s str) -> impl Iterator<Item = (&'a str, &'a str)> + 's {
        self.gathered.facts.iter().filter_map(move |(path, facts)| match facts {
            Facts::Text(text) if path.rsplit('/').next() == Some(name) => {
                // A file below a folder that is a link is the same file once more.
                let is_real = self.gathered.real(path).as_deref() == Some(path);
                is_real.then_some((path.as_str(), text.as_str()))
            }
            _ => None,
        })
    }

    /// Links to folders in which something was found.
    fn links(&self) -> BTreeMap<String, String> {
        let names = &self.gathered.names;
        let is_folder = |real: &str| {
            let below = format!("{real}/");
            names.range(below.clone()..).next().is_some_and(|path| path.starts_with(&below))
        };
        let links =
            self.gathered.links.keys().filter_map(|link| Some((link.clone(), self.gathered.real(link)?)));
        links.filter(|(_, real)| is_folder(real)).collect()
    }

    fn system(&self) -> Option<String> {
        let (_, text) = self.texts("os-release").next()?;
        let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
        let shown: String =
            value.trim_matches(['"', '\'']).chars().filter(|c| !c.is_control()).take(100).collect();
        (!shown.is_empty()).then_some(shown)
    }

    fn commands(&self) -> Vec<FoundCommand> {
        let path = self.environment.get("PATH").map_or(SYSTEM_PATH, String::as_str);
        let folders: Vec<String> = path.split(':').filter_map(plain).collect();
        let command = |name: &&str| {
            folders.iter().find_map(|folder| {
                let at = format!("{folder}/{name}");
                let is = self.file(&at)?;
                Some(FoundCommand {
                    name: (*name).to_owned(),
                    at: GuestPath::new(at),
                    is: GuestPath::new(is),
                })
            })
        };
        COMMANDS.iter().filter_map(command).collect()
    }

    fn elf_files(&self) -> impl Iterator<Item = Elf<'a>> {
        let gathered = self.gathered;
        gathered.facts.iter().filter_map(move |(path, facts)| match facts {
            Facts::Elf { library, holds, opens } if gathered.real(path).as_deref() == Some(path) => {
                let holds = holds.as_ref().and_then(|text| text.parse().ok());
                Some(Elf { path, library, holds, opens })
            }
            _ => None,
        })
    }

    fn libraries(&self) -> Vec<FoundLibrary> {
        let library = |Elf { path, library, holds, opens }: Elf<'_>| {
            let part = part(path)?;
            let found = |name: &String| (name.clone(), self.loaded(path, library, name).map(GuestPath::new));
            let of_llvm =
                |(name, _): &(&String, &Vec<String>)| name.contains("LLVM") || name.contains("clang");
            let wants = library.wants.iter().filter(of_llvm);
            Some(FoundLibrary {
                part,
                path: GuestPath::new(path),
                soname: library.soname.clone(),
                version: version_in_name(path),
                needed: library.needed.iter().map(found).collect(),
                // Its own name stands in it as well.
                opens: opens.iter().filter(|name| stem(name) != stem(path)).map(found).collect(),
                defines: library.defines.clone(),
                wants: wants.map(|(name, versions)| (name.clone(), versions.clone())).collect(),
                holds,
            })
        };
        let mut libraries: Vec<FoundLibrary> = self.elf_files().filter_map(library).collect();
        libraries.extend(self.large_libraries());
        libraries
    }

    /// Libraries of which only the name was read; that stands in `unread` as well.
    fn large_libraries(&self) -> impl Iterator<Item = FoundLibrary> {
        let large = self.gathered.facts.iter().filter(|(_, facts)| matches!(facts, Facts::Large(_)));
        large.filter_map(|(path, _)| {
            Some(FoundLibrary {
                part: part(path)?,
                path: GuestPath::new(path.as_str()),
                soname: None,
                version: version_in_name(path),
                needed: BTreeMap::new(),
                opens: BTreeMap::new(),
                defines: vec![],
                wants: BTreeMap::new(),
                holds: None,
            })
        })
    }

    /// The file that the loader takes for a needed library, among those that were looked at.
    fn loaded(&self, by: &str, library: &Library, name: &str) -> Option<String> {
        if name.contains('/') {
            return plain(name).and_then(|path| self.file(&path));
        }
        let origin = by.rsplit_once('/').map_or("", |(folder, _)| folder);
        let own = library
            .search
            .iter()
            .map(|folder| folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin));
        let environment = self.environment.get("LD_LIBRARY_PATH").map_or("", String::as_str);
        let folders = environment
            .split(':')
            .map(str::to_owned)
            .chain(own)
            .chain(self.loader_folders.iter().map(|folder| folder.folder.clone()))
            .chain(SYSTEM_FOLDERS.map(str::to_owned));
        folders.filter_map(|folder| plain(&folder)).find_map(|folder| self.file(&format!("{folder}/{name}")))
    }

    fn llvms(&self, libraries: &[FoundLibrary]) -> Vec<Llvm> {
        let llvm = |Elf { path, library, holds, .. }: Elf<'_>| {
            let (bin, name) = path.rsplit_once('/')?;
            let root = bin.strip_suffix("/bin")?;
            let is_clang =
                name.strip_prefix("clang")?.chars().all(|c| c.is_ascii_digit() || "-.".contains(c));
            if !is_clang {
                return None;
            }
            let libllvm = library.needed.iter().filter(|name| name.starts_with("libLLVM"));
            let libllvm = libllvm.filter_map(|name| self.loaded(path, library, name)).next();
            let of_library = libllvm.as_ref().and_then(|path| {
                libraries.iter().find(|library| library.path.as_str() == path)?.holds.clone()
            });
            let (version, proof) = match (holds, of_library) {
                (Some(own), _) => (Some(own), Some(path.to_owned())),
                (None, Some(version)) => (Some(version), libllvm.clone()),
                (None, None) => (None, None),
            };
            let lld = ["ld.lld", "lld"].map(|name| format!("{bin}/{name}"));
            Some(Llvm {
                root: GuestPath::new(root),
                version,
                version_proof: proof.map(GuestPath::new),
                clang: GuestPath::new(path),
                lld: lld.iter().find(|path| self.gathered.names.contains(*path)).map(GuestPath::new),
                resource: self.resource(root).map(GuestPath::new),
                libllvm: libllvm.map(GuestPath::new),
            })
        };
        self.elf_files().filter_map(llvm).collect()
    }

    /// The folder below a root that holds clang's own headers.
    fn resource(&self, root: &str) -> Option<String> {
        let start = format!("{root}/lib/clang/");
        let names = self.gathered.names.range(start.clone()..);
        let mut below = names.take_while(|path| path.starts_with(&start));
        below.find_map(|path| path.strip_suffix("/include/stddef.h").map(str::to_owned))
    }

    fn device_libraries(&self) -> Vec<DeviceLibraries> {
        let mut sets: BTreeMap<String, DeviceLibraries> = BTreeMap::new();
        for (path, identification) in self.bitcode() {
            let Some((folder, name)) = path.rsplit_once('/') else { continue };
            let Some(real) = self.gathered.real(folder) else { continue };
            let set = sets.entry(real.clone()).or_insert_with(|| DeviceLibraries {
                folder: GuestPath::new(real.clone()),
                also: vec![],
                producers: BTreeMap::new(),
                abis: BTreeSet::new(),
                isas: BTreeSet::new(),
            });
            if folder != real {
                let other = GuestPath::new(folder);
                if !set.also.contains(&other) {
                    set.also.push(other);
                }
                continue;
            }
            set.producers.entry(identification.producer.clone()).or_default().push(name.to_owned());
            let stem = name.trim_end_matches(".bc");
            if let Some(Ok(abi)) = stem.strip_prefix("oclc_abi_version_").map(str::parse) {
                set.abis.insert(abi);
            }
            set.isas.extend(stem.strip_prefix("oclc_isa_version_").map(str::to_owned));
        }
        // A resource folder by its other names, e.g. /usr/lib/clang/17 of Debian.
        for (link, _) in self.gathered.links.iter() {
            let Some(real) = self.gathered.real(link) else { continue };
            if let Some(set) = sets.get_mut(&real) {
                let other = GuestPath::new(link.as_str());
                if !set.also.contains(&other) {
                    set.also.push(other);
                }
            }
        }
        sets.into_values().filter(|set| !set.producers.is_empty()).collect()
    }

    fn bitcode(&self) -> impl Iterator<Item = (&'a str, &'a Identification)> {
        self.gathered.facts.iter().filter_map(|(path, facts)| match facts {
            Facts::Bitcode(identification) => Some((path.as_str(), identification)),
            _ => None,
        })
    }

    fn hip_headers(&self) -> Vec<HipHeaders> {
        let headers = |(path, text): (&str, &str)| {
            let number = |name| define(text, name)?.parse::<u32>().ok();
            let parts =
                [number("HIP_VERSION_MAJOR")?, number("HIP_VERSION_MINOR")?, number("HIP_VERSION_PATCH")?];
            let version = parts.map(|part| part.to_string()).join(".").parse().ok()?;
            Some(HipHeaders { version, proof: GuestPath::new(path) })
        };
        self.texts("hip_version.h").filter_map(headers).collect()
    }

    fn rocm_trees(&self) -> Vec<RocmTree> {
        let tree = |(path, text): (&str, &str)| {
            let root = path.strip_suffix("/.info/version")?;
            let version = text.trim().split('-').next().and_then(|version| version.parse().ok());
            Some(RocmTree { root: GuestPath::new(root), version, proof: GuestPath::new(path) })
        };
        self.texts("version").filter_map(tree).collect()
    }

    fn parts(&self) -> Vec<Part> {
        let part = |name: &str, version, path: &str| Part {
            name: name.to_owned(),
            version,
            proof: GuestPath::new(path),
        };
        let boost = self.texts("version.hpp").map(|(path, text)| {
            let version =
                define(text, "BOOST_LIB_VERSION").map(|text| text.trim_matches('"').replace('_', "."));
            part("boost", version.and_then(|text| text.parse().ok()), path)
        });
        let half = self.texts("half.hpp").map(|(path, text)| {
            let version = text.lines().take(60).find_map(|line| line.trim().strip_prefix("// Version "));
            part("half", version.and_then(|text| text.trim().parse().ok()), path)
        });
        let cmake = self.gathered.names.iter().filter_map(|path| {
            let folder = path.strip_suffix("/Modules/CMakeDetermineCCompiler.cmake")?;
            let version = folder.rsplit('/').next()?.strip_prefix("cmake-")?.parse().ok();
            Some(part("cmake", version, path))
        });
        boost.chain(half).chain(cmake).collect()
    }

    fn rocblas_kernels(&self) -> Vec<RocblasKernels> {
        let mut folders: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for path in &self.gathered.names {
            let Some((folder, name)) = path.rsplit_once('/') else { continue };
            if folder.ends_with("/library") && folder.contains("rocblas") {
                let rest = name.split("gfx").skip(1);
                let target =
                    rest.map(|rest| rest.chars().take_while(char::is_ascii_hexdigit).collect::<String>());
                let targets = target.filter(|digits| digits.len() >= 3).map(|digits| format!("gfx{digits}"));
                folders.entry(folder).or_default().extend(targets);
            }
        }
        let kernels = |(folder, targets)| RocblasKernels { folder: GuestPath::new(folder), targets };
        folders.into_iter().map(kernels).collect()
    }
}

/// The value of `#define name value`.
fn define<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let rest = line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("define")?;
        let mut words = rest.split_whitespace();
        (words.next() == Some(name)).then(|| words.next()).flatten()
    })
}

fn loader_folders(gathered: &Gathered) -> Vec<LoaderFolder> {
    let files = gathered.facts.iter().filter(|(path, _)| {
        *path == "/etc/ld.so.conf" || (path.starts_with("/etc/ld.so.conf.d/") && path.ends_with(".conf"))
    });
    let mut folders = Vec::new();
    for (path, facts) in files {
        let Facts::Text(text) = facts else { continue };
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        for folder in lines.filter_map(plain) {
            folders.push(LoaderFolder { folder, proof: GuestPath::new(path.as_str()) });
        }
    }
    folders
}

/// `libamdhip64` of `/usr/lib/libamdhip64.so.6`.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split(".so").next().unwrap_or_default()
}

fn part(path: &str) -> Option<LibraryPart> {
    let stem = stem(path);
    Some(match stem {
        "libamd_comgr" => LibraryPart::Comgr,
        "libamdhip64" => LibraryPart::HipRuntime,
        "libhiprtc" => LibraryPart::Hiprtc,
        "libhiprtc-builtins" => LibraryPart::HiprtcBuiltins,
        "libhsa-runtime64" => LibraryPart::Rocr,
        "librocblas" => LibraryPart::Rocblas,
        "libMIOpen" => LibraryPart::Miopen,
        _ if stem.starts_with("libclang-cpp") => LibraryPart::ClangCpp,
        _ if stem.starts_with("libLLVM") => LibraryPart::Llvm,
        _ => return None,
    })
}

/// `6.4.43484` of `libamdhip64.so.6.4.43484`.
fn version_in_name(path: &str) -> Option<Version> {
    let (_, rest) = path.rsplit('/').next()?.split_once(".so.")?;
    let numbers: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    numbers.trim_end_matches('.').parse().ok()
}
