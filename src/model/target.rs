//! gfx targets: the names LLVM's AMDGPU back end gives to the instruction sets.

use std::fmt;
use std::str::FromStr;

use super::digest::serde_as_text;
use super::name::nearest;

/// A processor that LLVM's AMDGPU back end knows, e.g. `gfx1010`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GfxTarget(usize);

/// Name and `EF_AMDGPU_MACH` value in the ELF header of a code object (LLVM, AMDGPUUsage, "ELF Header e_flags").
const KNOWN: [(&str, u32); 26] = [
    ("gfx803", 0x2a),
    ("gfx900", 0x2c),
    ("gfx906", 0x2f),
    ("gfx908", 0x30),
    ("gfx90a", 0x3f),
    ("gfx90c", 0x32),
    ("gfx942", 0x4c),
    ("gfx950", 0x4f),
    ("gfx1010", 0x33),
    ("gfx1011", 0x34),
    ("gfx1012", 0x35),
    ("gfx1013", 0x42),
    ("gfx1030", 0x36),
    ("gfx1031", 0x37),
    ("gfx1032", 0x38),
    ("gfx1033", 0x39),
    ("gfx1034", 0x3e),
    ("gfx1035", 0x3d),
    ("gfx1036", 0x45),
    ("gfx1100", 0x41),
    ("gfx1101", 0x46),
    ("gfx1102", 0x47),
    ("gfx1103", 0x44),
    ("gfx1150", 0x43),
    ("gfx1200", 0x48),
    ("gfx1201", 0x4e),
];

/// The text names no processor known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a gfx target{}", match nearest { Some(n) => format!(", did you mean `{n}`?"), None => String::new() })]
pub struct TargetError {
    pub text: String,
    pub nearest: Option<&'static str>,
}

impl GfxTarget {
    pub fn as_str(&self) -> &'static str {
        KNOWN[self.0].0
    }

    /// The `EF_AMDGPU_MACH` bits (0xff of `e_flags`) of a code object for this target.
    pub fn elf_machine_flag(&self) -> u32 {
        KNOWN[self.0].1
    }

    /// The target whose code objects carry these `EF_AMDGPU_MACH` bits.
    pub fn from_elf_machine_flag(flag: u32) -> Option<Self> {
        KNOWN.iter().position(|(_, mach)| *mach == flag).map(Self)
    }
}

impl fmt::Display for GfxTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for GfxTarget {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        KNOWN.iter().position(|(name, _)| *name == text).map(Self).ok_or_else(|| TargetError {
            text: text.to_owned(),
            nearest: nearest(text, KNOWN.iter().map(|(name, _)| *name)),
        })
    }
}

serde_as_text!(GfxTarget);

/// A processor with the state of its features, as compilers take it: `gfx1010:xnack-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TargetId {
    processor: GfxTarget,
    /// Each with its sign, in the order they were written.
    features: Vec<String>,
}

/// The text is no target id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetIdError {
    #[error(transparent)]
    Processor(#[from] TargetError),
    #[error("`{feature}` is not a feature: xnack+, xnack-, sramecc+ or sramecc-")]
    Feature { feature: String },
}

impl TargetId {
    pub fn processor(&self) -> GfxTarget {
        self.processor
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let features = self.features.iter().flat_map(|feature| [":", feature]);
        f.pad(&std::iter::once(self.processor.as_str()).chain(features).collect::<String>())
    }
}

impl FromStr for TargetId {
    type Err = TargetIdError;

    fn from_str(text: &str) -> Result<Self, TargetIdError> {
        let mut parts = text.split(':');
        let processor = parts.next().unwrap_or_default().parse()?;
        let features = parts
            .map(|feature| match feature {
                "xnack+" | "xnack-" | "sramecc+" | "sramecc-" => Ok(feature.to_owned()),
                _ => Err(TargetIdError::Feature { feature: feature.to_owned() }),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { processor, features })
    }
}

serde_as_text!(TargetId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_elf_flags_of_rdna1_are_those_of_llvm() {
        for (name, flag) in [("gfx1010", 0x33), ("gfx1011", 0x34), ("gfx1012", 0x35)] {
            let target: GfxTarget = name.parse().expect("known");
            assert_eq!(target.elf_machine_flag(), flag);
            assert_eq!(GfxTarget::from_elf_machine_flag(flag), Some(target));
        }
    }

    #[test]
    fn a_target_id_keeps_its_features() {
        let id: TargetId = "gfx1010:xnack-".parse().expect("a target id");
        assert_eq!((id.processor().as_str(), id.to_string().as_str()), ("gfx1010", "gfx1010:xnack-"));
        for bad in ["", "gfx1010:", "gfx1010:xnack", "gfx1010:sram", "gfx9999:xnack-"] {
            assert!(bad.parse::<TargetId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_unknown_target_is_told_the_nearest() {
        let error = "gfx101".parse::<GfxTarget>().expect_err("unknown");
        assert_eq!(error.nearest, Some("gfx1010"));
    }
}
