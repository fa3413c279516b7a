//! On a card of this machine, in a container that gets it and nothing else.

use std::collections::BTreeMap;

use super::super::super::{ExecuteError, Workshop};
use super::super::VerifyTask;
use super::super::runtime::{Room, open_lab_with};
use super::super::subject::Opened;
use super::venv::{self, Settled};
use super::{Bench, Place};
use crate::engine::device::{CdiDevice, DeviceFile, Devices, GpuRequest, Groups, Passthrough, passthrough};
use crate::facts::choice::{NoCard, Offer, choose};
use crate::facts::devices::DeviceNode;
use crate::facts::{Host, KernelLog};
use crate::model::{CardUsed, Device, Digest, Event, Evidence, GfxTarget, HostPath, Recipe};
use crate::verify::ComputingState;

/// Makes programs take every GPU for another chip.
const OVERRIDE: &str = "HSA_OVERRIDE_GFX_VERSION";

/// Computes on the card that was asked for, or the first of the target.
pub(in crate::execute::verify) async fn on_card(
    task: &VerifyTask<'_>,
    opened: &Opened,
    recipe: Option<&Recipe>,
    target: GfxTarget,
    library: Digest,
    room: Option<&Room<'_>>,
    workshop: &Workshop,
) -> Result<(ComputingState, Option<Device>), ExecuteError> {
    let none = |missing: String| Ok((ComputingState::None { missing }, None));
    let bench = match Bench::of(task, opened, recipe, target, room) {
        Ok(bench) => bench,
        Err(missing) => return none(missing),
    };
    let Some(host) = &task.computing.host else { return none("no card was looked for".to_owned()) };
    let offer = match choose(host, target.as_str(), task.computing.device.as_deref()) {
        Ok(offer) => offer,
        Err(error @ (NoCard::NoSuchDevice { .. } | NoCard::OtherTarget { .. })) => {
            let says = error.to_string();
            let remedies = vec!["`rdna-build doctor` shows the cards of this machine".to_owned()];
            return Ok((ComputingState::Refused { says, evidence: vec![], remedies }, None));
        }
        Err(error) => return none(error.to_string()),
    };
    if !task.computing.allow_override
        && let Some(refused) = overridden(host, bench.room)
    {
        return Ok((refused, None));
    }
    let given = match passthrough(&request(&offer), &bench.room.engine.info().await?) {
        Ok(given) => given,
        Err(error) => return none(error.to_string()),
    };
    let mut used = used(host, &offer, &given);
    let (chosen, left_out) = bench.chosen(&task.computing.cases, |case| Some(case.seconds));
    if chosen.is_empty() {
        return none("no case of the recipe's suites has such a name".to_owned());
    }
    let settled = Settled { given: given.clone(), environment: overriding(host) };
    let lab = match open_lab_with(&bench.room.image, Some(given), workshop).await {
        Ok(lab) => lab,
        Err(error) => return none(format!("the engine gives no container with the card: {error}")),
    };
    bench.install(&lab).await?;
    let log = KernelLog::open();
    if let Err(error) = &log {
        workshop.events.emit(Event::Note {
            message: format!("the kernel's log is not read, where resets of the card would show: {error}"),
        });
    }
    let environment = settled.environment.clone();
    let place = Place { lab, launcher: vec![], environment, is_card: true, log: log.ok() };
    let (mut state, is_usable) = bench.compute(place, chosen, left_out, workshop).await?;
    // Not after a hang: the card's state is unknown then.
    if is_usable && let (ComputingState::Run(computed), Some(venv)) = (&mut state, &task.computing.venv) {
        used.passed.push(format!("{} and its Python, to be read only, for its own cases", venv.display()));
        computed.cases.extend(venv::cases(&bench, venv, library, &settled, workshop).await?);
    }
    Ok((state, Some(Device::Card(used))))
}

/// What is handed on where an override was asked for.
fn overriding(host: &Host) -> BTreeMap<String, String> {
    host.variable(OVERRIDE)
        .map(|variable| (OVERRIDE.to_owned(), variable.value.clone()))
        .into_iter()
        .collect()
}

/// Whether this machine or the image makes programs take the card for another chip.
fn overridden(host: &Host, room: &Room<'_>) -> Option<ComputingState> {
    let mut evidence: Vec<Evidence> = host
        .variables
        .iter()
        .filter(|variable| variable.name.starts_with(OVERRIDE))
        .map(|variable| {
            Evidence::new(
                format!("{}={}", variable.name, variable.value),
                format!("set in {}", variable.place),
            )
        })
        .collect();
    let in_image = room.environment.iter().filter(|(name, _)| name.starts_with(OVERRIDE));
    evidence.extend(
        in_image
            .map(|(name, value)| Evidence::new(format!("{name}={value}"), format!("set in {}", room.name))),
    );
    (!evidence.is_empty()).then(|| ComputingState::Refused {
        says: format!("{OVERRIDE} is set: programs would run code of another chip"),
        evidence,
        remedies: vec![
            format!("`unset {OVERRIDE}`, also where it is set for everybody, and verify again"),
            "to see what happens with it all the same: --allow-override".to_owned(),
        ],
    })
}

fn request(offer: &Offer<'_>) -> GpuRequest {
    let file =
        |node: &DeviceNode| DeviceFile { path: HostPath::new(&node.path), gid: node.gid, mode: node.mode };
    let cdi = offer.cdi.map(|cdi| CdiDevice { name: cdi.name.clone(), folder: cdi.folder.clone() });
    GpuRequest { kfd: file(offer.kfd), render: file(offer.render), cdi }
}

fn used(host: &Host, offer: &Offer<'_>, given: &Passthrough) -> CardUsed {
    let mut passed = match &given.devices {
        Devices::Files(files) => files.iter().map(|file| format!("device {file}")).collect(),
        Devices::Cdi(name) => vec![format!("CDI device {name}")],
    };
    match &given.groups {
        Groups::Numbers(numbers) => passed.extend(numbers.iter().map(|number| format!("group {number}"))),
        Groups::Keep => passed.push("the groups of the person (keep-groups)".to_owned()),
    }
    passed.push(format!("{} MiB of shared memory", given.shared_memory >> 20));
    passed.extend(given.security.iter().map(|option| format!("security option {option}")));
    let node = offer.node;
    CardUsed {
        target: offer.gfx.to_string(),
        id: format!("{:04x}:{:04x}", node.vendor, node.device),
        address: node.pci.map(|address| address.to_string()),
        render: offer.render.path.clone(),
        firmware: node.mec_firmware,
        driver: host.driver.version.clone(),
        passed,
    }
}
