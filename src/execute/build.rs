//! The build stage: an installed tree in the store, made in the container.

use std::path::PathBuf;

use serde_json::json;

use super::unit::Account;
use super::{ExecuteError, Workshop, json, toolchain::Image};
use crate::build::ninja;
use crate::build::session::{CacheStatistics, Session, SessionSpec};
use crate::build::workspace::{Note, SourceTree};
use crate::engine::Output;
use crate::facts::free_disk;
use crate::model::{Event, HostPath, Key, LogStream, PackagedFile, PlannedUnit, Script, Stage, Step, Unit};
use crate::package::check_outputs;
use crate::plan::{self, key::Keyed};
use crate::store::{Entry, Made};

/// Where a build entry keeps the installed tree and its list.
pub(super) const TREE: &str = "tree";
pub(super) const FILES: &str = "files.json";

/// What a build entry holds.
#[derive(Debug)]
pub(super) struct Built {
    pub tree: PathBuf,
    pub files: Vec<PackagedFile>,
    /// Keeps the entry from being collected.
    _entry: Entry,
}

/// The installed tree of a key, if the store holds it.
pub(super) async fn find(workshop: &Workshop, key: &Key) -> Result<Option<Built>, ExecuteError> {
    workshop.find_whole(Stage::Build, key).await?.map(read).transpose()
}

fn read(entry: Entry) -> Result<Built, ExecuteError> {
    let files = json::read(&entry.content().join(FILES))?;
    Ok(Built { tree: entry.content().join(TREE), files, _entry: entry })
}

/// Builds in the container and commits what was installed.
pub(super) async fn make(
    unit: &PlannedUnit,
    keyed: Keyed,
    image: &Image,
    source: SourceTree,
    memory_per_job: u64,
    account: &mut Account<'_>,
) -> Result<Built, ExecuteError> {
    let workshop = account.workshop;
    let history = workshop.store.history(&unit.id);
    let reasons = history
        .stages
        .get(&Stage::Build)
        .map(|last| plan::changes(&keyed.ingredients, &last.ingredients))
        .unwrap_or_default();
    let started = account.started(Stage::Build, reasons.join(", "));

    warn_of_a_full_disk(unit, workshop);
    let engine = workshop.engine().await?;
    let info = engine.info().await?;
    let memory = workshop.limits.memory;
    let jobs = plan::jobs(
        info.cpus,
        memory.unwrap_or_else(|| info.memory.min(workshop.machine.memory)),
        memory_per_job,
        workshop.limits.jobs,
    );
    let session = Session::open(
        engine,
        &SessionSpec {
            image: image.id.clone(),
            unit: account.unit.clone(),
            work: workshop.work_volume(&account.unit),
            labels: workshop.labels(),
            cpus: None,
            memory,
            ccache: workshop.limits.ccache.clone(),
        },
    )
    .await?;
    let note = Note { configuration: unit.script.configuration(image.identity), tree: source.tree.clone() };
    let synced = session.sync(source, note).await?;
    let kept = if synced.configured { "; the build folder is configured already" } else { "" };
    let message = format!("{} source files sent to the container{kept}", synced.files);
    workshop.events.emit(Event::Note { message });

    let script = with_compiler_check(&unit.script, image);
    for step in Step::ALL {
        if step == Step::Configure && synced.configured {
            continue;
        }
        let mut lines = |output: Output, line: &str| report_line(account, step, output, line);
        session.step(&script, step, jobs, &mut lines).await?;
    }
    let compiled = started.elapsed().as_secs_f64();

    let draft = workshop.draft(Stage::Build, &keyed.key)?;
    let tree = HostPath::new(draft.content().join(TREE));
    let files = session.collect(&tree).await?;
    let statistics = session.cache_statistics(&script).await;
    let cpu = session.cpu_seconds().await;
    engine.remove_container(session.container()).await?;

    check_outputs(&unit.outputs, tree.as_path(), &unit.prefix, unit.id.target)?;
    json::write(&draft.content().join(FILES), &files)?;
    note_statistics(account, statistics, cpu, compiled);
    let detail = json!({
        "jobs": jobs,
        "cpu_seconds": cpu,
        "compiler_cache": statistics,
        "image": image.id,
    });
    let seconds = started.elapsed().as_secs_f64();
    let made = Made { ingredients: keyed.ingredients.clone(), seconds, detail };
    let entry = workshop.commit(draft, made).await?;
    account.finished(Stage::Build, keyed.key, started);
    workshop.store.remember(&unit.id, Stage::Build, keyed.key, &keyed.ingredients, Some(seconds))?;
    read(entry)
}

/// Says so before an hour is spent. The engine may keep its volumes elsewhere, so that it stops nothing.
fn warn_of_a_full_disk(unit: &PlannedUnit, workshop: &Workshop) {
    const GIB: f64 = (1 << 30) as f64;
    let Some(free) = free_disk(workshop.store.root()) else { return };
    if free < unit.cost.disk {
        workshop.events.emit(Event::Warning {
            message: format!(
                "{:.1} GiB are free at {}, and this build takes about {:.1} GiB",
                free as f64 / GIB,
                workshop.store.root().display(),
                unit.cost.disk as f64 / GIB
            ),
            help: Some("`rdna-build cache gc` and `docker system df` show what can go".to_owned()),
        });
    }
}

/// ccache hashes the compiler itself; the image's identity stands for its libraries too, and costs nothing.
fn with_compiler_check(script: &Script, image: &Image) -> Script {
    let mut script = image.bind(script);
    script.environment.insert("CCACHE_COMPILERCHECK".to_owned(), format!("string:{}", image.identity));
    script
}

fn report_line(account: &Account<'_>, step: Step, output: Output, line: &str) {
    let unit = || account.unit.clone();
    let events = &account.workshop.events;
    if let (Step::Build, Some(counter)) = (step, ninja::read(line)) {
        events.emit(Event::Progress {
            unit: unit(),
            stage: Stage::Build,
            item: counter.item,
            done: counter.done,
            total: counter.total,
            of: Unit::Steps,
        });
    }
    let stream = match output {
        Output::Stdout => LogStream::Stdout,
        Output::Stderr => LogStream::Stderr,
    };
    events.emit(Event::Log {
        unit: unit(),
        stage: Stage::Build,
        item: step.as_str().to_owned(),
        stream,
        line: line.to_owned(),
    });
}

fn note_statistics(account: &Account<'_>, statistics: CacheStatistics, cpu: Option<f64>, seconds: f64) {
    let total = statistics.hits + statistics.misses;
    let cache = match total {
        0 => "compiler cache: no compilations".to_owned(),
        _ => format!(
            "compiler cache: {} hits, {} misses, {} uncacheable",
            statistics.hits, statistics.misses, statistics.uncacheable
        ),
    };
    let cpu = cpu.map(|cpu| format!(", {cpu:.1} s of CPU time")).unwrap_or_default();
    let message = format!("configured, compiled and installed in {seconds:.1} s{cpu}; {cache}");
    account.workshop.events.emit(Event::Note { message });
}
