//! Where a label lies at first: the direction of its row in the space of whitened queries, in which an angle between two rows says how
//! differently queries score them.

use slide_mem::Workers;

/// Added to the variance of each column, as a share of the mean variance: columns that hardly vary must not be blown up.
const RIDGE: f64 = 1e-3;

/// The whitening of queries: with the covariance `C = L L^T`, a query `q` becomes `L^-1 (q - m)`, and a row `w` becomes `L^T w`, which
/// keeps inner products.
#[derive(Debug)]
pub(super) struct Whitening {
    columns: usize,
    /// `L`, row-major; above the diagonal it is 0.
    lower: Vec<f32>,
}

impl Whitening {
    /// The whitening of a covariance matrix, row-major.
    pub(super) fn new(covariance: &[f32], columns: usize) -> Self {
        let mean = (0..columns).map(|i| f64::from(covariance[i * columns + i])).sum::<f64>() / columns.max(1) as f64;
        // All queries may be equal.
        let ridge = (RIDGE * mean).max(1e-12);
        let mut lower = vec![0.0_f64; columns * columns];
        // Cholesky's decomposition, row by row.
        for i in 0..columns {
            for j in 0..=i {
                let (before, from_i) = lower.split_at(i * columns);
                let row_i = &from_i[..j];
                let row_j = if j < i { &before[j * columns..j * columns + j] } else { row_i };
                let products: f64 = row_i.iter().zip(row_j).map(|(a, b)| a * b).sum();
                let own = f64::from(covariance[i * columns + j]) - products;
                lower[i * columns + j] =
                    if i == j { (own + ridge).max(ridge).sqrt() } else { own / lower[j * columns + j] };
            }
        }
        let lower: Vec<f32> = lower.into_iter().map(|value| value as f32).collect();
        Self { columns, lower }
    }

    /// `L^T x`, in place: the whitening of a row.
    pub(super) fn of_row(&self, x: &mut [f32]) {
        // Element i is the sum of L[j][i] x[j] over j >= i: rows of L added from the first, each final before it is overwritten.
        for j in 0..self.columns {
            let (own, row) = (x[j], &self.lower[j * self.columns..j * self.columns + j]);
            x[..j].iter_mut().zip(row).for_each(|(x, l)| *x += l * own);
            x[j] = own * self.lower[j * self.columns + j];
        }
    }

    /// `L^-T x`, in place: the row whose product with a centred query is that of `x` with the whitened one.
    pub(super) fn row_of_direction(&self, x: &mut [f32]) {
        for j in (0..self.columns).rev() {
            let row = &self.lower[j * self.columns..(j + 1) * self.columns];
            let own = x[j] / row[j];
            x[j] = own;
            x[..j].iter_mut().zip(&row[..j]).for_each(|(x, l)| *x -= l * own);
        }
    }
}

/// The place of each label as a unit vector, `[rows][columns]`: where its row, `row(label)`, less the mean row, points to among whitened
/// queries.
pub(super) fn places(
    whitening: &Whitening,
    rows: usize,
    row: &(dyn Fn(usize, &mut [f32]) + Sync),
    workers: &Workers,
) -> Vec<f32> {
    let columns = whitening.columns;
    let mut places = vec![0.0; rows * columns];
    let mean = mean_row(rows, columns, row);
    let mut each: Vec<&mut [f32]> = places.chunks_exact_mut(columns).collect();
    workers.each(&mut each, |label, place| {
        row(label, place);
        place.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean);
        whitening.of_row(place);
        normalise(place);
    });
    places
}

/// The mean of `rows` rows, which `row` writes.
pub(super) fn mean_row(rows: usize, columns: usize, row: impl Fn(usize, &mut [f32])) -> Vec<f32> {
    let (mut sum, mut one) = (vec![0.0_f64; columns], vec![0.0_f32; columns]);
    for number in 0..rows {
        row(number, &mut one);
        sum.iter_mut().zip(&one).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    sum.into_iter().map(|sum| (sum / rows.max(1) as f64) as f32).collect()
}

/// Scales a vector to length 1; zeros stay.
pub(super) fn normalise(vector: &mut [f32]) {
    let square: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    if square > 0.0 {
        let scale = (1.0 / square.sqrt()) as f32;
        vector.iter_mut().for_each(|x| *x *= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whitened_row_is_as_long_as_its_logits_deviate() {
        let covariance = [4.0, 2.0, 0.0, 2.0, 5.0, 1.0, 0.0, 1.0, 3.0_f32];
        let whitening = Whitening::new(&covariance, 3);
        let row = [0.25_f32, 3.0, -1.0];
        let variance: f32 = (0..9).map(|at| row[at / 3] * covariance[at] * row[at % 3]).sum();
        let mut white = row;
        whitening.of_row(&mut white);
        let square: f32 = white.iter().map(|x| x * x).sum();
        assert!((square / variance - 1.0).abs() < 1e-2, "{square} {variance}");
        whitening.row_of_direction(&mut white);
        assert!(white.iter().zip(&row).all(|(a, b)| (a - b).abs() < 1e-4), "{white:?}");
    }
}
