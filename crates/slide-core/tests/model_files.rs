//! Model files with one part and with both: they are read as they were written, and what is wrong with one is said.

mod common;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use common::model_file::ModelFile;
use safetensors::Dtype;
use serde_json::Value;
use slide_core::{
    Dataset, Event, Example, Model, ModelError, Outcome, Parts, PredictError, Predictions, Predictor, QuantizeConfig,
    Retrieval, Runtime, Trainer,
};

const FEATURES: u32 = 700;
/// More than a byte of a list holds.
const LABELS: u32 = 600;

fn data() -> Dataset {
    common::dataset(300, FEATURES, LABELS)
}

fn runtime() -> Runtime {
    common::runtime(Some(2), None)
}

const NETWORK: &str = "hidden=16,12 epochs=2 batch-size=32 active=40";

fn trained(settings: &str) -> Model {
    let config = common::config(settings);
    Model::fit_with(&data(), &config, &runtime(), |_| ControlFlow::Continue(())).unwrap()
}

fn predictions(model: Model, retrieval: Retrieval) -> Predictions {
    let data = data();
    let examples: Vec<Example<'_>> = (0..data.examples()).map(|example| data.features(example)).collect();
    Predictor::with(model, retrieval, &runtime()).unwrap().predict_batch(&examples, 5).unwrap()
}

/// The lists of the linear part in a file.
impl ModelFile {
    /// Replaces the bytes of a vector whose elements have `width` bytes.
    fn replace(&mut self, name: &str, width: usize, bytes: Vec<u8>) {
        let tensor = self.tensor(name);
        (tensor.1, tensor.2) = (vec![bytes.len() / width], bytes);
    }

    fn counts(&self) -> Vec<u32> {
        let bytes = &self.tensors["linear.count"].2;
        bytes.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect()
    }

    fn set_counts(&mut self, counts: &[u32]) {
        self.replace("linear.count", 4, counts.iter().flat_map(|count| count.to_le_bytes()).collect());
    }

    /// The labels of each feature, of lists that can be mapped, of one block.
    fn mapped_lists(&self) -> Vec<Vec<u32>> {
        let [starts, entries, order] = ["start", "entry", "order"].map(|name| self.numbers(&format!("linear.{name}")));
        let label = |&place: &u64| order[place as usize] as u32;
        let list = |list: &[u64]| {
            let places = &entries[2 * list[0] as usize..(list[0] + list[1]) as usize];
            assert!(places.is_sorted_by(|a, b| a < b));
            let mut labels: Vec<u32> = places.iter().map(label).collect();
            labels.sort_unstable();
            labels
        };
        starts.windows(2).map(list).collect()
    }

    /// The labels of each feature, of lists of bytes.
    fn lists(&self) -> Vec<Vec<u32>> {
        let mut bytes = self.tensors["linear.label"].2.iter();
        let mut number = || {
            let mut number = 0;
            for shift in (0..).step_by(7) {
                let byte = u32::from(*bytes.next().unwrap());
                number |= (byte & 0x7f) << shift;
                if byte < 0x80 {
                    break;
                }
            }
            number
        };
        let mut lists = Vec::new();
        for count in self.counts() {
            let mut label = 0;
            lists.push((0..count).map(|_| (label += number(), label).1).collect());
        }
        lists
    }

    /// Replaces the labels; as many in each list as before.
    fn set_lists(&mut self, lists: &[Vec<u32>]) {
        let mut bytes = Vec::new();
        for list in lists {
            let mut before = 0;
            for &label in list {
                let mut gap = label.wrapping_sub(before);
                while gap >= 0x80 {
                    bytes.push(gap as u8 | 0x80);
                    gap >>= 7;
                }
                bytes.push(gap as u8);
                before = label;
            }
        }
        self.replace("linear.label", 1, bytes);
    }
}

/// A model of these settings and its file, in a folder that is gone when dropped.
fn saved(settings: &str) -> (tempfile::TempDir, PathBuf, Model) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.slide");
    let model = trained(settings);
    model.save(&path).unwrap();
    (folder, path, model)
}

/// The same with a linear part in bytes.
fn saved_in_bytes(settings: &str) -> (tempfile::TempDir, PathBuf, Model) {
    let (folder, path, mut model) = saved(settings);
    model.quantize(&QuantizeConfig::default(), &runtime()).unwrap();
    model.save(&path).unwrap();
    (folder, path, model)
}

