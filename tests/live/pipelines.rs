//! The pipelines of `docs/ci`, command by command, for the selftest and against a registry on this machine.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::desk::Desk;
use crate::home::Home;
use crate::registry::Registry;
use crate::signing_keys;

const GITHUB: &str = include_str!("../../docs/ci/github.yml");
const GITLAB: &str = include_str!("../../docs/ci/gitlab.yml");
const GITLAB_BUILD: &str = include_str!("../../docs/ci/gitlab-build.yml");
const PASSPHRASE: &str = "of nobody's business";
/// The tool is here already.
const INSTALL: &str = "cargo install --locked --git https://github.com/hkevin01/rdna-build";

/// A server with a registry, and the secrets that it gives to a pipeline.
struct Server {
    desk: Desk,
    home: Home,
    registry: Registry,
    /// All that was ever said.
    log: String,
}

impl Server {
    fn start() -> Option<Self> {
        let desk = Desk::without_toolchain()?;
        let registry = Registry::serve(&desk.path("registry.yml"))?;
        let home = Home::new();
        signing_keys::openpgp(&home, "release", Some(PASSPHRASE));
        Some(Self { desk, home, registry, log: String::new() })
    }

    fn variables(&self, machine: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let key = self.home.path("release.key");
        let own = [
            ("RECIPE", "selftest".to_owned()),
            ("TARGETS", "gfx1010".to_owned()),
            ("RDNA_BUILD_REMOTE_REGISTRY", format!("{}/group/store", self.registry.address)),
            ("RDNA_BUILD_REMOTE_WRITE", "true".to_owned()),
            ("RDNA_BUILD_STORE", self.desk.path(machine).display().to_string()),
            ("RDNA_BUILD_OUTPUT", self.desk.path("out").display().to_string()),
            ("RUNNER_TEMP", self.desk.path("").display().to_string()),
            ("GITHUB_OUTPUT", self.desk.path("outputs").display().to_string()),
            ("GITHUB_STEP_SUMMARY", self.desk.path("summary.md").display().to_string()),
            ("REGISTRY_USER", "somebody".to_owned()),
            ("REGISTRY_PASSWORD", PASSPHRASE.to_owned()),
            ("CI_REGISTRY", self.registry.address.clone()),
            ("CI_REGISTRY_USER", "somebody".to_owned()),
            ("CI_REGISTRY_PASSWORD", PASSPHRASE.to_owned()),
            ("CI_PAGES_URL", "https://example.org/rocm".to_owned()),
            ("PAGES", "https://example.org/rocm".to_owned()),
            ("RDNA_BUILD_SIGN_PASSPHRASE", PASSPHRASE.to_owned()),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let key = match more.clone().any(|(name, _)| name == "GITLAB_CI") {
            true => key.display().to_string(),
            false => fs::read_to_string(key).expect("the key"),
        };
        own.into_iter().chain(more).chain([("SIGNING_KEY".to_owned(), key)]).collect()
    }

    /// Runs the commands of a job, one after the other, on a machine with a store of its own.
    #[track_caller]
    fn run(&mut self, machine: &str, commands: &[String], more: &[(&str, &str)]) -> String {
        let mut said = String::new();
        for command in commands.iter().filter(|command| *command != INSTALL) {
            assert!(!command.contains("${{"), "an expression could end the command: {command}");
            let mut script = self.desk.script(command);
            let ended = script.envs(self.variables(machine, more)).output().expect("it runs");
            let text =
                [ended.stdout.as_slice(), ended.stderr.as_slice()].map(String::from_utf8_lossy).concat();
            assert!(ended.status.success(), "{command}\n{text}");
            said += &text;
        }
        self.log += &said;
        said
    }

    /// What a repository must have, and that no secret is in it or was said.
    fn check_published(&self) {
        let public = self.desk.path("public");
        for file in ["rdna-build.asc", "rdna-build.sources", "rdna-build.repo", "apt/dists/stable/InRelease"]
        {
            assert!(public.join(file).exists(), "{file}");
        }
        let signed =
            fs::read_dir(self.desk.path("out")).expect("listed").map(|file| file.expect("listed").path());
        assert_eq!(signed.filter(|path| path.extension().is_some_and(|end| end == "asc")).count(), 8);
        assert!(!self.log.contains(PASSPHRASE), "{}", self.log);
        for file in files(&public).into_iter().chain(files(&self.desk.path("out"))) {
            let bytes = fs::read(&file).expect("read");
            let held = bytes.windows(PASSPHRASE.len()).any(|part| part == PASSPHRASE.as_bytes());
            assert!(!held, "{}", file.display());
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("listed").map(|entry| entry.expect("listed").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The commands of a job of GitHub's, in order.
fn steps(pipeline: &str, job: &str) -> Vec<String> {
    let job = pipeline.split_once(&format!("\n  {job}:\n")).expect("the job").1;
    let mut commands = Vec::new();
    let mut lines = job.lines().take_while(|line| line.is_empty() || line.starts_with("    ")).peekable();
    while let Some(line) = lines.next() {
        match line.strip_prefix("        run: ") {
            Some("|") => {
                let mut block = String::new();
                while let Some(line) = lines.next_if(|line| line.starts_with("          ")) {
                    block += &format!("{}\n", line.trim_start());
                }
                commands.push(block);
            }
            Some(command) => commands.push(command.to_owned()),
            None => {}
        }
    }
    assert!(!commands.is_empty());
    commands
}

/// The commands of a list of GitLab's, e.g. a job's `script`.
fn list(pipeline: &str, job: &str, name: &str) -> Vec<String> {
    let job = pipeline.split_once(&format!("\n{job}:\n")).expect("the job").1;
    let list = job.split_once(&format!("  {name}:\n")).expect("the list").1;
    let lines = list.lines().take_while(|line| line.starts_with("    "));
    lines.filter_map(|line| line.trim_start().strip_prefix("- ")).map(str::to_owned).collect()
}

#[test]
fn the_pipeline_for_github_builds_once_and_publishes() {
    let Some(mut server) = Server::start() else { return };
    let outputs = |server: &Server| fs::read_to_string(server.desk.path("outputs")).expect("outputs");
    server.run("builder", &steps(GITHUB, "matrix"), &[]);
    let text = outputs(&server);
    assert!(text.contains("any=true"), "{text}");
    let matrix = text.lines().find_map(|line| line.strip_prefix("matrix=")).expect("a matrix");
    let matrix: Value = serde_json::from_str(matrix).expect("JSON");
    let build = matrix["include"][0]["command"].as_str().expect("a command").to_owned();

    server.run("builder", &steps(GITHUB, "build"), &[("BUILD", &build)]);
    let report = fs::read_to_string(server.desk.path("verify.xml")).expect("a report");
    assert!(report.contains("<testsuites"), "{report}");
    let summary = fs::read_to_string(server.desk.path("summary.md")).expect("a summary");
    assert!(summary.contains("selftest-1.0.0-gfx1010"), "{summary}");

    // Another machine, which only has what is shared.
    fs::remove_dir_all(server.desk.path("out")).expect("removed");
    let said = server.run("publisher", &steps(GITHUB, "publish"), &[]);
    assert!(said.contains("1 up to date"), "{said}");
    server.check_published();

    fs::remove_file(server.desk.path("outputs")).expect("removed");
    server.run("newcomer", &steps(GITHUB, "matrix"), &[]);
    assert!(outputs(&server).contains("any=false"));
}

#[test]
fn the_pipeline_for_gitlab_builds_once_and_publishes() {
    let Some(mut server) = Server::start() else { return };
    let gitlab = [("GITLAB_CI", "true"), ("RDNA_BUILD_PACKAGE_FORMATS", "tar.zst,deb,rpm")];
    server.run("builder", &list(GITLAB, "matrix", "script"), &gitlab);
    let jobs: Value = serde_json::from_slice(&fs::read(server.desk.path("builds.yml")).expect("jobs"))
        .expect("JSON, which is YAML");
    let job = &jobs["selftest-1.0.0-gfx1010-debian-sid-hip"];
    assert_eq!(job["extends"], ".rdna-build");
    assert_eq!(jobs["include"][0]["local"], ".gitlab/rdna-build.yml");
    let own = job["script"].as_array().expect("commands").iter();
    let own = own.map(|command| command.as_str().expect("a command").to_owned());
    let before = list(GITLAB_BUILD, ".rdna-build", "before_script");
    let all: Vec<_> =
        before.into_iter().chain(own).chain(list(GITLAB_BUILD, ".rdna-build", "after_script")).collect();
    server.run("builder", &all, &gitlab);
    assert!(server.desk.path("verify.xml").exists());

    fs::remove_dir_all(server.desk.path("out")).expect("removed");
    let said = server.run("publisher", &list(GITLAB, "pages", "script"), &[("GITLAB_CI", "true")]);
    assert!(said.contains("1 up to date"), "{said}");
    server.check_published();
}
