//! Puts an OpenPGP signature into an `.rpm`: into its signature header, which lies in front of what is signed.
//!
//! The crate `rpm` writes none without a second OpenPGP library of its own. The header's layout is that of rpm's
//! `docs/manual/format_v4.md`: an index of numbers in network order, the data behind it, and a region over all of it.

/// Where the signature header begins: behind the lead.
const LEAD: usize = 96;
const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
/// The region over the whole header.
const REGION: u32 = 62;
/// Signatures of the header, by keys of RSA and all others.
const RSA: u32 = 268;
const OTHER: u32 = 267;
/// Room for a signature, which is not needed any more.
const RESERVED: u32 = 1008;

const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const BINARY: u32 = 7;
const STRINGS: u32 = 8;

/// An entry of the header, with its data.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    tag: u32,
    kind: u32,
    count: u32,
    data: Vec<u8>,
}

/// What of a package is signed: everything behind the signature header's end up to the payload.
pub(super) fn signed(package: &[u8], payload: usize) -> Option<&[u8]> {
    package.get(end_of_header(package)?..payload)
}

/// The package with this signature instead of any other.
pub(super) fn with_signature(package: &[u8], signature: &[u8], is_rsa: bool) -> Option<Vec<u8>> {
    let mut entries = entries(package)?;
    entries.retain(|entry| ![REGION, RSA, OTHER, RESERVED].contains(&entry.tag));
    entries.push(Entry {
        tag: if is_rsa { RSA } else { OTHER },
        kind: BINARY,
        count: u32::try_from(signature.len()).ok()?,
        data: signature.to_vec(),
    });
    entries.sort_by_key(|entry| entry.tag);
    let mut signed = package.get(..LEAD)?.to_vec();
    signed.extend(header(&entries));
    signed.extend(package.get(end_of_header(package)?..)?);
    Some(signed)
}

/// The signature in a package.
#[cfg(test)]
pub(super) fn signature_of(package: &[u8]) -> Option<Vec<u8>> {
    let found = entries(package)?.into_iter().find(|entry| [RSA, OTHER].contains(&entry.tag));
    found.map(|entry| entry.data)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Number of entries, and bytes of their data.
fn sizes(package: &[u8]) -> Option<(usize, usize)> {
    (package.get(LEAD..LEAD + 8)? == MAGIC).then_some(())?;
    Some((number(package, LEAD + 8)? as usize, number(package, LEAD + 12)? as usize))
}

fn end_of_header(package: &[u8]) -> Option<usize> {
    let (count, data) = sizes(package)?;
    let end = LEAD.checked_add(16)?.checked_add(count.checked_mul(16)?)?.checked_add(data)?;
    let end = end.next_multiple_of(8);
    (end <= package.len()).then_some(end)
}

fn entries(package: &[u8]) -> Option<Vec<Entry>> {
    let (count, size) = sizes(package)?;
    end_of_header(package)?;
    let index = LEAD + 16;
    let store = package.get(index + count * 16..index + count * 16 + size)?;
    let entry = |number_of: usize| {
        let at = index + number_of * 16;
        let (tag, kind) = (number(package, at)?, number(package, at + 4)?);
        let (offset, count) = (number(package, at + 8)? as usize, number(package, at + 12)?);
        let rest = store.get(offset..)?;
        let length = match kind {
            INT32 => (count as usize).checked_mul(4)?,
            INT64 => (count as usize).checked_mul(8)?,
            BINARY => count as usize,
            STRING | STRINGS => {
                let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == 0).map(|(end, _)| end + 1);
                ends.take(count as usize).last()?
            }
            _ => return None,
        };
        Some(Entry { tag, kind, count, data: rest.get(..length)?.to_vec() })
    };
    (0..count).map(entry).collect()
}

/// A signature header of these entries, which are sorted, and what fills it up to the next one.
fn header(entries: &[Entry]) -> Vec<u8> {
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for entry in entries {
        let alignment = match entry.kind {
            INT32 => 4,
            INT64 => 8,
            _ => 1,
        };
        store.resize(store.len().next_multiple_of(alignment), 0);
        index.push([entry.tag, entry.kind, store.len() as u32, entry.count]);
        store.extend(&entry.data);
    }
    // The region stands first in the index; its own data, behind all other, says how long the index is.
    let length = (index.len() as u32 + 1) * 16;
    index.insert(0, [REGION, BINARY, store.len() as u32, 16]);
    for word in [REGION, BINARY, length.wrapping_neg(), 16] {
        store.extend(word.to_be_bytes());
    }
    let mut header = MAGIC.to_vec();
    header.extend((index.len() as u32).to_be_bytes());
    header.extend((store.len() as u32).to_be_bytes());
    header.extend(index.into_iter().flatten().flat_map(u32::to_be_bytes));
    header.extend(store);
    // The next header begins at a multiple of 8; so does the lead's end.
    header.resize(header.len().next_multiple_of(8), 0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> Vec<u8> {
        let mut builder = rpm::PackageBuilder::new("x", "1", "MIT", "x86_64", "made up");
        builder.using_config(rpm::BuildConfig::v4());
        let mut bytes = Vec::new();
        builder.build().unwrap().write(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_signed_package_says_all_that_it_said() {
        let package = package();
        let signed = with_signature(&package, b"a signature", false).unwrap();
        let (before, after) = (entries(&package).unwrap(), entries(&signed).unwrap());
        for entry in before.iter().filter(|entry| ![REGION, RESERVED].contains(&entry.tag)) {
            assert!(after.contains(entry), "{entry:?}");
        }
        let own = after.iter().find(|entry| entry.tag == OTHER).unwrap();
        assert_eq!(own.data, b"a signature");
        let read = rpm::Package::parse(&mut signed.as_slice()).unwrap();
        read.verify_digests().unwrap();
        let payload = read.metadata.get_package_segment_offsets().payload as usize;
        assert_eq!(self::signed(&signed, payload).unwrap(), read.header_bytes().unwrap());
        // Once more by another key: there is one signature still.
        let again = with_signature(&signed, b"another", true).unwrap();
        let tags: Vec<u32> = entries(&again).unwrap().iter().map(|entry| entry.tag).collect();
        assert!(tags.contains(&RSA) && !tags.contains(&OTHER), "{tags:?}");
    }

    #[test]
    fn what_is_no_package_is_told() {
        let package = package();
        for cut in [0, LEAD, LEAD + 12, LEAD + 100] {
            assert_eq!(with_signature(&package[..cut], b"x", false), None, "{cut}");
        }
        let mut spoilt = package.clone();
        spoilt[LEAD + 8..LEAD + 12].fill(0xff);
        assert_eq!(with_signature(&spoilt, b"x", false), None);
    }
}
