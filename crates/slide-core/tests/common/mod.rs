//! Small learnable data, made from counters so that they are the same everywhere.

#[allow(dead_code, reason = "not every test file changes models")]
pub(crate) mod model_file;

use slide_core::data::{Dataset, Parts};
use slide_kernels::{CounterRng, RngKey};

/// `examples` examples of 3 to 12 of `features` features and 1 to 3 of `labels` labels (every 16th has no label, every 17th no
/// feature); labels follow from the features.
#[allow(dead_code, reason = "not every test file needs data")]
pub(crate) fn dataset(examples: usize, features: u32, labels: u32) -> Dataset {
    let mut parts = Parts {
        feature_indptr: vec![0],
        label_indptr: vec![0],
        feature_count: features as usize,
        label_count: labels as usize,
        ..Parts::default()
    };
    for example in 0..examples {
        let mut random = CounterRng::new(RngKey::new(7, 99, 0, example as u32));
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
        if example % 16 == 15 {
            own.clear();
        }
        if example % 17 == 16 {
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

/// The default configuration with the settings of a text: `key=value`, separated by blanks.
#[allow(dead_code, reason = "not every test file configures")]
pub(crate) fn config(settings: &str) -> slide_core::TrainConfig {
    let mut config = slide_core::TrainConfig::default();
    for setting in settings.split_whitespace() {
        let (key, value) = setting.split_once('=').expect(setting);
        config.set(key, value).unwrap();
    }
    config
}

/// The threads and kernels that a test asks for.
#[allow(dead_code, reason = "not every test file trains")]
pub(crate) fn runtime(threads: Option<usize>, isa: Option<slide_kernels::Isa>) -> slide_core::Runtime {
    let mut options = slide_core::RuntimeOptions::default();
    options.threads = threads.map(|threads| std::num::NonZeroUsize::new(threads).unwrap());
    options.isa = isa;
    slide_core::Runtime::new(&options).unwrap()
}
