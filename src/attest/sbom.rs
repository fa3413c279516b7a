//! The software bill of materials, CycloneDX 1.6: what a package is, what it was made from, and with what.
//!
//! No time and no random number is in it: the serial number follows from the package's digest.

use std::collections::BTreeSet;

use super::purl;
use crate::model::{Digest, Manifest, PatchRecord, PinnedSource};

pub(super) const LIMIT: u64 = 64 << 20;

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sbom {
    bom_format: String,
    spec_version: String,
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
    compositions: Vec<Composition>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Metadata {
    lifecycles: Vec<Lifecycle>,
    tools: Tools,
    component: Component,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Lifecycle {
    phase: String,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Tools {
    components: Vec<Component>,
}

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Component {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bom_ref: Option<String>,
    name: String,
    version: String,
    /// `required` is what it needs where it runs, `excluded` what the package was only built with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<License>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pedigree: Option<Pedigree>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "externalReferences")]
    external_references: Vec<ExternalReference>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Hash {
    alg: String,
    content: String,
}

/// An SPDX expression.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct License {
    expression: String,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Pedigree {
    ancestors: Vec<Component>,
    patches: Vec<Patch>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Patch {
    #[serde(rename = "type")]
    kind: String,
    diff: Diff,
    resolves: Vec<Issue>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Diff {
    url: String,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Issue {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    description: String,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct ExternalReference {
    #[serde(rename = "type")]
    kind: String,
    url: String,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Property {
    name: String,
    value: String,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    of: String,
    depends_on: Vec<String>,
}

/// How complete it is of what.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Composition {
    aggregate: String,
    dependencies: Vec<String>,
}

/// The reference of the package among the components.
const PACKAGE: &str = "package";

impl Sbom {
    /// The bill of a package with this digest.
    pub fn of(manifest: &Manifest, sha256: Digest) -> Self {
        let distribution = purl::distribution(&manifest.toolchain.packages);
        let needed = needed(manifest);
        let scope = |name: &str| if needed.contains(name) { "required" } else { "excluded" };
        let components: Vec<Component> = manifest
            .toolchain
            .packages
            .iter()
            .map(|(name, version)| Component {
                bom_ref: Some(purl::of_deb(distribution, name, version)),
                scope: Some(scope(name).to_owned()),
                purl: Some(purl::of_deb(distribution, name, version)),
                ..component("library", name, version)
            })
            .collect();
        let required = components.iter().filter(|one| one.scope.as_deref() == Some("required"));
        let depends_on = required.filter_map(|one| one.bom_ref.clone()).collect();
        let tool = |(name, version): (&str, &str)| component("application", name, version);
        Self {
            bom_format: "CycloneDX".to_owned(),
            spec_version: "1.6".to_owned(),
            serial_number: format!("urn:uuid:{}", uuid(sha256)),
            version: 1,
            metadata: Metadata {
                lifecycles: vec![Lifecycle { phase: "build".to_owned() }],
                tools: Tools {
                    components: vec![tool(manifest.tool.split_once(' ').unwrap_or((&manifest.tool, "")))],
                },
                component: package(manifest, sha256),
            },
            components,
            dependencies: vec![Dependency { of: PACKAGE.to_owned(), depends_on }],
            // What it opens by name while it runs is not among what it is linked with.
            compositions: vec![Composition {
                aggregate: if manifest.about.is_some() { "incomplete" } else { "unknown" }.to_owned(),
                dependencies: vec![PACKAGE.to_owned()],
            }],
        }
    }

    /// Name, version and digest of what it is about.
    pub fn subject(&self) -> (&str, &str, Option<&str>) {
        let component = &self.metadata.component;
        let sha256 = component.hashes.iter().find(|hash| hash.alg == "SHA-256");
        (&component.name, &component.version, sha256.map(|hash| hash.content.as_str()))
    }
}

/// The toolchain's packages that the package needs where it runs: those with libraries that it is linked with, and those that
/// the recipe names. A relation such as `libc6 (>= 2.34) | libc6-udeb` names several.
fn needed(manifest: &Manifest) -> BTreeSet<&str> {
    let linked = manifest.needs.iter().filter_map(|need| need.debian.as_deref());
    let named = manifest.about.iter().flat_map(|about| about.debian.depends.iter().map(String::as_str));
    let names = linked.chain(named).flat_map(|relation| relation.split('|'));
    names.filter_map(|name| name.split_whitespace().next()).collect()
}

fn component(kind: &str, name: &str, version: &str) -> Component {
    Component {
        kind: kind.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        ..Component::default()
    }
}

fn package(manifest: &Manifest, sha256: Digest) -> Component {
    let property = |name: &str, value: String| Property { name: format!("rdna-build:{name}"), value };
    let toolchain = &manifest.toolchain;
    let license = manifest.about.as_ref().map(|about| License { expression: about.license.clone() });
    Component {
        bom_ref: Some(PACKAGE.to_owned()),
        hashes: vec![sha256_hash(&sha256.to_string())],
        licenses: license.into_iter().collect(),
        purl: Some(purl::of_package(&manifest.name, &manifest.version, sha256)),
        pedigree: Some(Pedigree {
            ancestors: vec![source(manifest)],
            patches: manifest.patches.iter().map(patch).collect(),
        }),
        properties: vec![
            property("target", manifest.target.clone()),
            property("toolchain", toolchain.id.clone()),
            property("toolchain-definition", toolchain.definition.to_string()),
            property("toolchain-identity", toolchain.identity.to_string()),
        ],
        ..component("library", &manifest.name, &manifest.version)
    }
}

/// What was patched and built.
fn source(manifest: &Manifest) -> Component {
    let from = |kind: &str, url: &str| ExternalReference { kind: kind.to_owned(), url: without_user(url) };
    let property = |name: &str, value: String| Property { name: format!("rdna-build:{name}"), value };
    let plain = component("library", &manifest.name, &manifest.version);
    match &manifest.source.pinned {
        PinnedSource::Git { url, commit, .. } => Component {
            external_references: vec![from("vcs", url)],
            properties: vec![property("git-commit", commit.to_string())],
            ..plain
        },
        PinnedSource::Tarball { urls, sha256 } => Component {
            hashes: vec![sha256_hash(&sha256.to_string())],
            external_references: urls.iter().map(|url| from("source-distribution", url)).collect(),
            ..plain
        },
        PinnedSource::Bundled { digest, .. } => {
            Component { properties: vec![property("tree", digest.to_string())], ..plain }
        }
        PinnedSource::Folder { tree, commit, dirty } => {
            let commit = commit.as_ref().map(|commit| property("git-commit", commit.to_string()));
            let state = [property("tree", tree.to_string()), property("changed", dirty.to_string())];
            Component { properties: state.into_iter().chain(commit).collect(), ..plain }
        }
    }
}

/// CycloneDX has no place for a patch's digest: it goes along with its file.
fn patch(patch: &PatchRecord) -> Patch {
    Patch {
        kind: "unofficial".to_owned(),
        diff: Diff { url: format!("{}#sha256={}", patch.file, patch.sha256) },
        resolves: vec![Issue {
            kind: "defect".to_owned(),
            name: patch.name.to_string(),
            description: patch.why.clone(),
        }],
    }
}

fn sha256_hash(content: &str) -> Hash {
    Hash { alg: "SHA-256".to_owned(), content: content.to_owned() }
}

/// An address without the name and password that may stand in it.
pub(super) fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

/// A UUID of version 8 (RFC 9562: of one's own making) from the first half of a digest.
fn uuid(digest: Digest) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
