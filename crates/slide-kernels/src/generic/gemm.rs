//! Bodies of [`crate::api::gemm`]: three products with one loop nest around the tiles of [`super::tile`].
//!
//! All have the form `out[j][lane] += sum_i left(j, i) * right[i][lane]`:
//!
//! | product  | j      | i    | lane    |
//! |----------|--------|------|---------|
//! | forward  | row    | k    | example  |
//! | backward | example | row  | k       |
//! | gradient | row    | example | k     |
//!
//! The right factor is packed, one panel at a time, into a buffer on the stack that fits L1 (scattered rows and wide strides
//! would map to few cache sets); `bf16` is widened while packing. A chain that spans two panels continues from the value stored
//! in `out`, so the order of its additions is that of the specification.
//!
//! Instructions that multiply pairs of `bf16` read the rows as they are stored, and a panel that was rounded to `bf16`
//! ([`Factors`]).

use core::mem::MaybeUninit;
use core::ops::Range;

use half::bf16;

use super::factors::{Factors, Plain, Widened, pack};
use super::lanes::prefetch_l2;
use super::tile::{MOST_ROWS, PackingTiles, Tile, TileFunction, TileList};
use super::{LANES, SimdF32x16, Storage};
use crate::tuning::{CACHED, PANEL};
use crate::{Matrix, MatrixI8, MatrixMut, RowIds, Values, views};

/// The right factor of a panel, packed.
#[repr(align(64))]
struct Panel(#[expect(dead_code, reason = "used through a pointer")] [MaybeUninit<f32>; PANEL]);

/// The most elements of a left factor that a tile needs: as deep as a panel of one vector.
const BUFFER: usize = MOST_ROWS * PANEL / LANES;

/// Rows of a left factor, widened or padded to whole steps.
#[repr(align(64))]
struct Buffer(#[expect(dead_code, reason = "used through a pointer")] [MaybeUninit<f32>; BUFFER]);

/// Tile functions of a back end: `tiles[n - 1]` are those of `n` vectors.
pub(crate) type Tiles = &'static [TileList];

/// Elements of a factor in memory: row `i` starts at `start + row(i) * stride`, where `row(i)` is `ids[i]` or, without
/// `ids`, `i` itself.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a, S> {
    start: *const S,
    stride: usize,
    ids: Option<&'a [u32]>,
    /// Whether prefetching is unnecessary.
    cached: bool,
}

impl<'a, S> Rows<'a, S> {
    fn of_table(values: &[S], stride: usize, ids: &'a [u32]) -> Self {
        Rows { start: values.as_ptr(), stride, ids: Some(ids), cached: size_of_val(values) <= CACHED }
    }

    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> *const S {
        let row = match self.ids {
            Some(ids) => ids[i] as usize,
            None => i,
        };
        self.start.wrapping_add(row * self.stride)
    }

    /// Prefetches `count` elements from `first` on, of each of `rows`.
    #[inline(always)]
    fn ask(&self, rows: Range<usize>, first: usize, count: usize) {
        if self.cached {
            return;
        }
        for i in rows {
            let row = self.row(i).wrapping_add(first).cast::<u8>();
            for offset in (0..count * size_of::<S>()).step_by(64) {
                prefetch_l2(row.wrapping_add(offset));
            }
        }
    }
}

impl<'a> From<Matrix<'a>> for Rows<'a, f32> {
    fn from(matrix: Matrix<'a>) -> Self {
        Rows { start: matrix.data().as_ptr(), stride: matrix.stride(), ids: None, cached: true }
    }
}

impl<'a> From<Matrix<'a, u8>> for Rows<'a, u8> {
    fn from(matrix: Matrix<'a, u8>) -> Self {
        Rows { start: matrix.data().as_ptr(), stride: matrix.stride(), ids: None, cached: true }
    }
}

/// Untyped; the type is known to the factors.
impl<'a> From<MatrixI8<'a>> for Rows<'a, u8> {
    fn from(matrix: MatrixI8<'a>) -> Self {
        Rows { start: matrix.values().as_ptr().cast(), stride: matrix.stride(), ids: None, cached: true }
    }
}

/// What the first tile of a panel packs it from: fields of [`Tile`].
#[derive(Clone, Copy)]
struct Packing {
    function: TileFunction,
    source: *const u8,
    step: usize,
    ids: *const u32,
}

/// A product, without its factors.
struct Product<'a> {
    out: *mut f32,
    out_stride: usize,
    /// Rows of `out`.
    rows: usize,
    /// Columns of `out`.
    lanes: usize,
    /// Length of the chains.
    depth: usize,
    tiles: Tiles,
    start: Start<'a>,
}

/// Where the chains start.
#[derive(Clone, Copy)]
enum Start<'a> {
    /// At what `out` holds.
    Out,
    /// Bias and row indices.
    Bias(&'a [f32], &'a [u32]),
    /// At what [`Factors::start`] says.
    Factors,
}

