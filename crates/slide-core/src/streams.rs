//! The streams of random numbers. A number is a pure function of (seed, stream, batch, item, element); two uses never
//! share a stream, which is why all streams of this crate are listed here.
//!
//! Hash functions draw from streams of `slide_kernels::hash` (0xff01 and on).

/// Order of the training examples: step is the epoch.
pub(crate) const SHUFFLE: u32 = 1;
/// Dropped input features: item is the example's place in the batch.
pub(crate) const INPUT_DROPOUT: u32 = 2;
/// Stochastic rounding of stored weights.
pub(crate) const ROUNDING: u32 = 3;
/// Initial weights, plus the layer's number: item is the logical row.
pub(crate) const WEIGHTS: u32 = 0x100;
/// Dropped hidden units, plus the layer's number: item is the example's place in the batch.
pub(crate) const HIDDEN_DROPOUT: u32 = 0x200;
/// Synthetic data.
pub(crate) mod synth {
    pub(crate) const TRAIN: u32 = 0x5301;
    pub(crate) const TEST: u32 = 0x5302;
    pub(crate) const CLUSTER: u32 = 0x5303;
    pub(crate) const LABEL: u32 = 0x5304;
    pub(crate) const COMPANION: u32 = 0x5305;
}
/// Test examples of a resample: item is the resample.
pub(crate) const BOOTSTRAP: u32 = letters(b"bs");
/// Random rows that fill up an active set: item is the example's place in the batch.
pub(crate) const FILL: u32 = letters(b"fi");
/// Examples that are held out for validation.
pub(crate) const HOLD_OUT: u32 = letters(b"ho");
/// First means of the lists of an index.
pub(crate) const INDEX_START: u32 = letters(b"ia");
/// Order of the queries that an index's router learns from: step is the move, item the epoch.
pub(crate) const INDEX_ORDER: u32 = letters(b"io");
/// Examples that an index learns from.
pub(crate) const INDEX_QUERIES: u32 = letters(b"iq");
/// First negatives of the linear part: item is the example.
pub(crate) const LINEAR_NEGATIVES: u32 = letters(b"ln");
/// Order of a label's examples in the linear part: step is the round, item the label.
pub(crate) const LINEAR_ORDER: u32 = letters(b"lo");
/// The round of mining that an example has its turn in: item is the example.
pub(crate) const LINEAR_TURNS: u32 = letters(b"lt");
/// Examples that the combination of the two parts is fitted on.
pub(crate) const COMBINE: u32 = letters(b"co");
/// Which rows stay in an overfull bucket: item is the table.
pub(crate) const RESERVOIR: u32 = letters(b"rv");
/// Random rows of a shared active set.
pub(crate) const SHARED: u32 = letters(b"sh");
/// Order of the hash tables in vanilla sampling: item is the example's place in the batch.
pub(crate) const TABLES: u32 = letters(b"tb");

const fn letters(name: &[u8; 2]) -> u32 {
    u16::from_be_bytes(*name) as u32
}
