//! THE place for keys: which input enters which key.
//!
//! | ingredient | source | prepared | toolchain | build | package | proof |
//! |---|---|---|---|---|---|---|
//! | schema of the key | ✓ | ✓ | ✓ | ✓ | ✓ | ✓ |
//! | source: commit and subfolder, or digest | ✓ | ✓ | | ✓ | ✓ | |
//! | each patch: position, bytes, fit | | ✓ | | ✓ | ✓ | |
//! | toolchain definition: all files of its folder, packages that the lock file pins | | | ✓ | ✓ | ✓ | ✓ |
//! | toolchain identity: packages and versions really in the image | | | | ✓ | ✓ | ✓ |
//! | recipe name, version, target | | | | ✓ | ✓ | |
//! | prefix, CMake options, environment, script, `SOURCE_DATE_EPOCH` | | | | ✓ | ✓ | |
//! | outputs the recipe demands | | | | ✓ | ✓ | |
//! | what else stands in the manifest: version of this tool, place of the source, name and why of each patch | | | | | ✓ | |
//! | package format, revision, maintainer, and what else it says of itself | | | | | ✓ | |
//! | the patched files that the proof sees, its commands and files; key of the build it looks at | | | | | | ✓ |
//!
//! Stays outside, because it changes nothing that is made: number of jobs, memory limit, engine, log level, colour,
//! titles, the place of the store and of the output; up to the build also where a pinned source came from.
//!
//! Ingredients are flat: a build names every patch itself, so that a miss says `patches/0003-x.patch changed` and not
//! `prepared changed`.

use std::collections::BTreeMap;

use crate::model::{
    About, Digest, Digester, GfxTarget, Ingredients, Key, OutputSpec, PinnedSource, PlannedPatch, RecipeName,
    ToolchainId, Version,
};

/// Bumped when the meaning of an ingredient changes, or when a stage makes something else of the same ingredients.
const SCHEMA: u32 = 1;

/// Bumped when an inventory says more, or something else, of the same image.
const INVENTORY_READER: &str = "5";

/// A key together with what it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    pub key: Key,
    pub ingredients: Ingredients,
}

/// What a build adds to its prepared sources.
#[derive(Clone, Debug)]
pub struct BuildInputs<'a> {
    pub recipe: &'a RecipeName,
    pub version: &'a Version,
    pub target: GfxTarget,
    pub toolchain: &'a ToolchainId,
    pub definition: Digest,
    pub identity: Digest,
    pub prefix: &'a str,
    pub options: &'a BTreeMap<String, String>,
    pub environment: &'a BTreeMap<String, String>,
    /// Digest of the commands that run in the container, number of jobs left out.
    pub script: Digest,
    pub source_date_epoch: u64,
    pub outputs: &'a [OutputSpec],
}

/// The key of a fetched source tree.
pub fn source(source: &PinnedSource) -> Keyed {
    keyed("source", source_ingredients(source))
}

/// The key of a source tree with its patch series applied.
pub fn prepared(source: &PinnedSource, patches: &[PlannedPatch]) -> Keyed {
    keyed("prepared", prepared_ingredients(source, patches))
}

/// The key of a toolchain's image, by its definition alone: what the image really holds is known only once it is made.
pub fn toolchain(definition: Digest) -> Keyed {
    let mut ingredients = Ingredients::default();
    ingredients.add("toolchain definition", definition);
    keyed("toolchain", ingredients)
}

/// The key of an installed tree.
pub fn build(source: &PinnedSource, patches: &[PlannedPatch], inputs: &BuildInputs<'_>) -> Keyed {
    keyed("build", build_ingredients(source, patches, inputs))
}

