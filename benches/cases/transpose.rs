use slide_kernels::{Matrix, MatrixMut};

use super::{Case, Cost, bits};
use crate::random::{Aligned, Random};

pub(super) fn cases() -> Vec<Case> {
    [(64, 64), (256, 128), (100, 50)]
        .map(|(rows, columns): (usize, usize)| {
            let n = rows * columns;
            Case::new(
                "transpose::transpose",
                format!("f32 {rows} x {columns}"),
                Cost { elements: n as u64, bytes: 8 * n as u64, operations: 0 },
                (Random(1).values(n), Aligned::filled(0.0, n)),
                move |kernels, (source, destination)| {
                    let source = Matrix::new(source, columns, columns).expect("whole rows");
                    kernels.transpose(source, MatrixMut::new(destination, rows, rows).expect("whole rows"));
                },
                |(_, destination)| bits(destination),
            )
        })
        .into()
}
