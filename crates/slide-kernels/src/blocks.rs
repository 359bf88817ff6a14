//! Borrowed views of rows of short codes in blocks of sixteen: what one query is compared with, row after row.

use crate::views::{ShapeError, check_rows};

/// Rows of four-bit codes in blocks of sixteen rows: code `c` of row `i` represents `scales[i] * (c - 8)`.
///
/// Block `b` has the rows `16 b` to `16 b + 15`. It is `width / 8` lines of 64 bytes, one after the other; line `g` has the
/// columns `8 g` to `8 g + 7`, and its bytes `4 r` to `4 r + 3` are those of row `16 b + r`: their low halves are the columns
/// `8 g` to `8 g + 3`, their high halves the columns `8 g + 4` to `8 g + 7`. [`place`](NibbleBlocks::place) computes this.
///
/// Any alignment is allowed; lines that begin at multiples of 64 bytes are read fastest.
#[derive(Clone, Copy, Debug)]
pub struct NibbleBlocks<'a> {
    codes: &'a [u8],
    scales: &'a [f32],
    offsets: &'a [f32],
    width: usize,
}

impl<'a> NibbleBlocks<'a> {
    /// Rows of a block.
    pub const BLOCK: usize = 16;
    /// Columns of a line: the width is a multiple of this.
    pub const COLUMNS: usize = 8;

    /// A view of `scales.len()` rows of `width` codes.
    ///
    /// # Errors
    /// Unless `width` is a positive multiple of 8, there are as many offsets as scales, a multiple of 16, and
    /// `codes.len()` is half of the number of codes.
    pub fn new(codes: &'a [u8], scales: &'a [f32], offsets: &'a [f32], width: usize) -> Result<Self, ShapeError> {
        check_blocks(scales.len(), width, Self::COLUMNS)?;
        check_rows(scales.len(), "offsets", offsets.len())?;
        check_codes(codes.len(), scales.len(), width, 4)?;
        Ok(NibbleBlocks { codes, scales, offsets, width })
    }

    /// Where the code of a row and column lies among rows of this width: the index of its byte, and 0 for the low half of
    /// the byte or 4 for the high half, the number of bits by which the code is shifted up there.
    ///
    /// A byte can be filled with `bytes[byte] |= code << shift`, if it was 0 and the code is below 16.
    #[must_use]
    pub const fn place(row: usize, column: usize, width: usize) -> (usize, u32) {
        let (block, line) = (row / Self::BLOCK, column / Self::COLUMNS);
        let byte = block * (width * Self::BLOCK / 2) + 64 * line + 4 * (row % Self::BLOCK) + column % 4;
        (byte, if column % Self::COLUMNS < 4 { 0 } else { 4 })
    }

    /// The number of rows, a multiple of 16.
    pub fn rows(&self) -> usize {
        self.scales.len()
    }

    /// Codes per row, a multiple of 8.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All codes, in pairs.
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

    /// One code, `0..=15`.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn code(&self, row: usize, column: usize) -> u8 {
        assert!(row < self.rows() && column < self.width, "NibbleBlocks::code: no row {row} or no column {column}");
        let (byte, shift) = Self::place(row, column, self.width);
        self.codes[byte] >> shift & 0x0F
    }
}

fn check_blocks(rows: usize, width: usize, columns: usize) -> Result<(), ShapeError> {
    if !rows.is_multiple_of(16) || width == 0 || !width.is_multiple_of(columns) {
        return Err(ShapeError::Blocks { rows, width, columns });
    }
    Ok(())
}

/// `rows` is a multiple of 16, so that the codes of a column are whole bytes.
fn check_codes(found: usize, rows: usize, width: usize, bits: usize) -> Result<(), ShapeError> {
    if (rows / 16 * (2 * bits)).checked_mul(width) != Some(found) {
        return Err(ShapeError::Codes { found, rows, width, bits });
    }
    Ok(())
}
