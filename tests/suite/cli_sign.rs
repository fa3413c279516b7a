//! `rdna-build sign` and `verify-package`, and what `install` says of signatures.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use rdna_build::attest::{Passphrase, SigningKey};
use snapbox::{assert_data_eq, str};

use crate::home::{Home, Ran, fails};
use crate::packages::Recipe;
use crate::signing_keys;

const PACKAGE: &str = "out/tiny-1.0-gfx1010-debian-sid.tar.zst";
const MANIFEST: &str = "out/tiny-1.0-gfx1010-debian-sid.manifest.json";
const PASSPHRASE: &str = "RDNA_BUILD_SIGN_PASSPHRASE";

fn beside(ending: &str) -> String {
    format!("{PACKAGE}.{ending}")
}

/// A home with a package and the keys of two people.
fn home() -> Home {
    let home = Home::new();
    Recipe { verified: true, ..Recipe::PLAIN }.pack(&home.path("out"));
    signing_keys::openpgp(&home, "ann", None);
    signing_keys::openpgp(&home, "bob", None);
    home
}

fn signed(key: &str) -> Home {
    let home = home();
    sign(&home, key);
    home
}

fn sign(home: &Home, key: &str) {
    let ran = home.run(&format!("sign --key {key}.key {PACKAGE}"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

fn verify(home: &Home, options: &str) -> Ran {
    let mut ran = home.run(&format!("verify-package {options} {PACKAGE}"));
    ran.stdout = constant(&ran.stdout);
    ran
}

/// The text without digests and names of keys, which are others in each run.
fn constant(text: &str) -> String {
    let is_hex = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()).map(|word| {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        match (bare.len(), is_hex(bare)) {
            (64, true) => word.replace(bare, "[SHA256]"),
            (40 | 16, true) => word.replace(bare, "[KEY]"),
            (_, _) => word.to_owned(),
        }
    });
    words.collect()
}

/// What failed of a package, one line each.
#[track_caller]
fn failures(home: &Home, options: &str) -> String {
    let ran = verify(home, options);
    assert_eq!(ran.code, 5, "{}{}", ran.stdout, ran.stderr);
    let lines = ran.stdout.lines().filter_map(|line| line.strip_prefix("  failed"));
    lines.map(|line| format!("{}\n", line.trim_start())).collect()
}

fn change(home: &Home, file: &str, change: impl FnOnce(String) -> String) {
    let path = home.path(file);
    fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
}

/// The list of digests again, as somebody without the key could write it.
fn list_again(home: &Home) {
    let digests = |file: &str| {
        let digest = rdna_build::model::Digest::of(fs::read(home.path(file)).unwrap());
        format!("{digest}  {}\n", Path::new(file).file_name().unwrap().to_str().unwrap())
    };
    let files = [PACKAGE.to_owned(), MANIFEST.to_owned(), beside("cdx.json"), beside("intoto.jsonl")];
    fs::write(home.path(&beside("sha256")), files.map(|file| digests(&file)).concat()).unwrap();
}

#[test]
fn a_package_is_signed_and_what_is_proven_is_said() {
    let home = home();
    let ran = home.run(&format!("sign --key ann.key {PACKAGE}"));
    assert_data_eq!(
        constant(&ran.stderr),
        str![[r#"
tiny-1.0-gfx1010-debian-sid.tar.zst: signed by [KEY]

"#]]
    );
    assert_data_eq!(
        &ran.stdout,
        str![[r#"
[HOME]/out/tiny-1.0-gfx1010-debian-sid.tar.zst.cdx.json
[HOME]/out/tiny-1.0-gfx1010-debian-sid.tar.zst.intoto.jsonl
[HOME]/out/tiny-1.0-gfx1010-debian-sid.tar.zst.sha256
[HOME]/out/tiny-1.0-gfx1010-debian-sid.tar.zst.sha256.asc

"#]]
    );
    let ran = verify(&home, "--key ann.pub");
    assert_data_eq!(
        &ran.stdout,
        str![[r#"
tiny-1.0-gfx1010-debian-sid.tar.zst
  passed  archive     its sha256 is the listed one, [SHA256]
  passed  files       each of 3 is what the manifest inside says
  passed  manifest    the one beside is the one inside, but for image and report
  passed  sbom        it is of this package, and says what the manifest says
  passed  provenance  it is of these files, and says what the manifest says
  passed  report      1 passed, 0 failed
  passed  signature   signed by [KEY] ann <ann@example.org>

it is what its signer signed; that the library computes rightly is for `rdna-build verify`

"#]]
    );
    assert_eq!(ran.code, 0);
    let ran = verify(&home, "--key ann.pub --json").json().remove(0);
    assert_eq!(ran["signed"], "by");
    assert_eq!(ran["name"], "ann <ann@example.org>");
    assert_eq!(ran["findings"].as_array().unwrap().len(), 7);
}

#[test]
fn a_package_that_nobody_signed_says_so_and_fails_only_where_a_signature_was_asked_for() {
    let home = home();
    assert_eq!(home.run(&format!("sign --unsigned {PACKAGE}")).code, 0);
    let ran = verify(&home, "");
    assert_data_eq!(
        &ran.stdout,
        str![[r#"
tiny-1.0-gfx1010-debian-sid.tar.zst
  passed   archive     its sha256 is the listed one, [SHA256]
  passed   files       each of 3 is what the manifest inside says
  passed   manifest    the one beside is the one inside, but for image and report
  passed   sbom        it is of this package, and says what the manifest says
  passed   provenance  it is of these files, and says what the manifest says
  passed   report      1 passed, 0 failed
  skipped  signature   nobody signed it

nothing is wrong with it; who made it is not proven, for nobody signed; that the library computes rightly is for `rdna-build verify`

"#]]
    );
    assert_eq!(ran.code, 0);
    assert_data_eq!(
        failures(&home, "--require-signature"),
        str![[r#"
signature   nobody signed it

"#]]
    );
    assert_data_eq!(
        failures(&home, "--key ann.pub"),
        str![[r#"
signature   nobody signed it

"#]]
    );
}

#[test]
fn a_key_that_is_not_known_proves_nothing() {
    let home = signed("ann");
    let ran = verify(&home, "");
    assert_data_eq!(
        &ran.stdout,
        str![[r#"
tiny-1.0-gfx1010-debian-sid.tar.zst
  passed   archive     its sha256 is the listed one, [SHA256]
  passed   files       each of 3 is what the manifest inside says
  passed   manifest    the one beside is the one inside, but for image and report
  passed   sbom        it is of this package, and says what the manifest says
  passed   provenance  it is of these files, and says what the manifest says
  passed   report      1 passed, 0 failed
  skipped  signature   signed by [KEY], a key that is not known here

nothing is wrong with it; who made it is not proven, for the key is not known here (--key names it); that the library computes rightly is for `rdna-build verify`

"#]]
    );
    assert_eq!(ran.code, 0);
    assert_data_eq!(
        failures(&home, "--key bob.pub"),
        str![[r#"
signature   signed by [KEY], a key that is not known here

"#]]
    );
    let home = home.with("RDNA_BUILD_TRUSTED_KEYS", "ann.pub:bob.pub");
    assert_eq!(verify(&home, "--require-signature").code, 0);
}

#[test]
fn a_key_of_minisign_signs_as_well() {
    let home = home();
    signing_keys::minisign(&home, "mini");
    sign(&home, "mini");
    let ran = verify(&home, "--key mini.pub");
    assert_data_eq!(
        ran.stdout,
        str![[r#"
tiny-1.0-gfx1010-debian-sid.tar.zst
  passed  archive     its sha256 is the listed one, [SHA256]
  passed  files       each of 3 is what the manifest inside says
  passed  manifest    the one beside is the one inside, but for image and report
  passed  sbom        it is of this package, and says what the manifest says
  passed  provenance  it is of these files, and says what the manifest says
  passed  report      1 passed, 0 failed
  passed  signature   signed by [KEY]

it is what its signer signed; that the library computes rightly is for `rdna-build verify`

"#]]
    );
    assert!(home.path(&beside("sha256.minisig")).exists());
    // Another key takes the place of the first.
    sign(&home, "ann");
    assert!(!home.path(&beside("sha256.minisig")).exists());
    assert_eq!(verify(&home, "--key ann.pub").code, 0);
    fs::create_dir(home.path("keys")).unwrap();
    for key in ["mini.pub", "ann.pub"] {
        fs::copy(home.path(key), home.path("keys").join(key)).unwrap();
    }
    assert_eq!(verify(&home, "--key keys").code, 0);
}

#[test]
fn a_file_that_was_changed_after_it_was_signed_is_named() {
    for (file, says) in [
        (
            PACKAGE.to_owned(),
            str![[r#"
archive     its sha256 is [SHA256], the list says [SHA256]
files       Restored data doesn't match checksum
sbom        it is of a package with another sha256, [SHA256]
provenance  the sha256 of tiny-1.0-gfx1010-debian-sid.tar.zst is not [SHA256], as it says
signature   tiny-1.0-gfx1010-debian-sid.tar.zst was changed since it was signed

"#]],
        ),
        (
            MANIFEST.to_owned(),
            str![[r#"
manifest    the one beside tells of another package than the one inside
provenance  the sha256 of tiny-1.0-gfx1010-debian-sid.manifest.json is not [SHA256], as it says
signature   tiny-1.0-gfx1010-debian-sid.manifest.json was changed since it was signed

"#]],
        ),
        (
            beside("cdx.json"),
            str![[r#"
sbom        key must be a string at line 44 column 10
provenance  the sha256 of tiny-1.0-gfx1010-debian-sid.tar.zst.cdx.json is not [SHA256], as it says
signature   tiny-1.0-gfx1010-debian-sid.tar.zst.cdx.json was changed since it was signed

"#]],
        ),
        (
            beside("intoto.jsonl"),
            str![[r#"
provenance  it is `https://in-toto.io/Stauement/v1`, not `https://in-toto.io/Statement/v1`
signature   [KEY]: it is not a signature of this text

"#]],
        ),
        (
            beside("sha256"),
            str![[r#"
archive     `302b28c1g0e02d990ce05a7121c331d88ae3a49d7dcd1a6c5668aaea4b81b4f2  tiny-1.0-gfx1010-debian-sid.tar.zst.cdx.json` is not a digest and a name
signature   it is of the list of another package

"#]],
        ),
    ] {
        let home = signed("ann");
        let mut bytes = fs::read(home.path(&file)).unwrap();
        // Signatures are of any length: in the provenance this is in the statement.
        let at = if file.ends_with("jsonl") { 100 } else { bytes.len() / 2 };
        bytes[at] = bytes[at].wrapping_add(1);
        fs::write(home.path(&file), bytes).unwrap();
        assert_data_eq!(failures(&home, "--key ann.pub"), says);
    }
}

#[test]
fn who_changes_everything_but_has_not_the_key_is_found_out() {
    let home = signed("ann");
    change(&home, &beside("cdx.json"), |text| text.replace("MIT", "GPL"));
    list_again(&home);
    assert_data_eq!(
        failures(&home, "--key ann.pub"),
        str![[r#"
sbom        it does not say what the manifest says
provenance  the sha256 of tiny-1.0-gfx1010-debian-sid.tar.zst.cdx.json is not [SHA256], as it says
signature   [KEY]: it is not a signature of this text

"#]]
    );
    // Signed with a key of one's own, it is another's signature.
    sign(&home, "bob");
    assert_data_eq!(
        failures(&home, "--key ann.pub"),
        str![[r#"
signature   signed by [KEY], a key that is not known here

"#]]
    );
}

#[test]
fn the_signature_of_another_package_counts_for_that_only() {
    let home = signed("ann");
    Recipe { version: "2.0", ..Recipe::PLAIN }.pack(&home.path("other"));
    let other = "other/tiny-2.0-gfx1010-debian-sid.tar.zst";
    assert_eq!(home.run(&format!("sign --key ann.key {other}")).code, 0);
    for ending in ["sha256", "sha256.asc", "intoto.jsonl"] {
        fs::copy(home.path(&format!("{other}.{ending}")), home.path(&beside(ending))).unwrap();
    }
    assert_data_eq!(
        failures(&home, "--key ann.pub"),
        str![[r#"
archive     its first line is not about tiny-1.0-gfx1010-debian-sid.tar.zst
provenance  it is of tiny-2.0-gfx1010-debian-sid.tar.zst, which is no file of this package
signature   it is of the list of another package

"#]]
    );
}

#[test]
fn list_and_provenance_are_signed_by_the_same_key() {
    let home = signed("ann");
    let provenance = fs::read(home.path(&beside("intoto.jsonl"))).unwrap();
    sign(&home, "bob");
    fs::write(home.path(&beside("intoto.jsonl")), provenance).unwrap();
    assert_data_eq!(
        failures(&home, "--key ann.pub --key bob.pub"),
        str![[r#"
signature   the list of digests is signed by [KEY], the provenance by [KEY]

"#]]
    );
}

#[test]
fn an_unsigned_bill_or_statement_of_something_else_is_found_out() {
    let replaced = |file: String, from: &'static str, to: &'static str| {
        let home = home();
        assert_eq!(home.run(&format!("sign --unsigned {PACKAGE}")).code, 0);
        change(&home, &file, |text| {
            assert!(text.contains(from), "{text}");
            text.replace(from, to)
        });
        failures(&home, "")
    };
    let found = [
        replaced(beside("cdx.json"), "\"version\": \"1.0\"", "\"version\": \"9.0\""),
        replaced(beside("intoto.jsonl"), "slsa.dev/provenance/v1", "example.org/my-own"),
        replaced(beside("intoto.jsonl"), PACKAGE.strip_prefix("out/").unwrap(), "../../etc/passwd"),
        replaced(beside("cdx.json"), "\"MIT\"", "\"GPL-2.0\""),
        replaced(beside("intoto.jsonl"), "\"target\":\"gfx1010\"", "\"target\":\"gfx1030\""),
        replaced(MANIFEST.to_owned(), "\"version\":\"1.0\"", "\"version\":\"9.0\""),
    ];
    assert_data_eq!(
        found.join("\n"),
        str![[r#"
sbom        it is of tiny 9.0, another package
provenance  the sha256 of tiny-1.0-gfx1010-debian-sid.tar.zst.cdx.json is not [SHA256], as it says

provenance  it is `https://example.org/my-own`, not `https://slsa.dev/provenance/v1`

provenance  it is of ../../etc/passwd, which is no file of this package

sbom        it does not say what the manifest says
provenance  the sha256 of tiny-1.0-gfx1010-debian-sid.tar.zst.cdx.json is not [SHA256], as it says

provenance  it does not say what the manifest says

manifest    the one beside tells of another package than the one inside
sbom        it is of tiny 1.0, another package
provenance  the sha256 of tiny-1.0-gfx1010-debian-sid.manifest.json is not [SHA256], as it says

"#]]
    );
}

#[test]
fn truncated_huge_and_nonsensical_files_are_failures_not_crashes() {
    let home = signed("ann");
    for ending in ["cdx.json", "intoto.jsonl", "sha256", "sha256.asc"] {
        let path = home.path(&beside(ending));
        let text = fs::read(&path).unwrap();
        for bytes in [&text[..text.len() / 2], b"", b"[[[[[[[[", b"\xff\xfe\0"] {
            fs::write(&path, bytes).unwrap();
            assert!(!failures(&home, "--key ann.pub").is_empty(), "{ending}");
        }
        fs::write(&path, "[".repeat(100_000)).unwrap();
        assert_eq!(verify(&home, "--key ann.pub").code, 5, "{ending}");
        // Sparse: it is only looked at up to the limit.
        fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
        let ran = verify(&home, "--key ann.pub");
        assert_eq!(ran.code, 5, "{ending}: {}{}", ran.stdout, ran.stderr);
        fs::write(&path, text).unwrap();
    }
    assert_eq!(verify(&home, "--key ann.pub").code, 0);
    let archive = fs::read(home.path(PACKAGE)).unwrap();
    fs::write(home.path(PACKAGE), &archive[..archive.len() / 2]).unwrap();
    assert_eq!(verify(&home, "--key ann.pub").code, 5);
}

#[test]
fn what_is_missing_beside_a_package_is_named() {
    let home = home();
    for file in [MANIFEST.to_owned(), beside("sha256")] {
        fs::remove_file(home.path(&file)).unwrap();
    }
    let ran = verify(&home, "");
    assert_data_eq!(
        &ran.stdout,
        str![[r#"
tiny-1.0-gfx1010-debian-sid.tar.zst
  skipped  archive     there is no tiny-1.0-gfx1010-debian-sid.tar.zst.sha256 beside it
  passed   files       each of 3 is what the manifest inside says
  skipped  manifest    there is no tiny-1.0-gfx1010-debian-sid.manifest.json beside it
  skipped  sbom        there is no tiny-1.0-gfx1010-debian-sid.tar.zst.cdx.json beside it
  skipped  provenance  there is no tiny-1.0-gfx1010-debian-sid.tar.zst.intoto.jsonl beside it
  skipped  report      there is no manifest to hold it against
  skipped  signature   nobody signed it

nothing is wrong with it; who made it is not proven, for nobody signed; that the library computes rightly is for `rdna-build verify`

"#]]
    );
    assert_eq!(ran.code, 0);
    fails(
        &home,
        &format!("sign --key ann.key {PACKAGE}"),
        2,
        str![[r#"
sign::no_manifest

  x beside [HOME]/out/tiny-1.0-gfx1010-debian-sid.tar.zst is no manifest [HOME]/out/tiny-1.0-gfx1010-debian-sid.manifest.json
  help: a build puts it there: keep the files of a package together, or build it again

"#]],
    );
}

#[test]
fn what_was_signed_and_is_gone_is_a_failure() {
    for (file, says) in [
        (
            MANIFEST.to_owned(),
            str![[r#"
signature   tiny-1.0-gfx1010-debian-sid.manifest.json was signed and cannot be read

"#]],
        ),
        (
            beside("cdx.json"),
            str![[r#"
provenance  it is of tiny-1.0-gfx1010-debian-sid.tar.zst.cdx.json, too, which cannot be read
signature   tiny-1.0-gfx1010-debian-sid.tar.zst.cdx.json was signed and cannot be read

"#]],
        ),
        (
            beside("intoto.jsonl"),
            str![[r#"
signature   tiny-1.0-gfx1010-debian-sid.tar.zst.intoto.jsonl was signed and cannot be read

"#]],
        ),
        (
            beside("sha256"),
            str![[r#"
signature   the list that it is of is not there

"#]],
        ),
        (
            beside("sha256.asc"),
            str![[r#"
signature   the provenance is signed, and the list of digests is not

"#]],
        ),
    ] {
        let home = signed("ann");
        fs::remove_file(home.path(&file)).unwrap();
        assert_data_eq!(failures(&home, "--key ann.pub"), says);
    }
}

#[test]
fn nothing_is_signed_that_does_not_belong_together() {
    let home = home();
    change(&home, MANIFEST, |text| text.replace("\"1.0\"", "\"9.0\""));
    fails(
        &home,
        &format!("sign --key ann.key {PACKAGE}"),
        5,
        str![[r#"
sign::other_manifest

  x [HOME]/out/tiny-1.0-gfx1010-debian-sid.manifest.json tells of another package than the one inside [HOME]/out/tiny-1.0-gfx1010-debian-sid.tar.zst
  help: nothing was signed; build the package again, and look into how the two came together

"#]],
    );
    change(&home, &beside("sha256"), |text| text.replace(&text[..8], "00000000"));
    let ran = home.run(&format!("sign --key ann.key {PACKAGE}"));
    assert!(ran.stderr.starts_with("sign::wrong_digest"), "{}", ran.stderr);
    assert_eq!(ran.code, 5);
    assert!(!home.path(&beside("sha256.asc")).exists());
}

#[test]
fn a_key_that_cannot_sign_is_told_why() {
    let home = home();
    fails(
        &home,
        &format!("sign {PACKAGE}"),
        2,
        str![[r#"
cli::usage

  x no key to sign with was named
  help: name one: --key FILE, or the setting sign-key; --unsigned signs nothing

"#]],
    );
    fails(
        &home,
        &format!("sign --key ann.pub {PACKAGE}"),
        2,
        str![[r#"
sign::public

  x [HOME]/ann.pub is a public key, and signing needs the secret one
  help: `gpg --armor --export-secret-keys KEY > FILE` writes the secret half

"#]],
    );
    home.write("nonsense", "nonsense");
    fails(
        &home,
        &format!("sign --key nonsense {PACKAGE}"),
        2,
        str![[r#"
sign::unreadable

  x [HOME]/nonsense cannot be read as a secret key: not enough bytes in buffer: armor header
  help: write one with `gpg --armor --export-secret-keys KEY > FILE`, or make one with `minisign -G`

"#]],
    );
    home.write(
        "two",
        [fs::read(home.path("ann.key")).unwrap(), fs::read(home.path("bob.key")).unwrap()].concat(),
    );
    fails(
        &home,
        &format!("sign --key two {PACKAGE}"),
        2,
        str![[r#"
sign::several

  x [HOME]/two holds 2 secret keys, and which of them signs is open
  help: write one alone: `gpg --armor --export-secret-keys FINGERPRINT > FILE`

"#]],
    );
    signing_keys::minisign(&home, "mini");
    fails(
        &home,
        &format!("sign --key mini.pub {PACKAGE}"),
        2,
        str![[r#"
sign::public

  x [HOME]/mini.pub is a public key, and signing needs the secret one
  help: `gpg --armor --export-secret-keys KEY > FILE` writes the secret half

"#]],
    );
    fails(
        &home,
        &format!("verify-package --key mini.key {PACKAGE}"),
        2,
        str![[r#"
sign::not_a_public_key

  x [HOME]/mini.key is no public key: it is a secret key
  help: `gpg --armor --export KEY > FILE` writes one, and `minisign -G` a `.pub`

"#]],
    );
    fails(
        &home,
        &format!("verify-package --key nonsense {PACKAGE}"),
        2,
        str![[r#"
sign::not_a_public_key

  x [HOME]/nonsense is no public key: not enough bytes in buffer: armor header
  help: `gpg --armor --export KEY > FILE` writes one, and `minisign -G` a `.pub`

"#]],
    );
}

#[test]
fn a_passphrase_comes_from_the_environment_or_a_file_and_is_shown_nowhere() {
    let home = home();
    signing_keys::openpgp(&home, "eve", Some("open sesame"));
    fails(
        &home,
        &format!("sign --key eve.key {PACKAGE}"),
        2,
        str![[r#"
sign::locked

  x the key [HOME]/eve.key is locked, and no passphrase was given
  help: put it into RDNA_BUILD_SIGN_PASSPHRASE, or into a file that `sign-passphrase-file` names

"#]],
    );
    home.write("secret", "open sesame\n");
    let ran = home.run(&format!("sign --key eve.key --passphrase-file secret {PACKAGE}"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    home.write("wrong", "sesame\n");
    fails(
        &home,
        &format!("sign --key eve.key --passphrase-file wrong {PACKAGE}"),
        2,
        str![[r#"
sign::passphrase

  x the passphrase does not unlock the key [HOME]/eve.key
  help: of a file its first line counts; an RDNA_BUILD_SIGN_PASSPHRASE that is set comes before the file

"#]],
    );
    let home = home.with(PASSPHRASE, "open sesame").with("RDNA_BUILD_SIGN_KEY", "eve.key");
    let ran = home.run(&format!("sign --passphrase-file wrong {PACKAGE} --verbose"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let config = home.run("config --json");
    assert!(config.stdout.contains("eve.key") && !config.stdout.contains("sesame"), "{}", config.stdout);
    assert!(!config.stderr.contains("means nothing here"), "{}", config.stderr);
}

#[test]
fn a_secret_key_that_others_may_read_is_warned_of() {
    let home = home();
    fs::set_permissions(home.path("ann.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let ran = home.run(&format!("sign --key ann.key {PACKAGE}"));
    assert!(
        ran.stderr.contains("warning: others may read or change the secret key [HOME]/ann.key: chmod 600"),
        "{}",
        ran.stderr
    );
}

#[test]
fn install_says_who_signed_and_refuses_a_wrong_signature() {
    let home = home();
    let by = |home: &Home| {
        let ran = home.run(&format!("install --user {PACKAGE}"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stderr.lines().find_map(|line| Some(line.strip_prefix("  signed by    ")?.to_owned())).unwrap()
    };
    assert_eq!(by(&home), "nobody");
    sign(&home, "ann");
    assert!(by(&home).ends_with(", a key that is not known here"));
    let home = home.with("RDNA_BUILD_TRUSTED_KEYS", "ann.pub");
    assert!(by(&home).ends_with(" ann <ann@example.org>"));
    let json = home.run(&format!("install --user --json {PACKAGE}")).json().remove(0);
    assert_eq!(json["signature"]["signed"], "by");
    list_again(&home);
    change(&home, &beside("sha256"), |text| text.replace("cdx", "xdc"));
    let ran = home.run(&format!("install --prefix elsewhere {PACKAGE}"));
    assert_data_eq!(
        constant(&ran.stderr),
        str![[r#"
sign::bad_signature

  x the signature of [HOME]/out/tiny-1.0-gfx1010-debian-sid.tar.zst is wrong: [KEY]: it is not a signature of this text
  help: `rdna-build verify-package` says more; take the package from where it was published again

"#]]
    );
    assert_eq!(ran.code, 5);
    assert!(!home.path("elsewhere").exists());
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// Whether a program is there; where it is not, the test says what it skips.
fn has(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok()
        || Command::new(program).arg("-v").output().is_ok();
    if !is_there {
        eprintln!("skipped: there is no {program} to check by");
    }
    is_there
}

fn program(home: &Home, line: &str) -> Ran {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    home.prepare(&mut command);
    home.finish(command.args(words).env("GNUPGHOME", home.path("gnupg")))
}

#[test]
fn gpg_and_sha256sum_agree_with_keys_that_gpg_made() {
    if !has("gpg") {
        return;
    }
    for kind in ["ed25519", "rsa2048"] {
        let home = home();
        fs::create_dir(home.path("gnupg")).unwrap();
        fs::set_permissions(home.path("gnupg"), fs::Permissions::from_mode(0o700)).unwrap();
        home.write("secret", "open sesame\n");
        let gpg = |line: &str| {
            let batch = "gpg --batch --pinentry-mode loopback --passphrase-file secret";
            let ran = program(&home, &format!("{batch} {line}"));
            assert_eq!(ran.code, 0, "{line}: {}", ran.stderr);
            ran
        };
        gpg(&format!("--quick-generate-key carl@example.org {kind} sign never"));
        gpg("--armor --output carl.key --export-secret-keys carl@example.org");
        gpg("--armor --output carl.pub --export carl@example.org");
        fs::set_permissions(home.path("carl.key"), fs::Permissions::from_mode(0o600)).unwrap();
        let ran = home.run(&format!("sign --key carl.key --passphrase-file secret {PACKAGE}"));
        assert_eq!(ran.code, 0, "{kind}: {}", ran.stderr);
        assert_eq!(verify(&home, "--key carl.pub").code, 0, "{kind}");
        gpg(&format!("--verify {} {}", beside("sha256.asc"), beside("sha256")));

        let mut check = Command::new("sha256sum");
        let list = Path::new(PACKAGE).file_name().unwrap().to_str().unwrap();
        check.args(["--check", &format!("{list}.sha256")]).current_dir(home.path("out"));
        assert!(check.status().unwrap().success());

        // What gpg itself signs counts as well, as far as it goes.
        assert_eq!(home.run(&format!("sign --unsigned {PACKAGE}")).code, 0);
        gpg(&format!("--armor --local-user carl@example.org --detach-sign {}", beside("sha256")));
        let gpgs = fs::read_to_string(home.path(&beside("sha256.asc"))).unwrap();
        assert!(gpgs.starts_with("-----BEGIN PGP SIGNATURE-----"));
        let ran = verify(&home, "--key carl.pub");
        assert_eq!(ran.code, 0, "{}", ran.stdout);
        assert!(ran.stdout.contains("but for tiny-1.0"), "{}", ran.stdout);

        // A repository's InRelease is signed so.
        let passphrase = Passphrase::new("open sesame");
        let key = SigningKey::open(&home.path("carl.key"), Some(&passphrase), now()).unwrap();
        let text = "Suite: stable\n- a line with a dash\n\nthe end\n";
        home.write("InRelease", key.sign_cleartext(text).unwrap());
        gpg("--verify InRelease");
        gpg("--output InRelease.txt --decrypt InRelease");
        assert_eq!(fs::read_to_string(home.path("InRelease.txt")).unwrap(), text);
        home.write("keyring.pub", key.public_key_bytes().unwrap());
        gpg("--show-keys keyring.pub");

        change(&home, &beside("sha256"), |text| text + "\n");
        let ran = program(&home, &format!("gpg --verify {} {}", beside("sha256.asc"), beside("sha256")));
        assert_ne!(ran.code, 0, "gpg takes anything");
        let _ = program(&home, "gpgconf --kill all");
    }
}

#[test]
fn minisign_agrees() {
    if !has("minisign") {
        return;
    }
    let home = home();
    let ran = program(&home, "minisign -G -W -p own.pub -s own.key");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    sign(&home, "own");
    assert_eq!(verify(&home, "--key own.pub").code, 0);
    let by_minisign = format!("minisign -V -p own.pub -m {}", beside("sha256"));
    let ran = program(&home, &by_minisign);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    change(&home, &beside("sha256"), |text| text.replace('a', "b"));
    assert_ne!(program(&home, &by_minisign).code, 0);
}
