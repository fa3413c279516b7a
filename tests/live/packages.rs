//! Packages in the hands of the distributions' own tools, in containers without network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rdna_build::engine::{
    ContainerId, ContainerSpec, Engine as _, ExecSpec, ExitStatus, Network, Output, RunLabels,
};
use rdna_build::model::GuestPath;
use rdna_build::plan::key;
use rdna_build::toolchain::Catalog;

use crate::desk::{Desk, TOOLCHAIN, with_engine};
use crate::home::Home;
use crate::signing_keys;
use crate::support::{Entry, archive, bytes, shell, skip};
use crate::tiny;

/// What dpkg, apt and rpm need as root: to give files to others, and to drop their own rights.
const CAPABILITIES: [&str; 7] =
    ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETUID", "SETGID", "SYS_CHROOT"];
const BUSYBOX: &str = "/bin/busybox";
const PREFIX: &str = "/opt/rdna-build/selftest-1.0.0-gfx1010";

/// A running container of a toolchain's image, in which a test is root.
struct Machine {
    container: ContainerId,
}

impl Machine {
    fn start(desk: &Desk, image: &str) -> Self {
        // Of a host that no run knows: none of them takes it for a dead run's.
        let run = format!("packages-{}", std::process::id());
        let host = Some("packages.example.org".to_owned());
        let labels = RunLabels { run, pid: Some(1), boot: Some("none".to_owned()), host }.write();
        let spec = ContainerSpec {
            image: image.to_owned(),
            command: shell("sleep 600"),
            user: "0:0".to_owned(),
            environment: [("PATH".to_owned(), "/usr/sbin:/usr/bin:/sbin:/bin".to_owned())].into(),
            working_folder: GuestPath::new("/"),
            mounts: Vec::new(),
            binds: Vec::new(),
            network: Network::Denied,
            cpus: None,
            memory: None,
            pids: Some(512),
            capabilities: CAPABILITIES.map(str::to_owned).into(),
            gpu: None,
            labels,
        };
        assert!(desk.output().exists(), "packages are made first");
        let container = with_engine(async |engine| {
            let container = engine.create_container(&spec).await.expect("made");
            engine.start_container(&container).await.expect("started");
            container
        });
        Self { container }
    }

    /// Puts files of a folder, at any depth, below `/srv`.
    fn send(&self, folder: &Path) {
        let mut entries = Vec::new();
        let mut waiting = vec![folder.to_owned()];
        while let Some(next) = waiting.pop() {
            for child in fs::read_dir(&next).expect("listed") {
                let path = child.expect("listed").path();
                match path.is_dir() {
                    true => waiting.push(path),
                    false => {
                        let name = path.strip_prefix(folder).expect("below").to_string_lossy().into_owned();
                        entries.push((name, fs::read(&path).expect("read")));
                    }
                }
            }
        }
        let entries = entries
            .iter()
            .map(|(name, content)| (format!("srv/{name}"), Entry::File { owner: 0, mode: 0o644, content }));
        self.put(archive(entries));
    }

    fn put(&self, archive: Vec<u8>) {
        let to = GuestPath::new("/");
        with_engine(async |engine| engine.upload(&self.container, &to, bytes(archive)).await.expect("sent"));
    }

    /// What a script says; it must succeed.
    #[track_caller]
    fn run(&self, script: &str) -> String {
        let (status, text) = self.try_run(script);
        assert!(status.success(), "{script}\n{text}");
        text
    }

    fn try_run(&self, script: &str) -> (ExitStatus, String) {
        let command = ExecSpec {
            command: shell(script),
            environment: [("DEBIAN_FRONTEND".to_owned(), "noninteractive".to_owned())].into(),
            working_folder: GuestPath::new("/"),
            user: "0:0".to_owned(),
        };
        let mut text = String::new();
        let status = with_engine(async |engine| {
            let mut note = |_: Output, line: &str| text += &format!("{line}\n");
            engine.exec(&self.container, &command, &mut note).await.expect("it runs")
        });
        (status, text)
    }

    /// Every file and link of the system but those that a package manager writes for itself.
    fn files(&self) -> String {
        self.run(
            "find / -xdev \\( -path /proc -o -path /sys -o -path /srv -o -path /tmp -o -path /var/lib/dpkg \
             -o -path /var/log -o -path /var/lib/apt -o -path /var/cache -o -path /etc/ld.so.cache \\) \
             -prune -o ! -type d -print | sort",
        )
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        with_engine(async |engine| {
            let _gone_already = engine.remove_container(&self.container).await;
        });
    }
}

