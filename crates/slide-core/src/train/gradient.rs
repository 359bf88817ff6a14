//! The engine against a plain f64 network, and that against finite differences.

/// Data and settings of the integration tests.
#[allow(clippy::field_reassign_with_default, reason = "outside of the crate the options have no other constructor")]
#[allow(clippy::duplicate_mod, reason = "in the crate, each file of tests has its own")]
#[path = "../../tests/common/mod.rs"]
mod common;

use std::ops::ControlFlow;

use slide_kernels::Kernels;

use super::trainer::shuffle;
use super::{Event, Trainer};
use crate::config::TrainConfig;
use crate::data::Dataset;
use crate::layer::partition::Partition;
use crate::layer::rows::{LayerRows, Weights};
use crate::model::Model;
use crate::objective::Loss;
use crate::optim::Method;
use crate::sampling::{ExampleKey, GROUP, SharedSets};

/// A dense layer in f64: `weights[row][column]`, `bias[row]`.
#[derive(Clone)]
struct Layer {
    weights: Vec<Vec<f64>>,
    bias: Vec<f64>,
}

/// The network in f64: the input layer as `weights[hidden][feature]`, then hidden layers, then the output.
#[derive(Clone)]
struct Reference {
    layers: Vec<Layer>,
    loss: Loss,
}

fn rows_of(layer: &LayerRows, values: &[f32], stride: usize) -> Vec<Vec<f64>> {
    (0..layer.rows() as u32)
        .map(|row| {
            let at = layer.partition().to_internal(row) as usize * stride;
            values[at..at + layer.width()].iter().map(|&value| f64::from(value)).collect()
        })
        .collect()
}

fn weights(layer: &LayerRows) -> Vec<Vec<f64>> {
    let Weights::F32(table) = layer.weights() else { panic!("f32 in this test") };
    rows_of(layer, table.as_slice(), table.stride())
}

fn scattered(layer: &LayerRows, values: &[f32]) -> Vec<f64> {
    (0..layer.rows() as u32).map(|row| f64::from(values[layer.partition().to_internal(row) as usize])).collect()
}

fn transposed(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..rows[0].len()).map(|column| rows.iter().map(|row| row[column]).collect()).collect()
}

impl Reference {
    fn of(model: &Model) -> Self {
        let network = model.network.as_ref().unwrap();
        let mut layers =
            vec![Layer { weights: transposed(&weights(&network.input)), bias: weights(&network.input_bias).remove(0) }];
        for layer in network.hidden.iter().chain([&network.output]) {
            layers.push(Layer { weights: weights(layer), bias: scattered(layer, layer.bias()) });
        }
        Self { layers, loss: model.config.network.loss.unwrap() }
    }

    /// What the engine's first moments say the gradient is, after one batch: `first_moment / (1 - beta1)`.
    fn gradient_of(model: &Model) -> Self {
        let Method::Adam(adam) = &model.config.optimizer.method else { panic!("Adam in this test") };
        let share = 1.0 - f64::from(adam.beta1);
        let scale = |rows: Vec<Vec<f64>>| -> Vec<Vec<f64>> {
            rows.into_iter().map(|row| row.into_iter().map(|value| value / share).collect()).collect()
        };
        let first = |layer: &LayerRows| {
            let first = &layer.state().unwrap().states()[0];
            scale(rows_of(layer, first.rows.as_slice(), first.rows.stride()))
        };
        let network = model.network.as_ref().unwrap();
        let mut layers =
            vec![Layer { weights: transposed(&first(&network.input)), bias: first(&network.input_bias).remove(0) }];
        for layer in network.hidden.iter().chain([&network.output]) {
            let bias = scattered(layer, &layer.state().unwrap().states()[0].bias);
            layers.push(Layer { weights: first(layer), bias: scale(vec![bias]).remove(0) });
        }
        Self { layers, loss: model.config.network.loss.unwrap() }
    }

    /// The summed loss of `examples`, and its gradient.
    fn loss_and_gradient(&self, data: &Dataset, examples: &[usize]) -> (f64, Self) {
        self.loss_and_gradient_on(data, examples, &|_, _| true)
    }

