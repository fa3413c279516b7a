//! The commands of a build, as a value: printable, digested into the build's key, run by `build`.

use std::collections::BTreeMap;

use super::digest::{Digest, Digester};

/// Where a Debian system looks for programs.
pub const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where the source lies inside every build container. The same for all units, so that the compiler cache serves across them.
pub const SOURCE: &str = "/work/src";
pub const BUILD: &str = "/work/build";
pub const INSTALL: &str = "/work/install";
pub const CCACHE: &str = "/ccache";
/// `NINJA_STATUS` of every build: finished edges, all edges.
pub const NINJA_STATUS: &str = "[%f/%t] ";

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
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Script {
    pub configure: Vec<String>,
    /// Without the number of jobs, which is the machine's affair.
    pub build: Vec<String>,
    pub install: Vec<String>,
    pub environment: BTreeMap<String, String>,
}

impl Script {
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
