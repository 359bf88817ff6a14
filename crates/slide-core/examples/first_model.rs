//! Learns what Debian packages depend on from the words of their descriptions, and predicts it for packages that it has not
//! seen: training, a model file, evaluation, and predictions with names, in a few seconds.
//!
//! ```sh
//! cargo run --release -p slide-core --example first_model
//! ```
//!
//! The data are those of the repository (`data/debian`); another folder with the same files may be given as an argument.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use slide_core::data::names;
use slide_core::{Dataset, Event, Model, Predictor, Retrieval, Runtime, RuntimeOptions, TrainConfig, evaluate};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/debian").into());
    let file = |name: &str| folder.join(format!("{name}.txt.zst"));

    // A fifth of the examples, chosen at random, is enough to see something.
    let (_, train) = Dataset::read(file("train"))?.hold_out(0.2, 1);
    let test = Dataset::read(file("test"))?;
    println!("{} examples, {} features, {} labels", train.examples(), train.feature_count(), train.label_count());

    // Settings by field, or by the names that the program `slide` has for them.
    let mut config = TrainConfig::default();
    config.network.hidden = vec![128];
    config.optimizer.epochs = Some(5);
    config.set("learning-rate", "0.01")?;

    // One runtime serves training and prediction. Its threads are not pinned unless `RuntimeOptions` says so.
    let runtime = Runtime::new(&RuntimeOptions::default())?;
    let start = Instant::now();
    let model = Model::fit_with(&train, &config, &runtime, |event| {
        match event {
            Event::Batch(network) if network.epoch_finished => {
                println!("epoch {} of {}: loss {:.4}", network.epoch, network.epochs, network.epoch_loss);
            }
            Event::Round(linear) => {
                println!("linear part, round {} of {}: {} weights", linear.round, linear.rounds, linear.weights);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    })?;
    println!("trained in {:.1} s", start.elapsed().as_secs_f64());

    let path = std::env::temp_dir().join("first_model.slide");
    model.save(&path)?;
    let predictor = Predictor::with(Model::load(&path)?, Retrieval::Auto, &runtime)?;
    std::fs::remove_file(&path)?;

    let metrics = evaluate(&predictor, &test)?;
    println!("the label predicted first is right for {:.1} % of the test examples", 100.0 * metrics.at[0].precision);

    let labels = names::read(file("labels"), Some(test.label_count()))?;
    let packages = names::read(folder.join("test.names.zst"), Some(test.examples()))?;
    // Ten examples in one call; `✓` stands behind labels that the example has.
    let chosen: Vec<usize> = (0..10).map(|place| place * test.examples() / 10).collect();
    let examples: Vec<_> = chosen.iter().map(|&example| test.features(example)).collect();
    for (&example, best) in chosen.iter().zip(predictor.predict_batch(&examples, 4)?.iter()) {
        let found = best.iter().map(|best| {
            let mark = if test.labels(example).contains(&best.label) { "✓" } else { "" };
            format!("{}{mark} {:.0} %", labels[best.label as usize], 100.0 * best.probability)
        });
        println!("{:<28} {}", packages[example], found.collect::<Vec<_>>().join(", "));
    }
    Ok(())
}
