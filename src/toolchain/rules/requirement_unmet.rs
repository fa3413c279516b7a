//! A library outside of what a recipe can be built with.

use super::{Conflict, Evidence, Rule, Scene, Severity, signature};
use crate::model::{Inventory, LibraryPart};

pub(super) static RULE: Rule = Rule {
    id: "requirement-unmet",
    title: "a library is outside of the range that the recipe can be built with",
    why: "\
MIOpen 3.3 uses rocBLAS's functions for 8-bit floating point numbers, which were a beta: rocBLAS has them in ROCm 6.0 to 6.4. Those
of ROCm 5.7 do not have them yet, those of ROCm 7.0 have them no longer, and MIOpen asks only whether rocBLAS is new enough.

From Boost 1.87 on, boost::optional no longer takes a value from braces without being told to (`return {x};`), which sources of
that time do. In the other direction, Boost before 1.68 lacks functions such as optional::has_value.",
    told_by: "\
a log says that a name of rocBLAS's beta is unknown, or that a constructor of boost::optional is explicit. Before a \
build, the versions that are there are held against those that the recipe requires",
    remedies: &[
        "use a toolchain that has what the recipe requires: rdna-build recipes show RECIPE, rdna-build toolchains",
        "build the version of the recipe that belongs to your ROCm: --version",
        "for Boost 1.87 and newer, apply the patch that the recipe has for it; rdna-build does where it is needed",
    ],
    signatures: &[
        signature(
            r"(?:unknown type name|use of undeclared identifier|no member named) '(?P<name>rocblas_(?:computetype|compute_type_\w*f8\w*|datatype_b?f8_r|b?f(?:loat)?8|gemm_ex3\w*))'",
            "the source uses {name} of rocBLAS's beta, which rocBLAS has in ROCm 6.0 to 6.4 only",
        ),
        signature(
            r"error: chosen constructor is explicit in copy-initialization",
            "the source makes a boost::optional from braces, which {header} of Boost 1.87 or newer forbids",
        )
        .near(r"(?P<header>\S*boost/optional/[^\s:]+):\d+:\d+: note: explicit constructor declared here", 0, 6),
        signature(
            r"no viable conversion from returned value of type .* to function return type '(?P<type>boost::optional<[^']*)'",
            "the source makes a {type} from braces, which Boost 1.87 or newer forbids",
        ),
        signature(
            r"no member named 'has_value' in '(?P<type>boost::optional<[^']*)'",
            "the source asks {type} for has_value, which Boost has since 1.68",
        ),
        signature(
            r"converting to '(?P<type>boost::optional<[^']*)' from initializer list would use explicit constructor",
            "the source makes a {type} from braces, which Boost 1.87 or newer forbids",
        ),
    ],
    covers: &[],
    check,
};

/// A capability that is not known to be there at all is the choice of toolchains' business.
fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let Some(asked) = &scene.requirements else { return vec![] };
    let unmet = asked.ranges.iter().filter_map(|(capability, range)| {
        let version = asked.provided.get(capability)?;
        (!range.contains(version)).then(|| {
            RULE.conflict(
                Severity::Refuse,
                format!("{} requires {capability} {range}, and {version} is here", asked.by),
                vec![
                    Evidence::new(&asked.by, format!("requires {capability} {range}")),
                    Evidence::new(place(scene.inventory, capability), version.to_string()),
                ],
            )
        })
    });
    unmet.collect()
}

/// The file that shows a capability, as far as one is known.
fn place(inventory: &Inventory, capability: &str) -> String {
    let library = |part| inventory.libraries(part).next().map(|library| library.path.to_string());
    let found = match capability {
        "hip" => inventory.hip_headers.first().map(|headers| headers.proof.to_string()),
        "hiprtc" => library(LibraryPart::Hiprtc),
        "rocblas" => library(LibraryPart::Rocblas),
        "llvm" | "clang" => inventory.llvms.first().map(|llvm| llvm.clang.to_string()),
        part => inventory.parts.iter().find(|found| found.name == part).map(|found| found.proof.to_string()),
    };
    found.unwrap_or_else(|| capability.to_owned())
}
