//! What glibc's loader says about a library when it is told to trace instead of to run (`ldd -r`).
//!
//! It maps the library and all it needs, binds every symbol, and says what it could not; nothing of the library is executed.

/// What the loader found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoaderAnswer {
    pub libraries: Vec<LoadedLibrary>,
    /// Symbols that nothing defines, each once, in order.
    pub undefined: Vec<String>,
    /// It said that nothing is needed.
    pub needs_nothing: bool,
    /// Whatever else it said: what keeps it from loading at all.
    pub complaints: Vec<String>,
}

/// A library that is needed, directly or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedLibrary {
    pub name: String,
    /// Nothing: it was not found.
    pub path: Option<String>,
}

/// A hostile library can need any number.
const MOST: usize = 4096;

impl LoaderAnswer {
    /// Reads what the loader printed, on both outputs.
    pub fn read(text: &str) -> Self {
        let mut answer = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()).take(4 * MOST) {
            if let Some(symbol) = line.strip_prefix("undefined symbol: ") {
                let symbol = symbol.split_whitespace().next().unwrap_or_default().trim_end_matches(',');
                push(&mut answer.undefined, symbol.to_owned());
            } else if let Some((name, place)) = line.split_once(" => ") {
                let path = match place {
                    "not found" => None,
                    place => Some(without_address(place).to_owned()),
                };
                answer.library(name, path);
            } else if line.ends_with(')') && line.contains(" (0x") {
                // The vDSO, the loader itself, and what is named by its path.
                let name = without_address(line);
                answer.library(name, Some(name.to_owned()));
            } else if line == "statically linked" {
                answer.needs_nothing = true;
            } else {
                push(&mut answer.complaints, line.to_owned());
            }
        }
        answer
    }

    fn library(&mut self, name: &str, path: Option<String>) {
        let library = LoadedLibrary { name: name.to_owned(), path };
        // What several need and is not there is said for each.
        push(&mut self.libraries, library);
    }

    /// Names of what is not there.
    pub fn missing(&self) -> Vec<&str> {
        self.libraries
            .iter()
            .filter(|library| library.path.is_none())
            .map(|library| library.name.as_str())
            .collect()
    }
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if list.len() < MOST && !list.contains(&item) {
        list.push(item);
    }
}

fn without_address(text: &str) -> &str {
    text.rsplit_once(" (0x").map_or(text, |(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn found_missing_and_undefined_are_told_apart() {
        let answer = LoaderAnswer::read(
            "\tlinux-vdso.so.1 (0x00007ffd3bffe000)\n\
             \tlibrocblas.so.4 => not found\n\
             \tlibLLVM.so.21.1 => /usr/lib/x86_64-linux-gnu/libLLVM.so.21.1 (0x00007f2a00000000)\n\
             \t/lib64/ld-linux-x86-64.so.2 (0x00007f2a10000000)\n\
             \tlibrocblas.so.4 => not found\n\
             undefined symbol: rocblas_gemm_ex\t(/opt/x/lib/libMIOpen.so.1)\n\
             undefined symbol: rocblas_gemm_ex, version R_1\t(/opt/x/lib/libMIOpen.so.1)\n\
             /x.so: error while loading shared libraries: /x.so: file too short\n",
        );
        let paths: Vec<_> =
            answer.libraries.iter().map(|library| (library.name.as_str(), library.path.as_deref())).collect();
        assert_eq!(
            paths,
            [
                ("linux-vdso.so.1", Some("linux-vdso.so.1")),
                ("librocblas.so.4", None),
                ("libLLVM.so.21.1", Some("/usr/lib/x86_64-linux-gnu/libLLVM.so.21.1")),
                ("/lib64/ld-linux-x86-64.so.2", Some("/lib64/ld-linux-x86-64.so.2")),
            ]
        );
        assert_eq!(answer.missing(), ["librocblas.so.4"]);
        assert_eq!(answer.undefined, ["rocblas_gemm_ex"]);
        assert_eq!(answer.complaints, ["/x.so: error while loading shared libraries: /x.so: file too short"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "([\t ]?[ -~]{0,40}( => | \\(0x)?[ -~]{0,20}\n){0,40}") {
            let answer = LoaderAnswer::read(&text);
            prop_assert!(answer.libraries.len() <= 40);
        }
    }
}