#[test]
fn models_of_each_part_and_of_both_are_read_as_they_were_written() {
    for (parts, tables) in [("network", ""), ("linear", ""), ("both", ""), ("both", "hash-bits=4 tables=6")] {
        let (folder, path, model) = saved(&format!("model={parts} {NETWORK} {tables}"));
        let loaded = Model::load(&path).unwrap();
        assert_eq!(loaded.config(), model.config());
        assert_eq!(loaded.choices(), model.choices());
        assert_eq!((loaded.has_network(), loaded.has_linear()), (parts != "linear", parts != "network"));
        assert_eq!((loaded.features(), loaded.labels()), (FEATURES as usize, LABELS as usize));
        assert_eq!((loaded.parameters(), loaded.linear_weights()), (model.parameters(), model.linear_weights()));
        assert_eq!(loaded.linear_weights() > 0, parts != "network");
        assert_eq!(loaded.label_frequencies(), label_frequencies(&data()));
        assert_eq!(loaded.tensors(), model.tensors());
        assert!(!loaded.is_resumable());
        let names: Vec<String> = loaded.tensors().into_iter().map(|tensor| tensor.name).collect();
        for (prefix, is_there) in [("linear.", parts != "network"), ("output.", parts != "linear")] {
            assert_eq!(names.iter().any(|name| name.starts_with(prefix)), is_there, "{parts}: {names:?}");
        }
        let again = folder.path().join("again.slide");
        loaded.save(&again).unwrap();
        assert!(std::fs::read(&path).unwrap() == std::fs::read(&again).unwrap(), "{parts}: another file");
        assert!(
            predictions(loaded, Retrieval::Auto) == predictions(model, Retrieval::Auto),
            "{parts}: other predictions"
        );
    }
}

fn label_frequencies(data: &Dataset) -> Vec<u32> {
    let mut frequencies = vec![0; data.label_count()];
    (0..data.examples()).flat_map(|example| data.labels(example)).for_each(|&label| frequencies[label as usize] += 1);
    frequencies
}

/// The lists of the linear part as the table of the format says, by features as data files number them.
#[test]
fn the_linear_part_is_stored_by_features_and_labels_of_the_data() {
    let (_folder, path, model) = saved("model=linear");
    let mapped = ModelFile::read(&path).mapped_lists();
    assert_eq!(mapped.iter().map(Vec::len).sum::<usize>(), model.linear_weights());
    let (_folder, path, model) = saved_in_bytes("model=linear");
    let file = ModelFile::read(&path);
    let lists = file.lists();
    // Weights that are rounded to 0 are dropped.
    assert!(lists.iter().zip(&mapped).all(|(list, all)| list.iter().all(|label| all.binary_search(label).is_ok())));
    assert_eq!(lists.len(), FEATURES as usize);
    assert_eq!(lists.iter().map(Vec::len).sum::<usize>(), model.linear_weights());
    assert!(lists.iter().all(|list| list.is_sorted_by(|a, b| a < b) && list.iter().all(|&label| label < LABELS)));
    // Feature `31 label` is in most examples of a label (`common::dataset`), and so speaks for it.
    let found = (0..LABELS).filter(|label| lists[(label * 31 % FEATURES) as usize].contains(label)).count();
    let trained = label_frequencies(&data()).iter().filter(|&&frequency| frequency > 0).count();
    assert!(found > trained / 2 && 2 * found > LABELS as usize / 2, "{found} of {trained}");
    let mut again = file.clone();
    again.set_lists(&lists);
    assert!(again.tensors == file.tensors);
    again.write(&path);
    assert!(predictions(Model::load(&path).unwrap(), Retrieval::Auto) == predictions(model, Retrieval::Auto));
}

/// A change of a file.
type Change = Box<dyn Fn(&mut ModelFile)>;

fn change(change: impl Fn(&mut ModelFile) + 'static) -> Change {
    Box::new(change)
}

