//! The streams of random numbers. A number is a pure function of (seed, stream, batch, item, element); two uses
//! never share a stream.

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
