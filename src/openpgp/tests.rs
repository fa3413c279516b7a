//! Tests of the policy: which signatures count, and which keys sign.

use super::testing::TestKey;
use super::*;

const TEXT: &str = "Suite: unstable\nCodename: sid\n- a line that begins with a dash\n";

fn now() -> u64 {
    u64::from(pgp::types::Timestamp::now().as_secs())
}

fn of(key: &TestKey) -> Certificates {
    let mut certificates = Certificates::default();
    certificates.add(&key.public()).unwrap();
    certificates
}

fn refusal(keyring: &Certificates, file: &str, now: u64) -> String {
    let refused = keyring.verify_cleartext(file, now).expect_err("a signature that must not count counted");
    refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_changed_byte_or_text_outside_the_signature_is_refused() {
    let key = TestKey::new();
    let keyring = of(&key);
    let signed = key.sign(TEXT);
    assert!(keyring.verify_cleartext(&signed.replace("unstable", "unstabIe"), now()).is_err());
    assert!(keyring.verify_cleartext(&format!("{signed}Suite: evil\n"), now()).is_err());
    assert!(keyring.verify_cleartext(&format!("Suite: evil\n{signed}"), now()).is_err());
    assert!(keyring.verify_cleartext(TEXT, now()).is_err());
}

#[test]
fn a_key_counts_until_it_expires() {
    let key = TestKey::new().expiring_after(3600);
    let keyring = of(&key);
    let signed = key.sign(TEXT);
    assert!(keyring.verify_cleartext(&signed, now()).is_ok());
    assert!(refusal(&keyring, &signed, now() + 3601).ends_with("the key has expired"));
}

#[test]
fn a_revocation_counts_even_if_another_copy_of_the_key_has_none() {
    let key = TestKey::new();
    let signed = key.sign(TEXT);
    let mut keyring = of(&key);
    assert!(keyring.verify_cleartext(&signed, now()).is_ok());
    keyring.add(&key.revoked().public()).unwrap();
    assert!(refusal(&keyring, &signed, now()).ends_with("the key is revoked"));
}

#[test]
fn a_key_that_only_certifies_cannot_sign() {
    let key = TestKey::new();
    let keyring = of(&key);
    assert!(refusal(&keyring, &key.sign_with_primary(TEXT), now()).ends_with("the key may not sign"));
}

#[test]
fn a_signature_from_the_future_is_refused() {
    let key = TestKey::new();
    let keyring = of(&key);
    let refused = refusal(&keyring, &key.sign(TEXT), now() - 2 * CLOCK_SLACK);
    assert!(refused.ends_with("the signature is from the future"), "{refused}");
}

#[test]
fn an_unknown_key_is_told_apart_from_a_wrong_signature() {
    let (key, stranger) = (TestKey::new(), TestKey::new());
    let signed = SecretKey::open(&key.secret(), None, now()).unwrap().sign_detached(b"one").unwrap();
    let refused = |keyring: &Certificates, text: &[u8]| {
        keyring.verify_detached(signed.as_bytes(), text, now()).unwrap_err().remove(0)
    };
    assert!(refused(&of(&stranger), b"one").is_unknown);
    let wrong = refused(&of(&key), b"two");
    assert_eq!((wrong.is_unknown, wrong.why.as_str()), (false, "it is not a signature of this text"));
    let signers = of(&key).verify_detached(signed.as_bytes(), b"one", now()).unwrap();
    assert_eq!(signers[0].part, key.fingerprint());
    assert_eq!(signers[0].name.as_deref(), Some("Archive <archive@example.org>"));
    for nonsense in [&b""[..], b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"] {
        assert!(of(&key).verify_detached(nonsense, b"one", now()).is_err());
    }
}

#[test]
fn the_subkey_signs_where_the_primary_key_only_certifies() {
    let key = TestKey::new();
    let secret = SecretKey::open(&key.secret(), None, now()).unwrap();
    let (text, signers) = of(&key).verify_cleartext(&secret.sign_cleartext(TEXT).unwrap(), now()).unwrap();
    assert_eq!(signers[0].part, key.fingerprint());
    assert_eq!(text.replace("\r\n", "\n").trim_end(), TEXT.trim_end());
}

#[test]
fn a_key_that_cannot_sign_says_why() {
    let open = |key: &TestKey, passphrase: Option<&str>, now: u64| {
        SecretKey::open(&key.secret(), passphrase, now).map(|key| key.fingerprint())
    };
    let key = TestKey::new();
    assert_eq!(SecretKey::open(&key.public(), None, now()).unwrap_err(), SecretKeyError::Public);
    assert!(matches!(
        SecretKey::open(b"nonsense", None, now()).unwrap_err(),
        SecretKeyError::Unreadable { .. }
    ));
    assert_eq!(open(&TestKey::new().revoked(), None, now()), Err(SecretKeyError::Revoked));
    assert_eq!(open(&TestKey::new().expiring_after(3600), None, now() + 3601), Err(SecretKeyError::Expired));
    let bare = TestKey::new().without_subkeys();
    assert_eq!(open(&bare, None, now()), Err(SecretKeyError::MayNotSign { why: "the key may not sign" }));
    let locked = TestKey::new().locked_with("open sesame");
    assert_eq!(open(&locked, None, now()), Err(SecretKeyError::Locked));
    assert_eq!(open(&locked, Some("open, sesame"), now()), Err(SecretKeyError::WrongPassphrase));
    assert!(open(&locked, Some("open sesame"), now()).is_ok());
    let two = [key.secret(), locked.secret()].concat();
    assert_eq!(SecretKey::open(&two, None, now()).unwrap_err(), SecretKeyError::Several { count: 2 });
}

#[test]
fn a_secret_key_shows_nothing_of_itself() {
    let key = SecretKey::open(&TestKey::new().locked_with("secret").secret(), Some("secret"), now()).unwrap();
    assert_eq!(format!("{key:?}"), format!("SecretKey {{ fingerprint: {:?}, .. }}", key.fingerprint()));
}
