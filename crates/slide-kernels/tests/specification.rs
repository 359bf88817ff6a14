//! The scalar back end, which the others are compared with, against plain `f64` arithmetic; and what the public methods
//! and constructors refuse.

mod support;

use slide_kernels::{AdamStep, CscPattern, Isa, IsaError, Kernels, Matrix, MatrixMut, Optimiser, Rounding, RowIds};
use slide_kernels::{ShapeError, Table, TableMut, Values, ValuesMut};
use support::{Random, Weights, scalar, this_program};

const WIDTH: usize = 37;
const ROWS: usize = 6;
const EXAMPLES: usize = 5;

/// Sums of up to 37 products of numbers below 1 in `f32`: far below this.
const TOLERANCE: f64 = 1e-5;

#[track_caller]
fn assert_close(found: f32, expected: f64) {
    assert!((f64::from(found) - expected).abs() < TOLERANCE, "{found} is not {expected}");
}

fn dot_f64(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

#[test]
fn dot_products_are_sums_of_products() {
    let mut random = Random::new(3);
    for length in [0, 1, 63, 64, 65, 300] {
        let (a, b) = (random.values(length), random.values(length));
        assert_close(scalar().dot(&a, &b), dot_f64(&a, &b));
    }
    let (table, vector) = (random.values(ROWS * WIDTH), random.values(WIDTH));
    let ids = [5, 0, 5, 3];
    let rows = RowIds::new(&ids, ROWS).unwrap();
    let mut out = [0.0; 4];
    let matrix = Matrix::new(&table, WIDTH, WIDTH).unwrap();
    scalar().rows_dot(matrix.into(), rows, &vector, &mut out);
    for (&out, &id) in out.iter().zip(&ids) {
        assert_close(out, dot_f64(matrix.row(id as usize), &vector));
    }
}

#[test]
fn products_are_matrix_products() {
    let mut random = Random::new(4);
    let ids = [4_u32, 1, 1];
    let rows = RowIds::new(&ids, ROWS).unwrap();
    let weights = random.values(ROWS * WIDTH);
    let table = Matrix::new(&weights, WIDTH, WIDTH).unwrap();
    let bias = random.values(ROWS);

    let inputs = random.values(EXAMPLES * WIDTH);
    let inputs = Matrix::new(&inputs, WIDTH, WIDTH).unwrap();
    let mut transposed = vec![0.0; WIDTH * EXAMPLES];
    scalar().transpose(inputs, MatrixMut::new(&mut transposed, EXAMPLES, EXAMPLES).unwrap());
    let mut out = vec![0.0; ids.len() * EXAMPLES];
    let transposed = Matrix::new(&transposed, EXAMPLES, EXAMPLES).unwrap();
    let out_matrix = MatrixMut::new(&mut out, EXAMPLES, EXAMPLES).unwrap();
    scalar().gemm_forward(table.into(), rows, &bias, transposed, out_matrix);
    for (r, &id) in ids.iter().enumerate() {
        for s in 0..EXAMPLES {
            let id = id as usize;
            assert_close(out[r * EXAMPLES + s], f64::from(bias[id]) + dot_f64(table.row(id), inputs.row(s)));
        }
    }

    let deltas = random.values(ids.len() * EXAMPLES);
    let deltas = Matrix::new(&deltas, EXAMPLES, EXAMPLES).unwrap();
    let (mut dh, mut gradient) = (vec![0.25; EXAMPLES * WIDTH], vec![-0.5; ids.len() * WIDTH]);
    scalar().gemm_backward(table.into(), rows, deltas, MatrixMut::new(&mut dh, WIDTH, WIDTH).unwrap());
    scalar().gemm_gradient(deltas, inputs, MatrixMut::new(&mut gradient, WIDTH, WIDTH).unwrap());
    for k in 0..WIDTH {
        for s in 0..EXAMPLES {
            let sum: f64 =
                (0..ids.len()).map(|r| f64::from(deltas.row(r)[s]) * f64::from(table.row(ids[r] as usize)[k])).sum();
            assert_close(dh[s * WIDTH + k], 0.25 + sum);
        }
        for r in 0..ids.len() {
            let sum: f64 = (0..EXAMPLES).map(|s| f64::from(deltas.row(r)[s]) * f64::from(inputs.row(s)[k])).sum();
            assert_close(gradient[r * WIDTH + k], -0.5 + sum);
        }
    }
}

#[test]
fn an_embedding_is_a_sparse_times_dense_product() {
    let mut random = Random::new(5);
    let weights = random.values(ROWS * WIDTH);
    let (ids, values, bias) = ([2_u32, 3, 2], random.values(3), random.values(WIDTH));
    let table = Table::new(Values::F32(&weights), WIDTH, WIDTH).unwrap();
    let mut out = vec![9.0; WIDTH];
    scalar().embedding_forward(table, RowIds::new(&ids, ROWS).unwrap(), &values, &bias, &mut out);
    for k in 0..WIDTH {
        let sum: f64 = (0..3).map(|i| f64::from(values[i]) * f64::from(weights[ids[i] as usize * WIDTH + k])).sum();
        assert_close(out[k], f64::from(bias[k]) + sum);
    }
}

const STEP: AdamStep = AdamStep {
    beta1: 0.9,
    beta2: 0.999,
    step_size: 0.02,
    inverse_sqrt_correction: 1.5,
    epsilon: 1e-8,
    weight_decay: 0.0,
};

/// Adam with moments in `f32`.
fn adam<'a>(
    [m, v]: [&'a mut [f32]; 2],
    width: usize,
    decay: Option<&'a [[f32; 2]]>,
    step: AdamStep,
) -> Optimiser<'a, TableMut<'a>> {
    let [m, v] = [m, v].map(|moments| MatrixMut::new(moments, width, width).unwrap().into());
    Optimiser::Adam { step, m, v, decay }
}

/// Kingma and Ba, algorithm 1, with the corrections folded into the step.
fn adam_f64(weight: f32, m: f32, v: f32, gradient: f64, decay: [f32; 2]) -> [f64; 3] {
    let m = f64::from(decay[0]) * f64::from(m) + 0.1 * gradient;
    let v = f64::from(decay[1]) * f64::from(v) + 0.001 * gradient * gradient;
    [f64::from(weight) - 0.02 * m / (v.sqrt() * 1.5 + 1e-8), m, v]
}

#[test]
fn the_sampled_layer_is_a_dense_one_where_it_is_active() {
    let mut random = Random::new(6);
    let (rows, starts, examples) = ([0_u32, 2, 5], [0_u32, 2, 2, 5], [1_u32, 4, 0, 1, 2]);
    let pattern = CscPattern::new(&rows, &starts, &examples, ROWS, EXAMPLES).unwrap();
    let (mut weights, mut m) = (random.values(ROWS * WIDTH), random.values(ROWS * WIDTH));
    let mut v = random.values(ROWS * WIDTH);
    v.iter_mut().for_each(|v| *v = v.abs() + 0.5);
    let (bias, coefficients) = (random.values(ROWS), random.values(examples.len()));
    let vectors = random.values(EXAMPLES * WIDTH);
    let vectors = Matrix::new(&vectors, WIDTH, WIDTH).unwrap();
    let before = [weights.clone(), m.clone(), v.clone()];

    let mut out = [0.0; 5];
    let table = Table::new(Values::F32(&weights), WIDTH, WIDTH).unwrap();
    scalar().sddmm_forward(table, &bias, &pattern, vectors, &mut out);
    let mut dh = vec![0.0; EXAMPLES * WIDTH];
    let decay = [[0.9, 0.999], [0.5, 0.6], [0.7, 0.8]];
    scalar().sddmm_backward(
        TableMut::new(ValuesMut::F32(&mut weights), WIDTH, WIDTH).unwrap(),
        adam([&mut m, &mut v], WIDTH, Some(&decay), STEP),
        &pattern,
        &coefficients,
        vectors,
        Some(MatrixMut::new(&mut dh, WIDTH, WIDTH).unwrap()),
        Rounding::Nearest,
    );

    let mut expected_dh = vec![0.0_f64; EXAMPLES * WIDTH];
    for (i, &row) in rows.iter().enumerate() {
        let entries = starts[i] as usize..starts[i + 1] as usize;
        let at = row as usize * WIDTH;
        for e in entries.clone() {
            let vector = vectors.row(examples[e] as usize);
            assert_close(out[e], f64::from(bias[row as usize]) + dot_f64(&before[0][at..at + WIDTH], vector));
        }
        for k in 0..WIDTH {
            let mut gradient = 0.0;
            for e in entries.clone() {
                let (example, c) = (examples[e] as usize, f64::from(coefficients[e]));
                expected_dh[example * WIDTH + k] += c * f64::from(before[0][at + k]);
                gradient += c * f64::from(vectors.row(example)[k]);
            }
            let [w, new_m, new_v] =
                adam_f64(before[0][at + k], before[1][at + k], before[2][at + k], gradient, decay[i]);
            assert_close(weights[at + k], w);
            assert_close(m[at + k], new_m);
            assert_close(v[at + k], new_v);
        }
    }
    for (&found, &expected) in dh.iter().zip(&expected_dh) {
        assert_close(found, expected);
    }
    for row in (0..ROWS).filter(|&row| !rows.contains(&(row as u32))) {
        let row = row * WIDTH..(row + 1) * WIDTH;
        assert_eq!(weights[row.clone()], before[0][row], "a row that is not active changed");
    }
}

/// Sets one weight to `value` by a step that does not move it, and returns what was stored.
fn store_as_bf16(kernels: &Kernels, values: &[f32], rounding: Rounding) -> Vec<half::bf16> {
    // w' = fma(-1, m / (sqrt(v) * 0 + 1), w) with m = -value and w = 0.
    let width = values.len();
    let mut weights = vec![half::bf16::ZERO; width];
    let (mut m, mut v): (Vec<f32>, Vec<f32>) = (values.iter().map(|&x| -x).collect(), vec![0.0; width]);
    let step = AdamStep { step_size: 1.0, inverse_sqrt_correction: 0.0, epsilon: 1.0, ..STEP };
    let (ids, gradient) = ([0], vec![0.0; width]);
    kernels.update_rows(
        TableMut::new(ValuesMut::Bf16(&mut weights), width, width).unwrap(),
        adam([&mut m, &mut v], width, Some(&[[1.0, 1.0]]), step),
        RowIds::new(&ids, 1).unwrap(),
        Matrix::new(&gradient, width, width).unwrap(),
        rounding,
    );
    weights
}

#[test]
fn moments_are_never_subnormal() {
    for kernels in Isa::available().map(|isa| Kernels::for_isa(isa).unwrap()) {
        let old = [1e-38_f32, -1e-38, 1.2e-38, f32::MIN_POSITIVE, 1.0, -0.0, 1e-45];
        let (mut weights, mut m, mut v) = (old, old, old.map(f32::abs));
        let width = old.len();
        kernels.update_rows(
            TableMut::new(ValuesMut::F32(&mut weights), width, width).unwrap(),
            adam([&mut m, &mut v], width, Some(&[[0.999, 0.999]]), STEP),
            RowIds::new(&[0], 1).unwrap(),
            Matrix::new(&[0.0; 7], width, width).unwrap(),
            Rounding::Nearest,
        );
        let expected = [0.0, 0.0, 0.999 * 1.2e-38, 0.0, 0.999, 0.0, 0.0].map(f32::to_bits);
        assert_eq!(m.map(f32::to_bits), expected, "first moments on {}", kernels.isa());
        assert_eq!(v.map(f32::to_bits), expected, "second moments on {}", kernels.isa());
    }
}

#[test]
fn rounding_to_nearest_is_that_of_the_half_crate() {
    let mut random = Random::new(7);
    let any = (0..10_000).map(|_| f32::from_bits(random.word() as u32));
    // The values go in as moments, which are never subnormal.
    let mut values: Vec<f32> = any.filter(|value| !value.is_subnormal()).collect();
    // NaN whose carry would reach the exponent, ties, and the border to infinity.
    values.extend([0x7FFF_FFFF, 0xFFFF_FFFF, 0x7FC0_0001].map(f32::from_bits));
    values.extend([0x3F80_8000, 0x3F81_8000, 0x3F80_7FFF, 0x3F80_8001, 0x7F7F_8000, 0x7F7F_7FFF].map(f32::from_bits));
    for kernels in Isa::available().map(|isa| Kernels::for_isa(isa).unwrap()) {
        for (&value, found) in values.iter().zip(store_as_bf16(kernels, &values, Rounding::Nearest)) {
            let expected = half::bf16::from_f32(value);
            let same = found.to_bits() == expected.to_bits() || (value.is_nan() && found.is_nan());
            assert!(same, "{value:e} became {found} on {}, expected {expected}", kernels.isa());
        }
    }
}

#[test]
fn stochastic_rounding_is_right_on_average_and_repeats() {
    let (low, high) = (1.0_f32, 1.0 + 2.0_f32.powi(-7));
    let value = low + 0.3 * (high - low);
    let values = vec![value; 40_000];
    let rounding = |key| Rounding::Stochastic { key, first_row: 11 };
    let stored = store_as_bf16(Kernels::best(), &values, rounding(1));
    let up = stored.iter().filter(|stored| stored.to_f32() == high).count();
    assert!(stored.iter().all(|stored| [low, high].contains(&stored.to_f32())));
    // Four standard deviations of a binomial with 40,000 trials are 367.
    assert!((up as i64 - 12_000).abs() < 367, "{up} of 40,000 rounded up, expected about 12,000");
    assert_eq!(stored, store_as_bf16(Kernels::best(), &values, rounding(1)));
    assert_ne!(stored, store_as_bf16(Kernels::best(), &values, rounding(2)));
}

#[test]
fn views_check_their_shape() {
    let data = [0.0_f32; 12];
    assert_eq!(Matrix::new(&data, 0, 0).unwrap_err(), ShapeError::Stride { stride: 0, width: 0 });
    assert_eq!(Matrix::new(&data, 4, 5).unwrap_err(), ShapeError::Stride { stride: 4, width: 5 });
    assert_eq!(Matrix::new(&data, 5, 5).unwrap_err(), ShapeError::Length { length: 12, stride: 5 });
    assert_eq!(Matrix::new(&data, 6, 4).unwrap().rows(), 2);
    assert_eq!(Matrix::<f32>::new(&[], 6, 4).unwrap().rows(), 0);
    assert!(Table::new(Values::Bf16(&[half::bf16::ONE; 3]), 2, 2).is_err());
}

#[test]
fn lists_check_their_numbers() {
    let error = RowIds::new(&[3, 7, 2], 7).unwrap_err();
    assert_eq!(error, ShapeError::OutOfRange { position: 1, found: 7, bound: 7 });
    assert!(!RowIds::new(&[3, 3], 7).unwrap().is_ascending());
    assert!(RowIds::new(&[3, 4], 7).unwrap().is_ascending());

    // Every bound at which signs could deceive, and every pair of numbers at them.
    let edges = [0, 1, 2, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, u32::MAX - 1, u32::MAX];
    for bound in edges.map(|edge| edge as usize).into_iter().chain([1 << 32, usize::MAX]) {
        for ids in edges.iter().flat_map(|&a| edges.map(|b| [a, b])) {
            let found = RowIds::new(&ids, bound).map(|rows| rows.is_ascending());
            let position = ids.iter().position(|&id| id as usize >= bound);
            let expected = match position {
                Some(position) => Err(ShapeError::OutOfRange { position, found: ids[position], bound }),
                None => Ok(ids[0] < ids[1]),
            };
            assert_eq!(found, expected, "{ids:?} below {bound}");
        }
    }

    let new = |rows: &'static [u32], starts: &'static [u32], examples: &'static [u32]| {
        CscPattern::new(rows, starts, examples, 10, 4).map(|pattern| pattern.entries())
    };
    assert_eq!(new(&[1, 9], &[0, 1, 3], &[3, 0, 3]), Ok(3));
    assert_eq!(new(&[], &[0], &[]), Ok(0));
    assert_eq!(new(&[1, 1], &[0, 1, 2], &[0, 1]), Err(ShapeError::NotAscending { position: 1, found: 1, before: 1 }));
    assert_eq!(new(&[1, 10], &[0, 1, 2], &[0, 1]), Err(ShapeError::OutOfRange { position: 1, found: 10, bound: 10 }));
    assert_eq!(new(&[1], &[0, 1], &[4]), Err(ShapeError::OutOfRange { position: 0, found: 4, bound: 4 }));
    assert_eq!(new(&[1], &[0, 2], &[2, 2]), Err(ShapeError::NotAscending { position: 1, found: 2, before: 2 }));
    for starts in [&[][..], &[0], &[0, 2, 2], &[1, 2], &[0, 1]] {
        assert_eq!(new(&[1], starts, &[0, 1]), Err(ShapeError::Starts { rows: 1, examples: 2 }), "{starts:?}");
    }
    assert_eq!(new(&[1, 2], &[0, 3, 2], &[0, 1]), Err(ShapeError::Starts { rows: 2, examples: 2 }));
}

