//! THE table of settings: name, variables, type, default, documentation. It drives reading, `rdna-build config`,
//! the reference in the help and the search for unknown keys.

use std::path::Path;

use super::environment::Environment;
use super::value::{
    self, ColorChoice, EngineText, Format, OwnPatchFile, Progress, Raw, ValueError, Verbosity,
};
use crate::cli::render::amount;
use crate::model::HostPath;
use crate::remote::Repository;

/// What people need to know of a setting.
#[derive(Debug)]
pub struct About {
    /// The key in files and the name in `rdna-build config`.
    pub name: &'static str,
    pub flag: Option<&'static str>,
    pub variable: &'static str,
    pub values: &'static str,
    pub default: &'static str,
    pub doc: &'static str,
}

/// A setting: how it is found in the ecosystem's variables, read and shown.
pub struct Definition<T: 'static> {
    pub about: About,
    /// Variables that other tools obey as well, asked after the setting's own.
    pub ecosystem: fn(&Environment) -> Option<(&'static str, Raw)>,
    pub parse: fn(&Raw, &Path) -> Result<T, ValueError>,
    pub show: fn(&T) -> String,
}

macro_rules! settings {
    ($($constant:ident: $type:ty = $name:literal $variable:literal $flag:expr, $values:literal, $default:literal,
        $doc:literal, $parse:expr, $show:expr $(, from $ecosystem:expr)?;)+) => {
        $(pub static $constant: Definition<$type> = Definition {
            about: About {
                name: $name, flag: $flag, variable: $variable, values: $values, default: $default, doc: $doc,
            },
            ecosystem: settings!(@ecosystem $($ecosystem)?),
            parse: $parse,
            show: $show,
        };)+

        /// Every setting, in the order they are shown.
        pub static ALL: &[&About] = &[$(&$constant.about),+];
    };
    (@ecosystem) => { |_| None };
    (@ecosystem $ecosystem:expr) => { $ecosystem };
}

