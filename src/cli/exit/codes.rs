//! Which exit code an error of a stage ends with: who can mend it decides.

use super::ExitCode;
use crate::attest::AttestError;
use crate::build::BuildError;
use crate::engine::EngineError;
use crate::execute::{ExchangeError, ExecuteError};
use crate::inspect::InspectError;
use crate::install::InstallError;
use crate::install::venv::VenvError;
use crate::lockfile::LockFileError;
use crate::package::PackageError;
use crate::remote::RemoteError;
use crate::repository::RepositoryError;
use crate::source::patch::MakeError;
use crate::source::patch::desk::DeskError;
use crate::source::{ArchiveError, BundledError, debian::DebianError, git::GitError, http::HttpError};

pub(super) fn of_engine(error: &EngineError) -> ExitCode {
    match error {
        EngineError::Address { .. } => ExitCode::Usage,
        EngineError::Input { .. } => ExitCode::NotReady,
        // The Dockerfile is the toolchain's.
        EngineError::ImageBuild { .. } => ExitCode::Invalid,
        EngineError::NotFound { .. }
        | EngineError::Denied { .. }
        | EngineError::Lost { .. }
        | EngineError::DiskFull { .. }
        | EngineError::Pull { .. }
        | EngineError::Refused { .. } => ExitCode::NotReady,
    }
}

pub(super) fn of_execute(error: &ExecuteError) -> ExitCode {
    match error {
        ExecuteError::Interrupted => ExitCode::Interrupted,
        ExecuteError::Engine(error) | ExecuteError::Inspect(InspectError::Engine(error)) => of_engine(error),
        ExecuteError::Inspect(InspectError::Root { .. }) => ExitCode::Usage,
        ExecuteError::Inspect(InspectError::Stream { .. }) => ExitCode::NotReady,
        ExecuteError::Build(error) => of_build(error),
        ExecuteError::Archive(ArchiveError::DiskFull { .. } | ArchiveError::Io { .. })
        | ExecuteError::Bundled(BundledError::DiskFull { .. } | BundledError::Io { .. }) => {
            ExitCode::NotReady
        }
        // What someone wrote, signed or packed is wrong: trying again changes nothing.
        ExecuteError::Configure { .. }
        | ExecuteError::NoPackages { .. }
        | ExecuteError::OutdatedLock { .. }
        | ExecuteError::NotLockable { .. }
        | ExecuteError::DamagedPackages { .. }
        | ExecuteError::Conflicts { .. }
        | ExecuteError::Lock(
            LockFileError::Invalid { .. }
            | LockFileError::Version { .. }
            | LockFileError::CommitMoved { .. }
            | LockFileError::ImageMoved { .. },
        )
        | ExecuteError::Patch(_)
        | ExecuteError::Toolchain(_)
        | ExecuteError::Archive(_)
        | ExecuteError::Bundled(_)
        | ExecuteError::Tree(_) => ExitCode::Invalid,
        ExecuteError::Git(error) => of_git(error),
        ExecuteError::Http(error) => of_http(error),
        ExecuteError::Debian(error) => of_debian(error),
        ExecuteError::Verify(_) => ExitCode::Usage,
        ExecuteError::Attest(error) => of_attest(error),
        ExecuteError::Offline { .. }
        | ExecuteError::Stopped { .. }
        | ExecuteError::Unobtainable { .. }
        | ExecuteError::File { .. }
        | ExecuteError::Lock(LockFileError::Io { .. })
        | ExecuteError::Store(_)
        | ExecuteError::Package(_) => ExitCode::NotReady,
    }
}

