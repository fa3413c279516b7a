//! Packages on a machine: put where programs find them, listed, taken away again, and swapped into PyTorch.
//!
//! Everything lies below one base folder. A version is a folder of its own, `NAME-VERSION-TARGET`; which one counts is a
//! link, `NAME-TARGET`, beside a file for shells, `NAME-TARGET.env.sh`. What only we read is in `.rdna-build/`. `decide`
//! and `venv::fit` say what must be done and what fits, from values; the other files do it. Every change is begun with a
//! note in the journal and takes effect by one rename, so that a process that dies leaves the old or the new state; the next one
//! that holds the lock finishes or forgets what was begun (`recover`).
//!
//! Left to others: what a package is and whether its bytes are right (`package`), what a library needs (`code`), what the
//! machine's GPUs are, and everything that is said.

mod base;
mod decide;
mod disk;
mod error;
mod lock;
mod look;
mod put;
mod record;
mod recover;
mod remove;
mod rollback;
mod search;
mod shell;
mod title;
pub mod venv;

pub use base::Base;
pub use error::InstallError;
pub use lock::Waiting;
pub use look::{Installed, installed};
pub use put::{Order, Outcome, Placed, install};
pub use record::Verdict;
pub use remove::{Removed, uninstall};
pub use rollback::{RolledBack, rollback};
pub use search::{libraries, search_path};
pub use title::Title;
