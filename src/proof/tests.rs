use std::collections::BTreeMap;

use super::*;
use crate::code::{CodeObject, Facts, Xnack};
use crate::model::{
    CaseGroup, CommandsExpectation, CommandsProof, CompileProof, Digest, Expectation, Ground, Proof,
    ProofKind, ProofStep, ResultKind, SideExpectation, StepWork, TargetId, Version, VersionRange,
};

fn target(text: &str) -> TargetId {
    text.parse().expect("a target id")
}

fn version() -> Version {
    "1.0".parse().expect("a version")
}

/// A proof over two files and two precisions for gfx1010.
fn compile(expect: Vec<Expectation>) -> Proof {
    let values = |names: [&str; 2]| -> BTreeMap<String, Vec<String>> {
        names.map(|name| (name.to_owned(), vec![format!("-D{name}")])).into()
    };
    let group = CaseGroup {
        versions: VersionRange::default(),
        targets: None,
        files: vec!["a.cl".to_owned(), "{proofs}/p/b.cl".to_owned()],
        flags: vec!["-w".to_owned()],
        axes: [("precision".to_owned(), values(["fp16", "fp32"]))].into(),
    };
    let kind = ProofKind::Compile(CompileProof {
        inputs: vec!["src".to_owned()],
        command: ["{cxx}", "-mcpu={target}", "--of={processor}", "{flags}", "{file}", "{object}"]
            .map(str::to_owned)
            .into(),
        result: ResultKind::Object,
        targets: vec![target("gfx1010:xnack-")],
        cases: vec![group],
        expect,
    });
    Proof { id: "p".to_owned(), summary: "s".to_owned(), files: vec![], kind }
}

fn expectation() -> Expectation {
    Expectation {
        versions: VersionRange::default(),
        targets: vec![],
        only: BTreeMap::new(),
        cases: None,
        before: None,
        after: None,
        identical: false,
        same_size: false,
        bytes_changed: None,
    }
}

fn failing(failing: usize, says: Option<&str>, otherwise: usize) -> Option<SideExpectation> {
    let says = says.map(str::to_owned);
    Some(SideExpectation { failing: Some(failing), says, otherwise, ..SideExpectation::default() })
}

fn fails(log: &str) -> CaseSeen {
    CaseSeen { exit: 1, log: log.to_owned(), code: None }
}

fn object(text: &[u8], mnemonics: &[&str]) -> CaseSeen {
    let facts = Facts {
        mnemonics: mnemonics.iter().map(|name| ((*name).to_owned(), 1)).collect(),
        ..Facts::default()
    };
    let header = CodeObject { machine: 0x33, xnack: Xnack::Off, version: Some(5) };
    let code = Code::Object { sha256: Digest::of(text), header, metadata: None, facts, text: text.to_vec() };
    CaseSeen { exit: 0, log: String::new(), code: Some(code) }
}

fn with_facts(change: impl Fn(&mut Facts)) -> CaseSeen {
    let mut seen = object(b"code", &[]);
    if let Some(Code::Object { facts, .. }) = &mut seen.code {
        change(facts);
    }
    seen
}

fn four(seen: CaseSeen) -> Observation {
    Observation::Compile(vec![seen; 4])
}

fn judged(expect: Expectation, before: &Observation, after: &Observation) -> Judged {
    judge(&compile(vec![expect]), &version(), before, after)
}

#[test]
fn a_matrix_is_every_file_with_every_combination() {
    let proof = compile(vec![expectation()]);
    let ProofKind::Compile(compile) = &proof.kind else { panic!("{proof:?}") };
    let cases = cases(compile, &version());
    let names: Vec<String> = cases.iter().map(Case::name).collect();
    assert_eq!(
        names,
        [
            "gfx1010:xnack- a.cl precision=fp16",
            "gfx1010:xnack- a.cl precision=fp32",
            "gfx1010:xnack- {proofs}/p/b.cl precision=fp16",
            "gfx1010:xnack- {proofs}/p/b.cl precision=fp32",
        ]
    );
    let tools = Tools {
        c: "cc".to_owned(),
        cxx: "c++".to_owned(),
        llvm: "/llvm".to_owned(),
        files: "/proofs".to_owned(),
    };
    assert_eq!(
        cases[3].command(&compile.command, &tools, "/out/3"),
        ["c++", "-mcpu=gfx1010:xnack-", "--of=gfx1010", "-w", "-Dfp32", "/proofs/p/b.cl", "/out/3"]
    );
}