#[test]
fn damaged_linear_parts_are_errors() {
    let (_folder, path, model) = saved_in_bytes("model=linear");
    let file = ModelFile::read(&path);
    let (lists, total) = (file.lists(), model.linear_weights());
    let long = lists.iter().position(|list| list.len() > 2).unwrap();
    let last = lists.iter().rposition(|list| !list.is_empty()).unwrap();
    let with_label = |feature: usize, place: usize, label: u32| {
        let mut lists = lists.clone();
        lists[feature][place] = label;
        change(move |file| file.set_lists(&lists))
    };
    let with_count = |feature: usize, count: u32| {
        change(move |file| {
            let mut counts = file.counts();
            counts[feature] = count;
            file.set_counts(&counts);
        })
    };
    let with_bytes = |edit: fn(&mut Vec<u8>)| {
        change(move |file| {
            let mut bytes = file.tensor("linear.label").2.clone();
            edit(&mut bytes);
            file.replace("linear.label", 1, bytes);
        })
    };
    let of_type = |name: &'static str, dtype| change(move |file| file.tensor(name).0 = dtype);
    let header = |edit: fn(&mut Value)| change(move |file| edit(&mut file.header));
    let labels = "`linear.label` with ascending labels of the model";
    let mut changes: Vec<(String, Change, String)> = vec![
        ("equal labels".into(), with_label(long, 1, lists[long][0]), labels.into()),
        ("descending labels".into(), with_label(long, 1, lists[long][2] + 1), labels.into()),
        (
            "a label too large".into(),
            with_label(last, lists[last].len() - 1, LABELS),
            format!("the list of feature {last}"),
        ),
        ("a label far too large".into(), with_label(long, 0, u32::MAX), format!("the list of feature {long}")),
        (
            "a count more".into(),
            with_count(long, lists[long].len() as u32 + 1),
            format!("{} elements of `linear.weight`", total + 1),
        ),
        (
            "a count less".into(),
            with_count(long, lists[long].len() as u32 - 1),
            format!("{} elements of `linear.weight`", total - 1),
        ),
        ("a huge count".into(), with_count(long, u32::MAX), "elements of `linear.weight`".into()),
        ("a byte less".into(), with_bytes(|bytes| bytes.truncate(bytes.len() - 1)), labels.into()),
        ("a byte more".into(), with_bytes(|bytes| bytes.push(0)), "1 bytes behind the last list".into()),
        ("no bytes".into(), with_bytes(Vec::clear), labels.into()),
        ("a number without end".into(), with_bytes(|bytes| bytes.fill(0xff)), "the list of feature".into()),
        ("a number cut short".into(), with_bytes(|bytes| *bytes.last_mut().unwrap() |= 0x80), labels.into()),
        (
            "counts of fewer features".into(),
            change(|file| file.set_counts(&file.counts()[1..])),
            "`linear.count` of type U32 and shape [700]".into(),
        ),
        (
            "fewer biases".into(),
            change(|file| file.replace("linear.bias", 4, vec![0; 4 * 599])),
            "`linear.bias` of type F32 and shape [600]".into(),
        ),
        (
            "fewer weights".into(),
            change(|file| file.replace("linear.weight", 1, vec![0; 20])),
            format!("{total} elements of `linear.weight`"),
        ),
        ("biases as integers".into(), of_type("linear.bias", Dtype::I32), "`linear.bias` of type F32".into()),
        ("counts as floats".into(), of_type("linear.count", Dtype::F32), "`linear.count` of type U32".into()),
        ("labels as signed bytes".into(), of_type("linear.label", Dtype::I8), "`linear.label` of type U8".into()),
        ("weights as bytes".into(), of_type("linear.weight", Dtype::U8), "`linear.weight` of type F16".into()),
        (
            "a matrix of weights".into(),
            change(|file| file.tensor("linear.weight").1.push(1)),
            "`linear.weight` of type I8".into(),
        ),
        (
            "a weight without dimensions".into(),
            change(|file| {
                file.tensors.insert("linear.weight".into(), (Dtype::F16, vec![], vec![0; 2])).map(drop).unwrap()
            }),
            "elements of `linear.weight`".into(),
        ),
        (
            "no combination".into(),
            header(|header| header["combination"] = Value::Null),
            "expected a linear part".into(),
        ),
        (
            "more features".into(),
            header(|header| header["features"] = 701.into()),
            "`linear.count` of type U32 and shape [701]".into(),
        ),
        (
            "more labels".into(),
            header(|header| header["labels"] = 601.into()),
            "`linear.bias` of type F32 and shape [601]".into(),
        ),
        (
            "fewer coefficients".into(),
            header(|header| header["combination"]["plain"] = serde_json::json!([1.0, 2.0])),
            "the header".into(),
        ),
        (
            "a network besides".into(),
            header(|header| header["config"]["model"]["model"] = "both".into()),
            "the tensor `input.weight`".into(),
        ),
        (
            "a network instead".into(),
            header(|header| header["config"]["model"]["model"] = "network".into()),
            "the tensor `input.weight`".into(),
        ),
        (
            "tables without a network".into(),
            header(|header| {
                header["tables-rebuilt-at"] = 0.into();
                header["config"]["hashing"] = serde_json::json!({ "tables": 3 });
            }),
            "a network under the hash tables".into(),
        ),
    ];
    for name in ["linear.bias", "linear.count", "linear.label", "linear.weight", "linear.scale"] {
        let drop_it = change(move |file| drop(file.tensors.remove(name)));
        changes.push((format!("no {name}"), drop_it, format!("the tensor `{name}`, found none")));
    }
    are_errors(&file, &path, changes, false);
}

