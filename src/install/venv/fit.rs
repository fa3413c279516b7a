//! Whether our library can stand in the place of a wheel's: pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Library;

/// A library by the name of its file.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub file: String,
    pub library: Library,
}

/// What a wheel brings.
#[derive(Clone, Debug)]
pub(super) struct Wheel {
    /// Every library beside torch's, MIOpen among them.
    pub libraries: Vec<Named>,
    /// The file that is MIOpen.
    pub miopen: String,
    /// Names of MIOpen's functions that torch's libraries want → the library that does.
    pub wanted: BTreeMap<String, String>,
}

/// The library that is to stand there.
#[derive(Clone, Debug)]
pub(super) struct Ours {
    pub library: Library,
    pub exports: BTreeSet<String>,
}

/// What speaks against it, and what only may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    pub objections: Vec<String>,
    pub doubts: Vec<String>,
}

/// Looks a library up in the system's folders.
pub(super) type System<'a> = &'a dyn Fn(&str) -> Option<Library>;

pub(super) fn judge(ours: &Ours, wheel: &Wheel, system: System<'_>) -> Judgement {
    let mut judgement = Judgement::default();
    judgement.objections.extend(soname(ours, wheel));
    judgement.objections.extend(missing_functions(ours, wheel));
    for needed in &ours.library.needed {
        need(needed, ours, wheel, system, &mut judgement);
    }
    judgement
}

fn soname(ours: &Ours, wheel: &Wheel) -> Option<String> {
    let theirs = wheel.libraries.iter().find(|one| one.file == wheel.miopen)?.library.soname.as_deref();
    let own = ours.library.soname.as_deref();
    let shown = |soname: Option<&str>| soname.unwrap_or("none").to_owned();
    (own != theirs).then(|| format!("its soname is {}, the wheel's has {}", shown(own), shown(theirs)))
}

fn missing_functions(ours: &Ours, wheel: &Wheel) -> Vec<String> {
    let mut by_library: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (function, library) in &wheel.wanted {
        if !ours.exports.contains(function) {
            by_library.entry(library).or_default().push(function);
        }
    }
    let sentence = |(library, functions): (&str, Vec<&str>)| {
        let more = match functions.len() {
            0..=3 => String::new(),
            many => format!(" and {} more", many - 3),
        };
        let first = functions.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        format!("{library} calls {first}{more}, which it does not export")
    };
    by_library.into_iter().map(sentence).collect()
}

/// Whether something that ours needs is found, and has the versions of symbols that it asks for.
fn need(needed: &str, ours: &Ours, wheel: &Wheel, system: System<'_>, judgement: &mut Judgement) {
    let own_name = |one: &&Named| one.library.soname.as_deref() == Some(needed) || one.file == needed;
    let wanted = ours.library.wants.get(needed).map(Vec::as_slice).unwrap_or_default();
    if let Some(provider) = wheel.libraries.iter().find(own_name) {
        let place = format!("the wheel's {}", provider.file);
        judgement.objections.extend(versions(needed, wanted, &provider.library, &place));
        if provider.file != needed && !is_loaded_first(provider, wheel) {
            judgement.doubts.push(format!(
                "it needs {needed}, which the wheel calls {}: it is found only if something loads that first",
                provider.file
            ));
        }
        return;
    }
    let (stem, _) = parts(needed);
    if let Some(other) = wheel.libraries.iter().find(|one| parts(name(one)).0 == stem) {
        judgement.objections.push(format!(
            "it needs {needed}, and the wheel brings {}",
            match name(other) == other.file {
                true => other.file.clone(),
                false => format!("{} (the file {})", name(other), other.file),
            }
        ));
        return;
    }
    match system(needed) {
        Some(provider) => {
            judgement.objections.extend(versions(needed, wanted, &provider, "this system's"));
        }
        None => judgement
            .objections
            .push(format!("it needs {needed}, which is neither in the wheel nor in this system's folders")),
    }
}

/// Versions of symbols that are asked for and not there. A library that defines none is not asked: the loader takes what is
/// there, with a warning.
fn versions(needed: &str, wanted: &[String], provider: &Library, place: &str) -> Option<String> {
    if provider.defines.is_empty() {
        return None;
    }
    let missing: Vec<&str> =
        wanted.iter().filter(|one| !provider.defines.contains(one)).map(String::as_str).collect();
    (!missing.is_empty())
        .then(|| format!("it needs {} of {needed}, which {place} does not have", missing.join(", ")))
}

/// Whether torch's own libraries name it, so that it is there before MIOpen's needs are looked for.
fn is_loaded_first(provider: &Named, wheel: &Wheel) -> bool {
    wheel.libraries.iter().filter(|one| one.file.starts_with("libtorch")).any(|torch| {
        torch.library.needed.iter().any(|needed| *needed == provider.file || *needed == name(provider))
    })
}

fn name(one: &Named) -> &str {
    one.library.soname.as_deref().unwrap_or(&one.file)
}

