//! What the findings are held against.

use super::{Evidence, Severity};
use crate::facts::Host;
use crate::facts::kfd::Node;
use crate::facts::pci::Card;
use crate::model::Inventory;

/// A machine with everything that is known of it.
#[derive(Clone, Debug)]
pub struct Patient<'a> {
    pub host: &'a Host,
    /// What it holds of ROCm and LLVM.
    pub inventory: &'a Inventory,
    pub engine: &'a EngineAnswer,
    pub needs: &'a Needs,
    /// Where sources come from; empty where nobody was asked.
    pub places: &'a [Place],
}

/// A place that sources come from, and why it did not answer, if so.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    pub address: String,
    pub trouble: Option<String>,
}

/// What the container engine said.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum EngineAnswer {
    /// A tree of files has no engine.
    NotAsked,
    Answers {
        /// e.g. `Docker 27.3.1`.
        name: String,
        cores: u32,
        /// Bytes of memory of the machine it runs on.
        memory: u64,
    },
    Denied {
        reason: String,
        help: String,
    },
    Unreachable {
        reason: String,
        help: String,
    },
}

/// What building takes, from the recipe.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Needs {
    /// e.g. `miopen`.
    pub recipe: String,
    /// Bytes for one compilation.
    pub memory_per_job: u64,
    /// Bytes for sources, build folder and package.
    pub disk: u64,
}

impl<'a> Patient<'a> {
    /// GPUs that the compute driver knows, hidden ones among them.
    pub fn gpus(&self) -> Vec<&'a Node> {
        self.host.kfd.iter().flat_map(|kfd| kfd.gpus()).collect()
    }

    /// gfx1010, gfx1011 and gfx1012 among them.
    pub fn rdna1(&self) -> Vec<&'a Node> {
        self.gpus().into_iter().filter(|node| node.gfx.is_some_and(|gfx| gfx.is_rdna1())).collect()
    }

    /// RDNA1 cards, whether a driver has taken them or not.
    pub fn rdna1_cards(&self) -> Vec<&'a Card> {
        self.host.cards.iter().filter(|card| card.rdna1().is_some()).collect()
    }

    /// How much it matters that one card does not work: beside one that does, less.
    pub fn severity_beside(&self, another: bool) -> Severity {
        if another { Severity::Warning } else { Severity::Error }
    }

    /// What a GPU is called here: its card's name and its target.
    pub fn name(&self, node: &Node) -> String {
        let target = node.gfx.map_or_else(|| "a GPU".to_owned(), |gfx| gfx.to_string());
        let card = self.host.card(node);
        let by_driver = || node.name.as_ref().map(|name| format!("AMD {name}"));
        match card.and_then(|card| card.known_name()).or_else(by_driver).or_else(|| Some(card?.name())) {
            Some(name) => format!("{name} ({target})"),
            None => format!("{target} (node {})", node.number),
        }
    }

    /// `docker run` options that hand a GPU's devices to a container.
    pub fn device_options(&self) -> String {
        let mut options = vec!["--device /dev/kfd".to_owned()];
        let minors = self.rdna1().into_iter().filter_map(|node| node.render_minor);
        options.extend(minors.map(|minor| format!("--device /dev/dri/renderD{minor}")));
        if options.len() == 1 {
            options.push("--device /dev/dri".to_owned());
        }
        let gids = self.host.devices.iter().filter(|node| node.gid != 0).map(|node| node.gid);
        let mut gids: Vec<u32> = gids.collect();
        gids.sort_unstable();
        gids.dedup();
        options.extend(gids.into_iter().map(|gid| format!("--group-add {gid}")));
        options.join(" ")
    }

    /// A card as evidence.
    pub fn card_evidence(&self, card: &Card) -> Evidence {
        let driver = match &card.driver {
            Some(driver) => format!("driver {driver}"),
            None => "no driver".to_owned(),
        };
        Evidence::new(&card.place, format!("{}, {driver}", card.name()))
    }
}
