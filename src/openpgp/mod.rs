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

/// Clocks of this machine and of others may differ by this many seconds.
pub const CLOCK_SLACK: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests;