/// The key of a unit's packages in one format.
pub fn package(
    source: &PinnedSource,
    patches: &[PlannedPatch],
    inputs: &BuildInputs<'_>,
    format: &str,
    about: &About,
    tool: &str,
) -> Keyed {
    let mut ingredients = build_ingredients(source, patches, inputs);
    ingredients.add("package format", format);
    ingredients.add("package revision", &about.revision);
    ingredients.add("package maintainer", &about.maintainer);
    let about = serde_json::to_string(about).expect("it has only text keys");
    ingredients.add("what the package says of itself", Digest::of(about));
    ingredients.add("tool", tool);
    // The manifest says where the source came from: mirrors share a build, not a package.
    ingredients.add("source place", serde_json::to_string(source).expect("a source has only text keys"));
    for patch in patches {
        let told = format!("{} {} {}", patch.name, patch.unproven, patch.why);
        ingredients.add(format!("{} (what the manifest says of it)", patch.file), Digest::of(told));
    }
    keyed("package", ingredients)
}

/// What one side of a proof is made of, or a matrix of kernels. What is expected of it stays outside: changing that costs no
/// observation.
#[derive(Clone, Debug)]
pub struct ProofInputs<'a> {
    pub definition: Digest,
    pub identity: Digest,
    /// Of what is there of the patched source.
    pub source: Digest,
    /// All commands that run, in order, as words.
    pub commands: &'a [Vec<String>],
    /// What commands see of the environment.
    pub environment: &'a BTreeMap<String, String>,
    /// Of the files that the proof or check brings.
    pub files: Digest,
    /// The build whose result is there.
    pub installed: Option<Key>,
}

/// The key of what is observed on one side of a proof.
pub fn proof(inputs: &ProofInputs<'_>) -> Keyed {
    keyed("proof", observed(inputs))
}

/// What commands in a lab are made of.
fn observed(inputs: &ProofInputs<'_>) -> Ingredients {
    let mut ingredients = Ingredients::default();
    ingredients.add("toolchain definition", inputs.definition);
    ingredients.add("toolchain identity", inputs.identity);
    ingredients.add("source", inputs.source);
    ingredients.add("files", inputs.files);
    let commands = serde_json::to_vec(inputs.commands).expect("words are text");
    ingredients.add("commands", Digest::of(commands));
    for (name, value) in inputs.environment {
        ingredients.add(format!("environment {name}"), value);
    }
    if let Some(key) = inputs.installed {
        ingredients.add("build", key);
    }
    ingredients
}

/// The key of what an image holds: its id stands for every byte of it.
pub fn inventory(image: &str) -> Keyed {
    let mut ingredients = Ingredients::default();
    ingredients.add("reader", INVENTORY_READER);
    ingredients.add("image", image);
    keyed("inventory", ingredients)
}

/// Counted up when more is read out of an object.
const KERNEL_READER: &str = "1";

/// The key of what compiling a matrix of kernels came to.
pub fn kernels(inputs: &ProofInputs<'_>) -> Keyed {
    let mut ingredients = observed(inputs);
    ingredients.add("reader", KERNEL_READER);
    keyed("kernels", ingredients)
}

/// What decides how the steps of a program that calls a library end.
#[derive(Debug)]
pub struct CallInputs<'a> {
    /// The engine's id of the image.
    pub image: &'a str,
    /// Digest of the library's file.
    pub library: Digest,
    pub files: Digest,
    /// Words and environment of each step.
    pub commands: &'a [(Vec<String>, BTreeMap<String, String>)],
}

/// The key of what a program that calls a library came to.
pub fn calls(inputs: &CallInputs<'_>) -> Keyed {
    let mut ingredients = Ingredients::default();
    ingredients.add("image", inputs.image);
    ingredients.add("library", inputs.library);
    ingredients.add("files", inputs.files);
    let commands = serde_json::to_vec(inputs.commands).expect("words are text");
    ingredients.add("commands", Digest::of(commands));
    keyed("calls", ingredients)
}

/// The key of what is unpacked of a package to be looked at.
pub fn verified(archive: Digest) -> Keyed {
    let mut ingredients = Ingredients::default();
    ingredients.add("archive", archive);
    keyed("verified", ingredients)
}

