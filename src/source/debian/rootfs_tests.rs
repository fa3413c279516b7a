//! Tests of what becomes of a package's files.

use super::super::testing::{Item, deb};
use super::*;

const CONTROL: &str =
    "Package: tool\nVersion: 1-1\nArchitecture: amd64\nMulti-Arch: same\nDescription: made up\n";

/// Reads a package and adds it.
fn add(rootfs: &mut Rootfs<Vec<u8>>, name: &str, file: &[u8]) -> Result<(), DebianError> {
    let mut added = Ok(());
    let read = super::super::deb::read(file, |control, data| {
        added = rootfs.add(name, &control, data, &CancellationToken::new());
        Ok(())
    });
    read.map_err(|reason| DebianError::BadPackage { package: name.to_owned(), reason })?;
    added
}

/// Adds one package and lists the tar: type, mode, path, link.
fn laid_out(control: &str, members: &[(&str, &str)], items: &[Item<'_>]) -> Result<Vec<u8>, DebianError> {
    laid_out_without(PathFilters::default(), control, members, items)
}

fn laid_out_without(
    left_out: PathFilters,
    control: &str,
    members: &[(&str, &str)],
    items: &[Item<'_>],
) -> Result<Vec<u8>, DebianError> {
    let mut rootfs = Rootfs::new(Vec::new(), 1_000, left_out).unwrap();
    add(&mut rootfs, "tool", &deb(control, members, items))?;
    Ok(rootfs.finish().unwrap().0)
}

fn listing(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let shown = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let entry = entry.unwrap();
        assert_eq!(entry.header().mtime().unwrap(), 1_000, "every date is the release's");
        let path = entry.path().unwrap().display().to_string();
        let kind = entry.header().entry_type();
        match entry.link_name().unwrap() {
            Some(target) => {
                format!("{path} {} {}", if kind.is_symlink() { "->" } else { "=" }, target.display())
            }
            None if kind.is_dir() => format!("{path}/"),
            None => path,
        }
    };
    archive.entries().unwrap().map(shown).collect()
}

fn content(tar: &[u8], path: &str) -> String {
    let mut archive = tar::Archive::new(tar);
    let mut found = archive.entries().unwrap().map(Result::unwrap);
    let mut entry = found.find(|entry| entry.path().unwrap() == Path::new(path)).unwrap();
    let mut text = String::new();
    entry.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_package_lies_as_dpkg_would_have_unpacked_it() {
    let tar = laid_out(
        CONTROL,
        &[("conffiles", "/etc/tool.conf\n"), ("postinst", "#!/bin/sh\n")],
        &[
            Item::Directory("./"),
            Item::Directory("./etc/"),
            Item::File("./etc/tool.conf", "x"),
            Item::Directory("./lib/"),
            Item::File("./lib/libtool.so.1", "elf"),
            Item::Symlink("./lib/libtool.so", "libtool.so.1"),
            Item::Directory("./bin/"),
            Item::File("./bin/tool", "elf"),
            Item::HardLink("./bin/tool2", "./bin/tool"),
        ],
    )
    .unwrap();
    let listing = listing(&tar);
    for expected in [
        "bin -> usr/bin",
        "etc/tool.conf.dpkg-new",
        "usr/lib/libtool.so.1",
        "usr/lib/libtool.so -> libtool.so.1",
        "usr/bin/tool2 = usr/bin/tool",
        "var/lib/dpkg/info/tool:amd64.postinst",
        "var/lib/dpkg/info/tool:amd64.list",
    ] {
        assert_eq!(listing.iter().filter(|line| *line == expected).count(), 1, "{expected} in {listing:#?}");
    }
    assert!(!listing.iter().any(|line| line.starts_with("lib/") || line.starts_with("./")), "{listing:#?}");
    assert_eq!(
        content(&tar, "var/lib/dpkg/status"),
        "Package: tool\nStatus: install ok unpacked\nVersion: 1-1\nArchitecture: amd64\nMulti-Arch: same\nDescription: made up\nConffiles:\n /etc/tool.conf newconffile\n\n"
    );
    assert_eq!(
        content(&tar, "var/lib/dpkg/info/tool:amd64.list").lines().take(3).collect::<Vec<_>>(),
        ["/.", "/etc", "/etc/tool.conf"]
    );
}

#[test]
fn a_package_that_would_escape_is_refused() {
    for (item, expected) in [
        (Item::File("../../etc/shadow", "x"), "a path that leaves the root"),
        (Item::File("/etc/shadow", "x"), "an absolute path"),
        (Item::File("./usr/../../x", "x"), "a path that leaves the root"),
        (Item::HardLink("./x", "/etc/shadow"), "an absolute path"),
        (Item::HardLink("./x", "./etc/shadow"), "a hard link to a file that is not in the package before it"),
        (Item::Device("./dev/sda"), "only files, folders and links belong into a package"),
    ] {
        let error = laid_out(CONTROL, &[], &[item]).unwrap_err();
        let DebianError::UnsafePath { reason, .. } = error else { panic!("{error}") };
        assert_eq!(reason, expected);
    }
    let through = [Item::Symlink("./out", "/"), Item::File("./out/etc/shadow", "x")];
    let error = laid_out(CONTROL, &[], &through).unwrap_err();
    assert!(error.to_string().ends_with("a path through a link"), "{error}");
}

#[test]
fn a_package_cannot_claim_another_name_or_a_status() {
    let other = CONTROL.replace("Package: tool", "Package: libc6");
    assert!(laid_out(&other, &[], &[]).unwrap_err().to_string().contains("it says it is `libc6`"));
    let escaping = CONTROL.replace("Package: tool", "Package: ../tool");
    assert!(laid_out(&escaping, &[], &[]).is_err());
    let two = format!("{CONTROL}\nPackage: libc6\n");
    assert!(laid_out(&two, &[], &[]).is_err());
    let installed = format!("{CONTROL}Status: install ok installed\n");
    assert!(laid_out(&installed, &[], &[]).is_err());
}

#[test]
fn a_file_that_two_packages_ship_is_kept_once_and_said() {
    let mut rootfs = Rootfs::new(Vec::new(), 1_000, PathFilters::default()).unwrap();
    for name in ["tool", "twin"] {
        let control = CONTROL.replace("Package: tool", &format!("Package: {name}"));
        let file = deb(&control, &[], &[Item::Directory("./usr/share/"), Item::File("./usr/share/x", name)]);
        add(&mut rootfs, name, &file).unwrap();
    }
    let (tar, notes) = rootfs.finish().unwrap();
    assert_eq!(content(&tar, "usr/share/x"), "tool");
    assert_eq!(notes, ["/usr/share/x is in twin and in another package: the other's is kept"]);
}

#[test]
fn a_truncated_package_is_refused() {
    let whole = deb(CONTROL, &[], &[Item::File("./x", "x")]);
    for length in [0, 8, 100, whole.len() - 40] {
        let mut rootfs = Rootfs::new(Vec::new(), 1_000, PathFilters::default()).unwrap();
        let result = add(&mut rootfs, "tool", &whole[..length]);
        assert!(matches!(result, Err(DebianError::BadPackage { .. })), "{length} bytes: {result:?}");
    }
}

#[test]
fn root_has_a_name_before_anything_is_configured() {
    let master = "root:*:0:0:root:/root:/bin/bash\n";
    let tar = laid_out(CONTROL, &[], &[Item::File("./usr/share/base-passwd/passwd.master", master)]).unwrap();
    assert_eq!(content(&tar, "etc/passwd"), master);
    assert_eq!(content(&tar, "usr/share/base-passwd/passwd.master"), master);
}

fn filters(exclude: &[&str], include: &[&str]) -> PathFilters {
    let patterns = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    PathFilters { exclude: patterns(exclude), include: patterns(include) }
}

#[test]
fn what_is_left_out_is_listed_but_not_there_and_dpkg_is_told() {
    let left_out = filters(&["/lib/kernels/*gfx*", "/etc/tool.conf"], &["*gfx1010*"]);
    let tar = laid_out_without(
        left_out,
        CONTROL,
        &[("conffiles", "/etc/tool.conf\n")],
        &[
            Item::Directory("./etc/"),
            Item::File("./etc/tool.conf", "x"),
            Item::Directory("./lib/kernels/"),
            Item::File("./lib/kernels/gfx1010.hsaco", "ten"),
            Item::File("./lib/kernels/gfx900.hsaco", "nine"),
            Item::HardLink("./lib/kernels/gfx906.hsaco", "./lib/kernels/gfx900.hsaco"),
            Item::Symlink("./lib/kernels/gfx", "."),
            Item::File("./lib/kernels/fallback.dat", "any"),
        ],
    )
    .unwrap();
    let listing = listing(&tar);
    let kernels: Vec<_> = listing.iter().filter(|line| line.starts_with("usr/lib/kernels/")).collect();
    assert_eq!(
        kernels,
        [
            "usr/lib/kernels/",
            "usr/lib/kernels/gfx1010.hsaco",
            "usr/lib/kernels/gfx -> .",
            "usr/lib/kernels/fallback.dat"
        ]
    );
    assert!(!listing.iter().any(|line| line.contains("tool.conf")), "{listing:#?}");
    let list = content(&tar, "var/lib/dpkg/info/tool:amd64.list");
    for path in ["/etc/tool.conf", "/lib/kernels/gfx900.hsaco", "/lib/kernels/gfx906.hsaco"] {
        assert!(list.lines().any(|line| line == path), "{path}: {list}");
    }
    assert_eq!(
        content(&tar, "etc/dpkg/dpkg.cfg.d/rdna-build"),
        "# Left out of the packages of this image when it was assembled, and by dpkg from then on.\n\
         path-exclude=/lib/kernels/*gfx*\npath-exclude=/etc/tool.conf\npath-include=*gfx1010*\n"
    );
}

#[test]
fn dpkg_is_told_nothing_where_nothing_is_left_out() {
    let tar = laid_out(CONTROL, &[], &[Item::File("./x", "x")]).unwrap();
    assert!(!listing(&tar).iter().any(|line| line.starts_with("etc/dpkg")));
}

#[test]
fn a_hard_link_to_what_is_left_out_is_refused_by_name() {
    let items = [Item::File("./bin/tool", "elf"), Item::HardLink("./bin/tool2", "./bin/tool")];
    let error = laid_out_without(filters(&["/bin/tool"], &[]), CONTROL, &[], &items).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`/usr/bin/tool2` of the package `tool` is a hard link to `/bin/tool`, which `path-exclude` leaves out"
    );
    let tar = laid_out_without(filters(&["/bin/*"], &[]), CONTROL, &[], &items).unwrap();
    assert!(!listing(&tar).iter().any(|line| line.contains("tool2")), "both are left out");
    let tar = laid_out_without(filters(&["/bin/*"], &["/bin/tool*"]), CONTROL, &[], &items).unwrap();
    assert!(listing(&tar).contains(&"usr/bin/tool2 = usr/bin/tool".to_owned()), "both are brought back");
}
