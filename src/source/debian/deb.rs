//! A `.deb` file read as a stream: the control members first, then the files it installs.
//!
//! What to make of them is decided in [`super::rootfs`].

use std::io::{BufRead, BufReader, Read};

use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, IGNORE_CHECK, MtStreamBuilder, Stream};

use super::packages::is_name;

/// Control members are scripts and lists; none is near this large.
const LARGEST_MEMBER: u64 = 64 << 20;

/// Memory a decompressor may ask for; `xz -9` asks for 65 MiB.
const XZ_MEMORY: u64 = 512 << 20;

/// Compressed bytes from which on several threads share one package: it would keep the others waiting. Smaller ones are
/// decompressed beside each other.
const LARGE: u64 = 64 << 20;

/// Threads that share one package: each holds a block, which has 24 MiB as dpkg makes them.
const MOST_THREADS: usize = 4;

/// What a package says of itself.
#[derive(Debug, Default)]
pub(super) struct Control {
    pub name: String,
    /// The lines of `control` as they are.
    pub paragraph: String,
    /// Part of the names of its files in dpkg's database: `libc6:amd64` where several architectures may be installed.
    pub info_name: String,
    /// Absolute paths of its configuration files.
    pub conffiles: Vec<String>,
    /// Scripts and lists that dpkg keeps: name, mode, content.
    pub members: Vec<(String, u32, Vec<u8>)>,
}

/// Reads a package: `unpack` gets what it says of itself and the decompressed archive of its files.
pub(super) fn read<R: Read>(
    file: R,
    unpack: impl FnOnce(Control, &mut dyn Read) -> Result<(), String>,
) -> Result<(), String> {
    let broken = |error: std::io::Error| error.to_string();
    let mut archive = ar::Archive::new(BufReader::with_capacity(256 << 10, file));
    let mut control = None;
    while let Some(entry) = archive.next_entry() {
        let entry = entry.map_err(broken)?;
        let member = String::from_utf8_lossy(entry.header().identifier()).into_owned();
        if let Some(extension) = member.strip_prefix("control.tar") {
            let stream = decompress(BufReader::new(entry), extension)?;
            control = Some(read_control(&mut tar::Archive::new(stream))?);
        } else if let Some(extension) = member.strip_prefix("data.tar") {
            let Some(control) = control else {
                return Err("its data comes before its control".to_owned());
            };
            let size = entry.header().size();
            let reader = BufReader::with_capacity(256 << 10, entry);
            let mut stream = if extension == ".xz" && size >= LARGE {
                shared(reader)?
            } else {
                decompress(reader, extension)?
            };
            return unpack(control, &mut stream);
        }
    }
    Err("it has no data".to_owned())
}

/// Decompresses by the extension of a file's name. What is read here was compared with its digest before: the checks
/// within xz, a tenth of its time, would find nothing.
pub(super) fn decompress<'r>(
    reader: impl BufRead + 'r,
    extension: &str,
) -> Result<Box<dyn Read + 'r>, String> {
    Ok(match extension {
        "" => Box::new(reader),
        ".gz" => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        ".xz" => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED | IGNORE_CHECK)
                .map_err(|error| error.to_string())?;
            Box::new(XzDecoder::new_stream(reader, stream))
        }
        ".zst" => Box::new(zstd::Decoder::with_buffer(reader).map_err(|error| error.to_string())?),
        other => return Err(format!("its compression `{other}` is not known")),
    })
}

/// Decompresses xz with several threads, as far as it consists of blocks that say their sizes: dpkg writes them so.
fn shared<'r>(reader: impl BufRead + 'r) -> Result<Box<dyn Read + 'r>, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let mut builder = MtStreamBuilder::new();
    builder
        .threads(u32::try_from(threads).unwrap_or(1))
        .memlimit_threading(XZ_MEMORY)
        .memlimit_stop(XZ_MEMORY);
    let stream = builder.decoder().map_err(|error| error.to_string())?;
    Ok(Box::new(OneStream(XzDecoder::new_stream(reader, stream))))
}

