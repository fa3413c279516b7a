//! Base images from a registry: pulled, pinned, kept to; and what is said when there is none.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rdna_build::engine::EngineKind;
use rdna_build::model::Digest;
use rdna_build::source::http::client;
use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::made_up::{Project, STATUS};
use crate::support;

/// Debian's package `docker-registry`.
const PROGRAM: &str = "docker-registry";

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// A registry on this machine that keeps everything in memory; engines speak plain http to 127.0.0.0/8.
pub struct Registry {
    child: Child,
    /// `127.0.0.1:port`.
    pub address: String,
}

impl Registry {
    pub fn start(project: &Project) -> Option<Self> {
        if project.engine_kind() != EngineKind::Docker {
            return support::skip("a registry without TLS, which only Docker takes from its own machine");
        }
        Self::serve(&project.home.path("registry.yml"))
    }

    /// Starts it with a configuration at this path.
    pub fn serve(config: &Path) -> Option<Self> {
        let text =
            "version: 0.1\nlog: {level: info}\nstorage: {inmemory: {}}\nhttp: {addr: \"127.0.0.1:0\"}\n";
        std::fs::write(config, text).unwrap();
        let started = Command::new(PROGRAM)
            .arg("serve")
            .arg(config)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        let Ok(mut child) = started else {
            return support::skip("no registry (the Debian package docker-registry)");
        };
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let (_, rest) = line.split_once("listening on ")?;
            Some(rest.trim_end_matches(|c: char| !c.is_ascii_digit()).split('"').next()?.to_owned())
        });
        // It stops when nobody reads what it logs.
        std::thread::spawn(move || lines.count());
        Some(Self { child, address: address.expect("the registry says where it listens") })
    }

    /// Puts an image of one layer behind `base:1`; gives the digest of its manifest.
    fn push(&self, layer: &[u8]) -> Digest {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(layer).unwrap();
        let packed = packed.finish().unwrap();
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", Digest::of(layer))] },
        });
        let config = config.to_string().into_bytes();
        let blob = |kind: &str, content: &[u8]| {
            json!({
                "mediaType": format!("application/vnd.docker.{kind}"),
                "size": content.len(),
                "digest": format!("sha256:{}", Digest::of(content)),
            })
        };
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blob("container.image.v1+json", &config),
            "layers": [blob("image.rootfs.diff.tar.gzip", &packed)],
        });
        let manifest = manifest.to_string().into_bytes();
        let digest = Digest::of(&manifest);
        self.upload(config);
        self.upload(packed);
        let url = format!("http://{}/v2/base/manifests/1", self.address);
        let put = client().unwrap().put(url).header("Content-Type", MANIFEST).body(manifest);
        assert!(put.send().unwrap().status().is_success());
        digest
    }

    fn upload(&self, content: Vec<u8>) {
        let client = client().unwrap();
        let begun = client.post(format!("http://{}/v2/base/blobs/uploads/", self.address)).send().unwrap();
        let place = begun.headers()["location"].to_str().unwrap().to_owned();
        let put = client.put(format!("{place}&digest=sha256:{}", Digest::of(&content))).body(content);
        assert!(put.send().unwrap().status().is_success());
    }

    fn base(&self) -> String {
        format!("{}/base:1", self.address)
    }

    pub fn stop(&mut self) {
        let _gone_already = self.child.kill();
        let _waited_already = self.child.wait();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A project whose toolchain's base is in a registry, and the digest of what is there.
fn project_with_registry() -> Option<(Project, Registry, Digest)> {
    let mut project = Project::new("bundled = \"source\"")?;
    project.home.write("recipes/tiny/source/README", "read me");
    let registry = Registry::start(&project)?;
    project.will_pull(registry.base());
    let digest = registry.push(&project.rootfs("first", Some(STATUS)));
    project.toolchain(&registry.base(), "", "FROM ${BASE}");
    Some((project, registry, digest))
}

/// Takes base and made image from the engine, as a machine would be that never saw them.
fn forget(project: &Project, registry: &Registry, pinned: &Digest) {
    for image in project.images() {
        project.remove_image(&image);
    }
    project.remove_image(&registry.base());
    project.remove_image(&format!("{}/base@sha256:{pinned}", registry.address));
}

#[test]
fn a_base_is_pulled_once_pinned_and_kept_to_when_its_tag_moves() {
    let Some((project, registry, first)) = project_with_registry() else { return };
    let ran = project.build("");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(project.package()["marker"], "first");
    let lock = std::fs::read_to_string(project.home.path("rdna-build.lock")).unwrap();
    let shown = lock.replace(&registry.address, "[REGISTRY]").replace(&first.to_string(), "[FIRST]");
    assert_data_eq!(
        shown,
        str![[r##"
# What moving names (git tags, image tags) meant when rdna-build first used them. Commit this file: it makes the next
# build, here or elsewhere, start from the same sources. To follow a name that moved, delete its entry. The packages of a
# toolchain stand here once it was locked: `rdna-build toolchains lock ID`, which also takes what is there now.
version = 1

[[image]]
reference = "[REGISTRY]/base:1"
digest = "sha256:[FIRST]"

"##]]
    );

    let second = registry.push(&project.rootfs("second", Some(STATUS)));
    assert_ne!(first, second);
    forget(&project, &registry, &first);
    // Another store, as on another machine with the same project.
    let ran = project.build("-q --store other");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(project.package()["marker"], "first");
    assert_eq!(std::fs::read_to_string(project.home.path("rdna-build.lock")).unwrap(), lock);

    // Who wants the new image deletes the pin.
    std::fs::remove_file(project.home.path("rdna-build.lock")).unwrap();
    forget(&project, &registry, &first);
    let ran = project.build("-q --store third");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(project.package()["marker"], "second");
    let lock = std::fs::read_to_string(project.home.path("rdna-build.lock")).unwrap();
    assert!(lock.contains(&second.to_string()), "{lock}");
    forget(&project, &registry, &second);
}

#[test]
fn a_registry_that_is_away_is_named_with_what_else_there_is() {
    let Some((project, mut registry, first)) = project_with_registry() else { return };
    assert_eq!(project.build("-q").code, 0);
    forget(&project, &registry, &first);
    registry.stop();
    let ran = project.build("-q --rebuild");
    let shown =
        |text: String| text.replace(&registry.address, "[REGISTRY]").replace(&first.to_string(), "[FIRST]");
    assert_data_eq!(
        shown(ran.stderr),
        str![[r#"
run::toolchain

  x toolchain `[ID]` cannot be had: [REGISTRY]/base:1 cannot be pulled: Get "http://[REGISTRY]/v2/": dial tcp [REGISTRY]: connect: connection refused
  help: check the engine's way to the registry, or choose another: `rdna-build toolchains`, --toolchain ID

"#]]
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""));
    assert_eq!(project.images(), [""; 0]);
}
