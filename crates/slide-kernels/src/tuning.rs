//! Tuning constants, each with the command that measures it. None of them changes a result.

/// Prefetch distance in rows, for kernels that read a table.
///
/// `cargo bench -p slide-benches --bench kernels -- rows`
pub(crate) const ROWS_AHEAD: usize = 16;

/// Prefetch distance in rows (weights and moments), for kernels that update a table. (With rows of 128, 3 to 8 are equally fast; with 256, 2 to
/// 4 are, and 8 a tenth slower.)
///
/// `cargo bench -p slide-benches --bench memory -- adam` and `--bench shared_set`
pub(crate) const UPDATES_AHEAD: usize = 4;

/// Elements of a packed panel of a dense product: 32 KiB, which fit L1.
///
/// `cargo bench -p slide-benches --bench kernels -- gemm`
pub(crate) const PANEL: usize = 8192;

/// Tables of up to this many bytes are assumed to be in a cache and not prefetched: prefetches use the load ports.
///
/// `cargo bench -p slide-benches --bench kernels -- gemm`
pub(crate) const CACHED: usize = 1 << 20;

/// Prefetch distance in rows of signs.
///
/// `cargo bench -p slide-benches --bench kernels -- projection`
pub(crate) const SIGNS_AHEAD: usize = 8;

/// From this many vectors on, WTA, DWTA and MinHash codes are faster in a batch, which always costs as much as sixteen vectors.
///
/// `cargo bench -p slide-benches --bench kernels -- hash`
pub(crate) const BINS_BATCH: usize = 7;

/// The same for SimHash codes, with 32 registers of 16 lanes.
///
/// `cargo bench -p slide-benches --bench kernels -- hash`
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(crate) const SIMHASH_BATCH: usize = 13;

/// A sparse list is searched instead of merged if it has more than this many quarters of a block per index of the other list:
/// merging takes one step per block. (Measured for 64 indices, where half would suffice, up to 1,000, where twice as many
/// would be better.)
///
/// `cargo bench -p slide-benches --bench kernels -- sparse`
pub(crate) const SEARCH: usize = 3;
