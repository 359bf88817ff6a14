//! k-means of label places.

use slide_kernels::Kernels;
use slide_kernels::rng::{CounterRng, RngKey};
use slide_mem::Workers;

use super::router::Rows;
use crate::streams;

/// Lloyd's iterations.
const ROUNDS: u32 = 4;
/// Points of the sample for each list, at most.
const SAMPLE: usize = 16;
/// Points that a worker assigns at a time.
const PIECE: usize = 256;

/// The list of each of the `points`, `[points][columns]`, and the means, `[lists][columns]`: Euclidean k-means of a sample of the
/// points, begun at random ones, then the nearest mean of every point.
pub(super) fn k_means(
    points: &[f32],
    columns: usize,
    lists: usize,
    seed: u64,
    kernels: &Kernels,
    workers: &Workers,
) -> (Vec<u32>, Vec<f32>) {
    let count = points.len() / columns;
    let mut order: Vec<u32> = (0..count as u32).collect();
    CounterRng::new(RngKey::new(seed, streams::INDEX_START, 0, 0)).shuffle(&mut order);
    order.truncate(SAMPLE * lists);
    let point = |&index: &u32| &points[index as usize * columns..(index as usize + 1) * columns];
    let sample: Vec<f32> = order.iter().flat_map(point).copied().collect();
    let mut means = sample[..lists * columns].to_vec();
    let mut assigned = vec![0; order.len()];
    for _ in 0..ROUNDS {
        assign(&sample, columns, &means, &mut assigned, kernels, workers);
        update(&sample, columns, &assigned, &mut means);
    }
    assigned.resize(count, 0);
    assign(points, columns, &means, &mut assigned, kernels, workers);
    (assigned, means)
}

/// The nearest mean of each point.
fn assign(points: &[f32], columns: usize, means: &[f32], assigned: &mut [u32], kernels: &Kernels, workers: &Workers) {
    // |x - m|^2 is least where <x, m> - |m|^2 / 2 is greatest.
    let bias: Vec<f32> =
        means.chunks_exact(columns).map(|mean| -0.5 * mean.iter().map(|x| x * x).sum::<f32>()).collect();
    let rows = Rows::new(means, &bias, columns);
    let mut pieces: Vec<(&[f32], &mut [u32])> =
        points.chunks(PIECE * columns).zip(assigned.chunks_mut(PIECE)).collect();
    let mut scratch: Vec<_> = (0..workers.count()).map(|_| Default::default()).collect();
    workers.each_with(&mut scratch, &mut pieces, |_, (points, assigned), scratch| {
        let (scores, padded) = rows.scores(kernels, points, scratch);
        let mut best = [f32::NEG_INFINITY; PIECE];
        for (index, scores) in scores.chunks_exact(padded).enumerate() {
            for ((list, best), &score) in assigned.iter_mut().zip(&mut best).zip(scores) {
                (*best, *list) = if score > *best { (score, index as u32) } else { (*best, *list) };
            }
        }
    });
}

/// Replaces each mean by that of its points; one without points stays.
fn update(points: &[f32], columns: usize, assigned: &[u32], means: &mut [f32]) {
    let lists = means.len() / columns;
    let (mut sums, mut counts) = (vec![0.0_f32; means.len()], vec![0_u32; lists]);
    for (point, &list) in points.chunks_exact(columns).zip(assigned) {
        counts[list as usize] += 1;
        let sum = &mut sums[list as usize * columns..(list as usize + 1) * columns];
        sum.iter_mut().zip(point).for_each(|(sum, x)| *sum += x);
    }
    for ((mean, sum), &count) in means.chunks_exact_mut(columns).zip(sums.chunks_exact(columns)).zip(&counts) {
        if count > 0 {
            mean.iter_mut().zip(sum).for_each(|(mean, sum)| *mean = sum / count as f32);
        }
    }
}
