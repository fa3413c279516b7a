//! Measures giving an entry to a registry on this machine and taking it from there, against `skopeo copy` of the same blobs. As
//! ratios within one run.
//!
//! ```sh
//! cargo bench --bench remote                         # a package of 400 MiB
//! cargo bench --bench remote -- 64                   # of so many MiB
//! ```
//!
//! Needs `docker-registry` and `skopeo` (Debian packages of these names). The package is of bytes that do not compress, as packages
//! are. Each push goes to a registry of its own, so that none has anything already. Ours packs, checks, unpacks and has everything
//! on the disk; theirs copies files.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

mod measure;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use measure::median;

use rdna_build::model::{Digest, Ingredients, Key, Stage};
use rdna_build::store::{Holder, Made, Store};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_rdna-build");
const ROUNDS: usize = 5;
const REPOSITORY: &str = "shared/store";

struct Registry {
    child: Child,
    address: String,
}

impl Registry {
    fn start(folder: &Path) -> Self {
        let config = folder.join("registry.yml");
        let storage = folder.join("registry");
        let text = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"127.0.0.1:0\"}}\n",
            storage.display()
        );
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(config).stderr(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().expect("the Debian package docker-registry");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let (_, rest) = line.split_once("listening on ")?;
            Some(rest.trim_end_matches(|c: char| !c.is_ascii_digit()).split('"').next()?.to_owned())
        });
        std::thread::spawn(move || lines.count());
        Self { child, address: address.expect("it says where it listens") }
    }

    fn image(&self, tag: &str) -> String {
        format!("docker://{}/{REPOSITORY}:{tag}", self.address)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _waited_already = self.child.wait();
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let size: usize = arguments.first().map_or(400, |size| size.parse().expect("a number of MiB"));
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let key = made_up(&folder.path().join("store"), size << 20);
    let tag = format!("package-{key}");
    let layout = format!("oci:{}:entry", path("layout"));

    let (mut push, mut pull, mut their_push, mut their_pull) = (vec![], vec![], vec![], vec![]);
    for round in 0..ROUNDS {
        let here = tempfile::tempdir_in(folder.path()).unwrap();
        let registry = Registry::start(here.path());
        let remote = format!("{}/{REPOSITORY}", registry.address);
        push.push(timed(&[
            BINARY,
            "cache",
            "push",
            &key,
            "--remote",
            &remote,
            "--store",
            &path("store"),
            "-q",
        ]));
        let fresh = path(&format!("fresh-{round}"));
        pull.push(timed(&[BINARY, "cache", "pull", &key, "--remote", &remote, "--store", &fresh, "-q"]));
        let from = registry.image(&tag);
        let copied = path(&format!("copied-{round}"));
        their_pull.push(timed(&[
            "skopeo",
            "copy",
            "-q",
            "--src-tls-verify=false",
            &from,
            &format!("dir:{copied}"),
        ]));
        if round == 0 {
            timed(&["skopeo", "copy", "-q", "--src-tls-verify=false", &from, &layout]);
        }
        let there = tempfile::tempdir_in(folder.path()).unwrap();
        let other = Registry::start(there.path());
        let to = other.image("entry");
        their_push.push(timed(&["skopeo", "copy", "-q", "--dest-tls-verify=false", &layout, &to]));
        for done in [fresh, copied] {
            // Entries are sealed; root may remove them all the same, and others leave them to the folder's end.
            let _ = std::fs::remove_dir_all(done);
        }
    }
    for (what, ours, theirs) in [("push", push, their_push), ("pull", pull, their_pull)] {
        let (ours, theirs) = (median(ours), median(theirs));
        println!("{what} of {size} MiB  {:8.0} ms", ours * 1e3);
        println!(
            "skopeo copy      {:8.0} ms  ratio {:.2}  (goal: at most 1.10)",
            theirs * 1e3,
            ours / theirs
        );
    }
}

/// A store that holds one package of bytes that do not compress; its key.
fn made_up(root: &Path, size: usize) -> String {
    let key: Key = Digest::of("bench").to_string().parse().unwrap();
    let store = Store::open(root).unwrap();
    let draft = store.draft(Stage::Package, &key, &Holder::this_process("r1".parse().unwrap())).unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let bytes: Vec<u8> = (0..size / 8)
        .flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .collect();
    std::fs::write(draft.content().join("bench.tar.zst"), &bytes).unwrap();
    let detail = json!([{ "size": bytes.len(), "sha256": Digest::of(&bytes), "files": ["bench.tar.zst"] }]);
    draft.commit(Made { ingredients: Ingredients::default(), seconds: 1.0, detail }).unwrap();
    key.to_string()
}

fn timed(command: &[&str]) -> f64 {
    let started = Instant::now();
    let ended = Command::new(command[0]).args(&command[1..]).status().unwrap();
    assert!(ended.success(), "{command:?}");
    started.elapsed().as_secs_f64()
}