impl Product<'_> {
    /// Lanes of a panel, and its depth.
    fn panel_shape(&self) -> (usize, usize) {
        let vectors = self.tiles.len().min(self.lanes.div_ceil(LANES)).max(1);
        (vectors * LANES, PANEL / (vectors * LANES))
    }

    /// About how many tiles the rows of a panel are cut into.
    fn tiles_of_rows(&self) -> usize {
        let most = self.tiles[self.panel_shape().0 / LANES - 1].functions[0].0;
        self.rows.div_ceil(most).max(1)
    }

    /// Processes the rows of one panel of `depth` steps, tile by tile.
    ///
    /// # Safety
    /// The tile functions may be called; panel and pointers are valid for the product.
    #[inline(always)]
    unsafe fn panel(
        &self,
        panel: *mut f32,
        depth: usize,
        lane: usize,
        lanes: usize,
        left_step: usize,
        mut packing: Option<Packing>,
        left: &mut impl Left,
    ) {
        let vectors = lanes.div_ceil(LANES);
        let mut tile = Tile {
            left: [core::ptr::null(); MOST_ROWS],
            left_step,
            panel,
            depth,
            out: self.out,
            out_stride: self.out_stride,
            last_lanes: lanes - (vectors - 1) * LANES,
            start: None,
            source: packing.map_or(core::ptr::null(), |packing| packing.source),
            source_step: packing.map_or(0, |packing| packing.step),
            ids: packing.map_or(core::ptr::null(), |packing| packing.ids),
        };
        let mut j = 0;
        for &(rows, function) in self.tiles[vectors - 1].functions {
            while j + rows <= self.rows {
                // SAFETY: `j + rows` is at most the number of rows, for which the caller has pointers.
                unsafe { left.set(j, rows, &mut tile) };
                tile.out = self.out.wrapping_add(j * self.out_stride + lane);
                let function = packing.take().map_or(function, |packing| packing.function);
                // SAFETY: the caller has a level with these tiles; those of the tile's pointers are of the product.
                unsafe { function(&tile) };
                j += rows;
            }
        }
    }
}

/// # Safety
/// The contract of [`crate::api::gemm::Table::forward`]; the functions of `tiles` may be called.
#[inline(always)]
pub(crate) unsafe fn forward<L: SimdF32x16>(
    tiles: Tiles,
    table: views::Table<'_>,
    rows: RowIds<'_>,
    bias: &[f32],
    inputs: Matrix<'_>,
    out: MatrixMut<'_>,
) {
    // SAFETY: a `Kernels` value proves the level; `Kernels::gemm_forward` checked rows and shapes; the tiles are those
    // of the back end.
    unsafe {
        match table.values() {
            Values::F32(values) => forward_by::<L, Plain>(tiles, values, table.stride(), rows, bias, inputs, out),
            Values::Bf16(values) => forward_by::<L, Widened>(tiles, values, table.stride(), rows, bias, inputs, out),
        }
    }
}

/// # Safety
/// As of [`forward`], of whose table these are the values; the tiles are made for the factors.
#[inline(always)]
pub(crate) unsafe fn forward_by<L: SimdF32x16, F: Factors<L, Right = f32>>(
    tiles: Tiles,
    values: &[F::Left],
    stride: usize,
    rows: RowIds<'_>,
    bias: &[f32],
    inputs: Matrix<'_>,
    mut out: MatrixMut<'_>,
) {
    let product = Product {
        out_stride: out.stride(),
        out: out.data_mut().as_mut_ptr(),
        rows: rows.len(),
        lanes: inputs.width(),
        depth: inputs.rows(),
        tiles,
        start: Start::Bias(bias, rows.ids()),
    };
    if product.depth == 0 {
        for (out, &row) in out.data_mut().chunks_mut(product.out_stride).zip(rows.ids()) {
            out[..product.lanes].fill(bias[row as usize]);
        }
        return;
    }
    // SAFETY: a `Kernels` value proves the level; `Kernels::gemm_forward` checked rows and shapes; the back end paired
    // tiles and factors.
    unsafe { rows_times::<L, F>(&product, Rows::of_table(values, stride, rows.ids()), inputs.into()) }
}

