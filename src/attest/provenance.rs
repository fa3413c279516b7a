//! Provenance: an in-toto statement (v1) with SLSA's predicate (v1) of how a package was made.
//!
//! docs/provenance.md says what each field means, and what is not in it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::beside::name;
use super::purl;
use super::sbom::without_user;
use crate::model::{CheckOutcome, Device, Digest, Key, Manifest, PatchRecord, PinnedSource, Verification};

pub(super) const LIMIT: u64 = 128 << 20;

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://slsa.dev/provenance/v1";
const BUILDER: &str = "https://github.com/hkevin01/rdna-build";
const BUILD_TYPE: &str = "https://github.com/hkevin01/rdna-build/blob/main/docs/provenance.md#build-v1";

/// Digests that are no file's: of a tree of files, or of a set of packages.
const TREE: &str = "rdnaBuildTree";
const PACKAGE_SET: &str = "rdnaBuildPackages";

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    pub subject: Vec<Subject>,
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Subject {
    pub name: String,
    pub digest: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    build_definition: BuildDefinition,
    run_details: RunDetails,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition {
    build_type: String,
    external_parameters: ExternalParameters,
    internal_parameters: InternalParameters,
    resolved_dependencies: Vec<Resource>,
}

/// What a person asked for.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalParameters {
    recipe: String,
    version: String,
    target: String,
    toolchain: String,
    options: BTreeMap<String, String>,
}

/// What the tool decided.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct InternalParameters {
    prefix: String,
    environment: BTreeMap<String, String>,
    source_date_epoch: u64,
    /// The plan's: stage → key.
    keys: BTreeMap<String, Key>,
}

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Resource {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    digest: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct RunDetails {
    builder: Builder,
    byproducts: Vec<Resource>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Builder {
    id: String,
    version: BTreeMap<String, String>,
}

impl Statement {
    /// The statement about these files, which belong to the package of this manifest.
    pub fn of(manifest: &Manifest, manifest_name: &str, subject: Vec<Subject>) -> Self {
        let (tool, version) = manifest.tool.split_once(' ').unwrap_or((&manifest.tool, ""));
        Self {
            kind: STATEMENT.to_owned(),
            subject,
            predicate_type: PREDICATE.to_owned(),
            predicate: Predicate {
                build_definition: BuildDefinition {
                    build_type: BUILD_TYPE.to_owned(),
                    external_parameters: ExternalParameters {
                        recipe: manifest.name.clone(),
                        version: manifest.version.clone(),
                        target: manifest.target.clone(),
                        toolchain: manifest.toolchain.id.clone(),
                        options: manifest.build.options.clone(),
                    },
                    internal_parameters: InternalParameters {
                        prefix: manifest.build.prefix.clone(),
                        environment: manifest.build.environment.clone(),
                        source_date_epoch: manifest.build.source_date_epoch,
                        keys: manifest.keys.clone(),
                    },
                    resolved_dependencies: dependencies(manifest),
                },
                run_details: RunDetails {
                    builder: Builder {
                        id: BUILDER.to_owned(),
                        version: BTreeMap::from([(tool.to_owned(), version.to_owned())]),
                    },
                    byproducts: vec![report(manifest.verification.as_ref(), manifest_name)],
                },
            },
        }
    }

    /// Whether it is a statement of the kind that is known here.
    pub fn is_known(&self) -> Result<(), String> {
        for (is, wanted) in [(&self.kind, STATEMENT), (&self.predicate_type, PREDICATE)] {
            if is != wanted {
                return Err(format!("it is `{}`, not `{wanted}`", is.escape_debug()));
            }
        }
        Ok(())
    }
}

impl Subject {
    pub fn new(path: &Path, sha256: Digest) -> Self {
        Self { name: name(path), digest: digest("sha256", &sha256.to_string()) }
    }

    pub fn sha256(&self) -> Option<&str> {
        self.digest.get("sha256").map(String::as_str)
    }
}

fn dependencies(manifest: &Manifest) -> Vec<Resource> {
    let toolchain = &manifest.toolchain;
    let distribution = purl::distribution(&toolchain.packages);
    let part = |of: &str, algorithm: &str, value: Digest| Resource {
        name: format!("{of} of the toolchain {}", toolchain.id),
        digest: digest(algorithm, &value.to_string()),
        ..Resource::default()
    };
    let image = toolchain.image.as_ref().map(|image| Resource {
        name: "image".to_owned(),
        uri: Some(image.clone()),
        digest: image.strip_prefix("sha256:").map(|hex| digest("sha256", hex)).unwrap_or_default(),
        ..Resource::default()
    });
    let packages = toolchain.packages.iter().map(|(name, version)| Resource {
        name: name.clone(),
        uri: Some(purl::of_deb(distribution, name, version)),
        ..Resource::default()
    });
    [source(&manifest.source.pinned)]
        .into_iter()
        .chain(manifest.patches.iter().map(patch))
        .chain([
            part("definition", TREE, toolchain.definition),
            part("packages", PACKAGE_SET, toolchain.identity),
        ])
        .chain(image)
        .chain(packages)
        .collect()
}

fn source(pinned: &PinnedSource) -> Resource {
    let plain = Resource { name: "source".to_owned(), ..Resource::default() };
    match pinned {
        PinnedSource::Git { url, reference, commit, subdir } => Resource {
            uri: Some(format!("git+{}@{commit}", without_user(url))),
            digest: digest("gitCommit", commit.as_str()),
            annotations: [("reference", reference), ("subdir", subdir)]
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))))
                .collect(),
            ..plain
        },
        PinnedSource::Tarball { urls, sha256 } => Resource {
            uri: urls.first().map(|url| without_user(url)),
            digest: digest("sha256", &sha256.to_string()),
            ..plain
        },
        PinnedSource::Bundled { folder, digest: tree } => Resource {
            digest: digest(TREE, &tree.to_string()),
            annotations: BTreeMap::from([("folder".to_owned(), json!(folder))]),
            ..plain
        },
        PinnedSource::Folder { tree, commit, dirty } => {
            let commit = commit.as_ref().map(|commit| ("gitCommit".to_owned(), commit.to_string()));
            Resource {
                digest: digest(TREE, &tree.to_string()).into_iter().chain(commit).collect(),
                annotations: BTreeMap::from([("changed".to_owned(), json!(dirty))]),
                ..plain
            }
        }
    }
}