/// Every one of these would read or write out of bounds if it were not refused.
#[test]
fn arguments_that_do_not_fit_are_refused() {
    let refused = |name: &str, call: &mut dyn FnMut(&Kernels)| {
        let call = std::panic::AssertUnwindSafe(|| call(Kernels::best()));
        assert!(std::panic::catch_unwind(call).is_err(), "{name} was not refused");
    };
    let data = [0.0_f32; 40];
    let table = Matrix::new(&data[..32], 8, 8).unwrap();
    let short = Matrix::new(&data[..24], 8, 8).unwrap();
    let ids = [0, 3];
    let rows = RowIds::new(&ids, 4).unwrap();
    let descending = RowIds::new(&[3, 0], 4).unwrap();
    let mut out = [0.0_f32; 40];
    refused("dot", &mut |k| _ = k.dot(&data[..3], &data[..4]));
    refused("rows_dot: bound", &mut |k| k.rows_dot(short.into(), rows, &data[..8], &mut out[..2]));
    refused("rows_dot: width", &mut |k| k.rows_dot(table.into(), rows, &data[..7], &mut out[..2]));
    refused("rows_dot: out", &mut |k| k.rows_dot(table.into(), rows, &data[..8], &mut out[..1]));
    refused("vectors_dot: bound", &mut |k| k.vectors_dot(&data[..8], short, rows, &mut out[..2]));
    refused("embedding", &mut |k| k.embedding_forward(table.into(), rows, &data[..1], &data[..8], &mut out[..8]));
    refused("transpose", &mut |k| k.transpose(table, MatrixMut::new(&mut out[..16], 4, 4).unwrap()));

    let inputs = Matrix::new(&data[..16], 2, 2).unwrap();
    let bias = &data[..4];
    refused("gemm_forward: bias", &mut |k| {
        k.gemm_forward(table.into(), rows, &bias[..3], inputs, MatrixMut::new(&mut out[..4], 2, 2).unwrap());
    });
    refused("gemm_forward: out", &mut |k| {
        k.gemm_forward(table.into(), rows, bias, inputs, MatrixMut::new(&mut out[..2], 2, 2).unwrap());
    });
    let deltas = Matrix::new(&data[..4], 2, 2).unwrap();
    refused("gemm_backward", &mut |k| {
        k.gemm_backward(table.into(), rows, deltas, MatrixMut::new(&mut out[..8], 8, 8).unwrap());
    });
    refused("gemm_gradient", &mut |k| {
        k.gemm_gradient(deltas, Matrix::new(&data[..16], 8, 8).unwrap(), MatrixMut::new(&mut out[..8], 8, 8).unwrap());
    });

    let (mut w, mut m, mut v) = (vec![0.0; 32], vec![0.0; 32], vec![0.0; 32]);
    let gradient = Matrix::new(&data[..16], 8, 8).unwrap();
    let decay = [[0.9, 0.999]; 2];
    let mut update = |name: &str, rows: RowIds<'_>, gradient: Matrix<'_>, decay: &[[f32; 2]], m_rows: usize| {
        refused(name, &mut |k| {
            let weights = MatrixMut::new(&mut w, 8, 8).unwrap().into();
            let optimiser = adam([&mut m[..8 * m_rows], &mut v], 8, Some(decay), STEP);
            k.update_rows(weights, optimiser, rows, gradient, Rounding::Nearest);
        });
    };
    update("update_rows: order", descending, gradient, &decay, 4);
    update("update_rows: gradient", rows, short, &decay, 4);
    update("update_rows: decay", rows, gradient, &decay[..1], 4);
    update("update_rows: m", rows, gradient, &decay, 3);
    refused("update_rows: formats", &mut |k| {
        let mut m = [half::bf16::ZERO; 32];
        let m = TableMut::new(ValuesMut::Bf16(&mut m), 8, 8).unwrap();
        let v = MatrixMut::new(&mut v, 8, 8).unwrap().into();
        let optimiser = Optimiser::Adam { step: STEP, m, v, decay: None };
        let weights = MatrixMut::new(&mut w, 8, 8).unwrap().into();
        k.update_rows(weights, optimiser, rows, gradient, Rounding::Nearest);
    });
    refused("update_scattered: m", &mut |k| {
        let optimiser = Optimiser::Adam { step: STEP, m: &mut m[..3], v: &mut v[..], decay: None };
        k.update_scattered(&mut w, optimiser, rows, &data[..2]);
    });
    refused("update_scattered: decay", &mut |k| {
        let optimiser = Optimiser::Adam { step: STEP, m: &mut m[..], v: &mut v[..], decay: Some(&decay[..1]) };
        k.update_scattered(&mut w, optimiser, rows, &data[..2]);
    });

    let pattern = CscPattern::new(&ids, &[0, 1, 2], &[0, 1], 4, 2).unwrap();
    let vectors = Matrix::new(&data[..16], 8, 8).unwrap();
    let one = Matrix::new(&data[..8], 8, 8).unwrap();
    refused("sddmm_forward: rows", &mut |k| k.sddmm_forward(short.into(), bias, &pattern, vectors, &mut out[..2]));
    refused("sddmm_forward: bias", &mut |k| {
        k.sddmm_forward(table.into(), &bias[..3], &pattern, vectors, &mut out[..2]);
    });
    refused("sddmm_forward: examples", &mut |k| k.sddmm_forward(table.into(), bias, &pattern, one, &mut out[..2]));
    refused("sddmm_forward: out", &mut |k| k.sddmm_forward(table.into(), bias, &pattern, vectors, &mut out[..3]));
    refused("sddmm_backward: input_gradient", &mut |k| {
        k.sddmm_backward(
            MatrixMut::new(&mut w, 8, 8).unwrap().into(),
            adam([&mut m, &mut v], 8, Some(&decay), STEP),
            &pattern,
            &data[..2],
            vectors,
            Some(MatrixMut::new(&mut out[..8], 8, 8).unwrap()),
            Rounding::Nearest,
        );
    });
}