    /// The same of the labels of each example that `is_active` names.
    fn loss_and_gradient_on(
        &self,
        data: &Dataset,
        examples: &[usize],
        is_active: &dyn Fn(usize, u32) -> bool,
    ) -> (f64, Self) {
        let mut gradient = self.clone();
        for layer in &mut gradient.layers {
            layer.weights.iter_mut().for_each(|row| row.fill(0.0));
            layer.bias.fill(0.0);
        }
        let mut total = 0.0;
        for &example in examples {
            let (indices, values) = data.features(example);
            let mut input = vec![0.0; self.layers[0].weights[0].len()];
            for (&index, &value) in indices.iter().zip(values) {
                input[index as usize] = f64::from(value);
            }
            let mut activations = vec![input];
            for (number, layer) in self.layers.iter().enumerate() {
                let below = activations.last().unwrap();
                let sums = layer.weights.iter().zip(&layer.bias).map(|(row, bias)| {
                    let sum = bias + row.iter().zip(below).map(|(w, x)| w * x).sum::<f64>();
                    if number + 1 < self.layers.len() { sum.max(0.0) } else { sum }
                });
                activations.push(sums.collect());
            }
            let mut logits = activations.pop().unwrap();
            for (label, logit) in logits.iter_mut().enumerate() {
                if !is_active(example, label as u32) {
                    *logit = f64::NEG_INFINITY;
                }
            }
            let labels = data.labels(example);
            let mut delta: Vec<f64>;
            match self.loss {
                Loss::Bce => {
                    delta = logits.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect();
                    total += logits.iter().map(|z| z.exp().ln_1p()).sum::<f64>();
                    for &label in labels {
                        delta[label as usize] -= 1.0;
                        total -= logits[label as usize];
                    }
                }
                Loss::Softmax => {
                    if labels.is_empty() {
                        continue;
                    }
                    let sum: f64 = logits.iter().map(|z| z.exp()).sum();
                    delta = logits.iter().map(|z| z.exp() / sum).collect();
                    total += sum.ln();
                    for &label in labels {
                        delta[label as usize] -= 1.0 / labels.len() as f64;
                        total -= logits[label as usize] / labels.len() as f64;
                    }
                }
            }
            for (number, layer) in self.layers.iter().enumerate().rev() {
                let below = &activations[number];
                let own = &mut gradient.layers[number];
                let mut below_delta = vec![0.0; below.len()];
                for (row, &d) in delta.iter().enumerate() {
                    own.bias[row] += d;
                    for (column, &x) in below.iter().enumerate() {
                        own.weights[row][column] += d * x;
                        below_delta[column] += d * layer.weights[row][column];
                    }
                }
                for (d, &x) in below_delta.iter_mut().zip(below) {
                    if number > 0 && x <= 0.0 {
                        *d = 0.0;
                    }
                }
                delta = below_delta;
            }
        }
        (total, gradient)
    }
}

impl Reference {
    /// Asserts that all numbers are those of `expected`, but for rounding.
    fn assert_near(&self, expected: &Self, what: &str) {
        for (number, (own, other)) in self.layers.iter().zip(&expected.layers).enumerate() {
            let own = own.weights.iter().flatten().chain(&own.bias);
            let other = other.weights.iter().flatten().chain(&other.bias);
            let scale = other.clone().fold(0.0f64, |most, value| most.max(value.abs()));
            for (own, other) in own.zip(other) {
                assert!((own - other).abs() < 2e-5 * scale, "{what}, layer {number}: {own} {other}");
            }
        }
    }
}

fn config(loss: Loss, hidden: &[usize], sampler: &str) -> TrainConfig {
    let mut config = common::config(&format!(
        "model=network loss={loss} epochs=1 batch-size=64 learning-rate=1e-3 schedule=constant warmup=0 dropout=0 normalize=none \
         sampler={sampler}"
    ));
    config.network.hidden = hidden.to_vec();
    // All rows: the samplers that give each example a set of its own must then agree with the full output.
    for key in ["active", "active-floor"] {
        let _ = config.set(key, "1048576");
    }
    config
}

