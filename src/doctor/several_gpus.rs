//! Several GPUs, and which of them programs take.

use super::{Evidence, Finding, Found, Patient, Severity};

pub(super) static FINDING: Finding = Finding {
    id: "several-gpus",
    title: "there are several AMD GPUs, and programs take the first",
    why: "\
ROCm counts GPUs from 0 in the order of KFD's nodes, and programs take 0 when nobody tells them otherwise. With graphics inside the
processor that may be the wrong one, and libraries have no code for it.

ROCR_VISIBLE_DEVICES leaves only the GPUs in its list. In a container, the render node that is handed over decides.",
    remedies: &["ROCR_VISIBLE_DEVICES with the number of the GPU"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let gpus: Vec<_> = patient.gpus().into_iter().filter(|node| !node.is_hidden()).collect();
    let is_rdna1 = |index: usize| gpus[index].gfx.is_some_and(|gfx| gfx.is_rdna1());
    let rdna1: Vec<usize> = (0..gpus.len()).filter(|index| is_rdna1(*index)).collect();
    let chosen = ["ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"]
        .iter()
        .any(|name| patient.host.variable(name).is_some());
    if gpus.len() < 2 || rdna1.is_empty() || chosen {
        return vec![];
    }
    let evidence = gpus.iter().enumerate().map(|(index, node)| {
        let render = node.render_minor.map_or_else(String::new, |minor| format!(", /dev/dri/renderD{minor}"));
        Evidence::new(&node.place, format!("GPU {index}: {}{render}", patient.name(node)))
    });
    let remedies = rdna1
        .iter()
        .map(|index| format!("for the {}: ROCR_VISIBLE_DEVICES={index}", patient.name(gpus[*index])));
    let what = format!("there are {} AMD GPUs, and programs take the first", gpus.len());
    let found = match is_rdna1(0) {
        true => FINDING.found(Severity::Note, what, evidence.collect(), "say which one is meant"),
        false => FINDING.found(
            Severity::Warning,
            what,
            evidence.collect(),
            "the first is not the RDNA1 card: libraries for it have no code for the first",
        ),
    };
    vec![found.with_remedies(remedies)]
}
