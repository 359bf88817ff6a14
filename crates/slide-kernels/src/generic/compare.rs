//! Vector operations that only some families need, besides [`SimdF32x16`].

use super::SimdF32x16;

/// Comparisons. A comparison with NaN is false.
pub(crate) trait Compare: SimdF32x16 {
    /// The lanes where `self > other`.
    fn greater(self, other: Self) -> Self::Mask;
    /// The lanes where `self <= other`.
    fn at_most(self, other: Self) -> Self::Mask;
    /// `if self > old { self } else { old }` in each lane.
    fn larger(self, old: Self) -> Self;
    /// Bit `j` is lane `j`; the others are 0.
    fn mask_to_bits(simd: Self::Token, mask: Self::Mask) -> u32;
    /// Lane `j` is bit `j`; the bits from 16 on are ignored.
    fn mask_from_bits(simd: Self::Token, bits: u32) -> Self::Mask;
}

/// Elements at sixteen places of a table.
pub(crate) trait Gather: SimdF32x16 {
    /// A table of 128 elements, in registers where there are enough of them.
    type Table128: Copy;

    /// # Safety
    /// The instruction set is available; each of `ids` is less than the number of elements that `from` is valid for.
    unsafe fn gather(from: *const f32, ids: Self::U32) -> Self;

    /// # Safety
    /// The instruction set is available; `from` is valid for 128 elements as long as the table is used.
    unsafe fn table_128(from: *const f32) -> Self::Table128;

    /// Elements `ids` modulo 128 of the table.
    ///
    /// # Safety
    /// The memory of the table is still valid.
    unsafe fn look_up_128(table: Self::Table128, ids: Self::U32) -> Self;
}

/// Exchanges of lanes, for the Hadamard transform.
pub(crate) trait Swap: SimdF32x16 {
    /// Coordinates of a Hadamard transform that are worked on in registers: 64 or 128.
    const BLOCK: usize;

    /// Lane `i` of the result is lane `i ^ 1`.
    fn swap_1(self) -> Self;
    /// Lane `i` of the result is lane `i ^ 2`.
    fn swap_2(self) -> Self;
    /// Lane `i` of the result is lane `i ^ 4`.
    fn swap_4(self) -> Self;
    /// Lane `i` of the result is lane `i ^ 8`.
    fn swap_8(self) -> Self;
}

/// Sets of lanes given as bits.
pub(crate) trait Compress: Compare {
    /// Compresses: writes the lanes whose bit is set contiguously; later elements are unspecified. The bits from 16 on are 0.
    ///
    /// # Safety
    /// `to` is valid for writing 16 elements.
    unsafe fn compress(self, set: u32, to: *mut f32);
    /// The lanes whose bit is set with the other sign. The bits from 16 on are ignored.
    fn flip(self, set: u32) -> Self;
}

/// The number of ones of a byte: without an instruction for it a table is fastest.
pub(crate) static ONES: [u8; 256] = {
    let mut ones = [0; 256];
    let mut byte = 1;
    while byte < 256 {
        ones[byte] = ones[byte / 2] + (byte % 2) as u8;
        byte += 1;
    }
    ones
};