#[test]
fn what_fails_before_and_not_after_is_proven() {
    let expect = Expectation {
        cases: Some(4),
        before: failing(3, Some("operand"), 1),
        after: failing(0, None, 0),
        ..expectation()
    };
    let bad = || fails("not a valid operand");
    let before = Observation::Compile(vec![bad(), bad(), bad(), fails("ambiguous")]);
    let after = four(object(b"code", &[]));
    let judged = judged(expect.clone(), &before, &after);
    assert_eq!((judged.verdict, judged.failures), (Verdict::Passed, vec![]));
    let figure = Figure::Compile {
        target: target("gfx1010:xnack-"),
        cases: 4,
        failing_before: 4,
        failing_after: 0,
        changed: 4,
    };
    assert_eq!(judged.figures, [figure]);

    // The other way round nothing holds.
    let judged = super::judge(&compile(vec![expect]), &version(), &after, &before);
    assert_eq!(judged.verdict, Verdict::Failed);
    assert_eq!(judged.failures[0], "before: gfx1010:xnack-: 0 of 4 fail saying `operand`, 3 were expected");
    assert!(
        judged.failures[2].contains("a.cl precision=fp16") && judged.failures[2].contains("| not a valid")
    );
}

#[test]
fn what_also_holds_without_the_patch_proves_nothing() {
    let expect = Expectation { after: failing(0, None, 0), ..expectation() };
    let good = four(object(b"code", &[]));
    assert_eq!(judged(expect, &good, &four(object(b"other", &[]))).verdict, Verdict::ProvesNothing);
    let same = Expectation { identical: true, ..expectation() };
    assert_eq!(judged(same, &good, &good).verdict, Verdict::ProvesNothing);
}

#[test]
fn a_change_of_code_is_counted_in_bytes() {
    let expect = Expectation { same_size: true, bytes_changed: Some(2), ..expectation() };
    let before = four(object(b"aabb", &[]));
    assert_eq!(judged(expect.clone(), &before, &four(object(b"aaXX", &[]))).verdict, Verdict::Passed);
    for (after, why) in [
        (object(b"aaXb", &[]), "1 bytes differ, 2 were expected"),
        (object(b"aabbcc", &[]), "4 bytes of code before, 6 after"),
        (fails("no"), "nothing was made on both sides"),
    ] {
        let judged = judged(expect.clone(), &before, &four(after));
        assert_eq!(judged.verdict, Verdict::Failed);
        assert!(judged.failures[0].contains(why), "{:?}", judged.failures);
    }
    let identical = Expectation { identical: true, ..expectation() };
    let one_differs = Observation::Compile(vec![
        object(b"aabb", &[]),
        object(b"aabb", &[]),
        object(b"aabb", &[]),
        fails("no"),
    ]);
    let judged = judged(identical, &before, &one_differs);
    assert_eq!(judged.failures, ["gfx1010:xnack- {proofs}/p/b.cl precision=fp32: the patch changes it"]);
}

#[test]
fn what_objects_hold_is_looked_at_one_by_one() {
    let before = four(object(b"old", &["s_inst_prefetch"]));
    let has = |side: SideExpectation, seen: CaseSeen| {
        let judged = judged(Expectation { after: Some(side), ..expectation() }, &before, &four(seen));
        judged.failures.first().cloned().unwrap_or_default()
    };
    let list = |word: &str| vec![word.to_owned()];
    let side = SideExpectation::default;
    let absent = SideExpectation { absent: list("s_inst"), ..side() };
    assert!(has(absent.clone(), object(b"new", &["s_inst_prefetch"])).contains("has `s_inst…`"));
    assert_eq!(has(absent.clone(), object(b"new", &["s_nop"])), "");
    let present = SideExpectation { present: list("v_fmac"), ..side() };
    assert!(has(present, object(b"new", &["v_mac_f32"])).contains("no `v_fmac…`"));
    let constant = SideExpectation { constants_absent: vec![0x27000], ..side() };
    let seen = with_facts(|facts| facts.constants = [(0x27000, 1)].into());
    assert!(has(constant, seen).contains("has the constant 0x00027000"));
    let word3 = SideExpectation { word3: vec![0x3101_4000], ..side() };
    assert!(has(word3.clone(), object(b"new", &[])).contains("no buffer resource descriptor"));
    let seen = with_facts(|facts| facts.word3 = [(0x20000, 1)].into());
    assert!(has(word3, seen).contains("word 3 is 0x00020000"));
    // What did not compile cannot be looked into, so that nothing is said of it.
    assert!(has(absent.clone(), fails("no")).contains("nothing was made"));
    let mixed = Observation::Compile(vec![object(b"new", &[]), fails("no"), fails("no"), fails("no")]);
    let judged = judged(Expectation { after: Some(absent), ..expectation() }, &before, &mixed);
    assert!(judged.failures[0].contains("3 of 4 fail"), "{:?}", judged.failures);
}