fn image(toolchain: &str, folders: &[PathBuf]) -> String {
    let folders: Vec<_> = folders.iter().map(rdna_build::model::HostPath::new).collect();
    let all = Catalog::load(&folders).expect("toolchains").all().expect("valid");
    let found = all.into_iter().find(|one| one.id.as_str() == toolchain).expect("it is there");
    format!("localhost/rdna-build/{toolchain}:{}", key::toolchain(found.definition()).key.short())
}

/// The selftest's packages in all formats, and a repository of them.
fn repository(desk: &Desk, more: &[PathBuf]) -> Option<PathBuf> {
    desk.selftest("gfx1010", &["--format", "deb,rpm"]).expect(0);
    let home = Home::new();
    signing_keys::openpgp(&home, "release", None);
    let folder = desk.path("public");
    let packages = fs::read_dir(desk.output()).expect("listed").map(|entry| entry.expect("listed").path());
    let is_package = |path: &PathBuf| path.extension().is_some_and(|end| end == "deb" || end == "rpm");
    let packages: Vec<PathBuf> = packages.filter(is_package).chain(more.iter().cloned()).collect();
    let mut command = desk.command(&["publish", "--url", "http://127.0.0.1:8000"]);
    let done = command
        .arg("--repo")
        .arg(&folder)
        .arg("--key")
        .arg(home.path("release.key"))
        .args(packages)
        .output()
        .expect("ran");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    if !Path::new(BUSYBOX).exists() {
        return skip("no static busybox (the Debian package busybox-static)");
    }
    fs::copy(BUSYBOX, folder.join("busybox")).expect("copied");
    Some(folder)
}

/// Offers `/srv` over HTTP inside of the container.
const SERVE: &str = "chmod +x /srv/busybox; /srv/busybox httpd -p 127.0.0.1:8000 -h /srv";

#[test]
fn dpkg_installs_a_package_and_takes_it_away_without_a_trace() {
    let Some(desk) = Desk::shared() else { return };
    desk.selftest("gfx1010", &["--format", "deb"]).expect(0);
    let machine = Machine::start(&desk, &image(TOOLCHAIN, &[]));
    machine.send(&desk.output());
    let before = machine.files();
    machine.run("dpkg -i /srv/selftest-gfx1010_*.deb /srv/selftest-gfx1010-dev_*.deb");
    let said =
        machine.run("dpkg-query -W -f '${Package} ${db:Status-Status}\\n' 'selftest*'; dpkg -V selftest-gfx1010 selftest-gfx1010-dev");
    assert_eq!(said, "selftest-gfx1010 installed\nselftest-gfx1010-dev installed\n");
    let needs = machine.run(&format!("ldd {PREFIX}/lib/librdna_selftest.so"));
    assert!(needs.contains("libamdhip64.so.6 => /") && !needs.contains("not found"), "{needs}");
    let loader = machine.run("ldconfig -p");
    assert!(!loader.contains("rdna_selftest"), "it stands beside, and nobody loads it by chance");

    machine.run("dpkg -i /srv/selftest-gfx1010-default_*.deb");
    let loader = machine.run("ldconfig -p");
    assert!(loader.contains(&format!("librdna_selftest.so.1 (libc6,x86-64) => {PREFIX}/lib")), "{loader}");

    machine.run("dpkg --purge selftest-gfx1010-default selftest-gfx1010-dev selftest-gfx1010");
    assert_eq!(machine.files(), before);
    assert!(!machine.run("ldconfig -p").contains("rdna_selftest"));
    assert_eq!(machine.run("ls /opt 2>/dev/null || true"), "", "its folders are gone, too");
}

#[test]
fn apt_installs_from_a_signed_repository_over_http() {
    let Some(desk) = Desk::shared() else { return };
    let Some(folder) = repository(&desk, &[]) else { return };
    let machine = Machine::start(&desk, &image(TOOLCHAIN, &[]));
    machine.send(&folder);
    machine.run(SERVE);
    machine.run("rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*");
    machine.run("cp /srv/rdna-build.sources /etc/apt/sources.list.d/");
    let updated = machine.run("apt-get update 2>&1");
    assert!(updated.contains("http://127.0.0.1:8000") && !updated.contains("W:"), "{updated}");
    machine.run("apt-get install -y selftest-gfx1010-dev");
    let policy = machine.run("apt-cache policy selftest-gfx1010");
    assert!(policy.contains("Installed: 1.0.0-1+debian.sid.hip"), "{policy}");
    machine.run(&format!("test -e {PREFIX}/include && test -e {PREFIX}/lib/librdna_selftest.so.1"));

    // What somebody changed on the way is not installed.
    machine.run("apt-get purge -y 'selftest-gfx1010*' && apt-get clean");
    machine.run("for deb in $(find /srv/apt/pool -name '*.deb'); do printf x >> $deb; done");
    let (status, said) = machine.try_run("apt-get install -y selftest-gfx1010 2>&1");
    assert!(!status.success(), "{said}");
    machine.run("sed -i 's/^Label: .*/Label: other/' /srv/apt/dists/stable/InRelease");
    let (_, said) = machine.try_run("apt-get update 2>&1");
    assert!(said.contains("127.0.0.1:8000/apt stable InRelease") && said.contains("W:"), "{said}");
}

