//! Finds the first real error in a build's output while it streams by: its command, its file, what was said.
//!
//! The last lines of a parallel build are seldom the reason. Memory is bounded: hostile output cannot grow it.

use std::fmt;

const LINES: usize = 24;
const LINE: usize = 400;

/// The first failure that a build's output names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstError {
    /// What was being made: an object file, a library; empty when the output does not say.
    pub item: String,
    /// The command that failed; empty when the output does not say.
    pub command: String,
    /// What the tool said, the error line first.
    pub lines: Vec<String>,
}

/// Reads output line by line and keeps the first failure.
#[derive(Debug, Default)]
pub struct Scanner {
    state: State,
    found: Option<FirstError>,
    /// The first line that looks like an error outside any block, for tools that have no blocks.
    stray: Vec<String>,
    last: Vec<String>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Searching,
    /// After Ninja's `FAILED:`; the next line is the command.
    Command,
    /// In what the failed command printed.
    Output,
    /// In a `CMake Error` block.
    CMake,
    Done,
}

impl Scanner {
    pub fn line(&mut self, line: &str) {
        let line = shorten(line);
        if !line.trim().is_empty() {
            if self.last.len() == 5 {
                self.last.remove(0);
            }
            self.last.push(line.clone());
        }
        match self.state {
            State::Searching => self.search(line),
            State::Command => {
                self.failure().command = line;
                self.state = State::Output;
            }
            State::Output => {
                let ended = super::ninja::read(&line).is_some()
                    || line.starts_with("FAILED: ")
                    || line.starts_with("ninja: ")
                    || self.failure().lines.len() >= LINES;
                match ended {
                    true => self.state = State::Done,
                    false if !line.trim().is_empty() => self.failure().lines.push(line),
                    false => {}
                }
            }
            State::CMake => {
                // A block ends with two blank lines or the next message; one blank line stands inside it.
                let ended = line.starts_with("-- ") || self.failure().lines.len() >= LINES;
                match ended {
                    true => self.state = State::Done,
                    false if !line.trim().is_empty() => self.failure().lines.push(line),
                    false => {}
                }
            }
            // The two streams of a container are not in step: an error may arrive behind Ninja's last word.
            State::Done => {
                let is_unexplained = self.found.as_ref().is_some_and(|found| found.lines.is_empty());
                if is_unexplained && self.stray.len() < LINES && (!self.stray.is_empty() || is_error(&line)) {
                    self.stray.push(line);
                }
            }
        }
    }

    /// The failure, with the line that says `error` moved to the front; the last lines if nothing looked like one.
    pub fn finish(self) -> Option<FirstError> {
        let mut found = match self.found {
            // What Ninja lets use the terminal has printed its errors before Ninja says that it failed.
            Some(found) if found.lines.is_empty() => FirstError { lines: self.stray, ..found },
            Some(found) => found,
            None if !self.stray.is_empty() => {
                FirstError { item: String::new(), command: String::new(), lines: self.stray }
            }
            None if !self.last.is_empty() => {
                FirstError { item: String::new(), command: String::new(), lines: self.last }
            }
            None => return None,
        };
        if let Some(first) = found.lines.iter().position(|line| is_error(line)) {
            found.lines.drain(..first);
        }
        Some(found)
    }

    fn search(&mut self, line: String) {
        if let Some(item) = line.strip_prefix("FAILED: ") {
            // Ninja 1.13 puts the exit code before the outputs.
            let item = match item.split_once("] ") {
                Some((code, rest)) if code.starts_with("[code=") => rest,
                _ => item,
            };
            self.found =
                Some(FirstError { item: item.trim().to_owned(), command: String::new(), lines: vec![] });
            self.state = State::Command;
        } else if line.starts_with("CMake Error") {
            let item =
                line.strip_prefix("CMake Error at ").map(|rest| rest.split(" (").next().unwrap_or(rest));
            self.found = Some(FirstError {
                item: item.unwrap_or_default().to_owned(),
                command: String::new(),
                lines: vec![line.clone()],
            });
            self.state = State::CMake;
        } else if self.stray.len() < LINES && (!self.stray.is_empty() || is_error(&line)) {
            self.stray.push(line);
        }
    }

    fn failure(&mut self) -> &mut FirstError {
        self.found.as_mut().expect("states after `Searching` are entered with a failure")
    }
}

