//! Variables that steer ROCm and MIOpen, from the environment and from the files that set it for everybody.

use super::Root;

/// A variable with what it is set to, and where.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Variable {
    pub name: String,
    pub value: String,
    /// `environment`, or the file and its line.
    pub place: String,
}

const NAMES: [&str; 22] = [
    "AMD_LOG_LEVEL",
    "CUDA_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "GPU_MAX_HW_QUEUES",
    "HIP_FORCE_DEV_KERNARG",
    "HIP_HOST_COHERENT",
    "HIP_LAUNCH_BLOCKING",
    "HIP_VISIBLE_DEVICES",
    "HSA_DISABLE_CACHE",
    "HSA_ENABLE_INTERRUPT",
    "HSA_ENABLE_SDMA",
    "HSA_FORCE_FINE_GRAIN_PCIE",
    "HSA_NO_SCRATCH_RECLAIM",
    "HSA_OVERRIDE_GFX_VERSION",
    "HSA_USE_SVM",
    "HSA_XNACK",
    "MIOPEN_FIND_ENFORCE",
    "MIOPEN_FIND_MODE",
    "PYTORCH_ROCM_ARCH",
    "ROCBLAS_TENSILE_LIBPATH",
    "ROCR_VISIBLE_DEVICES",
    "TORCH_BLAS_PREFER_HIPBLASLT",
];
const BEGINNINGS: [&str; 2] = ["HSA_OVERRIDE_GFX_VERSION_", "MIOPEN_DEBUG_"];

/// Whether a variable matters here. Others are never looked at: they hold secrets.
pub fn matters(name: &str) -> bool {
    NAMES.contains(&name) || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// Files that set variables for everybody who logs in.
const FILES: [&str; 2] = ["etc/environment", "etc/profile"];
const FOLDERS: [(&str, &str); 2] = [("etc/environment.d", ".conf"), ("etc/profile.d", ".sh")];

/// The variables that matter in the system's own files.
pub(super) fn of_files(root: &Root) -> Vec<Variable> {
    let mut places: Vec<String> = FILES.map(str::to_owned).into();
    for (folder, ending) in FOLDERS {
        let names = root.names(folder).into_iter().filter(|name| name.ends_with(ending));
        places.extend(names.map(|name| format!("{folder}/{name}")));
    }
    let of = |place: &String| root.text(place).map(|text| assignments(&text, place)).unwrap_or_default();
    places.iter().flat_map(of).collect()
}

/// Assignments that matter: `NAME=value`, with `export` before it or not. What a shell would work out is taken as written.
fn assignments(text: &str, place: &str) -> Vec<Variable> {
    let assignment = |(number, line): (usize, &str)| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let (name, value) = line.split_once('=')?;
        let place = format!("/{place}:{}", number + 1);
        let value = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
        matters(name).then(|| Variable { name: name.to_owned(), value: value.to_owned(), place })
    };
    text.lines().enumerate().filter_map(assignment).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_a_file_says_only_what_matters_is_taken(
            text in "((export )?(HSA_ENABLE_SDMA|MIOPEN_DEBUG_X|TOKEN|[A-Z_]{0,9})(=|==| = )\\PC{0,9}\n){0,9}",
        ) {
            prop_assert!(assignments(&text, "x").iter().all(|variable| matters(&variable.name)));
        }
    }

    #[test]
    fn only_variables_that_matter_are_taken() {
        let text = "# a comment\nexport HSA_OVERRIDE_GFX_VERSION=\"10.3.0\" # for the card\nTOKEN=x\n\
                    MIOPEN_DEBUG_CONV_GEMM=0\n#HSA_ENABLE_SDMA=0\nHSA_ENABLE_SDMA\n";
        let found: Vec<String> = assignments(text, "etc/environment")
            .iter()
            .map(|variable| format!("{} {} {}", variable.place, variable.name, variable.value))
            .collect();
        assert_eq!(
            found,
            [
                "/etc/environment:2 HSA_OVERRIDE_GFX_VERSION 10.3.0",
                "/etc/environment:4 MIOPEN_DEBUG_CONV_GEMM 0"
            ]
        );
    }
}
