//! Rules about what a recipe and a target ask.

use snapbox::{assert_data_eq, str};

use super::*;
use crate::model::{Part, Version, VersionRange};

fn unmet(inventory: &Inventory, capability: &str, range: &str, version: &str) -> String {
    let range: VersionRange = range.parse().expect("a range");
    let version: Version = version.parse().expect("a version");
    let ranges = BTreeMap::from([
        (capability.to_owned(), range),
        ("rocrand".to_owned(), ">=6.0".parse().expect("a range")),
    ]);
    let provided = BTreeMap::from([(capability.to_owned(), version)]);
    let requirements = Requirements { by: "miopen 3.3.0".to_owned(), ranges: &ranges, provided: &provided };
    told("requirement-unmet", &Scene { requirements: Some(requirements), ..Scene::of(inventory) })
}

#[test]
fn what_a_recipe_requires_is_held_against_what_is_there() {
    assert_data_eq!(
        unmet(&debian_sid(), "rocblas", ">=6.0, <7.0", "7.2"),
        str![[r#"
refuse: miopen 3.3.0 requires rocblas >=6.0, <7.0, and 7.2 is here
  miopen 3.3.0: requires rocblas >=6.0, <7.0
  /usr/lib/x86_64-linux-gnu/librocblas.so.4: 7.2
  do: use a toolchain that has what the recipe requires: rdna-build recipes show RECIPE, rdna-build toolchains

"#]]
    );
    assert_eq!(unmet(&debian_sid(), "rocblas", ">=6.0, <7.0", "6.4"), "");
    let mut inventory = debian_sid();
    let proof = path("/usr/include/boost/version.hpp");
    inventory.parts = vec![Part { name: "boost".to_owned(), version: "1.88".parse().ok(), proof }];
    let told = unmet(&inventory, "boost", "<1.87", "1.88");
    assert!(told.contains("  /usr/include/boost/version.hpp: 1.88\n"), "{told}");
}

#[test]
fn rocblas_without_kernels_for_the_target_is_a_hint() {
    let inventory = debian_sid();
    let scene =
        |target: &str| Scene { target: Some(target.parse().expect("a target")), ..Scene::of(&inventory) };
    assert_data_eq!(
        told("rocblas-lacks-target", &scene("gfx1012")),
        str![[r#"
warn: rocBLAS has no kernels for gfx1012
  /usr/lib/x86_64-linux-gnu/rocblas/4.4.1/library: has kernels for gfx1010 gfx1030
  do: use a rocBLAS that has them: Debian's, or one that was built for your target

"#]]
    );
    assert_eq!(told("rocblas-lacks-target", &scene("gfx1010")), "");
    let empty = Inventory::default();
    let scene = Scene { target: Some("gfx1010".parse().expect("a target")), ..Scene::of(&empty) };
    assert_eq!(told("rocblas-lacks-target", &scene), "", "no rocBLAS is there");
}