fn patch(patch: &PatchRecord) -> Resource {
    Resource {
        name: format!("patch {}", patch.name),
        uri: Some(patch.file.clone()),
        digest: digest("sha256", &patch.sha256.to_string()),
        annotations: BTreeMap::from([
            ("why".to_owned(), json!(patch.why)),
            ("unproven".to_owned(), json!(patch.unproven)),
        ]),
    }
}

/// The verification report, which stands in the manifest; a package that was never verified says so.
fn report(verification: Option<&Verification>, manifest_name: &str) -> Resource {
    let plain = Resource {
        name: "verification report".to_owned(),
        uri: Some(format!("{manifest_name}#/verification")),
        ..Resource::default()
    };
    let Some(verification) = verification else {
        let annotations = BTreeMap::from([("verified".to_owned(), json!(false))]);
        return Resource { annotations, ..plain };
    };
    let text = serde_json::to_vec(verification).expect("a report has only text keys");
    let skipped = verification
        .count(|outcome| matches!(outcome, CheckOutcome::Skipped { .. } | CheckOutcome::NotRun { .. }));
    let devices = verification.devices.iter().map(|device| match device {
        Device::Card(card) => format!("{} card", card.target),
        Device::Emulator(emulator) => format!("{} emulator", emulator.target),
    });
    let annotations = [
        ("verified", json!(true)),
        ("tiers", json!(verification.tiers)),
        ("passed", json!(verification.passed())),
        ("failed", json!(verification.failed())),
        ("skipped", json!(skipped)),
        ("computedOn", json!(devices.collect::<Vec<_>>())),
    ];
    Resource {
        digest: digest("sha256", &Digest::of(text).to_string()),
        annotations: annotations.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..plain
    }
}

fn digest(algorithm: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(algorithm.to_owned(), value.to_owned())])
}
