//! What the bill and the statement of a package say.

use std::collections::BTreeMap;
use std::path::Path;

use snapbox::{assert_data_eq, str};

use super::provenance::{Statement, Subject};
use super::sbom::Sbom;
use super::write::sbom_text;
use crate::model::{
    About, BuildFacts, CheckOutcome, CheckReport, Digest, Key, Manifest, Need, PatchRecord, PinnedSource,
    Relations, SourceRecord, Tier, ToolchainRecord, Verification, Verified,
};

fn manifest() -> Manifest {
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Manifest {
        schema: 1,
        name: "miopen".into(),
        version: "3.3.0".into(),
        target: "gfx1010".into(),
        toolchain: ToolchainRecord {
            id: "debian-sid".into(),
            definition: Digest::of("definition"),
            identity: Digest::of("identity"),
            image: Some(format!("sha256:{}", Digest::of("image"))),
            provides: BTreeMap::new(),
            packages: BTreeMap::from([
                text("g++-14", "14.2.0-19+b1"),
                text("libamdhip64-dev", "1:6.4.3-2~x"),
            ]),
            pins: vec![],
        },
        source: SourceRecord {
            pinned: PinnedSource::Git {
                url: "https://me:secret@example.org/MIOpen.git".into(),
                reference: Some("rocm-6.4.3".into()),
                commit: "2d1fd997a0000000000000000000000000000000".parse().unwrap(),
                subdir: None,
            },
        },
        patches: vec![PatchRecord {
            name: "compat-boost".parse().unwrap(),
            file: "patches/0001-boost.patch".into(),
            sha256: Digest::of("patch"),
            why: "Boost 1.87 renamed a header.".into(),
            unproven: true,
        }],
        build: BuildFacts {
            prefix: "/opt/rdna-build/miopen-3.3.0-gfx1010".into(),
            options: BTreeMap::from([text("MIOPEN_BACKEND", "HIP")]),
            environment: BTreeMap::from([text("HSA_OVERRIDE", "")]),
            source_date_epoch: 315_532_800,
        },
        about: Some(About {
            name: "miopen-hip-gfx1010".into(),
            revision: "1".into(),
            maintainer: "nobody <nobody@example.org>".into(),
            summary: "made up".into(),
            homepage: "https://example.org/".into(),
            license: "MIT".into(),
            debian: Relations::default(),
            rpm: Relations::default(),
        }),
        needs: vec![Need {
            soname: "libamdhip64.so.6".into(),
            versions: vec![],
            debian: Some("libamdhip64-dev (>= 6.4)".into()),
        }],
        tool: "rdna-build 0".into(),
        keys: BTreeMap::from([("package".to_owned(), Key::from_digest(Digest::of("key")))]),
        files: vec![],
        verification: None,
    }
}

fn report() -> Verification {
    let check = |outcome| CheckReport {
        check: "one".into(),
        tier: Tier::Static,
        outcome,
        says: String::new(),
        evidence: vec![],
        remedies: vec![],
    };
    Verification {
        schema: 1,
        tool: "rdna-build 0".into(),
        subject: Verified { name: "miopen".into(), sha256: Digest::of(""), size: 0 },
        target: "gfx1010".into(),
        tiers: vec![Tier::Static],
        devices: vec![],
        kernel: None,
        runtime: None,
        checks: vec![
            check(CheckOutcome::Passed),
            check(CheckOutcome::Failed),
            check(CheckOutcome::Skipped { missing: "a card".into() }),
        ],
        kernels: vec![],
        cases: vec![],
        seconds: 1.5,
    }
}

fn statement(manifest: &Manifest) -> Statement {
    let subject = Subject::new(Path::new("out/x.tar.zst"), Digest::of("archive"));
    Statement::of(manifest, "x.manifest.json", vec![subject])
}

