//! Whether kernels may use instructions that round in their own way.

/// What a result may depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// On the arguments alone: the same bits on every level and machine.
    #[default]
    Reproducible,
    /// On the level too: products of `bf16` may use `vdpbf16ps`, `bfdot` and `bfmmla`, which are faster, but add in an
    /// order of their own, flush subnormals to zero and (on Arm) round to odd. Each kernel that has such a path states
    /// the bound of its error.
    Native,
}
