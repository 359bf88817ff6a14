//! Where a label lies: a direction in the space of whitened queries, so that labels that the same queries ask for are near each
//! other.

use slide_mem::Workers;

use super::build::Queries;

/// Added to the variance of each column, as a share of the mean variance: columns that hardly vary must not be blown up.
const RIDGE: f64 = 1e-3;

/// The whitening of queries: with the covariance `C = L L^T`, a query `q` becomes `L^-1 (q - m)`, and a row `w` becomes `L^T w`, which
/// keeps inner products.
#[derive(Debug)]
pub(super) struct Whitening {
    columns: usize,
    /// `L`, row-major; above the diagonal it is 0.
    lower: Vec<f32>,
    /// `L^T`, row-major.
    upper: Vec<f32>,
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
        let upper = (0..columns * columns).map(|at| lower[at % columns * columns + at / columns]).collect();
        Self { columns, lower, upper }
    }

    /// `L^-1 x`, in place: the whitening of a centred query.
    pub(super) fn of_query(&self, x: &mut [f32]) {
        for j in 0..self.columns {
            let column = &self.upper[j * self.columns..(j + 1) * self.columns];
            let own = x[j] / column[j];
            x[j] = own;
            x[j + 1..].iter_mut().zip(&column[j + 1..]).for_each(|(x, l)| *x -= l * own);
        }
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

/// The place of each label as a unit vector, `[rows][columns]`: the sum of the whitened queries that have it among their own labels
/// or their best ones. A label that no query asks for lies where its row points to, `row(label)`, less the mean row.
pub(super) fn places(
    queries: &Queries,
    whitening: &Whitening,
    rows: usize,
    row: &(dyn Fn(usize, &mut [f32]) + Sync),
    workers: &Workers,
) -> Vec<f32> {
    let columns = queries.columns;
    let mut places = vec![0.0; rows * columns];
    let mut is_asked_for = vec![false; rows];
    for query in 0..queries.count {
        for &label in queries.own(query).iter().chain(queries.best(query)) {
            is_asked_for[label as usize] = true;
            let place = &mut places[label as usize * columns..(label as usize + 1) * columns];
            place.iter_mut().zip(queries.centred(query)).for_each(|(sum, x)| *sum += x);
        }
    }
    let mean = mean_row(rows, columns, row);
    let mut each: Vec<&mut [f32]> = places.chunks_exact_mut(columns).collect();
    workers.each(&mut each, |label, place| {
        if is_asked_for[label] {
            whitening.of_query(place);
        } else {
            row(label, place);
            place.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean);
            whitening.of_row(place);
        }
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
    fn whitening_keeps_inner_products_and_makes_the_covariance_one() {
        let covariance = [4.0, 2.0, 0.0, 2.0, 5.0, 1.0, 0.0, 1.0, 3.0];
        let whitening = Whitening::new(&covariance, 3);
        let (query, row) = ([1.0_f32, -2.0, 0.5], [0.25_f32, 3.0, -1.0]);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let (mut white_query, mut white_row) = (query, row);
        whitening.of_query(&mut white_query);
        whitening.of_row(&mut white_row);
        assert!((dot(&white_query, &white_row) - dot(&query, &row)).abs() < 1e-4);
        let mut back = white_row;
        whitening.row_of_direction(&mut back);
        assert!(back.iter().zip(&row).all(|(a, b)| (a - b).abs() < 1e-4), "{back:?}");
        // The rows of L are whitened to unit vectors, because C = sum of their products.
        let mut first = [whitening.lower[0], whitening.lower[3], whitening.lower[6]];
        whitening.of_query(&mut first);
        assert!((first[0] - 1.0).abs() < 1e-5 && first[1].abs() < 1e-5 && first[2].abs() < 1e-5, "{first:?}");
    }
}
