//! What the gate says, as Markdown.

use std::fmt;

use super::counts::Comparison;
use super::statistics::percent;
use super::timing::Timed;

pub(super) struct Verdict {
    pub(super) base: String,
    pub(super) head: String,
    pub(super) targets: Vec<OfTarget>,
    pub(super) times: Vec<Timed>,
    /// Programs of the same bytes in both, which are not timed.
    pub(super) equal: Vec<&'static str>,
    /// What could not be looked at, and why.
    pub(super) incomplete: Vec<String>,
}

/// What was found without a clock.
pub(super) struct OfTarget {
    /// Architecture and compiler.
    pub(super) name: String,
    /// Those whose machine code was looked at.
    pub(super) kernels: Option<usize>,
    /// Of the machine code of the head: kernel and problem.
    pub(super) problems: Vec<(String, String)>,
    pub(super) counts: Comparison,
}

impl Verdict {
    pub(super) fn losses(&self) -> usize {
        let of_target = |target: &OfTarget| {
            target.problems.len() + target.counts.changes.iter().filter(|change| change.is_loss()).count()
        };
        self.targets.iter().map(of_target).sum::<usize>() + self.times.iter().filter(|timed| timed.is_loss()).count()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.losses() {
            0 => "passes".to_owned(),
            1 => "**FAILS: 1 loss**".to_owned(),
            losses => format!("**FAILS: {losses} losses**"),
        };
        writeln!(f, "# {} against {}: {outcome}\n", self.head, self.base)?;
        for reason in &self.incomplete {
            writeln!(f, "**Incomplete**: {reason}\n")?;
        }
        for target in &self.targets {
            target.fmt(f)?;
        }
        writeln!(f, "## Times\n")?;
        for program in &self.equal {
            writeln!(f, "Not taken of {program}, which is the same in both, byte for byte.\n")?;
        }
        if self.times.is_empty() && self.equal.is_empty() {
            writeln!(f, "Nothing of what was chosen is timed: of each family of kernels, a case or two are.\n")?;
        }
        if !self.times.is_empty() {
            let losses = self.times.iter().filter(|timed| timed.is_loss()).count();
            let gains = self.times.iter().filter(|timed| timed.is_gain()).count();
            writeln!(f, "{} measurements in turns: {losses} slower, {gains} faster.\n", self.times.len())?;
            writeln!(f, "| measurement | time | threshold | |\n|---|---|---|---|")?;
        }
        for timed in &self.times {
            let word = match (timed.is_loss(), timed.is_gain(), timed.again) {
                (true, ..) => "**slower**, twice",
                (_, true, _) => "faster",
                (.., true) => "slower once, not again",
                _ => "",
            };
            writeln!(f, "| {} | {} | {} | {word} |", timed.name, percent(timed.ratio), percent(timed.threshold))?;
        }
        Ok(())
    }
}

impl fmt::Display for OfTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}: machine code and instructions\n", self.name)?;
        match self.kernels {
            Some(kernels) => writeln!(f, "{kernels} kernels looked at: {} problems.", self.problems.len())?,
            None => writeln!(f, "No machine code looked at.")?,
        }
        let Comparison { compared, changes, unmatched } = &self.counts;
        let losses = changes.iter().filter(|change| change.is_loss()).count();
        writeln!(f, "{compared} counts compared: {} differ by more than 0.5 %, {losses} are losses.\n", changes.len())?;
        for (kernel, problem) in &self.problems {
            writeln!(f, "- **{kernel}**: {problem}")?;
        }
        if !self.problems.is_empty() {
            writeln!(f)?;
        }
        if !changes.is_empty() {
            writeln!(f, "| kernel | instructions an element | | |\n|---|---|---|---|")?;
        }
        for change in changes {
            let [old, new] = [change.old, change.new].map(|count| count as f64 / change.run.elements as f64);
            let word = match (&change.accepted, change.is_loss()) {
                (_, true) => "**more**".to_owned(),
                (Some(reason), _) if new > old => format!("more, accepted: {reason}"),
                _ => "fewer".to_owned(),
            };
            let (run, ratio) = (&change.run, percent((new / old).ln()));
            writeln!(f, "| {} {} {} | {old:.4} -> {new:.4} | {ratio} | {word} |", run.level(), run.kernel, run.shape)?;
        }
        if !changes.is_empty() {
            writeln!(f)?;
        }
        if !unmatched.is_empty() {
            writeln!(f, "In one of the two only: {}.\n", unmatched.join("; "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::Run;
    use crate::gate::counts::Change;

    fn verdict(counts: [u64; 2], ratio: f64) -> Verdict {
        let run = Run::example("dot::dot", "f32 10", 10);
        let [old, new] = counts;
        let changes = if old == new { vec![] } else { vec![Change { run, old, new, accepted: None }] };
        Verdict {
            base: "HEAD~1 (1234567)".to_owned(),
            head: "HEAD (89abcde)".to_owned(),
            targets: vec![OfTarget {
                name: "x86_64, rustc 1.95.0".to_owned(),
                kernels: Some(160),
                problems: vec![],
                counts: Comparison { compared: 223, changes, unmatched: vec![] },
            }],
            times: vec![Timed {
                name: "avx2 dot::dot f32 1024".to_owned(),
                ratio,
                threshold: 0.03,
                again: ratio > 0.03,
            }],
            equal: vec![],
            incomplete: vec![],
        }
    }

    #[test]
    fn what_is_equal_passes() {
        let verdict = verdict([100, 100], 0.02);
        assert_eq!(verdict.losses(), 0);
        assert!(verdict.to_string().starts_with("# HEAD (89abcde) against HEAD~1 (1234567): passes\n"), "{verdict}");
    }

    #[test]
    fn what_was_not_looked_at_is_told() {
        let mut verdict = verdict([100, 100], 0.0);
        verdict.incomplete.push("no tool chain".to_owned());
        verdict.equal.push("slide");
        let text = verdict.to_string();
        assert!(text.contains("passes\n\n**Incomplete**: no tool chain\n"), "{text}");
        assert!(text.contains("Not taken of slide, which is the same"), "{text}");
        verdict.equal.clear();
        verdict.times.clear();
        assert!(verdict.to_string().contains("Nothing of what was chosen is timed"), "{verdict}");
    }

    #[test]
    fn losses_are_told_with_their_amounts_and_thresholds() {
        let verdict = verdict([100, 110], 0.1);
        let text = verdict.to_string();
        assert_eq!(verdict.losses(), 2);
        assert!(text.contains("**FAILS: 2 losses**"), "{text}");
        assert!(text.contains("| avx2 dot::dot f32 10 | 10.0000 -> 11.0000 | +10.0 % | **more** |"), "{text}");
        assert!(text.contains("| avx2 dot::dot f32 1024 | +10.5 % | +3.0 % | **slower**, twice |"), "{text}");
    }

    #[test]
    fn gains_are_told_and_pass() {
        let verdict = verdict([110, 100], -0.1);
        let text = verdict.to_string();
        assert_eq!(verdict.losses(), 0);
        assert!(text.contains("| fewer |") && text.contains("| faster |"), "{text}");
    }
}