/// What is said of changed files that are loaded, and, unless it is found only in values, opened.
fn are_errors(file: &ModelFile, path: &Path, changes: Vec<(String, Change, String)>, in_values: bool) {
    file.write(path);
    assert!(Model::load(path).is_ok() && Model::open(path).is_ok(), "nothing was wrong before");
    for (what, change, said) in changes {
        let mut changed = file.clone();
        change(&mut changed);
        changed.write(path);
        let is_said = |error: ModelError| {
            assert!(matches!(error, ModelError::Foreign { .. } | ModelError::Header { .. }), "{what}: {error:?}");
            let text = error.to_string();
            assert!(text.starts_with(&path.display().to_string()) && text.contains(&said), "{what}: {text}");
        };
        is_said(Model::load(path).expect_err(&what));
        match Model::open(path) {
            Err(error) => is_said(error),
            Ok(model) => {
                assert!(in_values, "{what}");
                predictions(model, Retrieval::Auto);
            }
        }
    }
}

#[test]
fn damaged_lists_that_can_be_mapped_are_errors_when_loaded() {
    let (_folder, path, _) = saved("model=linear");
    let file = ModelFile::read(&path);
    let of = |name: &'static str, width: usize, edit: fn(&mut Vec<u64>)| {
        change(move |file| {
            let mut numbers = file.numbers(name);
            edit(&mut numbers);
            let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()[..width].to_vec()).collect();
            file.replace(name, width, bytes);
        })
    };
    let starts = |edit| of("linear.start", 8, edit);
    let (in_order, places) = ("`linear.start` ascending from 0", "`linear.entry` with ascending places");
    let mut in_header: Vec<(&str, Change, &str)> = vec![
        ("a start less", starts(|starts| starts.truncate(700)), "`linear.start` of type U64 and shape [701]"),
        ("a start more", starts(|starts| starts.push(0)), "`linear.start` of type U64 and shape [701]"),
        ("not from 0", starts(|starts| starts[0] = 1), in_order),
        ("not to the end", starts(|starts| *starts.last_mut().unwrap() -= 1), in_order),
        ("beyond the end", starts(|starts| *starts.last_mut().unwrap() = u64::MAX), in_order),
        ("fewer entries", of("linear.entry", 2, |entries| entries.truncate(20)), in_order),
        ("an entry more", of("linear.entry", 2, |entries| entries.push(0)), in_order),
        ("a label twice", of("linear.order", 4, |order| order[0] = order[1]), "`linear.order` and `linear.rank`"),
        ("no label", of("linear.order", 4, |order| order[9] = 600), "`linear.order` and `linear.rank`"),
        (
            "fewer labels",
            of("linear.order", 4, |order| order.truncate(599)),
            "`linear.order` of type U32 and shape [600]",
        ),
        ("a rank of none", of("linear.rank", 4, |rank| rank[0] = 600), "`linear.order` and `linear.rank`"),
        ("entries as floats", change(|file| file.tensor("linear.entry").0 = Dtype::F16), "`linear.entry` of type U16"),
    ];
    for name in ["linear.bias", "linear.order", "linear.rank", "linear.entry"] {
        in_header.push((name, change(move |file| drop(file.tensors.remove(name))), "found none"));
    }
    let in_values: Vec<(&str, Change, &str)> = vec![
        ("descending starts", starts(|starts| starts[300] = starts[301] + 1), in_order),
        ("a huge start", starts(|starts| starts[300] = u64::MAX), in_order),
        ("places too large", of("linear.entry", 2, |entries| entries.fill(0xffff)), places),
        ("equal places", of("linear.entry", 2, |entries| entries.fill(0)), places),
    ];
    for (changes, in_values) in [(in_header, false), (in_values, true)] {
        let owned = changes.into_iter().map(|(what, change, said)| (what.to_owned(), change, said.to_owned()));
        are_errors(&file, &path, owned.collect(), in_values);
    }
}