pub(super) fn of_install(error: &InstallError) -> ExitCode {
    match error {
        InstallError::BadBase { .. }
        | InstallError::NothingInstalled { .. }
        | InstallError::Unknown { .. }
        | InstallError::Ambiguous { .. }
        | InstallError::Changed { .. }
        | InstallError::NoEarlier { .. }
        | InstallError::NoLibraries { .. } => ExitCode::Usage,
        // The package is not what it must be.
        InstallError::BadTitle { .. }
        | InstallError::WrongDigest { .. }
        | InstallError::Package(PackageError::NotOurs { .. }) => ExitCode::VerificationFailed,
        InstallError::Package(PackageError::UnknownFormat { .. } | PackageError::NotUnpackable { .. }) => {
            ExitCode::Usage
        }
        InstallError::Occupied { .. }
        | InstallError::Full { .. }
        | InstallError::Denied { .. }
        | InstallError::Io { .. }
        | InstallError::Package(_) => ExitCode::NotReady,
        InstallError::InterruptedWaiting { .. } | InstallError::Interrupted => ExitCode::Interrupted,
        InstallError::Venv(error) => of_venv(error),
    }
}

pub(super) fn of_attest(error: &AttestError) -> ExitCode {
    match error {
        AttestError::UnreadableKey { .. }
        | AttestError::PublicKey { .. }
        | AttestError::SeveralKeys { .. }
        | AttestError::RevokedKey { .. }
        | AttestError::ExpiredKey { .. }
        | AttestError::NotForSigning { .. }
        | AttestError::KeyElsewhere { .. }
        | AttestError::LockedKey { .. }
        | AttestError::WrongPassphrase { .. }
        | AttestError::NotOpenPgp { .. }
        | AttestError::NotAPublicKey { .. }
        | AttestError::NoManifest { .. }
        | AttestError::Package(PackageError::UnknownFormat { .. } | PackageError::NotUnpackable { .. }) => {
            ExitCode::Usage
        }
        // What lies beside the package, or the package, is not what it must be.
        AttestError::BadManifest { .. }
        | AttestError::OtherManifest { .. }
        | AttestError::WrongDigest { .. }
        | AttestError::BadSignature { .. }
        | AttestError::TooLarge { .. }
        | AttestError::Package(PackageError::NotOurs { .. }) => ExitCode::VerificationFailed,
        AttestError::Package(PackageError::Cancelled) => ExitCode::Interrupted,
        AttestError::Io { .. } | AttestError::Package(_) => ExitCode::NotReady,
    }
}

pub(super) fn of_repository(error: &RepositoryError) -> ExitCode {
    match error {
        RepositoryError::NotAPackage { .. } | RepositoryError::OtherBytes { .. } => ExitCode::Usage,
        RepositoryError::Unreadable { .. } | RepositoryError::Package(PackageError::NotOurs { .. }) => {
            ExitCode::VerificationFailed
        }
        RepositoryError::Busy { .. }
        | RepositoryError::Sign { .. }
        | RepositoryError::Package(_)
        | RepositoryError::Io { .. } => ExitCode::NotReady,
    }
}

pub(super) fn of_exchange(error: &ExchangeError) -> ExitCode {
    match error {
        ExchangeError::Remote(error) => of_remote(error),
        // What the remote has is not what it must be.
        ExchangeError::Unfit { .. } => ExitCode::VerificationFailed,
        ExchangeError::Unrecorded { .. } | ExchangeError::Store(_) | ExchangeError::Stopped { .. } => {
            ExitCode::NotReady
        }
    }
}

pub(super) fn of_remote(error: &RemoteError) -> ExitCode {
    match error {
        RemoteError::Damaged { .. } | RemoteError::WrongDigest { .. } => ExitCode::VerificationFailed,
        RemoteError::Client { .. }
        | RemoteError::Unreachable { .. }
        | RemoteError::Silent { .. }
        | RemoteError::NoCredentials { .. }
        | RemoteError::Denied { .. }
        | RemoteError::Failed { .. }
        | RemoteError::Challenge { .. }
        | RemoteError::Credentials { .. }
        | RemoteError::Input { .. } => ExitCode::NotReady,
    }
}

fn of_venv(error: &VenvError) -> ExitCode {
    match error {
        VenvError::NoVenv { .. }
        | VenvError::NoTorch { .. }
        | VenvError::SeveralTorchs { .. }
        | VenvError::OtherWheel { .. }
        | VenvError::NoMiopen { .. }
        | VenvError::SeveralMiopens { .. }
        | VenvError::NoLibrary { .. }
        | VenvError::NotSwapped { .. } => ExitCode::Usage,
        VenvError::Unfit { .. } => ExitCode::VerificationFailed,
        VenvError::Unreadable { .. }
        | VenvError::Foreign { .. }
        | VenvError::OtherOriginal { .. }
        | VenvError::OriginalLost { .. } => ExitCode::NotReady,
    }
}

