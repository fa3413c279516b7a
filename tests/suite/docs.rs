//! The documentation says what is: its commands print what it shows, its links lead somewhere, its tables are those of
//! the code.
//!
//! Every `console` block of README.md and docs/ is run offline, in a project of its own below an empty home. A command
//! succeeds unless `echo $?` behind it says otherwise. `...` stands for any lines and `[..]` for any text; keys, and
//! what depends on the machine's memory and cores, may differ. Commands that need a container engine stand in `sh`
//! blocks, which are not run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rdna_build::cli::ExitCode;
use rdna_build::cli::settings::table;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files of the repository below a folder, build results left out.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_symlink() || ["target", ".git", "out"].contains(&name.as_str()) {
            continue;
        }
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

fn documents() -> Vec<(String, String)> {
    let markdown = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let documents = files(root()).into_iter().filter(markdown).map(|path| {
        (path.strip_prefix(root()).unwrap().display().to_string(), fs::read_to_string(&path).unwrap())
    });
    documents.collect()
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// A fenced block: its language, the number of its first line, its lines.
struct Block<'a> {
    language: &'a str,
    line: usize,
    lines: Vec<&'a str>,
}

/// The fenced blocks, and the lines outside of them.
fn split(text: &str) -> (Vec<Block<'_>>, Vec<&str>) {
    let (mut blocks, mut outside): (Vec<Block<'_>>, _) = (Vec::new(), Vec::new());
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        match (open, line.strip_prefix("```")) {
            (false, Some(language)) => {
                blocks.push(Block { language, line: number + 2, lines: Vec::new() });
                open = true;
            }
            (true, Some(_)) => open = false,
            (true, None) => blocks.last_mut().unwrap().lines.push(line),
            (false, None) => outside.push(line),
        }
    }
    assert!(!open, "a block is not closed");
    (blocks, outside)
}

/// A command with what it shows and the exit code it is said to have.
struct Example {
    line: usize,
    command: String,
    shown: String,
    status: i32,
}

fn examples(block: &Block<'_>) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut status = false;
    for (number, line) in block.lines.iter().enumerate() {
        if *line == "$ echo $?" {
            status = true;
        } else if let Some(command) = line.strip_prefix("$ ") {
            status = false;
            let (line, command) = (block.line + number, command.to_owned());
            examples.push(Example { line, command, shown: String::new(), status: 0 });
        } else {
            let example = examples.last_mut().expect("a console block begins with a command");
            match status {
                true => example.status = line.parse().expect("an exit code"),
                false => example.shown += &format!("{line}\n"),
            }
        }
    }
    examples
}

/// The first TOML block of docs/recipes.md is a whole recipe; every example finds it as `recipes/mylib`.
fn make_project(scratch: &Path) -> PathBuf {
    let text = document("docs/recipes.md");
    let (blocks, _) = split(&text);
    let recipe = blocks.iter().find(|block| block.language == "toml").expect("a recipe");
    let project = scratch.join("home/me/project");
    fs::create_dir_all(project.join("recipes/mylib")).unwrap();
    fs::write(project.join("recipes/mylib/recipe.toml"), recipe.lines.join("\n")).unwrap();
    project
}

/// The text without what differs between machines and releases of the tool.
fn normal(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = match line.split_once(" disk, ") {
            Some((start, _)) if line.starts_with("  expected") => format!("{start} disk, (this machine)"),
            Some(_) | None => line.to_owned(),
        };
        let words = line.split_inclusive(|c: char| !c.is_ascii_alphanumeric()).map(|word| {
            let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            match bare.len() == 12 && bare.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                true => word.replace(bare, "0123456789ab"),
                false => word.to_owned(),
            }
        });
        lines.push(words.collect::<String>());
    }
    lines.join("\n")
}

fn run(example: &Example, scratch: &Path, project: &Path) -> Result<(), String> {
    let mut words = example.command.split_whitespace();
    if words.next() != Some("rdna-build") || example.command.contains(['|', '>', '\'', '"', '#', '~']) {
        return Err("is not plainly rdna-build: put it into a `sh` block".to_owned());
    }
    let output = Command::new(env!("CARGO_BIN_EXE_rdna-build"))
        .args(words)
        .current_dir(project)
        .env_clear()
        .env("HOME", scratch.join("home/me"))
        .output()
        .map_err(|error| error.to_string())?;
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).replace(&scratch.display().to_string(), "");
    if output.status.code() != Some(example.status) {
        return Err(format!("ends with {:?}, not {}:\n{printed}", output.status.code(), example.status));
    }
    snapbox::Assert::new()
        .try_eq(
            Some(&example.command),
            normal(printed.trim_end()).into(),
            normal(example.shown.trim_end()).into(),
        )
        .map_err(|error| error.to_string())
}

