#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rdna_build_fuzz::readers::read_any_note(data));
