//! What was tuned by measurement, each with the command that measured it.
//!
//! None of these changes a result.

/// Rows of a table that are asked for ahead of the one that is read.
///
/// `cargo bench -p slide-benches --bench kernels -- rows`
pub(crate) const ROWS_AHEAD: usize = 16;

/// Rows (weights and moments) that are asked for ahead of the one that is updated.
///
/// `cargo bench -p slide-benches --bench kernels -- adam`
pub(crate) const UPDATES_AHEAD: usize = 6;

/// Elements of a packed panel of a dense product: 32 KiB, which stay in L1.
///
/// `cargo bench -p slide-benches --bench kernels -- gemm`
pub(crate) const PANEL: usize = 8192;

/// Bytes of a table up to which its rows are taken to be in a cache, so that nothing is asked for ahead: asking takes the
/// place of loads.
///
/// `cargo bench -p slide-benches --bench kernels -- gemm`
pub(crate) const CACHED: usize = 1 << 20;

/// Rows of signs that are asked for ahead of the coordinate that is added.
///
/// `cargo bench -p slide-benches --bench kernels -- projection`
pub(crate) const SIGNS_AHEAD: usize = 8;

/// From so many vectors on WTA, DWTA and MinHash codes are faster by a batch, which costs as much as sixteen whatever it has.
///
/// `cargo bench -p slide-benches --bench kernels -- hash`
pub(crate) const BINS_BATCH: usize = 7;

/// The same for SimHash codes, with 32 registers of 16 lanes.
///
/// `cargo bench -p slide-benches --bench kernels -- hash`
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(crate) const SIMHASH_BATCH: usize = 13;

/// A sparse list that has more than so many quarters of a block for each number of another one is searched, not merged with
/// it: merging takes one step a block. (Measured from 64 numbers on, where half of it is enough, to 1,000, where twice as
/// many would be better.)
///
/// `cargo bench -p slide-benches --bench kernels -- sparse`
pub(crate) const SEARCH: usize = 3;
