//! Why a label has its score: what each feature adds to it.

use super::inputs::Inputs;
use super::predictor::{Example, PredictError, Predictor};
use crate::combination::{LEAST_LINEAR, log_frequency};
use crate::data::{FeatureRows, Normalize};
use crate::layer::rows::LayerRows;
use crate::linear::row_scale;
use crate::network::Network;

/// What each feature of an example adds to the score of a label.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// The score: the logit of the probability, or what softmax is taken of.
    pub score: f32,
    /// The score without what features add.
    pub constant: f32,
    /// Features of the example that the model knows, by their columns and in their order, with what they add.
    pub features: Vec<(u32, f32)>,
}

impl Predictor {
    /// What the features of an example add to the score of `label`, a column of a [`Dataset`](crate::Dataset): exact, because the network
    /// is linear as long as the same hidden units are above 0. (Weights that are integers are taken as they are, but predictions round
    /// activations, too.) None if the model does not have the label.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn explain(&self, example: Example<'_>, label: u32) -> Result<Option<Explanation>, PredictError> {
        self.check(0, example)?;
        let model = self.model();
        let Some(place) = model.label_numbering().place(label) else { return Ok(None) };
        let inference = self.inference();
        let numbering = model.feature_numbering();
        let normalize = model.config.network.normalize;
        let mut inputs = Inputs::default();
        inputs.take(&[example], &FeatureRows::new(normalize, numbering), &model.feature_rows());
        let (rows, values) = inputs.features(0);
        let mut sums = vec![0.0_f64; rows.len()];
        let mut constant = 0.0_f64;
        // Of the two parts, as the combination takes them; a part alone ranks by its own score.
        let [mut from_network, mut from_linear] = [1.0_f32, 1.0];
        if let (Some(_), true) = (inference.linear, inference.network.is_some() || model.network.is_none()) {
            let frequency = log_frequency(model.label_frequencies[place as usize]);
            let combination = &model.combination;
            let of = |at: usize| combination.plain[at] + combination.by_frequency[at] * frequency;
            constant += f64::from(of(0));
            (from_network, from_linear) = (of(1), of(2));
        }
        if let Some(network) = inference.network {
            let bias = by_network(network, (rows, values), place, |at, value| {
                sums[at] += f64::from(from_network) * value;
            });
            constant += f64::from(from_network) * bias;
        }
        if let Some((postings, _)) = inference.linear {
            let scale = row_scale(normalize == Normalize::L2, values);
            let bias = postings.labels().biases().nth(place as usize).unwrap_or(0.0);
            for ((&row, &value), sum) in rows.iter().zip(values).zip(&mut sums) {
                let weight =
                    postings.list(row as usize).find(|(own, _)| *own == place).map_or(0.0, |(_, w)| w.to_f32());
                *sum += f64::from(from_linear) * f64::from(scale * value) * f64::from(weight);
            }
            // That of a label that was never trained is minus infinity.
            constant += f64::from(from_linear) * f64::from(if bias.is_finite() { bias } else { LEAST_LINEAR });
        }
        let partition = model.feature_rows();
        let features: Vec<(u32, f32)> = rows
            .iter()
            .zip(&sums)
            .map(|(&row, &sum)| (numbering.column(partition.to_logical(row)), sum as f32))
            .collect();
        let score = (constant + sums.iter().sum::<f64>()) as f32;
        Ok(Some(Explanation { score, constant: constant as f32, features }))
    }
}

/// Calls `add` with the place of each input and what it adds to the logit of a label; returns what the biases add.
fn by_network(network: &Network, (rows, values): (&[u32], &[f32]), label: u32, mut add: impl FnMut(usize, f64)) -> f64 {
    let row_of = |layer: &LayerRows, row: u32| {
        let mut out = vec![0.0; layer.columns()];
        layer.copy_row(row as usize, &mut out);
        out.truncate(layer.width());
        out
    };
    let input_rows: Vec<Vec<f32>> = rows.iter().map(|&row| row_of(&network.input, row)).collect();
    let bias: Vec<f32> = row_of(&network.input_bias, 0);
    let mut activations: Vec<f64> = bias.iter().map(|&bias| f64::from(bias)).collect();
    for (row, &value) in input_rows.iter().zip(values) {
        activations.iter_mut().zip(row).for_each(|(sum, &weight)| *sum += f64::from(value) * f64::from(weight));
    }
    activations.iter_mut().for_each(|sum| *sum = sum.max(0.0));
    let mut layers = vec![activations];
    let matrix = |layer: &LayerRows| -> Vec<(Vec<f32>, f32)> {
        let unit = |unit: u32| {
            let row = layer.partition().to_internal(unit);
            (row_of(layer, row), layer.bias()[row as usize])
        };
        (0..layer.rows() as u32).map(unit).collect()
    };
    let dot = |row: &[f32], vector: &[f64]| row.iter().zip(vector).map(|(&w, x)| f64::from(w) * x).sum::<f64>();
    let hidden: Vec<Vec<(Vec<f32>, f32)>> = network.hidden.iter().map(matrix).collect();
    for layer in &hidden {
        let below = &layers[layers.len() - 1];
        layers.push(layer.iter().map(|(row, bias)| (dot(row, below) + f64::from(*bias)).max(0.0)).collect());
    }
    // Back through the units that are above 0.
    let output = network.output.partition().to_internal(label);
    let mut constant = f64::from(network.output.bias()[output as usize]);
    let mut gradient: Vec<f64> = row_of(&network.output, output).iter().map(|&weight| f64::from(weight)).collect();
    for (layer, above) in hidden.iter().zip(&layers[1..]).rev() {
        let mut below = vec![0.0; layer[0].0.len()];
        for ((gradient, activation), (row, bias)) in gradient.iter().zip(above).zip(layer) {
            if *activation > 0.0 {
                constant += gradient * f64::from(*bias);
                below.iter_mut().zip(row).for_each(|(sum, &weight)| *sum += gradient * f64::from(weight));
            }
        }
        gradient = below;
    }
    gradient.iter_mut().zip(&layers[0]).for_each(|(gradient, &unit)| *gradient *= f64::from(u8::from(unit > 0.0)));
    constant += dot(&bias, &gradient);
    for (at, (row, &value)) in input_rows.iter().zip(values).enumerate() {
        add(at, f64::from(value) * dot(row, &gradient));
    }
    constant
}
