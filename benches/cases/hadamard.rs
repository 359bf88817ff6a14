use slide_kernels::MatrixMut;

use super::{Case, Cost, bits};
use crate::random::{Aligned, Random};

pub(super) fn cases() -> Vec<Case> {
    [128, 1024, 4096]
        .map(|n: usize| {
            let operations = n as u64 * u64::from(n.ilog2());
            // The vector is a fresh copy each time: the transform makes it larger.
            let cost = Cost { elements: n as u64, bytes: 16 * n as u64, operations };
            Case::new(
                "hadamard::hadamard",
                format!("f32 {n}"),
                cost,
                (Random(1).values(n), Aligned::filled(0.0, n)),
                move |kernels, (source, x)| {
                    x.copy_from_slice(source);
                    kernels.hadamard(MatrixMut::new(x, n, n).expect("one row"));
                },
                |(_, x)| bits(x),
            )
        })
        .into()
}
