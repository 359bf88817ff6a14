//! Optimisers on rows, on elements and behind the backward pass, bit for bit against the specification, and the
//! specification against plain arithmetic.

mod support;

use proptest::prelude::*;
use slide_kernels::{AdagradStep, AdamStep, CscPattern, Kernels, Matrix, MatrixMut, MomentumStep, Optimiser};
use slide_kernels::{Rounding, RowIds, TableMut, ValuesMut};
use support::{Guarded, Random, Weights, assert_same, others, scalar};

#[derive(Clone, Copy, Debug)]
struct Shape {
    width: usize,
    padding: usize,
    rows: usize,
    chosen: usize,
    examples: usize,
    bf16_weights: bool,
    bf16_states: bool,
    special: bool,
    seed: u64,
}

impl Shape {
    fn stride(&self) -> usize {
        (self.width + self.padding).max(1)
    }

    fn random(&self) -> Random {
        let mut random = Random::new(self.seed);
        random.special = if self.special { 20 } else { 0 };
        random
    }
}

const ADAM: AdamStep = AdamStep {
    beta1: 0.9,
    beta2: 0.999,
    step_size: 1e-3,
    inverse_sqrt_correction: 1.25,
    epsilon: 1e-8,
    weight_decay: 0.0,
};
const MOMENTUM: MomentumStep = MomentumStep { learning_rate: 0.01, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
const ADAGRAD: AdagradStep = AdagradStep { learning_rate: 0.01, epsilon: 1e-10, weight_decay: 0.0 };

#[derive(Clone, Copy, Debug)]
enum Kind {
    Adam(AdamStep),
    Momentum(MomentumStep),
    Adagrad(AdagradStep),
}

const KINDS: [Kind; 6] = [
    Kind::Adam(ADAM),
    Kind::Adam(AdamStep { weight_decay: 0.01, ..ADAM }),
    Kind::Momentum(MOMENTUM),
    Kind::Momentum(MomentumStep { nesterov: true, weight_decay: 0.001, ..MOMENTUM }),
    Kind::Adagrad(ADAGRAD),
    Kind::Adagrad(AdagradStep { weight_decay: 0.01, ..ADAGRAD }),
];

/// Decays of every row, for optimisers with two states and with one; or those of the step.
struct Decays {
    two: Vec<[f32; 2]>,
    one: Vec<[f32; 1]>,
    given: bool,
}

impl Decays {
    fn new(count: usize, random: &mut Random) -> Decays {
        let two: Vec<_> = (0..count).map(|_| [random.value().abs(), random.value().abs()]).collect();
        Decays { one: two.iter().map(|two| [two[0]]).collect(), two, given: random.below(4) > 0 }
    }

    fn optimiser<'a, T>(&'a self, kind: Kind, first: T, second: T) -> Optimiser<'a, T> {
        match kind {
            Kind::Adam(step) => {
                Optimiser::Adam { step, m: first, v: second, decay: self.given.then_some(&self.two[..]) }
            }
            Kind::Momentum(step) => {
                Optimiser::Momentum { step, velocity: first, decay: self.given.then_some(&self.one[..]) }
            }
            Kind::Adagrad(step) => Optimiser::Adagrad { step, sum: first },
        }
    }
}

fn rounding(random: &mut Random) -> Rounding {
    match random.below(2) {
        0 => Rounding::Nearest,
        _ => Rounding::Stochastic { key: random.word() as u32, first_row: random.word() as u32 },
    }
}

/// Weights and two states, each with a stride of its own.
#[derive(Clone)]
struct State([Weights; 3]);

impl State {
    fn new(shape: &Shape, random: &mut Random) -> State {
        let formats = [shape.bf16_weights, shape.bf16_states, shape.bf16_states];
        let mut tables = [0, 1, 2].map(|i| random.weights(shape.rows * (shape.stride() + i), formats[i]));
        match &mut tables[2] {
            Weights::F32(v) => v.iter_mut().for_each(|v| *v = v.abs()),
            Weights::Bf16(v) => v.iter_mut().for_each(|v| *v = half::bf16::from_bits(v.to_bits() & 0x7FFF)),
        }
        State(tables)
    }

    fn tables(&mut self, shape: &Shape) -> [TableMut<'_>; 3] {
        let mut extra = 0..;
        self.0.each_mut().map(|table| table.table_mut(shape.stride() + extra.next().unwrap(), shape.width))
    }

    fn assert_same(&self, what: &str, kernels: &Kernels, found: &State) {
        for (name, (expected, found)) in ["weights", "m", "v"].iter().zip(self.0.iter().zip(&found.0)) {
            assert_same(&format!("{what}: {name}"), kernels, &expected.widened(), &found.widened());
        }
    }
}

