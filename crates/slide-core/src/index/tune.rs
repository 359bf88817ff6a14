//! How many lists a query reads: as few as find what was asked for.

use super::LabelIndex;
use super::build::Queries;
use super::config::IndexReport;
use super::search::Scratch;
use crate::runtime::Runtime;

/// Best labels that an index is tuned to find.
const TUNED_AT: usize = 5;
/// Breadths are tried in quarters, up to this many.
const MOST_QUARTERS: usize = 80;

impl LabelIndex {
    /// Chooses the least breadth that finds the share `recall` of the five best labels of `queries`; the greatest if none does.
    pub(super) fn tune(&mut self, queries: &Queries, recall: f32, runtime: &Runtime) {
        let (mut low, mut high) = (0, MOST_QUARTERS);
        while low < high {
            let middle = (low + high) / 2;
            if self.measure(queries, middle as f32 / 4.0, runtime) < f64::from(recall) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.measure(queries, low as f32 / 4.0, runtime);
    }

    /// Sets the breadth, reports what it finds, and returns the share of the five best labels.
    fn measure(&mut self, queries: &Queries, breadth: f32, runtime: &Runtime) -> f64 {
        self.breadth = breadth;
        let workers = runtime.workers();
        let best = |query: usize| &queries.best(query)[..TUNED_AT.min(queries.each())];
        // Of each query: whether the best row was found, how many of the five, whether the best row is a label of the example, whether
        // the best row that was found is, rows and lists read.
        let mut counts = vec![[0_usize; 6]; queries.count];
        let mut scratch: Vec<Scratch> = (0..workers.count()).map(|_| Scratch::default()).collect();
        workers.each_with(&mut scratch, &mut counts, |query, counts, scratch| {
            let found = self.rank(runtime.kernels(), queries.centred(query), TUNED_AT, scratch);
            let is_found = |row: &&u32| found.contains(row);
            let is_own = |row: &&u32| queries.own(query).contains(row);
            let [first, five] = [1, TUNED_AT].map(|k| best(query).iter().take(k).filter(is_found).count());
            let exact = best(query).iter().take(1).filter(is_own).count();
            let own = queries.best(query).iter().find(is_found).into_iter().filter(is_own).count();
            *counts = [first, five, exact, own, scratch.rows_read(), scratch.lists_read()];
        });
        let mean = |which: usize| {
            counts.iter().map(|counts| counts[which]).sum::<usize>() as f64 / queries.count.max(1) as f64
        };
        self.report = IndexReport {
            held_out: queries.count,
            recall_at_1: mean(0),
            recall_at_5: mean(1) / TUNED_AT.min(queries.each()).max(1) as f64,
            exact_precision: mean(2),
            precision: mean(3),
            rows_read: mean(4),
            lists_read: mean(5),
            ..self.report
        };
        self.report.recall_at_5
    }
}
