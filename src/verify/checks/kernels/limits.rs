//! What kernels ask of a compute unit.

use super::{NEEDS, each};
use crate::model::Tier;
use crate::verify::checks::subject::Subject;
use crate::verify::checks::{Answer, Check};

pub(in crate::verify::checks) static CHECK: Check = Check {
    id: "kernels-limits",
    tier: Tier::Kernels,
    title: "each kernel has the wave size it is written for, and fits into the chip",
    why: "\
A kernel is written for waves of 32 or of 64 lanes; compiled for the other, its sums over a wave are wrong. A kernel that takes more local
memory (64 KiB a workgroup), vector registers (256 a lane) or lanes (1024 a workgroup) than the chip has is refused when it is launched. One that
calls the host (printf, assert, malloc on the device) needs PCIe atomics, which many machines with these cards do not have. The notes of
each object say all of that.

Scratch memory is no error on this chip.",
    needs: NEEDS,
    remedies: &["compile with the wave size that the solver asks for: -mwavefrontsize64 with -mcumode, or none of them"],
    run,
};

/// Bytes of local memory for a workgroup (RDNA 1, WGP mode).
const LDS: u32 = 64 << 10;
const VECTOR_REGISTERS: u32 = 256;
const LANES: u32 = 1024;

fn run(subject: &Subject<'_>) -> Answer {
    each(
        subject,
        |count| format!("{count} objects"),
        |matrix, _, object| {
            let Some(metadata) = &object.metadata else {
                return vec!["it has no notes that can be read".to_owned()];
            };
            if metadata.kernels.is_empty() {
                return vec!["its notes name no kernel".to_owned()];
            }
            let mut wrong = Vec::new();
            for kernel in &metadata.kernels {
                let mut say = |what: String| wrong.push(format!("{}: {what}", kernel.name));
                match kernel.wavefront_size {
                    Some(wave) if wave == matrix.wave => {}
                    Some(wave) => say(format!("waves of {wave}, {} are wanted", matrix.wave)),
                    None => say("no wave size in its notes".to_owned()),
                }
                if let Some(bytes) = kernel.lds.filter(|bytes| *bytes > LDS) {
                    say(format!("{bytes} bytes of local memory, {LDS} are there"));
                }
                if let Some(registers) = kernel.vgprs.filter(|registers| *registers > VECTOR_REGISTERS) {
                    say(format!("{registers} vector registers, {VECTOR_REGISTERS} are there"));
                }
                if let Some(lanes) = kernel.max_workgroup.filter(|lanes| *lanes > LANES) {
                    say(format!("workgroups of {lanes}, {LANES} is the largest"));
                }
                if kernel.hidden_args.iter().any(|argument| argument == "hidden_hostcall_buffer") {
                    say("it calls the host, which needs PCIe atomics".to_owned());
                }
            }
            wrong
        },
    )
}
