//! The rows of each list, four bits a weight, in the order in which they are read.

use bytemuck::{Pod, Zeroable};
use slide_kernels::NibbleBlocks;
use slide_mem::Workers;

use super::places::mean_row;
use crate::layer::rows::LayerRows;

/// Rows of a block.
pub(crate) const BLOCK: usize = 16;
/// The row of a place that holds none.
pub(crate) const NO_ROW: u32 = u32::MAX;
/// Scales that are tried for a row, as shares of the one that represents its largest weight.
const SHRINKS: [f32; 4] = [0.95, 0.8, 0.65, 0.5];

/// A line of the cache.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Lists of rows: each row is the mean of its list plus a residual.
#[derive(Clone, Debug)]
pub(crate) struct Lists {
    pub(crate) columns: usize,
    /// Where each list ends, in blocks.
    pub(crate) ends: Vec<u32>,
    /// The mean row of each list, `[lists][columns]`.
    pub(crate) means: Vec<f32>,
    /// The row at each place, [`NO_ROW`] where a block is not full.
    pub(crate) rows: Vec<u32>,
    codes: Vec<Line>,
    pub(crate) scales: Vec<f32>,
    /// Bias of each row, and what the mean query adds to it.
    pub(crate) offsets: Vec<f32>,
}

/// A list in the making.
struct Packed {
    mean: Vec<f32>,
    rows: Vec<u32>,
    codes: Vec<u8>,
    scales: Vec<f32>,
    offsets: Vec<f32>,
}

impl Lists {
    /// Packs the rows of `output` into `count` lists; `lists_of` are those of each row.
    pub(super) fn new(
        output: &LayerRows,
        centre: &[f32],
        lists_of: &[Vec<u32>],
        count: usize,
        workers: &Workers,
    ) -> Self {
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); count];
        for (row, lists) in lists_of.iter().enumerate() {
            lists.iter().for_each(|&list| members[list as usize].push(row as u32));
        }
        let mut packed: Vec<(Vec<u32>, Option<Packed>)> = members.into_iter().map(|rows| (rows, None)).collect();
        workers.each(&mut packed, |_, (rows, packed)| *packed = Some(pack(output, centre, rows)));
        let mut lists = Self::empty(output.columns());
        for packed in packed.into_iter().filter_map(|(_, packed)| packed) {
            lists.means.extend(packed.mean);
            lists.rows.extend(packed.rows);
            lists.scales.extend(packed.scales);
            lists.offsets.extend(packed.offsets);
            lists.push_codes(&packed.codes);
            lists.ends.push((lists.rows.len() / BLOCK) as u32);
        }
        lists
    }

    fn empty(columns: usize) -> Self {
        let (ends, means, rows, codes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { columns, ends, means, rows, codes, scales: Vec::new(), offsets: Vec::new() }
    }

    /// From what is stored.
    pub(crate) fn stored(
        columns: usize,
        ends: Vec<u32>,
        means: Vec<f32>,
        rows: Vec<u32>,
        codes: &[u8],
        scales: Vec<f32>,
        offsets: Vec<f32>,
    ) -> Self {
        let mut lists = Self { ends, means, rows, scales, offsets, ..Self::empty(columns) };
        lists.push_codes(codes);
        lists
    }

    fn push_codes(&mut self, codes: &[u8]) {
        let lines = codes.as_chunks::<64>().0;
        self.codes.extend(lines.iter().map(|&line| Line(line)));
    }

    /// Number of lists.
    pub(crate) fn count(&self) -> usize {
        self.ends.len()
    }

    /// The places of a list.
    pub(super) fn places(&self, list: u32) -> std::ops::Range<usize> {
        let list = list as usize;
        let first = if list == 0 { 0 } else { self.ends[list - 1] };
        first as usize * BLOCK..self.ends[list] as usize * BLOCK
    }

    /// The codes of all places.
    pub(crate) fn codes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.codes)
    }

    /// The blocks of some places of a list.
    pub(super) fn blocks(&self, places: std::ops::Range<usize>) -> NibbleBlocks<'_> {
        let each = self.columns / 2;
        let codes = &self.codes()[places.start * each..places.end * each];
        let (scales, offsets) = (&self.scales[places.clone()], &self.offsets[places]);
        NibbleBlocks::new(codes, scales, offsets, self.columns).expect("whole blocks, and columns in groups of 16")
    }

    /// Bytes of all arrays.
    pub(crate) fn bytes(&self) -> usize {
        let words = self.ends.len() + self.means.len() + self.rows.len() + self.scales.len() + self.offsets.len();
        words * 4 + self.codes().len()
    }
}

fn pack(output: &LayerRows, centre: &[f32], rows: &[u32]) -> Packed {
    let columns = output.columns();
    let places = rows.len().next_multiple_of(BLOCK);
    let mut weights = vec![0.0; rows.len() * columns];
    rows.iter().zip(weights.chunks_exact_mut(columns)).for_each(|(&row, out)| output.copy_row(row as usize, out));
    let mean =
        mean_row(rows.len(), columns, |number, out| out.copy_from_slice(&weights[number * columns..][..columns]));
    let mut packed = Packed {
        mean,
        rows: rows.to_vec(),
        codes: vec![0; places * columns / 2],
        scales: vec![0.0; places],
        offsets: vec![f32::NEG_INFINITY; places],
    };
    packed.rows.resize(places, NO_ROW);
    let mut codes = vec![0_i32; columns];
    for (place, weights) in weights.chunks_exact_mut(columns).enumerate() {
        let product: f64 = weights.iter().zip(centre).map(|(&w, &m)| f64::from(w) * f64::from(m)).sum();
        packed.offsets[place] = (f64::from(output.bias()[rows[place] as usize]) + product) as f32;
        weights.iter_mut().zip(&packed.mean).for_each(|(x, mean)| *x -= mean);
        packed.scales[place] = quantise(weights, &mut codes);
        for (column, &code) in codes.iter().enumerate() {
            let (byte, shift) = NibbleBlocks::place(place, column, columns);
            packed.codes[byte] |= ((code + 8) as u8) << shift;
        }
    }
    packed
}

/// Replaces `codes` by those of -8 to 7 that represent the weights best with one scale, which is returned.
fn quantise(weights: &[f32], codes: &mut [i32]) -> f32 {
    let largest = weights.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    codes.fill(0);
    if largest == 0.0 || !largest.is_finite() {
        return 0.0;
    }
    let code = |x: f32, step: f32| round(x / step).clamp(-8.0, 7.0);
    let mut best = (f32::NEG_INFINITY, 0.0, 0.0);
    for shrink in SHRINKS {
        let step = largest / 7.5 * shrink;
        let (mut square, mut product) = ([0.0_f32; 16], [0.0_f32; 16]);
        for weights in weights.chunks(16) {
            for ((&x, square), product) in weights.iter().zip(&mut square).zip(&mut product) {
                let code = code(x, step);
                *square += code * code;
                *product += code * x;
            }
        }
        let (square, product) = (square.iter().sum::<f32>(), product.iter().sum::<f32>());
        // The scale of least squares for these codes is product / square, and takes this much from the squared error.
        if square > 0.0 && product * product / square > best.0 {
            best = (product * product / square, step, product / square);
        }
    }
    codes.iter_mut().zip(weights).for_each(|(out, &x)| *out = code(x, best.1) as i32);
    best.2
}

/// The nearest integer of a number of less than 2^22, ties to even. (The function of the standard library is a call where the
/// processor need not have an instruction for it.)
fn round(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT) - SHIFT
}
