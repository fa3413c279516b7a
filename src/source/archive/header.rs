//! The headers before a member that carry its long name or long link: GNU's `L` and `K`, and pax.
//!
//! Read here because the tar crate reads them whole, however large they claim to be.

use std::io::{self, Read};

use tar::{Entry, EntryType, PaxExtensions};

/// No path is longer than 4 KiB; pax headers with times, owners and attributes stay far below this.
const LARGEST: u64 = 1 << 20;

/// What the extension headers said about the member that follows them.
#[derive(Default)]
pub(super) struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Extensions {
    /// Takes the entry in if it is an extension header; says whether it was one.
    pub(super) fn take(&mut self, entry: &mut Entry<'_, impl Read>) -> io::Result<bool> {
        match entry.header().entry_type() {
            EntryType::GNULongName => self.path = Some(without_nul(read(entry)?)),
            EntryType::GNULongLink => self.link = Some(without_nul(read(entry)?)),
            EntryType::XHeader => {
                let bytes = read(entry)?;
                for extension in PaxExtensions::new(&bytes) {
                    let extension = extension?;
                    match extension.key_bytes() {
                        b"path" => self.path = Some(extension.value_bytes().to_vec()),
                        b"linkpath" => self.link = Some(extension.value_bytes().to_vec()),
                        // Of members above 8 GiB, and of sparse files. Passing over them would misread the rest.
                        b"size" => return Err(invalid("a size in a pax header")),
                        key if key.starts_with(b"GNU.sparse.") => return Err(invalid("a sparse file")),
                        _ => {}
                    }
                }
            }
            // Comments, such as the commit that `git archive` writes.
            EntryType::XGlobalHeader => drop(read(entry)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn path(&mut self, entry: &Entry<'_, impl Read>) -> Vec<u8> {
        self.path.take().unwrap_or_else(|| entry.header().path_bytes().into_owned())
    }

    pub(super) fn link(&mut self, entry: &Entry<'_, impl Read>) -> Vec<u8> {
        let of_header = || entry.header().link_name_bytes().map(|name| name.into_owned());
        self.link.take().or_else(of_header).unwrap_or_default()
    }
}

fn read(entry: &mut Entry<'_, impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(LARGEST + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LARGEST {
        true => Err(invalid("a header of more than a megabyte")),
        false => Ok(bytes),
    }
}

fn without_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it has {what}, which is not supported"))
}
