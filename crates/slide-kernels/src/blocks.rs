//! Borrowed views of rows of short codes in blocks of sixteen: what one query is compared with, row after row.

use crate::views::{ShapeError, check_rows};

/// Rows of codes of `BITS` bits, 4 or 1, in blocks of sixteen rows, each row with a scale and an offset: [`NibbleBlocks`] and
/// [`BitBlocks`], which say what a code represents.
///
/// A line has 64 bytes and [`COLUMNS`](CodeBlocks::COLUMNS) columns of a block: its bytes `4 r` to `4 r + 3` are those of row `r`
/// of the block. The lowest `BITS` bits of these four bytes are the first four columns of the line, the next bits the next four, and
/// so on. Block `b` has the rows `16 b` to `16 b + 15`; it is `width / COLUMNS` lines, one after the other, and the blocks
/// follow one another. [`place`](CodeBlocks::place) computes this.
///
/// Any alignment is allowed; lines that begin at multiples of 64 bytes are read fastest.
#[derive(Clone, Copy, Debug)]
pub struct CodeBlocks<'a, const BITS: usize> {
    codes: &'a [u8],
    scales: &'a [f32],
    offsets: &'a [f32],
    width: usize,
}

/// Codes of four bits: code `c` of row `i` represents `scales[i] * (c - 8)`.
pub type NibbleBlocks<'a> = CodeBlocks<'a, 4>;

/// Codes of one bit: a one of row `i` represents `scales[i]`, a zero `-scales[i]`.
pub type BitBlocks<'a> = CodeBlocks<'a, 1>;

impl<'a, const BITS: usize> CodeBlocks<'a, BITS> {
    /// Rows of a block.
    pub const BLOCK: usize = 16;
    /// Columns of a line: 8 for codes of four bits, 32 for single bits.
    pub const COLUMNS: usize = {
        assert!(BITS == 4 || BITS == 1, "a code has four bits or one");
        32 / BITS
    };

    /// A view of `scales.len()` rows of `width` codes.
    ///
    /// # Errors
    /// Unless `width` is a positive multiple of [`COLUMNS`](CodeBlocks::COLUMNS), there are as many offsets as scales, a multiple
    /// of 16, and `codes` has exactly the bytes for the codes.
    pub fn new(codes: &'a [u8], scales: &'a [f32], offsets: &'a [f32], width: usize) -> Result<Self, ShapeError> {
        let (rows, columns) = (scales.len(), Self::COLUMNS);
        if !rows.is_multiple_of(Self::BLOCK) || width == 0 || !width.is_multiple_of(columns) {
            return Err(ShapeError::Blocks { rows, width, columns });
        }
        check_rows(rows, "offsets", offsets.len())?;
        // The codes of a column of a block are whole bytes, so nothing is rounded.
        if (rows * BITS / 8).checked_mul(width) != Some(codes.len()) {
            return Err(ShapeError::Codes { found: codes.len(), rows, width, bits: BITS });
        }
        Ok(CodeBlocks { codes, scales, offsets, width })
    }

    /// Where the code of a row and column lies among rows of this width: the index of its byte, and the number of its lowest bit
    /// there (0 or 4 for codes of four bits).
    ///
    /// Bytes that were 0 are filled with `bytes[byte] |= code << bit`.
    #[must_use]
    pub const fn place(row: usize, column: usize, width: usize) -> (usize, u32) {
        let line = row / Self::BLOCK * (width / Self::COLUMNS) + column / Self::COLUMNS;
        (64 * line + 4 * (row % Self::BLOCK) + column % 4, (column % Self::COLUMNS / 4 * BITS) as u32)
    }

    /// The number of rows, a multiple of 16.
    pub fn rows(&self) -> usize {
        self.scales.len()
    }

    /// Codes per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All codes.
    pub fn codes(&self) -> &'a [u8] {
        self.codes
    }

    /// The scale of each row.
    pub fn scales(&self) -> &'a [f32] {
        self.scales
    }

    /// What is added to the score of each row.
    pub fn offsets(&self) -> &'a [f32] {
        self.offsets
    }

    /// One code, below `2^BITS`.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn code(&self, row: usize, column: usize) -> u8 {
        assert!(row < self.rows() && column < self.width, "code: there is no row {row} or no column {column}");
        let (byte, bit) = Self::place(row, column, self.width);
        self.codes[byte] >> bit & ((1 << BITS) - 1)
    }
}
