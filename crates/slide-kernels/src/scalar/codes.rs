//! Specification of [`crate::api::codes`].

use crate::RowIds;
use crate::api::codes::Table;

pub(crate) const TABLE: Table = Table { pack_codes, hamming, hamming_rows, hamming_scattered };

fn pack_codes(values: &[u32], bits: u32, out: &mut [u32]) {
    out.fill(0);
    for (k, values) in values.chunks_exact(out.len()).enumerate() {
        for (code, &value) in out.iter_mut().zip(values) {
            *code |= (value & (u32::MAX >> (32 - bits))) << (k as u32 * bits);
        }
    }
}

fn hamming(a: &[u64], b: &[u64]) -> u64 {
    a.iter().zip(b).map(|(a, b)| u64::from((a ^ b).count_ones())).sum()
}

fn hamming_rows(codes: &[u64], code: &[u64], out: &mut [u32]) {
    for (out, row) in out.iter_mut().zip(codes.chunks_exact(code.len())) {
        *out = hamming(row, code) as u32;
    }
}

fn hamming_scattered(codes: &[u64], rows: RowIds<'_>, code: &[u64], out: &mut [u32]) {
    for (out, &row) in out.iter_mut().zip(rows.ids()) {
        *out = hamming(&codes[row as usize * code.len()..][..code.len()], code) as u32;
    }
}
