//! The XML documents of a repository for dnf: `primary`, `filelists`, `other`, and `repomd` that names them.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use rpm::{Dependency, DependencyFlags, FileType, PackageMetadata};

use crate::model::Digest;

const COMMON: &str = "http://linux.duke.edu/metadata/common";
const RPM: &str = "http://linux.duke.edu/metadata/rpm";
const FILELISTS: &str = "http://linux.duke.edu/metadata/filelists";
const OTHER: &str = "http://linux.duke.edu/metadata/other";
const REPO: &str = "http://linux.duke.edu/metadata/repo";

/// A package and where it lies.
pub(super) struct Described {
    pub metadata: PackageMetadata,
    /// Bytes.
    pub size: u64,
    pub sha256: Digest,
    /// Seconds since 1970.
    pub modified: u64,
    /// Below the repository's root.
    pub place: String,
}

/// A document as `repomd` names it, packed and unpacked.
pub(super) struct Index {
    pub kind: &'static str,
    pub name: String,
    pub size: usize,
    pub digest: Digest,
    pub open_size: usize,
    pub open_digest: Digest,
}

type Xml = Writer<Vec<u8>>;
type Written = Result<(), rpm::Error>;

/// The three documents about packages. On an error, the place of the package that it is about.
pub(super) fn documents(packages: &[Described]) -> Result<[(&'static str, String); 3], (String, rpm::Error)> {
    let document = |root: &str, attributes: &[(&str, &str)], each: fn(&mut Xml, &Described) -> Written| {
        let count = packages.len().to_string();
        let attributes = attributes.iter().copied().chain([("packages", count.as_str())]);
        let mut failed = None;
        let text = text(|xml| {
            xml.create_element(root).with_attributes(attributes).write_inner_content(|xml| {
                for package in packages {
                    if let Err(error) = each(xml, package) {
                        failed.get_or_insert((package.place.clone(), error));
                    }
                }
                Ok(())
            })?;
            Ok(())
        });
        match failed {
            Some(failed) => Err(failed),
            None => Ok(text),
        }
    };
    Ok([
        ("primary", document("metadata", &[("xmlns", COMMON), ("xmlns:rpm", RPM)], primary)?),
        ("filelists", document("filelists", &[("xmlns", FILELISTS)], filelists)?),
        ("other", document("otherdata", &[("xmlns", OTHER)], other)?),
    ])
}

pub(super) fn repomd(indexes: &[Index], now: u64) -> String {
    text(|xml| {
        xml.create_element("repomd").with_attribute(("xmlns", REPO)).write_inner_content(|xml| {
            leaf(xml, "revision", &[], &now.to_string())?;
            for index in indexes {
                xml.create_element("data").with_attribute(("type", index.kind)).write_inner_content(
                    |xml| {
                        leaf(xml, "checksum", &[("type", "sha256")], &index.digest.to_string())?;
                        leaf(xml, "open-checksum", &[("type", "sha256")], &index.open_digest.to_string())?;
                        let place = format!("repodata/{}", index.name);
                        xml.create_element("location")
                            .with_attribute(("href", place.as_str()))
                            .write_empty()?;
                        leaf(xml, "timestamp", &[], &now.to_string())?;
                        leaf(xml, "size", &[], &index.size.to_string())?;
                        leaf(xml, "open-size", &[], &index.open_size.to_string())
                    },
                )?;
            }
            Ok(())
        })?;
        Ok(())
    })
}

fn primary(xml: &mut Xml, package: &Described) -> Written {
    let data = &package.metadata;
    let offsets = data.get_package_segment_offsets();
    let (name, arch) = (data.get_name()?, data.get_arch()?);
    let version = version_of(data)?;
    let (installed, payload) = (data.get_installed_size()?, package.size - offsets.payload);
    let lists = [
        ("rpm:provides", data.get_provides()?),
        ("rpm:requires", data.get_requires()?),
        ("rpm:conflicts", data.get_conflicts()?),
        ("rpm:obsoletes", data.get_obsoletes()?),
    ];
    let texts = [
        ("summary", data.get_summary()?),
        ("description", data.get_description().unwrap_or_default()),
        ("packager", data.get_packager().unwrap_or_default()),
        ("url", data.get_url().unwrap_or_default()),
    ];
    let format = [
        ("rpm:license", data.get_license()?),
        ("rpm:vendor", data.get_vendor().unwrap_or_default()),
        ("rpm:group", data.get_group().unwrap_or_default()),
        ("rpm:buildhost", data.get_build_host().unwrap_or_default()),
        ("rpm:sourcerpm", data.get_source_rpm().unwrap_or_default()),
    ];
    let built = data.get_build_time().unwrap_or_default().to_string();
    // Whatever is not here, dnf looks for in the file lists.
    let files = data.get_file_entries()?;
    let files =
        files.iter().map(|file| (file.path().to_string_lossy().into_owned(), file.mode().file_type()));
    let files: Vec<_> =
        files.filter(|(path, _)| path.starts_with("/etc/") || path.contains("bin/")).collect();
    xml.create_element("package").with_attribute(("type", "rpm")).write_inner_content(|xml| {
        leaf(xml, "name", &[], name)?;
        leaf(xml, "arch", &[], arch)?;
        xml.create_element("version").with_attributes(version.attributes()).write_empty()?;
        leaf(xml, "checksum", &[("type", "sha256"), ("pkgid", "YES")], &package.sha256.to_string())?;
        for (name, value) in texts {
            leaf(xml, name, &[], value)?;
        }
        let modified = package.modified.to_string();
        xml.create_element("time")
            .with_attributes([("file", modified.as_str()), ("build", built.as_str())])
            .write_empty()?;
        let sizes = [package.size, installed, payload].map(|size| size.to_string());
        xml.create_element("size")
            .with_attributes([("package", &*sizes[0]), ("installed", &*sizes[1]), ("archive", &*sizes[2])])
            .write_empty()?;
        xml.create_element("location").with_attribute(("href", package.place.as_str())).write_empty()?;
        xml.create_element("format").write_inner_content(|xml| {
            for (name, value) in format {
                leaf(xml, name, &[], value)?;
            }
            let range = [offsets.header, offsets.payload].map(|place| place.to_string());
            xml.create_element("rpm:header-range")
                .with_attributes([("start", &*range[0]), ("end", &*range[1])])
                .write_empty()?;
            for (name, dependencies) in &lists {
                relations(xml, name, dependencies)?;
            }
            for (path, kind) in &files {
                file_entry(xml, path, *kind)?;
            }
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(())
}

fn filelists(xml: &mut Xml, package: &Described) -> Written {
    let entries = package.metadata.get_file_entries()?;
    about(xml, package, |xml| {
        for file in &entries {
            file_entry(xml, &file.path().to_string_lossy(), file.mode().file_type())?;
        }
        Ok(())
    })
}

fn other(xml: &mut Xml, package: &Described) -> Written {
    let entries = package.metadata.get_changelog_entries().unwrap_or_default();
    about(xml, package, |xml| {
        for entry in &entries {
            let date = entry.timestamp.to_string();
            leaf(xml, "changelog", &[("author", &entry.name), ("date", &date)], &entry.description)?;
        }
        Ok(())
    })
}

/// The frame of a package in the file lists and the other data.
fn about(xml: &mut Xml, package: &Described, inner: impl FnOnce(&mut Xml) -> io::Result<()>) -> Written {
    let data = &package.metadata;
    let (name, arch, version) = (data.get_name()?, data.get_arch()?, version_of(data)?);
    let id = package.sha256.to_string();
    xml.create_element("package")
        .with_attributes([("pkgid", &*id), ("name", name), ("arch", arch)])
        .write_inner_content(|xml| {
            xml.create_element("version").with_attributes(version.attributes()).write_empty()?;
            inner(xml)
        })?;
    Ok(())
}

fn file_entry(xml: &mut Xml, path: &str, kind: FileType) -> io::Result<()> {
    match kind {
        FileType::Dir => leaf(xml, "file", &[("type", "dir")], path),
        _ => leaf(xml, "file", &[], path),
    }
}

fn relations(xml: &mut Xml, name: &str, dependencies: &[Dependency]) -> io::Result<()> {
    // What rpm itself must be able to do is for rpm to see.
    let listed: Vec<_> = dependencies.iter().filter(|one| !one.name.starts_with("rpmlib(")).collect();
    if listed.is_empty() {
        return Ok(());
    }
    xml.create_element(name).write_inner_content(|xml| {
        for one in listed {
            let entry = xml.create_element("rpm:entry").with_attribute(("name", one.name.as_str()));
            match comparison(one.flags) {
                None => entry.write_empty()?,
                Some(flags) => {
                    let version = Evr::parse(&one.version);
                    let attributes = version.attributes();
                    let attributes = attributes.iter().copied().filter(|(_, value)| !value.is_empty());
                    entry.with_attribute(("flags", flags)).with_attributes(attributes).write_empty()?
                }
            };
        }
        Ok(())
    })?;
    Ok(())
}

fn comparison(flags: DependencyFlags) -> Option<&'static str> {
    let has = |flag| flags.contains(flag);
    match (has(DependencyFlags::LESS), has(DependencyFlags::EQUAL), has(DependencyFlags::GREATER)) {
        (true, true, _) => Some("LE"),
        (true, false, _) => Some("LT"),
        (_, true, true) => Some("GE"),
        (_, false, true) => Some("GT"),
        (false, true, false) => Some("EQ"),
        (false, false, false) => None,
    }
}

/// Epoch, version and release.
struct Evr {
    epoch: String,
    version: String,
    release: String,
}

impl Evr {
    fn parse(text: &str) -> Self {
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self { epoch: epoch.to_owned(), version: version.to_owned(), release: release.to_owned() }
    }

    fn attributes(&self) -> [(&'static str, &str); 3] {
        [("epoch", &self.epoch), ("ver", &self.version), ("rel", &self.release)]
    }
}

fn version_of(data: &PackageMetadata) -> Result<Evr, rpm::Error> {
    Ok(Evr {
        epoch: data.get_epoch().unwrap_or_default().to_string(),
        version: data.get_version()?.to_owned(),
        release: data.get_release()?.to_owned(),
    })
}

fn leaf(xml: &mut Xml, name: &str, attributes: &[(&str, &str)], text: &str) -> io::Result<()> {
    xml.create_element(name)
        .with_attributes(attributes.iter().copied())
        .write_text_content(BytesText::new(&shown(text)))?;
    Ok(())
}

/// XML has no way to write most control characters.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect()
}

fn text(write: impl FnOnce(&mut Xml) -> io::Result<()>) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 1);
    let declared = xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    declared.and_then(|()| write(&mut xml)).expect("memory can be written");
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("what was written is text")
}
