//! The catalogue and what images hold. The choice is tested beside it, in `resolve`.

use std::collections::BTreeMap;

use snapbox::{IntoData, assert_data_eq, str};

use super::parse::{FILE, parse};
use super::{Catalog, ToolchainError, check_claims, identity, parse_dpkg_status, pin};
use crate::document::Origin;
use crate::document::testing::rendered;
use crate::model::{
    Base, DeviceLibraries, FileSet, GuestPath, HostPath, Inventory, Llvm, RocmTree, Toolchain,
};

const SID: &str = r#"schema = 1
summary = "Debian sid"
rocm = "6.4.3"
[base.debian]
suite = "sid"
components = ["main", "contrib"]
check-valid-until = false
packages = ["clang-21"]
[compiler]
c = "/usr/bin/clang-21"
cxx = "/usr/bin/clang++-21"
[environment]
HIP_PLATFORM = "amd"
[provides]
hip = { version = "6.4.3", package = "libamdhip64-dev" }
llvm = { version = "21", package = "clang-21", file = "/usr/bin/clang-21" }
"#;

const STATUS: &str = "\
Package: clang-21
Status: install ok installed
Version: 1:21.1.8-3+b1
Description: compiler
 Package: not-a-field

Package: libamdhip64-dev
Status: install ok installed
Architecture: amd64
Version: 6.4.3-2+b1

Package: rocm-old
Status: deinstall ok config-files
Version: 5.7.1-1
";

fn files(toolchain: &str) -> FileSet {
    let mut files = FileSet::default();
    files.insert(FILE, toolchain.as_bytes().to_vec());
    files
}

fn sid() -> Toolchain {
    parse(&"debian-sid".parse().expect("an id"), FILE, files(SID)).expect("a good toolchain")
}

fn status() -> BTreeMap<String, String> {
    parse_dpkg_status(STATUS.as_bytes()).expect("a good status file")
}

fn read(toolchain: &str) -> Result<Toolchain, ToolchainError> {
    parse(&"debian-sid".parse().expect("an id"), "debian-sid/toolchain.toml", files(toolchain))
}

