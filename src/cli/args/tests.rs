use clap::error::ErrorKind;

use super::*;

fn read(line: &str) -> Result<Arguments, clap::Error> {
    parse(line.split(' ').map(OsString::from))
}

fn build(line: &str) -> BuildArguments {
    match read(line).unwrap().command {
        Command::Build(build) => build,
        other => panic!("not a build: {other:?}"),
    }
}

fn help(command: &mut clap::Command) -> String {
    command.clone().term_width(100).render_long_help().to_string()
}

#[test]
fn the_definitions_are_consistent() {
    Arguments::command().debug_assert();
    completions_command().debug_assert();
}

#[test]
fn a_bare_recipe_is_built() {
    for line in [
        "rdna-build miopen --target gfx1010",
        "rdna-build --target gfx1010 miopen",
        "rdna-build --target=gfx1010 -qj 2 miopen",
        "rdna-build -j2 --engine podman MIOpen --target gfx1010",
        "rdna-build --version 3.3.0 miopen --target gfx1010",
        "rdna-build --color never build miopen --target gfx1010",
    ] {
        assert_eq!(build(line).recipe.as_str(), "miopen", "{line}");
    }
}

#[test]
fn targets_are_listed_and_repeated() {
    let targets = build("rdna-build miopen --target gfx1010,gfx1012 --target gfx1011").targets;
    assert_eq!(
        targets.iter().map(|target| target.as_str()).collect::<Vec<_>>(),
        ["gfx1010", "gfx1012", "gfx1011"]
    );
    let error = read("rdna-build miopen --target gfx101").unwrap_err().to_string();
    assert!(error.contains("did you mean `gfx1010`?"), "{error}");
}

#[test]
fn a_typo_of_a_command_is_suggested() {
    for line in ["rdna-build biuld", "rdna-build biuld miopen --target gfx1010", "rdna-build biuld miopen"] {
        let error = read(line).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSubcommand, "{line}");
        assert!(error.to_string().contains("'build'"), "{error}");
    }
    let plans = build("rdna-build plans --target gfx1010");
    assert_eq!(plans.recipe.as_str(), "plans", "only a build has one word and a target");
}

#[test]
fn every_command_can_be_suggested() {
    for command in Arguments::command().get_subcommands() {
        assert_eq!(nearest_command(command.get_name()), Some(command.get_name()));
    }
}

#[test]
fn what_a_build_lacks_is_told_as_for_build() {
    for line in ["rdna-build miopen", "rdna-build --target gfx1010"] {
        let error = read(line).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingRequiredArgument, "{line}");
        assert!(error.to_string().contains("rdna-build build"), "{error}");
    }
}

#[test]
fn version_is_the_tool_s_without_a_recipe_and_the_recipe_s_with_one() {
    for line in ["rdna-build --version", "rdna-build -V"] {
        assert_eq!(read(line).unwrap_err().kind(), ErrorKind::DisplayVersion, "{line}");
    }
    let version = build("rdna-build miopen --target gfx1010 --version 3.3.0").version;
    assert_eq!(version.unwrap().to_string(), "3.3.0");
}

#[test]
fn garbage_is_collected_only_by_a_limit() {
    assert!(read("rdna-build cache gc").is_err());
    let arguments = read("rdna-build cache gc --older-than 2w --max-size 20GiB").unwrap();
    let Command::Cache(CacheArguments { command: CacheCommand::Gc(gc), .. }) = arguments.command else {
        panic!()
    };
    assert_eq!(gc.older_than, Some(std::time::Duration::from_secs(14 * 86400)));
    assert_eq!(gc.max_size, Some(20 << 30));
    assert!(read("rdna-build cache gc --older-than 5é").is_err());
}

