//! What package managers are told of a package, and what it needs of the machine it is installed on.

/// What stands in a package besides its files. Enters the package's key as a whole.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct About {
    /// The name of the package, e.g. `miopen-hip-gfx1010`; those beside it add `-dev` and the like.
    pub name: String,
    /// Counts what was published of one version: part of a distribution's version number.
    pub revision: String,
    /// `Name <address>`.
    pub maintainer: String,
    pub summary: String,
    pub homepage: String,
    /// SPDX expression.
    pub license: String,
    /// What a distribution calls what the library needs, by the kind of distribution.
    pub debian: Relations,
    pub rpm: Relations,
}

/// Names of a distribution's packages, as its tools write relations.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Relations {
    /// Needed at run time without being linked, e.g. headers that kernels include.
    pub depends: Vec<String>,
    /// Needed by whoever compiles against the library.
    pub dev_depends: Vec<String>,
    /// Packages whose place it can take. It does so only through a package of its own, which nobody installs by chance.
    pub replaces: Vec<String>,
}

/// A library that the files of a package need and the package does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Need {
    /// e.g. `libamdhip64.so.6`.
    pub soname: String,
    /// The versions of its symbols that are asked for, e.g. `GLIBC_2.34`.
    pub versions: Vec<String>,
    /// What provides it in the image it was linked in, as a relation: `libamdhip64-6 (>= 6.4)`. Nothing where the image's
    /// package database does not say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub debian: Option<String>,
}
