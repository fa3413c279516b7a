//! Tests of the signature policy.

use super::super::testing::TestKey;
use super::*;

const TEXT: &str = "Suite: unstable\nCodename: sid\n- a line that begins with a dash\n";

fn now() -> u64 {
    seconds(pgp::types::Timestamp::now())
}

fn refusal(keyring: &Keyring, file: &str, now: u64) -> String {
    keyring.verify(file, now).expect_err("a signature that must not count counted").join("; ")
}

#[test]
fn the_embedded_keys_are_the_ones_the_table_names() {
    let keyring = Keyring::debian(&HostPath::new("/nonexistent")).unwrap();
    let found: Vec<String> = keyring
        .keys
        .iter()
        .map(|key| key.primary_key.fingerprint().to_string().to_ascii_lowercase())
        .collect();
    let mut expected: Vec<&str> = SCOPES
        .iter()
        .filter(|(_, scope)| *scope != Scope::Security)
        .map(|(fingerprint, _)| *fingerprint)
        .collect();
    expected.sort_unstable();
    let mut sorted = found.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    for key in &keyring.keys {
        assert!(newest_self_signature(key).is_some(), "{}", key.primary_key.fingerprint());
        for subkey in &key.public_subkeys {
            assert!(newest_binding(key, subkey).is_some(), "{}", subkey.key.fingerprint());
        }
    }
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
fn a_changed_byte_or_text_outside_the_signature_is_refused() {
    let key = TestKey::new();
    let keyring = Keyring::from_bytes(&key.public()).unwrap();
    let signed = key.sign(TEXT);
    assert!(keyring.verify(&signed.replace("unstable", "unstabIe"), now()).is_err());
    assert!(keyring.verify(&format!("{signed}Suite: evil\n"), now()).is_err());
    assert!(keyring.verify(&format!("Suite: evil\n{signed}"), now()).is_err());
    assert!(keyring.verify(TEXT, now()).is_err());
}

#[test]
fn the_signature_of_a_stranger_is_refused() {
    let keyring = Keyring::from_bytes(&TestKey::new().public()).unwrap();
    assert!(refusal(&keyring, &TestKey::new().sign(TEXT), now()).ends_with("not a key of the keyring"));
}

#[test]
fn a_key_counts_until_it_expires() {
    let key = TestKey::new().expiring_after(3600);
    let keyring = Keyring::from_bytes(&key.public()).unwrap();
    let signed = key.sign(TEXT);
    assert!(keyring.verify(&signed, now()).is_ok());
    assert!(refusal(&keyring, &signed, now() + 3601).ends_with("the key has expired"));
}

#[test]
fn a_revocation_counts_even_if_another_copy_of_the_key_has_none() {
    let key = TestKey::new();
    let signed = key.sign(TEXT);
    let mut keyring = Keyring::from_bytes(&key.public()).unwrap();
    assert!(keyring.verify(&signed, now()).is_ok());
    keyring.add(&key.revoked().public()).unwrap();
    assert!(refusal(&keyring, &signed, now()).ends_with("the key is revoked"));
}

#[test]
fn a_key_that_only_certifies_cannot_sign() {
    let key = TestKey::new();
    let keyring = Keyring::from_bytes(&key.public()).unwrap();
    assert!(refusal(&keyring, &key.sign_with_primary(TEXT), now()).ends_with("the key may not sign"));
}

#[test]
fn a_signature_from_the_future_is_refused() {
    let key = TestKey::new();
    let keyring = Keyring::from_bytes(&key.public()).unwrap();
    let refused = refusal(&keyring, &key.sign(TEXT), now() - 2 * CLOCK_SLACK);
    assert!(refused.ends_with("the signature is from the future"), "{refused}");
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
