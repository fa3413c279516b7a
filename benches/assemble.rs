//! Measures the making of a Debian toolchain's image against `docker build` with apt, as ratios within one run.
//!
//! ```sh
//! cargo bench --bench assemble                 # debian-sid
//! cargo bench --bench assemble -- debian-13
//! cargo bench --bench assemble -- debian-sid both   # apt leaves out what the toolchain leaves out, too
//! ```
//!
//! Needs a container engine with the `docker` command, a way from its containers to the mirror, and some 20 GB. Both begin
//! with the same base in the engine and nothing downloaded. A shared machine is noisy: only the ratios say something. They are
//! taken against apt as people use it, which unpacks everything.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use rdna_build::model::{Base, DebianBase, HostPath};
use rdna_build::source::debian::find_mirror;
use rdna_build::toolchain::Catalog;

const BINARY: &str = env!("CARGO_BIN_EXE_rdna-build");
const APT_IMAGE: &str = "rdna-bench-apt:1";

const RECIPE: &str = r#"schema = 1
name = "nothing"
summary = "stands behind a toolchain"
homepage = "https://example.org/nothing"
license = "MIT"
default-version = "1.0.0"

[[versions]]
version = "1.0.0"
rocm = "6.4.3"
bundled = "source"

[requires]

[targets]
supported = ["gfx1010"]

[build]
system = "cmake"
prefix = "/opt/{name}"
memory-per-job = "100 MiB"
disk = "16 MiB"
minutes = 1

[[outputs]]
path = "share/nothing"
kind = "file"
"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (both, ids): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| *argument == "both");
    let id = ids.first().map_or("debian-sid", |id| id.as_str());
    let catalog = Catalog::load(&[]).unwrap();
    let toolchain = catalog.get(id).unwrap();
    let Base::Debian(debian) = &toolchain.base else { panic!("{id} is not assembled from a Debian mirror") };

    let folder = tempfile::tempdir().unwrap();
    let bench = Bench { folder: folder.path() };
    bench.write("recipes/nothing/recipe.toml", RECIPE);
    bench.write("recipes/nothing/source/README", "nothing\n");
    let text = String::from_utf8(toolchain.files.get("toolchain.toml").unwrap().to_vec()).unwrap();
    bench.write("toolchains/bench-whole/toolchain.toml", &of_its_own(&text));
    bench.write("toolchains/bench-base/toolchain.toml", &of_its_own(&minimal(debian)));

    let others = images("rootfs");
    bench.make("bench-base", "stores/base");
    let base = image("bench-base");
    let base_rootfs = added_to(&others);
    let others = images("rootfs");
    let apt = bench.apt(debian, &base, "");
    println!("docker build with apt            {apt:7.1} s");
    if !both.is_empty() {
        let excluding = bench.apt(debian, &base, &debian.left_out.dpkg_options());
        println!("the same, leaving out the same   {excluding:7.1} s  {:.2}", excluding / apt);
    }
    let cold = bench.make("bench-whole", "stores/whole");
    println!("nothing downloaded               {cold:7.1} s  {:.2}  (goal: at most 0.40)", cold / apt);
    remove(&[image("bench-whole"), added_to(&others)]);
    let packages = bench.make("bench-whole", "stores/whole");
    println!(
        "packages in the store            {packages:7.1} s  {:.2}  (goal: at most 0.15)",
        packages / apt
    );
    remove(&[image("bench-whole")]);
    let rootfs = bench.make("bench-whole", "stores/whole");
    println!("and the root file system in the engine {rootfs:.1} s  {:.2}", rootfs / apt);
    remove(&[image("bench-whole"), added_to(&others), base, base_rootfs, APT_IMAGE.to_owned()]);
}

/// The toolchain without a file that there is in no package: neither its image nor its root file system can be in the engine,
/// whatever was made before.
fn of_its_own(toolchain: &str) -> String {
    let nothing = format!("\"/bench/{}\"", std::process::id());
    let (key, compiler) = ("path-exclude = [", "\n[compiler]");
    if toolchain.contains(key) {
        toolchain.replacen(key, &format!("{key}{nothing}, "), 1)
    } else {
        toolchain.replacen(compiler, &format!("\n{key}{nothing}]\n{compiler}"), 1)
    }
}

/// The same suite with hardly more than its essential packages.
fn minimal(debian: &DebianBase) -> String {
    format!(
        r#"schema = 1
summary = "what apt needs"
rocm = "6.4.3"
[base.debian]
suite = "{}"
components = ["main"]
check-valid-until = false
packages = ["apt"]
[compiler]
c = "/usr/bin/true"
cxx = "/usr/bin/true"
[provides]
"#,
        debian.suite
    )
}

struct Bench<'a> {
    folder: &'a Path,
}

impl Bench<'_> {
    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Seconds that the stage took that makes the image; what would come after it is stopped.
    fn make(&self, toolchain: &str, store: &str) -> f64 {
        let mut child = Command::new(BINARY)
            .args(["nothing", "--target", "gfx1010", "--json", "--toolchain", toolchain, "--store", store])
            .args(["--recipes", "recipes", "--toolchains", "toolchains"])
            .current_dir(self.folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut seconds = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let event: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            match event["event"].as_str().unwrap() {
                "stage-finished" if seconds.is_none() => {
                    seconds = event["seconds"].as_f64();
                    let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
                }
                "error" if seconds.is_none() => panic!("{event}"),
                _ => {}
            }
        }
        child.wait().unwrap();
        seconds.expect("an image was made")
    }

    /// Seconds that `docker build` takes to install the same packages with apt, under these options of dpkg's.
    fn apt(&self, debian: &DebianBase, base: &str, dpkg_options: &str) -> f64 {
        let mirror = find_mirror(None, &HostPath::new("/etc/apt")).unwrap();
        let sources: Vec<String> = debian
            .suites()
            .iter()
            .map(|suite| {
                let components = debian.components.join(" ");
                format!("deb [check-valid-until=no] {mirror} {suite} {components}\\n")
            })
            .collect();
        let dockerfile = format!(
            "FROM {base}\nRUN printf '{}' > /etc/dpkg/dpkg.cfg.d/bench && printf '{}' > /etc/apt/sources.list && apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends {} && rm -rf /var/lib/apt/lists/*\n",
            dpkg_options.replace('\n', "\\n"),
            sources.concat(),
            debian.packages.join(" ")
        );
        let started = Instant::now();
        let mut child = Command::new("docker")
            .args(["build", "--no-cache", "-q", "-t", APT_IMAGE, "-"])
            .env("DOCKER_BUILDKIT", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(dockerfile.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{dockerfile}");
        started.elapsed().as_secs_f64()
    }
}

/// The newest image of this name.
fn image(name: &str) -> String {
    images(name).into_iter().next().unwrap_or_else(|| panic!("no image {name}"))
}

/// The root file system that came after these.
fn added_to(others: &[String]) -> String {
    let added = images("rootfs").into_iter().find(|image| !others.contains(image));
    added.expect("a root file system was imported")
}

/// All images of this name, the newest first.
fn images(name: &str) -> Vec<String> {
    let reference = format!("localhost/rdna-build/{name}");
    let output = Command::new("docker")
        .args(["images", "--format", "{{.Repository}}:{{.Tag}}", &reference])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn remove(images: &[String]) {
    assert!(Command::new("docker").arg("rmi").args(images).output().unwrap().status.success(), "{images:?}");
}
