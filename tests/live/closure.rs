//! Our choice of packages against apt's, for every Debian toolchain, from the mirror this machine is installed from.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;

use rdna_build::model::{Base, DebianBase, HostPath, Toolchain};
use rdna_build::source::debian::{self, DebianRequest, Keyring, Place, Progress};
use rdna_build::toolchain::Catalog;

use crate::support;

const APT: &str = "/usr/bin/apt-get";

#[tokio::test]
async fn the_packages_of_every_debian_toolchain_are_those_that_apt_would_take() {
    if !std::path::Path::new(APT).exists() {
        support::skip::<()>("no apt on this machine");
        return;
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Ok(mirror) = debian::find_mirror(None, &HostPath::new("/etc/apt")) else {
        support::skip::<()>("this machine is not installed from a Debian mirror");
        return;
    };
    let catalog = Catalog::load(&[]).unwrap();
    let mut compared = 0;
    for toolchain in catalog.all().unwrap() {
        let Base::Debian(base) = &toolchain.base else { continue };
        let minimal = DebianBase { further_suites: vec![], packages: vec![], ..base.clone() };
        let Some(installed) = ours(&minimal, &mirror).await else { return };
        let Some(ours) = ours(base, &mirror).await else { return };
        let theirs = theirs(&toolchain, base, &installed, &mirror);
        let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
        let differ = (only(&ours, &theirs), only(&theirs, &ours));
        assert_eq!(differ, (vec![], vec![]), "{}: only ours, only apt's", toolchain.id);
        assert!(ours.len() > 100, "{}: {}", toolchain.id, ours.len());
        compared += 1;
    }
    assert!(compared >= 4, "{compared}");
}

/// `name version` of our choice; a mirror that cannot be reached skips the test.
async fn ours(base: &DebianBase, mirror: &str) -> Option<BTreeSet<String>> {
    let cache = tempfile::tempdir().unwrap();
    let suites = base.suites();
    let keyring = Keyring::debian(&HostPath::new("/usr/share/keyrings")).unwrap();
    let request = DebianRequest {
        place: Place { mirror, cache: cache.path() },
        suites: &suites,
        components: &base.components,
        architecture: "amd64",
        packages: &base.packages,
        check_valid_until: base.check_valid_until,
        keyring: &keyring,
    };
    let silent: Progress = Arc::new(|_, _, _| {});
    let client = debian::client().unwrap();
    match debian::resolve(&request, &client, &silent, &Default::default()).await {
        Ok(resolved) => Some(
            resolved
                .set
                .packages
                .iter()
                .map(|package| format!("{} {}", package.name, package.version))
                .collect(),
        ),
        Err(error @ debian::DebianError::Download { .. }) => support::skip(&error.to_string()),
        Err(other) => panic!("{other}"),
    }
}

/// The same by apt, in a system with only these packages `installed`, and with a configuration of its own: nothing of this
/// machine's counts.
fn theirs(
    toolchain: &Toolchain,
    base: &DebianBase,
    installed: &BTreeSet<String>,
    mirror: &str,
) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for path in ["state/lists/partial", "cache/archives/partial", "etc/preferences.d", "etc/apt.conf.d"] {
        std::fs::create_dir_all(root.join(path)).unwrap();
    }
    std::fs::write(root.join("state/status"), "").unwrap();
    let sources: String = base
        .suites()
        .iter()
        .map(|suite| {
            let keys = "signed-by=/usr/share/keyrings/debian-archive-keyring.gpg check-valid-until=no";
            format!("deb [{keys}] {mirror} {suite} {}\n", base.components.join(" "))
        })
        .collect();
    std::fs::write(root.join("etc/sources.list"), sources).unwrap();
    let configuration = [
        "Dir::State \"{}/state\";",
        "Dir::State::status \"{}/state/status\";",
        "Dir::Cache \"{}/cache\";",
        "Dir::Etc \"{}/etc\";",
        "Dir::Log \"{}\";",
        "APT::Architecture \"amd64\";",
        "APT::Architectures { \"amd64\"; };",
        "APT::Install-Recommends \"false\";",
        "APT::Sandbox::User \"root\";",
        "Debug::NoLocking \"true\";",
    ];
    let configuration = configuration.join("\n").replace("{}", &root.display().to_string());
    std::fs::write(root.join("apt.conf"), configuration).unwrap();
    let apt = |words: &[&str]| {
        let mut command = Command::new(APT);
        // Read before everything else: the host's own configuration, hooks among it, is not.
        command.env("APT_CONFIG", root.join("apt.conf")).env("LC_ALL", "C");
        let output = command.args(words).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {words:?}: {said}{text}", toolchain.id);
        text
    };
    apt(&["update", "-q"]);
    let indices = apt(&["indextargets", "--format", "$(FILENAME)", "Created-By: Packages"]);
    let mut status = String::new();
    for file in indices.lines() {
        let text = Command::new("/usr/lib/apt/apt-helper").args(["cat-file", file]).output().unwrap().stdout;
        for stanza in String::from_utf8_lossy(&text).split("\n\n") {
            let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let (Some(name), Some(version)) = (field("Package:"), field("Version:")) else { continue };
            if installed.contains(&format!("{name} {version}")) {
                status += &format!("{}\nStatus: install ok installed\n\n", stanza.trim());
            }
        }
    }
    std::fs::write(root.join("state/status"), status).unwrap();
    let mut words = vec!["install", "-s"];
    words.extend(base.packages.iter().map(String::as_str));
    let mut all: BTreeMap<String, String> = installed
        .iter()
        .filter_map(|one| one.split_once(' '))
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect();
    for line in apt(&words).lines().filter_map(|line| line.strip_prefix("Inst ")) {
        let (name, rest) = line.split_once(' ').unwrap();
        let version = rest.split_once('(').unwrap().1.split(' ').next().unwrap();
        all.insert(name.to_owned(), version.to_owned());
    }
    all.into_iter().map(|(name, version)| format!("{name} {version}")).collect()
}
