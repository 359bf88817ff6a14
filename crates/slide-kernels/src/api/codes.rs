//! Hash codes as bits: packed into bucket numbers, and compared.

use crate::{Kernels, RowIds};

table! {
    /// Safety: the level is available; `bits` is 1 to 32; `out` is not empty, and there are `K * out.len()` values with
    /// `K * bits <= 32`.
    pack_codes: unsafe fn(&[u32], u32, &mut [u32]),
    /// Safety: the level is available; the lengths are equal.
    hamming: unsafe fn(&[u64], &[u64]) -> u64,
    /// Safety: the level is available; `codes.len() == out.len() * code.len()`, and the code is not empty.
    hamming_rows: unsafe fn(&[u64], &[u64], &mut [u32]),
    /// Safety: the level is available; `rows.bound() * code.len() <= codes.len()`, `out.len() == rows.len()`, and the code is
    /// not empty.
    hamming_scattered: unsafe fn(&[u64], RowIds<'_>, &[u64], &mut [u32]),
}

impl Kernels {
    /// Packs hash values of `bits` bits into bucket numbers: `out[t]` has value `k` of table `t`, which is
    /// `values[k * out.len() + t]` modulo `2^bits`, at bit `k * bits`.
    ///
    /// One call packs the `K = values.len() / out.len()` values of a vector for all tables.
    ///
    /// # Panics
    /// Unless `bits` is 1 to 32, `values` has a multiple of the length of `out`, and `K * bits <= 32`.
    pub fn pack_codes(&self, values: &[u32], bits: u32, out: &mut [u32]) {
        assert!((1..=32).contains(&bits), "pack_codes: a value has {bits} bits; expected 1 to 32");
        if out.is_empty() {
            assert!(values.is_empty(), "pack_codes: out is empty, but values is not");
            return;
        }
        assert!(
            values.len().is_multiple_of(out.len()),
            "pack_codes: the number of values is not a multiple of the number of codes"
        );
        let each = values.len() / out.len();
        assert!(each.saturating_mul(bits as usize) <= 32, "pack_codes: {each} values of {bits} bits in 32");
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.codes.pack_codes)(values, bits, out) }
    }

    /// The Hamming distance of two codes: the number of bits in which they differ. Exact.
    ///
    /// # Panics
    /// If the lengths differ.
    #[inline]
    pub fn hamming(&self, a: &[u64], b: &[u64]) -> u64 {
        assert_eq!(a.len(), b.len(), "hamming: the codes differ in length");
        // SAFETY: a `Kernels` value proves its level; the lengths are equal.
        unsafe { (self.codes.hamming)(a, b) }
    }

    /// Hamming distances of many codes from one: code `i` is `codes[i * code.len()..][..code.len()]`, and `out[i]` its distance
    /// from `code`. Exact.
    ///
    /// # Panics
    /// Unless `codes.len() == out.len() * code.len()` and `code.len() < 2^26`.
    pub fn hamming_rows(&self, codes: &[u64], code: &[u64], out: &mut [u32]) {
        let words = out.len().checked_mul(code.len());
        assert_eq!(Some(codes.len()), words, "hamming_rows: out does not have one element for each code");
        assert!(code.len() < 1 << 26, "hamming_rows: a distance may not fit in 32 bits");
        if code.is_empty() {
            return out.fill(0);
        }
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.codes.hamming_rows)(codes, code, out) }
    }

    /// Hamming distances of chosen codes from one: as [`hamming_rows`](Kernels::hamming_rows), of the codes with indices
    /// `rows`; indices may repeat.
    ///
    /// # Panics
    /// Unless `codes` is a whole number of codes, at least `rows.bound()` of them, `out.len() == rows.len()` and
    /// `code.len() < 2^26`.
    pub fn hamming_scattered(&self, codes: &[u64], rows: RowIds<'_>, code: &[u64], out: &mut [u32]) {
        assert_eq!(out.len(), rows.len(), "hamming_scattered: out and rows differ in length");
        assert!(code.len() < 1 << 26, "hamming_scattered: a distance may not fit in 32 bits");
        if code.is_empty() {
            return out.fill(0);
        }
        assert!(codes.len().is_multiple_of(code.len()), "hamming_scattered: not a whole number of codes");
        assert!(
            rows.bound() <= codes.len() / code.len(),
            "hamming_scattered: row indices were checked against more codes than there are"
        );
        // SAFETY: a `Kernels` value proves its level; the rest was asserted.
        unsafe { (self.codes.hamming_scattered)(codes, rows, code, out) }
    }
}
