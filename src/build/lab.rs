//! The container of a proof: made anew, filled with what the proof may see, and thrown away. It keeps no build folder, so
//! that nothing of one side can be seen on the other.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::engine::device::Passthrough;
use crate::engine::{ContainerId, ContainerSpec, Engine, Output};
use crate::model::{FileSet, GuestPath, HostPath, PackagedFile, SOURCE, end_of};

use super::BuildError;
use super::container::{Cache, exec, powerless};
use super::workspace::{
    SourceTree, append_folder, append_folders, append_sources, archive_stream, folders_archive, header,
};
use crate::engine::read_stream;

/// Where the recipe's `proofs/` lies in the container.
pub const PROOFS: &str = "/work/proofs";
const JOBS: &str = "/work/jobs";
const OUT: &str = "/work/out";
/// What a compilation may take, in seconds; it is over in a few on any machine.
const CASE_SECONDS: u32 = 600;
/// What a step may take: one may build a whole library.
const STEP_SECONDS: u32 = 4 * 3600;
/// Largest file a compilation may write, in blocks of 512 bytes.
const LARGEST_FILE: u32 = 131_072;
/// Largest file a case may write, in blocks of 512 bytes: 2 GiB.
const LARGEST_CASE_FILE: u32 = 4 << 20;
/// How long after its time a case may take to be stopped.
const GRACE: Duration = Duration::from_secs(20);
/// How long the engine may take to remove a container in which something hangs.
const KILL_PATIENCE: Duration = Duration::from_secs(60);
/// How much is kept of what a compilation prints, from its beginning.
const CASE_LOG: u64 = 64 << 10;
/// How much is kept of what a step prints, from its end.
const STEP_LOG: usize = 4 << 20;
/// All files are older than anything that is made of them.
const TIME: u64 = 1;

/// What a container is made of.
#[derive(Clone, Debug)]
pub struct LabSpec {
    /// Image id.
    pub image: String,
    /// The unit's file stem.
    pub unit: String,
    /// Labels of the run.
    pub labels: BTreeMap<String, String>,
    pub memory: Option<u64>,
    /// With the compiler cache: `Some(None)` for the volume, or a folder of the engine's host.
    pub ccache: Option<Option<HostPath>>,
    /// A card of the host, where something is to be computed on it.
    pub gpu: Option<Passthrough>,
}

/// A running container. Whoever opened it removes it, by the labels of the run.
pub struct Lab<'a> {
    engine: &'a dyn Engine,
    container: ContainerId,
}

/// What a compilation left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Its exit code, as text.
    Exit,
    /// What it printed.
    Log,
    /// What it made.
    Result,
    /// What the disassembler says about that.
    Disassembly,
}

/// How a case ended.
#[derive(Clone, Debug)]
pub enum CaseRun {
    Ended(StepEnd),
    /// It was stopped when its time was over; what it printed.
    TimedOut(String),
    /// It could not be stopped.
    Stuck,
}

/// How a step ended.
#[derive(Clone, Debug)]
pub struct StepEnd {
    pub exit: i64,
    pub log: String,
}

impl std::fmt::Debug for Lab<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lab").field(&self.container).finish()
    }
}

