//! Scattered rows of tables that do not fit the caches, different for every call.

use std::cell::RefCell;
use std::rc::Rc;

use slide_kernels::{Kernels, Matrix, Rounding, RowIds, Table, TableMut, Values, ValuesMut};
use slide_mem::{Placement, RowTable};

use super::optimiser::Kind;
use super::{Case, Cost, FROM_MEMORY, bits, checked};
use crate::random::{Aligned, Random};

/// 256 MiB of `f32`.
pub(super) const ROWS: usize = 1 << 19;
const WIDTH: usize = 128;
/// Rows of a call at most.
const LIST: usize = 4096;
/// Of a call.
pub(super) const ELEMENTS: u64 = (LIST * WIDTH) as u64;
/// Non-zeros of an input, as on Amazon-670K.
const NONZEROS: usize = 75;

/// What a call does with a list of rows.
type Call = fn(&Kernels, &mut World, RowIds<'_>);

/// Kernels that prefetch rows, each in a different way.
pub(super) const CASES: &[(&str, Call)] = &[
    ("row_dot::rows_dot", |kernels, world, ids| {
        let World { tables, vector, out, .. } = world;
        let tables = tables.borrow();
        let table = Table::new(Values::F32(tables[0].as_slice()), WIDTH, WIDTH).expect("whole rows");
        kernels.rows_dot(table, ids, vector, &mut out[..ids.len()]);
    }),
    ("embedding::forward", |kernels, world, ids| {
        let World { tables, vector, out, .. } = world;
        let tables = tables.borrow();
        let table = Table::new(Values::F32(tables[0].as_slice()), WIDTH, WIDTH).expect("whole rows");
        for start in (0..ids.len()).step_by(NONZEROS) {
            let ids = ids.slice(start..ids.len().min(start + NONZEROS));
            let (values, out) = (&[0.5; NONZEROS][..ids.len()], &mut out[..WIDTH]);
            kernels.embedding_forward(table, ids, values, vector, out);
        }
    }),
    (ADAM, |kernels, world, ids| {
        let World { tables, gradient, .. } = world;
        let mut tables = tables.borrow_mut();
        let [weights, first, second] = &mut tables[..] else { unreachable!("three tables") };
        let [weights, first, second] = [weights, first, second]
            .map(|table| TableMut::new(ValuesMut::F32(table.as_mut_slice()), WIDTH, WIDTH).expect("whole rows"));
        let optimiser = Kind::Adam.optimiser(first, second);
        let gradient = Matrix::new(&gradient[..ids.len() * WIDTH], WIDTH, WIDTH).expect("whole rows");
        kernels.update_rows(weights, optimiser, ids, gradient, Rounding::Nearest);
    }),
];

const ADAM: &str = "row_update::adam_rows";

/// Its copies share the tables, which no call changes by much.
#[derive(Clone)]
pub(super) struct World {
    tables: Rc<RefCell<Vec<RowTable<f32>>>>,
    lists: Rc<Vec<RowIds<'static>>>,
    calls: usize,
    vector: Aligned<f32>,
    gradient: Rc<Aligned<f32>>,
    out: Aligned<f32>,
}

pub(super) fn shape(rows: usize) -> String {
    format!("{FROM_MEMORY}: f32, {rows} rows of {WIDTH}")
}

pub(super) fn case(kernel: &str, shape: &str) -> Option<Case> {
    (shape == self::shape(ROWS)).then(|| case_of(kernel, ROWS)).flatten()
}

/// All its tables together have so many rows.
fn case_of(kernel: &str, rows: usize) -> Option<Case> {
    let &(kernel, call) = CASES.iter().find(|(name, _)| *name == kernel)?;
    let count = if kernel == ADAM { 3 } else { 1 };
    let (bound, mut random) = (rows / count, Random(1));
    let table = || {
        let mut table = RowTable::zeroed(bound, WIDTH, Placement::default()).expect("memory for the tables");
        // Positive, so that no page is the shared zero page.
        table.as_mut_slice().iter_mut().enumerate().for_each(|(i, value)| *value = 0.5 + (i % 1021) as f32 / 1021.0);
        table
    };
    let tables = Rc::new(RefCell::new((0..count).map(|_| table()).collect()));
    let list = LIST.min(bound / 2);
    // Together as many rows as there are.
    let lists = Rc::new((0..bound / list).map(|_| checked(random.ascending(list, bound), bound)).collect());
    let gradient = Rc::new(random.values(list * WIDTH));
    let world =
        World { tables, lists, calls: 0, vector: random.values(WIDTH), gradient, out: Aligned::filled(0.0, LIST) };
    let elements = (list * WIDTH) as u64;
    let bytes = if kernel == ADAM { 6 } else { 1 } * 4 * elements;
    Some(Case::new(
        kernel,
        shape(rows),
        Cost { elements, bytes, operations: 0 },
        world,
        move |kernels, world| {
            let lists = Rc::clone(&world.lists);
            call(kernels, world, lists[world.calls % lists.len()]);
            world.calls += 1;
        },
        |world| {
            let tables = world.tables.borrow();
            bits(&world.out).into_iter().chain(tables.iter().flat_map(|table| bits(table.row(0)))).collect()
        },
    ))
}

#[cfg(test)]
mod tests {
    use slide_kernels::Isa;

    use super::*;

    #[test]
    fn every_level_has_the_bits_of_the_scalar_one() {
        for (kernel, _) in CASES {
            let result = |isa| {
                let case = case_of(kernel, 600).expect("a case of each");
                case.result_of_one_call(Kernels::for_isa(isa).expect("available"))
            };
            let expected = result(Isa::Scalar);
            assert!(expected.iter().any(|&bits| bits != 0), "{kernel}: a result");
            for isa in Isa::available() {
                assert!(result(isa) == expected, "{kernel} on {isa} has other bits than scalar");
            }
        }
    }

    #[test]
    fn other_kernels_and_shapes_have_none() {
        assert!(case("dot::dot", &shape(ROWS)).is_none());
        assert!(case("row_dot::rows_dot", "from memory: a row").is_none());
    }
}
