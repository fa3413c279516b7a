//! `rdna-build install --into-venv`, on folders laid out as wheels are, with the libraries of `tests/fixtures/venv`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use snapbox::{assert_data_eq, str};

use crate::home::{Home, fails};
use crate::packages::Recipe;

const TORCH: &str = "venv/lib/python3.12/site-packages/torch/lib";

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/venv");
    fs::read(folder.join(name)).unwrap()
}

/// A home with a wheel of ROCm 6 in `venv`.
fn home() -> Home {
    let home = Home::new();
    for name in ["libamdhip64.so", "librocblas.so", "libMIOpen.so", "libtorch_hip.so"] {
        home.write(&format!("{TORCH}/{name}"), fixture(name));
    }
    home.write(&format!("{TORCH}/libtorch_python.so"), fixture("libtorch_hip.so"));
    home.write(&format!("{TORCH}/notes.txt"), "no library");
    fs::set_permissions(library(&home), fs::Permissions::from_mode(0o640)).unwrap();
    home
}

fn library(home: &Home) -> PathBuf {
    home.path(TORCH).join("libMIOpen.so")
}

fn package(home: &Home, name: &str) -> String {
    let bytes = fixture(name);
    let files: &[(&str, &[u8])] = &[("lib/libMIOpen.so.1", &bytes), ("share/x", b"x")];
    let version = if name == "ours-next.so" { "3.4.0" } else { "3.3.0" };
    let recipe = Recipe { name: "miopen", version, files, ..Recipe::PLAIN };
    recipe.pack(&home.path(&format!("packages/{name}"))).display().to_string()
}