fn is_error(line: &str) -> bool {
    ["error:", "Error:", "CMake Error", "undefined reference", "undefined symbol", "No space left", "Killed"]
        .iter()
        .any(|sign| line.contains(sign))
}

fn shorten(line: &str) -> String {
    match line.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

impl fmt::Display for FirstError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.item.is_empty() {
            writeln!(f, "in {}", self.item)?;
        }
        for line in &self.lines {
            writeln!(f, "  {line}")?;
        }
        if !self.command.is_empty() {
            writeln!(f, "command: {}", self.command)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(output: &str) -> Option<FirstError> {
        let mut scanner = Scanner::default();
        output.lines().for_each(|line| scanner.line(line));
        scanner.finish()
    }

    #[test]
    fn the_first_failed_edge_wins_over_what_follows() {
        let found = scan(
            "[1/3] Building CXX object a.o\n\
             FAILED: [code=1] src/CMakeFiles/MIOpen.dir/gemm_v2.cpp.o \n\
             /usr/bin/ccache /usr/bin/clang++-17 -c src/gemm_v2.cpp\n\
             src/gemm_v2.cpp:31:1: warning: unused\n\
             src/gemm_v2.cpp:88:9: error: unknown type name 'rocblas_computetype'\n\
             1 error generated.\n\
             [2/3] Building CXX object b.o\n\
             FAILED: c.o\n\
             clang c.cpp\n\
             c.cpp:1:1: error: second\n\
             ninja: build stopped: subcommand failed.\n",
        )
        .expect("a failure");
        assert_eq!(found.item, "src/CMakeFiles/MIOpen.dir/gemm_v2.cpp.o");
        assert_eq!(found.command, "/usr/bin/ccache /usr/bin/clang++-17 -c src/gemm_v2.cpp");
        assert_eq!(
            found.lines,
            ["src/gemm_v2.cpp:88:9: error: unknown type name 'rocblas_computetype'", "1 error generated."]
        );
    }

    #[test]
    fn a_cmake_error_names_its_file_and_line() {
        let found = scan(
            "-- The CXX compiler identification is Clang 21.1.8\n\
             CMake Error at CMakeLists.txt:236 (find_package):\n\
             \x20 Could not find a package configuration file provided by \"hiprtc\"\n\n\
             \x20   hiprtcConfig.cmake\n\n\n\
             -- Configuring incomplete, errors occurred!\n",
        )
        .expect("a failure");
        assert_eq!(found.item, "CMakeLists.txt:236");
        assert_eq!(found.lines.len(), 3);
    }

    #[test]
    fn a_step_that_prints_for_itself_keeps_what_it_printed() {
        let found = scan(
            "[0/1] big\n\
             dd: error writing 'big': No space left on device\n\
             FAILED: [code=1] big\n\
             dd of=big\n\
             ninja: build stopped: subcommand failed.\n",
        )
        .expect("a failure");
        assert_eq!((found.item.as_str(), found.command.as_str()), ("big", "dd of=big"));
        assert_eq!(found.lines, ["dd: error writing 'big': No space left on device"]);
    }

    #[test]
    fn what_arrives_behind_ninjas_last_word_still_explains_the_failure() {
        let found = scan(
            "FAILED: [code=1] big\n\
             dd of=big\n\
             ninja: build stopped: subcommand failed.\n\
             dd: error writing 'big': No space left on device\n\
             8+0 records in\n",
        )
        .expect("a failure");
        assert_eq!(found.command, "dd of=big");
        assert_eq!(found.lines[0], "dd: error writing 'big': No space left on device");
    }

    #[test]
    fn without_blocks_the_first_error_line_is_taken_and_without_errors_the_last_lines() {
        assert_eq!(
            scan("fine\nld.lld: error: undefined symbol: x\n").expect("one").lines[0],
            "ld.lld: error: undefined symbol: x"
        );
        assert_eq!(scan("a\nb\n").expect("last lines").lines, ["a", "b"]);
        assert_eq!(scan(""), None);
    }

    #[test]
    fn endless_output_stays_small() {
        let mut scanner = Scanner::default();
        scanner.line("FAILED: x");
        scanner.line(&"c".repeat(1 << 20));
        for _ in 0..100_000 {
            scanner.line(&"error: y".repeat(1000));
        }
        let found = scanner.finish().expect("a failure");
        assert!(found.lines.len() <= LINES && found.command.chars().count() <= LINE + 1);
    }
}