settings! {
    ENGINE: EngineText = "engine" "RDNA_BUILD_ENGINE" Some("--engine"), "auto, docker, podman or an address", "auto",
        "the container engine", value::engine, |engine| redact(&engine.0);
    STORE: HostPath = "store" "RDNA_BUILD_STORE" Some("--store"), "a folder", "$XDG_CACHE_HOME/rdna-build",
        "where finished stages and the logs of runs are kept", value::path, HostPath::to_string;
    STATE: HostPath = "state" "RDNA_BUILD_STATE" None, "a folder", "$XDG_STATE_HOME/rdna-build",
        "where the lock file is kept outside of a project", value::path, HostPath::to_string;
    OUTPUT: HostPath = "output" "RDNA_BUILD_OUTPUT" Some("--output"), "a folder", "out",
        "where packages are put", value::path, HostPath::to_string;
    LOCK_FILE: HostPath = "lock-file" "RDNA_BUILD_LOCK_FILE" None, "a file",
        "rdna-build.lock beside rdna-build.toml, else in the state folder",
        "the file that pins commits and base images", value::path, HostPath::to_string;
    JOBS: u32 = "jobs" "RDNA_BUILD_JOBS" Some("--jobs"), "a number", "by cores and memory",
        "compilations at the same time", value::count, u32::to_string;
    MEMORY: u64 = "memory" "RDNA_BUILD_MEMORY" Some("--memory"), "a size such as 6 GiB", "all of the engine's",
        "memory a build container may use", value::memory, |bytes| amount::bytes(*bytes);
    REMOTE: Repository = "remote.registry" "RDNA_BUILD_REMOTE_REGISTRY" Some("--remote"), "REGISTRY/PATH", "none",
        "a repository of an OCI registry that shares what is in stores", value::repository, Repository::to_string;
    REMOTE_WRITE: bool = "remote.write" "RDNA_BUILD_REMOTE_WRITE" Some("--remote-write"), "true or false", "false",
        "also give the remote what was made here", value::switch, bool::to_string;
    OFFLINE: bool = "offline" "RDNA_BUILD_OFFLINE" Some("--offline"), "true or false", "false",
        "never use the network", value::switch, bool::to_string;
    DEBIAN_MIRROR: String = "debian-mirror" "RDNA_BUILD_DEBIAN_MIRROR" Some("--debian-mirror"), "an address",
        "that of the host's apt sources", "the Debian mirror for toolchains", value::address,
        |address| redact(address);
    RECIPES: Vec<HostPath> = "recipes" "RDNA_BUILD_RECIPES" Some("--recipes"), "folders", "those built in",
        "folders with recipes, put before those built in", value::paths, |paths| list(paths);
    TOOLCHAINS: Vec<HostPath> = "toolchains" "RDNA_BUILD_TOOLCHAINS" Some("--toolchains"), "folders",
        "those built in", "folders with toolchains, put before those built in", value::paths,
        |paths| list(paths);
    PATCHES: Vec<OwnPatchFile> = "patches" "RDNA_BUILD_PATCHES" None, "RECIPE=FILE, several", "none",
        "patches of your own for recipes; in a file a table: [patches] RECIPE = [\"FILE\"]", value::own_patches,
        |patches| own_patches(patches);
    PACKAGE_FORMATS: Vec<String> = "package-formats" "RDNA_BUILD_PACKAGE_FORMATS" Some("--format"),
        "tar.zst, deb, rpm", "tar.zst", "the formats that packages are made in", value::package_formats,
        |formats| formats.join(", ");
    REVISION: String = "revision" "RDNA_BUILD_REVISION" Some("--revision"), "letters, digits and dots", "1",
        "counts the packages that are published of one version", value::revision, String::clone;
    MAINTAINER: String = "maintainer" "RDNA_BUILD_MAINTAINER" None, "Name <address>",
        "rdna-build <hkevin01@users.noreply.github.com>", "who answers for packages, as it stands in them",
        value::maintainer, String::clone;
    CCACHE: HostPath = "ccache" "RDNA_BUILD_CCACHE" None, "a folder", "a volume of the engine",
        "a folder of user 1000 as compiler cache, instead of the volume", value::path, HostPath::to_string, from ccache_dir;
    SOURCE_DATE_EPOCH: u64 = "source-date-epoch" "RDNA_BUILD_SOURCE_DATE_EPOCH" None, "seconds since 1970",
        "315532800, 1980-01-01", "the time that stands in for now in what is built", value::seconds,
        u64::to_string, from source_date_epoch;
    SIGN_KEY: HostPath = "sign-key" "RDNA_BUILD_SIGN_KEY" Some("--key"), "a file", "none: nothing is signed",
        "the secret key that packages are signed with, OpenPGP's or minisign's", value::path, HostPath::to_string;
    SIGN_PASSPHRASE_FILE: HostPath = "sign-passphrase-file" "RDNA_BUILD_SIGN_PASSPHRASE_FILE"
        Some("--passphrase-file"), "a file", "none", "a file whose first line unlocks that key", value::path,
        HostPath::to_string;
    TRUSTED_KEYS: Vec<HostPath> = "trusted-keys" "RDNA_BUILD_TRUSTED_KEYS" Some("--key"), "files and folders",
        "none", "public keys by which the signature of a package counts", value::paths, |paths| list(paths);
    COLOR: ColorChoice = "color" "RDNA_BUILD_COLOR" Some("--color"), "auto, always or never", "auto",
        "colour in what people read", value::choice, |choice| word(*choice), from color;
    PROGRESS: Progress = "progress" "RDNA_BUILD_PROGRESS" None, "auto, bars or lines", "auto",
        "how progress is shown", value::choice, |choice| word(*choice), from progress;
    VERBOSITY: Verbosity = "verbosity" "RDNA_BUILD_VERBOSITY" Some("-v, -q"), "quiet, normal or verbose", "normal",
        "how much is said", value::choice, |choice| word(*choice);
    FORMAT: Format = "format" "RDNA_BUILD_FORMAT" Some("--json"), "text or json", "text",
        "who reads standard output", value::choice, |choice| word(*choice);
}

/// No setting, so that it is in no file and in nothing that is shown.
pub const PASSPHRASE: &str = "RDNA_BUILD_SIGN_PASSPHRASE";

