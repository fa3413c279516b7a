//! Recipes and toolchains are embedded: a new file among them must reach the binary.

fn main() {
    for folder in ["recipes", "dockerfiles"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
