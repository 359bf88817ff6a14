//! Hash functions over bins of coordinates: WTA, DWTA and MinHash.

use slide_kernels::Kernels;
use slide_kernels::hash::{BinPlaces, Bins};

use crate::arguments::{SlideMatrix, SlideSparseVector, result, slice, slice_mut};
use crate::hash::{codes, codes_sparse};
use crate::level::{Invalid, SlideKernels, SlideStatus, call};

/// Hash functions over bins of `2^bin_bits` coordinates each.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideBins {
    /// The width of the vectors.
    pub width: usize,
    /// The binary logarithm of the coordinates of a bin, 1 to 6.
    pub bin_bits: usize,
    /// Values per code, which has `values * bin_bits` bits, at most 32.
    pub values: usize,
    /// Codes per vector.
    pub tables: usize,
    /// As many elements as `slide_bins_positions_length` says, drawn by `slide_bins_draw_separate` or
    /// `slide_bins_draw_shared`.
    pub positions: *const u32,
}

impl SlideBins {
    /// # Safety
    /// `positions` is valid for its length.
    unsafe fn view<'a>(self) -> Result<Bins<'a>, Invalid> {
        let SlideBins { width, bin_bits, values, tables, positions } = self;
        let length = Bins::positions_len(width, bin_bits, values, tables)?;
        // SAFETY: upheld by the caller.
        Ok(Bins::new(width, bin_bits, values, tables, unsafe { slice(positions, length) }?)?)
    }
}

/// `*length` is the number of positions that such functions need.
///
/// # Safety
/// `length` is valid for one element.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_bins_positions_length(
    width: usize,
    bin_bits: usize,
    values: usize,
    tables: usize,
    length: *mut usize,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        *result(length)? = Bins::positions_len(width, bin_bits, values, tables)?;
        Ok(())
    })
}

/// Draws the positions of WTA: each bin has the first of a permutation of its own. `permutation` is scratch for `width`
/// elements.
///
/// # Safety
/// `permutation` is valid for `width` elements, `positions` for `length`; they do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_bins_draw_separate(
    seed: u64,
    bin_bits: usize,
    permutation: *mut u32,
    width: usize,
    positions: *mut u32,
    length: usize,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (permutation, positions) = (slice_mut(permutation, width)?, slice_mut(positions, length)?);
        Ok(Bins::draw_separate(seed, bin_bits, permutation, positions)?)
    })
}

/// Draws the positions of DWTA and MinHash: permutations are cut into bins. `permutation` is scratch for `width`
/// elements.
///
/// # Safety
/// `permutation` is valid for `width` elements, `positions` for `length`; they do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_bins_draw_shared(
    seed: u64,
    bin_bits: usize,
    permutation: *mut u32,
    width: usize,
    positions: *mut u32,
    length: usize,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (permutation, positions) = (slice_mut(permutation, width)?, slice_mut(positions, length)?);
        Ok(Bins::draw_shared(seed, bin_bits, permutation, positions)?)
    })
}

/// `out[v * tables + t]` is the WTA code of row `v` of `vectors` for table `t`: where the greatest of each bin is.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_wta_codes(
    kernels: *const SlideKernels,
    functions: SlideBins,
    vectors: SlideMatrix,
    out: *mut u32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe { codes(Kernels::wta_codes, kernels, functions.view()?, functions.tables, vectors, out) })
}

/// `out[v * tables + t]` is the DWTA code of row `v` of `vectors` for table `t`: as WTA, but zeros do not count, and
/// a bin without anything else takes the value of another.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_dwta_codes(
    kernels: *const SlideKernels,
    functions: SlideBins,
    vectors: SlideMatrix,
    out: *mut u32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe { codes(Kernels::dwta_codes, kernels, functions.view()?, functions.tables, vectors, out) })
}

/// `out[v * tables + t]` is the MinHash code, for table `t`, of the set of coordinates at which row `v` of `vectors`
/// is positive: where the first of each bin is; a bin without any takes the value of another.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_minhash_codes(
    kernels: *const SlideKernels,
    functions: SlideBins,
    vectors: SlideMatrix,
    out: *mut u32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe { codes(Kernels::minhash_codes, kernels, functions.view()?, functions.tables, vectors, out) })
}

