//! `publish` as a person types it. What apt and dnf make of a repository, the live tests ask.

use snapbox::str;

use crate::home::{Home, fails};
use crate::signing_keys;

#[test]
fn a_repository_is_not_left_unsigned_by_chance() {
    let home = Home::new();
    home.write("x.deb", "!<arch>\n");
    fails(
        &home,
        "publish --repo public x.deb",
        2,
        str![[r#"
cli::usage

  x no key to sign the repository with was named
  help: name one: --key FILE, or the setting sign-key; with --unsigned, apt and dnf install from it only where they are told to trust it blindly

"#]],
    );
    assert!(!home.path("public").exists());
}

#[test]
fn a_key_that_apt_and_dnf_cannot_check_is_refused() {
    let home = Home::new();
    signing_keys::minisign(&home, "own");
    fails(
        &home,
        "publish --repo public --key own.key",
        2,
        str![[r#"
sign::not_openpgp

  x [HOME]/own.key is a key of minisign, which does not sign texts of this kind
  help: apt and dnf know OpenPGP only: name a key of GnuPG

"#]],
    );
    assert!(!home.path("public").exists());
}

#[test]
fn what_is_no_package_is_named() {
    let home = Home::new();
    signing_keys::openpgp(&home, "own", None);
    fails(
        &home,
        "publish --repo public --key own.key gone.deb",
        2,
        str![[r#"
cli::usage

  x there is no package [HOME]/gone.deb
  help: a build says where it put its package: `rdna-build logs`

"#]],
    );
    home.write("x.tar.zst", "");
    fails(
        &home,
        "publish --repo public --key own.key x.tar.zst",
        2,
        str![[r#"
repository::not_a_package

  x [HOME]/x.tar.zst is no package for apt or dnf
  help: give files that end in .deb or .rpm: `rdna-build build … --format deb,rpm` makes them

"#]],
    );
    home.write("x.deb", "!<arch>\n");
    fails(
        &home,
        "publish --repo public --key own.key x.deb",
        5,
        str![[r#"
package::not_ours

  x [HOME]/x.deb is not a package of rdna-build: there is no control.tar.zst in it
  help: check its digest against the .sha256 beside it

"#]],
    );
}

#[test]
fn an_empty_repository_says_that_it_is_empty() {
    let home = Home::new();
    let ran = home.run("publish --repo public --unsigned");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    snapbox::assert_data_eq!(
        ran.stderr,
        str![[r#"
no package is in it

"#]]
    );
    let ran = home.run("publish --repo public --unsigned --json");
    snapbox::assert_data_eq!(
        ran.stdout,
        str![[r#"
{"added":[],"apt":0,"dnf":0,"settings":[]}

"#]]
    );
}