pub(super) fn of_desk(error: &DeskError) -> ExitCode {
    match error {
        DeskError::Exists { .. } | DeskError::Unknown { .. } => ExitCode::Usage,
        DeskError::Make(MakeError::Io { .. }) | DeskError::Git { .. } | DeskError::Io { .. } => {
            ExitCode::NotReady
        }
        // What was changed cannot be in a patch.
        DeskError::Make(_) => ExitCode::Invalid,
        DeskError::Source(error) => of_git(error),
    }
}

fn of_build(error: &BuildError) -> ExitCode {
    match error {
        BuildError::Engine(error) => of_engine(error),
        BuildError::Step { .. }
        | BuildError::OutOfMemory { .. }
        | BuildError::NothingInstalled
        | BuildError::Output { .. } => ExitCode::BuildFailed,
        BuildError::DiskFull { .. }
        | BuildError::StoreFull { .. }
        | BuildError::Stopped { .. }
        | BuildError::SourceChanged { .. }
        | BuildError::Read { .. }
        | BuildError::Write { .. }
        | BuildError::Unkillable { .. } => ExitCode::NotReady,
    }
}

fn of_git(error: &GitError) -> ExitCode {
    match error {
        // What the recipe or the lock file names is not there, is another by now, or may not be written.
        GitError::Scheme { .. }
        | GitError::NotLocal { .. }
        | GitError::UnknownReference { .. }
        | GitError::Abbreviated { .. }
        | GitError::MovedTag { .. }
        | GitError::NoSuchCommit { .. }
        | GitError::NoSuchFolder { .. }
        | GitError::HostilePath { .. }
        | GitError::HostileSymlink { .. }
        | GitError::Twice { .. }
        | GitError::TooLarge { .. } => ExitCode::Invalid,
        GitError::Unreachable { .. }
        | GitError::Damaged { .. }
        | GitError::NotEmpty { .. }
        | GitError::DiskFull { .. }
        | GitError::Io { .. } => ExitCode::NotReady,
        GitError::Cancelled { .. } => ExitCode::Interrupted,
    }
}

fn of_http(error: &HttpError) -> ExitCode {
    match error {
        HttpError::NoAddress { .. } | HttpError::WrongDigest { .. } | HttpError::TooLarge { .. } => {
            ExitCode::Invalid
        }
        HttpError::Client { .. }
        | HttpError::Failed { .. }
        | HttpError::AllFailed { .. }
        | HttpError::DiskFull { .. }
        | HttpError::Io { .. } => ExitCode::NotReady,
        HttpError::Cancelled { .. } => ExitCode::Interrupted,
    }
}

fn of_debian(error: &DebianError) -> ExitCode {
    match error {
        // What the toolchain asks for does not exist or does not go together.
        DebianError::NoComponent { .. }
        | DebianError::UnknownPackage { .. }
        | DebianError::Conflict { .. }
        | DebianError::UnsafePath { .. }
        | DebianError::LinkToLeftOut { .. } => ExitCode::Invalid,
        // Another mirror, or this one later, may do.
        DebianError::Client { .. }
        | DebianError::NoMirror { .. }
        | DebianError::MirrorAddress { .. }
        | DebianError::Download { .. }
        | DebianError::WrongDigest { .. }
        | DebianError::WrongSize { .. }
        | DebianError::Keyring { .. }
        | DebianError::NotSigned { .. }
        | DebianError::Release { .. }
        | DebianError::WrongSuite { .. }
        | DebianError::Expired { .. }
        | DebianError::Index { .. }
        | DebianError::Unsatisfied { .. }
        | DebianError::BadPackage { .. }
        | DebianError::NoRoom { .. }
        | DebianError::Gone { .. }
        | DebianError::Output { .. }
        | DebianError::Io { .. } => ExitCode::NotReady,
        DebianError::Cancelled => ExitCode::Interrupted,
    }
}