/// # Safety
/// The contract of [`crate::api::byte_gemm::Table::gemm_i8`]; the functions of `tiles` may be called, and take lanes for `i32`.
#[inline(always)]
pub(crate) unsafe fn bytes_by<'a, L: SimdF32x16, F: Factors<L, Left = i8, Right = u8>>(
    tiles: Tiles,
    values: MatrixI8<'_>,
    rows: RowIds<'_>,
    vectors: impl Into<Rows<'a, u8>>,
    out: &mut [i32],
) {
    if values.width() == 0 || out.is_empty() {
        return out.fill(0);
    }
    let lanes = out.len() / rows.len();
    let product = Product {
        out: out.as_mut_ptr().cast(),
        out_stride: lanes,
        rows: rows.len(),
        lanes,
        depth: values.width(),
        tiles,
        start: Start::Factors,
    };
    // SAFETY: a `Kernels` value proves the level; the public method checked rows and shapes; the back end paired tiles
    // and factors.
    unsafe {
        rows_times::<L, F>(&product, Rows::of_table(values.values(), values.stride(), rows.ids()), vectors.into())
    }
}

/// # Safety
/// The contract of [`crate::api::gemm::Table::gradient`]; the functions of `tiles` may be called.
#[inline(always)]
pub(crate) unsafe fn gradient<L: SimdF32x16>(
    tiles: Tiles,
    deltas: Matrix<'_>,
    inputs: Matrix<'_>,
    mut gradient: MatrixMut<'_>,
) {
    let product = Product {
        out_stride: gradient.stride(),
        out: gradient.data_mut().as_mut_ptr(),
        rows: deltas.rows(),
        lanes: inputs.width(),
        depth: deltas.width(),
        tiles,
        start: Start::Out,
    };
    // SAFETY: a `Kernels` value proves the level; `Kernels::gemm_gradient` checked the shapes; the tiles are those of
    // the back end.
    unsafe { rows_times::<L, Plain>(&product, deltas.into(), inputs.into()) }
}

/// Where the left factor of a tile lies. (A trait, not a closure: closures are not always inlined.)
trait Left {
    /// Sets it for `rows` rows from `j` on, and where their chains start.
    ///
    /// # Safety
    /// The instruction set of the product is available; it has these rows.
    unsafe fn set(&mut self, j: usize, rows: usize, tile: &mut Tile);
}

/// A left factor that is stored by rows, of which a panel takes `depth` elements from `first` on.
struct RowsOf<'a, L: SimdF32x16, F: Factors<L>> {
    product: &'a Product<'a>,
    left: Rows<'a, F::Left>,
    first: usize,
    depth: usize,
    /// Whether the rows are prefetched; the following panels find them in the cache.
    ask: bool,
    /// Room for so many words of each row of a tile.
    buffer: *mut f32,
    words_at_once: usize,
}

impl<L: SimdF32x16, F: Factors<L>> Left for RowsOf<'_, L, F> {
    #[inline(always)]
    unsafe fn set(&mut self, j: usize, rows: usize, tile: &mut Tile) {
        for (n, to) in tile.left[..rows].iter_mut().enumerate() {
            let row = self.left.row(j + n).wrapping_add(self.first);
            // SAFETY: guaranteed by the caller; the buffer has room for the panels' depth of each row of a tile.
            *to = unsafe { F::row(row, self.buffer.wrapping_add(n * self.words_at_once), self.depth) };
        }
        if self.ask {
            let end = self.product.rows;
            self.left.ask((j + rows).min(end)..(j + 2 * rows).min(end), self.first, self.depth);
        }
        if self.first > 0 {
            return;
        }
        match self.product.start {
            Start::Out => {}
            Start::Bias(bias, ids) => {
                let mut start = [0.0; MOST_ROWS];
                for (start, &id) in start.iter_mut().zip(&ids[j..j + rows]) {
                    *start = bias[id as usize];
                }
                tile.start = Some(start);
            }
            Start::Factors => {
                let mut start = [0.0; MOST_ROWS];
                for (n, start) in start[..rows].iter_mut().enumerate() {
                    // SAFETY: guaranteed by the caller: the rows are as long as the product is deep.
                    *start = unsafe { F::start(self.left.row(j + n), self.product.depth) };
                }
                tile.start = Some(start);
            }
        }
    }
}

/// Rows of the right factor are prefetched at an even rate.
struct ColumnsOf<'a, S> {
    columns: *const f32,
    right: Rows<'a, S>,
    asked: usize,
    end: usize,
    at_once: usize,
    lanes: usize,
}

impl<S> Left for ColumnsOf<'_, S> {
    #[inline(always)]
    unsafe fn set(&mut self, j: usize, rows: usize, tile: &mut Tile) {
        for (n, column) in tile.left[..rows].iter_mut().enumerate() {
            *column = self.columns.wrapping_add(j + n);
        }
        let until = (self.asked + self.at_once).min(self.end);
        self.right.ask(self.asked..until, 0, self.lanes);
        self.asked = until;
    }
}

