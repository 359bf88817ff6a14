//! The engine against a plain f64 network, and that against finite differences.

mod common;

use slide_core::config::{Active, Dropout, Loss, Normalize, Runtime, Schedule, TrainConfig};
use slide_core::data::Dataset;
use slide_core::layer::rows::{LayerRows, Weights};
use slide_core::model::Model;
use slide_core::sampling::SamplerKind;
use slide_core::train::{Control, Trainer};
use slide_mem::Placement;

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
        let network = model.network();
        let mut layers =
            vec![Layer { weights: transposed(&weights(&network.input)), bias: weights(&network.input_bias).remove(0) }];
        for layer in network.hidden.iter().chain([&network.output]) {
            layers.push(Layer { weights: weights(layer), bias: scattered(layer, layer.bias()) });
        }
        Self { layers, loss: model.config().loss }
    }

    /// What the engine's first moments say the gradient is, after one batch: `first_moment / (1 - beta1)`.
    fn gradient_of(model: &Model) -> Self {
        let share = 1.0 - f64::from(model.config().beta1);
        let scale = |rows: Vec<Vec<f64>>| -> Vec<Vec<f64>> {
            rows.into_iter().map(|row| row.into_iter().map(|value| value / share).collect()).collect()
        };
        let first = |layer: &LayerRows| {
            let moments = layer.moments().unwrap();
            scale(rows_of(layer, moments.first.as_slice(), moments.first.stride()))
        };
        let network = model.network();
        let mut layers =
            vec![Layer { weights: transposed(&first(&network.input)), bias: first(&network.input_bias).remove(0) }];
        for layer in network.hidden.iter().chain([&network.output]) {
            let bias = scattered(layer, &layer.moments().unwrap().bias_first);
            layers.push(Layer { weights: first(layer), bias: scale(vec![bias]).remove(0) });
        }
        Self { layers, loss: model.config().loss }
    }

    /// The summed loss of `points`, and its gradient.
    fn loss_and_gradient(&self, data: &Dataset, points: &[usize]) -> (f64, Self) {
        let mut gradient = self.clone();
        for layer in &mut gradient.layers {
            layer.weights.iter_mut().for_each(|row| row.fill(0.0));
            layer.bias.fill(0.0);
        }
        let mut total = 0.0;
        for &point in points {
            let (indices, values) = data.features(point);
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
            let logits = activations.pop().unwrap();
            let labels = data.labels(point);
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

fn config(loss: Loss, hidden: &[usize], sampler: SamplerKind) -> TrainConfig {
    TrainConfig {
        hidden: hidden.to_vec(),
        loss,
        sampler,
        epochs: 1,
        batch_size: 64,
        learning_rate: 1e-3,
        schedule: Schedule::Constant,
        warmup: 0.0,
        dropout: Dropout::default(),
        normalize: Normalize::None,
        // All rows: the samplers that give each sample a set of its own must then agree with the full output.
        active: Active::Count(1 << 20),
        active_floor: Some(Active::Count(1 << 20)),
        ..TrainConfig::default()
    }
}

/// One batch of all points through the engine; the model before and after, and the reported loss.
fn one_batch(config: TrainConfig, data: &Dataset, threads: usize) -> (Reference, Reference, f64) {
    let runtime = Runtime::new(std::num::NonZeroUsize::new(threads), None, Placement::default()).unwrap();
    let mut trainer = Trainer::new(config, data, &runtime).unwrap();
    let before = Reference::of(trainer.model());
    let mut loss = 0.0;
    let observer = &mut |progress: &slide_core::train::Progress, _: &mut Trainer<'_>| {
        loss = progress.loss * data.points() as f64;
        Control::Stop
    };
    trainer.run(observer).unwrap();
    (before, Reference::gradient_of(trainer.model()), loss)
}

#[test]
fn the_reference_agrees_with_finite_differences() {
    let data = common::dataset(20, 30, 12);
    let runtime = Runtime::new(None, None, Placement::default()).unwrap();
    for loss in [Loss::Bce, Loss::Softmax] {
        let trainer = Trainer::new(config(loss, &[9, 5], SamplerKind::Exact), &data, &runtime).unwrap();
        let reference = Reference::of(trainer.model());
        let points: Vec<usize> = (0..data.points()).collect();
        let (_, gradient) = reference.loss_and_gradient(&data, &points);
        let step = 1e-5;
        for layer in 0..reference.layers.len() {
            for row in 0..reference.layers[layer].bias.len() {
                for column in (0..reference.layers[layer].weights[row].len()).step_by(3) {
                    let at = |change: f64| {
                        let mut moved = reference.clone();
                        moved.layers[layer].weights[row][column] += change;
                        moved.loss_and_gradient(&data, &points).0
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
    let points: Vec<usize> = (0..data.points()).collect();
    for loss in [Loss::Bce, Loss::Softmax] {
        for hidden in [&[24][..], &[17, 40], &[16, 8, 33]] {
            for sampler in [SamplerKind::Exact, SamplerKind::Shared, SamplerKind::Random, SamplerKind::Vanilla] {
                let (before, engine, engine_loss) = one_batch(config(loss, hidden, sampler), &data, 2);
                let (loss_sum, gradient) = before.loss_and_gradient(&data, &points);
                let what = format!("{loss:?} {hidden:?} {sampler}");
                assert!((engine_loss - loss_sum).abs() < 1e-5 * loss_sum, "{what}: {engine_loss} {loss_sum}");
                for (number, (own, other)) in engine.layers.iter().zip(&gradient.layers).enumerate() {
                    let own = own.weights.iter().flatten().chain(&own.bias);
                    let other = other.weights.iter().flatten().chain(&other.bias);
                    let scale = other.clone().fold(0.0f64, |most, value| most.max(value.abs()));
                    for (own, other) in own.zip(other) {
                        assert!((own - other).abs() < 2e-5 * scale, "{what}, layer {number}: {own} {other}");
                    }
                }
            }
        }
    }
}
