//! Measures the chain against what a person would type by hand, as ratios within one run.
//!
//! ```sh
//! cargo bench --bench chain                          # second-run, rebuild: on `selftest`
//! cargo bench --bench chain -- host-only 12          # compiles 12 files of a built MIOpen with and without the flag
//! ```
//!
//! Needs a container engine with the `docker` command and GNU time (`apt-get install time`). Uses the store and the
//! engine as they are: what is not built yet is built first, outside the measurement. Medians are shown; a shared
//! machine is noisy, so only the ratios within one run say something.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_rdna-build");
const ROUNDS: usize = 15;

/// What GNU time says of one process.
#[derive(Clone, Copy, Debug)]
struct Run {
    wall: f64,
    cpu: f64,
    /// Bytes.
    memory: u64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let wants = |name: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
    if wants("second-run") {
        second_run();
    }
    if wants("rebuild") {
        rebuild();
    }
    if arguments.iter().any(|argument| argument == "host-only") {
        let files = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(8);
        host_only(files);
    }
}

/// A run with nothing to do, against a fully cached `docker build` that would install the toolchain's packages.
fn second_run() {
    let ours = [BINARY, "selftest", "--target", "gfx1010", "-q"];
    succeeds(&ours);
    let toolchains = output(&[BINARY, "plan", "selftest", "--target", "gfx1010", "--json"]);
    let plan: serde_json::Value = serde_json::from_slice(&toolchains).unwrap();
    let toolchain = plan["units"][0]["id"]["toolchain"].as_str().unwrap().to_owned();
    let key = plan["units"][0]["stages"][0]["state"]["key"].as_str().unwrap()[..12].to_owned();
    let folder = tempfile::tempdir().unwrap();
    let show = output(&[BINARY, "toolchains", "show", &toolchain, "--json"]);
    let show: serde_json::Value = serde_json::from_slice(&show).unwrap();
    let packages: Vec<&str> =
        show["packages"].as_array().unwrap().iter().flat_map(|one| one.as_str()).collect();
    let dockerfile = format!(
        "FROM localhost/rdna-build/{toolchain}:{key}\nRUN apt-get update && apt-get install -y --no-install-recommends {}\n",
        packages.join(" ")
    );
    std::fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
    let theirs = ["docker", "build", "-q", "-t", "rdna-bench", folder.path().to_str().unwrap()];
    succeeds(&theirs);

    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(timed(&ours));
        b.push(timed(&theirs));
    }
    let (wall, other) = (median(&a, |run| run.wall), median(&b, |run| run.wall));
    // GNU time counts CPU in hundredths of a second.
    let cpu = median(&a, |run| run.cpu) * 1e3 + 10.0;
    println!("second run of selftest   {:7.1} ms wall, under {cpu:.0} ms CPU", wall * 1e3);
    println!("docker build, all cached {:7.1} ms wall", other * 1e3);
    println!("ratio                    {:7.2}  (goal: at most 0.50, CPU under 50 ms)", wall / other);
    let _ = Command::new("docker").args(["rmi", "rdna-bench"]).output();
}

/// What the tool adds around the compile, and what memory it takes, when everything but the image is made anew.
fn rebuild() {
    let command = [BINARY, "selftest", "--target", "gfx1010", "--rebuild", "--json"];
    let started = Instant::now();
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut first, mut last) = (None, None);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let event: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        if event["event"] == "log" && event["item"] == "build" {
            first.get_or_insert_with(|| started.elapsed());
            last = Some(started.elapsed());
        }
    }
    assert!(child.wait().unwrap().success());
    let total = started.elapsed();
    let inside = last.unwrap_or(Duration::ZERO) - first.unwrap_or(Duration::ZERO);
    println!(
        "rebuild of selftest      {:7.2} s wall, {:.2} s of it between Ninja's first and last line",
        total.as_secs_f64(),
        inside.as_secs_f64()
    );
    println!(
        "around Ninja             {:7.2} s  (CMake's configure among it)",
        (total - inside).as_secs_f64()
    );
    let run = timed(&[BINARY, "selftest", "--target", "gfx1010", "--rebuild", "-q"]);
    println!(
        "peak memory of the tool  {:7.1} MiB  (goal: at most 80 MB)",
        run.memory as f64 / f64::from(1 << 20)
    );
}

