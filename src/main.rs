//! The program: the library's command line, run once.

fn main() -> std::process::ExitCode {
    // Fails only when one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    rdna_build::cli::run(std::env::args_os(), rdna_build::cli::settings::from_process()).into()
}