/// A product whose left factor is stored by rows.
///
/// # Safety
/// The instruction set of `L` is available; the factors fit the product; the functions of its tiles may be called, and are
/// made for `F`.
#[inline(always)]
unsafe fn rows_times<L: SimdF32x16, F: Factors<L>>(
    product: &Product<'_>,
    left: Rows<'_, F::Left>,
    right: Rows<'_, F::Right>,
) {
    let mut panel = MaybeUninit::<Panel>::uninit();
    let panel = panel.as_mut_ptr().cast::<f32>();
    let mut buffer = MaybeUninit::<Buffer>::uninit();
    let buffer = buffer.as_mut_ptr().cast::<f32>();
    let (lanes_at_once, words_at_once) = product.panel_shape();
    let depth_at_once = words_at_once * F::IN_WORD;
    for first in (0..product.depth).step_by(depth_at_once) {
        let depth = (product.depth - first).min(depth_at_once);
        for lane in (0..product.lanes).step_by(lanes_at_once) {
            let lanes = (product.lanes - lane).min(lanes_at_once);
            let mut rows = RowsOf::<L, F> { product, left, first, depth, ask: lane == 0, buffer, words_at_once };
            // SAFETY: guaranteed by the caller; panel and buffer have room for what is written to them, and it is written
            // before it is read.
            unsafe {
                F::pack(panel, right, first, depth, lane, lanes);
                product.panel(panel, depth.div_ceil(F::STEP), lane, lanes, 1, None, &mut rows);
            }
        }
    }
}

/// # Safety
/// The contract of [`crate::api::gemm::Table::backward`]; the functions of `tiles` may be called.
#[inline(always)]
pub(crate) unsafe fn backward<L: SimdF32x16>(
    tiles: Tiles,
    table: views::Table<'_>,
    rows: RowIds<'_>,
    deltas: Matrix<'_>,
    mut input_gradient: MatrixMut<'_>,
) {
    let product = Product {
        out_stride: input_gradient.stride(),
        out: input_gradient.data_mut().as_mut_ptr(),
        rows: deltas.width(),
        lanes: table.width(),
        depth: rows.len(),
        tiles,
        start: Start::Out,
    };
    let (stride, ids) = (table.stride(), rows.ids());
    // SAFETY: a `Kernels` value proves the level; `Kernels::gemm_backward` checked rows and shapes; the tiles are
    // those of the back end.
    unsafe {
        match table.values() {
            Values::F32(values) => {
                let right = Rows::of_table(values, stride, ids);
                columns_times::<L, f32>(&product, deltas, right, |tiles| tiles.of_f32)
            }
            Values::Bf16(values) => {
                let right = Rows::of_table(values, stride, ids);
                columns_times::<L, bf16>(&product, deltas, right, |tiles| tiles.of_bf16)
            }
        }
    }
}

/// A product whose left factor is stored by columns, and whose right factor is scattered rows.
///
/// # Safety
/// The instruction set of `L` is available; the factors fit the product; the functions of its tiles may be called.
#[inline(always)]
unsafe fn columns_times<L: SimdF32x16, S: Storage>(
    product: &Product<'_>,
    left: Matrix<'_>,
    right: Rows<'_, S>,
    packing: impl Fn(&PackingTiles) -> TileFunction,
) {
    let mut panel = MaybeUninit::<Panel>::uninit();
    let panel = panel.as_mut_ptr().cast::<f32>();
    let (lanes_at_once, depth_at_once) = product.panel_shape();
    right.ask(0..product.depth.min(depth_at_once), 0, product.lanes);
    for first in (0..product.depth).step_by(depth_at_once) {
        let depth = (product.depth - first).min(depth_at_once);
        // While the rows of this panel are used, those of the next one are prefetched at an even rate.
        let asked = first + depth;
        let end = (asked + depth_at_once).min(product.depth);
        let steps = product.tiles_of_rows() * product.lanes.div_ceil(lanes_at_once);
        let at_once = (end - asked).div_ceil(steps.max(1));
        let columns = left.data().as_ptr().wrapping_add(first * left.stride());
        let mut columns = ColumnsOf { columns, right, asked, end, at_once, lanes: product.lanes };
        for lane in (0..product.lanes).step_by(lanes_at_once) {
            let lanes = (product.lanes - lane).min(lanes_at_once);
            let list = &product.tiles[lanes.div_ceil(LANES) - 1];
            let packing = match right.ids.zip(list.packing.as_ref()) {
                Some((ids, tiles)) if lanes.is_multiple_of(LANES) && product.rows >= list.functions[0].0 => {
                    Some(Packing {
                        function: packing(tiles),
                        source: right.start.wrapping_add(lane).cast(),
                        step: right.stride * size_of::<S>(),
                        ids: ids[first..first + depth].as_ptr(),
                    })
                }
                _ => None,
            };
            // SAFETY: guaranteed by the caller; the panel has room for what is written to it, and it is written before it is
            // read.
            unsafe {
                if packing.is_none() {
                    pack::<L, S>(panel, right, first, depth, lane, lanes);
                }
                product.panel(panel, depth, lane, lanes, left.stride(), packing, &mut columns);
            }
        }
    }
}