/// CPU time of compiling MIOpen's files as the recipe does and as the same options typed by hand would: the difference is
/// `--offload-host-only`. Takes the unit's work volume as the last build left it.
fn host_only(files: usize) {
    let plan =
        output(&[BINARY, "plan", "miopen", "--target", "gfx1010", "--toolchain", "debian-sid", "--json"]);
    let plan: serde_json::Value = serde_json::from_slice(&plan).unwrap();
    let key = plan["units"][0]["stages"][0]["state"]["key"].as_str().unwrap()[..12].to_owned();
    let image = format!("localhost/rdna-build/debian-sid:{key}");
    // Every n-th translation unit, so that the sample does not depend on anyone's taste.
    let script = format!(
        r#"set -e
cd /work/build
ninja -t commands src/all | grep -- '-c /work/src/src' | sed 's/^ccache //; s/ -o [^ ]*/ -o \/dev\/null/; s/ -M[DTF]*\( [^ ]*\.[od]\)\?//g' > /tmp/all
step=$(( $(wc -l < /tmp/all) / {files} )); awk "NR % $step == 1" /tmp/all | head -n {files} > /tmp/sample
TIMEFORMAT='%U %S'
while read -r command; do
    by_hand=$(echo "$command" | sed 's/ --offload-host-only//')
    for kind in ours by-hand; do
        [ $kind = ours ] && run=$command || run=$by_hand
        echo "$kind $({{ time sh -c "$run" >/dev/null 2>&1; }} 2>&1) ${{command##* }}"
    done
done < /tmp/sample"#
    );
    let unit = "label=rdna-build.unit=miopen-3.3.0-gfx1010-debian-sid";
    let volumes =
        output(&["docker", "volume", "ls", "-q", "--filter", "label=rdna-build.role=work", "--filter", unit]);
    let volumes = String::from_utf8(volumes).unwrap();
    let volume = format!("{}:/work:ro", volumes.lines().next().expect("build miopen with debian-sid first"));
    let text = output(&[
        "docker",
        "run",
        "--rm",
        "--network",
        "none",
        "--tmpfs",
        "/tmp",
        "-v",
        &volume,
        &image,
        "bash",
        "-c",
        &script,
    ]);
    let text = String::from_utf8(text).unwrap();
    let (mut ours, mut by_hand) = (0.0, 0.0);
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let cpu: f64 = words[1].parse::<f64>().unwrap() + words[2].parse::<f64>().unwrap();
        match words[0] {
            "ours" => ours += cpu,
            "by-hand" => by_hand += cpu,
            other => panic!("{other}"),
        }
        println!("{:8} {cpu:6.1} s  {}", words[0], words[3]);
    }
    println!("CPU of {files} files: {ours:.1} s with --offload-host-only, {by_hand:.1} s by hand");
    println!("ratio {:.2}  (goal: at most 0.85)", ours / by_hand);
}

fn succeeds(command: &[&str]) {
    output(command);
}

fn output(command: &[&str]) -> Vec<u8> {
    let output = Command::new(command[0]).args(&command[1..]).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn timed(command: &[&str]) -> Run {
    let report = tempfile::NamedTempFile::new().unwrap();
    let started = Instant::now();
    let status = Command::new("time")
        .args(["-f", "%U %S %M", "-o"])
        .arg(report.path())
        .args(command)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("GNU time is needed: apt-get install time");
    let wall = started.elapsed().as_secs_f64();
    assert!(status.success(), "{command:?}");
    let text = std::fs::read_to_string(report.path()).unwrap();
    let numbers: Vec<f64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
    Run { wall, cpu: numbers[0] + numbers[1], memory: numbers[2] as u64 * 1024 }
}

fn median(runs: &[Run], value: impl Fn(&Run) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