#[test]
fn dnf_installs_from_a_signed_repository_over_http() {
    let Some(desk) = Desk::shared() else { return };
    let stand_in = desk.path("stand-in.rpm");
    desk.selftest("gfx1010", &["--format", "rpm"]).expect(0);
    stand_in_for_rocm(&desk, &stand_in);
    let Some(folder) = repository(&desk, &[stand_in]) else { return };

    // Debian has rpm and dnf, so that no image of another distribution is needed.
    tiny::toolchain_with(&desk, "rpm", &["dnf", "rpm", "ca-certificates"]);
    tiny::recipe(&desk, "nothing", tiny::INSTALL);
    let mut making = desk.command(&["build", "nothing", "--target", "gfx1010", "--toolchain", "rpm"]);
    let made = making.output().expect("ran");
    let reference = image("rpm", &[desk.path("toolchains")]);
    let is_there = with_engine(async |engine| engine.image(&reference).await.expect("asked").is_some());
    assert!(is_there, "{}", String::from_utf8_lossy(&made.stderr));

    let machine = Machine::start(&desk, &reference);
    machine.send(&folder);
    machine.run(SERVE);
    machine.run("mkdir -p /etc/yum.repos.d && cp /srv/rdna-build.repo /etc/yum.repos.d/");
    let said = machine.run("dnf -y --releasever=1 install selftest-gfx1010-devel 2>&1");
    assert!(said.contains("Complete!"), "{said}");
    let verified =
        machine.run("rpm -V selftest-gfx1010 && rpm -q selftest-gfx1010 && rpm -qi selftest-gfx1010");
    assert!(verified.contains("selftest-gfx1010-1.0.0-1.debian.sid.hip.x86_64"), "{verified}");
    let signed = machine.run("rpm -q --qf '%{DSAHEADER:pgpsig}' selftest-gfx1010");
    assert!(signed.contains("Key ID"), "{signed}");
    machine.run(&format!("test -e {PREFIX}/include && test -e {PREFIX}/lib/librdna_selftest.so.1"));
    machine.run("dnf -y --releasever=1 remove selftest-gfx1010 2>&1");
    let (status, _) = machine.try_run("test -e /opt/rdna-build");
    assert!(!status.success(), "its folders are gone, too");
    drop(machine);
    with_engine(async |engine| engine.remove_image(&reference).await.expect("removed"));
}

/// A package that says it provides everything that the selftest's library needs.
fn stand_in_for_rocm(desk: &Desk, path: &Path) {
    let found = fs::read_dir(desk.output()).expect("listed").map(|entry| entry.expect("listed").path());
    let library = found.into_iter().find(|path| {
        let name = path.file_name().expect("a name").to_string_lossy();
        name.starts_with("selftest-gfx1010-1") && name.ends_with(".rpm")
    });
    let package = rpm::Package::open(library.expect("the package")).expect("read");
    let mut builder = rpm::PackageBuilder::new("stand-in", "1", "MIT", "x86_64", "stands in for ROCm");
    builder.using_config(rpm::BuildConfig::v4());
    for need in package.metadata.get_requires().expect("read") {
        if !need.name.starts_with("rpmlib(") {
            builder.provides(rpm::Dependency::any(need.name));
        }
    }
    builder.build().expect("built").write_file(path).expect("written");
}

#[test]
fn lintian_finds_no_error() {
    let Some(desk) = Desk::shared() else { return };
    desk.selftest("gfx1010", &["--format", "deb"]).expect(0);
    let packages = fs::read_dir(desk.output()).expect("listed").map(|entry| entry.expect("listed").path());
    let packages: Vec<_> = packages.filter(|path| path.extension().is_some_and(|end| end == "deb")).collect();
    assert_eq!(packages.len(), 4);
    let mut command = Command::new("lintian");
    let Ok(done) = command.args(["--allow-root", "--fail-on", "error"]).args(packages).output() else {
        skip::<()>("no lintian (the Debian package lintian)");
        return;
    };
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert!(!said.contains("E: "), "{said}");
}