/// A decoder of one xz stream, for which a second is an error: what it holds would be missing without a word.
struct OneStream<R: BufRead>(XzDecoder<R>);

impl<R: BufRead> Read for OneStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(buffer)?;
        if read == 0 && !buffer.is_empty() && !self.0.get_mut().fill_buf()?.is_empty() {
            return Err(std::io::Error::other("its data goes on behind the end of the xz stream"));
        }
        Ok(read)
    }
}

fn read_control(archive: &mut tar::Archive<Box<dyn Read + '_>>) -> Result<Control, String> {
    let broken = |error: std::io::Error| error.to_string();
    let mut control = Control::default();
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = path.strip_prefix("./").unwrap_or(&path).to_owned();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+".contains(&b)) {
            return Err(format!("its control member `{path}` has a bad name"));
        }
        let mode = entry.header().mode().map_err(broken)? & 0o755;
        let mut content = Vec::new();
        entry.by_ref().take(LARGEST_MEMBER + 1).read_to_end(&mut content).map_err(broken)?;
        if content.len() as u64 > LARGEST_MEMBER {
            return Err(format!("its control member `{path}` is too large"));
        }
        let text = || String::from_utf8(content.clone()).map_err(|_| format!("its {name} is not UTF-8"));
        match name.as_str() {
            "control" => {
                control.paragraph = text()?;
                continue;
            }
            "conffiles" => {
                // A line may begin with a flag (`remove-on-upgrade`): such a file is not in the package.
                control.conffiles = text()?
                    .lines()
                    .map(str::trim)
                    .filter(|line| line.starts_with('/'))
                    .map(str::to_owned)
                    .collect();
            }
            _ => {}
        }
        control.members.push((name, mode, content));
    }
    control.members.sort();
    control.complete()
}

impl Control {
    fn complete(mut self) -> Result<Self, String> {
        let mut architecture = "";
        let mut is_same = false;
        for line in self.paragraph.lines() {
            if line.trim().is_empty() {
                return Err("its control has an empty line".to_owned());
            }
            match line.split_once(':').map(|(name, value)| (name, value.trim())) {
                Some(("Package", value)) => value.clone_into(&mut self.name),
                Some(("Architecture", value)) => architecture = value,
                Some(("Multi-Arch", value)) => is_same = value == "same",
                Some(("Status" | "Conffiles", _)) => return Err("its control claims a status".to_owned()),
                Some(_) | None => {}
            }
        }
        if !is_name(&self.name) || !architecture.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err("its control names no package".to_owned());
        }
        self.info_name = if is_same { format!("{}:{architecture}", self.name) } else { self.name.clone() };
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some megabytes in blocks of one.
    fn blocks(content: &[u8]) -> Vec<u8> {
        let stream = MtStreamBuilder::new().threads(2).block_size(1 << 20).encoder().unwrap();
        let mut compressed = Vec::new();
        liblzma::bufread::XzEncoder::new_stream(content, stream).read_to_end(&mut compressed).unwrap();
        compressed
    }

    fn content() -> Vec<u8> {
        (0..5 << 18).flat_map(u32::to_le_bytes).collect()
    }

    fn read(compressed: &[u8]) -> Result<Vec<u8>, String> {
        let mut content = Vec::new();
        shared(compressed)?.read_to_end(&mut content).map_err(|error| error.to_string())?;
        Ok(content)
    }

    #[test]
    fn what_several_threads_decompress_is_what_one_does() {
        assert_eq!(read(&blocks(&content())).unwrap(), content());
        assert_eq!(
            read(&liblzma::encode_all(content().as_slice(), 0).unwrap()).unwrap(),
            content(),
            "one block"
        );
    }

    #[test]
    fn several_threads_miss_nothing_without_a_word() {
        let compressed = blocks(&content());
        let twice = [compressed.as_slice(), compressed.as_slice()].concat();
        assert_eq!(read(&twice).unwrap_err(), "its data goes on behind the end of the xz stream");
        assert!(read(&compressed[..compressed.len() / 2]).is_err());
        let mut broken = compressed;
        broken[1_000] ^= 1;
        assert!(read(&broken).is_err());
    }
}
