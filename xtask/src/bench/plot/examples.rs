//! Records to draw in tests.

use std::collections::BTreeMap;

use slide_benches::cases::Cost;
use slide_benches::record::{Limit, Roof};

use super::super::record::{Entry, Measured, Origin, Record};
use super::draw;

fn record(roofs: Vec<Roof>, entries: Vec<Entry>) -> Record {
    Record {
        target: "native".to_owned(),
        suite: "kernels".to_owned(),
        origin: Origin::example("cargo xtask bench --target native"),
        roofs,
        entries,
    }
}

fn entry(subject: &str, shape: &str, level: &str, cost: [u64; 3]) -> Entry {
    let [elements, bytes, operations] = cost;
    Entry {
        subject: subject.to_owned(),
        shape: shape.to_owned(),
        level: level.to_owned(),
        cost: Cost { elements, bytes, operations },
        measured: None,
        counted: None,
        modelled: BTreeMap::new(),
    }
}

fn roof(name: &str, level: &str, value: f64, unit: &str) -> Roof {
    Roof { name: name.to_owned(), level: level.to_owned(), value, unit: unit.to_owned() }
}

/// Figures like those of docs/benchmarks.md.
fn measured() -> Record {
    let roofs = vec![
        roof("loads from L1", "avx512", 272.0, "GB/s"),
        roof("loads from L1", "avx2", 191.0, "GB/s"),
        roof("loads from L2", "avx512", 105.0, "GB/s"),
        roof("streaming from memory", "avx512", 13.0, "GB/s"),
        roof("multiply-adds", "avx512", 140.0, "GFLOP/s"),
        roof("multiply-adds", "avx2", 86.0, "GFLOP/s"),
    ];
    let gemm = [64 * 1024 * 128, (64 + 1024) * 128 * 4 + 64 * 1024 * 4, 2 * 64 * 1024 * 128];
    let mut entries = Vec::new();
    for (subject, shape, level, cost, nanoseconds, limit, share) in [
        ("gemm::forward", "f32, 64 examples x 1024 rows of 128", "avx512", gemm, 137_500.0, "arithmetic", 0.87),
        ("gemm::forward", "f32, 64 examples x 1024 rows of 128", "avx2", gemm, 223_700.0, "arithmetic", 0.87),
        ("gemm::gradient", "f32, 64 examples x 1024 rows of 128", "avx512", gemm, 132_000.0, "arithmetic", 0.91),
        ("gemm::gradient", "f32, 64 examples x 1024 rows of 128", "avx2", gemm, 243_000.0, "arithmetic", 0.94),
        ("dot::dot", "f32 4096", "avx512", [4096, 32768, 8192], 120.2, "loads", 0.98),
        ("dot::dot", "f32 4096", "avx2", [4096, 32768, 8192], 171.2, "loads", 1.0),
        ("dot::dot_bf16_f32", "bf16 x f32 4096", "avx512", [4096, 24576, 8192], 179.2, "ports", 0.66),
        ("dot::dot_bf16_f32", "bf16 x f32 4096", "avx2", [4096, 24576, 8192], 187.6, "loads", 0.86),
        ("dot::dot_bf16", "bf16 4096", "avx512", [4096, 16384, 8192], 161.3, "ports", 0.97),
        ("dot::dot_bf16", "bf16 4096", "avx512bf16 native", [4096, 16384, 8192], 82.0, "loads", 0.81),
        ("row_dot::rows_dot", "f32, 32 rows of 128", "avx512", [4096, 16896, 8192], 139.9, "loads", 0.5),
        ("row_dot::rows_dot", "f32, 32 rows of 128", "avx2", [4096, 16896, 8192], 205.6, "loads", 0.57),
        (
            "row_update::adam_rows",
            "f32, 32 rows of 1024",
            "avx512",
            [32768, 917_504, 425_984],
            40_000.0,
            "divider",
            0.98,
        ),
        ("row_update::adam_rows", "f32, 32 rows of 1024", "avx2", [32768, 917_504, 425_984], 61_000.0, "divider", 0.93),
        ("axpy::axpy", "f32 1024", "avx512", [1024, 12288, 2048], 61.0, "updates", 0.9),
        ("axpy::axpy", "f32 1024", "avx2", [1024, 12288, 2048], 72.0, "updates", 0.92),
    ] {
        let limit = Limit { name: limit.to_owned(), share };
        let quartiles = [0.98 * nanoseconds, nanoseconds, 1.05 * nanoseconds];
        let measured = Measured { nanoseconds: quartiles, p99: None, limit: Some(limit), counters: None };
        entries.push(Entry { measured: Some(measured), ..entry(subject, shape, level, cost) });
    }
    record(roofs, entries)
}

/// Many kernels that nothing measured.
fn modelled() -> Record {
    let mut entries = Vec::new();
    for i in 0..60u32 {
        let subject = format!("family{}::kernel_of_some_length_{i}", i / 7);
        let levels = if i % 5 == 0 { &["neon", "neonbf16", "neonbf16 native", "sve"][..] } else { &["neon"][..] };
        for (j, level) in (0u32..).zip(levels) {
            let cycles = 1024.0 * 0.04 * f64::from(1 + i).powf(1.7) / f64::from(1 + j);
            let modelled = [("neoverse-v1".to_owned(), Some(cycles))].into();
            let entry = entry(&subject, "f32 1024", level, [1024, 8192, 2048]);
            entries.push(Entry { counted: Some(cycles as u64 * 3), modelled, ..entry });
        }
    }
    record(Vec::new(), entries)
}

/// `SLIDE_PICTURES=FOLDER cargo test -p xtask plot` leaves the pictures there, to be looked at.
fn drawn(record: &Record, name: &str) -> Vec<(String, String)> {
    let scratch = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("SLIDE_PICTURES").map_or_else(|| scratch.path().to_owned(), Into::into);
    let files = draw(record, &folder, name).unwrap();
    let read = |name: String| {
        let text = std::fs::read_to_string(folder.join(&name)).unwrap();
        (name, text)
    };
    files.into_iter().map(read).collect()
}

#[test]
fn what_was_measured_has_roofs_and_bars() {
    let pictures = drawn(&measured(), "measured");
    let names: Vec<&str> = pictures.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["measured-roofline.svg", "measured-bars.svg"]);
    for (_, svg) in &pictures {
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("measured") && !svg.contains("modelled"));
        assert!(svg.contains("2026-11-22") && svg.contains("A Machine &lt;1&gt;"), "{svg}");
    }
    assert!(pictures[0].1.contains("loads from L1, 272 GB/s") && pictures[0].1.contains("multiply-adds, avx2"));
    assert!(pictures[1].1.contains("gemm::gradient f32") && pictures[1].1.contains("94 %"));
}

#[test]
fn what_was_modelled_has_bars_that_say_so() {
    let pictures = drawn(&modelled(), "modelled");
    assert_eq!(pictures.len(), 1);
    assert!(pictures[0].1.contains("modelled for neoverse-v1 (not measured)"));
}

#[test]
fn nothing_is_drawn_of_nothing() {
    assert!(drawn(&record(Vec::new(), Vec::new()), "nothing").is_empty());
}
