use super::optimiser::{FORMATS, Kind, Numbers, bytes, tables};
use super::{Case, Cost, bits, checked};
use crate::random::{Aligned, Random};
use slide_kernels::{Matrix, Rounding};

/// Every second row of a table is updated.
const ROWS: usize = 32;

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let rows = checked((0..ROWS as u32).map(|i| 2 * i).collect(), 2 * ROWS);
    let mut cases = Vec::new();
    for kind in Kind::ALL {
        for width in [128, 1024] {
            for (formats, format) in FORMATS {
                for (rounding, rounded) in
                    [(Rounding::Nearest, ""), (Rounding::Stochastic { key: 1, first_row: 2 }, ", stochastic")]
                {
                    let stochastic = matches!(rounding, Rounding::Stochastic { .. });
                    if stochastic && !formats[0] {
                        continue;
                    }
                    let elements = ROWS * width;
                    let state = tables(&mut random, 2 * elements, formats);
                    cases.push(Case::new(
                        match kind {
                            Kind::Adam => "row_update::adam_rows",
                            Kind::Momentum => "row_update::momentum_rows",
                            Kind::Adagrad => "row_update::adagrad_rows",
                        },
                        format!("{format}{rounded}, {ROWS} rows of {width}"),
                        Cost {
                            elements: elements as u64,
                            bytes: ((bytes(kind, formats) + 4) * elements) as u64,
                            operations: 0,
                        },
                        (state, random.values(elements)),
                        move |kernels, (state, gradient)| {
                            let [weights, first, second] = state.each_mut().map(|numbers| numbers.table(width));
                            let gradient = Matrix::new(gradient, width, width).expect("whole rows");
                            kernels.update_rows(weights, kind.optimiser(first, second), rows, gradient, rounding);
                        },
                        |(state, ..)| state.iter().flat_map(Numbers::bits).collect(),
                    ));
                }
            }
        }
        let elements = 1024;
        let state = [0; 3].map(|_| random.values(2 * elements).iter().map(|x| 1.0 + x / 2.0).collect::<Aligned<_>>());
        let rows = checked(random.ascending(elements, 2 * elements), 2 * elements);
        cases.push(Case::new(
            match kind {
                Kind::Adam => "row_update::adam_scattered",
                Kind::Momentum => "row_update::momentum_scattered",
                Kind::Adagrad => "row_update::adagrad_scattered",
            },
            format!("f32, {elements} elements"),
            Cost { elements: elements as u64, bytes: ((bytes(kind, [false; 2]) + 8) * elements) as u64, operations: 0 },
            (state, random.values(elements)),
            move |kernels, (state, gradient)| {
                let [weights, first, second] = state.each_mut().map(|values| &mut values[..]);
                kernels.update_scattered(weights, kind.optimiser(first, second), rows, gradient);
            },
            |(state, ..)| state.iter().flat_map(|values| bits(values)).collect(),
        ));
    }
    cases
}
