//! Reproducible and native precision.

/// Whether results may depend on the instruction-set level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// Results depend on the arguments alone: the same bits on every level and machine.
    #[default]
    Reproducible,
    /// Results depend on the level too: products of `bf16` may use `vdpbf16ps`, `bfdot` and `bfmmla`, which are faster, but add
    /// in a different order, flush subnormals to zero and (on Arm) round to odd. Each kernel with such a path states its error
    /// bound.
    Native,
}
