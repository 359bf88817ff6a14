//! Models with fewer bits a weight, for prediction.

use half::f16;
use serde::{Deserialize, Serialize};
use slide_mem::{MemError, Placement};

use super::Model;
use crate::choice::choices;
use crate::layer::quantized::RowBits;
use crate::layer::rows::Precision;
use crate::linear::Postings;
use crate::runtime::Runtime;

choices! {
    /// What weights are rounded to.
    pub enum Quantization ("kind of weights") {
        /// The network's weights to bfloat16; the linear part has 16 bits a weight anyway.
        Bf16 = "bf16",
        /// Rows of integers with a scale each: the output layer in 8 bits, the input layer in [`QuantizeConfig::input_bits`], the linear
        /// part in 8; other hidden layers to bfloat16.
        Int8 = "int8",
    }
}

/// How a model is [quantised](Model::quantize).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct QuantizeConfig {
    /// What weights are rounded to.
    pub to: Quantization,
    /// With [`Quantization::Int8`], the bits of the weights of the input layer.
    pub input_bits: RowBits,
    /// Share of the weights of the linear part that are dropped, the smallest: from 0 to less than 1.
    pub prune: f64,
}

impl Default for QuantizeConfig {
    fn default() -> Self {
        Self { to: Quantization::Int8, input_bits: RowBits::Four, prune: 0.0 }
    }
}

impl Model {
    /// Rounds the weights as `config` says, which makes the model and its file smaller and changes its predictions a little:
    /// [`evaluate`](crate::evaluate) before and after says how much. Weights that have no more bits already stay as they are, so doing it
    /// again only prunes again. An index keeps its own codes, and hash tables theirs.
    ///
    /// The configuration says then that the network has weights in bfloat16. A checkpoint becomes a model that cannot be
    /// [resumed](crate::Trainer::resume).
    ///
    /// # Errors
    /// No memory. Some of the weights may be rounded then.
    pub fn quantize(&mut self, config: &QuantizeConfig, runtime: &Runtime) -> Result<(), MemError> {
        let (kernels, placement) = (runtime.kernels(), runtime.placement());
        if let Some(network) = &mut self.network {
            if config.to == Quantization::Int8 {
                network.input.quantize(config.input_bits, placement)?;
                network.output.quantize(RowBits::Eight, placement)?;
            }
            network.input.round_to_bf16(kernels, placement)?;
            for layer in &mut network.hidden {
                layer.round_to_bf16(kernels, placement)?;
            }
            network.output.round_to_bf16(kernels, placement)?;
            self.config.network.precision = Precision::Bf16;
        }
        if let Some(linear) = &mut self.linear {
            if config.prune > 0.0 {
                *linear = pruned(linear, config.prune, placement)?;
            }
            if config.to == Quantization::Int8 && linear.scales().is_none() {
                *linear = in_bytes(linear, placement)?;
            }
        }
        self.checkpoint = None;
        Ok(())
    }
}

/// `linear` without this share of its weights, the smallest. (They are not multiplied with the usual values of their features, as training
/// does when it prunes: that has been done, and what is left of light features is needed.)
fn pruned(linear: &Postings, share: f64, placement: &Placement) -> Result<Postings, MemError> {
    let mut sizes: Vec<u16> = linear.entries_by_feature().map(|(_, _, weight)| size(weight)).collect();
    let dropped = (share * sizes.len() as f64) as usize;
    if dropped >= sizes.len() {
        return linear.with_weights(placement, linear.scales().map(<[f32]>::to_vec), |_, weight| Some(weight));
    }
    let bar = *sizes.select_nth_unstable(dropped).1;
    let scales = linear.scales().map(<[f32]>::to_vec);
    linear.with_weights(placement, scales, |_, weight| Some(weight).filter(|&weight| size(weight) >= bar))
}

/// The bits of the magnitude, which are ordered as magnitudes are.
fn size(weight: f16) -> u16 {
    weight.to_bits() & 0x7fff
}

/// `linear` with weights that are integers from -127 to 127 times a scale for each feature; those that become 0 are dropped.
fn in_bytes(linear: &Postings, placement: &Placement) -> Result<Postings, MemError> {
    let mut scales = vec![LEAST_SCALE; linear.features()];
    for (feature, _, weight) in linear.entries_by_feature() {
        let scale = &mut scales[feature as usize];
        *scale = scale.max(weight.to_f32().abs() / 127.0);
    }
    let scale_of = scales.clone();
    linear.with_weights(placement, Some(scales), |feature, weight| {
        let scale = scale_of[feature as usize];
        let rounded = (weight.to_f32() / scale).round_ties_even();
        Some(f16::from_f32(rounded * scale)).filter(|_| rounded != 0.0)
    })
}

/// The least scale of a feature: less than 2^-24 would be lost when a weight is rounded to f16.
const LEAST_SCALE: f32 = 1.0 / (1 << 20) as f32;
