//! Conflicts between LLVMs, made for real: a container in which the compiler, linker or loader really fails, and the rule that
//! foretells it from the same container without running anything.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::OnceLock;

use rdna_build::engine::{ContainerId, ContainerSpec, Engine as _, LeftoverKind, Network, RunLabels};
use rdna_build::model::GuestPath;
use serde_json::Value;

use crate::desk::{Desk, TOOLCHAIN, leftovers_of, with_engine};
use crate::support::{bytes, shell};
use crate::tool::{Ended, start};

/// Debian 13 with the clang of HIP, and Debian's own, which comes first on `PATH`.
const TWO_CLANGS: &str = "two-clangs";

const TOOLCHAIN_TOML: &str = r#"schema = 1
summary = "two clangs"
rocm = "5.7.1"

[base.debian]
suite = "trixie"
components = ["main"]
packages = [
    "ccache", "cmake", "ninja-build", "clang", "clang-17", "lld-17", "rocm-device-libs-17", "libamd-comgr2",
]

[compiler]
c = "COMPILER"
cxx = "COMPILER"

[provides]
llvm = { version = "17", package = "clang-17" }
"#;

const RECIPE: &str = r#"schema = 1
name = "hello"
summary = "installs a text"
homepage = "https://example.org/"
license = "MIT"
default-version = "1.0.0"

[[versions]]
version = "1.0.0"
rocm = "5.7.1"
bundled = "source"

[targets]
supported = ["gfx1010"]

[build]
system = "cmake"
prefix = "/opt/{name}"
memory-per-job = "10 MiB"
disk = "1 MiB"
minutes = 1

[[outputs]]
path = "README"
kind = "file"
"#;

const CMAKE: &str =
    "cmake_minimum_required(VERSION 3.20)\nproject(hello C)\ninstall(FILES README DESTINATION .)\n";

/// A kernel that needs mathematics of the device libraries, and no header of HIP's.
const KERNEL: &str = r#"cat > /tmp/k.hip <<'END'
extern "C" __attribute__((device)) float __ocml_sin_f32(float);
__attribute__((global)) void k(float *p) { *p = __ocml_sin_f32(*p); }
END
"#;

fn compile(compiler: &str) -> String {
    format!(
        "{KERNEL}{compiler} -x hip --offload-arch=gfx1010 --offload-device-only --no-gpu-bundle-output -nogpuinc -c /tmp/k.hip -o /tmp/k.o && echo compiled"
    )
}

/// A desk that knows the toolchain, by this compiler, and the recipe.
fn desk(compiler: &str) -> Option<Desk> {
    let desk = Desk::shared()?;
    let write = |path: &str, text: &str| {
        let place = desk.path(path);
        fs::create_dir_all(place.parent().expect("it has one")).expect("a folder");
        fs::write(place, text).expect("a file");
    };
    write(&format!("toolchains/{TWO_CLANGS}/toolchain.toml"), &TOOLCHAIN_TOML.replace("COMPILER", compiler));
    write("recipes/hello/recipe.toml", RECIPE);
    write("recipes/hello/source/CMakeLists.txt", CMAKE);
    write("recipes/hello/source/README", "hello\n");
    Some(desk)
}

fn build(desk: &Desk) -> Ended {
    start(desk.command(&["build", "hello", "--target", "gfx1010", "--toolchain", TWO_CLANGS])).end()
}

/// The image of the sound toolchain; made once.
fn image() -> Option<&'static str> {
    static IMAGE: OnceLock<String> = OnceLock::new();
    let desk = desk("/usr/bin/clang-17")?;
    Some(IMAGE.get_or_init(|| {
        let built = build(&desk);
        assert_eq!(built.status.code(), Some(0), "HIP's own clang beside another is no conflict: {built:#?}");
        let found = inspect(&desk, TWO_CLANGS);
        assert_eq!(rules(&found, "refuse"), ["compiler-without-device-libs"], "by PATH alone: {found:#}");
        image_of(TWO_CLANGS)
    }))
}

/// What the tool says of an image or container, as a document.
fn inspect(desk: &Desk, what: &str) -> Value {
    let ended = start(desk.command(&["toolchains", "inspect", what])).end();
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    let [document] = ended.events.as_slice() else { panic!("one document: {ended:?}") };
    document.clone()
}

