//! The dense product of `Precision::Native` with rows of `bf16`: within its bound of the exact one, at every shape.
//!
//! All memory is flush against guard pages, and what lies between the rows of the output is compared.

mod support;

use std::num::FpCategory::Subnormal;

use half::bf16;
use proptest::prelude::*;
use slide_kernels::{Kernels, Matrix, MatrixMut, Precision, Quirks, RowIds};
use support::{Guarded, Random, assert_same, others, scalar};

/// Round-off unit of the instructions: Arm's round to odd.
const UNIT: f64 = if cfg!(target_arch = "aarch64") { 1.0 / 8_388_608.0 } else { 1.0 / 16_777_216.0 };
/// Of rounding to `bf16`.
const UNIT_BF16: f64 = 1.0 / 256.0;

/// Every level, for processors that multiply pairs fast (which the machine of the test need not be).
fn native() -> impl Iterator<Item = &'static Kernels> {
    let fast = Quirks::default().with_slow_bf16_pairs(false);
    others().into_iter().map(move |kernels| kernels.with_precision(Precision::Native).with_quirks(fast))
}

/// Rows chosen at random from a table with gaps, and examples with gaps.
#[derive(Clone, Copy, Debug)]
struct Shape {
    width: usize,
    padding: usize,
    rows: usize,
    chosen: usize,
    examples: usize,
    seed: u64,
}

/// The arguments of a product, and what it is to be added to.
struct Case {
    shape: Shape,
    table: Guarded<bf16>,
    ids: Guarded<u32>,
    bias: Guarded<f32>,
    inputs: Guarded<f32>,
}

impl Case {
    /// Numbers that make sums hard: of many magnitudes, that cancel, and now and then subnormal.
    fn new(shape: Shape) -> Case {
        let mut random = Random::new(shape.seed);
        let exponents = [0, 10, 40][random.below(3)];
        let hard = |random: &mut Random| match random.below(40) {
            0 => 1e-39,
            1 => 0.0,
            _ => random.value() * f32::powi(2.0, random.below(2 * exponents + 1) as i32 - exponents as i32),
        };
        let mut table = random.halves(shape.rows * shape.stride());
        table.fill_with(|| bf16::from_f32(hard(&mut random)));
        let (mut bias, mut inputs) = (random.values(shape.rows), random.values(shape.width * shape.example_stride()));
        bias.fill_with(|| hard(&mut random));
        inputs.fill_with(|| hard(&mut random));
        let ids = random.ids(shape.chosen, shape.rows);
        Case { shape, table, ids, bias, inputs }
    }

    fn product(&self, kernels: &Kernels) -> Guarded<f32> {
        let shape = self.shape;
        let mut out = Guarded::new(shape.chosen * shape.example_stride(), self.shape.seed.is_multiple_of(2));
        out.fill(0.25);
        let table = Matrix::new(&self.table, shape.stride(), shape.width).unwrap();
        let inputs = Matrix::new(&self.inputs, shape.example_stride(), shape.examples).unwrap();
        let view = MatrixMut::new(&mut out, shape.example_stride(), shape.examples).unwrap();
        let rows = RowIds::new(&self.ids, shape.rows).unwrap();
        kernels.gemm_forward(table.into(), rows, &self.bias, inputs, view);
        out
    }

    /// Weights and inputs of an element of the output.
    fn terms(&self, r: usize, s: usize) -> impl Iterator<Item = (bf16, f32)> {
        let row = &self.table[self.ids[r] as usize * self.shape.stride()..][..self.shape.width];
        row.iter().enumerate().map(move |(k, &w)| (w, self.inputs[k * self.shape.example_stride() + s]))
    }

    /// The bound that [`Kernels::gemm_forward`] states, for inputs that are rounded with unit `v`.
    fn bound(&self, r: usize, s: usize, v: f64) -> f64 {
        let width = self.shape.width;
        let (mut all, mut subnormal) = (0.0, 0.0);
        for (w, x) in self.terms(r, s) {
            let product = (w.to_f64() * f64::from(x)).abs();
            all += product;
            if w.classify() == Subnormal || x.classify() == Subnormal {
                subnormal += product;
            }
        }
        let start = f64::from(self.bias[self.ids[r] as usize]).abs();
        let k = 2.0 * width.div_ceil(2) as f64 * UNIT;
        let flushed = 4.0 * (width + 1) as f64 * 2.0_f64.powi(-126);
        v * all + (1.0 + v) * k / (1.0 - k) * (start + all) + subnormal + flushed
    }

    /// Holds an element of the output against the sum of exact products of these inputs (whose sum in `f64` has an error far
    /// below the bound).
    fn assert_within(&self, kernels: &Kernels, out: &[f32], r: usize, s: usize, v: f64) {
        let bias = f64::from(self.bias[self.ids[r] as usize]);
        let exact: f64 = bias + self.terms(r, s).map(|(w, x)| w.to_f64() * f64::from(x)).sum::<f64>();
        let found = f64::from(out[r * self.shape.example_stride() + s]);
        let (error, bound) = ((found - exact).abs(), self.bound(r, s, v));
        let isa = kernels.isa();
        assert!(
            error <= bound,
            "row {r}, example {s} on {isa}: {found:e} for {exact:e}, bound {bound:e}, {:?}",
            self.shape
        );
    }