#[test]
fn help_of_the_tool() {
    snapbox::assert_data_eq!(
        help(&mut Arguments::command()),
        snapbox::str![[r#"
Builds ROCm libraries for RDNA1 GPUs

Patches, builds and packs ROCm libraries such as MIOpen for gfx1010, gfx1011 and gfx1012. Everything
is compiled in a container without network; what was made once is kept and not made again.

Usage: rdna-build [OPTIONS] <COMMAND>
       rdna-build <RECIPE> --target <GFX>

Commands:
  build           Build a recipe and pack the result
  plan            Show what a build would do, stage by stage, and why
  matrix          List the builds of a recipe that are still to do, for CI
  shell           Open a shell in a recipe's build container, sources prepared
  patch           See, prove and edit the patches of a recipe
  recipes         List, show and check recipes
  toolchains      List, show and look into toolchains [alias: toolchain]
  explain         Say what a conflict, check, finding or failure is, or which conflict a log shows
  doctor          Say why this machine can or cannot compute on its GPU, and whether it can build
  verify          Prove what a built or installed library is, as far as that can be done without its
                  GPU
  sign            Sign packages with a key of yours, and what they were made from
  verify-package  Hold a package against its digests, SBOM, provenance and signature
  publish         Put packages into a repository for apt and dnf
  install         Put a package where programs find it, or its MIOpen into PyTorch
  installed       List what is installed, and which version is current
  uninstall       Remove an installed package
  rollback        Go back to the version that was current before, or to PyTorch's own library
  run             Start a program with the installed libraries first
  logs            Show the log of a run
  cache           See, free and share what earlier runs left in the store
  config          Show every setting and where it comes from
  completions     Write the completions of a shell to standard output
  man             Write the manual pages
  help            Print this message or the help of the given subcommand(s)

Options:
  -h, --help
          Print help (see a summary with '-h')

  -V, --version
          Print version

Output:
  -v, --verbose
          Show the output of containers as well

  -q, --quiet
          Say nothing but errors and the paths of packages

      --json
          Write for programs: one event a line, or one JSON document

      --color <WHEN>
          Colour: auto, always or never [default: auto]

Examples:
  rdna-build selftest --target gfx1010          try the whole chain first
  rdna-build plan miopen --target gfx1010       show what would be done, and why
  rdna-build miopen --target gfx1010            build MIOpen and pack it
  rdna-build miopen --target gfx1010,gfx1012    for several GPUs
  rdna-build recipes                            what can be built
  rdna-build verify                             what is proven of the package, and what is not
  rdna-build install                            put it where programs find it
  rdna-build run -- python3 train.py            start a program with it
  rdna-build doctor                             whether this machine can compute and build
  rdna-build config                             which settings hold, and why

`rdna-build RECIPE …` is short for `rdna-build build RECIPE …`.

Exit codes:
    0  fine
    1  a build failed
    2  the command line or a setting is wrong
    3  a recipe, patch or toolchain is invalid
    4  the machine is not ready: engine, disk, network
    5  verification failed
   77  nothing could be verified
  124  timed out
  130  interrupted

"#]]
    );
}

#[test]
fn help_of_build() {
    let mut command = Arguments::command();
    command.build();
    let build = command.find_subcommand_mut("build").unwrap();
    snapbox::assert_data_eq!(
        help(build),
        snapbox::str![[r#"
Build a recipe and pack the result

Usage: rdna-build build [OPTIONS] --target <GFX> <RECIPE>

Arguments:
  <RECIPE>
          The recipe, e.g. miopen; `rdna-build recipes` lists them

Options:
      --target <GFX>
          GPUs to build for, e.g. gfx1010 or gfx1010,gfx1012

      --version <VERSION>
          The recipe's version [default: the recipe's own choice]

      --source <PATH|URL[#REF]>
          Build these sources instead of the recipe's: a folder, a git address with #branch, #tag or
          #commit, or an archive's address with #sha256=DIGEST

      --toolchain <ID>
          Use this toolchain [default: the one that fits best]

      --rebuild
          Build and pack again, even where that is cached

      --keep-failed
          Keep the container of a failed build, to look inside

  -h, --help
          Print help

Patches:
      --patch <FILE>
          Apply this patch of your own after the recipe's; may be repeated

      --patch-fit <FIT>
          What hunks of your own patches may give up: exact, offset, fuzz-1 or fuzz-2 [default:
          exact]

      --with-patch <NAME>
          Apply this patch of the recipe, which is not applied by default, and what it needs; may be
          repeated

      --without-patch <NAME>
          Leave this patch of the recipe out; may be repeated

      --unproven-patches
          Apply patches that were never proven on this version, too

Packages:
      --format <FORMAT>
          Formats of the packages: tar.zst, deb, rpm [default: tar.zst]

      --revision <N>
          Counts what is published of one version, as part of a .deb's or .rpm's version [default:
          1]

Machine:
  -j, --jobs <N>
          Compilations at the same time [default: what cores and memory allow]

      --memory <SIZE>
          Memory a build container may use, e.g. 6GiB

      --engine <ENGINE>
          Container engine: auto, docker, podman, unix:///path/to.sock or tcp://host:port [default:
          auto]

      --remote <REGISTRY/PATH>
          Look for what the store lacks in this repository of an OCI registry, e.g.
          ghcr.io/owner/name

      --remote-write
          Also give the remote store what was made here

      --offline
          Never use the network

      --debian-mirror <URL>
          The Debian mirror for toolchains [default: that of the host's apt sources]

Folders:
      --recipes <DIR>
          A folder with recipes, put before those built in; may be repeated

      --toolchains <DIR>
          A folder with toolchains, put before those built in; may be repeated

      --store <DIR>
          Where finished stages are kept [default: $XDG_CACHE_HOME/rdna-build]

      --output <DIR>
          Where packages are put [default: out]

Output:
  -v, --verbose
          Show the output of containers as well

  -q, --quiet
          Say nothing but errors and the paths of packages

      --json
          Write for programs: one event a line, or one JSON document

      --color <WHEN>
          Colour: auto, always or never [default: auto]

Examples:
  rdna-build build miopen --target gfx1010
  rdna-build build miopen --target gfx1010,gfx1012 --version 3.3.0
  rdna-build build miopen --target gfx1010 --jobs 4 --memory 8GiB
  rdna-build build miopen --target gfx1010 --format deb,rpm

  a folder as it lies, or a branch of your own:
  rdna-build build miopen --target gfx1010 --source ~/src/MIOpen
  rdna-build build miopen --target gfx1010 --source URL#my-branch

Paths of packages go to standard output, everything else to standard error.
A build that was stopped goes on from its last finished stage.

"#]]
    );
}
