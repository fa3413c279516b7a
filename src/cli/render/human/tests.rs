use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::model::{Digest, Key, LogStream, Outcome, PackageFile, Report, StageReport, UnitReport};

const UNIT: &str = "miopen-3.3.0-gfx1010-debian-sid";

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A person at a pipe, with a clock that tests move.
struct Reader {
    human: Human,
    stderr: Shared,
    stdout: Shared,
    milliseconds: Arc<AtomicU64>,
}

fn reader(verbosity: Verbosity) -> Reader {
    let (stderr, stdout) = (Shared::default(), Shared::default());
    let milliseconds = Arc::new(AtomicU64::new(0));
    let clock = milliseconds.clone();
    let human = Human::new(
        verbosity,
        Palette::PLAIN,
        Screen::lines(stderr.clone()),
        Box::new(stdout.clone()),
        Box::new(move || Duration::from_millis(clock.load(Ordering::Relaxed))),
    );
    Reader { human, stderr, stdout, milliseconds }
}

impl Reader {
    fn emit(&self, event: Event) {
        self.human.emit(&event);
    }

    fn wait(&self, seconds: u64) {
        self.milliseconds.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    fn start(&self) {
        self.emit(Event::RunStarted { run: "r1".into(), units: vec![UNIT.into()] });
        self.emit(Event::ToolchainChosen {
            unit: UNIT.into(),
            toolchain: "debian-sid".into(),
            reason: "provides hip 6.4.3, rocblas 6.4.4".into(),
        });
    }

    fn build_started(&self) {
        self.emit(Event::StageStarted {
            unit: UNIT.into(),
            stage: Stage::Build,
            reason: "patches/0003 changed".into(),
        });
    }

    fn steps(&self, done: u64, item: &str) {
        let (unit, stage) = (UNIT.into(), Stage::Build);
        self.emit(Event::Progress { unit, stage, item: item.into(), done, total: 423, of: Unit::Steps });
    }

    fn log(&self, line: &str) {
        let (unit, stage, item) = (UNIT.into(), Stage::Build, "build".into());
        self.emit(Event::Log { unit, stage, item, stream: LogStream::Stdout, line: line.into() });
    }
}

fn key(stage: Stage) -> Key {
    Key::from_digest(Digest::of(stage.as_str()))
}

fn report(cached: &[Stage], made: &[(Stage, f64)], outcome: Outcome) -> Report {
    let stage = |stage, cached, seconds| StageReport { stage, key: key(stage), cached, seconds };
    let cached = cached.iter().map(|kind| stage(*kind, true, 0.0));
    let made = made.iter().map(|(kind, seconds)| stage(*kind, false, *seconds));
    let stages: Vec<_> = cached.chain(made).collect();
    let seconds = stages.iter().map(|stage| stage.seconds).sum::<f64>() + 0.3;
    Report { run: "r1".into(), units: vec![UnitReport { unit: UNIT.into(), stages, outcome }], seconds }
}

fn passed() -> Outcome {
    let package =
        PackageFile { path: format!("/out/{UNIT}.tar.zst"), size: 13_000_000, sha256: Digest::of("package") };
    Outcome::Passed { packages: vec![package] }
}

fn fresh_run(reader: &Reader) {
    reader.start();
    let cached = [Stage::Toolchain, Stage::Source, Stage::Prepare];
    for stage in cached {
        reader.emit(Event::StageCached { unit: UNIT.into(), stage, key: key(stage) });
    }
    reader.build_started();
    for step in 0..=423 {
        reader.steps(step, &format!("src/file{step}.cpp"));
        reader.log(&format!("[{step}/423] Building CXX object"));
        if step % 2 == 0 {
            reader.wait(1);
        }
    }
    let made = [(Stage::Build, 211.6), (Stage::Package, 4.1)];
    for (stage, seconds) in made {
        reader.emit(Event::StageFinished { unit: UNIT.into(), stage, key: key(stage), seconds });
    }
    reader
        .emit(Event::Warning { message: "the log is not whole".into(), help: Some("free some disk".into()) });
    reader.emit(Event::RunFinished { report: report(&cached, &made, passed()) });
}

#[test]
fn a_fresh_run_in_lines() {
    let reader = reader(Verbosity::Normal);
    fresh_run(&reader);
    snapbox::assert_data_eq!(
        reader.stderr.text(),
        snapbox::str![[r#"
run r1: miopen-3.3.0-gfx1010-debian-sid
toolchain  debian-sid: provides hip 6.4.3, rocblas 6.4.4
build      started: patches/0003 changed
build      [43/423] 10 %  2.0 files/s  3 min left  src/file43.cpp
build      [85/423] 20 %  2.0 files/s  3 min left  src/file85.cpp
build      [127/423] 30 %  2.0 files/s  2 min left  src/file127.cpp
build      [170/423] 40 %  2.0 files/s  2 min left  src/file170.cpp
build      [212/423] 50 %  2.0 files/s  2 min left  src/file212.cpp
build      [254/423] 60 %  2.0 files/s  85 s left  src/file254.cpp
build      [297/423] 70 %  2.0 files/s  63 s left  src/file297.cpp
build      [339/423] 80 %  2.0 files/s  42 s left  src/file339.cpp
build      [381/423] 90 %  2.0 files/s  21 s left  src/file381.cpp
build      [423/423] 100 %  2.0 files/s  src/file423.cpp
build      done in 3 min 32 s
package    done in 4.1 s
warning: the log is not whole
  help: free some disk

miopen-3.3.0-gfx1010-debian-sid: built, 12.4 MiB
  stage      state   key           time
  toolchain  cached  0db3de82a739
  source     cached  41cf6794ba42
  prepare    cached  45666d976bab
  build      made    44575cf5b285  3 min 32 s
  package    made    bc4a71180870  4.1 s
  sha256  bc4a71180870f7945155fbb02f4b0a2e3faa2a62d6d31b7039013055ed19869a

1 built in 3 min 36 s

"#]]
    );
    assert_eq!(reader.stdout.text(), format!("/out/{UNIT}.tar.zst\n"));
}

#[test]
fn a_cached_run() {
    let reader = reader(Verbosity::Normal);
    reader.start();
    for stage in Stage::BUILD {
        reader.emit(Event::StageCached { unit: UNIT.into(), stage, key: key(stage) });
    }
    reader.emit(Event::RunFinished { report: report(&Stage::BUILD, &[], passed()) });
    snapbox::assert_data_eq!(
        reader.stderr.text(),
        snapbox::str![[r#"
run r1: miopen-3.3.0-gfx1010-debian-sid
toolchain  debian-sid: provides hip 6.4.3, rocblas 6.4.4

miopen-3.3.0-gfx1010-debian-sid: up to date, 12.4 MiB
  stage      state   key           time
  toolchain  cached  0db3de82a739
  source     cached  41cf6794ba42
  prepare    cached  45666d976bab
  build      cached  44575cf5b285
  package    cached  bc4a71180870
  sha256  bc4a71180870f7945155fbb02f4b0a2e3faa2a62d6d31b7039013055ed19869a

1 up to date in 0.3 s

"#]]
    );
}

fn failed_run(reader: &Reader) {
    reader.start();
    reader.build_started();
    (0..100).for_each(|line| reader.log(&format!("earlier line {line}")));
    reader.log("\u{1b}[1msrc/conv.cpp:12:3: \u{1b}[31merror:\u{1b}[0m no member named 'x'");
    reader.wait(35);
    let why = "src/conv.cpp does not compile\nno member named 'x'";
    reader.emit(Event::StageFailed { unit: UNIT.into(), stage: Stage::Build, error: why.into() });
    let outcome = Outcome::Failed {
        why: why.into(),
        help: Some("look inside: --keep-failed".into()),
        log: Some("/state/logs/r1.log".into()),
    };
    reader.emit(Event::RunFinished { report: report(&[Stage::Source], &[], outcome) });
}

#[test]
fn a_failed_build_says_why_once_and_not_with_its_last_lines() {
    let reader = reader(Verbosity::Normal);
    failed_run(&reader);
    snapbox::assert_data_eq!(
        reader.stderr.text(),
        snapbox::str![[r#"
run r1: miopen-3.3.0-gfx1010-debian-sid
toolchain  debian-sid: provides hip 6.4.3, rocblas 6.4.4
build      started: patches/0003 changed
build      failed after 35 s

miopen-3.3.0-gfx1010-debian-sid: failed: src/conv.cpp does not compile
  no member named 'x'
  stage   state   key           time
  source  cached  41cf6794ba42
  help: look inside: --keep-failed
  log:  /state/logs/r1.log

1 failed in 0.3 s

"#]]
    );
    assert_eq!(reader.stdout.text(), "");
}

#[test]
fn quiet_says_errors_and_the_path_of_the_package() {
    let fine = reader(Verbosity::Quiet);
    fresh_run(&fine);
    assert_eq!((fine.stderr.text(), fine.stdout.text()), (String::new(), format!("/out/{UNIT}.tar.zst\n")));
    let failed = reader(Verbosity::Quiet);
    failed_run(&failed);
    assert_eq!(failed.stderr.text().matches("no member named 'x'").count(), 1);
    assert!(failed.stderr.text().contains("failed: src/conv.cpp does not compile"));
}

#[test]
fn verbose_shows_the_output_of_containers_as_it_comes() {
    let reader = reader(Verbosity::Verbose);
    reader.build_started();
    reader.log("-- The CXX compiler");
    assert!(reader.stderr.text().ends_with("build      | -- The CXX compiler\n"), "{}", reader.stderr.text());
}

#[test]
fn a_lasting_silence_is_broken_once_a_minute() {
    let reader = reader(Verbosity::Normal);
    reader.build_started();
    for _ in 0..300 {
        reader.steps(1, "src/large.cpp");
        reader.wait(1);
    }
    assert_eq!(reader.stderr.text().matches("[1/423]").count(), 4);
}

#[test]
fn nothing_is_kept_of_stages_that_are_over() {
    let reader = reader(Verbosity::Normal);
    fresh_run(&reader);
    assert!(reader.human.state.lock().unwrap().running.is_empty());
}
