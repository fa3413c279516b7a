//! Made-up recipes that take a second.

use std::fs;
use std::path::Path;

use crate::desk::Desk;

const TOML: &str = r#"schema = 1
name = "NAME"
summary = "made up by a test"
homepage = "https://example.org/NAME"
license = "MIT"
default-version = "1.0.0"

[[versions]]
version = "1.0.0"
rocm = "6.4.3"
bundled = "source"

[requires]

[targets]
supported = ["gfx1010"]

[build]
system = "cmake"
prefix = "/opt/{name}"
memory-per-job = "100 MiB"
disk = "16 MiB"
minutes = 1

[[outputs]]
path = "share/answer.txt"
kind = "file"
"#;

const TOOLCHAIN: &str = r#"schema = 1
summary = "made up by a test"
rocm = "6.4.3"

[base.debian]
suite = "sid"
components = ["main"]
check-valid-until = false
packages = ["ninja-build"]

[compiler]
c = "/usr/bin/false"
cxx = "/usr/bin/false"

[provides]
ninja = { version = "1", package = "ninja-build" }
"#;

/// What a working CMakeLists.txt ends with.
pub const INSTALL: &str = "install(FILES answer.txt DESTINATION share)\n";

/// Puts a recipe into the desk's recipe folder. `cmake` is what follows `project`, which needs no compiler.
pub fn recipe(desk: &Desk, name: &str, cmake: &str) {
    with_files(desk, name, &format!("project(made_up NONE)\n{cmake}"), &[]);
}

/// The same with C, and with files beside CMakeLists.txt.
pub fn c_recipe(desk: &Desk, name: &str, cmake: &str, files: &[(&str, &str)]) {
    with_files(desk, name, &format!("project(made_up C)\n{cmake}"), files);
}

/// A step of a build that says `text`, then runs `command`.
pub fn step(text: &str, command: &str) -> String {
    format!(
        "add_custom_target(step ALL COMMAND echo {text} COMMAND sh -c \"{command}\" VERBATIM USES_TERMINAL)\n"
    )
}

/// Puts a toolchain into the desk's toolchain folder, of which the engine has no image: hardly more than Debian sid's
/// essential packages, with nothing to build with.
pub fn toolchain(desk: &Desk, name: &str) {
    toolchain_with(desk, name, &[]);
}

/// The same with more packages of Debian's.
pub fn toolchain_with(desk: &Desk, name: &str, packages: &[&str]) {
    let folder = desk.path("toolchains").join(name);
    let packages: String = packages.iter().map(|package| format!(", \"{package}\"")).collect();
    let text = TOOLCHAIN.replace("\"ninja-build\"]", &format!("\"ninja-build\"{packages}]"));
    // The process's number makes another toolchain of it each time.
    write(&folder.join("toolchain.toml"), &format!("{text}# {}\n", std::process::id()));
}

fn with_files(desk: &Desk, name: &str, cmake: &str, files: &[(&str, &str)]) {
    let folder = desk.path("recipes").join(name);
    write(&folder.join("recipe.toml"), &TOML.replace("NAME", name));
    write(&folder.join("source/answer.txt"), "42\n");
    let cmake = format!("cmake_minimum_required(VERSION 3.20)\n{cmake}");
    write(&folder.join("source/CMakeLists.txt"), &cmake);
    for (path, content) in files {
        write(&folder.join("source").join(path), content);
    }
}

fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
    fs::write(path, content).expect("written");
}
