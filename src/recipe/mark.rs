//! What of a patch can be seen in the built library: the key `mark` of a patch in `series.toml`.

use super::keys::{CALL, MARK};
use crate::document::{Field, Section};
use crate::model::{CallMark, PatchMark, Traces};

/// The integer arguments that the calling convention of x86-64 passes in registers.
const ARGUMENTS: std::ops::RangeInclusive<i64> = 1..=6;

pub(super) fn read(field: &Field<'_>) -> Option<PatchMark> {
    let section = field.section(MARK)?;
    let none = section.optional("none", |field| field.line());
    let texts = section.or("texts", Vec::new(), |field| field.each(|field| field.relative_path()));
    let present = section.or("present", Vec::new(), |field| field.each(|field| field.line()));
    let absent = section.or("absent", Vec::new(), |field| field.each(|field| field.line()));
    let call = section.optional("call", |field| call(&field.section(CALL)?));
    let traces = Traces { texts: texts?, present: present?, absent: absent?, call: call? };
    match (none?, traces == Traces::default()) {
        (Some(why), true) => Some(PatchMark::Invisible { why }),
        (None, false) => Some(PatchMark::Traces(traces)),
        (Some(_), false) => field.wrong("`none` says that nothing can be seen, and the rest what can", None),
        (None, true) => {
            let help = "say what the patched library holds, or why nothing can be seen: `none = \"…\"`";
            field.wrong("this mark says nothing", Some(help.to_owned()))
        }
    }
}

fn call(section: &Section<'_>) -> Option<CallMark> {
    let function = section.required("function", |field| field.line());
    let argument = section.required("argument", |field| field.number(ARGUMENTS));
    let value = section.required("value", |field| field.number(0..=i64::from(u32::MAX)));
    Some(CallMark {
        function: function?,
        argument: u8::try_from(argument?).ok()?,
        value: u32::try_from(value?).ok()?,
    })
}
