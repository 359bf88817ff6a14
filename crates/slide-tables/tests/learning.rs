//! What is chosen of small tables, and what comes of it.

use std::ops::ControlFlow;

use slide_core::{Dataset, Model, Predictor, Retrieval, Runtime, TrainConfig, Trainer};
use slide_features::Table;
use slide_tables::{Progress, Quality, Source, TableConfig, TableError, TableModel, quality};

fn runtime() -> Runtime {
    Runtime::new(&Default::default()).unwrap()
}

/// Reproducible numbers below `below`.
fn numbers(mut state: u32) -> impl FnMut(usize) -> usize {
    move |below| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    }
}

/// Rows of eight words, of which some belong to the label; one row of `rare` is `b`, the others `a`. The words overlap.
fn table(rows: usize, rare: usize, seed: u32) -> Table {
    let mut next = numbers(seed);
    let mut table = Table::new(vec!["text".into(), "label".into()]);
    for _ in 0..rows {
        let label = usize::from(next(rare) == 0);
        let text: Vec<String> = (0..8).map(|_| format!("word{}", label + next(24))).collect();
        table.push([text.join(" ").as_str(), ["a", "b"][label]]);
    }
    table
}

fn train(table: &Table, config: &TableConfig, settings: &[(&str, &str)]) -> (Model, Vec<String>) {
    let (source, runtime) = (Source::new(table, config).unwrap(), runtime());
    let mut tried = Vec::new();
    let over = |base: &TrainConfig| {
        let mut config = base.clone();
        settings.iter().try_for_each(|(key, value)| config.set(key, value).map(drop))?;
        Ok(config)
    };
    let mut watch = |progress: Progress<'_>| {
        if let Progress::Tried { way, .. } = progress {
            tried.push(way.to_owned());
        }
        ControlFlow::Continue(())
    };
    let chosen = source.choose(&over, &runtime, &mut watch).unwrap();
    let (rows, data) = source.featurize(&chosen).unwrap();
    let mut trainer = Trainer::new(chosen.config, &data, &runtime).unwrap();
    rows.attachments().into_iter().for_each(|(name, bytes)| trainer.attach(name, bytes));
    trainer.run(&mut |_, _| ControlFlow::Continue(())).unwrap();
    (trainer.into_model().unwrap(), tried)
}

fn judged(model: Model, test: &Table) -> Quality {
    let rows = TableModel::of(&model).unwrap().unwrap();
    let targets = rows.targets(test, 1);
    let all: Vec<u32> = (0..test.rows() as u32).collect();
    let data: Dataset = rows.dataset(test, &all, Some(&targets)).unwrap();
    let predictor = Predictor::with(model, Retrieval::Auto, &runtime()).unwrap().ignoring_unknown_features();
    quality(&rows, &predictor, &data).unwrap()
}

fn texts() -> TableConfig {
    TableConfig { text: vec!["text".into()], ..TableConfig::default() }
}

#[test]
fn balanced_labels_are_found_however_rare() {
    let (rows, test) = (table(3000, 8, 1), table(3000, 8, 2));
    let usual = judged(train(&rows, &texts(), &[]).0, &test);
    let balanced = judged(train(&rows, &TableConfig { balance: true, ..texts() }, &[]).0, &test);
    let recall = |quality: &Quality| {
        let of_b = &quality.confusion.as_ref().unwrap()[1];
        of_b[1] as f64 / (of_b[0] + of_b[1]) as f64
    };
    assert!(recall(&balanced) > recall(&usual) + 0.1, "{} and {}", recall(&balanced), recall(&usual));
    assert!(usual.accuracy > balanced.accuracy && usual.accuracy > 0.85);
}

#[test]
fn labels_of_a_set_are_not_balanced() {
    let mut table = Table::new(vec!["text".into(), "label".into()]);
    table.push(["a", "x\u{1f}y"]);
    table.push(["b", "x"]);
    let config = TableConfig { balance: true, ..texts() };
    assert!(matches!(Source::new(&table, &config), Err(TableError::Balance)));
}

#[test]
fn what_is_given_is_not_tried() {
    let rows = table(300, 2, 3);
    let (_, tried) = train(&rows, &texts(), &[]);
    assert_eq!(tried.len(), 3, "{tried:?}");
    let config = TableConfig {
        char_ngrams: Some(slide_tables::Lengths(None)),
        weighting: Some(slide_features::Weighting::Idf),
        ..texts()
    };
    let (model, tried) = train(&rows, &config, &[("model", "linear"), ("hidden", "64")]);
    assert_eq!((tried.len(), model.has_network()), (1, false), "{tried:?}");
}

#[test]
fn a_network_that_learns_by_heart_is_tried_with_fewer_epochs() {
    // Labels without any relation to the texts: every epoch makes it worse.
    let mut next = numbers(4);
    let mut table = Table::new(vec!["text".into(), "label".into()]);
    for _ in 0..600 {
        let text: Vec<String> = (0..6).map(|_| format!("word{}", next(300))).collect();
        table.push([text.join(" ").as_str(), ["a", "b", "b", "b"][next(4)]]);
    }
    let (_, tried) = train(&table, &texts(), &[("model", "network"), ("hidden", "32")]);
    assert!(tried.iter().any(|way| way.ends_with(" epochs")), "{tried:?}");
    let (_, tried) = train(&table, &texts(), &[("model", "network"), ("hidden", "32"), ("epochs", "8")]);
    assert!(!tried.iter().any(|way| way.ends_with(" epochs")), "{tried:?}");
}

#[test]
fn a_few_rows_are_learned() {
    for rows in [&[("a b", "x\u{1f}y")][..], &[("a", "x"), ("b", "y")], &[("a", "x"), ("", "x"), ("b", "y")]] {
        let mut table = Table::new(vec!["text".into(), "label".into()]);
        rows.iter().for_each(|&(text, label)| table.push([text, label]));
        let (model, tried) = train(&table, &texts(), &[]);
        assert!(!tried.is_empty());
        assert_eq!(judged(model, &table).rows, rows.len());
    }
}
