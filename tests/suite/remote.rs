//! The store shared through a registry: what one machine made is found by another, byte by byte, and nothing is made twice.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rdna_build::model::{Digest, Ingredients, Key, Stage};
use rdna_build::store::{Holder, Made, Store};
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::home::{Home, Ran};
use crate::made_up_registry::Registry;

pub const UNIT: &str = "selftest --target gfx1010 --toolchain debian-sid";
const PACKAGE: &str = "selftest.tar.zst";

/// A machine whose store knows the toolchain's image and holds a package, as if it had built one.
pub struct Maker {
    pub home: Home,
    pub registry: Registry,
    pub toolchain: Key,
    pub package: Key,
}

pub fn store_of(home: &Home) -> PathBuf {
    home.path(".cache/rdna-build")
}

fn plan(home: &Home) -> Value {
    home.run(&format!("plan {UNIT} --json")).json().remove(0)
}

fn stage(plan: &Value, stage: Stage) -> (Key, Ingredients) {
    let stages = plan["units"][0]["stages"].as_array().unwrap();
    let planned = stages.iter().find(|planned| planned["stage"] == stage.as_str()).unwrap();
    let key = planned["state"]["key"].as_str().unwrap().parse().unwrap();
    (key, serde_json::from_value(planned["ingredients"].clone()).unwrap())
}

fn put(
    home: &Home,
    stage: Stage,
    (key, ingredients): (Key, Ingredients),
    detail: Value,
    files: &[(&str, &str)],
) {
    let store = Store::open(&store_of(home)).unwrap();
    let draft = store.draft(stage, &key, &Holder::this_process("r1".parse().unwrap())).unwrap();
    for (name, content) in files {
        fs::write(draft.content().join(name), content).unwrap();
    }
    draft.commit(Made { ingredients, seconds: 1.0, detail }).unwrap();
}

impl Maker {
    pub fn new() -> Self {
        let home = Home::new();
        let digest = Digest::of("made up");
        let toolchain = stage(&plan(&home), Stage::Toolchain);
        let image = json!({
            "id": "sha256:of-this-engine", "reference": "localhost/x", "definition": digest, "identity": digest,
            "base": null, "packages": {}, "provides": {}, "pins": [],
        });
        put(&home, Stage::Toolchain, toolchain.clone(), image, &[]);
        // With the image known, so is the package's key.
        let package = stage(&plan(&home), Stage::Package);
        let detail = json!([{ "size": 7, "sha256": Digest::of("package"), "files": [PACKAGE] }]);
        put(&home, Stage::Package, package.clone(), detail, &[(PACKAGE, "package")]);
        Self { home, registry: Registry::start(), toolchain: toolchain.0, package: package.0 }
    }

    /// The same after it gave everything to the remote.
    pub fn pushed() -> Self {
        let maker = Self::new();
        let ran = maker.run("cache push --all");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        maker
    }

    pub fn run(&self, arguments: &str) -> Ran {
        self.run_at(&self.home, arguments)
    }

    /// The same on another machine.
    pub fn run_at(&self, home: &Home, arguments: &str) -> Ran {
        let ran = home.run(&format!("{arguments} --remote {}", self.registry.repository()));
        let named = |text: String| {
            let names = [(self.toolchain, "[TOOLCHAIN]"), (self.package, "[PACKAGE]")];
            let text = text.replace(self.registry.host(), "[REGISTRY]");
            names.iter().fold(text, |text, (key, name)| {
                text.replace(&key.to_string(), name).replace(&key.short(), name)
            })
        };
        Ran { code: ran.code, stdout: named(ran.stdout), stderr: named(ran.stderr) }
    }

    pub fn tag(&self) -> String {
        format!("package-{}", self.package)
    }
}

/// A machine without an engine: whatever has to be built fails.
pub fn other_machine() -> Home {
    Home::new().with("RDNA_BUILD_ENGINE", "unix:///nowhere.sock")
}

#[test]
fn what_one_machine_made_another_takes_without_engine_or_mirror() {
    let maker = Maker::pushed();
    let other = other_machine();
    let ran = maker.run_at(&other, UNIT);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout, format!("[HOME]/out/{PACKAGE}\n"));
    assert_eq!(fs::read_to_string(other.path(&format!("out/{PACKAGE}"))).unwrap(), "package");
    assert!(ran.stderr.contains("taking package") && !ran.stderr.contains("warning"), "{}", ran.stderr);

    // It is in this store now: nobody is asked any more.
    let asked = maker.registry.server.requests().len();
    assert_eq!(maker.run_at(&other, UNIT).code, 0);
    assert_eq!(maker.registry.server.requests().len(), asked);
    // Nor does a made-up id of another engine's image pass for one of this engine's.
    let shown = other.run(&format!("cache show {} --json", maker.toolchain)).json().remove(0);
    assert_eq!(shown["record"]["detail"]["id"], "");
}