#[test]
fn an_object_for_another_chip_is_never_a_proof() {
    let mut other = object(b"new", &[]);
    if let Some(Code::Object { header, .. }) = &mut other.code {
        header.machine = 0x36;
    }
    let expect = Expectation { after: failing(0, None, 0), before: failing(4, None, 0), ..expectation() };
    let judged = judged(expect, &four(fails("no")), &four(other));
    assert_eq!(judged.verdict, Verdict::Failed);
    assert!(judged.failures[0].contains("the object is for gfx1030"), "{:?}", judged.failures);
}

#[test]
fn lines_are_looked_for_in_texts() {
    let text =
        |text: &str| four(CaseSeen { exit: 0, log: String::new(), code: Some(Code::Text(text.to_owned())) });
    let side = SideExpectation {
        lines: vec!["WORD3 0x31014000".to_owned()],
        lines_absent: vec!["DOT".to_owned()],
        ..SideExpectation::default()
    };
    let expect = Expectation { after: Some(side), ..expectation() };
    let good = text("# 1\nWORD3 0x31014000\n");
    assert_eq!(judged(expect.clone(), &text(""), &good).verdict, Verdict::Passed);
    let judged = judged(expect, &text(""), &text("DOT2\n"));
    assert!(judged.failures[0].contains("a line has `DOT`") && judged.failures[1].contains("no line has"));
}

#[test]
fn an_expectation_that_looks_at_nothing_fails() {
    let nobody = Expectation {
        only: [("precision".to_owned(), vec!["fp64".to_owned()])].into(),
        after: failing(0, None, 0),
        ..expectation()
    };
    let good = four(object(b"code", &[]));
    assert!(judged(nobody, &good, &good).failures[0].contains("there are no such cases"));
    let other = Expectation { versions: ">=2".parse().expect("a range"), ..expectation() };
    assert!(judged(other, &good, &good).failures[0].contains("expects nothing of version 1.0"));
    let few = Observation::Compile(vec![object(b"code", &[])]);
    assert!(judged(expectation(), &few, &good).failures[0].contains("not every case was observed"));
}

#[test]
fn steps_end_and_say_what_they_must() {
    let step = |name: &str| ProofStep {
        name: name.to_owned(),
        does: StepWork::Command { command: vec!["true".to_owned()], environment: BTreeMap::new() },
    };
    let proof = Proof {
        id: "c".to_owned(),
        summary: "s".to_owned(),
        files: vec![],
        kind: ProofKind::Commands(CommandsProof {
            on: Ground::Source,
            steps: vec![step("configure"), step("run")],
            before: CommandsExpectation { fails: Some("configure".to_owned()), ..Default::default() },
            after: CommandsExpectation {
                fails: None,
                says: vec!["flags 0x8".to_owned()],
                silent: vec!["warning".to_owned()],
            },
        }),
    };
    let seen = |steps: &[(&str, i64, &str)]| {
        let step = |(name, exit, log): &(&str, i64, &str)| StepSeen {
            name: (*name).to_owned(),
            exit: *exit,
            log: (*log).to_owned(),
        };
        Observation::Commands(steps.iter().map(step).collect())
    };
    let before = seen(&[("configure", 1, "NOTFOUND")]);
    let judge = |after| super::judge(&proof, &version(), &before, &seen(after));
    let passed = judge(&[("configure", 0, ""), ("run", 0, "flags 0x8\n")]);
    assert_eq!((passed.verdict, passed.failures), (Verdict::Passed, vec![]));
    for (after, why) in [
        (&[("configure", 0, ""), ("run", 1, "boom")][..], "step `run` fails with exit code 1"),
        (&[("configure", 0, "")][..], "not every step was observed"),
        (&[("configure", 0, ""), ("run", 0, "flags 0x0")][..], "nothing says `flags 0x8`"),
        (&[("configure", 0, "warning"), ("run", 0, "flags 0x8")][..], "something says `warning`"),
    ] {
        let judged = judge(after);
        assert_eq!(judged.verdict, Verdict::Failed);
        assert!(judged.failures.iter().any(|failure| failure.contains(why)), "{:?}", judged.failures);
    }
    let wrong = super::judge(&proof, &version(), &seen(&[("configure", 0, ""), ("run", 1, "")]), &before);
    assert!(wrong.failures[0].contains("`configure` was expected to"), "{:?}", wrong.failures);
}
