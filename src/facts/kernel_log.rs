//! What the kernel says of GPUs from now on, where this process may read it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;

/// A record is no longer than this (`PRINTK_MESSAGE_MAX` and its head).
const LONGEST_RECORD: usize = 8192;
/// How many lines are kept of one look.
const MOST_LINES: usize = 200;

/// The kernel's log, from the moment on when it was opened.
#[derive(Debug)]
pub struct KernelLog {
    file: File,
}

impl KernelLog {
    /// Opens it at its end. Most systems let only root do that.
    pub fn open() -> io::Result<Self> {
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).expect("flags of open fit");
        let mut file = File::options().read(true).custom_flags(flags).open("/dev/kmsg")?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { file })
    }

    /// What it said of GPUs since it was last asked.
    pub fn news(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut record = vec![0; LONGEST_RECORD];
        while lines.len() < MOST_LINES {
            match self.file.read(&mut record) {
                Ok(0) => break,
                Ok(length) => {
                    let text = String::from_utf8_lossy(&record[..length]);
                    lines.extend(message(&text).filter(|line| is_of_a_gpu(line)).map(str::to_owned));
                }
                // Records were overwritten before anybody read them; the next read goes on behind them.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        lines
    }
}

/// The message of a record: `6,339,5140900,-;message`, with further lines that are properties.
fn message(record: &str) -> Option<&str> {
    let (_, rest) = record.split_once(';')?;
    rest.lines().next()
}

fn is_of_a_gpu(line: &str) -> bool {
    ["amdgpu", "kfd", "[drm", "gfxhub"].iter().any(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_the_kernels_records_those_of_gpus_are_told() {
        let records = [
            "6,339,5140900,-;amdgpu 0000:03:00.0: amdgpu: GPU reset begin!\n SUBSYSTEM=pci\n DEVICE=+pci:0000:03:00.0\n",
            "4,340,5140901,-;kfd kfd: amdgpu: skipped device 1002:731f, PCI rejects atomics 99<145\n",
            "6,341,5140902,-;usb 1-1: new device\n",
            "garbage",
        ];
        let told: Vec<&str> =
            records.iter().filter_map(|record| message(record)).filter(|line| is_of_a_gpu(line)).collect();
        assert_eq!(
            told,
            [
                "amdgpu 0000:03:00.0: amdgpu: GPU reset begin!",
                "kfd kfd: amdgpu: skipped device 1002:731f, PCI rejects atomics 99<145"
            ]
        );
    }

    proptest! {
        #[test]
        fn no_record_upsets_the_reader(record in "[0-9,;\\PC\n]{0,60}") {
            message(&record);
        }
    }
}
