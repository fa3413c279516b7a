//! Tests of who may sign a suite; when a signature counts at all is tested with `openpgp`.

use super::super::testing::TestKey;
use super::*;

const TEXT: &str = "Suite: unstable\nCodename: sid\n- a line that begins with a dash\n";

fn now() -> u64 {
    u64::from(pgp::types::Timestamp::now().as_secs())
}

fn refusal(keyring: &Keyring, file: &str, now: u64) -> String {
    keyring.verify(file, now).expect_err("a signature that must not count counted").join("; ")
}

#[test]
fn the_embedded_keys_are_the_ones_the_table_names() {
    let keyring = Keyring::debian(&HostPath::new("/nonexistent")).unwrap();
    let mut found: Vec<String> = keyring.keys.fingerprints().collect();
    let mut expected: Vec<&str> = SCOPES
        .iter()
        .filter(|(_, scope)| *scope != Scope::Security)
        .map(|(fingerprint, _)| *fingerprint)
        .collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(keyring.keys.flaws(), Vec::<String>::new());
}

#[test]
fn a_good_signature_returns_the_signed_text_and_who_signed() {
    let key = TestKey::new();
    let keyring = Keyring::from_bytes(&key.public()).unwrap();
    let verified = keyring.verify(&key.sign(TEXT), now()).unwrap();
    assert_eq!(verified.text.replace("\r\n", "\n").trim_end(), TEXT.trim_end());
    assert_eq!(verified.signers_of("sid"), [key.fingerprint()]);
}

#[test]
fn the_signature_of_a_stranger_is_refused() {
    let keyring = Keyring::from_bytes(&TestKey::new().public()).unwrap();
    assert!(refusal(&keyring, &TestKey::new().sign(TEXT), now()).ends_with("not a key of the keyring"));
}

#[test]
fn the_key_of_a_release_signs_that_release_only() {
    let signer = |scope| Verified {
        text: String::new(),
        signers: vec![Signer { fingerprint: "f".to_owned(), scope }],
    };
    let trixie = signer(Scope::Release("trixie"));
    assert_eq!(trixie.signers_of("trixie").len(), 1);
    assert_eq!(trixie.signers_of("trixie-updates").len(), 1);
    assert_eq!(trixie.signers_of("sid").len(), 0);
    assert_eq!(signer(Scope::Security).signers_of("trixie").len(), 0);
    assert_eq!(signer(Scope::Security).signers_of("trixie-security").len(), 1);
}
