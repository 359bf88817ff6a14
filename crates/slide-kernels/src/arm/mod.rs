//! Back ends of 64-bit Arm.

pub(crate) mod neon;
pub(crate) mod neonbf16;
pub(crate) mod sve;

use crate::isa::{Isa, Quirks};
use crate::table::{Kernels, of};

/// The table of a level.
pub(crate) fn table(isa: Isa, is_native: bool, quirks: Quirks) -> Option<&'static Kernels> {
    Some(match isa {
        Isa::Neon => of!(neon::KERNELS, quirks),
        Isa::NeonBf16 if is_native => of!(neonbf16::NATIVE, quirks),
        Isa::NeonBf16 => of!(neonbf16::KERNELS, quirks),
        Isa::Sve if is_native => of!(sve::NATIVE, quirks),
        Isa::Sve => of!(sve::KERNELS, quirks),
        _ => return None,
    })
}