/// The inverse of the bins, for sparse vectors: for each coordinate the bins that contain it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SlideBinPlaces {
    /// The bins.
    pub bins: SlideBins,
    /// As many elements as `slide_bin_places_lengths` says, written by `slide_bin_places_fill` for these bins.
    pub starts: *const u32,
    /// The same.
    pub places: *const u32,
}

impl SlideBinPlaces {
    /// # Safety
    /// The pointers are valid for their lengths.
    unsafe fn view<'a>(self) -> Result<BinPlaces<'a>, Invalid> {
        // SAFETY: upheld by the caller.
        unsafe {
            let bins = self.bins.view()?;
            let (starts, places) = BinPlaces::lengths(&bins);
            Ok(BinPlaces::new(bins, slice(self.starts, starts)?, slice(self.places, places)?)?)
        }
    }
}

/// `*starts` and `*places` are the lengths of what `slide_bin_places_fill` writes.
///
/// # Safety
/// The pointers are valid for their lengths, `starts` and `places` for one element each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_bin_places_lengths(
    bins: SlideBins,
    starts: *mut usize,
    places: *mut usize,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let (starts, places) = (result(starts)?, result(places)?);
        (*starts, *places) = BinPlaces::lengths(&bins.view()?);
        Ok(())
    })
}

/// Writes where the places of each coordinate start, and the places. If a position is not below the width, that is an
/// error, and the content of `starts` and `places` is unspecified.
///
/// # Safety
/// The pointers are valid for their lengths; `starts` and `places` do not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_bin_places_fill(bins: SlideBins, starts: *mut u32, places: *mut u32) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let bins = bins.view()?;
        let lengths = BinPlaces::lengths(&bins);
        Ok(BinPlaces::fill(&bins, slice_mut(starts, lengths.0)?, slice_mut(places, lengths.1)?)?)
    })
}

/// `out[t]` is what `slide_wta_codes` gives for table `t` to the vector with `values[j]` at coordinate `ids[j]`, for
/// `count` of them, which ascend strictly, and zeros elsewhere.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_wta_codes_sparse(
    kernels: *const SlideKernels,
    functions: SlideBinPlaces,
    ids: *const u32,
    values: *const f32,
    count: usize,
    out: *mut u32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let SlideBins { width, tables, .. } = functions.bins;
        let vector = SlideSparseVector { ids, values, length: count };
        codes_sparse(Kernels::wta_codes_sparse, kernels, functions.view()?, width, tables, vector, out)
    })
}

/// `out[t]` is what `slide_dwta_codes` gives for table `t` to the vector with `values[j]` at coordinate `ids[j]`, for
/// `count` of them, which ascend strictly, and zeros elsewhere.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_dwta_codes_sparse(
    kernels: *const SlideKernels,
    functions: SlideBinPlaces,
    ids: *const u32,
    values: *const f32,
    count: usize,
    out: *mut u32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let SlideBins { width, tables, .. } = functions.bins;
        let vector = SlideSparseVector { ids, values, length: count };
        codes_sparse(Kernels::dwta_codes_sparse, kernels, functions.view()?, width, tables, vector, out)
    })
}

/// `out[t]` is what `slide_minhash_codes` gives for table `t` to the vector with `values[j]` at coordinate `ids[j]`,
/// for `count` of them, which ascend strictly, and zeros elsewhere.
///
/// # Safety
/// Pointers are valid for their lengths; `out` does not overlap with anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_minhash_codes_sparse(
    kernels: *const SlideKernels,
    functions: SlideBinPlaces,
    ids: *const u32,
    values: *const f32,
    count: usize,
    out: *mut u32,
) -> SlideStatus {
    // SAFETY: upheld by the caller.
    call(|| unsafe {
        let SlideBins { width, tables, .. } = functions.bins;
        let vector = SlideSparseVector { ids, values, length: count };
        codes_sparse(Kernels::minhash_codes_sparse, kernels, functions.view()?, width, tables, vector, out)
    })
}
