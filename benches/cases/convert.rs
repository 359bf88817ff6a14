use half::{bf16, f16};
use slide_kernels::Rounding;

use super::{Case, Cost, bits};
use crate::random::{Aligned, Random};

pub(super) fn cases() -> Vec<Case> {
    const N: usize = 4096;
    let mut random = Random(1);
    let cost = Cost { elements: N as u64, bytes: 6 * N as u64, operations: 0 };
    let wide = random.values(N);
    let bf16s: Aligned<_> = wide.iter().map(|&x| bf16::from_f32(x)).collect();
    let f16s: Aligned<_> = wide.iter().map(|&x| f16::from_f32(x)).collect();
    let mut cases = Vec::new();
    for (name, rounding) in
        [("nearest", Rounding::Nearest), ("stochastic", Rounding::Stochastic { key: 1, first_row: 2 })]
    {
        cases.push(Case::new(
            "convert::f32_to_bf16",
            format!("{name} {N}"),
            cost,
            (wide.clone(), bf16s.clone()),
            move |kernels, (from, to)| kernels.f32_to_bf16(from, rounding, to),
            |(_, to)| to.iter().map(|to| u32::from(to.to_bits())).collect(),
        ));
    }
    cases.push(Case::new(
        "convert::f32_to_f16",
        format!("{N}"),
        cost,
        (wide.clone(), f16s.clone()),
        |kernels, (from, to)| kernels.f32_to_f16(from, to),
        |(_, to)| to.iter().map(|to| u32::from(to.to_bits())).collect(),
    ));
    cases.push(Case::new(
        "convert::bf16_to_f32",
        format!("{N}"),
        cost,
        (bf16s, wide.clone()),
        |kernels, (from, to)| kernels.bf16_to_f32(from, to),
        |(_, to)| bits(to),
    ));
    cases.push(Case::new(
        "convert::f16_to_f32",
        format!("{N}"),
        cost,
        (f16s, wide),
        |kernels, (from, to)| kernels.f16_to_f32(from, to),
        |(_, to)| bits(to),
    ));
    cases
}