/// Variables that are obeyed beside the settings, and what for.
pub static ECOSYSTEM: &[(&str, &str)] = &[
    (PASSPHRASE, "the passphrase of `sign-key`; it stands in no file of settings and is never shown"),
    ("DOCKER_HOST", "the engine's address where `engine` is auto or docker"),
    ("DOCKER_CONFIG", "the folder of Docker's configuration, with the passwords of registries"),
    ("REGISTRY_AUTH_FILE", "Podman's file with the passwords of registries"),
    ("CCACHE_DIR", "as `ccache`"),
    ("SOURCE_DATE_EPOCH", "as `source-date-epoch`"),
    ("NO_COLOR", "no colour"),
    ("CLICOLOR_FORCE", "colour always, unless it is 0"),
    ("TERM", "no colour when it is dumb"),
    ("CI", "progress as lines"),
    ("GITHUB_STEP_SUMMARY", "what came of it, as Markdown, is appended to this file"),
    ("HOME", "where the three folders of XDG lie by default, and Docker's configuration"),
    ("XDG_CACHE_HOME", "the store with the logs of runs, in its folder `rdna-build`"),
    (
        "XDG_CONFIG_HOME",
        "the user's settings, in `rdna-build/config.toml`; Podman's passwords, in `containers/auth.json`",
    ),
    ("XDG_STATE_HOME", "the lock file outside of a project, in its folder `rdna-build`"),
    ("XDG_RUNTIME_DIR", "where rootless engines listen; Podman's passwords, in `containers/auth.json`"),
    ("http_proxy, https_proxy, no_proxy", "the way to the network"),
];

/// The table as text for people: each setting with its variable, values and default.
pub fn reference() -> String {
    let mut text = String::from(
        "Settings, from the strongest to the weakest: the command line, the environment, rdna-build.toml in this \
         folder or the nearest above, $XDG_CONFIG_HOME/rdna-build/config.toml, the default.\n",
    );
    for about in ALL {
        let flag = about.flag.map(|flag| format!("{flag}, ")).unwrap_or_default();
        text += &format!(
            "\n  {}: {}\n      {flag}{}\n      {}; default: {}\n",
            about.name, about.doc, about.variable, about.values, about.default
        );
    }
    text += "\nOther variables that are obeyed:\n\n";
    for (name, meaning) in ECOSYSTEM {
        text += &format!("  {name}: {meaning}\n");
    }
    text
}

/// The text without user name and password in its addresses.
pub fn redact(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority_end].rfind('@') {
        Some(at) => format!("{scheme}://***{}", &rest[at..]),
        None => text.to_owned(),
    }
}

fn word<T: clap::ValueEnum>(choice: T) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn list(paths: &[HostPath]) -> String {
    paths.iter().map(HostPath::to_string).collect::<Vec<_>>().join(":")
}

fn own_patches(patches: &[OwnPatchFile]) -> String {
    patches.iter().map(|own| format!("{}={}", own.recipe, own.path)).collect::<Vec<_>>().join(":")
}

fn named(environment: &Environment, name: &'static str) -> Option<(&'static str, Raw)> {
    environment.text(name).map(|text| (name, Raw::Text(text)))
}

fn ccache_dir(environment: &Environment) -> Option<(&'static str, Raw)> {
    named(environment, "CCACHE_DIR")
}

fn source_date_epoch(environment: &Environment) -> Option<(&'static str, Raw)> {
    named(environment, "SOURCE_DATE_EPOCH")
}

/// `NO_COLOR` (no-color.org) wins over `CLICOLOR_FORCE` (bixense.com/clicolors).
fn color(environment: &Environment) -> Option<(&'static str, Raw)> {
    let choice = |text: &str| Raw::Text(text.to_owned());
    if environment.text("NO_COLOR").is_some() {
        Some(("NO_COLOR", choice("never")))
    } else if environment.text("CLICOLOR_FORCE").is_some_and(|text| text != "0") {
        Some(("CLICOLOR_FORCE", choice("always")))
    } else if environment.text("TERM").is_some_and(|text| text == "dumb") {
        Some(("TERM", choice("never")))
    } else {
        None
    }
}

fn progress(environment: &Environment) -> Option<(&'static str, Raw)> {
    let set =
        |name: &str, no: &[&str]| environment.text(name).is_some_and(|text| !no.contains(&text.as_str()));
    if set("CI", &["0", "false"]) {
        Some(("CI", Raw::Text("lines".to_owned())))
    } else if environment.text("TERM").is_some_and(|text| text == "dumb") {
        Some(("TERM", Raw::Text("lines".to_owned())))
    } else {
        None
    }
}

impl<T> std::fmt::Debug for Definition<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.about.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_variables_follow_one_rule() {
        for about in ALL {
            let rule = format!("RDNA_BUILD_{}", about.name.replace(['-', '.'], "_").to_ascii_uppercase());
            assert_eq!(about.variable, rule);
        }
    }

    #[test]
    fn passwords_in_addresses_are_not_shown() {
        assert_eq!(redact("https://me:pa@ss@example.org/debian"), "https://***@example.org/debian");
        assert_eq!(redact("tcp://example.org:2375/a@b"), "tcp://example.org:2375/a@b");
        assert_eq!(redact("auto"), "auto");
    }
}
