//! A place that sources come from does not answer.

use super::{Evidence, Finding, Found, Patient, Severity};

pub(super) static FINDING: Finding = Finding {
    id: "source-unreachable",
    title: "a place that sources or packages come from does not answer",
    why: "\
A first build fetches MIOpen's source and the packages or the image of its toolchain. What was fetched once is in the store, and a build
with --offline asks nobody.

Asked only with --network, and by one request each, through the proxies of the environment. An answer of any kind counts.",
    remedies: &[
        "see whether a proxy is needed: https_proxy",
        "or name another place: --debian-mirror URL, --source FOLDER",
    ],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let silent = patient.places.iter().filter_map(|place| Some((place, place.trouble.as_ref()?)));
    let evidence: Vec<Evidence> =
        silent.map(|(place, trouble)| Evidence::new(&place.address, trouble.as_str())).collect();
    if evidence.is_empty() {
        return vec![];
    }
    let severity = if evidence.len() == patient.places.len() { Severity::Error } else { Severity::Warning };
    let what = format!("{} of {} places do not answer", evidence.len(), patient.places.len());
    vec![FINDING.found(severity, what, evidence, "what is not in the store yet cannot be fetched").building()]
}