impl<'a> Lab<'a> {
    /// Makes and starts the container, with empty folders.
    pub async fn open(engine: &'a dyn Engine, spec: &LabSpec) -> Result<Lab<'a>, BuildError> {
        let mut container = ContainerSpec {
            memory: spec.memory,
            gpu: spec.gpu.clone(),
            ..powerless(&spec.image, &spec.labels)
        };
        if let Some(folder) = &spec.ccache {
            let cache = Cache::ready(engine, folder.as_ref(), &spec.unit).await?;
            (container.mounts, container.binds) = (cache.mounts, cache.binds);
        }
        let container = engine.create_container(&container).await?;
        engine.start_container(&container).await?;
        let folders = folders_archive(&[]);
        let folders = archive_stream(move |writer| writer.write_all(&folders));
        engine.upload(&container, &GuestPath::new("/"), folders).await?;
        Ok(Self { engine, container })
    }

    /// Sends these paths of the source and the proof's files.
    pub async fn fill(
        &self,
        source: SourceTree,
        paths: Vec<String>,
        files: FileSet,
    ) -> Result<(), BuildError> {
        let archive = archive_stream(move |writer| {
            let mut builder = tar::Builder::new(writer);
            append_sources(&mut builder, &source, &paths, TIME)?;
            append_files(&mut builder, "proofs", &files)?;
            builder.into_inner()?.flush()
        });
        Ok(self.engine.upload(&self.container, &GuestPath::new("/work"), archive).await?)
    }

    /// Puts an installed tree where its prefix says. It is root's: a proof only looks at it.
    pub async fn install(&self, tree: PathBuf, files: Vec<PackagedFile>) -> Result<(), BuildError> {
        self.put_tree(tree, files, &GuestPath::new("/")).await
    }

    /// Puts a tree of this machine below a folder, as root's.
    pub async fn put_tree(
        &self,
        tree: PathBuf,
        files: Vec<PackagedFile>,
        below: &GuestPath,
    ) -> Result<(), BuildError> {
        let below = below.as_str().trim_matches('/').to_owned();
        let archive = archive_stream(move |writer| {
            let mut builder = tar::Builder::new(writer);
            for file in &files {
                let mut header = match file {
                    PackagedFile::File { size, executable, .. } => {
                        let mode = if *executable { 0o755 } else { 0o644 };
                        header(tar::EntryType::Regular, mode, *size, TIME)
                    }
                    PackagedFile::Symlink { .. } => header(tar::EntryType::Symlink, 0o777, 0, TIME),
                };
                header.set_uid(0);
                header.set_gid(0);
                match file {
                    PackagedFile::File { path, size, .. } => {
                        let content = std::fs::File::open(tree.join(path))?.take(*size);
                        builder.append_data(&mut header, Path::new(&below).join(path), content)?;
                    }
                    PackagedFile::Symlink { path, target } => {
                        builder.append_link(&mut header, Path::new(&below).join(path), target)?
                    }
                }
            }
            builder.into_inner()?.flush()
        });
        Ok(self.engine.upload(&self.container, &GuestPath::new("/"), archive).await?)
    }

    /// Sends the files of a proof or check in addition.
    pub async fn files(&self, files: FileSet) -> Result<(), BuildError> {
        let archive = archive_stream(move |writer| {
            let mut builder = tar::Builder::new(writer);
            append_files(&mut builder, "proofs", &files)?;
            builder.into_inner()?.flush()
        });
        Ok(self.engine.upload(&self.container, &GuestPath::new("/work"), archive).await?)
    }

    /// Puts one file of this machine there, as root's.
    pub async fn put(&self, file: PathBuf, at: &GuestPath) -> Result<(), BuildError> {
        let at = at.as_str().trim_start_matches('/').to_owned();
        let archive = archive_stream(move |writer| {
            let file = std::fs::File::open(&file)?;
            let size = file.metadata()?.len();
            let mut header = header(tar::EntryType::Regular, 0o755, size, TIME);
            header.set_uid(0);
            header.set_gid(0);
            let mut builder = tar::Builder::new(writer);
            builder.append_data(&mut header, at, file.take(size))?;
            builder.into_inner()?.flush()
        });
        Ok(self.engine.upload(&self.container, &GuestPath::new("/"), archive).await?)
    }

    /// The container, for whoever reads files of it.
    pub fn container(&self) -> &ContainerId {
        &self.container
    }

    /// The folder of the LLVM tools that belong to a compiler, e.g. `/usr/lib/llvm-21/bin`.
    pub async fn llvm(&self, compiler: &str) -> Result<String, BuildError> {
        let end = self.run(&["readlink", "-f", "--", compiler].map(str::to_owned), BTreeMap::new()).await?;
        let folder = end.log.lines().next().and_then(|line| line.rsplit_once('/'));
        match folder {
            Some((folder, _)) if end.exit == 0 && folder.starts_with('/') => Ok(folder.to_owned()),
            _ => Err(BuildError::Read {
                path: compiler.to_owned(),
                reason: "the image has no such compiler".to_owned(),
            }),
        }
    }

    /// Runs compilations side by side, `parallel` at once, in the source's root. The job of number `n` writes to
    /// [`result`]`(n)`. `disassembler` is run on each result, if there is one.
    pub async fn compile(
        &self,
        jobs: &[Vec<String>],
        environment: BTreeMap<String, String>,
        disassembler: Option<&str>,
        parallel: u32,
        done: &mut (dyn FnMut(u64) + Send),
    ) -> Result<(), BuildError> {
        let mut files = FileSet::default();
        for (number, words) in jobs.iter().enumerate() {
            files.insert(number.to_string(), job(number, words, disassembler).into_bytes());
        }
        let archive = archive_stream(move |writer| {
            let mut builder = tar::Builder::new(writer);
            append_files(&mut builder, "jobs", &files)?;
            append_folder(&mut builder, "out/", TIME)?;
            builder.into_inner()?.flush()
        });
        self.engine.upload(&self.container, &GuestPath::new("/work"), archive).await?;

        // What an earlier matrix left behind must not be taken for the result of this one.
        let last = i64::try_from(jobs.len()).unwrap_or(i64::MAX) - 1;
        let all = format!("rm -rf {OUT}/* && cd {JOBS} && seq 0 {last} | xargs -P {parallel} -n 1 sh");
        let mut count = 0;
        let mut lines = |_: Output, line: &str| {
            if line == JOB_DONE {
                count += 1;
                done(count);
            }
        };
        let command = exec(["sh", "-c", &all].map(str::to_owned).into(), environment);
        let status = self.engine.exec(&self.container, &command, &mut lines).await?;
        if status.success() && count == jobs.len() as u64 {
            return Ok(());
        }
        let reason = format!("{count} of {} compilations came to an end", jobs.len());
        Err(BuildError::Read { path: OUT.to_owned(), reason })
    }

    /// Hands on what the compilations left behind, in no order.
    pub async fn results<T: Send + 'static>(
        &self,
        mut collected: T,
        mut take: impl FnMut(&mut T, usize, Piece, &mut dyn Read) -> io::Result<()> + Send + 'static,
    ) -> Result<T, BuildError> {
        let unreadable = |reason: String| BuildError::Read { path: OUT.to_owned(), reason };
        let Some(stream) = self.engine.download(&self.container, &GuestPath::new(OUT)).await? else {
            return Err(unreadable("it is not there".to_owned()));
        };
        let read = move |reader: &mut dyn Read| {
            for entry in tar::Archive::new(reader).entries()? {
                let mut entry = entry?;
                if !entry.header().entry_type().is_file() {
                    continue;
                }
                let path = entry.path()?.into_owned();
                let number =
                    path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
                let piece = match path.extension().and_then(|extension| extension.to_str()) {
                    Some("exit") => Piece::Exit,
                    Some("log") => Piece::Log,
                    Some("result") => Piece::Result,
                    Some("s") => Piece::Disassembly,
                    _ => continue,
                };
                if let Some(number) = number {
                    let limit = u64::from(LARGEST_FILE) * 512;
                    take(&mut collected, number, piece, &mut (&mut entry).take(limit))?;
                }
            }
            Ok(collected)
        };
        read_stream(stream, read).await.map_err(|error| unreadable(error.to_string()))
    }

