use super::optimiser::{FORMATS, Kind, Numbers, bytes, tables};
use super::{Case, Cost, bits};
use crate::random::{Aligned, Random};
use slide_kernels::{CscPattern, Matrix, MatrixMut, Rounding};

/// Active rows, every second one of a table, each used by one or two examples.
const ROWS: usize = 32;
const EXAMPLES: usize = 16;

#[derive(Clone)]
struct Lists {
    rows: Vec<u32>,
    starts: Vec<u32>,
    examples: Vec<u32>,
}

impl Lists {
    fn new() -> Lists {
        let (mut starts, mut examples) = (vec![0], Vec::new());
        for i in 0..ROWS as u32 {
            let first = i * 5 % (EXAMPLES as u32 / 2);
            examples.push(first);
            if i % 2 == 1 {
                examples.push(first + 3);
            }
            starts.push(examples.len() as u32);
        }
        Lists { rows: (0..ROWS as u32).map(|i| 2 * i).collect(), starts, examples }
    }

    fn pattern(&self) -> CscPattern<'_> {
        CscPattern::new(&self.rows, &self.starts, &self.examples, 2 * ROWS, EXAMPLES).expect("fitting lists")
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let lists = Lists::new();
    let entries = lists.examples.len();
    let mut cases = Vec::new();
    for width in [128, 1024] {
        for (narrow, format) in [(false, "f32"), (true, "bf16")] {
            let table = Numbers::new(&mut random, 2 * ROWS * width, narrow);
            cases.push(Case::new(
                "sddmm::forward",
                format!("{format}, {ROWS} rows of {width}, {entries} entries"),
                Cost {
                    elements: (entries * width) as u64,
                    bytes: (ROWS * width * if narrow { 2 } else { 4 }) as u64,
                    operations: (2 * entries * width) as u64,
                },
                (table, random.values(EXAMPLES * width), Aligned::filled(0.0, entries), lists.clone()),
                move |kernels, (table, vectors, out, lists)| {
                    let vectors = Matrix::new(vectors, width, width).expect("whole rows");
                    let table = table.table(width);
                    kernels.sddmm_forward(table.as_table(), &[0.5; 2 * ROWS], &lists.pattern(), vectors, out);
                },
                |(_, _, out, _)| bits(out),
            ));
        }
        for kind in Kind::ALL {
            for (formats, format) in FORMATS {
                let state = tables(&mut random, 2 * ROWS * width, formats);
                // The gradient of the inputs grows by little, too.
                let coefficients: Aligned<f32> = random.values(entries).iter().map(|c| c * 1e-6).collect();
                let vectors = random.values(EXAMPLES * width);
                cases.push(Case::new(
                    match kind {
                        Kind::Adam => "sddmm::adam_backward",
                        Kind::Momentum => "sddmm::momentum_backward",
                        Kind::Adagrad => "sddmm::adagrad_backward",
                    },
                    format!("{format}, {ROWS} rows of {width}, {entries} entries"),
                    Cost {
                        elements: (ROWS * width) as u64,
                        bytes: (ROWS * width * bytes(kind, formats)) as u64,
                        operations: (4 * entries * width) as u64,
                    },
                    (state, coefficients, vectors.clone(), vectors, lists.clone()),
                    move |kernels, (state, coefficients, vectors, gradient, lists)| {
                        let [weights, first, second] = state.each_mut().map(|numbers| numbers.table(width));
                        let vectors = Matrix::new(vectors, width, width).expect("whole rows");
                        let gradient = MatrixMut::new(gradient, width, width).expect("whole rows");
                        kernels.sddmm_backward(
                            weights,
                            kind.optimiser(first, second),
                            &lists.pattern(),
                            coefficients,
                            vectors,
                            Some(gradient),
                            Rounding::Nearest,
                        );
                    },
                    |(state, _, _, gradient, _)| state.iter().flat_map(Numbers::bits).chain(bits(gradient)).collect(),
                ));
            }
        }
    }
    cases
}
