//! Back ends of x86-64.

pub(crate) mod avx2;
pub(crate) mod avx512;
pub(crate) mod avx512bf16;
pub(crate) mod avx512popcnt;
pub(crate) mod avx512vnni;
mod collect;
mod pairs_of_bytes;
mod wide_bytes;

use crate::isa::{Isa, Quirks};
use crate::table::{Kernels, of};

/// The table of a level.
pub(crate) fn table(isa: Isa, is_native: bool, quirks: Quirks) -> Option<&'static Kernels> {
    Some(match isa {
        Isa::Avx2 => of!(avx2::KERNELS, quirks),
        Isa::Avx512 => of!(avx512::KERNELS, quirks),
        Isa::Avx512Vnni => of!(avx512vnni::KERNELS, quirks),
        Isa::Avx512Popcnt => of!(avx512popcnt::KERNELS, quirks),
        Isa::Avx512Bf16 if is_native && quirks.slow_bf16_pairs => of!(avx512bf16::NATIVE_WHERE_SLOW, quirks),
        Isa::Avx512Bf16 if is_native => of!(avx512bf16::NATIVE, quirks),
        Isa::Avx512Bf16 => of!(avx512bf16::KERNELS, quirks),
        _ => return None,
    })
}
