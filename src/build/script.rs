//! The commands of a build, as a value: pure, printable, digested into the build's key.

use std::collections::BTreeMap;

use crate::model::{Digest, Digester, GuestPath, Toolchain};

/// Where things lie inside every build container. The same for all units, so that the compiler cache serves across them.
pub const SOURCE: &str = "/work/src";
pub const BUILD: &str = "/work/build";
pub const INSTALL: &str = "/work/install";
pub const CCACHE: &str = "/ccache";

/// The user of every build: no name is needed inside the image.
pub const USER: &str = "1000:1000";

/// A step of a build, named as logs and errors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Configure,
    Build,
    Install,
}

impl Step {
    pub const ALL: [Step; 3] = [Step::Configure, Step::Build, Step::Install];

    pub fn as_str(self) -> &'static str {
        match self {
            Step::Configure => "configure",
            Step::Build => "build",
            Step::Install => "install",
        }
    }
}

/// What runs in the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    configure: Vec<String>,
    build: Vec<String>,
    install: Vec<String>,
    environment: BTreeMap<String, String>,
}

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

impl Script {
    /// Writes a CMake and Ninja build.
    pub fn cmake(inputs: ScriptInputs<'_>) -> Self {
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
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("NINJA_STATUS", super::ninja::STATUS),
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
        Self {
            configure,
            build: words(&format!("cmake --build {BUILD}")),
            install: words(&format!("cmake --install {BUILD} --strip")),
            environment,
        }
    }

    /// The command of a step; `jobs` compilations at once.
    pub fn command(&self, step: Step, jobs: u32) -> Vec<String> {
        match step {
            Step::Configure => self.configure.clone(),
            Step::Build => {
                let mut command = self.build.clone();
                command.extend(["--parallel".to_owned(), jobs.to_string()]);
                command
            }
            Step::Install => self.install.clone(),
        }
    }

    /// The environment of a step. Only the install step sees `DESTDIR`.
    pub fn environment(&self, step: Step) -> BTreeMap<String, String> {
        let mut environment = self.environment.clone();
        if step == Step::Install {
            environment.insert("DESTDIR".to_owned(), INSTALL.to_owned());
        }
        environment
    }

    /// Digest of all commands and their environment; the number of jobs stays outside.
    pub fn digest(&self) -> Digest {
        let mut digester = Digester::new();
        let mut add = |text: &str| {
            digester.update(&(text.len() as u64).to_le_bytes());
            digester.update(text.as_bytes());
        };
        for command in [&self.configure, &self.build, &self.install] {
            add(&command.len().to_string());
            command.iter().for_each(|word| add(word));
        }
        for (name, value) in &self.environment {
            add(name);
            add(value);
        }
        digester.finish()
    }

    /// Digest of what a build folder depends on besides its sources: another one must not be continued.
    pub fn configuration(&self, toolchain_identity: Digest) -> Digest {
        Digest::of(format!("{} {toolchain_identity}", self.digest()))
    }
}
