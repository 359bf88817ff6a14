//! Which lists a label is in: those that the queries with it among their best labels are routed to.

use slide_kernels::{Kernels, numerics};
use slide_mem::Workers;

use super::build::Queries;
use super::router::{Products, Rows, Training};

/// Queries that a worker routes at a time.
const PIECE: usize = 256;
/// Lists of a query that count for the mass of its labels, at most.
const ROUTED: usize = 8;
/// Queries that must want a label for it to move.
const FEWEST: usize = 8;
/// Lists of a label at most, and
const MOST_LISTS: usize = 3;
/// the share of a label's mass that another list than the first must have.
const SHARE: f32 = 0.15;

/// The lists that queries are routed to with the highest probabilities, [`ROUTED`] of each query.
type Routed = Vec<(u32, f32)>;

#[derive(Default)]
struct Scratch {
    products: Products,
    logits: Vec<f32>,
    top: Vec<u32>,
    top_logits: Vec<f32>,
}

/// Moves each label to the list that has most of its mass, and to at most two more that have a share of it. The mass of a label in a
/// list is the sum of the probabilities with which the queries that have the label among their best are routed there. A label that
/// fewer than [`FEWEST`] queries have among their best stays where it is: where so few go says less than its row does.
pub(super) fn reassign(
    queries: &Queries,
    training: &Training,
    lists_of: &mut [Vec<u32>],
    kernels: &Kernels,
    workers: &Workers,
) {
    let rows = Rows::new(&training.rows, &training.bias, queries.columns);
    let mut pieces: Vec<(&[f32], Routed)> =
        queries.values.chunks(PIECE * queries.columns).map(|vectors| (vectors, Routed::new())).collect();
    let mut scratch: Vec<Scratch> = (0..workers.count()).map(|_| Scratch::default()).collect();
    workers.each_with(&mut scratch, &mut pieces, |_, (vectors, routed), scratch| {
        route(&rows, vectors, vectors.len() / queries.columns, kernels, scratch, routed);
    });
    let mut wanted = vec![0; lists_of.len()];
    queries.best.iter().for_each(|&label| wanted[label as usize] += 1);
    // Queries ascend, so that each sum has a fixed order.
    let mut masses: Vec<Routed> = vec![Vec::new(); lists_of.len()];
    let routed = pieces.iter().flat_map(|(_, routed)| routed.chunks_exact(ROUTED));
    for (query, routed) in routed.enumerate() {
        for &label in queries.best(query).iter().filter(|label| wanted[**label as usize] >= FEWEST) {
            let masses = &mut masses[label as usize];
            for &(list, probability) in routed {
                match masses.iter_mut().find(|(other, _)| *other == list) {
                    Some((_, mass)) => *mass += probability,
                    None => masses.push((list, probability)),
                }
            }
        }
    }
    for (lists, mut masses) in lists_of.iter_mut().zip(masses) {
        let total: f32 = masses.iter().map(|(_, mass)| mass).sum();
        masses.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let Some((first, others)) = masses.split_first() else { continue };
        let others = others.iter().take(MOST_LISTS - 1).filter(|(_, mass)| *mass >= SHARE * total);
        *lists = std::iter::once(first).chain(others).map(|(list, _)| *list).collect();
    }
}

/// Adds the lists of `count` queries to `routed`.
fn route(
    rows: &Rows<'_>,
    vectors: &[f32],
    count: usize,
    kernels: &Kernels,
    scratch: &mut Scratch,
    routed: &mut Routed,
) {
    let Scratch { products, logits, top, top_logits } = scratch;
    let (scores, padded) = rows.scores(kernels, vectors, products);
    top.resize(ROUTED, 0);
    top_logits.resize(ROUTED, 0.0);
    for query in 0..count {
        logits.clear();
        logits.extend(scores.chunks_exact(padded).map(|scores| scores[query]));
        let (max, sum) = kernels.max_sum(logits);
        let found = kernels.top_k(logits, top, top_logits);
        let probabilities = top_logits[..found].iter().map(|logit| numerics::exp(logit - max) / sum);
        routed.extend(top[..found].iter().copied().zip(probabilities));
        // Where there are fewer lists.
        routed.resize(routed.len().next_multiple_of(ROUTED), (0, 0.0));
    }
}
