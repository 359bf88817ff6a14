//! SimHash by a dense matrix of random signs.

use crate::api::hash::{HashError, MAX_VALUES};
use crate::{CounterRng, Kernels, Matrix, RngKey, RowIds};

const SIGN_STREAM: u32 = 0xff03;

table! {
    /// Safety: the level is available; vectors and functions have one width; `out` has a code per vector and table.
    projection_codes: unsafe fn(&SignedProjection<'_>, Matrix<'_>, &mut [u32]),
    /// Safety: the level is available; `ids.bound()` is at most the width; there is a value for each; `out` has a code per
    /// table.
    projection_codes_sparse: unsafe fn(&SignedProjection<'_>, RowIds<'_>, &[f32], &mut [u32]),
}

/// Signed random projections (Charikar, STOC 2002) by a matrix of random signs (Achlioptas: Database-friendly Random
/// Projections, JCSS 2003), one bit per sign.
///
/// Projection `p` of `x` is `sum_i s_pi x_i` with `s_pi` plus or minus one. Bit `k` of the code of table `t` is 1 where
/// projection `k * tables + t` is greater than 0 (NaN is not).
///
/// A sparse vector costs as many rows of signs as it has values, whatever its width. For dense ones of up to some thousand
/// coordinates [`SimHash`](crate::hash::SimHash) is much faster: `log` of the width operations for each coordinate and
/// projection, instead of the width.
#[derive(Clone, Copy, Debug)]
pub struct SignedProjection<'a> {
    width: usize,
    bits: usize,
    tables: usize,
    signs: &'a [u32],
}

impl<'a> SignedProjection<'a> {
    /// The length of `signs`: a bit for each coordinate and projection, those of a coordinate in whole words.
    ///
    /// # Errors
    /// If `width` is 0 or so large that the signs do not fit in memory, `bits` is not in `1..=32`, or `bits * tables` not in
    /// `1..=MAX_VALUES`.
    pub fn signs_len(width: usize, bits: usize, tables: usize) -> Result<usize, HashError> {
        if bits == 0 || bits > 32 {
            return Err(HashError::CodeBits(bits));
        }
        let values = bits.saturating_mul(tables);
        if values == 0 || values > MAX_VALUES {
            return Err(HashError::Values(values));
        }
        let length =
            width.checked_mul(values.div_ceil(32)).filter(|&length| length > 0 && length <= isize::MAX as usize / 4);
        length.ok_or(HashError::Width(width))
    }

    /// Draws the signs.
    pub fn draw_signs(seed: u64, signs: &mut [u32]) {
        let mut rng = CounterRng::new(RngKey::new(seed, SIGN_STREAM, 0, 0));
        signs.fill_with(|| rng.next_u32());
    }

    /// Hash functions for vectors of this `width` that give `tables` codes of `bits` bits. Only checks the lengths.
    ///
    /// The sign of coordinate `i` in projection `p` is minus where bit `p % 32` of
    /// `signs[i * words + p / 32]` is 1; `words` is `bits * tables / 32`, rounded up.
    ///
    /// # Errors
    /// As [`signs_len`](Self::signs_len), or if `signs` does not have that length.
    pub fn new(width: usize, bits: usize, tables: usize, signs: &'a [u32]) -> Result<Self, HashError> {
        let expected = Self::signs_len(width, bits, tables)?;
        if signs.len() != expected {
            return Err(HashError::Length { what: "signs", found: signs.len(), expected });
        }
        Ok(SignedProjection { width, bits, tables, signs })
    }

    /// The width of the vectors.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Bits per code (`K`).
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// Codes per vector, one per table (`L`).
    pub fn tables(&self) -> usize {
        self.tables
    }

    /// The words of signs of coordinate `i`.
    pub fn signs_of(&self, i: usize) -> &'a [u32] {
        let words = self.words();
        &self.signs[i * words..][..words]
    }

    /// All words of signs.
    pub fn signs(&self) -> &'a [u32] {
        self.signs
    }

    /// Words of signs per coordinate.
    pub fn words(&self) -> usize {
        (self.bits * self.tables).div_ceil(32)
    }
}

impl Kernels {
    /// Codes of the rows of `vectors` by [`SignedProjection`]: `out[v * tables + t]` is the code of vector `v` for table `t`.
    ///
    /// Order: a projection starts from `+0.0` and takes `x_i` or `-x_i` for ascending `i`, one rounded addition each. Zeros
    /// of either sign change nothing, so a sparse vector has the codes of the dense one.
    ///
    /// # Panics
    /// If the width of the vectors is not that of `functions`, or `out` does not have `rows * tables` elements.
    pub fn projection_codes(&self, functions: &SignedProjection<'_>, vectors: Matrix<'_>, out: &mut [u32]) {
        assert_eq!(
            vectors.width(),
            functions.width,
            "projection_codes: the width of the vectors is not that of the hash functions"
        );
        let codes = vectors.rows().checked_mul(functions.tables);
        assert_eq!(Some(out.len()), codes, "projection_codes: out does not have one code per vector and table");
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.projection.projection_codes)(functions, vectors, out) }
    }

    /// Codes of a sparse vector by [`SignedProjection`]: `values[j]` at coordinate `ids[j]`, and zeros elsewhere; `out[t]` is the code
    /// for table `t`.
    ///
    /// Order: that of the list. If the ids ascend, the codes are those of [`projection_codes`](Kernels::projection_codes) for the
    /// dense vector; values of repeated ids are added.
    ///
    /// # Panics
    /// Unless `ids.bound() <= functions.width()`, `values.len() == ids.len()` and `out.len() == functions.tables()`.
    pub fn projection_codes_sparse(
        &self,
        functions: &SignedProjection<'_>,
        ids: RowIds<'_>,
        values: &[f32],
        out: &mut [u32],
    ) {
        assert!(
            ids.bound() <= functions.width,
            "projection_codes_sparse: ids were checked against more coordinates than the functions have"
        );
        assert_eq!(values.len(), ids.len(), "projection_codes_sparse: ids and values differ in length");
        assert_eq!(out.len(), functions.tables, "projection_codes_sparse: out does not have one code per table");
        // SAFETY: a `Kernels` value proves its level; the shapes were checked.
        unsafe { (self.projection.projection_codes_sparse)(functions, ids, values, out) }
    }
}
