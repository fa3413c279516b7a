//! Conflict rules: which parts of a toolchain cannot work together, why, what proves it, and what to do.
//!
//! One file a rule: its words, the check against an inventory, and the texts by which a failed build's log shows it.
//! Pure: an inventory or a log comes in, conflicts come out.

mod comgr_llvm_differs;
mod device_libs_newer;
mod two_libllvms;

use super::clang::{self, Pick};
use crate::model::{GfxTarget, GuestPath, Inventory, Llvm, Version, VersionRange};

/// Every rule, the most certain first.
pub const RULES: &[&Rule] = &[&device_libs_newer::RULE, &comgr_llvm_differs::RULE, &two_libllvms::RULE];

/// A kind of conflict.
#[derive(Debug)]
pub struct Rule {
    /// e.g. `device-libs-newer`.
    pub id: &'static str,
    /// What clashes, in one line.
    pub title: &'static str,
    /// Why it cannot work: paragraphs with an empty line between them.
    pub why: &'static str,
    /// What to type or change, one way each.
    pub remedies: &'static [&'static str],
    /// How a log shows it.
    pub signatures: &'static [Signature],
    /// Finds it in an inventory.
    pub check: fn(&Scene<'_>) -> Vec<Conflict>,
}

/// A text that a compiler, linker or loader prints when the conflict strikes.
#[derive(Debug)]
pub struct Signature {
    /// A regular expression over one line. Named groups become evidence.
    pub pattern: &'static str,
    /// A second text that must stand within so many lines behind, where the first alone says nothing.
    pub near: Option<(&'static str, usize)>,
    /// Whether what the groups caught really is this conflict.
    pub holds: fn(&Caught<'_>) -> bool,
    /// Whether it explains a failure or is a hint.
    pub severity: Severity,
}

/// What a signature's named groups caught.
#[derive(Debug, Default)]
pub struct Caught<'t>(pub Vec<(&'static str, &'t str)>);

impl<'t> Caught<'t> {
    pub fn get(&self, name: &str) -> Option<&'t str> {
        self.0.iter().find(|(group, _)| *group == name).map(|(_, text)| *text)
    }
}

/// A signature that holds wherever it is found.
pub(super) const fn signature(pattern: &'static str) -> Signature {
    Signature { pattern, near: None, holds: |_| true, severity: Severity::Refuse }
}

/// What a conflict means for a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It may strike; a build goes on.
    Warn,
    /// A build that needs both parts cannot succeed.
    Refuse,
}

/// A conflict that was found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Conflict {
    /// The rule's id.
    pub rule: String,
    pub severity: Severity,
    /// Which two things clash, in one sentence.
    pub what: String,
    pub evidence: Vec<Evidence>,
    /// What to do here; the rule's own ways where nothing better is known.
    pub remedies: Vec<String>,
}

/// A file, or a variable, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    pub place: String,
    pub says: String,
}

impl Evidence {
    pub fn new(place: impl ToString, says: impl Into<String>) -> Self {
        Self { place: place.to_string(), says: says.into() }
    }
}

/// What the rules are held against: a system, and what is to be done with it as far as that is known.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    pub inventory: &'a Inventory,
    /// The C++ compiler of the build, by any of its names; nothing means the one that `PATH` and variables lead to.
    pub compiler: Option<&'a GuestPath>,
    pub target: Option<GfxTarget>,
    pub requirements: Option<Requirements<'a>>,
}

/// What a recipe's version asks of a toolchain.
#[derive(Clone, Debug)]
pub struct Requirements<'a> {
    /// e.g. `miopen 3.3.0`.
    pub by: String,
    /// Capability → versions.
    pub ranges: &'a std::collections::BTreeMap<String, VersionRange>,
    /// Capability → what really is there.
    pub provided: &'a std::collections::BTreeMap<String, Version>,
}

impl<'a> Scene<'a> {
    /// A system by itself: nothing is asked of it yet.
    pub fn of(inventory: &'a Inventory) -> Self {
        Self { inventory, compiler: None, target: None, requirements: None }
    }

    /// The LLVM whose clang compiles HIP code here: the build's own, or what `HIP_CLANG_PATH`, `CXX` or `PATH` lead to.
    pub fn llvm(&self) -> Option<&'a Llvm> {
        let inventory = self.inventory;
        let real = |path: &str| inventory.llvms.iter().find(|llvm| belongs(llvm, path));
        if let Some(compiler) = self.compiler {
            return real(compiler.as_str());
        }
        let variable = |name: &str| inventory.environment.get(name).map(String::as_str);
        let named =
            variable("HIP_CLANG_PATH").map(|folder| format!("{}/clang++", folder.trim_end_matches('/')));
        let named =
            named.or_else(|| variable("CXX").filter(|path| path.contains("clang")).map(str::to_owned));
        match named {
            Some(path) => real(&path),
            None => {
                let found =
                    ["amdclang++", "clang++", "clang"].iter().find_map(|name| inventory.command(name));
                match found {
                    Some(command) => real(command.is.as_str()),
                    // Debian's HIP calls its clang by its number; where there is one LLVM, it is that one.
                    None => match inventory.llvms.as_slice() {
                        [only] => Some(only),
                        _ => None,
                    },
                }
            }
        }
    }

    /// The device libraries that this clang takes.
    pub fn device_libraries(&self) -> Option<(&'a Llvm, Pick<'a>)> {
        let llvm = self.llvm()?;
        Some((llvm, clang::device_libraries(self.inventory, llvm)))
    }
}

/// Whether a compiler's path is of this LLVM: its real file, a name beside it, or Debian's `/usr/bin/clang++-21`.
fn belongs(llvm: &Llvm, path: &str) -> bool {
    if path == llvm.clang.as_str() || path.starts_with(&format!("{}/bin/", llvm.root)) {
        return true;
    }
    let number = path.rsplit_once('/').and_then(|(_, name)| name.rsplit_once('-')).map(|(_, number)| number);
    number.is_some_and(|number| llvm.root.as_str().ends_with(&format!("/llvm-{number}")))
}

impl Rule {
    /// The rule with this id.
    pub fn by_id(id: &str) -> Option<&'static Rule> {
        RULES.iter().copied().find(|rule| rule.id == id)
    }

    /// A conflict of this rule, with the rule's own remedies.
    pub(super) fn conflict(&self, severity: Severity, what: String, evidence: Vec<Evidence>) -> Conflict {
        let remedies = self.remedies.iter().map(|remedy| (*remedy).to_owned()).collect();
        Conflict { rule: self.id.to_owned(), severity, what, evidence, remedies }
    }
}

/// Every conflict of a system, what refuses a build first.
pub fn conflicts(scene: &Scene<'_>) -> Vec<Conflict> {
    let mut found: Vec<Conflict> = RULES.iter().flat_map(|rule| (rule.check)(scene)).collect();
    found.sort_by_key(|conflict| std::cmp::Reverse(conflict.severity));
    found
}