fn rules(document: &Value, severity: &str) -> Vec<String> {
    let conflicts = document["conflicts"].as_array().expect("a list");
    let mut rules: Vec<String> = conflicts
        .iter()
        .filter(|conflict| conflict["severity"] == severity)
        .map(|conflict| conflict["rule"].as_str().expect("text").to_owned())
        .collect();
    rules.dedup();
    rules
}

/// A container of an image in which something was tried.
struct Tried {
    container: ContainerId,
    log: String,
    code: i64,
}

impl Tried {
    /// Runs a script as root without network; `files` are unpacked below `/` before.
    fn new(image: &str, environment: &[(&str, &str)], files: Option<Vec<u8>>, script: &str) -> Self {
        let variables = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let host = Some("conflicts.example.org".to_owned());
        let run = format!("conflicts-{}", std::process::id());
        let spec = ContainerSpec {
            image: image.to_owned(),
            command: shell(script),
            user: "0:0".to_owned(),
            environment: variables.collect::<BTreeMap<_, _>>(),
            working_folder: GuestPath::new("/"),
            mounts: vec![],
            binds: vec![],
            network: Network::Denied,
            cpus: None,
            memory: None,
            pids: Some(256),
            capabilities: vec![],
            gpu: None,
            labels: RunLabels { run, pid: Some(1), boot: Some("none".to_owned()), host }.write(),
        };
        with_engine(async |engine| {
            let container = engine.create_container(&spec).await.expect("made");
            if let Some(files) = files {
                engine.upload(&container, &GuestPath::new("/"), bytes(files)).await.expect("unpacked");
            }
            let mut log = String::new();
            let mut lines = |_, line: &str| {
                log.push_str(line);
                log.push('\n');
            };
            let status = engine.run_container(&container, &mut lines).await.expect("it runs");
            Self { container, log, code: status.code }
        })
    }

    /// The rules that foretell the failure, from the container as it was made.
    fn foretold(&self, desk: &Desk) -> (Vec<String>, Value) {
        let document = inspect(desk, &self.container.0);
        (rules(&document, "refuse"), document)
    }

