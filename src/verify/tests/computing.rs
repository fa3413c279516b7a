//! The checks of what was computed, on a card and on an emulator.

use super::*;

const LIBRARY: &str = "/opt/rdna-build/x-1.0-gfx1010/lib/libx.so.1.0";
/// Each check of these is there twice.
const TIERS: [&str; 2] = ["gpu", "emulated"];

fn log(device: &str, library: &str, rest: &str) -> String {
    format!("device: {device}\nlibrary: {library}\n{rest}")
}

fn case(name: &str, exit: i64, log: &str) -> CaseSeen {
    CaseSeen {
        suite: "operators".to_owned(),
        name: name.to_owned(),
        end: CaseEnd::Exited(exit),
        said: Said::read(log),
        log: log.to_owned(),
        kernel: vec![],
        seconds: 1.0,
    }
}

/// Two cases that are right.
pub(super) fn computed() -> ComputingState {
    let rest = "run: find\nright: find: largest error 0 of 1\n";
    let right = |name| case(name, 0, &log("gfx1010:xnack- | a card | 36 compute units", LIBRARY, rest));
    ComputingState::Run(Computed {
        library: LIBRARY.to_owned(),
        cases: vec![right("one"), right("two")],
        left_out: 0,
    })
}

fn cases(world: &mut World) -> &mut Vec<CaseSeen> {
    match &mut world.computing {
        ComputingState::Run(computed) => &mut computed.cases,
        other => unreachable!("it was computed: {other:?}"),
    }
}

fn in_both(check: &str, mut hold: impl FnMut(&str)) {
    for tier in TIERS {
        hold(&format!("{tier}-{check}"));
    }
}

#[test]
fn another_chip_than_the_target_fails() {
    in_both("device", |check| {
        fails(check, "it is no gfx1010: HIP calls it gfx1030", |world| {
            cases(world)[1] = case("two", 0, &log("gfx1030 | pretending", LIBRARY, ""));
        });
        // What begins like the target is not the target.
        fails(check, "gfx10100", |world| cases(world)[1] = case("two", 0, &log("gfx10100", LIBRARY, "")));
        skips(check, "no case came as far", |world| {
            *cases(world) = vec![case("one", 3, "refused: device: status 100\n")];
        });
    });
}

#[test]
fn a_card_that_must_not_be_used_fails_once_and_nothing_else_is_said() {
    let refuse = |world: &mut World| {
        world.computing = ComputingState::Refused {
            says: "HSA_OVERRIDE_GFX_VERSION is set".to_owned(),
            evidence: vec![],
            remedies: vec!["unset it".to_owned()],
        };
    };
    in_both("device", |check| fails(check, "HSA_OVERRIDE_GFX_VERSION", refuse));
    for check in ["library", "ends", "results"] {
        in_both(check, |check| {
            let report = changed(check, refuse);
            assert!(matches!(report.outcome, CheckOutcome::NotRun { .. }), "{report:?}");
        });
    }
}

#[test]
fn without_a_card_nothing_is_failed_and_nothing_passed() {
    for check in ["device", "library", "ends", "results"] {
        in_both(check, |check| {
            skips(check, "no card", |world| {
                world.computing = ComputingState::None { missing: "no card here".to_owned() };
            });
        });
    }
}

#[test]
fn the_library_that_computed_must_be_the_one_that_is_verified() {
    in_both("library", |check| {
        let with = |libraries: &[&str]| {
            let lines: String = libraries.iter().map(|path| format!("library: {path}\n")).collect();
            let log = format!("{lines}run: find\nright: find: 0\n");
            move |world: &mut World| cases(world)[0] = case("one", 0, &log)
        };
        fails(check, "/venv/torch/lib/libx.so", with(&["/venv/torch/lib/libx.so"]));
        fails(check, "and", with(&[LIBRARY, "/venv/torch/lib/libx.so"]));
        fails(check, "do not tell", with(&["/usr/lib/librocblas.so.4"]));
        let beside = changed(check, with(&[LIBRARY, "/usr/lib/librocblas.so.4"]));
        assert_eq!(beside.outcome, CheckOutcome::Passed);
        skips(check, "no case tells", |world| {
            *cases(world) = vec![case("one", 0, "run: find\nright: find: 0\n")];
        });
    });
}

#[test]
fn a_case_that_ends_badly_fails_with_what_to_do() {
    in_both("ends", |check| {
        let fault = "run: immediate 85\nMemory access fault by GPU node-1 on address 0x0\n";
        fails(check, "page-fault (1)", |world| cases(world)[0] = case("one", 134, fault));
        fails(check, "hang (1); 1 were not run", |world| {
            cases(world)[0].end = CaseEnd::TimedOut(180);
            cases(world)[1].end = CaseEnd::NotRun("after a hang".to_owned());
        });
        fails(check, "ended-early (1)", |world| cases(world)[0] = case("one", 0, ""));
        // A result that is wrong is not about how a case ends.
        let wrong = changed(check, |world| {
            cases(world)[0] = case("one", 1, "run: find\nwrong: find: 1 of 1 values\n");
        });
        assert_eq!(wrong.outcome, CheckOutcome::Passed);
        skips(check, "1 had nothing to compute", |world| {
            *cases(world) = vec![case("one", 77, "nothing: no solution\n")];
        });
    });
}

#[test]
fn a_wrong_result_fails_and_names_the_solver() {
    in_both("results", |check| {
        let log = "run: immediate 37 ConvBinWinograd\nwrong: immediate 37 ConvBinWinograd: 3 of 9 values\n";
        fails(check, "immediate 37 ConvBinWinograd: 3 of 9 values", |world| cases(world)[0] = case("one", 1, log));
        skips(check, "no case gave a result", |world| cases(world).clear());
    });
    let emulated = world().report("emulated-results");
    assert!(emulated.says.contains("emulated, not hardware"), "{}", emulated.says);
}
