//! Prefetching for callers that know earlier than the processor what they will read.

use crate::generic::lanes;

/// Bytes of a cache line, or of two halves of one on processors with longer lines.
const LINE: usize = 64;

/// Asks the processor to bring `items` into its first cache, without waiting. Useful some accesses ahead of reading short lists
/// at random places; changes no result.
#[inline]
pub fn prefetch<T>(items: &[T]) {
    let bytes = core::mem::size_of_val(items);
    let first = items.as_ptr().cast::<u8>();
    for offset in (0..bytes).step_by(LINE) {
        lanes::prefetch(first.wrapping_add(offset));
    }
}