#[test]
fn every_command_in_the_documentation_does_what_it_shows() {
    let mut wrong = Vec::new();
    let mut ran = 0;
    for (name, text) in documents() {
        let scratch = tempfile::tempdir().unwrap();
        let scratch = scratch.path().canonicalize().unwrap();
        let project = make_project(&scratch);
        let (blocks, _) = split(&text);
        for example in blocks.iter().filter(|block| block.language == "console").flat_map(examples) {
            ran += 1;
            if let Err(why) = run(&example, &scratch, &project) {
                wrong.push(format!("{name}:{}: `{}` {why}", example.line, example.command));
            }
        }
    }
    assert!(ran > 10, "only {ran} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A heading as the part of a link behind `#`.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let mut dead = Vec::new();
    let mut seen = 0;
    for (name, text) in documents() {
        let (_, outside) = split(&text);
        for target in outside.iter().flat_map(|line| line.split("](").skip(1)) {
            let target = target.split(')').next().unwrap();
            if target.contains("://") {
                continue;
            }
            seen += 1;
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = match path.is_empty() {
                true => root().join(&name),
                false => root().join(&name).parent().unwrap().join(path),
            };
            let known = |text: String| {
                let (_, outside) = split(&text);
                outside.iter().any(|line| line.starts_with('#') && anchor(line) == heading)
            };
            if !file.exists() || (!heading.is_empty() && !fs::read_to_string(&file).is_ok_and(known)) {
                dead.push(format!("{name}: {target}"));
            }
        }
    }
    assert!(seen > 10, "only {seen} links were found");
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn no_file_names_a_mirror_a_registry_or_a_machine_it_was_written_on() {
    // Split, so that this file does not name them either.
    let hosts =
        ["deb.debian", "security.debian", "snapshot.debian", "ftp.debian"].map(|name| format!("{name}.org"));
    let mut words: Vec<String> = hosts.into();
    words.extend(
        [["registry-1.", "docker"], ["archive.", "ubuntu"], ["static.", "crates"]].map(|word| word.concat()),
    );
    words.extend(
        [["cla", "ude"], ["chat", "gpt"], ["co", "pilot"], ["open", "ai.com"]].map(|word| word.concat()),
    );
    let mut found = Vec::new();
    for path in files(root()) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let (name, text) = (path.strip_prefix(root()).unwrap().display().to_string(), text.to_lowercase());
        found.extend(words.iter().filter(|word| text.contains(*word)).map(|word| format!("{name}: {word}")));
        // In code this is where things lie inside a build container.
        let prose = name.ends_with(".md") || name.ends_with(".toml") || !name.contains('.');
        if prose && text.contains("/work/") {
            found.push(format!("{name}: a path of one machine"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_exit_codes_in_the_documentation_are_those_of_the_tool() {
    let rows = ExitCode::ALL.map(|code| format!("| {} | {} |\n", code as u8, code.meaning())).concat();
    for name in ["README.md", "docs/guide.md"] {
        assert!(document(name).contains(&rows), "{name} lacks these rows, as they are:\n{rows}");
    }
    let architecture = document("docs/architecture.md");
    for code in ExitCode::ALL {
        let number = code as u8;
        let has =
            architecture.contains(&format!("· {number} ")) || architecture.contains(&format!("\n{number} "));
        assert!(has, "docs/architecture.md lacks exit code {number}");
    }
}

#[test]
fn the_settings_in_the_guide_are_those_of_the_tool() {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut rows = String::new();
    for about in table::ALL {
        let flag = about.flag.map(|flag| format!("`{flag}`")).unwrap_or_else(|| "–".to_owned());
        let (values, default, doc) = (cell(about.values), cell(about.default), cell(about.doc));
        rows +=
            &format!("| `{}` | {flag} | `{}` | {values} | {default} | {doc} |\n", about.name, about.variable);
    }
    let others = table::ECOSYSTEM.iter().map(|(name, meaning)| format!("| `{name}` | {} |\n", cell(meaning)));
    let others: String = others.collect();
    let guide = document("docs/guide.md");
    assert!(guide.contains(&rows), "docs/guide.md lacks these rows, as they are:\n{rows}");
    assert!(guide.contains(&others), "docs/guide.md lacks these rows, as they are:\n{others}");
}

#[test]
fn every_error_code_in_the_guide_exists() {
    let sources = files(&root().join("src")).into_iter().filter_map(|path| fs::read_to_string(path).ok());
    let known: BTreeSet<String> = sources
        .flat_map(|text| {
            let codes = text.split("code(").skip(1).filter_map(|rest| rest.split(')').next());
            codes.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let guide = document("docs/guide.md");
    let named: BTreeSet<&str> =
        guide.split('`').filter(|word| word.contains("::") && !word.contains(' ')).collect();
    assert!(named.len() > 10, "{named:?}");
    let unknown: Vec<_> = named.iter().filter(|code| !known.contains(**code)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_guide_lists_every_conflict() {
    let guide = document("docs/guide.md");
    for rule in rdna_build::toolchain::rules::RULES {
        let is_listed = guide.lines().any(|line| line.starts_with(rule.id) && line.ends_with(rule.title));
        assert!(is_listed, "docs/guide.md lacks {}: {}", rule.id, rule.title);
    }
}
