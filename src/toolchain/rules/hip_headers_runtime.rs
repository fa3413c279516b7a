//! HIP headers and a HIP runtime of different majors.

use super::{Caught, Conflict, Evidence, Rule, Scene, Severity, signature};
use crate::model::{FoundLibrary, LibraryPart};

pub(super) static RULE: Rule = Rule {
    id: "hip-headers-runtime",
    title: "the HIP headers and libamdhip64 are of different majors",
    why: "\
The headers of HIP 6 rename functions whose structs have grown, such as hipGetDeviceProperties to hipGetDevicePropertiesR0600, and
every release adds functions: an older library lacks them, and linking fails. The other way round, old headers bind to the old
function and read a struct of another layout: that links, and gives wrong values.",
    told_by: "\
a log says that hipGetDevicePropertiesR0600 is undefined, that a version such as hip_6.0 is not found, or that headers \
of two roots define the same. Before a build, hip_version.h is held against the names of the libraries",
    remedies: &[
        "take headers and library from one place: apt policy libamdhip64-dev hip-dev shows where they come from",
        "give -I and -L of one root, e.g. -isystem /opt/rocm/include -L/opt/rocm/lib",
        "remove the other -dev package: /usr/include is searched before /opt/rocm/include",
    ],
    signatures: &[
        signature(
            r"undefined (?:symbol|reference)(?: to)?:? [`']?(?P<symbol>hip(?:GetDeviceProperties|ChooseDevice)R0[06]00)",
            "the headers call {symbol}, which the HIP library does not have",
        ),
        signature(
            r"version [`'](?P<version>hip_\d+\.\d+)' not found \(required by (?P<by>[^)]+)\)",
            "{by} needs {version}, which the HIP library that is loaded does not have",
        ),
        signature(
            r"(?P<library>libamdhip64\.so\.\d+): cannot open shared object file",
            "{library} is needed and is not there; another major may be",
        ),
        signature(
            r"(?P<one>\S*/include/hip/[^\s:]+):\d+:\d+: error: redefinition of '(?P<name>[^']+)'",
            "{one} and {two} are headers of two HIPs in one compilation",
        )
        .near(r"(?P<two>\S*/include/hip/[^\s:]+):\d+:\d+: note: previous definition is here", 0, 6)
        .when(of_two_roots),
        signature(
            r"undefined (?:symbol|reference)(?: to)?:? [`']?(?P<symbol>hip[A-Z]\w*)",
            "{symbol} is called, and the HIP library does not have it or is not linked",
        )
        .hint(),
    ],
    covers: &[],
    check,
};

fn of_two_roots(caught: &Caught<'_>) -> bool {
    let root = |name| caught.get(name).and_then(|path| path.split("/include/hip/").next());
    root("one") != root("two")
}

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let Some(headers) = scene.hip_headers() else { return vec![] };
    let Some(&wanted) = headers.version.parts().first() else { return vec![] };
    let runtimes: Vec<(&FoundLibrary, u32)> = scene
        .inventory
        .libraries(LibraryPart::HipRuntime)
        .filter_map(|runtime| Some((runtime, major(runtime.soname.as_deref()?)?)))
        .collect();
    // Runtimes of several majors may stand side by side; one of the headers' own is enough.
    let matching = runtimes.iter().find(|(_, major)| *major == wanted);
    let headers_say = Evidence::new(&headers.proof, format!("HIP {}", headers.version));
    match (matching, runtimes.as_slice()) {
        (None, []) => vec![],
        (None, [(runtime, found), ..]) => vec![RULE.conflict(
            Severity::Refuse,
            format!("the headers are of HIP {}, the library is of HIP {found}", headers.version),
            vec![headers_say, Evidence::new(&runtime.path, format!("libamdhip64.so.{found}"))],
        )],
        (Some((runtime, _)), _) => {
            let minor = |parts: &[u32]| parts.get(1).copied();
            let Some(version) = &runtime.version else { return vec![] };
            match (minor(headers.version.parts()), minor(version.parts())) {
                (Some(newer), Some(older)) if newer > older => vec![RULE.conflict(
                    Severity::Warn,
                    format!("the headers are of HIP {}, the library of the older {version}", headers.version),
                    vec![headers_say, Evidence::new(&runtime.path, format!("HIP {version}"))],
                )],
                _ => vec![],
            }
        }
    }
}

/// `6` of `libamdhip64.so.6`.
pub(super) fn major(soname: &str) -> Option<u32> {
    soname.split_once(".so.")?.1.split('.').next()?.parse().ok()
}
