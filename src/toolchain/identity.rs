//! What an image really holds, read from its dpkg status file, held against what its toolchain claims.
//!
//! The caller fetches the file out of the image and answers whether a path exists in it.

use std::collections::BTreeMap;

use super::error::{ClaimFault, ToolchainError};
use super::packages::is_package;
use crate::model::{Digest, GuestPath, Inventory, Pin, Toolchain, Version};

/// A full desktop's file has about 6 MiB.
const LONGEST_STATUS: usize = 64 << 20;
const MOST_PACKAGES: usize = 100_000;

/// Capability → the version the image really provides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActualProvides(pub BTreeMap<String, Version>);

impl ActualProvides {
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Version)> {
        self.0.iter()
    }
}

/// Reads the text of `/var/lib/dpkg/status`: installed package → its Debian version.
pub fn parse_dpkg_status(status: &[u8]) -> Result<BTreeMap<String, String>, ToolchainError> {
    if status.len() > LONGEST_STATUS {
        return Err(ToolchainError::Status { line: 1, reason: "the file is larger than 64 MiB" });
    }
    // Descriptions may hold anything; a name or version with replaced bytes is refused below.
    let status = String::from_utf8_lossy(status);
    let mut packages = BTreeMap::new();
    let mut paragraph = Paragraph::default();
    for (index, line) in status.lines().enumerate() {
        if line.is_empty() {
            std::mem::take(&mut paragraph).close(&mut packages)?;
        } else {
            paragraph.take(line, index + 1)?;
        }
    }
    paragraph.close(&mut packages)?;
    Ok(packages)
}

/// The fields that count; all others may hold anything.
#[derive(Default)]
struct Paragraph<'a> {
    /// Its first line; zero before there is one.
    line: usize,
    package: Option<&'a str>,
    status: Option<&'a str>,
    version: Option<&'a str>,
}

impl<'a> Paragraph<'a> {
    fn take(&mut self, line: &'a str, number: usize) -> Result<(), ToolchainError> {
        if self.line == 0 {
            self.line = number;
        }
        let fields =
            [("Package:", &mut self.package), ("Status:", &mut self.status), ("Version:", &mut self.version)];
        for (name, field) in fields {
            if let Some(value) = line.strip_prefix(name)
                && field.replace(value.trim()).is_some()
            {
                return Err(ToolchainError::Status {
                    line: number,
                    reason: "a field stands twice in one paragraph",
                });
            }
        }
        Ok(())
    }

    fn close(self, packages: &mut BTreeMap<String, String>) -> Result<(), ToolchainError> {
        let broken = |reason| Err(ToolchainError::Status { line: self.line, reason });
        // A removed package leaves its configuration and its paragraph behind.
        let installed =
            self.status.is_some_and(|status| status.split_whitespace().nth(2) == Some("installed"));
        let (package, version) = match (self.package, self.version) {
            _ if !installed => return Ok(()),
            (Some(package), Some(version)) => (package, version),
            (None, _) => return broken("an installed package has no name"),
            (_, None) => return broken("an installed package has no version"),
        };
        if !is_package(package) {
            return broken("the paragraph from here on names no package");
        }
        let of_versions = |b: u8| b.is_ascii_alphanumeric() || b".+-:~".contains(&b);
        if version.is_empty() || version.len() > 256 || !version.bytes().all(of_versions) {
            return broken("the paragraph from here on has no version");
        }
        if packages.len() >= MOST_PACKAGES {
            return broken("more packages are installed than there are");
        }
        match packages.insert(package.to_owned(), version.to_owned()) {
            // One paragraph for each architecture; dpkg keeps them at one version.
            Some(other) if other != version => broken("a package is installed in two versions"),
            Some(_) | None => Ok(()),
        }
    }
}

/// Holds the claims of a toolchain against what is in its image; all broken ones are told at once.
pub fn check_claims(
    toolchain: &Toolchain,
    packages: &BTreeMap<String, String>,
    inventory: &Inventory,
    file_exists: &dyn Fn(&GuestPath) -> bool,
) -> Result<ActualProvides, ToolchainError> {
    let mut faults = Vec::new();
    let mut actual = BTreeMap::new();
    for (capability, promised) in &toolchain.provides {
        let claim = format!("{capability} {}", promised.version);
        let package = promised.package.clone();
        let upstream = |found: &String| {
            Version::from_debian(found).ok().filter(|version| version.starts_with(&promised.version))
        };
        match packages.get(&package).map(|found| (found, upstream(found))) {
            None => faults.push(ClaimFault::NotInstalled { claim: claim.clone(), package }),
            Some((found, None)) => {
                faults.push(ClaimFault::OtherVersion { claim: claim.clone(), package, found: found.clone() });
            }
            Some((_, Some(version))) => {
                actual.insert(capability.clone(), version);
            }
        }
        if let Some(file) = promised.file.as_ref().filter(|file| !file_exists(file)) {
            faults.push(ClaimFault::NoFile { claim, file: file.clone() });
        }
    }
    faults.extend(other_llvm(toolchain, inventory));
    for (language, file) in [("C", &toolchain.compilers.c), ("C++", &toolchain.compilers.cxx)] {
        if !file_exists(file) {
            faults.push(ClaimFault::NoCompiler { language, file: file.clone() });
        }
    }
    if faults.is_empty() {
        Ok(ActualProvides(actual))
    } else {
        Err(ToolchainError::Claims { id: toolchain.id.clone(), faults })
    }
}

/// The declared compiler, where it is of another LLVM than is claimed.
fn other_llvm(toolchain: &Toolchain, inventory: &Inventory) -> Option<ClaimFault> {
    let claim = toolchain.provides.get("llvm")?;
    let found = super::pin::compiler(toolchain, inventory)?;
    let version = found.version.as_ref()?;
    (!version.numbers().starts_with(&claim.version)).then(|| ClaimFault::OtherLlvm {
        claim: format!("llvm {}", claim.version),
        compiler: found.clang.clone(),
        found: version.clone(),
        proof: found.version_proof.clone().unwrap_or_else(|| found.clang.clone()),
    })
}

/// Digests what is installed, what compiles in it, and how a build is bound to that: one line for each, sorted.
///
/// A compiler that no package brought is in here by its version and the device libraries' producers. The digest of the
/// toolchain's definition is another ingredient of a key; it is not in here.
pub fn identity(packages: &BTreeMap<String, String>, inventory: &Inventory, pins: &[Pin]) -> Digest {
    let packages = packages.iter().map(|(package, version)| format!("{package}={version}\n"));
    let llvms = inventory.llvms.iter().map(|llvm| {
        let version = llvm.version.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("LLVM {} {version}\n", llvm.root)
    });
    let libraries = inventory.device_libraries.iter().flat_map(|set| {
        set.producers.keys().map(move |producer| format!("device libraries {} {producer}\n", set.folder))
    });
    let pins = pins.iter().map(|pin| format!("pin {}={}\n", pin.name, pin.value));
    Digest::of(packages.chain(llvms).chain(libraries).chain(pins).collect::<String>())
}
