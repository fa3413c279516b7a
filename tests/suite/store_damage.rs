//! A download that is not what it was any more.

use std::fs;

use rdna_build::model::Digest;

use crate::home::{Home, tiny_recipe};
use crate::server::{Answer, Server};

/// Not compressed: nothing but the digest tells that a bit is another.
fn archive() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(8);
    builder.append_data(&mut header, "tiny-1.0/README", &b"read me\n"[..]).unwrap();
    builder.into_inner().unwrap()
}

#[test]
fn a_download_with_a_flipped_bit_is_named_and_fetched_again() {
    const COMMIT: &str = "patch status tiny --recipes recipes --version 1.0";
    let server = Server::start(|_| Answer::new("200 OK", archive()));
    let home = Home::new();
    let sha256 = Digest::of(archive());
    let source = format!("tarball = \"{}/tiny.tar\"\nsha256 = \"{sha256}\"", server.url);
    home.write("recipes/tiny/recipe.toml", tiny_recipe(&source));
    assert_eq!(home.run(COMMIT).code, 0);

    let store = home.path(".cache/rdna-build/v1");
    let download = store.join("downloads").join(sha256.to_string());
    let mut bytes = fs::read(&download).unwrap();
    let place = bytes.windows(4).position(|bytes| bytes == b"read").unwrap();
    bytes[place] ^= 1;
    fs::write(&download, bytes).unwrap();
    fs::rename(store.join("entries/source"), home.path("forgotten")).unwrap();
    assert_eq!(home.run("cache verify --keep").code, 5);

    let again = home.run(COMMIT);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(
        again.stderr.contains("is damaged") && again.stderr.contains("fetched again"),
        "{}",
        again.stderr
    );
    assert_eq!(server.requests().len(), 2);
    let readme = home.files().into_iter().find(|file| file.ends_with("files/README")).unwrap();
    assert_eq!(fs::read_to_string(home.path(&readme)).unwrap(), "read me\n");
    assert_eq!(home.run("cache verify --keep").code, 0);
}
