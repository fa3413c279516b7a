//! What can go wrong between a mirror's address and a finished root file system.

use miette::Diagnostic;
use thiserror::Error;

use crate::model::Digest;

#[derive(Debug, Error, Diagnostic)]
pub enum DebianError {
    #[error("no HTTP client: {reason}")]
    #[diagnostic(code(debian::client), help("check the system's certificates and the proxy variables"))]
    Client { reason: String },

    #[error("no Debian mirror is known: none was given and {looked_in} names none")]
    #[diagnostic(
        code(debian::no_mirror),
        help(
            "name one: --debian-mirror URL, RDNA_BUILD_DEBIAN_MIRROR=URL, or in rdna-build.toml: debian-mirror = \"URL\""
        )
    )]
    NoMirror { looked_in: String },

    #[error("`{text}` is not the address of a Debian mirror: {reason}")]
    #[diagnostic(
        code(debian::mirror_address),
        help(
            "give the folder that holds `dists` and `pool`, e.g. --debian-mirror http://mirror.example.org/debian"
        )
    )]
    MirrorAddress { text: String, reason: String },

    #[error("cannot download {url}: {reason}")]
    #[diagnostic(
        code(debian::download),
        help("check the mirror and the network, or name another mirror: --debian-mirror URL")
    )]
    Download { url: String, reason: String },

    #[error("sha256 of {url} is {found}, the signed index says {expected}")]
    #[diagnostic(
        code(debian::digest),
        help(
            "the mirror is damaged or in the middle of an update: run again later, or name another: --debian-mirror URL"
        )
    )]
    WrongDigest { url: String, expected: Digest, found: Digest },

    #[error("{url} has {found} bytes, the signed index says {expected}")]
    #[diagnostic(
        code(debian::size),
        help(
            "the mirror is damaged or in the middle of an update: run again later, or name another: --debian-mirror URL"
        )
    )]
    WrongSize { url: String, expected: u64, found: String },

    #[error("the keyring {path} cannot be read: {reason}")]
    #[diagnostic(
        code(debian::keyring),
        help(
            "reinstall it (`apt-get install --reinstall debian-archive-keyring`) or remove it: the tool brings its own"
        )
    )]
    Keyring { path: String, reason: String },

    #[error("{url} is not signed by a key that may sign `{suite}`: {}", tried.join("; "))]
    #[diagnostic(
        code(debian::signature),
        help(
            "a mirror of Debian itself is needed; if Debian has new keys, update debian-archive-keyring on this machine"
        )
    )]
    NotSigned { url: String, suite: String, tried: Vec<String> },

    #[error("{url} is no valid Release file: {reason}")]
    #[diagnostic(code(debian::release), help("name another mirror: --debian-mirror URL"))]
    Release { url: String, reason: String },

    #[error("asked for suite `{asked}`, {url} is signed for suite `{suite}`, codename `{codename}`")]
    #[diagnostic(
        code(debian::wrong_suite),
        help("use the codename or the suite's name in [base.debian] suite, and a mirror that serves it")
    )]
    WrongSuite { asked: String, url: String, suite: String, codename: String },

    #[error("{url} was valid until {valid_until} only")]
    #[diagnostic(
        code(debian::expired),
        help(
            "name a mirror that is up to date; for one that is frozen on purpose, set `check-valid-until = false` in [base.debian]"
        )
    )]
    Expired { url: String, valid_until: String },

    #[error("suite `{suite}` has no packages of component `{component}` for {architecture}")]
    #[diagnostic(code(debian::no_component), help("check [base.debian] components; Debian has {}", known.join(", ")))]
    NoComponent { suite: String, component: String, architecture: String, known: Vec<String> },

    #[error("the package index {url} cannot be read: {reason}")]
    #[diagnostic(code(debian::index), help("name another mirror: --debian-mirror URL"))]
    Index { url: String, reason: String },

    #[error("suite `{suite}` has no package `{name}`")]
    #[diagnostic(code(debian::unknown_package))]
    UnknownPackage {
        suite: String,
        name: String,
        #[help]
        meant: Option<String>,
    },

    #[error("{} packages that the lock file names are gone from {mirror}:\n{}", packages.len(), packages.join("\n"))]
    #[diagnostic(
        code(debian::gone),
        help(
            "name a mirror that keeps old packages (--debian-mirror URL), or take what is there now: `rdna-build toolchains lock`"
        )
    )]
    Gone { mirror: String, packages: Vec<String> },

    #[error("nothing satisfies `{dependency}`, needed by {}: {reason}", chain.join(" → "))]
    #[diagnostic(
        code(debian::dependency),
        help("the suite itself is broken at this moment: use another mirror or a stable suite, or leave `{}` out", chain[0])
    )]
    Unsatisfied { dependency: String, chain: Vec<String>, reason: String },

    #[error("{} and {} exclude each other: {rule}", first.join(" → "), second.join(" → "))]
    #[diagnostic(code(debian::conflict), help("leave `{}` or `{}` out of the package list", first[0], second[0]))]
    Conflict { first: Vec<String>, second: Vec<String>, rule: String },

    #[error("the package file of `{package}` cannot be unpacked: {reason}")]
    #[diagnostic(
        code(debian::package),
        help("no well-made Debian package is like this; name another mirror")
    )]
    BadPackage { package: String, reason: String },

    #[error("the package `{package}` holds `{path}`: {reason}")]
    #[diagnostic(code(debian::unsafe_path), help("no well-made Debian package is like this; leave it out"))]
    UnsafePath { package: String, path: String, reason: &'static str },

    #[error(
        "`/{path}` of the package `{package}` is a hard link to `/{target}`, which `path-exclude` leaves out"
    )]
    #[diagnostic(
        code(debian::link_to_left_out),
        help("leave out both, or bring `/{target}` back with `path-include` in [base.debian]")
    )]
    LinkToLeftOut { package: String, path: String, target: String },

    #[error("no room for the files of `{package}`: {reason}")]
    #[diagnostic(
        code(debian::no_room),
        help("free space where the tool works; a toolchain's root file system takes several GiB")
    )]
    NoRoom { package: String, reason: String },

    #[error("the root file system cannot be handed on: {reason}")]
    #[diagnostic(
        code(debian::output),
        help("the container engine says why: see its log, and the free space where it keeps its data")
    )]
    Output { reason: String },

    #[error("cannot {doing} {path}: {reason}")]
    #[diagnostic(code(debian::io), help("check free space and rights of that folder"))]
    Io { doing: &'static str, path: String, reason: String },

    #[error("stopped while assembling a Debian root file system")]
    #[diagnostic(code(debian::cancelled))]
    Cancelled,
}

impl DebianError {
    pub(super) fn io(doing: &'static str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Io { doing, path: path.display().to_string(), reason: error.to_string() }
    }
}
