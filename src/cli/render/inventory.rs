//! An inventory for people: what was found, and the file that proves it.

use super::conflict;
use super::page::Page;
use super::palette::Tone;
use super::table::Table;
use crate::model::{DeviceLibraries, FoundLibrary, Inventory, LibraryPart};
use crate::toolchain::rules::Conflict;

/// How many of a long list's parts are named.
const NAMED: usize = 8;

/// The inventory and its conflicts as one document.
pub fn document(inventory: &Inventory, conflicts: &[Conflict]) -> serde_json::Value {
    let mut document = serde_json::to_value(inventory).expect("an inventory has only text keys");
    document["conflicts"] = serde_json::to_value(conflicts).expect("a conflict is plain data");
    document
}

/// The whole page, with what clashes at its end, where a terminal shows it.
pub fn text(what: &str, inventory: &Inventory, conflicts: &[Conflict], page: Page) -> String {
    let mut text = page.palette.paint(Tone::Strong, what);
    if let Some(system) = &inventory.system {
        text += &format!(": {system}");
    }
    text.push('\n');
    let rows = [
        ("LLVM", llvms(inventory)),
        ("on PATH", commands(inventory)),
        ("device libraries", device_libraries(inventory)),
        ("libraries", libraries(inventory)),
        ("ROCm", rocm(inventory)),
        ("other parts", parts(inventory)),
        ("environment", environment(inventory)),
        ("not readable", unread(inventory)),
    ];
    for (title, rows) in rows {
        if rows.is_empty() {
            continue;
        }
        let mut table = Table::default();
        for (name, value, proof) in rows {
            table.row([(Tone::Plain, name), (Tone::Plain, value), (Tone::Faint, proof)]);
        }
        text += &format!("\n{}\n{}", page.palette.paint(Tone::Strong, title), table.render(2, page));
    }
    text += &format!("\n{}\n", packages(inventory));
    text + &conflict::all(conflicts, page)
}

/// Name, what is known of it, the file that proves it.
type Row = (String, String, String);

fn llvms(inventory: &Inventory) -> Vec<Row> {
    let row = |llvm: &crate::model::Llvm| {
        let version = llvm.version.as_ref().map_or("version unknown".to_owned(), ToString::to_string);
        let mut has = vec!["clang"];
        has.extend(llvm.lld.as_ref().map(|_| "lld"));
        has.extend(llvm.resource.as_ref().map(|_| "headers"));
        has.push(if llvm.libllvm.is_some() { "shared libLLVM" } else { "LLVM linked in" });
        let proof = llvm.version_proof.as_ref().unwrap_or(&llvm.clang);
        (llvm.root.to_string(), format!("{version} ({})", has.join(", ")), proof.to_string())
    };
    inventory.llvms.iter().map(row).collect()
}

fn commands(inventory: &Inventory) -> Vec<Row> {
    let row = |command: &crate::model::FoundCommand| {
        (command.name.clone(), command.is.to_string(), command.at.to_string())
    };
    inventory.commands.iter().map(row).collect()
}

fn device_libraries(inventory: &Inventory) -> Vec<Row> {
    let row = |set: &DeviceLibraries| {
        let producers: Vec<&str> = set.producers.keys().map(String::as_str).collect();
        let abis: Vec<String> = set.abis.iter().map(|abi| format!("v{}", abi / 100)).collect();
        let rdna1 = ["1010", "1011", "1012"].into_iter().filter(|isa| set.isas.contains(*isa));
        let rdna1: Vec<String> = rdna1.map(|isa| format!("gfx{isa}")).collect();
        let covers = match rdna1.is_empty() {
            true => "no gfx101x".to_owned(),
            false => rdna1.join(", "),
        };
        let code = if abis.is_empty() { String::new() } else { format!(", code objects {}", abis.join(" ")) };
        let value = format!("{} ISAs ({covers}){code}", set.isas.len());
        (producers.join(" + "), value, set.folder.to_string())
    };
    inventory.device_libraries.iter().map(row).collect()
}

