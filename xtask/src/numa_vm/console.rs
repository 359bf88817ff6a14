//! What a machine prints: the output of its steps between marks, and whatever the kernel has to say around them.

use std::collections::VecDeque;
use std::fmt::Write as _;

/// Begins a mark. What follows says which step begins or has ended, and how.
const MARK: &str = "@slide-step";
/// So many lines are kept to be shown when something goes wrong.
const KEPT_LINES: usize = 40;

/// A line that the guest prints before step `number`.
pub(crate) fn begin_mark(number: usize) -> String {
    format!("{MARK} {number} begins")
}

/// A line that the guest prints after step `number`; the status may be a variable of the guest's shell.
pub(crate) fn end_mark(number: usize, status: &str) -> String {
    format!("{MARK} {number} exits {status}")
}

/// A console that is read line by line.
#[derive(Debug, Default)]
pub(crate) struct Console {
    /// The exit codes of the steps that have ended.
    pub(crate) statuses: Vec<i32>,
    inside: bool,
    last: VecDeque<String>,
}

impl Console {
    /// Takes a line, and gives it back cleaned if it is output of a step, or a message of the kernel during one.
    pub(crate) fn read(&mut self, line: &[u8]) -> Option<String> {
        let line = String::from_utf8_lossy(line).trim_end_matches(['\r', '\n']).to_owned();
        if self.last.len() == KEPT_LINES {
            self.last.pop_front();
        }
        self.last.push_back(line.clone());
        let next = self.statuses.len();
        match parse(&line) {
            Some((before, number, None)) if number == next => {
                self.inside = true;
                Some(before.to_owned()).filter(|before| !before.is_empty())
            }
            Some((before, number, Some(status))) if number == next && self.inside => {
                self.statuses.push(status);
                self.inside = false;
                Some(before.to_owned()).filter(|before| !before.is_empty())
            }
            _ => self.inside.then_some(line),
        }
    }

    /// The last lines, to be shown below an error.
    pub(crate) fn last_lines(&self) -> String {
        self.last.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "  | {line}");
            text
        })
    }
}

/// What stands before a mark, the number of its step, and the exit code if it is the second one.
fn parse(line: &str) -> Option<(&str, usize, Option<i32>)> {
    // Anywhere in the line: the kernel may have written in front of it.
    let (before, mark) = line.split_once(MARK)?;
    match mark.split_whitespace().collect::<Vec<_>>()[..] {
        [number, "begins"] => Some((before, number.parse().ok()?, None)),
        [number, "exits", status] => Some((before, number.parse().ok()?, Some(status.parse().ok()?))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statuses, and what is shown.
    fn read(text: &str) -> (Console, Vec<String>) {
        let mut console = Console::default();
        let shown = text.split_inclusive('\n').filter_map(|line| console.read(line.as_bytes())).collect();
        (console, shown)
    }

    #[test]
    fn steps_between_their_marks() {
        let (console, shown) = read(
            "SeaBIOS\r\n[    0.1] Linux\r\n@slide-step 0 begins\r\nrunning 2 tests\r\nok\r\n@slide-step 0 exits 0\r\nbetween\r\n\
             @slide-step 1 begins\r\n[    9.9] hot@slide-step 1 exits 101\r\n[   10.0] reboot: Power down\r\n",
        );
        assert_eq!(console.statuses, [0, 101]);
        assert_eq!(shown, ["running 2 tests", "ok", "[    9.9] hot"]);
    }

    #[test]
    fn a_step_that_does_not_end_has_no_status() {
        let (console, shown) =
            read("@slide-step 0 begins\nrunning\n[   1.0] Kernel panic - not syncing: Out of memory");
        assert!(console.statuses.is_empty());
        assert_eq!(shown.len(), 2);
        assert!(console.last_lines().ends_with("  | [   1.0] Kernel panic - not syncing: Out of memory\n"));
    }

    #[test]
    fn what_only_looks_like_a_mark_is_output() {
        for line in ["@slide-step 7 exits 0", "@slide-step 0 exits $status", "@slide-step", "@slide-step 0 exits 0 1"] {
            let (console, shown) = read(&format!("@slide-step 0 begins\n{line}\n"));
            assert_eq!((console.statuses, shown), (vec![], vec![line.to_owned()]));
        }
        assert!(read("@slide-step 0 exits 0\n").0.statuses.is_empty(), "it did not begin");
    }

    #[test]
    fn the_last_lines_are_kept() {
        let text: String = (0..100).map(|number| format!("{number}\n")).collect();
        let lines = read(&text).0.last_lines();
        assert_eq!(lines.lines().count(), KEPT_LINES);
        assert!(lines.starts_with("  | 60\n") && lines.ends_with("  | 99\n"), "{lines}");
    }

    #[test]
    fn marks_are_read_as_they_are_written() {
        let text = format!("{}\n{}\n", begin_mark(0), end_mark(0, "3"));
        assert_eq!(read(&text).0.statuses, [3]);
    }
}