    fn assert_all_within(&self, kernels: &Kernels, v: f64) {
        let out = self.product(kernels);
        for (i, &found) in out.iter().enumerate() {
            let (r, s) = (i / self.shape.example_stride(), i % self.shape.example_stride());
            if s < self.shape.examples {
                self.assert_within(kernels, &out, r, s, v);
            } else {
                assert_eq!(found, 0.25, "between the rows, on {}", kernels.isa());
            }
        }
    }
}

impl Shape {
    fn stride(&self) -> usize {
        (self.width + self.padding).max(1)
    }

    fn example_stride(&self) -> usize {
        (self.examples + self.padding % 5).max(1)
    }
}

/// Panels end after 256 to 1,024 elements, tiles after 16 to 64 examples.
fn shapes() -> impl Strategy<Value = Shape> {
    let width = prop_oneof![0..=35_usize, Just(128), 100..=300_usize, 1020..=1030_usize];
    let examples = prop_oneof![0..=20_usize, Just(32), Just(48), Just(64), Just(67), Just(130)];
    (width, 0..=9_usize, 1..=20_usize, 0..=27_usize, examples, any::<u64>()).prop_map(
        |(width, padding, rows, chosen, examples, seed)| Shape { width, padding, rows, chosen, examples, seed },
    )
}

fn check(shape: Shape) {
    let mut case = Case::new(shape);
    for kernels in native() {
        case.assert_all_within(kernels, UNIT_BF16);
    }
    // Where inputs need not be rounded the error is much smaller.
    case.inputs.iter_mut().for_each(|x| *x = bf16::from_f32(*x).to_f32());
    for kernels in native() {
        case.assert_all_within(kernels, 0.0);
    }
}

proptest! {
    #![proptest_config(support::cases(60))]

    #[test]
    fn sums_keep_their_bound(shape in shapes()) {
        check(shape);
    }
}

#[test]
fn sums_keep_their_bound_at_every_tail() {
    for width in 0..=35 {
        for (chosen, examples) in [(1 + width % 13, 1 + width % 19), (13, 33), (2, 64)] {
            check(Shape { width, padding: width % 3, rows: 7, chosen, examples, seed: width as u64 });
        }
    }
}

/// An example, or a row, that is not finite spoils its own results and no others.
#[test]
fn what_is_not_finite_stays_in_its_row_and_sample() {
    for poison in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for width in 1..=19 {
            let shape = Shape { width, padding: 0, rows: 5, chosen: 5, examples: 21, seed: 3 };
            let mut case = Case::new(shape);
            case.ids.iter_mut().zip(0..).for_each(|(id, i)| *id = i);
            let (k, row, example) = (width - 1, width % 5, width % 21);
            case.inputs[k * shape.example_stride() + example] = poison;
            case.table[row * shape.stride() + k] = bf16::from_f32(poison);
            // Times zero an infinity is NaN, too.
            for kernels in native() {
                let out = case.product(kernels);
                for r in 0..shape.chosen {
                    for s in 0..shape.examples {
                        let found = out[r * shape.example_stride() + s];
                        if r == row || s == example {
                            assert!(!found.is_finite(), "{found} at {r}, {s} on {}", kernels.isa());
                        } else {
                            case.assert_within(kernels, &out, r, s, UNIT_BF16);
                        }
                    }
                }
            }
        }
    }
}

/// The bound is tight enough to notice one element that is left out, or one sum that is rounded to `bf16`.
#[test]
fn the_bound_is_not_loose() {
    let shape = Shape { width: 128, padding: 0, rows: 1, chosen: 1, examples: 1, seed: 1 };
    let mut case = Case::new(shape);
    case.table.fill(bf16::ONE);
    case.inputs.fill(1.0);
    case.bias.fill(1.0);
    assert!(case.bound(0, 0, UNIT_BF16) < 1.0, "the least term is 1");
    assert!(case.bound(0, 0, 0.0) < 129.0 / 512.0, "half a unit of a sum in `bf16`");
}

#[test]
fn other_rows_and_slow_processors_have_the_reproducible_product() {
    let case = Case::new(Shape { width: 131, padding: 1, rows: 9, chosen: 14, examples: 21, seed: 5 });
    let reproducible = case.product(scalar());
    for kernels in native() {
        let slow = kernels.with_quirks(Quirks::default().with_slow_bf16_pairs(true));
        if cfg!(target_arch = "x86_64") {
            assert_same("gemm_forward", slow, &reproducible, &case.product(slow));
        }
        let wide: Vec<f32> = case.table.iter().map(|w| w.to_f32()).collect();
        let (stride, examples) = (case.shape.example_stride(), case.shape.examples);
        let mut out = vec![0.25; 14 * stride];
        kernels.gemm_forward(
            Matrix::new(&wide, case.shape.stride(), 131).unwrap().into(),
            RowIds::new(&case.ids, 9).unwrap(),
            &case.bias,
            Matrix::new(&case.inputs, stride, examples).unwrap(),
            MatrixMut::new(&mut out, stride, examples).unwrap(),
        );
        assert_same("gemm_forward of f32", kernels, &reproducible, &out);
    }
}