#[test]
fn every_level_is_itself() {
    assert_eq!(Kernels::best().isa(), Isa::detect());
    for isa in Isa::available() {
        assert_eq!(Kernels::for_isa(isa).unwrap().isa(), isa);
    }
}

/// Prints the level that the environment chooses; run by the test below in a process of its own.
#[test]
#[ignore = "a part of slide_isa_chooses_the_level"]
fn child_prints_the_chosen_level() {
    match Kernels::from_env() {
        Ok(kernels) => println!("chosen: {}", kernels.isa()),
        Err(error) => println!("refused: {error}"),
    }
}

#[test]
fn slide_isa_chooses_the_level() {
    let output_with = |value: &str| {
        let output = this_program()
            .args(["--exact", "child_prints_the_chosen_level", "--ignored", "--nocapture"])
            .env("SLIDE_ISA", value)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(output_with("scalar").contains("chosen: scalar"));
    assert!(output_with("").contains(&format!("chosen: {}", Isa::detect())));
    let refusal = output_with("mmx");
    assert!(refusal.contains("refused: SLIDE_ISA=mmx") && refusal.contains("available here: scalar"), "{refusal}");
    for &isa in Isa::ALL.iter().filter(|isa| !isa.is_available()) {
        assert_eq!(Kernels::for_isa(isa).unwrap_err(), IsaError::Unavailable(isa));
    }
}

/// `bf16` tables are widened exactly: they give what the widened table gives.
#[test]
fn bf16_tables_are_widened_exactly() {
    let mut random = Random::new(8);
    let weights = random.weights(ROWS * WIDTH, true);
    let widened = Weights::widened(&weights);
    let vector = random.values(WIDTH);
    let ids: Vec<u32> = (0..ROWS as u32).collect();
    let rows = RowIds::new(&ids, ROWS).unwrap();
    let (mut narrow, mut wide) = (vec![0.0; ROWS], vec![1.0; ROWS]);
    Kernels::best().rows_dot(weights.table(WIDTH, WIDTH), rows, &vector, &mut narrow);
    Kernels::best().rows_dot(Matrix::new(&widened, WIDTH, WIDTH).unwrap().into(), rows, &vector, &mut wide);
    assert_eq!(narrow, wide);
}
