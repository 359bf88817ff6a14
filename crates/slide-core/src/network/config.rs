//! The settings of the network.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::data::Normalize;
use crate::layer::rows::Precision;
use crate::objective::{Loss, Objective};
use crate::setting::{SettingValue, settings};

settings! {
    /// The network: its shape, its loss, and how its weights are stored.
    pub struct NetworkConfig in "network" {
        /// Widths of the hidden layers, the sparse input layer's first, as in 256 or 512,128
        hidden: Vec<usize> = vec![256], "WIDTHS";
        /// Loss of the output layer: softmax, or one sigmoid per label (binary cross-entropy) [default: bce, but softmax if nearly
        /// all labels are rare]
        loss: Option<Loss> = None, "LOSS";
        /// Probabilities with which input features and hidden units are dropped in training; one number is for both
        dropout: Dropout = Dropout { input: 0.1, hidden: 0.3 }, "INPUT,HIDDEN";
        /// Scaling of the features of an example: none, or to Euclidean length 1
        normalize: Normalize = Normalize::L2, "HOW";
        /// Storage of the weights; arithmetic is always f32
        precision: Precision = Precision::F32, "TYPE";
    }
}

impl NetworkConfig {
    /// The widths of the rows of the input and of the output layer.
    pub(crate) fn ends(&self) -> [usize; 2] {
        [self.hidden[0], self.hidden[self.hidden.len() - 1]]
    }

    /// The loss; of a configuration that has none yet, binary cross-entropy.
    pub(crate) fn objective(&self) -> &'static dyn Objective {
        self.loss.unwrap_or(Loss::Bce).objective()
    }
}

/// Probabilities of dropout, each in [0, 1). In files `[input, hidden]`, or one number for both; as an option
/// `INPUT,HIDDEN`, or one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "DropoutNumbers", into = "[f32; 2]")]
pub struct Dropout {
    /// Of an input feature.
    pub input: f32,
    /// Of a hidden unit.
    pub hidden: f32,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a probability, or one for input features and one for hidden units as a list")]
enum DropoutNumbers {
    Both(f32),
    Each([f32; 2]),
}

impl From<DropoutNumbers> for Dropout {
    fn from(numbers: DropoutNumbers) -> Self {
        let [input, hidden] = match numbers {
            DropoutNumbers::Both(number) => [number; 2],
            DropoutNumbers::Each(numbers) => numbers,
        };
        Self { input, hidden }
    }
}

impl From<Dropout> for [f32; 2] {
    fn from(dropout: Dropout) -> Self {
        [dropout.input, dropout.hidden]
    }
}

/// A text that says no probabilities of dropout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a probability, or one for input features and one for hidden units with a comma between, found `{found}`"
)]
#[non_exhaustive]
pub struct DropoutError {
    /// What was found.
    pub found: String,
}

impl FromStr for Dropout {
    type Err = DropoutError;

    fn from_str(text: &str) -> Result<Self, DropoutError> {
        let number = |text: &str| text.parse().ok().filter(|number: &f32| number.is_finite());
        let (input, hidden) = text.split_once(',').unwrap_or((text, text));
        match (number(input), number(hidden)) {
            (Some(input), Some(hidden)) => Ok(Self { input, hidden }),
            _ => Err(DropoutError { found: text.to_owned() }),
        }
    }
}

impl SettingValue for Dropout {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: DropoutError| error.to_string())
    }
}
