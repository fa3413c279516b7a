//! OpenPGP with a policy: whose signatures count, and which part of a secret key signs.
//!
//! The OpenPGP library checks and makes signatures and has no policy; the policy is here: a key that is neither revoked
//! nor expired, allowed to sign, with a hash of SHA-256 or better. Which keys are trusted with what is for others.

mod certificates;
mod policy;
mod secret;
#[cfg(test)]
pub(crate) mod testing;

pub use certificates::{Certificates, Refused, Signer};
pub use secret::{SecretKey, SecretKeyError};

/// The armoured blocks of a file, one after the other; a file of bytes is one block. The library reads the first only.
fn blocks(bytes: &[u8]) -> Vec<&[u8]> {
    let mut starts: Vec<usize> = memchr::memmem::find_iter(bytes, "-----BEGIN PGP ").collect();
    if starts.is_empty() {
        return vec![bytes];
    }
    starts.push(bytes.len());
    starts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect()
}

/// Clocks of this machine and of others may differ by this many seconds.
pub const CLOCK_SLACK: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests;
