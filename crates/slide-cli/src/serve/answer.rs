//! Predictions as JSON.

use std::io::Write as _;

use slide_core::Prediction;

use super::model::Served;

/// Bytes of an answer with five labels and their names.
const USUAL: usize = 400;

/// `{"predictions":[{"label":3,"name":"three","probability":0.5}, ...]}` for each example; `separator` between them.
pub(crate) fn of<'a>(
    examples: impl ExactSizeIterator<Item = &'a [Prediction]>,
    served: &Served,
    k: usize,
    separator: u8,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(USUAL * examples.len());
    let mut named = Vec::new();
    for (number, best) in examples.enumerate() {
        if number > 0 {
            out.push(separator);
        }
        match served.table() {
            Some(table) => {
                table.probabilities(best, k, &mut named);
                one(named.iter().copied(), served, &mut out);
            }
            None => one(best.iter().map(|one| (one.label, one.probability)), served, &mut out),
        }
    }
    out
}

fn one(best: impl Iterator<Item = (u32, f32)>, served: &Served, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"predictions":["#);
    for (rank, (label, probability)) in best.enumerate() {
        out.extend_from_slice(if rank == 0 { br#"{"label":"#.as_slice() } else { br#",{"label":"# });
        let _ = write!(out, "{}", served.model().label_numbering().number(label));
        if let Some(name) = served.label_name(label) {
            out.extend_from_slice(br#","name":"#);
            out.extend_from_slice(name.as_bytes());
        }
        out.extend_from_slice(br#","probability":"#);
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(&mut *out, &probability);
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
}