fn rows(kernels: &Kernels, shape: &Shape, kind: Kind) {
    let mut random = shape.random();
    let (width, stride) = (shape.width, shape.stride());
    let ids = random.ascending(shape.chosen, shape.rows);
    let rows = RowIds::new(&ids, shape.rows).unwrap();
    let gradient = random.values(ids.len() * stride);
    let gradient = Matrix::new(&gradient, stride, width).unwrap();
    let (decays, rounding) = (Decays::new(ids.len(), &mut random), rounding(&mut random));
    let mut expected = State::new(shape, &mut random);
    let mut found = expected.clone();
    for (kernels, state) in [(scalar(), &mut expected), (kernels, &mut found)] {
        let [weights, first, second] = state.tables(shape);
        kernels.update_rows(weights, decays.optimiser(kind, first, second), rows, gradient, rounding);
    }
    expected.assert_same(&format!("update_rows {kind:?}"), kernels, &found);
}

fn scattered(kernels: &Kernels, shape: &Shape, kind: Kind) {
    let mut random = shape.random();
    let ids = random.ascending(shape.chosen, shape.rows);
    let rows = RowIds::new(&ids, shape.rows).unwrap();
    let gradient = random.values(ids.len());
    let decays = Decays::new(ids.len(), &mut random);
    let mut expected = [0, 1, 2].map(|_| random.values(shape.rows));
    let mut found = expected.clone();
    for (kernels, state) in [(scalar(), &mut expected), (kernels, &mut found)] {
        let [weights, first, second] = state.each_mut().map(|values| &mut values[..]);
        kernels.update_scattered(weights, decays.optimiser(kind, first, second), rows, &gradient);
    }
    for (expected, found) in expected.iter().zip(&found) {
        assert_same(&format!("update_scattered {kind:?}"), kernels, expected, found);
    }
}

/// Lists of active rows: every row has a random set of examples, many or none.
fn csc_lists(shape: &Shape, random: &mut Random) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let rows = random.ascending(shape.chosen, shape.rows);
    let (mut starts, mut examples) = (vec![0], Vec::new());
    for _ in &rows {
        let one_in = [1, 2, 20][random.below(3)];
        examples.extend((0..shape.examples as u32).filter(|_| random.below(one_in) == 0));
        starts.push(examples.len() as u32);
    }
    (rows, starts, examples)
}

fn sddmm(kernels: &Kernels, shape: &Shape, kind: Kind) {
    let mut random = shape.random();
    let (width, stride) = (shape.width, shape.stride());
    let (rows, starts, examples) = csc_lists(shape, &mut random);
    let pattern = CscPattern::new(&rows, &starts, &examples, shape.rows, shape.examples).unwrap();
    let vectors = random.values(shape.examples * stride);
    let vectors = Matrix::new(&vectors, stride, width).unwrap();
    let bias = random.values(shape.rows);
    let mut expected = State::new(shape, &mut random);
    let mut found = expected.clone();

    let (mut expected_out, mut found_out) = (random.values(examples.len()), random.values(examples.len()));
    let table = expected.0[0].table(stride, width);
    scalar().sddmm_forward(table, &bias, &pattern, vectors, &mut expected_out);
    kernels.sddmm_forward(table, &bias, &pattern, vectors, &mut found_out);
    assert_same("sddmm_forward", kernels, &expected_out, &found_out);

    let coefficients = random.values(examples.len());
    let (decays, rounding) = (Decays::new(rows.len(), &mut random), rounding(&mut random));
    let with_input_gradient = random.below(4) > 0;
    let mut expected_gradient = random.values(shape.examples * stride);
    let mut found_gradient = expected_gradient.clone();
    for (kernels, state, gradient) in
        [(scalar(), &mut expected, &mut expected_gradient), (kernels, &mut found, &mut found_gradient)]
    {
        let [weights, first, second] = state.tables(shape);
        let optimiser = decays.optimiser(kind, first, second);
        let gradient = with_input_gradient.then(|| MatrixMut::new(gradient, stride, width).unwrap());
        kernels.sddmm_backward(weights, optimiser, &pattern, &coefficients, vectors, gradient, rounding);
    }
    expected.assert_same(&format!("sddmm_backward {kind:?}"), kernels, &found);
    assert_same("sddmm_backward: input_gradient", kernels, &expected_gradient, &found_gradient);
}

fn all(kernels: &Kernels, shape: &Shape, kind: Kind) {
    rows(kernels, shape, kind);
    scattered(kernels, shape, kind);
    sddmm(kernels, shape, kind);
}