/// The key of a lock that has a name of its own: a unit's build folder, which several build keys share, or a
/// toolchain's image.
pub fn lock(name: &str) -> Key {
    let mut ingredients = Ingredients::default();
    ingredients.add("name", name);
    keyed("lock", ingredients).key
}

fn source_ingredients(source: &PinnedSource) -> Ingredients {
    let mut ingredients = Ingredients::default();
    ingredients.add("source", source.identity());
    ingredients
}

fn prepared_ingredients(source: &PinnedSource, patches: &[PlannedPatch]) -> Ingredients {
    let mut ingredients = source_ingredients(source);
    for (position, patch) in patches.iter().enumerate() {
        ingredients.add(patch.file.clone(), format!("{position} {} {}", patch.sha256, patch.fit));
    }
    ingredients
}

fn build_ingredients(
    source: &PinnedSource,
    patches: &[PlannedPatch],
    inputs: &BuildInputs<'_>,
) -> Ingredients {
    let mut ingredients = prepared_ingredients(source, patches);
    ingredients.add("recipe", inputs.recipe);
    ingredients.add("version", inputs.version);
    ingredients.add("target", inputs.target);
    ingredients.add("toolchain", inputs.toolchain);
    ingredients.add("toolchain definition", inputs.definition);
    ingredients.add("toolchain identity", inputs.identity);
    ingredients.add("prefix", inputs.prefix);
    ingredients.add("script", inputs.script);
    ingredients.add("SOURCE_DATE_EPOCH", inputs.source_date_epoch);
    for (name, value) in inputs.options {
        ingredients.add(format!("option {name}"), value);
    }
    for (name, value) in inputs.environment {
        ingredients.add(format!("environment {name}"), value);
    }
    for output in inputs.outputs {
        ingredients.add(format!("output {}", output.path), format!("{:?}", output.kind));
    }
    ingredients
}

