//! Downloads over http and https: mirrors in turn, broken downloads gone on with, nothing kept whose digest is wrong.

mod client;
mod download;
mod error;
mod partial;

pub use client::client;
pub use download::{Download, Retries, download};
pub use error::HttpError;
