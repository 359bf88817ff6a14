use slide_kernels::RngKey;

use super::{Case, Cost};
use crate::random::Aligned;

pub(super) fn cases() -> Vec<Case> {
    [128, 1024, 4096]
        .map(|n: usize| {
            Case::new(
                "random::random_words",
                format!("u32 {n}"),
                Cost { elements: n as u64, bytes: 4 * n as u64, operations: 0 },
                Aligned::filled(0, n),
                |kernels, out| kernels.random_words(RngKey::new(1, 2, 3, 4), 0, out),
                |out| out.to_vec(),
            )
        })
        .into()
}
