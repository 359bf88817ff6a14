//! Small learnable data, made from counters so that they are the same everywhere.

use slide_core::data::{Dataset, Parts};
use slide_kernels::{CounterRng, RngKey};

/// `points` points of 3 to 12 of `features` features and 1 to 3 of `labels` labels (every 16th has no label, every 17th no
/// feature); labels follow from the features.
pub(crate) fn dataset(points: usize, features: u32, labels: u32) -> Dataset {
    let mut parts = Parts {
        feature_indptr: vec![0],
        label_indptr: vec![0],
        feature_count: features as usize,
        label_count: labels as usize,
        ..Parts::default()
    };
    for point in 0..points {
        let mut random = CounterRng::new(RngKey::new(7, 99, 0, point as u32));
        let mut own: Vec<u32> = (0..1 + random.below(3)).map(|_| random.below(labels)).collect();
        let mut indices: Vec<u32> = Vec::new();
        for &label in &own {
            indices.extend((0..3).map(|i| (label * 31 + i * 7) % features));
        }
        indices.extend((0..3).map(|_| random.below(features)));
        own.sort_unstable();
        own.dedup();
        indices.sort_unstable();
        indices.dedup();
        if point % 16 == 15 {
            own.clear();
        }
        if point % 17 == 16 {
            indices.clear();
        }
        for &index in &indices {
            parts.feature_indices.push(index);
            parts.feature_values.push(0.25 + random.below(8) as f32 / 8.0);
        }
        parts.label_indices.extend(own);
        parts.feature_indptr.push(parts.feature_indices.len() as u64);
        parts.label_indptr.push(parts.label_indices.len() as u64);
    }
    Dataset::try_from(parts).unwrap()
}