/// Numbers that no training gives are predicted with all the same: nothing panics, and what is predicted is finite.
#[test]
fn weights_that_overflow_do_not_panic() {
    for settings in ["model=linear", &format!("model=both {NETWORK}")] {
        let (_folder, path, _) = saved(settings);
        let mut file = ModelFile::read(&path);
        let starts: Vec<usize> = file.numbers("linear.start").into_iter().map(|start| start as usize).collect();
        for list in starts.windows(2) {
            let weights = &mut file.tensor("linear.entry").2[2 * (list[0] + list[1])..4 * list[1]];
            weights.chunks_mut(2).step_by(3).for_each(|bytes| bytes.copy_from_slice(&half::f16::MAX.to_le_bytes()));
        }
        for bytes in file.tensor("linear.bias").2.chunks_mut(4).step_by(5) {
            bytes.copy_from_slice(&f32::MAX.to_le_bytes());
        }
        file.write(&path);
        let found = predictions(Model::load(&path).unwrap(), Retrieval::Auto);
        assert!(found == predictions(Model::open(&path).unwrap(), Retrieval::Auto));
        assert_eq!(found.len(), data().examples());
        assert!(found.iter().flatten().all(|best| (0.0..=1.0).contains(&best.probability)), "{settings}");
    }
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let (_folder, path, _) = saved(&format!("model=both {NETWORK}"));
    let file = ModelFile::read(&path);
    let starts: Vec<usize> = file.numbers("linear.start").into_iter().map(|start| start as usize).collect();
    let feature = starts.windows(2).position(|list| list[1] > list[0]).unwrap();
    let weight = 2 * (starts[feature] + starts[feature + 1]);
    let changes: [(&str, usize, &[u8], &[usize]); 3] = [
        ("output.weight", 4, &f32::NAN.to_le_bytes(), &[0, 1]),
        ("label_frequency", 0, &[], &[]),
        ("linear.entry", weight, &half::f16::INFINITY.to_le_bytes(), &[feature]),
    ];
    for (name, at, bytes, place) in changes {
        let mut file = file.clone();
        file.tensor(name).2[at..at + bytes.len()].copy_from_slice(bytes);
        file.write(&path);
        let opened = Model::open(&path).unwrap();
        for result in [Model::load(&path).map(drop), opened.check_values()] {
            match result {
                Ok(()) => assert!(bytes.is_empty(), "{name}"),
                Err(ModelError::NotFinite { tensor, position, .. }) => {
                    assert_eq!((&*tensor, &*position), (name, place));
                }
                Err(other) => panic!("{name}: {other}"),
            }
        }
    }
}

/// The parts of a model, each as a file of its own that has the others' tensors too but does not say so.
#[test]
fn a_part_of_a_model_predicts_as_a_model_of_that_part() {
    let (_folder, path, both) = saved(&format!("model=both {NETWORK}"));
    let both = std::sync::Arc::new(both);
    let data = data();
    let examples: Vec<Example<'_>> = (0..data.examples()).map(|example| data.features(example)).collect();
    let file = ModelFile::read(&path);
    for part in [Parts::Network, Parts::Linear] {
        let mut alone = file.clone();
        alone.header["config"]["model"]["model"] = part.to_string().into();
        alone.header["combination"] = match part {
            Parts::Network => Value::Null,
            _ => serde_json::json!({ "plain": [0.0, 0.0, 1.0], "by_frequency": [0.0, 0.0, 0.0] }),
        };
        alone.write(&path);
        let expected = predictions(Model::load(&path).unwrap(), Retrieval::Auto);
        let of_both = Predictor::of_parts(both.clone(), part, Retrieval::Auto, &runtime()).unwrap();
        let found = of_both.predict_batch(&examples, 5).unwrap();
        assert!(found == expected, "{part}");
    }
}

