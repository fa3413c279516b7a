//! What ROCm's ISA emulator is told to be: an RDNA1 card, from facts of the cards.

use serde_json::{Value, json};

use crate::model::GfxTarget;

/// What tells one RDNA1 card from another.
struct Card {
    target: &'static str,
    /// As the compute driver counts.
    version: u32,
    device: u32,
    name: &'static str,
    /// Compute units: they decide which solvers MIOpen offers.
    engines: u32,
    arrays: u32,
    units: u32,
    /// Bytes.
    memory: u64,
}

/// RX 5600 XT, Radeon Pro V520, RX 5500 XT.
const CARDS: [Card; 3] = [
    Card {
        target: "gfx1010",
        version: 100_100,
        device: 0x731f,
        name: "AMD Radeon RX 5600 XT",
        engines: 2,
        arrays: 2,
        units: 9,
        memory: 6 << 30,
    },
    Card {
        target: "gfx1011",
        version: 100_101,
        device: 0x7362,
        name: "AMD Radeon Pro V520",
        engines: 2,
        arrays: 2,
        units: 9,
        memory: 8 << 30,
    },
    Card {
        target: "gfx1012",
        version: 100_102,
        device: 0x7340,
        name: "AMD Radeon RX 5500 XT",
        engines: 1,
        arrays: 2,
        units: 11,
        memory: 4 << 30,
    },
];

/// AMDGPU_FAMILY_NV.
const FAMILY: u32 = 143;
const AMD: u32 = 0x1002;

/// The emulator's configuration for a target; nothing for a chip that is none of RDNA1.
pub fn configuration(target: GfxTarget) -> Option<String> {
    let card = CARDS.iter().find(|card| card.target == target.as_str())?;
    let units = card.engines * card.arrays * card.units;
    let per_engine = card.arrays * card.units;
    let document = json!({
        "max_ticks": 0,
        "num_threads": 1,
        "exec_mode": "functional",
        "vm": { "arch": "rdna1", "gpu": { "device": device(card, units) } },
        "topology": topology(card.engines, per_engine),
    });
    Some(format!("{document:#}\n"))
}

fn device(card: &Card, units: u32) -> Value {
    json!({
        "gpu_id": card.device,
        "gfx_target_version": card.version,
        "vendor_id": AMD,
        "device_id": card.device,
        "family_id": FAMILY,
        "unique_id": 0,
        "marketing_name": card.name,
        "drm_render_minor": 128,
        "revision_id": 0,
        "pci_revision_id": 0,
        "simd_count": 2 * units,
        "max_waves_per_simd": 20,
        "num_shader_engines": card.engines,
        "num_shader_arrays_per_engine": card.arrays,
        "num_cu_per_sh": card.units,
        "simd_per_cu": 2,
        "wave_front_size": 32,
        "max_slots_scratch_cu": 32,
        "local_mem_size": card.memory,
        "vram_type": 9,
        "lds_size_kb": 64,
        "mem_width": 192,
        "mem_clk_max": 875,
        "l1_size_kb": 16,
        "l1_line_size": 128,
        "l1_assoc": 4,
        "l2_size_kb": 4096,
        "l2_line_size": 128,
        "l2_assoc": 16,
        "num_sdma_engines": 2,
        "num_sdma_xgmi_engines": 0,
        "num_cp_queues": 8,
        "max_engine_clk_fcompute": 1750,
        "location_id": 768,
        "hive_id": 0,
        "domain": 0,
    })
}

/// The parts of the chip and how they are connected, in the emulator's own terms.
fn topology(engines: u32, per_engine: u32) -> Value {
    let unit = json!({
        "name": format!("cu[0:{per_engine}]"),
        "type": "compute_unit",
        "config": [
            { "key": "num_wf_slots", "value": "40" },
            // With fewer the registers behind s103, VCC among them, would be the next wave's.
            { "key": "sgprs_per_wf", "value": "128" },
            { "key": "vgprs_per_wf", "value": "256" },
            { "key": "lds_size_kb", "value": "64" },
        ],
    });
    json!({
        "root": {
            "name": "soc",
            "type": "soc",
            "children": [
                { "name": "vram", "type": "gpu_memory" },
                {
                    "name": "xcd[0:1]",
                    "type": "xcd",
                    "children": [
                        { "name": "l2", "type": "l2_cache" },
                        { "name": "cp", "type": "command_processor" },
                        { "name": format!("se[0:{engines}]"), "type": "shader_engine", "children": [unit] },
                    ],
                },
            ],
        },
        // How long a message takes plays no part where only results are computed.
        "links": [],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_the_numbers_of_its_own_card() {
        for (target, version, units) in [("gfx1010", 100_100, 36), ("gfx1011", 100_101, 36), ("gfx1012", 100_102, 22)] {
            let text = configuration(target.parse().expect("a target")).expect("a configuration");
            let document: Value = serde_json::from_str(&text).expect("JSON");
            let device = &document["vm"]["gpu"]["device"];
            assert_eq!(device["gfx_target_version"], version);
            assert_eq!(device["simd_count"], 2 * units);
            let product = |keys: [&str; 3]| keys.iter().map(|key| device[key].as_u64().expect("a number")).product::<u64>();
            assert_eq!(product(["num_shader_engines", "num_shader_arrays_per_engine", "num_cu_per_sh"]), units);
        }
    }

    #[test]
    fn other_chips_have_none() {
        assert_eq!(configuration("gfx1030".parse().expect("a target")), None);
    }
}