#[test]
fn the_bill_says_what_the_package_is_made_of() {
    let text = sbom_text(&manifest(), Digest::of("archive"));
    assert_data_eq!(
        String::from_utf8(text).unwrap(),
        str![[r#"
{
  "bomFormat": "CycloneDX",
  "specVersion": "1.6",
  "serialNumber": "urn:uuid:0eb3e36b-fb24-8cd9-bb1d-1bece1531216",
  "version": 1,
  "metadata": {
    "lifecycles": [
      {
        "phase": "build"
      }
    ],
    "tools": {
      "components": [
        {
          "type": "application",
          "name": "rdna-build",
          "version": "0"
        }
      ]
    },
    "component": {
      "type": "library",
      "bom-ref": "package",
      "name": "miopen",
      "version": "3.3.0",
      "hashes": [
        {
          "alg": "SHA-256",
          "content": "0eb3e36bfb24dcd9bb1d1bece1531216b59539a8fde17ee80224af0653c92aa3"
        }
      ],
      "licenses": [
        {
          "expression": "MIT"
        }
      ],
      "purl": "pkg:generic/miopen@3.3.0?checksum=sha256:0eb3e36bfb24dcd9bb1d1bece1531216b59539a8fde17ee80224af0653c92aa3",
      "pedigree": {
        "ancestors": [
          {
            "type": "library",
            "name": "miopen",
            "version": "3.3.0",
            "externalReferences": [
              {
                "type": "vcs",
                "url": "https://example.org/MIOpen.git"
              }
            ],
            "properties": [
              {
                "name": "rdna-build:git-commit",
                "value": "2d1fd997a0000000000000000000000000000000"
              }
            ]
          }
        ],
        "patches": [
          {
            "type": "unofficial",
            "diff": {
              "url": "patches/0001-boost.patch#sha256=a4895eb44afc336fecbba6e520cd67e178dace0276655d102fceffa8e5f70570"
            },
            "resolves": [
              {
                "type": "defect",
                "name": "compat-boost",
                "description": "Boost 1.87 renamed a header."
              }
            ]
          }
        ]
      },
      "properties": [
        {
          "name": "rdna-build:target",
          "value": "gfx1010"
        },
        {
          "name": "rdna-build:toolchain",
          "value": "debian-sid"
        },
        {
          "name": "rdna-build:toolchain-definition",
          "value": "4c4ed1afbfdaa1e4c3bf7bbb82d730cecb7e384da91eea4f3cc093fd545524d6"
        },
        {
          "name": "rdna-build:toolchain-identity",
          "value": "689f6a627384c7dcb2dcc1487e540223e77bdf9dcd0d8be8a326eda65b0ce9a4"
        }
      ]
    }
  },
  "components": [
    {
      "type": "library",
      "bom-ref": "pkg:deb/debian/g%2B%2B-14@14.2.0-19%2Bb1",
      "name": "g++-14",
      "version": "14.2.0-19+b1",
      "scope": "excluded",
      "purl": "pkg:deb/debian/g%2B%2B-14@14.2.0-19%2Bb1"
    },
    {
      "type": "library",
      "bom-ref": "pkg:deb/debian/libamdhip64-dev@1:6.4.3-2~x",
      "name": "libamdhip64-dev",
      "version": "1:6.4.3-2~x",
      "scope": "required",
      "purl": "pkg:deb/debian/libamdhip64-dev@1:6.4.3-2~x"
    }
  ],
  "dependencies": [
    {
      "ref": "package",
      "dependsOn": [
        "pkg:deb/debian/libamdhip64-dev@1:6.4.3-2~x"
      ]
    }
  ],
  "compositions": [
    {
      "aggregate": "incomplete",
      "dependencies": [
        "package"
      ]
    }
  ]
}

"#]]
    );
}

#[test]
fn the_same_manifest_gives_the_same_bill_and_another_package_another() {
    let bill = |archive: &str| sbom_text(&manifest(), Digest::of(archive));
    assert_eq!(bill("archive"), bill("archive"));
    let serial =
        |text: Vec<u8>| serde_json::from_slice::<serde_json::Value>(&text).unwrap()["serialNumber"].clone();
    assert_ne!(serial(bill("archive")), serial(bill("another")));
    let read: Sbom = serde_json::from_slice(&bill("archive")).unwrap();
    assert_eq!(read, Sbom::of(&manifest(), Digest::of("archive")));
}

#[test]
fn the_statement_ties_sources_patches_image_plan_and_report_together() {
    let text = serde_json::to_string_pretty(&statement(&manifest())).unwrap();
    assert_data_eq!(
        &text,
        str![[r#"
{
  "_type": "https://in-toto.io/Statement/v1",
  "subject": [
    {
      "name": "x.tar.zst",
      "digest": {
        "sha256": "0eb3e36bfb24dcd9bb1d1bece1531216b59539a8fde17ee80224af0653c92aa3"
      }
    }
  ],
  "predicateType": "https://slsa.dev/provenance/v1",
  "predicate": {
    "buildDefinition": {
      "buildType": "https://github.com/hkevin01/rdna-build/blob/main/docs/provenance.md#build-v1",
      "externalParameters": {
        "recipe": "miopen",
        "version": "3.3.0",
        "target": "gfx1010",
        "toolchain": "debian-sid",
        "options": {
          "MIOPEN_BACKEND": "HIP"
        }
      },
      "internalParameters": {
        "prefix": "/opt/rdna-build/miopen-3.3.0-gfx1010",
        "environment": {
          "HSA_OVERRIDE": ""
        },
        "sourceDateEpoch": 315532800,
        "keys": {
          "package": "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"
        }
      },
      "resolvedDependencies": [
        {
          "name": "source",
          "uri": "git+https://example.org/MIOpen.git@2d1fd997a0000000000000000000000000000000",
          "digest": {
            "gitCommit": "2d1fd997a0000000000000000000000000000000"
          },
          "annotations": {
            "reference": "rocm-6.4.3"
          }
        },
        {
          "name": "patch compat-boost",
          "uri": "patches/0001-boost.patch",
          "digest": {
            "sha256": "a4895eb44afc336fecbba6e520cd67e178dace0276655d102fceffa8e5f70570"
          },
          "annotations": {
            "unproven": true,
            "why": "Boost 1.87 renamed a header."
          }
        },
        {
          "name": "definition of the toolchain debian-sid",
          "digest": {
            "rdnaBuildTree": "4c4ed1afbfdaa1e4c3bf7bbb82d730cecb7e384da91eea4f3cc093fd545524d6"
          }
        },
        {
          "name": "packages of the toolchain debian-sid",
          "digest": {
            "rdnaBuildPackages": "689f6a627384c7dcb2dcc1487e540223e77bdf9dcd0d8be8a326eda65b0ce9a4"
          }
        },
        {
          "name": "image",
          "uri": "sha256:6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d",
          "digest": {
            "sha256": "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"
          }
        },
        {
          "name": "g++-14",
          "uri": "pkg:deb/debian/g%2B%2B-14@14.2.0-19%2Bb1"
        },
        {
          "name": "libamdhip64-dev",
          "uri": "pkg:deb/debian/libamdhip64-dev@1:6.4.3-2~x"
        }
      ]
    },
    "runDetails": {
      "builder": {
        "id": "https://github.com/hkevin01/rdna-build",
        "version": {
          "rdna-build": "0"
        }
      },
      "byproducts": [
        {
          "name": "verification report",
          "uri": "x.manifest.json#/verification",
          "annotations": {
            "verified": false
          }
        }
      ]
    }
  }
}
"#]]
    );
    let read: Statement = serde_json::from_str(&text).unwrap();
    assert_eq!(read, statement(&manifest()));
}

#[test]
fn a_report_is_named_by_its_digest_and_in_numbers() {
    let verified = Manifest { verification: Some(report()), ..manifest() };
    let value = serde_json::to_value(statement(&verified)).unwrap();
    assert_data_eq!(
        serde_json::to_string_pretty(&value["predicate"]["runDetails"]["byproducts"]).unwrap(),
        str![[r#"
[
  {
    "name": "verification report",
    "uri": "x.manifest.json#/verification",
    "digest": {
      "sha256": "9ed870cd92d6cdda6854f86fb74db5f428315f1b37b4b7cfd61ea844aa2e5c22"
    },
    "annotations": {
      "computedOn": [],
      "failed": 1,
      "passed": 1,
      "skipped": 1,
      "tiers": [
        "static"
      ],
      "verified": true
    }
  }
]
"#]]
    );
    // A report that says anything else has another digest.
    let mut other = report();
    other.checks[1].outcome = CheckOutcome::Passed;
    assert_ne!(statement(&Manifest { verification: Some(other), ..manifest() }), statement(&verified));
}

#[test]
fn every_kind_of_source_is_named_without_passwords() {
    let of = |pinned: PinnedSource| {
        let manifest = Manifest { source: SourceRecord { pinned }, ..manifest() };
        let value = serde_json::to_value(statement(&manifest)).unwrap();
        let source = &value["predicate"]["buildDefinition"]["resolvedDependencies"][0];
        let bill = String::from_utf8(sbom_text(&manifest, Digest::of("archive"))).unwrap();
        assert!(!bill.contains("secret") && !source.to_string().contains("secret"));
        source.to_string()
    };
    let digest = Digest::of("");
    let found = [
        of(manifest().source.pinned),
        of(PinnedSource::Tarball {
            urls: vec!["https://me:secret@example.org/a.tar.gz".into()],
            sha256: digest,
        }),
        of(PinnedSource::Bundled { folder: "source".into(), digest }),
        of(PinnedSource::Folder { tree: digest, commit: None, dirty: true }),
    ];
    assert_data_eq!(
        found.join("\n"),
        str![[r#"
{"name":"source","uri":"git+https://example.org/MIOpen.git@2d1fd997a0000000000000000000000000000000","digest":{"gitCommit":"2d1fd997a0000000000000000000000000000000"},"annotations":{"reference":"rocm-6.4.3"}}
{"name":"source","uri":"https://example.org/a.tar.gz","digest":{"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}
{"name":"source","digest":{"rdnaBuildTree":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"annotations":{"folder":"source"}}
{"name":"source","digest":{"rdnaBuildTree":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"annotations":{"changed":true}}
"#]]
    );
}