/// Every optimiser in every format at every width; on a slow machine, every width with some of them.
#[test]
fn every_optimiser_and_format_at_every_tail() {
    let combinations = 4 * KINDS.len();
    let step = combinations / (support::cases(combinations as u32).cases as usize).max(1);
    for kernels in others() {
        for width in 0..=4 * 16 + 3 {
            for combination in (width % step..combinations).step_by(step) {
                let (formats, kind) = (combination / KINDS.len(), KINDS[combination % KINDS.len()]);
                let (bf16_weights, bf16_states) = (formats & 1 > 0, formats & 2 > 0);
                let (rows, chosen, examples, seed) =
                    (9, 7, 5 + width % 19, (width * combinations + combination) as u64);
                let (padding, special) = (width % 3, (width + combination) % 2 == 0);
                let shape = Shape { width, padding, rows, chosen, examples, bf16_weights, bf16_states, special, seed };
                all(kernels, &shape, kind);
            }
        }
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let width = prop_oneof![0..=67_usize, Just(128), Just(144), 128..=300_usize];
    let examples = prop_oneof![0..=20_usize, Just(67)];
    (width, 0..=17_usize, 1..=40_usize, 0..=40_usize, examples, 0..4_usize, any::<bool>(), any::<u64>()).prop_map(
        |(width, padding, rows, chosen, examples, formats, special, seed)| {
            let (bf16_weights, bf16_states) = (formats & 1 > 0, formats & 2 > 0);
            Shape { width, padding, rows, chosen, examples, bf16_weights, bf16_states, special, seed }
        },
    )
}

proptest! {
    #![proptest_config(support::cases(300))]

    #[test]
    fn every_optimiser_at_random_shapes(shape in shapes(), kind in 0..KINDS.len()) {
        for kernels in others() {
            all(kernels, &shape, KINDS[kind]);
        }
    }
}

/// The new weight and states of one element.
fn one_step(kernels: &Kernels, kind: Kind, weight: f32, states: [f32; 2], gradient: f32) -> [f32; 3] {
    let [mut w, mut first, mut second] = [[weight], [states[0]], [states[1]]];
    let none = Decays { two: Vec::new(), one: Vec::new(), given: false };
    let optimiser = none.optimiser(kind, &mut first[..], &mut second[..]);
    kernels.update_scattered(&mut w, optimiser, RowIds::new(&[0], 1).unwrap(), &[gradient]);
    [w[0], first[0], second[0]]
}

#[test]
fn steps_are_those_of_the_papers() {
    let mut random = Random::new(9);
    for _ in 0..1000 {
        let (w, m, v, g) = (random.value(), random.value(), random.value().abs(), random.value());
        let (wide_w, wide_m, wide_v, wide_g) = (f64::from(w), f64::from(m), f64::from(v), f64::from(g));
        for kind in KINDS {
            let (weight, states) = match kind {
                Kind::Adam(step) => {
                    let (b1, b2) = (f64::from(step.beta1), f64::from(step.beta2));
                    let m = b1 * wide_m + (1.0 - b1) * wide_g;
                    let v = b2 * wide_v + (1.0 - b2) * wide_g * wide_g;
                    let direction = m / (v.sqrt() * 1.25 + 1e-8);
                    (wide_w * (1.0 - f64::from(step.weight_decay)) - 1e-3 * direction, [m, v])
                }
                Kind::Momentum(step) => {
                    let u = 0.9 * wide_m + wide_g;
                    let direction = if step.nesterov { wide_g + 0.9 * u } else { u };
                    (wide_w * (1.0 - f64::from(step.weight_decay)) - 0.01 * direction, [u, wide_v])
                }
                Kind::Adagrad(step) => {
                    let s = wide_m.abs() + wide_g * wide_g;
                    let direction = wide_g / (s.sqrt() + 1e-10);
                    (wide_w * (1.0 - f64::from(step.weight_decay)) - 0.01 * direction, [s, wide_v])
                }
            };
            let first = if matches!(kind, Kind::Adagrad(_)) { m.abs() } else { m };
            let found = one_step(scalar(), kind, w, [first, v], g);
            for (found, expected) in found.iter().zip([weight, states[0], states[1]]) {
                assert!((f64::from(*found) - expected).abs() < 1e-5, "{kind:?}: {found} is not {expected}");
            }
        }
    }
}

/// Without decay AdamW multiplies the weight by 1: no bit of it changes, at no scale.
#[test]
fn a_weight_decay_of_zero_leaves_every_bit() {
    for kernels in others().into_iter().chain([scalar()]) {
        for high in 0..=u16::MAX {
            let weight = f32::from_bits(u32::from(high) << 16 | 1);
            let [stays, ..] = one_step(kernels, Kind::Momentum(MOMENTUM), weight, [0.0; 2], -0.0);
            assert_same("weight", kernels, &[weight], &[stays]);
        }
    }
}

#[test]
fn states_are_never_subnormal() {
    for kernels in others().into_iter().chain([scalar()]) {
        for kind in [Kind::Momentum(MOMENTUM), Kind::Adagrad(ADAGRAD)] {
            for (old, gradient) in [(1e-40, 0.0), (-0.0, -0.0), (1e-45, 1e-22)] {
                let [_, state, _] = one_step(kernels, kind, 1.0, [old, 0.0], gradient);
                assert!(state.to_bits() == 0 || state.is_normal(), "{kind:?} left {state:e}");
            }
        }
        let [weight, ..] =
            one_step(kernels, Kind::Adagrad(AdagradStep { epsilon: 0.0, ..ADAGRAD }), 1.0, [0.0; 2], 0.0);
        assert!(weight.is_nan(), "0 / 0");
    }
}

/// Weight, first and second state are rounded up independently of each other, each with the right probability.
#[test]
fn the_three_random_streams_are_independent() {
    const WIDTH: usize = 40_000;
    // All three end at 1 + 2^-8, in the middle between two bf16 numbers: Adam with decays of 1 and no gradient, whose step
    // is 0.
    let middle = 1.0 + 2.0_f32.powi(-8);
    let step = AdamStep { step_size: 0.0, beta1: 0.5, beta2: 0.5, ..ADAM };
    for kernels in others().into_iter().chain([scalar()]) {
        // States are bf16: they start at 1 and are brought to the middle by the gradient.
        let gradient = vec![1.0_f32; WIDTH];
        let mut weights = vec![half::bf16::ONE; WIDTH];
        let (mut m, mut v) = (vec![half::bf16::ONE; WIDTH], vec![half::bf16::ONE; WIDTH]);
        let table = |values| TableMut::new(ValuesMut::Bf16(values), WIDTH, WIDTH).unwrap();
        let up = middle - 0.5;
        let step = AdamStep { weight_decay: 1.0 - middle, ..step };
        kernels.update_rows(
            table(&mut weights),
            Optimiser::Adam { step, m: table(&mut m), v: table(&mut v), decay: Some(&[[up, up]]) },
            RowIds::new(&[0], 1).unwrap(),
            Matrix::new(&gradient, WIDTH, WIDTH).unwrap(),
            Rounding::Stochastic { key: 1, first_row: 2 },
        );
        let ups = [weights, m, v].map(|values| values.iter().map(|x| x.to_f32() > 1.0).collect::<Vec<_>>());
        // Four standard deviations: 400 of 40,000 with probability 1/2, 347 with 1/4.
        for (i, one) in ups.iter().enumerate() {
            let count = one.iter().filter(|&&up| up).count() as i64;
            assert!((count - 20_000).abs() < 400, "stream {i}: {count} of 40,000 rounded up");
            for (j, other) in ups.iter().enumerate().skip(i + 1) {
                let both = one.iter().zip(other).filter(|&(&a, &b)| a && b).count() as i64;
                assert!((both - 10_000).abs() < 347, "streams {i} and {j}: {both} of 40,000 both rounded up");
            }
        }
    }
}

/// Rows of one element are what elements are, in any order of a list's blocks.
#[test]
fn elements_are_rows_of_one() {
    let mut random = Random::new(11);
    let ids: Vec<u32> = (0..100).filter(|id| id % 3 > 0).collect();
    let rows = RowIds::new(&ids, 100).unwrap();
    let gradient: Guarded<f32> = random.values(ids.len());
    let decays = Decays::new(ids.len(), &mut random);
    for kernels in others() {
        for kind in KINDS {
            let mut expected = [0, 1, 2].map(|_| random.values(100));
            expected[1].iter_mut().for_each(|state| *state = state.abs());
            let mut found = expected.clone();
            let [weights, first, second] = expected.each_mut().map(|x| MatrixMut::new(x, 1, 1).unwrap().into());
            let matrix = Matrix::new(&gradient, 1, 1).unwrap();
            kernels.update_rows(weights, decays.optimiser(kind, first, second), rows, matrix, Rounding::Nearest);
            let [weights, first, second] = found.each_mut().map(|x| &mut x[..]);
            kernels.update_scattered(weights, decays.optimiser(kind, first, second), rows, &gradient);
            for (expected, found) in expected.iter().zip(&found) {
                assert_same("update_scattered", kernels, expected, found);
            }
        }
    }
}