#[test]
fn every_key_reaches_the_toolchain() {
    let packages = "path-exclude = [\"/usr/share/doc/*\", \"*gfx*\"]\npath-include = [\"*gfx101[012]*\"]\nfurther-suites = [\"experimental\"]\npackages = [\n    # tools\n    \"ccache\",\n    \"libstdc++-14-dev\",\n    \"hipcc/experimental\",\n]";
    let toolchain = read(&SID.replace("packages = [\"clang-21\"]", packages)).expect("good");
    let Base::Debian(debian) = toolchain.base else { panic!("it says how to assemble it") };
    assert_eq!(debian.packages, ["ccache", "libstdc++-14-dev", "hipcc/experimental"]);
    assert_eq!(
        (debian.suites(), debian.check_valid_until),
        (vec!["sid".into(), "experimental".into()], false)
    );
    assert_eq!(debian.components, ["main", "contrib"]);
    assert_eq!(
        debian.left_out.dpkg_options(),
        "path-exclude=/usr/share/doc/*\npath-exclude=*gfx*\npath-include=*gfx101[012]*\n"
    );
    assert_eq!(toolchain.compilers.cxx.as_str(), "/usr/bin/clang++-21");
    assert_eq!(toolchain.environment["HIP_PLATFORM"], "amd");
    assert_eq!(toolchain.provides["llvm"].file, Some(GuestPath::new("/usr/bin/clang-21")));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let toolchain = SID
        .replace("c = \"/usr/bin/clang-21\"", "c = \"clang-21\"")
        .replace("suite = \"sid\"", "suite = \"sid\"\nsuits = \"../sid\"")
        .replace("version = \"21\"", "version = 21")
        .replace(
            "[\"clang-21\"]",
            "[\"cmake=3.31\", \"ccache\", \"ccache\", \"hip/sid\", \"hipcc/experimental\", \"lld-21 lld\"]",
        );
    let error = read(&toolchain).expect_err("mistakes");
    assert_data_eq!(
        rendered(&error),
        str![[r#"
toolchain::invalid

  × the toolchain `debian-sid` has 7 mistakes
  help: correct the folder's files; docs/toolchain.schema.json has every key

Error:
  × unknown key `base.debian.suits`
   ╭─[debian-sid/toolchain.toml:6:1]
 5 │ suite = "sid"
 6 │ suits = "../sid"
   · ─────
 7 │ components = ["main", "contrib"]
   ╰────
  help: known here: suite, components, packages, further-suites, check-valid-until, path-exclude, path-
        include

Error:
  × `cmake=3.31` is not the name of a Debian package
    ╭─[debian-sid/toolchain.toml:9:13]
  8 │ check-valid-until = false
  9 │ packages = ["cmake=3.31", "ccache", "ccache", "hip/sid", "hipcc/experimental", "lld-21 lld"]
    ·             ────────────
 10 │ [compiler]
    ╰────
  help: the suite decides the version; what must hold is claimed in [provides]

Error:
  × `ccache` is listed twice
    ╭─[debian-sid/toolchain.toml:9:37]
  8 │ check-valid-until = false
  9 │ packages = ["cmake=3.31", "ccache", "ccache", "hip/sid", "hipcc/experimental", "lld-21 lld"]
    ·                                     ────────
 10 │ [compiler]
    ╰────

Error:
  × `experimental` is no suite of this toolchain
    ╭─[debian-sid/toolchain.toml:9:58]
  8 │ check-valid-until = false
  9 │ packages = ["cmake=3.31", "ccache", "ccache", "hip/sid", "hipcc/experimental", "lld-21 lld"]
    ·                                                          ────────────────────
 10 │ [compiler]
    ╰────
  help: suites are sid: more come with `further-suites`

Error:
  × `lld-21 lld` is not the name of a Debian package
    ╭─[debian-sid/toolchain.toml:9:80]
  8 │ check-valid-until = false
  9 │ packages = ["cmake=3.31", "ccache", "ccache", "hip/sid", "hipcc/experimental", "lld-21 lld"]
    ·                                                                                ────────────
 10 │ [compiler]
    ╰────
  help: one package an entry

Error:
  × `clang-21` is not an absolute path: it does not start with `/`
    ╭─[debian-sid/toolchain.toml:11:5]
 10 │ [compiler]
 11 │ c = "clang-21"
    ·     ──────────
 12 │ cxx = "/usr/bin/clang++-21"
    ╰────

Error:
  × `provides.llvm.version` is a whole number, text in quotes is expected
    ╭─[debian-sid/toolchain.toml:17:20]
 16 │ hip = { version = "6.4.3", package = "libamdhip64-dev" }
 17 │ llvm = { version = 21, package = "clang-21", file = "/usr/bin/clang-21" }
    ·                    ──
    ╰────

"#]]
        .raw()
    );
}

#[test]
fn mistakes_in_what_is_left_out_are_told_where_they_are() {
    let with = |keys: &str| SID.replace("check-valid-until = false", keys);
    let exclude = r#"path-exclude = ["usr/share/doc/*", "", "/a\npath-include=*", "/{a,b}", "/a[b", 7]"#;
    let error = read(&with(&format!("{exclude}\npath-include = \"*\""))).expect_err("mistakes");
    assert_data_eq!(
        rendered(&error),
        str![[r#"
toolchain::invalid

  × the toolchain `debian-sid` has 7 mistakes
  help: correct the folder's files; docs/toolchain.schema.json has every key

Error:
  × `usr/share/doc/*` can match no path: a path begins with `/`
   ╭─[debian-sid/toolchain.toml:7:17]
 6 │ components = ["main", "contrib"]
 7 │ path-exclude = ["usr/share/doc/*", "", "/a\npath-include=*", "/{a,b}", "/a[b", 7]
   ·                 ─────────────────
 8 │ path-include = "*"
   ╰────
  help: whole paths are compared, e.g. with `/usr/share/doc/*`; `*` stands for `/` as well

Error:
  × this pattern is empty
   ╭─[debian-sid/toolchain.toml:7:36]
 6 │ components = ["main", "contrib"]
 7 │ path-exclude = ["usr/share/doc/*", "", "/a\npath-include=*", "/{a,b}", "/a[b", 7]
   ·                                    ──
 8 │ path-include = "*"
   ╰────
  help: whole paths are compared, e.g. with `/usr/share/doc/*`; `*` stands for `/` as well

Error:
  × this pattern has a character that is not printable ASCII, or a blank
   ╭─[debian-sid/toolchain.toml:7:40]
 6 │ components = ["main", "contrib"]
 7 │ path-exclude = ["usr/share/doc/*", "", "/a\npath-include=*", "/{a,b}", "/a[b", 7]
   ·                                        ────────────────────
 8 │ path-include = "*"
   ╰────
  help: `?` stands for any one character, `*` for any number, `[ab]` for one of these

Error:
  × `{` does not mean the same to dpkg
   ╭─[debian-sid/toolchain.toml:7:62]
 6 │ components = ["main", "contrib"]
 7 │ path-exclude = ["usr/share/doc/*", "", "/a\npath-include=*", "/{a,b}", "/a[b", 7]
   ·                                                              ────────
 8 │ path-include = "*"
   ╰────
  help: `?` stands for any one character, `*` for any number, `[ab]` for one of these

Error:
  × `/a[b` is not a pattern: unclosed character class; missing ']'
   ╭─[debian-sid/toolchain.toml:7:72]
 6 │ components = ["main", "contrib"]
 7 │ path-exclude = ["usr/share/doc/*", "", "/a\npath-include=*", "/{a,b}", "/a[b", 7]
   ·                                                                        ──────
 8 │ path-include = "*"
   ╰────
  help: `?` stands for a bracket

Error:
  × `base.debian.path-exclude` is a whole number, text in quotes is expected
   ╭─[debian-sid/toolchain.toml:7:80]
 6 │ components = ["main", "contrib"]
 7 │ path-exclude = ["usr/share/doc/*", "", "/a\npath-include=*", "/{a,b}", "/a[b", 7]
   ·                                                                                ─
 8 │ path-include = "*"
   ╰────

Error:
  × `base.debian.path-include` is text, a list is expected
   ╭─[debian-sid/toolchain.toml:8:16]
 7 │ path-exclude = ["usr/share/doc/*", "", "/a\npath-include=*", "/{a,b}", "/a[b", 7]
 8 │ path-include = "*"
   ·                ───
 9 │ packages = ["clang-21"]
   ╰────

"#]]
        .raw()
    );
    let error = read(&with("path-include = [\"*gfx101*\"]")).expect_err("a mistake");
    assert_data_eq!(
        rendered(&error),
        str![[r#"
toolchain::invalid

  × the toolchain `debian-sid` has a mistake
  help: correct the folder's files; docs/toolchain.schema.json has every key

Error:
  × nothing is left out that could be brought back
   ╭─[debian-sid/toolchain.toml:7:16]
 6 │ components = ["main", "contrib"]
 7 │ path-include = ["*gfx101*"]
   ·                ────────────
 8 │ packages = ["clang-21"]
   ╰────
  help: `path-include` brings back what `path-exclude` leaves out: name that as well

"#]]
        .raw()
    );
}

#[test]
fn a_base_is_pulled_or_assembled_and_only_one_of_them_has_a_dockerfile() {
    let image = "[base]\nimage = \"example.org/rocm:7\"\n";
    let (head, debian) = SID.split_once("[base.debian]").expect("it is assembled");
    let tail = &debian[debian.find("[compiler]").expect("it has compilers")..];
    let pulled = format!("{head}{image}{tail}");
    let with_dockerfile = |toolchain: &str| {
        let mut files = files(toolchain);
        files.insert("Dockerfile", &b"ARG BASE\nFROM ${BASE}\n"[..]);
        parse(&"x1".parse().expect("an id"), FILE, files)
    };
    let toolchain = with_dockerfile(&pulled).expect("good");
    assert_eq!(toolchain.base, Base::Image("example.org/rocm:7".to_owned()));
    let both = SID.replace("[base.debian]", &format!("{image}[base.debian]"));
    let neither = format!("{head}[base]\n{tail}");
    for (toolchain, mistake) in [
        (with_dockerfile(SID), "Dockerfile would never be read"),
        (read(&pulled), "the toolchain's folder has no Dockerfile"),
        (read(&both), "a base is either an `image` or `debian`"),
        (read(&neither), "a base is either an `image` or `debian`"),
        (with_dockerfile(&pulled.replace("example.org", "-v /:")), "is not an image"),
    ] {
        let shown = rendered(&toolchain.expect_err("a mistake"));
        assert!(shown.contains(mistake), "{mistake}: {shown}");
    }
}

#[test]
fn every_embedded_toolchain_is_valid() {
    let catalog = Catalog::load(&[]).expect("loaded");
    for id in catalog.ids() {
        assert_eq!(catalog.origin(id.as_str()).expect("known"), &Origin::Embedded);
        if let Err(error) = catalog.get(id.as_str()) {
            panic!("{}", rendered(&error));
        }
    }
    assert_eq!(catalog.all().expect("all are valid").len(), catalog.ids().count());
}

#[test]
fn an_own_toolchain_takes_the_place_of_the_embedded_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = HostPath::new(folder.path());
    std::fs::create_dir(path.join("debian-sid").as_path()).expect("made");
    for (name, bytes) in files(SID).iter() {
        std::fs::write(path.join("debian-sid").join(name).as_path(), bytes).expect("written");
    }
    let catalog = Catalog::load(std::slice::from_ref(&path)).expect("loaded");
    assert_eq!(catalog.origin("debian-sid").expect("known"), &Origin::Folder(path.join("debian-sid")));
    assert_eq!(catalog.get("debian-sid").expect("good").summary, "Debian sid");
    let error = catalog.get("debian-sud").expect_err("unknown");
    assert!(rendered(&error).contains("did you mean `debian-sid`?"));
}

#[test]
fn only_installed_packages_count() {
    let packages = status();
    assert_eq!(packages.keys().collect::<Vec<_>>(), ["clang-21", "libamdhip64-dev"]);
    assert_eq!(packages["clang-21"], "1:21.1.8-3+b1");
}

#[test]
fn a_damaged_status_file_is_refused_with_its_line() {
    let installed = "Status: install ok installed\n";
    for (text, at) in [
        (format!("Package: a\u{1b}[2J\n{installed}Version: 1\n"), 1),
        (format!("Package: zlib\n{installed}"), 1),
        (format!("{installed}Version: 1\n"), 1),
        (format!("Package: zlib\n{installed}Version: 1 2\n\n"), 1),
        (format!("Package: zlib\nPackage: zlib\n{installed}Version: 1\n"), 2),
        (format!("Package: zlib\n{installed}Version: 1\n\nPackage: zlib\n{installed}Version: 2\n"), 5),
    ] {
        match parse_dpkg_status(text.as_bytes()) {
            Err(ToolchainError::Status { line, .. }) => assert_eq!(line, at, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn an_image_that_keeps_its_promises_gives_the_real_versions() {
    let actual = check_claims(&sid(), &status(), &Inventory::default(), &|_| true).expect("all is there");
    let actual: Vec<String> = actual.0.iter().map(|(name, version)| format!("{name} {version}")).collect();
    assert_eq!(actual, ["hip 6.4.3", "llvm 21.1.8"]);
}

#[test]
fn every_broken_promise_of_an_image_is_told() {
    let mut packages = status();
    packages.remove("libamdhip64-dev");
    packages.insert("clang-21".to_owned(), "1:20.1.2-1".to_owned());
    let error =
        check_claims(&sid(), &packages, &Inventory::default(), &|_| false).expect_err("nothing is there");
    assert_data_eq!(
        rendered(&error),
        str![[r#"
toolchain::claims

  × the image of the toolchain `debian-sid` is not what toolchain.toml promises
  help: correct the claims, or name the packages that hold them where they are installed; then the image is
        made anew

Error:
  × hip 6.4.3 is claimed, but its package libamdhip64-dev is not installed

Error:
  × llvm 21 is claimed, but clang-21 is installed in version 1:20.1.2-1

Error:
  × llvm 21 is claimed, but there is no /usr/bin/clang-21

Error:
  × an image without the promised C compiler: there is no /usr/bin/clang-21

Error:
  × an image without the promised C++ compiler: there is no /usr/bin/clang++-21

"#]]
        .raw()
    );
}

#[test]
fn one_digit_of_one_version_longer_is_another_version() {
    let mut packages = status();
    packages.insert("clang-21".to_owned(), "1:210.0-1".to_owned());
    assert!(check_claims(&sid(), &packages, &Inventory::default(), &|_| true).is_err());
}

/// A system with one LLVM below `/usr/lib/llvm-21`, as Debian lays it out.
fn inventory(version: &str) -> Inventory {
    let resource = GuestPath::new("/usr/lib/llvm-21/lib/clang/21");
    Inventory {
        llvms: vec![Llvm {
            root: GuestPath::new("/usr/lib/llvm-21"),
            version: Some(version.parse().expect("a version")),
            version_proof: Some(GuestPath::new("/usr/lib/x86_64-linux-gnu/libLLVM.so.21.1")),
            clang: GuestPath::new("/usr/lib/llvm-21/bin/clang"),
            lld: None,
            resource: Some(resource.clone()),
            libllvm: None,
        }],
        device_libraries: vec![DeviceLibraries {
            folder: resource.join("amdgcn/bitcode"),
            also: vec![],
            producers: [(format!("LLVM{version}"), vec!["ocml.bc".to_owned()])].into(),
            abis: [500, 600].into(),
            isas: ["1010".to_owned()].into(),
        }],
        ..Inventory::default()
    }
}

#[test]
fn a_compiler_of_another_llvm_than_is_claimed_is_told() {
    assert!(check_claims(&sid(), &status(), &inventory("21.1.8"), &|_| true).is_ok());
    let error = check_claims(&sid(), &status(), &inventory("20.1.2"), &|_| true).expect_err("it is LLVM 20");
    let told = rendered(&error);
    assert!(told.contains("llvm 21 is claimed, but /usr/lib/llvm-21/bin/clang is of LLVM 20.1.2"), "{told}");
}

#[test]
fn an_identity_changes_with_any_installed_version() {
    let held = inventory("21.1.8");
    let pins = pin::pins(&sid(), &held);
    let before = identity(&status(), &held, &pins);
    assert_eq!(identity(&status(), &held, &pins), before);
    let mut rebuilt = status();
    rebuilt.insert("clang-21".to_owned(), "1:21.1.8-3+b2".to_owned());
    assert_ne!(identity(&rebuilt, &held, &pins), before);
}

#[test]
fn a_compiler_that_no_package_brought_is_another_identity() {
    let (one, other) = (inventory("21.1.8"), inventory("21.1.7"));
    assert_ne!(identity(&status(), &one, &[]), identity(&status(), &other, &[]));
    let pins = pin::pins(&sid(), &one);
    assert_ne!(identity(&status(), &one, &pins), identity(&status(), &one, &[]));
}

fn pinned(toolchain: &Toolchain, inventory: &Inventory) -> String {
    pin::pins(toolchain, inventory)
        .iter()
        .map(|pin| format!("{}={} ({})\n", pin.name, pin.value, pin.why))
        .collect()
}

#[test]
fn a_build_is_bound_to_one_llvm_and_its_device_libraries() {
    let mut held = inventory("21.1.8");
    // What the image says leads elsewhere, and nothing in it is an AMD ROCm.
    held.environment.insert("ROCM_PATH".to_owned(), "/opt/rocm-6.2.4".to_owned());
    assert_data_eq!(
        pinned(&sid(), &held),
        str![[r#"
CC=/usr/bin/clang-21 (the compiler that toolchain.toml declares)
CXX=/usr/bin/clang++-21 (the compiler that toolchain.toml declares)
CMAKE_HIP_COMPILER=/usr/bin/clang++-21 (HIP code is compiled by the same compiler as C++)
HIP_CLANG_PATH=/usr/lib/llvm-21/bin (clang, lld and the LLVM tools of one LLVM 21.1.8: /usr/lib/llvm-21/bin/clang)
PATH=/usr/lib/llvm-21/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin (clang, lld and the LLVM tools of one LLVM 21.1.8: /usr/lib/llvm-21/bin/clang)
HIP_DEVICE_LIB_PATH=/usr/lib/llvm-21/lib/clang/21/amdgcn/bitcode (the device libraries that this clang finds by itself, made by LLVM 21.1.8)
ROCM_PATH= (the image sets it, and it leads elsewhere)

"#]]
        .raw()
    );
}

#[test]
fn within_a_rocm_of_amds_kind_the_tree_is_pinned_and_the_toolchain_may_know_better() {
    let mut held = inventory("19.0.0git");
    let llvm = &mut held.llvms[0];
    llvm.root = GuestPath::new("/opt/rocm-6.4.3/lib/llvm");
    llvm.clang = GuestPath::new("/opt/rocm-6.4.3/lib/llvm/bin/clang-19");
    llvm.resource = Some(GuestPath::new("/opt/rocm-6.4.3/lib/llvm/lib/clang/19"));
    held.rocm_trees.push(RocmTree {
        root: GuestPath::new("/opt/rocm-6.4.3"),
        version: None,
        proof: GuestPath::new("/opt/rocm-6.4.3/.info/version"),
    });
    held.device_libraries[0].folder = GuestPath::new("/opt/rocm-6.4.3/amdgcn/bitcode");
    let mut amd = sid();
    amd.compilers.cxx = GuestPath::new("/opt/rocm-6.4.3/lib/llvm/bin/clang++");
    amd.environment.insert("HIP_PATH".to_owned(), "/opt/rocm".to_owned());
    let pins = pinned(&amd, &held);
    for expected in [
        "ROCM_PATH=/opt/rocm-6.4.3 (the ROCm of the compiler: /opt/rocm-6.4.3/.info/version)",
        "HIP_PATH=/opt/rocm (toolchain.toml sets it)",
        "CMAKE_PREFIX_PATH=/opt/rocm-6.4.3 ",
        "HIP_DEVICE_LIB_PATH=/opt/rocm-6.4.3/amdgcn/bitcode ",
        "HIP_CLANG_PATH=/opt/rocm-6.4.3/lib/llvm/bin ",
    ] {
        assert!(pins.contains(expected), "{expected}\n{pins}");
    }
}
