//! What compiling a library's kernels for a target came to.

use crate::code::{CodeObject, Facts, Metadata};
use crate::model::{Evidence, KernelCount, KernelMatrix, TargetId, Version};
use crate::proof::{Case, CaseSeen, Code, expand};

/// The kernels of a library, or why there is nothing to say of them.
#[derive(Clone, Debug)]
pub enum KernelsState {
    None { missing: String },
    Compiled(Vec<MatrixSeen>),
}

/// The kernels of one matrix.
#[derive(Clone, Debug)]
pub struct MatrixSeen {
    pub id: String,
    pub summary: String,
    /// Lanes of a wavefront that were asked for.
    pub wave: u32,
    pub hand_written: bool,
    pub kernels: Vec<KernelSeen>,
    /// Files whose text the library does not hold as it was compiled.
    pub not_in_library: Vec<String>,
}

/// One compilation.
#[derive(Clone, Debug)]
pub struct KernelSeen {
    /// `gfx1010:xnack- src/kernels/x.cl precision=fp32`.
    pub name: String,
    pub target: TargetId,
    pub file: String,
    /// Why the library never asks for it on this target.
    pub gated: Option<String>,
    /// What the compiler says of a defect that every chip has.
    pub fails: Option<String>,
    pub compiled: Compiled,
}

/// What a compilation left behind.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Compiled {
    /// 124: it took too long.
    pub exit: i64,
    /// The beginning of what the compiler said.
    pub log: String,
    pub object: Option<Result<ObjectSeen, String>>,
}

/// The code of a kernel.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ObjectSeen {
    pub header: CodeObject,
    pub metadata: Option<Metadata>,
    pub facts: Facts,
}

/// The compilations of a matrix for one processor, in a fixed order, with the group that each is of.
pub fn kernel_cases(matrix: &KernelMatrix, version: &Version, processor: &str) -> Vec<(Case, usize)> {
    let groups = matrix.groups.iter().enumerate();
    let groups = groups.filter(|(_, group)| group.cases.versions.contains(version));
    groups
        .flat_map(|(index, group)| {
            let targets = group.cases.targets.as_deref().unwrap_or(&matrix.targets);
            let targets: Vec<TargetId> =
                targets.iter().filter(|target| target.processor().as_str() == processor).cloned().collect();
            expand(&group.cases, &targets).into_iter().map(move |case| (case, index))
        })
        .collect()
}

impl Compiled {
    /// What is kept of a compilation: not its instructions, only what they come to.
    pub fn of(seen: CaseSeen) -> Self {
        let object = seen.code.map(|code| match code {
            Code::Object { header, metadata, facts, .. } => {
                Ok(ObjectSeen { header, metadata: metadata.map(|metadata| *metadata), facts })
            }
            Code::Text(_) => Err("a text was made instead of an object".to_owned()),
            Code::Unreadable(reason) => Err(reason),
        });
        Self { exit: seen.exit, log: seen.log, object }
    }
}

impl MatrixSeen {
    /// What was compiled of a matrix; as many results as there are cases.
    pub fn new(
        matrix: &KernelMatrix,
        cases: Vec<(Case, usize)>,
        compiled: Vec<Compiled>,
        not_in_library: Vec<String>,
    ) -> Self {
        let kernel = |((case, group), compiled): ((Case, usize), Compiled)| {
            let group = &matrix.groups[group];
            KernelSeen {
                name: case.name(),
                target: case.target.clone(),
                file: case.file.clone(),
                gated: group.gated.clone(),
                fails: group.fails.clone(),
                compiled,
            }
        };
        Self {
            id: matrix.id.clone(),
            summary: matrix.summary.clone(),
            wave: matrix.wave,
            hand_written: matrix.hand_written,
            kernels: cases.into_iter().zip(compiled).map(kernel).collect(),
            not_in_library,
        }
    }
}

impl KernelsState {
    /// What came of each kind, in numbers.
    pub fn counts(&self) -> Vec<KernelCount> {
        match self {
            KernelsState::None { .. } => vec![],
            KernelsState::Compiled(matrices) => matrices.iter().map(MatrixSeen::count).collect(),
        }
    }
}

impl MatrixSeen {
    fn count(&self) -> KernelCount {
        let count =
            |is: &dyn Fn(&KernelSeen) -> bool| self.kernels.iter().filter(|kernel| is(kernel)).count();
        KernelCount {
            id: self.id.clone(),
            summary: self.summary.clone(),
            asked: count(&|kernel| kernel.gated.is_none()),
            compiled: count(&|kernel| kernel.gated.is_none() && kernel.failure().is_none()),
            known_to_fail: count(&|kernel| {
                kernel.gated.is_none() && kernel.fails.is_some() && kernel.failure().is_some()
            }),
            gated: count(&|kernel| kernel.gated.is_some()),
            gated_compiled: count(&|kernel| kernel.gated.is_some() && kernel.failure().is_none()),
        }
    }
}

impl KernelSeen {
    pub fn object(&self) -> Option<&ObjectSeen> {
        self.compiled.object.as_ref()?.as_ref().ok()
    }

    /// Whether a user of the target can meet it: the library asks for it, and it is not known to compile for no chip.
    pub fn concerns_users(&self) -> bool {
        self.gated.is_none() && self.fails.is_none()
    }

    /// Why it did not compile, in a line.
    pub(super) fn failure(&self) -> Option<String> {
        match (&self.compiled.object, self.compiled.exit) {
            (Some(Ok(_)), 0) => None,
            (Some(Err(reason)), 0) => Some(reason.clone()),
            (_, 124) => Some("the compiler did not come to an end".to_owned()),
            (_, exit) => {
                let error = self.compiled.log.lines().find(|line| line.contains("error"));
                let line = error.or_else(|| self.compiled.log.lines().next());
                Some(line.map_or_else(|| format!("exit code {exit}"), |line| line.trim().to_owned()))
            }
        }
    }

    pub(super) fn evidence(&self, says: impl Into<String>) -> Evidence {
        Evidence::new(&self.name, says)
    }
}