/// `librocblas.so.4` is `librocblas.so` and `.4`.
fn parts(name: &str) -> (&str, &str) {
    match name.find(".so") {
        Some(at) => name.split_at(at + 3),
        None => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(soname: &str, needed: &[&str]) -> Library {
        Library {
            soname: Some(soname.to_owned()),
            needed: needed.iter().map(|one| (*one).to_owned()).collect(),
            ..Library::default()
        }
    }

    fn named(file: &str, library: Library) -> Named {
        Named { file: file.to_owned(), library }
    }

    fn ours() -> Ours {
        let mut library = library("libMIOpen.so.1", &["librocblas.so.4", "libamdhip64.so.6", "libc.so.6"]);
        library.wants.insert("libamdhip64.so.6".into(), vec!["hip_6.0".into()]);
        library.wants.insert("libc.so.6".into(), vec!["GLIBC_2.38".into()]);
        Ours { library, exports: BTreeSet::from(["miopenCreate".to_owned()]) }
    }

    /// As wheels are: names of files without versions.
    fn wheel() -> Wheel {
        let mut hip = library("libamdhip64.so.6", &[]);
        hip.defines = vec!["hip_4.2".into(), "hip_6.0".into()];
        Wheel {
            libraries: vec![
                named("libMIOpen.so", library("libMIOpen.so.1", &[])),
                named("libamdhip64.so", hip),
                named("librocblas.so", library("librocblas.so.4", &[])),
                named("libtorch_hip.so", library("libtorch_hip.so", &["librocblas.so", "libamdhip64.so"])),
            ],
            miopen: "libMIOpen.so".to_owned(),
            wanted: BTreeMap::from([("miopenCreate".to_owned(), "libtorch_hip.so".to_owned())]),
        }
    }

    fn system(name: &str) -> Option<Library> {
        (name == "libc.so.6").then(|| Library {
            defines: vec!["GLIBC_2.36".into(), "GLIBC_2.38".into()],
            ..library("libc.so.6", &[])
        })
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Ours, &mut Wheel), objections: &[&str], doubts: &[&str]) {
        let (mut ours, mut wheel) = (ours(), wheel());
        change(&mut ours, &mut wheel);
        let judgement = judge(&ours, &wheel, &system);
        assert_eq!(
            (&judgement.objections[..], &judgement.doubts[..]),
            (
                &objections.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()[..],
                &doubts.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()[..],
            )
        );
    }

    #[test]
    fn a_library_of_the_same_release_fits() {
        check(|_, _| {}, &[], &[]);
    }

    #[test]
    fn every_objection_is_named() {
        check(
            |ours, wheel| {
                ours.library.soname = Some("libMIOpen.so.2".into());
                wheel.wanted.insert("miopenNew".into(), "libtorch_hip.so".into());
            },
            &[
                "its soname is libMIOpen.so.2, the wheel's has libMIOpen.so.1",
                "libtorch_hip.so calls miopenNew, which it does not export",
            ],
            &[],
        );
        check(
            |_, wheel| {
                wheel.libraries[2].library.soname = Some("librocblas.so.5".into());
                wheel.libraries[1].library.soname = Some("libamdhip64.so.7".into());
            },
            &[
                "it needs librocblas.so.4, and the wheel brings librocblas.so.5 (the file librocblas.so)",
                "it needs libamdhip64.so.6, and the wheel brings libamdhip64.so.7 (the file libamdhip64.so)",
            ],
            &[],
        );
        check(
            |_, wheel| wheel.libraries[1].library.defines = vec!["hip_4.2".into()],
            &["it needs hip_6.0 of libamdhip64.so.6, which the wheel's libamdhip64.so does not have"],
            &[],
        );
        check(
            |ours, _| {
                ours.library.wants.insert("libc.so.6".into(), vec!["GLIBC_2.41".into()]);
                ours.library.needed.push("libsqlite3.so.0".into());
            },
            &[
                "it needs GLIBC_2.41 of libc.so.6, which this system's does not have",
                "it needs libsqlite3.so.0, which is neither in the wheel nor in this system's folders",
            ],
            &[],
        );
    }

    #[test]
    fn what_only_a_soname_finds_must_be_loaded_by_torch_itself() {
        check(
            |_, wheel| wheel.libraries[3].library.needed.clear(),
            &[],
            &[
                "it needs librocblas.so.4, which the wheel calls librocblas.so: it is found only if something loads that first",
                "it needs libamdhip64.so.6, which the wheel calls libamdhip64.so: it is found only if something loads that first",
            ],
        );
        check(
            |_, wheel| {
                wheel.libraries[3].library.needed.clear();
                wheel.libraries[1].file = "libamdhip64.so.6".into();
                wheel.libraries[2].file = "librocblas.so.4".into();
            },
            &[],
            &[],
        );
    }

    #[test]
    fn a_library_without_versions_of_symbols_is_taken_as_the_loader_does() {
        check(|_, wheel| wheel.libraries[1].library.defines.clear(), &[], &[]);
    }
}
