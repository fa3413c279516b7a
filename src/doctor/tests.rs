//! Findings that need what a tree of files does not have: an engine, disks, clashing compilers. And that every kind has its words.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::facts::{Disk, Host, Memory};
use crate::model::{DeviceLibraries, GuestPath, Inventory, Llvm};

fn needs() -> Needs {
    Needs { recipe: "miopen 3.3.0".to_owned(), memory_per_job: 1700 << 20, disk: 8 << 30 }
}

fn answers(memory: u64) -> EngineAnswer {
    EngineAnswer::Answers { name: "Docker 27.3.1".to_owned(), cores: 8, memory }
}

/// What was found of building, and whether that can be done.
fn building(host: &Host, engine: &EngineAnswer) -> (Vec<String>, Option<bool>) {
    let inventory = Inventory::default();
    let diagnosis = diagnose(&Patient { host, inventory: &inventory, engine, needs: &needs(), places: &[] });
    let of_building = diagnosis.findings.iter().filter(|found| found.concerns == Concern::Building);
    let found = of_building.map(|found| format!("{:?} {}: {}", found.severity, found.finding, found.what));
    (found.collect(), diagnosis.can_build)
}

#[test]
fn every_kind_has_an_id_of_its_own_and_all_its_words() {
    let ids: BTreeSet<&str> = FINDINGS.iter().map(|finding| finding.id).collect();
    assert_eq!(ids.len(), FINDINGS.len());
    for finding in FINDINGS {
        let id = finding.id;
        assert!(
            id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit()),
            "{id}"
        );
        assert!(!finding.title.ends_with('.') && finding.title.len() < 100, "{id}: {}", finding.title);
        assert!(finding.why.len() > 100 && finding.why.ends_with('.'), "{id}: {}", finding.why);
        assert!(
            !finding.remedies.is_empty() && finding.remedies.iter().all(|remedy| !remedy.ends_with('.')),
            "{id}"
        );
        assert_eq!(Finding::by_id(id).map(|found| found.id), Some(id));
        assert!(crate::toolchain::rules::Rule::by_id(id).is_none(), "{id} is a rule for toolchains, too");
    }
}

#[test]
fn an_engine_that_does_not_answer_or_may_not_be_used_is_in_the_way_of_building_only() {
    let host = Host::default();
    let words = || ("unix:///var/run/docker.sock: not there".to_owned(), "install Docker".to_owned());
    let (reason, help) = words();
    assert_eq!(
        building(&host, &EngineAnswer::Unreachable { reason, help }),
        (vec!["Error engine-unreachable: no container engine answers".to_owned()], Some(false))
    );
    let (reason, help) = words();
    assert_eq!(
        building(&host, &EngineAnswer::Denied { reason, help }),
        (vec!["Error engine-denied: this user may not use the container engine".to_owned()], Some(false))
    );
    assert_eq!(building(&host, &answers(16 << 30)), (vec![], Some(true)));
    assert_eq!(building(&host, &EngineAnswer::NotAsked), (vec![], None));
}

#[test]
fn memory_and_disk_are_held_against_what_the_recipe_takes() {
    let disk = |of: &str, free| Disk { of: of.to_owned(), path: format!("/{of}"), free };
    let mut host = Host {
        memory: Some(Memory { total: 16 << 30, available: 1 << 30 }),
        disks: vec![disk("store", 5 << 30), disk("engine", 50 << 30)],
        ..Host::default()
    };
    let memory = "little-memory: a compilation of miopen 3.3.0 needs 1700 MiB";
    let room = "little-disk: a build of miopen 3.3.0 takes 8192 MiB";
    let engine = answers(16 << 30);
    assert_eq!(
        building(&host, &engine),
        (vec![format!("Warning {memory}"), format!("Warning {room}")], Some(true))
    );
    host.memory = Some(Memory { total: 1 << 30, available: 1 << 30 });
    host.disks[1].free = 1 << 30;
    assert_eq!(
        building(&host, &engine),
        (vec![format!("Error {memory}"), format!("Error {room}")], Some(false))
    );
    let machine = Host::default();
    assert_eq!(building(&machine, &answers(1 << 30)), (vec![format!("Error {memory}")], Some(false)));
    assert_eq!(building(&machine, &answers(0)), (vec![], Some(true)), "an engine that does not tell");
}

#[test]
fn clashing_compilers_of_the_machine_are_warned_of_with_the_rule_s_evidence() {
    let path = |text: &str| GuestPath::new(text);
    let inventory = Inventory {
        llvms: vec![Llvm {
            root: path("/usr/lib/llvm-17"),
            version: "17.0.6".parse().ok(),
            version_proof: None,
            clang: path("/usr/lib/llvm-17/bin/clang"),
            lld: None,
            resource: Some(path("/usr/lib/llvm-17/lib/clang/17")),
            libllvm: None,
        }],
        device_libraries: vec![DeviceLibraries {
            folder: path("/usr/lib/llvm-17/lib/clang/17/lib/amdgcn/bitcode"),
            also: vec![],
            producers: BTreeMap::from([("LLVM21.1.8".to_owned(), vec!["ocml.bc".to_owned()])]),
            abis: BTreeSet::new(),
            isas: BTreeSet::new(),
        }],
        ..Inventory::default()
    };
    let host = Host::default();
    let diagnosis = diagnose(&Patient {
        host: &host,
        inventory: &inventory,
        engine: &EngineAnswer::NotAsked,
        needs: &needs(),
        places: &[],
    });
    let found = diagnosis.findings.iter().find(|found| found.finding == "rocm-conflict").expect("found");
    assert_eq!((found.severity, found.concerns), (Severity::Warning, Concern::Computing));
    assert!(
        found.remedies.contains(&"`rdna-build explain device-libs-newer`".to_owned()),
        "{:?}",
        found.remedies
    );
    assert!(found.evidence.iter().any(|evidence| evidence.place.starts_with("/usr/lib/llvm-17")));
}

#[test]
fn places_that_do_not_answer_keep_nobody_from_computing() {
    let (inventory, host) = (Inventory::default(), Host::default());
    let place = |address: &str, trouble: Option<&str>| Place {
        address: address.to_owned(),
        trouble: trouble.map(str::to_owned),
    };
    let of = |places: &[Place]| {
        let engine = EngineAnswer::NotAsked;
        let patient =
            Patient { host: &host, inventory: &inventory, engine: &engine, needs: &needs(), places };
        let found =
            diagnose(&patient).findings.into_iter().find(|found| found.finding == "source-unreachable");
        found.map(|found| (found.severity, found.concerns, found.what))
    };
    let (here, away) =
        (place("https://a.example.org", None), place("https://b.example.org", Some("refused")));
    assert_eq!(of(&[]), None);
    assert_eq!(of(std::slice::from_ref(&here)), None);
    let one = "1 of 2 places do not answer".to_owned();
    assert_eq!(of(&[here, away.clone()]), Some((Severity::Warning, Concern::Building, one)));
    let all = "1 of 1 places do not answer".to_owned();
    assert_eq!(of(&[away]), Some((Severity::Error, Concern::Building, all)));
}