fn libraries(inventory: &Inventory) -> Vec<Row> {
    let row = |library: &FoundLibrary| {
        let mut facts = Vec::new();
        facts.extend(library.soname.clone());
        facts.extend(library.version.as_ref().filter(|_| library.soname.is_none()).map(ToString::to_string));
        match (library.part, &library.holds) {
            (LibraryPart::Llvm, Some(version)) => facts.push(version.to_string()),
            (_, Some(version)) => facts.push(format!("LLVM {version} linked in")),
            (_, None) => {}
        }
        let llvm = library.needed.keys().filter(|name| name.starts_with("libLLVM"));
        facts.extend(llvm.map(|name| format!("needs {name}")));
        let versions = library.defines.iter().filter(|version| version.starts_with("LLVM"));
        facts.extend(versions.map(|version| format!("symbols {version}")));
        (name(library.part).to_owned(), facts.join(", "), library.path.to_string())
    };
    inventory.libraries.iter().map(row).collect()
}

/// What a part is called.
pub fn name(part: LibraryPart) -> &'static str {
    match part {
        LibraryPart::Llvm => "libLLVM",
        LibraryPart::ClangCpp => "libclang-cpp",
        LibraryPart::Comgr => "COMGR",
        LibraryPart::HipRuntime => "HIP runtime",
        LibraryPart::Hiprtc => "HIPRTC",
        LibraryPart::HiprtcBuiltins => "HIPRTC builtins",
        LibraryPart::Rocr => "ROCr",
        LibraryPart::Rocblas => "rocBLAS",
        LibraryPart::Miopen => "MIOpen",
    }
}

fn rocm(inventory: &Inventory) -> Vec<Row> {
    let unknown = || "version unknown".to_owned();
    let trees = inventory.rocm_trees.iter().map(|tree| {
        let version = tree.version.as_ref().map_or_else(unknown, ToString::to_string);
        (tree.root.to_string(), version, tree.proof.to_string())
    });
    let headers = inventory
        .hip_headers
        .iter()
        .map(|headers| ("HIP headers".to_owned(), headers.version.to_string(), headers.proof.to_string()));
    let kernels = inventory.rocblas_kernels.iter().map(|kernels| {
        let value = match kernels.targets.contains("gfx1010") {
            true => "gfx1010 and others".to_owned(),
            false => format!("no gfx1010; {}", some(kernels.targets.iter().map(String::as_str))),
        };
        ("rocBLAS kernels".to_owned(), value, kernels.folder.to_string())
    });
    trees.chain(headers).chain(kernels).collect()
}

fn parts(inventory: &Inventory) -> Vec<Row> {
    let row = |part: &crate::model::Part| {
        let version = part.version.as_ref().map_or("version unknown".to_owned(), ToString::to_string);
        (part.name.clone(), version, part.proof.to_string())
    };
    inventory.parts.iter().map(row).collect()
}

fn environment(inventory: &Inventory) -> Vec<Row> {
    let variables = inventory.environment.iter().filter(|(name, _)| *name != "PATH");
    variables.map(|(name, value)| (name.clone(), value.clone(), String::new())).collect()
}

fn unread(inventory: &Inventory) -> Vec<Row> {
    let row = |unread: &crate::model::Unread| (unread.path.to_string(), unread.reason.clone(), String::new());
    inventory.unread.iter().map(row).collect()
}

fn packages(inventory: &Inventory) -> String {
    match inventory.packages.len() {
        0 => "no package database of Debian's kind".to_owned(),
        count => format!("{count} Debian packages; `--json` lists them"),
    }
}

fn some<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let items: Vec<&str> = items.collect();
    match items.len().checked_sub(NAMED) {
        None | Some(0) => items.join(" "),
        Some(more) => format!("{} and {more} more", items[..NAMED].join(" ")),
    }
}
