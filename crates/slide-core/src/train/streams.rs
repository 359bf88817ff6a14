//! The streams of random numbers of training. A number is a pure function of (seed, stream, batch, item, element); two
//! uses never share a stream.
//!
//! Others stand where they are used: active sets in [`sampling`](crate::sampling), bucket reservoirs in
//! [`lsh`](crate::lsh), synthetic data in [`data::synth`](crate::data::synth) (0x5301 and on), hash functions in
//! `slide_kernels::hash` (0xff01 and on), the program's hold-out (0x686f).

/// Initial weights of the layer with this number, plus the layer's number: item is the logical row.
pub const WEIGHTS: u32 = 0x100;
/// Order of the points: step is the epoch.
pub const SHUFFLE: u32 = 1;
/// Dropped input features: item is the point's place in the batch.
pub const INPUT_DROPOUT: u32 = 2;
/// Dropped hidden units, plus the layer's number: item is the point's place in the batch.
pub const HIDDEN_DROPOUT: u32 = 0x200;
/// Stochastic rounding of stored weights.
pub const ROUNDING: u32 = 3;