    /// Runs a command in the source's root.
    pub async fn run(
        &self,
        command: &[String],
        environment: BTreeMap<String, String>,
    ) -> Result<StepEnd, BuildError> {
        let mut words: Vec<String> =
            ["timeout", "-k", "10", &STEP_SECONDS.to_string()].map(str::to_owned).into();
        words.extend_from_slice(command);
        let mut log = String::new();
        let mut lines = |_: Output, line: &str| {
            log.push_str(line);
            log.push('\n');
            if log.len() > 2 * STEP_LOG {
                keep_end(&mut log);
            }
        };
        let command =
            crate::engine::ExecSpec { working_folder: GuestPath::new(SOURCE), ..exec(words, environment) };
        let status = self.engine.exec(&self.container, &command, &mut lines).await?;
        keep_end(&mut log);
        Ok(StepEnd { exit: status.code, log })
    }

    /// Runs a command that may hang, crash, print and write without end, for so many seconds at most.
    pub async fn run_case(
        &self,
        command: &[String],
        environment: BTreeMap<String, String>,
        seconds: u32,
    ) -> Result<CaseRun, BuildError> {
        let limits =
            format!("ulimit -c 0; ulimit -f {LARGEST_CASE_FILE}; exec timeout -k 5 {seconds} \"$@\"");
        let mut words = ["sh", "-c", &limits, "sh"].map(str::to_owned).to_vec();
        words.extend_from_slice(command);
        let started = Instant::now();
        // What waits for a driver cannot be killed from inside.
        let patience = Duration::from_secs(u64::from(seconds)) + GRACE;
        let Ok(end) = tokio::time::timeout(patience, self.run(&words, environment)).await else {
            return Ok(CaseRun::Stuck);
        };
        let end = end?;
        let is_over = started.elapsed() >= Duration::from_secs(u64::from(seconds));
        Ok(match end.exit {
            // 137: it did not heed the first signal.
            124 | 137 if is_over => CaseRun::TimedOut(end.log),
            _ => CaseRun::Ended(end),
        })
    }

