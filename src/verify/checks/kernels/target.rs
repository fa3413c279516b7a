//! Which GPU the compiled kernels are for.

use super::{NEEDS, each};
use crate::code::Xnack;
use crate::model::Tier;
use crate::verify::checks::subject::Subject;
use crate::verify::checks::{Answer, Check};

pub(in crate::verify::checks) static CHECK: Check = Check {
    id: "kernels-target",
    tier: Tier::Kernels,
    title: "each compiled kernel is for the target, by its header and its notes",
    why: "\
The processor that code is for stands in the flags of its ELF header (EF_AMDGPU_MACH: 0x33 for gfx1010) and once more in its notes.
HIP loads code for gfx1010 whose XNACK mode is off or any. A compiler that was told otherwise, by a wrapper or a variable, shows here.",
    needs: NEEDS,
    remedies: &["see which compiler the toolchain calls: `rdna-build toolchains inspect`"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let passed = |count| format!("{count} objects for {}", subject.target);
    each(subject, passed, |_, kernel, object| {
        let mut wrong = Vec::new();
        let wanted = kernel.target.processor();
        if object.header.target() != Some(wanted) {
            wrong.push(format!("its header says {}", object.header));
        }
        if object.header.xnack == Xnack::On {
            wrong.push("it wants XNACK, which the chip does not have".to_owned());
        }
        let noted = object.metadata.as_ref().and_then(|metadata| metadata.target.as_deref());
        if let Some(noted) = noted {
            let processor = noted.rsplit("--").next().unwrap_or_default().split(':').next();
            if processor != Some(wanted.as_str()) {
                wrong.push(format!("its notes say {noted}"));
            }
        }
        wrong
    })
}
