//! The MIOpen of a PyTorch wheel for ROCm, swapped for ours and back.
//!
//! `find` finds the folder of torch's libraries, `look` reads what they need and offer, `fit` says whether ours can stand in the
//! place of the wheel's, from that alone. Nothing of a virtual environment is executed. At each moment a whole library has the
//! name that torch loads: the original gets a second name, a note says what it was, and only then ours takes its name.

mod error;
mod find;
mod fit;
mod look;
mod note;
mod restore;
mod swap;

pub use error::VenvError;
pub use restore::{Restored, restore};
pub use swap::{Swapped, swap};
