//! Properties of the machine that influence times: processor, memory, pages, and load.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::record::Machine;

/// The warning in the note about other load.
pub const BUSY_NOTE: &str = "BUSY, so times are upper bounds";

/// Above this share of the cores, other load gives a warning.
const BUSY: f64 = 0.1;

/// How long other load is observed: fifty ticks of most systems' clocks.
const LOOK: Duration = Duration::from_millis(500);

/// Describes this machine. Takes half a second, during which the caller must be idle.
#[must_use]
pub fn detect() -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let information = read("/proc/cpuinfo");
    let vendor = read("/sys/class/dmi/id/sys_vendor");
    let processor =
        processor(&information, vendor.trim()).unwrap_or_else(|| format!("unknown {}", std::env::consts::ARCH));
    let mut notes = Vec::new();
    notes.extend(field(&read("/proc/meminfo"), "MemTotal").and_then(gigabytes));
    notes
        .extend(chosen(&read("/sys/kernel/mm/transparent_hugepage/enabled")).map(|mode| format!("huge pages: {mode}")));
    if information.lines().any(|line| line.starts_with("flags") && line.contains(" hypervisor")) {
        notes.push("virtual".to_owned());
    }
    notes.extend(frequency_governor());
    let before = read("/proc/stat");
    thread::sleep(LOOK);
    notes.extend(other_work(&before, &read("/proc/stat"), cores));
    Machine { name: name(&processor), processor, cores, notes }
}

/// A folder name made of a processor's name, without a suffix in parentheses.
#[must_use]
pub fn name(processor: &str) -> String {
    let (processor, _) = processor.split_once(" (").unwrap_or((processor, ""));
    let processor = processor.to_lowercase().replace("(r)", "").replace("(tm)", "");
    let words = processor.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// The value of `KEY : VALUE`.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim())
}

/// The name in `/proc/cpuinfo`; where it is too general to tell machines apart, with the model's number. Arm's cores have none:
/// `vendor` is that of the machine.
fn processor(information: &str, vendor: &str) -> Option<String> {
    if let Some(name) = field(information, "model name") {
        let numbers = |key| field(information, key);
        let is_general = !name.chars().any(|c| c.is_ascii_digit());
        return Some(match (numbers("cpu family"), numbers("model")) {
            (Some(family), Some(model)) if is_general => format!("{name} family {family} model {model}"),
            _ => name.to_owned(),
        });
    }
    let (implementer, part) = (field(information, "CPU implementer")?, field(information, "CPU part")?);
    let (core, graviton) = match (implementer, part) {
        ("0x41", "0xd0c") => ("Neoverse N1", Some(2)),
        ("0x41", "0xd40") => ("Neoverse V1", Some(3)),
        ("0x41", "0xd49") => ("Neoverse N2", None),
        ("0x41", "0xd4f") => ("Neoverse V2", Some(4)),
        _ => return Some(format!("Arm implementer {implementer} part {part}")),
    };
    Some(match graviton {
        Some(generation) if vendor == "Amazon EC2" => format!("Graviton{generation} ({core})"),
        _ => core.to_owned(),
    })
}

/// `16384 kB` in words.
fn gigabytes(kilobytes: &str) -> Option<String> {
    let kilobytes: f64 = kilobytes.strip_suffix("kB")?.trim().parse().ok()?;
    Some(format!("{:.1} GB of memory", kilobytes * 1024.0 / 1e9))
}

/// `b` of `a [b] c`.
fn chosen(words: &str) -> Option<&str> {
    words.split_once('[')?.1.split_once(']').map(|(word, _)| word)
}

/// What determines the clock rate.
fn frequency_governor() -> Option<String> {
    let governor = fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").ok()?;
    Some(format!("frequency governor {}", governor.trim()))
}

/// How much of all cores was in use between two readings of `/proc/stat`, or stolen by the hypervisor; with a
/// warning if it is high. The load average would include builds and suites that have just ended.
fn other_work(before: &str, after: &str, cores: usize) -> Option<String> {
    let [(idle_before, all_before), (idle_after, all_after)] = [idle_and_all(before)?, idle_and_all(after)?];
    let all = all_after.checked_sub(all_before).filter(|&ticks| ticks > 0)? as f64;
    let share = 1.0 - idle_after.saturating_sub(idle_before) as f64 / all;
    let warning = if share > BUSY { format!(": {BUSY_NOTE}") } else { String::new() };
    Some(format!("other work took {:.0} % of {cores} cores at the start{warning}", 100.0 * share))
}

/// Ticks of all cores since the machine was started: without work (or waiting for a disk), and in all.
fn idle_and_all(stat: &str) -> Option<(u64, u64)> {
    // user, nice, system, idle, iowait, irq, softirq, steal; guests, which follow, are counted as users already.
    let ticks = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8);
    let ticks: Vec<u64> = ticks.map(str::parse).collect::<Result<_, _>>().ok()?;
    Some((ticks.get(3)? + ticks.get(4)?, ticks.iter().sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_have_names_that_tell_them_apart() {
        let amd = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 9R14\n";
        let processor = |information| processor(information, "Amazon EC2");
        assert_eq!(processor(amd).as_deref(), Some("AMD EPYC 9R14"));
        let general = "cpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Intel(R) Xeon(R) Processor\n";
        let general = processor(general).unwrap();
        assert_eq!(name(&general), "intel-xeon-processor-family-6-model-143");
        let graviton3 = "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd40\n";
        assert_eq!(processor(graviton3).as_deref(), Some("Graviton3 (Neoverse V1)"));
        assert_eq!(name(&processor(graviton3).unwrap()), "graviton3", "as the models call it");
        assert_eq!(super::processor(graviton3, "GIGABYTE").as_deref(), Some("Neoverse V1"));
        let other = "CPU implementer : 0x61\nCPU part : 0x022\n";
        assert_eq!(processor(other).as_deref(), Some("Arm implementer 0x61 part 0x022"));
        assert_eq!(processor(""), None);
        assert_eq!(name("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz"), "intel-xeon-platinum-8375c-cpu-2-90ghz");
    }

    #[test]
    fn what_the_system_says_is_read() {
        assert_eq!(gigabytes("25165824 kB").as_deref(), Some("25.8 GB of memory"));
        assert_eq!(chosen("always [madvise] never\n"), Some("madvise"));
        let note = |after: &str| other_work("cpu  100 0 50 1000 10 0 5 0 0 0\ncpu0 1 2 3", after, 2);
        let quiet = note("cpu  102 0 51 1095 12 0 5 0 0 0");
        assert_eq!(quiet.as_deref(), Some("other work took 3 % of 2 cores at the start"));
        assert!(note("cpu  100 0 50 1080 10 0 5 20 0 0").unwrap().contains("20 % of 2 cores at the start: BUSY"));
        for other in ["", "cpu  100 0 50 1000 10 0 5 0 0 0", "cpu  1 x", "intr 5"] {
            assert_eq!(note(other), None, "{other}");
        }
        assert!(!detect().name.is_empty());
    }
}
