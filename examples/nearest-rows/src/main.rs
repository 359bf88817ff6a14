//! Finds the rows of a table that have the greatest dot products with a query: the table on huge pages where the machine
//! has them, the kernels of the best instruction set.
//!
//! Nothing is needed but Rust: `cargo run --release`.

use slide_kernels::{CounterRng, Kernels, Matrix, RngKey, RowIds};
use slide_mem::{Placement, RowTable};

const ROWS: usize = 50_000;
const WIDTH: usize = 128;
const NEAREST: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kernels = Kernels::from_env()?;
    let mut table = RowTable::<f32>::zeroed(ROWS, WIDTH, Placement::default())?;
    let mut random = CounterRng::new(RngKey::new(1, 0, 0, 0));
    for row in 0..ROWS {
        table.row_mut(row).iter_mut().for_each(|value| *value = random.unit_f32() - 0.5);
    }
    println!("kernels: {}\ntable:   {}", kernels.isa(), table.report());

    // The query is row 4711 with some noise, so that row should come first.
    let query: Vec<f32> = table.row(4711).iter().map(|value| value + 0.2 * (random.unit_f32() - 0.5)).collect();

    // Every row is a candidate here; a hash table would name a few. The list is checked once, and could be used again.
    let candidates: Vec<u32> = (0..ROWS as u32).collect();
    let rows = RowIds::new(&candidates, ROWS)?;
    let weights = Matrix::new(table.as_slice(), table.stride(), WIDTH)?;
    let mut scores = vec![0.0; ROWS];
    kernels.rows_dot(weights.into(), rows, &query, &mut scores);

    let (mut nearest, mut products) = ([0; NEAREST], [0.0; NEAREST]);
    kernels.top_k(&scores, &mut nearest, &mut products);
    for (row, product) in nearest.iter().zip(products) {
        println!("row {row:>6}: {product:.3}");
    }
    if nearest[0] != 4711 {
        return Err(format!("row 4711 should come first, not {}", nearest[0]).into());
    }
    Ok(())
}