/// The header as format 2 had it.
fn as_format_2(file: &mut ModelFile) {
    let header = file.header.as_object_mut().unwrap();
    header.insert("format".into(), 2.into());
    for key in ["choices", "combination"] {
        header.remove(key).unwrap();
    }
    let config = header["config"].as_object_mut().unwrap();
    for section in ["model", "linear"] {
        config.remove(section).unwrap();
    }
    config["optimizer"].as_object_mut().unwrap().remove("budget").unwrap();
}

#[test]
fn files_of_format_2_hold_networks() {
    let settings = format!("model=network {NETWORK} sampler=vanilla active=40 hash-bits=4 tables=6 rebuild=constant:3");
    let (_folder, path, model) = saved(&settings);
    let mut file = ModelFile::read(&path);
    as_format_2(&mut file);
    file.write(&path);
    let loaded = Model::load(&path).unwrap();
    assert_eq!(loaded.config().model.model, Parts::Network);
    assert_eq!(loaded.config(), model.config());
    assert!(loaded.has_network() && !loaded.has_linear() && loaded.has_tables() && loaded.choices().is_empty());
    let runtime = runtime();
    let error = Predictor::with(loaded, Retrieval::Linear, &runtime).unwrap_err();
    assert!(matches!(error, PredictError::Retrieval(_)), "{error}");
    let load = || Model::load(&path).unwrap();
    let expected = predictions(trained(&settings), Retrieval::Lsh);
    assert!(predictions(load(), Retrieval::Lsh) == expected);
    assert!(predictions(load(), Retrieval::Auto) == predictions(model, Retrieval::Exact));
}

#[test]
fn checkpoints_of_format_2_are_continued() {
    let (data, runtime) = (data(), runtime());
    let (folder, whole, _) = saved(&format!("model=network {NETWORK}"));
    let path = folder.path().join("cut");
    let mut trainer = Trainer::new(common::config(&format!("model=network {NETWORK}")), &data, &runtime).unwrap();
    let stopped = trainer.run(&mut |event, _| match event {
        Event::Batch(progress) if progress.step == 7 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!(stopped.unwrap(), Outcome::Stopped);
    trainer.save_checkpoint(&path).unwrap();
    let mut file = ModelFile::read(&path);
    as_format_2(&mut file);
    file.write(&path);
    let mut trainer = Trainer::resume(Model::load(&path).unwrap(), &data, &runtime).unwrap();
    assert_eq!(trainer.run(&mut |_, _| ControlFlow::Continue(())).unwrap(), Outcome::Finished);
    trainer.into_model().unwrap().save(&path).unwrap();
    assert!(ModelFile::read(&path).tensors == ModelFile::read(&whole).tensors);
}

/// Of each kind of float: f32 of a matrix and a vector, bfloat16, f16.
#[test]
fn a_number_that_is_not_finite_is_found() {
    for (settings, name, width, bytes, position) in [
        ("model=both", "output.weight", 12, &f32::NAN.to_le_bytes()[..], vec![599, 11]),
        ("model=both", "output.bias", 1, &f32::INFINITY.to_le_bytes(), vec![7]),
        ("model=network precision=bf16", "input.weight", 16, &half::bf16::NAN.to_le_bytes(), vec![300, 3]),
        ("model=network index=always", "index.offset", 1, &f32::NAN.to_le_bytes(), vec![0]),
    ] {
        let (_folder, path, _) = saved(&format!("{settings} {NETWORK}"));
        let mut file = ModelFile::read(&path);
        let at = position.iter().fold(0, |at, place| at * width + place) * bytes.len();
        file.tensor(name).2[at..at + bytes.len()].copy_from_slice(bytes);
        file.write(&path);
        assert!(Model::open(&path).unwrap().check_values().is_err(), "{name}");
        let Err(ModelError::NotFinite { tensor, position: found, value, .. }) = Model::load(&path) else {
            panic!("{name}: loaded, or another error")
        };
        assert_eq!((tensor.as_str(), found), (name, position));
        assert!(!value.is_finite());
    }
}
