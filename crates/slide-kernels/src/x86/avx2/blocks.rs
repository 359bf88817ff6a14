//! [`crate::api::blocks`] on AVX2.

use super::lanes::lane_wise;
use super::{F32x16, U32x16};
use crate::api::blocks::Table;
use crate::generic::blocks;
use crate::x86::pairs_of_bytes::{Bits, BytePairs, Nibbles};
use crate::{BitBlocks, NibbleBlocks};

wrappers!("avx,avx2,fma,f16c", Table {
    fn score_nibble_blocks(blocks: NibbleBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32])
        = blocks::score_nibble_blocks::<Nibbles<F32x16>>;
    fn score_bit_blocks(blocks: BitBlocks<'_>, query: &[i8], scale: f32, base: f32, out: &mut [f32])
        = blocks::score_bit_blocks::<Bits<F32x16>>;
});

impl BytePairs for U32x16 {
    lane_wise! {
        fn byte_products(self, other) -> U32x16 = avx2._mm256_maddubs_epi16;
        fn add_pairs(self, other) -> U32x16 = avx2._mm256_add_epi16;
        fn quarter(self) -> U32x16 = avx2._mm256_srai_epi32::<2>;
    }
    #[inline(always)]
    fn widen_pairs<const FACTOR: i16>(self) -> Self {
        let factor = self.2.avx._mm256_set1_epi16(FACTOR);
        U32x16(self.2.avx2._mm256_madd_epi16(self.0, factor), self.2.avx2._mm256_madd_epi16(self.1, factor), self.2)
    }
}