/// One batch of all examples through the engine; the model before and after, and the reported loss.
fn one_batch(config: TrainConfig, data: &Dataset) -> (Reference, Reference, f64) {
    let mut trainer = Trainer::new(config, data, &common::runtime(Some(2), None)).unwrap();
    let before = Reference::of(trainer.model());
    let mut loss = 0.0;
    let observer = &mut |event: Event<'_>, _: &Trainer| {
        let Event::Batch(progress) = event else { panic!("a network has no other events: {event:?}") };
        loss = progress.loss * data.examples() as f64;
        ControlFlow::Break(())
    };
    trainer.run(observer).unwrap();
    (before, Reference::gradient_of(trainer.model()), loss)
}

#[test]
fn the_reference_agrees_with_finite_differences() {
    let data = common::dataset(20, 30, 12);
    for loss in [Loss::Bce, Loss::Softmax] {
        let trainer = Trainer::new(config(loss, &[9, 5], "exact"), &data, &common::runtime(Some(1), None)).unwrap();
        let reference = Reference::of(trainer.model());
        let examples: Vec<usize> = (0..data.examples()).collect();
        let (_, gradient) = reference.loss_and_gradient(&data, &examples);
        let step = 1e-5;
        for layer in 0..reference.layers.len() {
            for row in 0..reference.layers[layer].bias.len() {
                for column in (0..reference.layers[layer].weights[row].len()).step_by(3) {
                    let at = |change: f64| {
                        let mut moved = reference.clone();
                        moved.layers[layer].weights[row][column] += change;
                        moved.loss_and_gradient(&data, &examples).0
                    };
                    let difference = (at(step) - at(-step)) / (2.0 * step);
                    let analytic = gradient.layers[layer].weights[row][column];
                    // A ReLU may switch inside the step; that shows as a difference of the order of the step.
                    assert!(
                        (difference - analytic).abs() < 1e-4,
                        "{loss:?} {layer} {row} {column}: {difference} {analytic}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_engine_agrees_with_the_reference() {
    let data = common::dataset(61, 700, 1100);
    let examples: Vec<usize> = (0..data.examples()).collect();
    for loss in [Loss::Bce, Loss::Softmax] {
        for hidden in [&[24][..], &[17, 40], &[16, 8, 33]] {
            for sampler in ["exact", "shared", "random", "vanilla"] {
                let (before, engine, engine_loss) = one_batch(config(loss, hidden, sampler), &data);
                let (loss_sum, gradient) = before.loss_and_gradient(&data, &examples);
                let what = format!("{loss:?} {hidden:?} {sampler}");
                assert!((engine_loss - loss_sum).abs() < 1e-5 * loss_sum, "{what}: {engine_loss} {loss_sum}");
                engine.assert_near(&gradient, &what);
            }
        }
    }
}

#[test]
fn each_group_of_a_batch_has_its_own_rows() {
    let data = common::dataset(150, 300, 400);
    let mut config = config(Loss::Bce, &[24], "shared");
    config.set("active", "0").unwrap().set("batch-size", "150").unwrap();
    let mut order: Vec<u32> = (0..150).collect();
    shuffle(&mut order, config.optimizer.seed, 0);
    let partition = Partition::new(data.label_count());
    let labels = |example: &u32| data.labels(*example as usize).iter().map(|&label| partition.to_internal(label));
    let groups: Vec<Vec<u32>> = order.chunks(GROUP).map(|group| group.iter().flat_map(labels).collect()).collect();
    let target = config.sampler(partition.rows()).unwrap().target;
    let key = ExampleKey { seed: config.optimizer.seed, step: 0, example: 0 };
    let sets = SharedSets::new(Kernels::best(), groups, target, partition.rows(), key);
    assert!(sets.rows().len() > sets.of_block(0).len());
    let is_active = |example: usize, label: u32| {
        let place = order.iter().position(|&other| other as usize == example).unwrap();
        sets.of_block(place).contains(&partition.to_internal(label))
    };
    let (before, engine, engine_loss) = one_batch(config, &data);
    let examples: Vec<usize> = (0..data.examples()).collect();
    let (loss, gradient) = before.loss_and_gradient_on(&data, &examples, &is_active);
    assert!((engine_loss - loss).abs() < 1e-5 * loss, "{engine_loss} {loss}");
    engine.assert_near(&gradient, "groups");
}
