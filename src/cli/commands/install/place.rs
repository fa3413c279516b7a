//! Where packages are installed, and for which GPUs.

use std::path::{Path, PathBuf};

use crate::cli::args::PlaceOptions;
use crate::cli::commands::doctor;
use crate::cli::exit::CliError;
use crate::cli::settings::{Environment, Settings};
use crate::facts::Host;
use crate::install::Base;

/// Where root's packages lie: the prefix that they are built for.
const SYSTEM: &str = "/opt/rdna-build";
const BELOW_HOME: &str = ".local/opt/rdna-build";

pub(super) fn base(options: &PlaceOptions, environment: &Environment) -> Result<Base, CliError> {
    let folder = match &options.prefix {
        Some(prefix) => environment.absolute(prefix),
        None if options.user || !rustix::process::geteuid().is_root() => below_home(environment)?,
        None => PathBuf::from(SYSTEM),
    };
    Ok(Base::new(&folder)?)
}

fn below_home(environment: &Environment) -> Result<PathBuf, CliError> {
    let home = environment.folder("HOME").ok_or_else(|| CliError::Usage {
        message: "HOME is not set, so there is no folder of yours to install into".to_owned(),
        help: Some("name one: --prefix DIR".to_owned()),
    })?;
    Ok(home.join(BELOW_HOME))
}

/// The words that name a base again, for advice.
pub(super) fn words(options: &PlaceOptions) -> String {
    match &options.prefix {
        Some(prefix) => format!(" --prefix {}", Path::display(prefix)),
        None if options.user => " --user".to_owned(),
        None => String::new(),
    }
}

/// The GPUs of this machine by their targets, where the compute driver tells of any.
pub(super) fn gpus(settings: &Settings, environment: &Environment) -> Vec<String> {
    // A machine that cannot be looked at tells of none.
    doctor::host(settings, environment).map(|host| targets(&host)).unwrap_or_default()
}

fn targets(host: &Host) -> Vec<String> {
    let nodes = host.kfd.iter().flat_map(|kfd| kfd.gpus());
    let mut targets: Vec<String> = nodes.filter_map(|node| Some(node.gfx?.to_string())).collect();
    targets.sort();
    targets.dedup();
    targets
}

/// What is to be said of a package for a GPU that is not there.
pub(super) fn other_gpu(target: &str, gpus: &[String]) -> Option<String> {
    if gpus.is_empty() || gpus.iter().any(|gpu| gpu == target) {
        return None;
    }
    Some(format!("the package is for {target}, and this machine has {}", gpus.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::kfd::{Gfx, Kfd, Node};

    #[test]
    fn a_package_for_another_gpu_is_warned_of_only_where_gpus_are_known() {
        let node = |version| Node { simd_count: 80, gfx: Gfx::from_version(version), ..Node::default() };
        let host = Host {
            kfd: Some(Kfd { nodes: vec![Node::default(), node(100_102), node(100_102), node(100_300)] }),
            ..Host::default()
        };
        let gpus = targets(&host);
        assert_eq!(gpus, ["gfx1012", "gfx1030"]);
        assert_eq!(other_gpu("gfx1012", &gpus), None);
        assert_eq!(
            other_gpu("gfx1010", &gpus).unwrap(),
            "the package is for gfx1010, and this machine has gfx1012, gfx1030"
        );
        assert_eq!(other_gpu("gfx1010", &targets(&Host::default())), None);
    }
}
