//! Which files of a system matter, by their paths alone, and what is read of them.

/// What is read of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// That it is there.
    Name,
    /// The beginning of a text.
    Text,
    /// Who made a bitcode file.
    Bitcode,
    /// What the loader reads of a program or library.
    Elf { scan: Scan },
}

/// What is looked for in all of a library's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    Nothing,
    /// The version of the LLVM in it.
    Llvm,
    /// Libraries that it opens by name.
    Opened,
}

/// Folders below which it is looked for what matters.
pub(super) const ROOTS: [&str; 2] = ["/usr", "/opt"];

/// Folders of packages' lists that may hold what no package owns.
pub(super) const UNOWNED: [&str; 2] = ["/opt", "/usr/local"];

/// Single files and folders elsewhere.
pub(super) const PLACES: [&str; 5] =
    ["/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/os-release", "/etc/alternatives", "/etc/environment"];

/// Links without which many paths lead nowhere: made by base systems, or by ROCm's packages after unpacking.
pub(super) const LINKS: [&str; 10] = [
    "/bin",
    "/lib",
    "/lib64",
    "/sbin",
    "/opt/rocm",
    "/opt/rocm/llvm",
    "/opt/rocm/amdgcn",
    "/opt/rocm/hip",
    "/usr/bin/clang",
    "/usr/bin/hipcc",
];

pub(super) const PACKAGES: &str = "/var/lib/dpkg/status";
/// Lists of what each package owns.
pub(super) const PACKAGE_LISTS: &str = "/var/lib/dpkg/info";

/// Commands that are looked for on `PATH`.
pub(super) const COMMANDS: [&str; 8] =
    ["clang", "clang++", "amdclang", "amdclang++", "hipcc", "hipconfig", "ld.lld", "cmake"];

/// What matters of the file at an absolute path.
pub(super) fn interest(path: &str) -> Option<Interest> {
    let (folder, name) = path.rsplit_once('/')?;
    let parent = folder.rsplit('/').next().unwrap_or_default();
    if parent == "bin" {
        return command(name);
    }
    let is_below = |tail: &str| folder.ends_with(tail);
    if is_below("/library") && folder.contains("rocblas") {
        return name.contains("gfx").then_some(Interest::Name);
    }
    if name.contains(".so") {
        return library(name);
    }
    match name {
        _ if name.ends_with(".bc") && (is_below("amdgcn/bitcode") || is_device_library(name)) => {
            Some(Interest::Bitcode)
        }
        "hip_version.h" if parent == "hip" => Some(Interest::Text),
        "version.hpp" if parent == "boost" => Some(Interest::Text),
        "half.hpp" => Some(Interest::Text),
        "version" if parent == ".info" => Some(Interest::Text),
        "os-release" if folder == "/etc" || folder == "/usr/lib" => Some(Interest::Text),
        "ld.so.conf" | "environment" if folder == "/etc" => Some(Interest::Text),
        _ if name.ends_with(".conf") && folder == "/etc/ld.so.conf.d" => Some(Interest::Text),
        _ if folder == "/etc/alternatives" => alternative(name),
        // Where clang's own headers are, there is its resource folder.
        "stddef.h" if folder.contains("/lib/clang/") && is_below("/include") => Some(Interest::Name),
        // A cmake's version stands in its folder's name: share/cmake-3.31/Modules.
        "CMakeDetermineCCompiler.cmake" if parent == "Modules" => Some(Interest::Name),
        _ => None,
    }
}

fn command(name: &str) -> Option<Interest> {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('-');
    match plain {
        "clang" | "clang++" | "amdclang" | "amdclang++" => Some(Interest::Elf { scan: Scan::Llvm }),
        "hipcc" | "hipconfig" | "hipcc.bin" | "ld.lld" | "lld" | "cmake" => Some(Interest::Name),
        _ => None,
    }
}

/// A variable may name any folder.
fn is_device_library(name: &str) -> bool {
    matches!(name, "ocml.bc" | "ockl.bc" | "opencl.bc") || name.starts_with("oclc_")
}

fn alternative(name: &str) -> Option<Interest> {
    let matters = ["clang", "hipcc", "rocm", "amdclang"];
    matters.iter().any(|word| name.starts_with(word)).then_some(Interest::Name)
}

fn library(name: &str) -> Option<Interest> {
    let (stem, version) = name.split_once(".so")?;
    if !version.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c)) {
        return None;
    }
    match stem {
        _ if stem.starts_with("libLLVM") => {
            // Plugins and the C interface's tools are called so, too.
            let rest = stem.trim_start_matches("libLLVM");
            rest.chars()
                .all(|c| c.is_ascii_digit() || ".-_git".contains(c))
                .then_some(Interest::Elf { scan: Scan::Llvm })
        }
        "libamd_comgr" => Some(Interest::Elf { scan: Scan::Llvm }),
        "libamdhip64" | "libhiprtc" => Some(Interest::Elf { scan: Scan::Opened }),
        "libclang-cpp" | "libhiprtc-builtins" | "libhsa-runtime64" | "librocblas" | "libMIOpen" => {
            Some(Interest::Elf { scan: Scan::Nothing })
        }
        _ if stem.starts_with("libclang-cpp") => Some(Interest::Elf { scan: Scan::Nothing }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_told_by_the_path() {
        let elf = |scan| Some(Interest::Elf { scan });
        for (path, expected) in [
            ("/usr/lib/llvm-21/bin/clang", elf(Scan::Llvm)),
            ("/usr/bin/clang++-21", elf(Scan::Llvm)),
            ("/usr/bin/clang-format-21", None),
            ("/usr/lib/x86_64-linux-gnu/libLLVM.so.21.1", elf(Scan::Llvm)),
            ("/usr/lib/x86_64-linux-gnu/libLLVM-17.so.1", elf(Scan::Llvm)),
            ("/usr/lib/x86_64-linux-gnu/libLLVMSPIRVLib.so.21.1", None),
            ("/opt/rocm-6.4.3/lib/libamd_comgr.so.3.0.60403", elf(Scan::Llvm)),
            ("/usr/lib/x86_64-linux-gnu/libamdhip64.so.6", elf(Scan::Opened)),
            ("/usr/lib/llvm-21/lib/clang/21/amdgcn/bitcode/ocml.bc", Some(Interest::Bitcode)),
            ("/opt/rocm-6.4.3/.info/version", Some(Interest::Text)),
            (
                "/usr/lib/x86_64-linux-gnu/rocblas/4.4.0/library/Kernels.so-000-gfx1010.hsaco",
                Some(Interest::Name),
            ),
            ("/usr/lib/rocblas/library/TensileLibrary_lazy_gfx1010.dat", Some(Interest::Name)),
            ("/usr/share/doc/clang/README", None),
            ("clang", None),
        ] {
            assert_eq!(interest(path), expected, "{path}");
        }
    }
}