fn swap(home: &Home, name: &str) {
    let ran = home.run(&format!("install --into-venv venv {}", package(home, name)));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

/// Name, bytes, mode and time of everything in torch's folder.
fn state(home: &Home) -> Vec<(String, Vec<u8>, u32, i64)> {
    let entries = fs::read_dir(home.path(TORCH)).unwrap();
    let mut all: Vec<_> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap(), metadata.mode(), metadata.mtime())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn a_library_that_fits_is_swapped_and_the_wheel_s_own_comes_back_as_it_was() {
    let home = home();
    let before = state(&home);
    let ran = home.run(&format!("install --into-venv venv {}", package(&home, "ours.so")));
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
PyTorch has the library of miopen 3.3.0 for gfx1010 now
  original     [HOME]/venv/lib/python3.12/site-packages/torch/lib/libMIOpen.so.rdna-build-original
  back         rdna-build rollback --into-venv [HOME]/venv

"#]]
    );
    assert_eq!((ran.code, ran.stdout), (0, format!("[HOME]/{TORCH}/libMIOpen.so\n")));
    assert_eq!(fs::read(library(&home)).unwrap(), fixture("ours.so"));
    assert_eq!(fs::metadata(library(&home)).unwrap().mode() & 0o777, 0o640);
    let names: Vec<String> = state(&home).into_iter().map(|(name, ..)| name).collect();
    assert!(names.contains(&"libMIOpen.so.rdna-build-original".to_owned()), "{names:?}");
    assert_eq!(names.len(), before.len() + 2, "{names:?}");

    let ran = home.run("rollback --into-venv venv");
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
PyTorch has its own library again, instead of miopen 3.3.0 for gfx1010

"#]]
    );
    assert_eq!(state(&home), before);
    fails(
        &home,
        "rollback --into-venv venv",
        2,
        str![[r#"
install::not_swapped

  x no library was swapped in [HOME]/venv/lib/python3.12/site-packages/torch/lib
  help: there is nothing to take back

"#]],
    );
}

#[test]
fn a_second_swap_keeps_the_first_original() {
    let home = home();
    let before = state(&home);
    swap(&home, "ours.so");
    swap(&home, "ours-next.so");
    assert_eq!(fs::read(library(&home)).unwrap(), fixture("ours-next.so"));
    let original = home.path(TORCH).join("libMIOpen.so.rdna-build-original");
    assert_eq!(fs::read(original).unwrap(), fixture("libMIOpen.so"));
    let ran = home.run(&format!("install --into-venv venv {} --json", package(&home, "ours-next.so")));
    assert_eq!(ran.json()[0]["outcome"], "already-swapped");
    assert_eq!(home.run("rollback --into-venv venv").code, 0);
    assert_eq!(state(&home), before);
}

#[test]
fn what_does_not_fit_is_refused_with_every_reason_and_changes_nothing() {
    let home = home();
    let put = |from: &str, to: &str| fs::write(home.path(TORCH).join(to), fixture(from)).unwrap();
    let ours = package(&home, "ours.so");
    put("next-librocblas.so", "librocblas.so");
    put("old-libamdhip64.so", "libamdhip64.so");
    put("next-libtorch_hip.so", "libtorch_hip.so");
    let before = state(&home);
    fails(
        &home,
        &format!("install --into-venv venv {ours}"),
        5,
        str![[r#"
install::unfit

  x this MIOpen does not fit the PyTorch in [HOME]/venv/lib/python3.12/site-packages/torch/lib:
  |   libtorch_hip.so calls miopenConvolutionNew, which it does not export
  |   it needs librocblas.so.4, and the wheel brings librocblas.so.5 (the file librocblas.so)
  |   it needs hip_6.0 of libamdhip64.so.6, which the wheel's libamdhip64.so does not have
  help: nothing was changed; build MIOpen with the toolchain of the wheel's ROCm release: rdna-build toolchains resolve miopen

"#]],
    );
    let nowhere = package(&home, "ours-of-nowhere.so");
    let ran = home.run(&format!("install --into-venv venv {nowhere}"));
    assert!(
        ran.stderr.contains("its soname is libMIOpen.so.2, the wheel's has libMIOpen.so.1"),
        "{}",
        ran.stderr
    );
    assert_eq!(state(&home), before);
}

#[test]
fn what_is_no_pytorch_for_rocm_is_refused_by_what_it_is() {
    let home = home();
    let ours = package(&home, "ours.so");
    let command = format!("install --into-venv venv {ours}");
    fails(
        &home,
        &format!("install --into-venv gone {ours}"),
        2,
        str![[r#"
install::no_venv

  x [HOME]/gone is no virtual environment: No such file or directory (os error 2)
  help: name the folder that has bin/, lib/ and pyvenv.cfg; in Python: `import sys; sys.prefix`

"#]],
    );
    fs::create_dir_all(home.path("empty/lib/python3.12/site-packages")).unwrap();
    fails(
        &home,
        &format!("install --into-venv empty {ours}"),
        2,
        str![[r#"
install::no_torch

  x there is no PyTorch in [HOME]/empty
  help: looked for lib/python3*/site-packages/torch/lib; install a ROCm wheel of PyTorch into it first

"#]],
    );

    let torch = home.path(TORCH);
    fs::remove_file(torch.join("libtorch_hip.so")).unwrap();
    fails(
        &home,
        &command,
        2,
        str![[r#"
install::other_wheel

  x the PyTorch in [HOME]/venv/lib/python3.12/site-packages/torch/lib is not for ROCm: it has no libtorch_hip.so: it is a wheel for the processor only
  help: install a wheel of PyTorch that was made for ROCm

"#]],
    );
    fs::write(torch.join("libtorch_cuda.so"), fixture("libtorch_hip.so")).unwrap();
    fails(
        &home,
        &command,
        2,
        str![[r#"
install::other_wheel

  x the PyTorch in [HOME]/venv/lib/python3.12/site-packages/torch/lib is not for ROCm: it has libtorch_cuda.so, and no libtorch_hip.so: it is a wheel for CUDA
  help: install a wheel of PyTorch that was made for ROCm

"#]],
    );
    fs::rename(torch.join("libtorch_cuda.so"), torch.join("libtorch_hip.so")).unwrap();

    let plain = Recipe::PLAIN.pack(&home.path("packages/plain"));
    fails(
        &home,
        &format!("install --into-venv venv {}", plain.display()),
        2,
        str![[r#"
install::no_library

  x the package tiny 1.0 for gfx1010 holds no libMIOpen.so
  help: name a package of MIOpen: rdna-build install --into-venv DIR PACKAGE

"#]],
    );
    fs::copy(torch.join("libMIOpen.so"), torch.join("libMIOpen.so.1")).unwrap();
    fails(
        &home,
        &command,
        2,
        str![[r#"
install::several_miopens

  x there are several MIOpens in [HOME]/venv/lib/python3.12/site-packages/torch/lib: libMIOpen.so, libMIOpen.so.1
  help: remove those that torch did not bring

"#]],
    );
    fs::remove_file(torch.join("libMIOpen.so.1")).unwrap();
    fs::remove_file(torch.join("libMIOpen.so")).unwrap();
    fails(
        &home,
        &command,
        2,
        str![[r#"
install::no_miopen

  x the PyTorch in [HOME]/venv/lib/python3.12/site-packages/torch/lib brings no libMIOpen.so: it takes the system's
  help: start it with the library in front: rdna-build run miopen -- python3 …

"#]],
    );

    home.write("venv/lib/python3.11/site-packages/torch/lib/x", "");
    fails(
        &home,
        &command,
        2,
        str![[r#"
install::several_torchs

  x there are several PyTorchs in [HOME]/venv:
  |   [HOME]/venv/lib/python3.11/site-packages/torch/lib
  |   [HOME]/venv/lib/python3.12/site-packages/torch/lib
  help: remove those of Pythons that are no longer used

"#]],
    );
}

#[test]
fn a_wheel_with_links_beside_its_library_is_swapped_as_well() {
    let home = home();
    symlink("lib", home.path("venv/lib64")).unwrap();
    symlink("libMIOpen.so", home.path(TORCH).join("libMIOpen.so.1")).unwrap();
    let before = state(&home);
    swap(&home, "ours.so");
    assert_eq!(fs::read(home.path(TORCH).join("libMIOpen.so.1")).unwrap(), fixture("ours.so"));
    assert_eq!(home.run("rollback --into-venv venv").code, 0);
    assert_eq!(state(&home), before);
}

#[test]
fn a_library_that_somebody_else_put_there_is_left_alone() {
    let home = home();
    swap(&home, "ours.so");
    fs::write(library(&home), "somebody's").unwrap();
    let before = state(&home);
    fails(
        &home,
        "rollback --into-venv venv",
        4,
        str![[r#"
install::foreign

  x [HOME]/venv/lib/python3.12/site-packages/torch/lib/libMIOpen.so is neither what the wheel brought nor what was put there
  help: somebody replaced it since. If PyTorch was installed anew, remove [HOME]/venv/lib/python3.12/site-packages/torch/lib/.rdna-build.json and [HOME]/venv/lib/python3.12/site-packages/torch/lib/libMIOpen.so.rdna-build-original, then install again

"#]],
    );
    let again = format!("install --into-venv venv {}", package(&home, "ours-next.so"));
    assert_eq!(home.run(&again).code, 4);
    assert_eq!(state(&home), before);

    // An original of which nothing is known is never overwritten.
    fs::remove_file(home.path(TORCH).join(".rdna-build.json")).unwrap();
    let before = state(&home);
    fails(
        &home,
        &again.replace(&home.path("").display().to_string(), ""),
        4,
        str![[r#"
install::original

  x [HOME]/venv/lib/python3.12/site-packages/torch/lib/libMIOpen.so.rdna-build-original was kept as the original, and is another than [HOME]/venv/lib/python3.12/site-packages/torch/lib/libMIOpen.so now
  help: it is not overwritten; look what it is, and move it away

"#]],
    );
    assert_eq!(state(&home), before);
}

#[test]
fn a_swap_that_was_cut_off_is_taken_up_or_taken_back() {
    let home = home();
    let before = state(&home);
    let original = home.path(TORCH).join("libMIOpen.so.rdna-build-original");
    let leftover = format!("{TORCH}/.rdna-build-new-left/lib");
    // Before the note was written.
    fs::hard_link(library(&home), &original).unwrap();
    home.write(&leftover, "left");
    assert_eq!(home.run("rollback --into-venv venv").code, 0);
    assert_eq!(state(&home), before);
    fs::hard_link(library(&home), &original).unwrap();
    swap(&home, "ours.so");
    // Before ours took the name: the note is there, the library is the wheel's.
    fs::remove_file(library(&home)).unwrap();
    fs::hard_link(&original, library(&home)).unwrap();
    home.write(&leftover, "left");
    assert_eq!(home.run("rollback --into-venv venv").code, 0);
    assert_eq!(state(&home), before);
}
