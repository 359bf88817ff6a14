//! The counts of real sets, where `SLIDE_DATA` names the folder that holds them.

use std::path::PathBuf;

use slide_core::data::{self, Stats};

#[test]
fn real_sets_have_their_published_counts() {
    let Some(folder) = std::env::var_os("SLIDE_DATA").map(PathBuf::from) else {
        eprintln!("skipped: SLIDE_DATA does not name a folder of real sets");
        return;
    };
    // Set, part, examples, features, labels, examples without labels, examples without features.
    let sets = [
        ("tibkat", "train", 81_937, 187_798, 35_613, 0, 0),
        ("tibkat", "test", 13_666, 187_798, 35_613, 0, 0),
        ("tibkat-titles", "train", 81_937, 35_100, 35_613, 0, 257),
        ("tibkat-titles", "test", 13_666, 35_100, 35_613, 0, 86),
        ("debian", "train", 46_820, 48_638, 49_531, 0, 0),
        ("debian", "test", 11_225, 48_638, 49_531, 0, 0),
        ("delicious", "train", 12_920, 500, 983, 11, 0),
        ("delicious", "test", 3_185, 500, 983, 3, 0),
        ("bibtex", "train", 4_880, 1_836, 159, 0, 0),
        ("bibtex", "test", 2_515, 1_836, 159, 0, 0),
    ];
    for (set, part, examples, features, labels, without_labels, without_features) in sets {
        let path = folder.join(set).join(format!("{part}.txt.zst"));
        if !path.exists() {
            eprintln!("skipped: no {}", path.display());
            continue;
        }
        let stats = Stats::of(&data::read(&path, &data::ReadOptions::default()).unwrap());
        assert_eq!(
            (stats.examples, stats.feature_count, stats.label_count),
            (examples, features, labels),
            "{set} {part}"
        );
        assert_eq!(
            (stats.examples_without_labels, stats.examples_without_features),
            (without_labels, without_features),
            "{set} {part}"
        );
        println!("{set} {part}\n{stats}");
    }
}