    /// The rules that the failure's log shows.
    fn told(&self, desk: &Desk) -> Vec<String> {
        let mut command = desk.command(&["explain", "--log", "-", "--json"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the tool starts");
        child.stdin.take().expect("piped").write_all(self.log.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        let findings: Value = serde_json::from_slice(&output.stdout).expect("a document");
        let findings = findings.as_array().expect("a list");
        findings.iter().map(|finding| finding["rule"].as_str().expect("text").to_owned()).collect()
    }
}

impl Drop for Tried {
    fn drop(&mut self) {
        let _gone = with_engine(async |engine| engine.remove_container(&self.container).await);
    }
}

/// The device libraries of LLVM 21 as an archive of `dl21/`, out of Debian sid.
fn newer_device_libraries(desk: &Desk) -> Vec<u8> {
    let document = inspect(desk, TOOLCHAIN);
    let set = document["device-libraries"][0]["folder"].as_str().expect("it has a set").to_owned();
    let producers = document["device-libraries"][0]["producers"].as_object().expect("a table");
    assert!(producers.keys().all(|producer| producer.starts_with("LLVM21.")), "{producers:?}");
    let copy = format!("mkdir /tmp/dl21 && cp {set}/*.bc /tmp/dl21/");
    let tried = Tried::new(&image_of(TOOLCHAIN), &[], None, &copy);
    assert_eq!(tried.code, 0, "{}", tried.log);
    with_engine(async |engine| {
        let stream = engine.download(&tried.container, &GuestPath::new("/tmp/dl21")).await.expect("answers");
        rdna_build::engine::read_stream(stream.expect("it is there"), |reader| {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes)?;
            Ok(bytes)
        })
        .await
        .expect("whole")
    })
}

#[test]
fn a_clang_that_is_not_hips_is_foretold_and_a_build_with_it_is_never_started() {
    let Some(image) = image() else { return };
    let desk = desk("/usr/bin/clang").expect("there was one before");
    // By the compiler of HIP itself the same file compiles.
    let sound = Tried::new(image, &[], None, &compile("clang++-17"));
    assert!(sound.log.contains("compiled"), "{}", sound.log);
    let failed = Tried::new(image, &[], None, &compile("clang++"));
    assert!(failed.code != 0 && failed.log.contains("cannot find ROCm device library"), "{}", failed.log);
    let (foretold, document) = failed.foretold(&desk);
    assert_eq!(foretold, ["compiler-without-device-libs"], "{document:#}");
    assert_eq!(failed.told(&desk), ["compiler-without-device-libs"], "{}", failed.log);

    let text =
        fs::read_to_string(desk.path(&format!("toolchains/{TWO_CLANGS}/toolchain.toml"))).expect("written");
    let honest =
        text.replace(r#"version = "17", package = "clang-17""#, r#"version = "19", package = "clang""#);
    fs::write(desk.path(&format!("toolchains/{TWO_CLANGS}/toolchain.toml")), honest).expect("written");
    let refused = build(&desk);
    assert_eq!(refused.status.code(), Some(3), "{refused:#?}");
    assert!(refused.stderr.contains("compiler-without-device-libs"), "{}", refused.stderr);
    let started = |event: &&Value| event["event"] == "stage-started" && event["stage"] == "build";
    assert_eq!(refused.events.iter().filter(started).count(), 0, "no build began");
}

#[test]
fn device_libraries_of_a_newer_llvm_are_foretold() {
    let Some(image) = image() else { return };
    let desk = desk("/usr/bin/clang-17").expect("there was one before");
    let environment = [("HIP_DEVICE_LIB_PATH", "/dl21"), ("CXX", "/usr/bin/clang++-17")];
    let failed = Tried::new(image, &environment, Some(newer_device_libraries(&desk)), &compile("clang++-17"));
    assert!(failed.code != 0, "{}", failed.log);
    assert!(
        failed.log.contains("Producer: 'LLVM21.") && failed.log.contains("Reader: 'LLVM 17."),
        "{}",
        failed.log
    );
    let (foretold, document) = failed.foretold(&desk);
    assert!(foretold.contains(&"device-libs-newer".to_owned()), "{document:#}");
    let conflicts = document["conflicts"].as_array().expect("a list");
    let conflict =
        conflicts.iter().find(|conflict| conflict["rule"] == "device-libs-newer").expect("it is there");
    assert_eq!(conflict["evidence"][0]["place"], "/dl21/ocml.bc", "{conflict:#}");
    assert_eq!(failed.told(&desk), ["device-libs-newer"], "{}", failed.log);
}

#[test]
fn a_rocm_path_that_leads_nowhere_is_foretold() {
    let Some(image) = image() else { return };
    let desk = desk("/usr/bin/clang-17").expect("there was one before");
    let environment = [("ROCM_PATH", "/opt/rocm-6.2.4"), ("CXX", "/usr/bin/clang++-17")];
    let failed = Tried::new(image, &environment, None, &compile("clang++-17"));
    assert!(failed.code != 0 && failed.log.contains("cannot find ROCm device library"), "{}", failed.log);
    let (foretold, document) = failed.foretold(&desk);
    assert!(foretold.contains(&"rocm-path-elsewhere".to_owned()), "{document:#}");
}

#[test]
fn two_llvms_in_one_process_are_foretold() {
    let Some(image) = image() else { return };
    let desk = desk("/usr/bin/clang-17").expect("there was one before");
    // A second build of the same LLVM under another name, as two packagers make them.
    let script = r#"set -e
cd /usr/local/lib
cp -L /usr/lib/x86_64-linux-gnu/libLLVM-17.so.1 libLLVM-18.so.1
LC_ALL=C sed -i 's/libLLVM-17\.so\.1/libLLVM-18.so.1/g' libLLVM-18.so.1
echo 'int two(void) { return 0; }' | clang-17 -fuse-ld=lld-17 -shared -fPIC -x c - -o libMIOpen.so.1 \
    -Wl,-soname,libMIOpen.so.1 -Wl,--no-as-needed -L. -l:libLLVM-18.so.1 -l:libamd_comgr.so.2
echo 'int two(void); int main(void) { return two(); }' | clang-17 -fuse-ld=lld-17 -x c - -o /tmp/two -L. -l:libMIOpen.so.1
LD_LIBRARY_PATH=/usr/local/lib /tmp/two
"#;
    let environment = [("LD_LIBRARY_PATH", "/usr/local/lib"), ("CXX", "/usr/bin/clang++-17")];
    let failed = Tried::new(image, &environment, None, script);
    assert!(failed.code != 0, "{}", failed.log);
    assert!(failed.log.contains("inconsistency in registered CommandLine options"), "{}", failed.log);
    let (foretold, document) = failed.foretold(&desk);
    assert!(foretold.contains(&"two-libllvms".to_owned()), "{document:#}");
    assert_eq!(failed.told(&desk), ["two-libllvms"], "{}", failed.log);
}

#[test]
fn the_producer_of_every_device_library_is_what_llvm_itself_reads() {
    let Some(desk) = Desk::shared() else { return };
    producers_are_those_of_llvm(TOOLCHAIN, &inspect(&desk, TOOLCHAIN), "21");
}

/// Reads every device library of an image with LLVM's own tool in it.
fn producers_are_those_of_llvm(toolchain: &str, document: &Value, llvm: &str) {
    let set = &document["device-libraries"][0];
    let folder = set["folder"].as_str().expect("text");
    let script = format!(
        "cd {folder} && for file in *.bc; do echo \"$file $(llvm-bcanalyzer-{llvm} --dump \"$file\" | \
         sed -n \"s/.*<STRING .*record string = '\\(.*\\)'.*/\\1/p\" | head -n 1)\"; done"
    );
    let tried = Tried::new(&image_of(toolchain), &[], None, &script);
    assert_eq!(tried.code, 0, "{}", tried.log);
    let theirs: BTreeMap<&str, &str> = tried.log.lines().filter_map(|line| line.split_once(' ')).collect();
    let producers = set["producers"].as_object().expect("a table");
    let ours: BTreeMap<&str, &str> = producers
        .iter()
        .flat_map(|(producer, files)| {
            let files = files.as_array().expect("a list");
            files.iter().map(move |file| (file.as_str().expect("text"), producer.as_str()))
        })
        .collect();
    assert!(ours.len() > 40, "{ours:?}");
    assert_eq!(ours, theirs);
}

/// Toolchains with all of ROCm, of every Debian that has one. Their images stay in the engine, like that of the smallest one.
const WHOLE: [(&str, &str); 3] = [("debian-13", "17"), ("debian-sid", "21"), ("debian-experimental", "22")];

#[test]
fn every_whole_toolchain_of_debians_is_made_and_holds_one_llvm_without_a_conflict() {
    for (id, llvm) in WHOLE {
        let Some(desk) = desk("/usr/bin/clang-17") else { return };
        let words = ["build", "hello", "--target", "gfx1010", "--toolchain", id, "--rebuild"];
        let built = start(desk.command(&words)).end();
        assert_eq!(built.status.code(), Some(0), "{built:#?}");
        let document = inspect(&desk, id);
        assert_eq!(rules(&document, "refuse"), [""; 0], "{document:#}");
        let versions =
            document["llvms"].as_array().expect("a list").iter().map(|llvm| llvm["version"].to_string());
        let versions: Vec<String> = versions.collect();
        assert!(
            versions.iter().all(|version| version.starts_with(&format!("\"{llvm}."))),
            "{id}: {versions:?}"
        );
        producers_are_those_of_llvm(id, &document, llvm);
    }
}

/// All images of ours in the engine.
fn images() -> Vec<String> {
    let listed = with_engine(async |engine| engine.leftovers().await.expect("listed"));
    listed.into_iter().filter(|one| one.kind == LeftoverKind::Image).map(|one| one.id).collect()
}

fn image_of(toolchain: &str) -> String {
    let mut found = images().into_iter().filter(|id| id.contains(&format!("/{toolchain}:")));
    found.next().expect("its image is there")
}

#[test]
fn an_image_is_looked_into_without_being_run() {
    let Some(desk) = Desk::shared() else { return };
    let started = start(desk.command(&["toolchains", "inspect", &image_of(TOOLCHAIN), "--store", "empty"]));
    let process = started.process();
    let ended = started.end();
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    assert_eq!(leftovers_of(process), [], "nothing is left in the engine");
    let [document] = ended.events.as_slice() else { panic!("one document: {ended:?}") };
    assert_eq!(document["llvms"][0]["root"], "/usr/lib/llvm-21", "{document:#}");
    assert_eq!(rules(document, "refuse"), [""; 0], "{document:#}");
    let held = document["libraries"].as_array().expect("a list");
    assert!(
        held.iter()
            .any(|library| library["part"] == "hip-runtime"
                && library["opens"]["libamd_comgr.so.3"].is_string())
    );
}