#[test]
fn the_same_entry_is_the_same_bytes_whoever_gives_it() {
    let maker = Maker::pushed();
    let before = maker.registry.kept().manifests.clone();
    let other = other_machine();
    assert_eq!(maker.run_at(&other, UNIT).code, 0);
    let forced = maker.run_at(&other, "cache push --all --force");
    assert_eq!(forced.code, 0, "{}", forced.stderr);
    assert_eq!(maker.registry.kept().manifests, before);
}

#[test]
fn pushes_and_pulls_say_what_they_did() {
    let maker = Maker::new();
    let package = maker.package.to_string();
    let first = maker.run("cache push selftest");
    assert_data_eq!(
        first.stderr,
        str![[r#"
toolchain  started: [TOOLCHAIN]
toolchain  done in [..]
package    started: [PACKAGE]
package    done in [..]
gave 2 entries to [REGISTRY]/shared/store ([..] B)

"#]]
    );
    let again = maker.run("cache push selftest -q");
    assert_data_eq!(
        again.stderr,
        str![[r#"
gave 0 entries to [REGISTRY]/shared/store (0 B), 2 were there

"#]]
    );
    let json = maker.run(&format!("cache push {} --json", &package[..12])).json().remove(0);
    assert_eq!(
        json,
        json!([{ "stage": "package", "key": "[PACKAGE]", "result": "was-there", "bytes": null }])
    );

    let other = other_machine();
    let nothing = "0".repeat(64);
    let ran = maker.run_at(&other, &format!("cache pull {package} {nothing}"));
    assert_data_eq!(
        ran.stderr,
        str![[r#"
package    started: [PACKAGE]
package    done in [..]
000000000000 is not in [REGISTRY]/shared/store
took 1 entry from [REGISTRY]/shared/store ([..] B)

"#]]
    );
    assert_eq!(ran.code, 4);
    let json = maker.run_at(&other, &format!("cache pull {package} {nothing} --json")).json().remove(0);
    assert_eq!((&json[0]["result"], &json[1]["result"]), (&json!("was-here"), &json!("missing")));
}

#[test]
fn a_remote_that_is_missing_or_unknown_is_told_what_to_type() {
    let home = Home::new();
    crate::home::fails(
        &home,
        "cache pull 00",
        2,
        str![[r#"
error: invalid value '00' for '<KEY>...': `00` is not a sha256 digest: it needs 64 hexadecimal digits

For more information, try '--help'.

"#]],
    );
    crate::home::fails(
        &home,
        "cache push --all",
        2,
        str![[r#"
cli::usage

  x no remote is set
  help: name one: --remote ghcr.io/owner/name, or `[remote] registry = "…"` in rdna-build.toml

"#]],
    );
    let maker = Maker::new();
    assert_data_eq!(
        maker.run("cache push miopne").stderr,
        str![[r#"
cli::usage

  x nothing that can be shared is of the recipe `miopne` or has a key that begins so
  help: `rdna-build cache list` shows what is there

"#]]
    );
    home.write(
        "rdna-build.toml",
        "[remote]\nregistry = \"https://ghcr.io/a/b\"\nwrite = \"perhaps\"\npath = 1\n",
    );
    crate::home::fails(
        &home,
        "cache list",
        2,
        str![[r#"
settings::invalid

  x 3 settings are wrong
  help: `rdna-build config --help` lists every setting

Error: settings::value

  x [HOME]/rdna-build.toml:2:12: `remote.registry`: `https://ghcr.io/a/b` is an address of the web: expected is REGISTRY/PATH without `https://`, e.g. ghcr.io/owner/name
   ,-[[HOME]/rdna-build.toml:2:12]
 1 | [remote]
 2 | registry = "https://ghcr.io/a/b"
   :            ^^^^^^^^^^|^^^^^^^^^^
   :                      `-- this value
 3 | write = "perhaps"
   `----

Error: settings::value

  x [HOME]/rdna-build.toml:3:9: `remote.write`: `true` or `false` is expected
   ,-[[HOME]/rdna-build.toml:3:9]
 2 | registry = "https://ghcr.io/a/b"
 3 | write = "perhaps"
   :         ^^^^|^^^^
   :             `-- this value
 4 | path = 1
   `----

Error: settings::unknown

  x [HOME]/rdna-build.toml:4:1: there is no setting `remote.path`
   ,-[[HOME]/rdna-build.toml:4:1]
 3 | write = "perhaps"
 4 | path = 1
   : ^^|^
   :   `-- unknown
   `----
  help: did you mean `remote.write`?

"#]],
    );
}

#[test]
fn a_project_names_its_remote_and_who_may_write() {
    let maker = Maker::new();
    let settings = format!("[remote]\nregistry = \"{}\"\nwrite = true\n", maker.registry.repository());
    maker.home.write("rdna-build.toml", settings);
    let shown = maker.home.run("config --json").json().remove(0);
    let value = |name: &str| {
        let settings = shown["settings"].as_array().unwrap();
        settings.iter().find(|setting| setting["name"] == name).unwrap()["value"].clone()
    };
    assert_eq!(
        (value("remote.registry"), value("remote.write")),
        (maker.registry.repository().into(), "true".into())
    );
    assert_eq!(maker.home.run("cache push --all").code, 0);
    assert_eq!(maker.registry.kept().manifests.len(), 2);
    // Offline no registry is asked.
    assert_eq!(maker.home.with("RDNA_BUILD_OFFLINE", 1).run("cache push --all").code, 2);
}

#[test]
fn a_matrix_leaves_out_what_the_remote_holds_and_takes_nothing() {
    let maker = Maker::pushed();
    let ci = Home::new();
    let matrix = "matrix selftest --toolchain debian-sid --target gfx1010,gfx1012";
    let ran = maker.run_at(&ci, matrix);
    let left: Vec<Value> = ran.json().remove(0).as_array().unwrap().clone();
    assert_eq!(left.iter().map(|build| &build["target"]).collect::<Vec<_>>(), ["gfx1012"]);
    assert_eq!(ci.files(), [""; 0]);
    let package = maker.package.to_string();
    let asked = maker.registry.server.requests();
    let mut of_package = asked.iter().filter(|asked| asked.contains(&package));
    assert!(of_package.next_back().unwrap().starts_with("HEAD /v2/shared/store/manifests/package-"));
    let text = maker.run_at(&ci, &format!("{matrix} --format github"));
    assert_data_eq!(
        text.stderr,
        str![[r#"
1 to do, 0 in the store, 1 in [REGISTRY]/shared/store

"#]]
    );

    maker.registry.fault(|_| Some(crate::server::Answer::new("403 Forbidden", "")));
    let denied = maker.run_at(&ci, &format!("{matrix} --format github"));
    assert_data_eq!(
        denied.stderr,
        str![[r#"
warning: [REGISTRY] lets nobody in without a password: looking for toolchain-[TOOLCHAIN]
2 to do, 0 in the store

"#]]
    );
    assert_eq!(denied.code, 0);
}

/// Where the package lies in a store.
fn file(home: &Home, key: &Key) -> PathBuf {
    let store = Store::peek(&store_of(home));
    store.entry_path(Stage::Package, key).join("content").join(PACKAGE)
}

fn flip(home: &Home, key: &Key) {
    let path = file(home, key);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path, "packagf").unwrap();
}

#[test]
fn a_flipped_bit_is_healed_from_the_remote() {
    let maker = Maker::pushed();
    flip(&maker.home, &maker.package);
    let ran = maker.run("cache verify");
    let shown = &ran.stdout;
    assert!(shown.contains("healed from the remote") && shown.contains("package [PACKAGE]"), "{shown}");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(fs::read_to_string(file(&maker.home, &maker.package)).unwrap(), "package");

    // Without its remote it is removed, and made again.
    flip(&maker.home, &maker.package);
    maker.registry.fault(|_| Some(crate::server::Answer::new("404 Not Found", "")));
    let json = maker.run("cache verify --json").json().remove(0);
    let damaged = json.as_array().unwrap().iter().find(|one| one["condition"] == "damaged").unwrap();
    assert_eq!((&damaged["removed"], &damaged["healed"]), (&json!(true), &json!(false)));
    assert!(!file(&maker.home, &maker.package).exists());
}
