//! The store shared through a real registry: built on one machine, taken on another, and built all the same without it.

use std::path::PathBuf;

use rdna_build::model::Key;
use rdna_build::store::Store;
use serde_json::Value;

use crate::home::Ran;
use crate::made_up::Project;
use crate::registry::Registry;

/// A project and a registry; a store below the home stands for a machine.
struct Machines {
    project: Project,
    registry: Registry,
}

impl Machines {
    fn new() -> Option<Self> {
        let project = Project::with_toolchain("bundled = \"source\"")?;
        project.home.write("recipes/tiny/source/README", "read me");
        let registry = Registry::start(&project)?;
        Some(Self { project, registry })
    }

    fn words(&self, machine: &str) -> String {
        format!("--store {machine} --remote {}/shared/store", self.registry.address)
    }

    fn build(&self, machine: &str, more: &str) -> Ran {
        self.project.build(&format!("{} --output {machine}-out {more}", self.words(machine)))
    }

    /// The bytes of the package that a machine put out.
    fn package(&self, machine: &str) -> Vec<u8> {
        let packages = self.project.home.files().into_iter();
        let path = packages
            .into_iter()
            .find(|path| path.starts_with(&format!("{machine}-out/")) && path.ends_with(".tar.zst"));
        std::fs::read(self.project.home.path(&path.expect("a package"))).unwrap()
    }
}

/// The stages of the only unit: whether each was cached.
fn stages(ran: &Ran) -> Vec<(String, bool)> {
    let last = ran.json().pop().unwrap();
    let stages = last["report"]["units"][0]["stages"].as_array().unwrap().clone();
    let stage = |stage: &Value| (stage["stage"].as_str().unwrap().to_owned(), stage["cached"] == true);
    stages.iter().map(stage).collect()
}

#[test]
fn a_second_machine_builds_nothing_and_gets_the_same_bytes() {
    let Some(mut machines) = Machines::new() else { return };
    let first = machines.build("first", "--remote-write");
    assert_eq!(first.code, 0, "{}", first.stderr);
    for stage in ["toolchain", "source", "build", "package"] {
        assert!(first.stderr.contains(&format!("gave {stage} ")), "{stage}: {}", first.stderr);
    }

    let second = machines.build("second", "--json");
    assert_eq!(second.code, 0, "{}", second.stderr);
    assert_eq!(stages(&second), [("package".to_owned(), true)]);
    assert_eq!(machines.package("second"), machines.package("first"));

    machines.registry.stop();
    let alone = machines.build("third", "");
    assert_eq!(alone.code, 0, "{}", alone.stderr);
    assert_eq!(alone.stderr.matches("cannot be reached").count(), 1, "{}", alone.stderr);
    assert_eq!(alone.stderr.matches("the remote").count(), 1, "{}", alone.stderr);
    assert_eq!(machines.package("third"), machines.package("first"));
}

#[test]
fn what_is_missing_of_a_build_is_taken_and_the_rest_made() {
    let Some(machines) = Machines::new() else { return };
    assert_eq!(machines.build("first", "--remote-write -q").code, 0);
    // The same source in another version of the recipe's words: another package of another build.
    let path = machines.project.home.path("recipes/tiny/recipe.toml");
    let recipe = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, recipe.replace("prefix = \"/opt/{name}\"", "prefix = \"/srv/{name}\"")).unwrap();
    let second = machines.build("second", "--json");
    assert_eq!(second.code, 0, "{}", second.stderr);
    let stages = stages(&second);
    let cached = |stage: &str| stages.iter().find(|(name, _)| name == stage).unwrap().1;
    assert!(cached("source") && !cached("build") && !cached("package"), "{stages:?}");
}

#[test]
fn a_flipped_bit_of_a_package_is_healed() {
    let Some(machines) = Machines::new() else { return };
    assert_eq!(machines.build("first", "--remote-write -q").code, 0);
    let store = Store::peek(&machines.project.home.path("first"));
    let listed = store.list().unwrap();
    let package = listed.iter().find(|entry| entry.stage.as_str() == "package").unwrap();
    let (key, content): (Key, PathBuf) =
        (package.key, store.entry_path(package.stage, &package.key).join("content"));
    let archive = std::fs::read_dir(content).unwrap().map(|file| file.unwrap().path());
    let archive = archive.into_iter().find(|path| path.extension().is_some_and(|end| end == "zst")).unwrap();
    let before = std::fs::read(&archive).unwrap();
    let mut after = before.clone();
    after[before.len() / 2] ^= 1;
    let mut right = std::fs::metadata(&archive).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut right, 0o600);
    std::fs::set_permissions(&archive, right).unwrap();
    std::fs::write(&archive, after).unwrap();

    let ran = machines.project.home.run(&format!("cache verify {}", machines.words("first")));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains(&key.short()) && ran.stdout.contains("healed"), "{}", ran.stdout);
    assert_eq!(std::fs::read(&archive).unwrap(), before);
}