    /// Removes the container, whatever still runs in it, and does not wait forever for that.
    pub async fn kill(self) -> Result<(), BuildError> {
        let removal = self.engine.remove_container(&self.container);
        match tokio::time::timeout(KILL_PATIENCE, removal).await {
            Ok(removed) => Ok(removed?),
            Err(_) => Err(BuildError::Unkillable { container: self.container.0.clone() }),
        }
    }

    /// Removes the container.
    pub async fn close(self) -> Result<(), BuildError> {
        Ok(self.engine.remove_container(&self.container).await?)
    }
}

/// Where the job of this number puts what it makes.
pub fn result(number: usize) -> String {
    format!("{OUT}/{number}.result")
}

/// What a job prints at its end.
const JOB_DONE: &str = "rdna-build: job done";

/// One compilation as a shell script. Whatever the compiler does, the script ends well and leaves an exit code: a file that
/// is too large is an error to who writes it, not a signal, which `timeout` would hand on to the shell.
fn job(number: usize, words: &[String], disassembler: Option<&str>) -> String {
    let command: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    let result = result(number);
    let mut script = format!(
        "trap '' XFSZ\nulimit -f {LARGEST_FILE}\ncd {SOURCE} && timeout -k 5 {CASE_SECONDS} {} > {OUT}/{number}.all 2>&1\n\
         code=$?\necho $code > {OUT}/{number}.exit\n",
        command.join(" ")
    );
    if let Some(disassembler) = disassembler {
        script += &format!(
            "if [ $code = 0 ]; then timeout -k 5 {CASE_SECONDS} {} -d {result} > {OUT}/{number}.s 2> /dev/null; fi\n",
            quoted(disassembler)
        );
    }
    script += &format!(
        "head -c {CASE_LOG} {OUT}/{number}.all > {OUT}/{number}.log\nrm -f {OUT}/{number}.all\necho '{JOB_DONE}'\n"
    );
    script
}

/// A word as a POSIX shell takes it without reading anything into it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn keep_end(log: &mut String) {
    log.drain(..log.len() - end_of(log, STEP_LOG).len());
}

/// Appends files below a folder of the archive, the user's own.
fn append_files(
    builder: &mut tar::Builder<&mut dyn io::Write>,
    folder: &str,
    files: &FileSet,
) -> io::Result<()> {
    append_folder(builder, &format!("{folder}/"), TIME)?;
    let paths: Vec<String> = files.iter().map(|(path, _)| path.to_owned()).collect();
    append_folders(builder, folder, &paths, TIME)?;
    for (path, bytes) in files.iter() {
        let mut header = header(tar::EntryType::Regular, 0o644, bytes.len() as u64, TIME);
        builder.append_data(&mut header, format!("{folder}/{path}"), bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_nothing_into_a_word() {
        let words = ["a b", "$(reboot)", "it's", "\\", "", "*", "-x\ny"];
        let script = format!("printf '%s\\0' {}", words.map(quoted).join(" "));
        let printed = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell");
        let printed = String::from_utf8(printed.stdout).expect("text");
        assert_eq!(printed.split_terminator('\0').collect::<Vec<_>>(), words);
    }

    #[test]
    fn of_a_long_log_the_end_is_kept_at_a_character() {
        let mut log = "é".repeat(STEP_LOG);
        log.push('x');
        keep_end(&mut log);
        assert!(log.len() <= STEP_LOG && log.ends_with("éx"));
    }
}
