//! Measures the laying of MIOpen's series over its source against `git apply` of the same patches, as a ratio within one
//! run. Both are a process each, on the same tree with a warm cache.
//!
//! ```sh
//! cargo bench --bench patches -- ~/src/MIOpen        # a checkout of the recipe's default version
//! ```
//!
//! What each leaves behind differs: git changes the files where they lie, we write the changed ones beside them.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

mod measure;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use measure::median;

use rdna_build::model::Fit;
use rdna_build::recipe::RecipeBook;
use rdna_build::source::patch::{FolderBase, PatchInput, apply_series};

const ROUNDS: usize = 21;
/// The first argument of the process that applies patch files once, as `git apply` would.
const ONCE: &str = "apply-once";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.as_slice() {
        [once, source, overlay, files @ ..] if once == ONCE => apply(source, overlay, files),
        [source] => compare(Path::new(source)),
        _ => println!("patches: name a checkout of MIOpen to measure on; nothing was measured"),
    }
}

fn apply(source: &str, overlay: &str, files: &[String]) {
    let read: Vec<(&String, Vec<u8>)> =
        files.iter().map(|file| (file, std::fs::read(file).unwrap())).collect();
    let inputs: Vec<PatchInput<'_>> =
        read.iter().map(|(name, bytes)| PatchInput { name, bytes, fit: Fit::Exact }).collect();
    apply_series(&inputs, &FolderBase(Path::new(source)), Path::new(overlay)).unwrap();
}

fn compare(source: &Path) {
    let recipe = RecipeBook::load(&[]).unwrap().get("miopen").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    let copied = Command::new("cp").arg("-a").args([source, &tree]).status().unwrap();
    assert!(copied.success());
    let _ = std::fs::remove_dir_all(tree.join(".git"));
    // All patches of the series for the default version, opt-in ones among them.
    let forms = recipe.patches.iter().filter_map(|patch| patch.variant(&recipe.default_version));
    let files: Vec<PathBuf> = forms
        .map(|form| {
            let path = folder.path().join(form.file.replace('/', "-"));
            std::fs::write(&path, recipe.files.get(&form.file).unwrap()).unwrap();
            path
        })
        .collect();
    let git = |more: &[&str]| {
        let mut command = Command::new("git");
        command.arg("apply").args(["--whitespace=nowarn"]).args(more).args(&files).current_dir(&tree);
        command
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let overlay = folder.path().join(format!("overlay-{round}"));
        let mut own = Command::new(std::env::current_exe().unwrap());
        own.arg(ONCE).args([&tree, &overlay]).args(&files);
        ours.push(timed(&mut own));
        theirs.push(timed(&mut git(&[])));
        // Undone one by one from the last, and not measured.
        for file in files.iter().rev() {
            let mut command = Command::new("git");
            command.args(["apply", "--whitespace=nowarn", "-R"]).arg(file).current_dir(&tree);
            assert!(command.status().unwrap().success());
        }
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("{} patches on {}", files.len(), source.display());
    println!("rdna-build  {:7.1} ms", ours * 1e3);
    println!("git apply   {:7.1} ms", theirs * 1e3);
    println!("ratio       {:7.2}  (goal: at most 0.50)", ours / theirs);
}

fn timed(command: &mut Command) -> f64 {
    let started = Instant::now();
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
    started.elapsed().as_secs_f64()
}
