//! Pictures of records that are kept, and of what is in them.

use std::fs;

use super::super::record::Record;
use super::draw;
use crate::workspace;

fn kept(name: &str) -> Record {
    workspace::read_json(&workspace::root().join(format!("benches/records/{name}.json"))).unwrap()
}

/// `SLIDE_PICTURES=FOLDER cargo test -p xtask plot` leaves the pictures there, to be looked at.
fn drawn(record: &Record, name: &str) -> Vec<(String, String)> {
    let scratch = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("SLIDE_PICTURES").map_or_else(|| scratch.path().to_owned(), Into::into);
    let files = draw(record, &folder, name).unwrap();
    let read = |name: String| {
        let text = fs::read_to_string(folder.join(&name)).unwrap();
        (name, text)
    };
    files.into_iter().map(read).collect()
}

#[test]
fn what_was_measured_has_roofs_and_bars() {
    let mut record = kept("intel-xeon-processor-family-6-model-143/native-kernels");
    record.origin.machine.processor = "A Machine <1>".to_owned();
    let pictures = drawn(&record, "measured");
    let names: Vec<&str> = pictures.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["measured-roofline.svg", "measured-bars.svg"]);
    for (_, svg) in &pictures {
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("measured") && !svg.contains("modelled"));
        assert!(svg.contains(&record.origin.date) && svg.contains("A Machine &lt;1&gt;"), "{svg}");
    }
    assert!(pictures[0].1.contains("loads from L1, ") && pictures[0].1.contains("multiply-adds, "));
    assert!(pictures[1].1.contains("gemm::gradient f32") && pictures[1].1.contains(" %"));
}

#[test]
fn what_was_modelled_has_bars_that_say_so() {
    let pictures = drawn(&kept("graviton3/graviton-kernels"), "modelled");
    assert_eq!(pictures.len(), 1);
    assert!(pictures[0].1.contains("modelled for neoverse-v1 (not measured)"));
}

#[test]
fn nothing_is_drawn_of_nothing() {
    let measured = kept("graviton3/graviton-kernels");
    assert!(drawn(&Record { entries: Vec::new(), ..measured }, "nothing").is_empty());
}