/// Digests schema, stage and every ingredient, each with its length before it: no two sets have the same bytes.
fn keyed(stage: &str, ingredients: Ingredients) -> Keyed {
    let mut digester = Digester::new();
    let mut add = |text: &str| {
        digester.update(&(text.len() as u64).to_le_bytes());
        digester.update(text.as_bytes());
    };
    add(&format!("rdna-build key {SCHEMA}"));
    add(stage);
    for (name, value) in ingredients.iter() {
        add(name);
        add(value);
    }
    Keyed { key: Key::from_digest(digester.finish()), ingredients }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Difference, Fit, OutputKind, Relations};
    use proptest::prelude::*;

    fn patches(names: &[&str]) -> Vec<PlannedPatch> {
        names
            .iter()
            .map(|name| PlannedPatch {
                name: "example".parse().expect("a name"),
                file: (*name).to_owned(),
                sha256: Digest::of(name),
                why: "because".to_owned(),
                fit: Fit::Exact,
                unproven: false,
            })
            .collect()
    }

    /// Everything that enters a package's key, so that a test can change one thing at a time.
    #[derive(Clone)]
    struct Everything {
        source: PinnedSource,
        patches: Vec<PlannedPatch>,
        recipe: &'static str,
        version: &'static str,
        target: &'static str,
        toolchain: &'static str,
        definition: Digest,
        identity: Digest,
        prefix: &'static str,
        options: BTreeMap<String, String>,
        environment: BTreeMap<String, String>,
        script: Digest,
        epoch: u64,
        outputs: Vec<OutputSpec>,
        format: &'static str,
        about: About,
        tool: &'static str,
    }

    impl Everything {
        fn new() -> Self {
            Self {
                source: PinnedSource::Folder { tree: Digest::of("tree"), commit: None, dirty: false },
                patches: patches(&["patches/0001-a.patch", "patches/0002-b.patch"]),
                recipe: "miopen",
                version: "3.3.0",
                target: "gfx1010",
                toolchain: "debian-sid",
                definition: Digest::of("definition"),
                identity: Digest::of("identity"),
                prefix: "/opt/x",
                options: [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())].into(),
                environment: [("C".to_owned(), "3".to_owned())].into(),
                script: Digest::of("script"),
                epoch: 1,
                outputs: vec![OutputSpec { path: "lib/libx.so".to_owned(), kind: OutputKind::File }],
                format: "tar.zst",
                about: About {
                    name: "miopen-hip-gfx1010".to_owned(),
                    revision: "1".to_owned(),
                    maintainer: "A <a@example.org>".to_owned(),
                    summary: "s".to_owned(),
                    homepage: "https://example.org".to_owned(),
                    license: "MIT".to_owned(),
                    debian: Relations::default(),
                    rpm: Relations::default(),
                },
                tool: "rdna-build 1",
            }
        }

        fn package(&self) -> Keyed {
            package(
                &self.source,
                &self.patches,
                &BuildInputs {
                    recipe: &self.recipe.parse().expect("a name"),
                    version: &self.version.parse().expect("a version"),
                    target: self.target.parse().expect("a target"),
                    toolchain: &self.toolchain.parse().expect("an id"),
                    definition: self.definition,
                    identity: self.identity,
                    prefix: self.prefix,
                    options: &self.options,
                    environment: &self.environment,
                    script: self.script,
                    source_date_epoch: self.epoch,
                    outputs: &self.outputs,
                },
                self.format,
                &self.about,
                self.tool,
            )
        }
    }

    #[test]
    fn each_ingredient_alone_changes_the_key() {
        type Change = fn(&mut Everything);
        let changes: Vec<(&str, Change)> = vec![
            ("source", |e| e.source = PinnedSource::Bundled { folder: "s".into(), digest: Digest::of("s") }),
            ("patch bytes", |e| e.patches[0].sha256 = Digest::of("other")),
            ("patch fit", |e| e.patches[0].fit = Fit::Fuzz1),
            ("patch proven", |e| e.patches[0].unproven = true),
            ("patch name", |e| e.patches[0].name = "other".parse().expect("a name")),
            ("patch order", |e| e.patches.reverse()),
            ("a patch less", |e| drop(e.patches.pop())),
            ("patch why", |e| e.patches[0].why.push('!')),
            ("recipe", |e| e.recipe = "selftest"),
            ("version", |e| e.version = "3.3.1"),
            ("target", |e| e.target = "gfx1012"),
            ("toolchain", |e| e.toolchain = "debian-13"),
            ("definition", |e| e.definition = Digest::of("other")),
            ("identity", |e| e.identity = Digest::of("other")),
            ("prefix", |e| e.prefix = "/opt/y"),
            ("option value", |e| drop(e.options.insert("A".into(), "2".into()))),
            ("option name", |e| drop(e.options.insert("Z".into(), String::new()))),
            ("environment", |e| drop(e.environment.insert("C".into(), "4".into()))),
            ("script", |e| e.script = Digest::of("other")),
            ("epoch", |e| e.epoch = 2),
            ("output", |e| e.outputs[0].kind = OutputKind::SharedLibrary),
            ("format", |e| e.format = "deb"),
            ("revision", |e| e.about.revision = "2".into()),
            ("maintainer", |e| e.about.maintainer = "B <b@example.org>".into()),
            ("package name", |e| e.about.name = "other".into()),
            ("a dependency", |e| e.about.debian.depends.push("x".into())),
            ("tool", |e| e.tool = "rdna-build 2"),
        ];
        let mut seen = std::collections::BTreeMap::from([(Everything::new().package().key, "nothing")]);
        for (name, change) in changes {
            let mut everything = Everything::new();
            change(&mut everything);
            let twin = seen.insert(everything.package().key, name);
            assert_eq!(twin, None, "`{name}` gives the key of another change");
        }
    }

    #[test]
    fn each_ingredient_of_an_observation_changes_its_key() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let commands = [words(&["clang", "a b"]), words(&["clang", "c"])];
        let environment = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
        let all = ProofInputs {
            definition: Digest::of("definition"),
            identity: Digest::of("identity"),
            source: Digest::of("source"),
            commands: &commands,
            environment: &environment,
            files: Digest::of("files"),
            installed: None,
        };
        let other = Digest::of("other");
        let (split, reordered) = (
            [words(&["clang", "a", "b"]), words(&["clang", "c"])],
            [commands[1].clone(), commands[0].clone()],
        );
        let more = BTreeMap::from([("A".to_owned(), "2".to_owned())]);
        let keys = [
            all.clone(),
            ProofInputs { definition: other, ..all.clone() },
            ProofInputs { identity: other, ..all.clone() },
            ProofInputs { source: other, ..all.clone() },
            ProofInputs { files: other, ..all.clone() },
            ProofInputs { commands: &split, ..all.clone() },
            ProofInputs { commands: &reordered, ..all.clone() },
            ProofInputs { environment: &more, ..all.clone() },
            ProofInputs { installed: Some(lock("x")), ..all.clone() },
        ]
        .map(|inputs| proof(&inputs).key);
        assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), keys.len());
    }

    #[test]
    fn what_only_says_where_a_source_comes_from_stays_outside() {
        let commit = || "2d1fd997a0000000000000000000000000000000".parse().expect("a commit");
        let git = |url: &str, reference: Option<&str>| PinnedSource::Git {
            url: url.to_owned(),
            reference: reference.map(str::to_owned),
            commit: commit(),
            subdir: None,
        };
        assert_eq!(
            source(&git("https://a.example/x.git", Some("rocm-6.3.0"))).key,
            source(&git("https://b.example/x.git", None)).key
        );
        let folder = |dirty| PinnedSource::Folder { tree: Digest::of("t"), commit: Some(commit()), dirty };
        assert_eq!(source(&folder(true)).key, source(&folder(false)).key);
    }

    #[test]
    fn a_miss_names_the_patch_that_changed() {
        let old = Everything::new();
        let mut new = old.clone();
        new.patches[1].sha256 = Digest::of("other");
        assert_eq!(
            new.package().ingredients.since(&old.package().ingredients),
            [Difference::Changed { name: "patches/0002-b.patch".into() }]
        );
    }

    #[test]
    fn stages_never_share_a_key() {
        let everything = Everything::new();
        assert_ne!(source(&everything.source).key, prepared(&everything.source, &[]).key);
    }

    proptest! {
        #[test]
        fn the_same_options_in_any_order_give_the_same_key(
            mut pairs in proptest::collection::vec(("[A-Z]{1,8}", "[ -~]{0,12}"), 0..12),
            seed in any::<u64>(),
        ) {
            pairs.sort();
            pairs.dedup_by(|a, b| a.0 == b.0);
            let mut forward = Everything::new();
            forward.options = pairs.iter().cloned().collect();
            let mut shuffled = pairs.clone();
            let length = shuffled.len().max(1);
            shuffled.rotate_left((seed as usize) % length);
            let mut other = Everything::new();
            other.options = shuffled.into_iter().collect();
            prop_assert_eq!(forward.package().key, other.package().key);
        }

        #[test]
        fn different_options_give_different_keys(
            a in proptest::collection::btree_map("[A-Z]{1,3}", "[a-z=; ]{0,4}", 0..4),
            b in proptest::collection::btree_map("[A-Z]{1,3}", "[a-z=; ]{0,4}", 0..4),
        ) {
            let mut one = Everything::new();
            one.options = a.clone();
            let mut other = Everything::new();
            other.options = b.clone();
            prop_assert_eq!(a == b, one.package().key == other.package().key);
        }
    }
}
