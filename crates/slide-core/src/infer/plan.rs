//! What a caller's choices mean for a model, decided once: its parts, and how labels are found.

use super::inference::Inference;
use super::predictor::PredictError;
use super::scoring::Scoring;
use crate::combination::Parts;
use crate::model::Model;
use crate::retrieval::{Retrieval, Retriever, Source};
use crate::runtime::Runtime;

/// How a model is predicted with.
#[derive(Debug)]
pub(super) struct Plan {
    has_network: bool,
    /// How the network finds labels; none without a network, or if the linear part finds them.
    retriever: Option<Box<dyn Retriever>>,
    /// None if the network is used alone.
    scoring: Option<Scoring>,
}

impl Plan {
    /// For the `parts` that `model` has.
    pub(super) fn new(
        model: &Model,
        parts: Parts,
        retrieval: Retrieval,
        runtime: &Runtime,
    ) -> Result<Self, PredictError> {
        check_parts(model, parts)?;
        let network = model.network.as_ref().filter(|_| parts.has_network());
        let has_linear = model.has_linear() && parts.has_linear();
        let source = network.map(|network| Source {
            output: &network.output,
            tables: model.config.tables().zip(model.tables.as_ref()),
            index: model.index.as_ref(),
            seed: model.config.optimizer.seed,
            runtime,
        });
        let retriever = retrieval.retriever(source.as_ref(), has_linear)?;
        let by_linear = network.filter(|_| retriever.is_none());
        let scoring = has_linear.then(|| Scoring::new(runtime.kernels(), model, by_linear));
        Ok(Self { has_network: network.is_some(), retriever, scoring })
    }

    /// The plan, for the model that it was made for.
    pub(super) fn inference<'a>(&'a self, model: &'a Model, runtime: &'a Runtime) -> Inference<'a> {
        Inference {
            model,
            network: model.network.as_ref().filter(|_| self.has_network),
            linear: model.linear.as_ref().zip(self.scoring.as_ref()),
            retriever: self.retriever.as_deref(),
            runtime,
        }
    }
}

/// Checks that there is something to predict with. A checkpoint of a training without a network has neither part.
fn check_parts(model: &Model, parts: Parts) -> Result<(), PredictError> {
    let is_empty = !model.has_network() && !model.has_linear();
    for (part, is_missing) in [(Parts::Linear, !model.has_linear()), (Parts::Network, !model.has_network())] {
        if is_missing && (parts == part || is_empty) {
            return Err(PredictError::MissingPart { part });
        }
    }
    Ok(())
}
