//! How the scores of the two parts are combined: fitted on examples that neither part was trained on.

use crate::combination::{Candidate, Combination};
use crate::data::TrainingSet;
use crate::infer::{Inference, Scored, Scoring, Scratch};
use crate::layer::partition::Partition;
use crate::linear::Postings;
use crate::model::Model;
use crate::runtime::Runtime;

/// Examples that a worker scores at a time.
const PIECE: usize = 64;
/// Labels of an example that are fitted to: those that each part ranks highest. The others would only add rejections that are
/// certain.
const MOST: usize = 50;

/// Fits the combination of the model's network, if it has one, and `linear` on the examples `held_out` of `data`.
pub(super) fn fit(
    model: &Model,
    linear: &Postings,
    data: &TrainingSet,
    held_out: &[u32],
    runtime: &Runtime,
) -> Combination {
    let network = model.network.as_ref();
    let scoring = Scoring::new(runtime.kernels(), model, network);
    let inference = Inference { model, network, linear: Some((linear, &scoring)), retriever: None, runtime };
    let (features, labels) = (Partition::new(model.features()), Partition::new(model.labels()));
    let columns = model.feature_numbering();
    let mut pieces: Vec<(&[u32], Vec<Vec<Candidate>>)> =
        held_out.chunks(PIECE).map(|examples| (examples, Vec::new())).collect();
    let workers = runtime.workers();
    let mut scratch: Vec<Scratch> = (0..workers.count()).map(|_| Scratch::default()).collect();
    workers.each_with(&mut scratch, &mut pieces, |_, (examples, out), scratch| {
        let row = |&example: &u32| data.features(example as usize);
        let to_columns = |rows: &[u32]| rows.iter().map(|&row| columns.column(features.to_logical(row))).collect();
        let feature_columns: Vec<Vec<u32>> = examples.iter().map(|example| to_columns(row(example).0)).collect();
        let values = examples.iter().map(|example| row(example).1);
        let inputs: Vec<(&[u32], &[f32])> = feature_columns.iter().map(Vec::as_slice).zip(values).collect();
        inference.score(&inputs, 0, scratch, |candidates| {
            let own = data.labels(examples[out.len()] as usize);
            let candidate = |one: &Scored| Candidate {
                network: one.network,
                linear: one.linear,
                log_frequency: scoring.log_frequency(one.label),
                is_label: own.binary_search(&labels.to_internal(one.label)).is_ok(),
            };
            out.push(highest(candidates).iter().map(candidate).collect());
        });
    });
    let examples: Vec<Vec<Candidate>> = pieces.into_iter().flat_map(|(_, candidates)| candidates).collect();
    Combination::fit(&examples, [network.is_some(), true])
}

/// The candidates that either part ranks among its [`MOST`].
fn highest(candidates: &[Scored]) -> Vec<Scored> {
    let mut all = candidates.to_vec();
    let mut kept: Vec<Scored> = Vec::new();
    for score in [|one: &Scored| one.network, |one: &Scored| one.linear] {
        all.sort_by(|a, b| score(b).total_cmp(&score(a)).then(a.label.cmp(&b.label)));
        kept.extend(all.iter().take(MOST));
    }
    kept.sort_by_key(|one| one.label);
    kept.dedup_by_key(|one| one.label);
    kept
}
