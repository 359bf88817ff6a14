use super::optimiser::{FORMATS, Kind, Numbers, bytes, tables};
use super::{Case, Cost, bits};
use crate::random::Random;
use slide_kernels::{Matrix, Rounding, RowIds};

/// Every second row of a table is updated.
const ROWS: usize = 32;

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let ids: Vec<u32> = (0..ROWS as u32).map(|i| 2 * i).collect();
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
                        (state, random.values(elements), ids.clone()),
                        move |kernels, (state, gradient, ids)| {
                            let [weights, first, second] = state.each_mut().map(|numbers| numbers.table(width));
                            let rows = RowIds::new(ids, 2 * ROWS).expect("rows of the table");
                            let gradient = Matrix::new(gradient, width, width).expect("whole rows");
                            kernels.update_rows(weights, kind.optimiser(first, second), rows, gradient, rounding);
                        },
                        |(state, ..)| state.iter().flat_map(Numbers::bits).collect(),
                    ));
                }
            }
        }
        let elements = 1024;
        let state = [0; 3].map(|_| random.values(2 * elements).iter().map(|x| 1.0 + x / 2.0).collect::<Vec<_>>());
        cases.push(Case::new(
            match kind {
                Kind::Adam => "row_update::adam_scattered",
                Kind::Momentum => "row_update::momentum_scattered",
                Kind::Adagrad => "row_update::adagrad_scattered",
            },
            format!("f32, {elements} elements"),
            Cost { elements: elements as u64, bytes: ((bytes(kind, [false; 2]) + 8) * elements) as u64, operations: 0 },
            (state, random.values(elements), random.ascending(elements, 2 * elements)),
            move |kernels, (state, gradient, ids)| {
                let [weights, first, second] = state.each_mut().map(|values| &mut values[..]);
                let rows = RowIds::new(ids, 2 * elements).expect("elements of the slices");
                kernels.update_scattered(weights, kind.optimiser(first, second), rows, gradient);
            },
            |(state, ..)| state.iter().flat_map(|values| bits(values)).collect(),
        ));
    }
    cases
}
