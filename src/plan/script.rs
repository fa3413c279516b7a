//! Writes the commands of a build from a recipe's steps: pure.

use std::collections::BTreeMap;

use crate::model::{BUILD, CCACHE, GuestPath, NINJA_STATUS, SOURCE, SYSTEM_PATH, Script, Toolchain};

/// What a script is made of.
#[derive(Clone, Copy, Debug)]
pub struct ScriptInputs<'a> {
    pub toolchain: &'a Toolchain,
    pub source_subdir: &'a str,
    pub prefix: &'a str,
    pub options: &'a BTreeMap<String, String>,
    pub environment: &'a BTreeMap<String, String>,
    pub source_date_epoch: u64,
}

/// What splits symbols off.
const SPLIT_SYMBOLS: &str = include_str!("split-symbols.sh");

/// Installs without symbols. Where the image has the program for it, they are kept beside what they are of.
fn install() -> String {
    format!(
        "if command -v objcopy >/dev/null && command -v od >/dev/null; then\ncmake --install {BUILD}\n{SPLIT_SYMBOLS}else\ncmake --install {BUILD} --strip\nfi"
    )
}

/// Writes a CMake and Ninja build.
pub fn cmake(inputs: ScriptInputs<'_>) -> Script {
    let source = GuestPath::new(SOURCE).join(inputs.source_subdir.trim_start_matches("./"));
    let source = source.as_str().trim_end_matches("/.").trim_end_matches('/');
    let mut configure: Vec<String> =
        ["cmake", "-G", "Ninja", "-S", source, "-B", BUILD].map(str::to_owned).into();
    let mut define = |name: &str, value: &str| configure.push(format!("-D{name}={value}"));
    define("CMAKE_INSTALL_PREFIX", inputs.prefix);
    define("CMAKE_C_COMPILER", inputs.toolchain.compilers.c.as_str());
    define("CMAKE_CXX_COMPILER", inputs.toolchain.compilers.cxx.as_str());
    for launcher in
        ["CMAKE_C_COMPILER_LAUNCHER", "CMAKE_CXX_COMPILER_LAUNCHER", "CMAKE_HIP_COMPILER_LAUNCHER"]
    {
        define(launcher, "ccache");
    }
    for (name, value) in inputs.options {
        define(name, value);
    }

    let mut environment: BTreeMap<String, String> = [
        ("HOME", "/work/home"),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("PATH", SYSTEM_PATH),
        ("NINJA_STATUS", NINJA_STATUS),
        // Debian's clang answers with colour codes to some terminals; a log has none.
        ("TERM", "dumb"),
        ("CCACHE_DIR", CCACHE),
        // Paths inside are the same for all units; what differs between checkouts is cut off all the same.
        ("CCACHE_BASEDIR", "/work"),
        ("CCACHE_NOHASHDIR", "1"),
        ("CCACHE_STATSLOG", "/work/ccache-stats.log"),
        // Toolchains hold no GPU: hipcc must not look for one to choose a target.
        ("ROCM_TARGET_LST", "/dev/null"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    environment.insert("SOURCE_DATE_EPOCH".to_owned(), inputs.source_date_epoch.to_string());
    environment.extend(inputs.toolchain.environment.clone());
    environment.extend(inputs.environment.clone());

    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    Script {
        configure,
        build: words(&format!("cmake --build {BUILD}")),
        install: ["sh", "-ec", &install()].map(str::to_owned).into(),
        environment,
    }
}
