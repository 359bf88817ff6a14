//! One mapping, divided into typed, aligned, zeroed slices.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::Pod;

use crate::pages::Region;
use crate::{MemError, Placement, Report};

/// Alignment of every slab in bytes: a cache line, and the widest vector register.
pub(crate) const LINE: usize = 64;

/// A load is delayed by an earlier store whose address differs by a multiple of this, although they do not overlap ("4K
/// aliasing" in Intel's optimisation manual).
const ALIAS: usize = 4096;

/// Successive slabs start this many lines further on modulo [`ALIAS`]: a third of it, so that rows
/// of a table and of its two moments, read and written together, stay 1.3 KiB apart; and odd,
/// so that 64 slabs take all 64 positions.
const STAGGER_LINES: usize = 21;

/// Number of the next staggered start. Shared by all arenas, because tables with a mapping each would all start at a page.
static NEXT_START: AtomicUsize = AtomicUsize::new(0);

/// A mapping with a [`Placement`], divided into slabs. The memory is returned to the system when the arena and all its slabs are
/// dropped.
///
/// ```
/// use slide_mem::{Arena, Placement};
/// # fn main() -> Result<(), slide_mem::MemError> {
/// let bytes = Arena::bytes_for::<f32>(1000)? + Arena::bytes_for::<u32>(50)?;
/// let arena = Arena::new(bytes, Placement::default())?;
/// let mut values = arena.slab::<f32>(1000)?;
/// let ids = arena.slab::<u32>(50)?;
/// values[999] = 1.0;
/// assert_eq!(ids[49], 0);
/// # Ok(())
/// # }
/// ```
pub struct Arena {
    region: Arc<Region>,
    /// Bytes in use, from the start of the region.
    used: Mutex<usize>,
}

/// A zeroed slice of an [`Arena`], aligned to 64 bytes. Owns its elements like a boxed slice.
pub struct Slab<T> {
    start: NonNull<T>,
    len: usize,
    region: Arc<Region>,
    owns: PhantomData<T>,
}

// SAFETY: as for `Box<[T]>`: only the slab refers to its elements (`Arena::slab` gives out each byte once).
unsafe impl<T: Send> Send for Slab<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Slab<T> {}

impl Arena {
    /// Maps `capacity_bytes`, rounded up to whole pages. Pages are not touched yet, unless they are reserved huge pages: under
    /// [`NumaPolicy::Local`](crate::NumaPolicy::Local) a page is placed by the thread that touches it first.
    ///
    /// # Errors
    /// [`MemError::TooLarge`] and [`MemError::OutOfMemory`]. Huge pages or nodes that are not granted are no
    /// error: see [`Arena::report`].
    pub fn new(capacity_bytes: usize, placement: Placement) -> Result<Self, MemError> {
        let region = Region::map(capacity_bytes, placement)?;
        Ok(Self { region: Arc::new(region), used: Mutex::new(0) })
    }

    /// Bytes of capacity that a slab of `len` elements needs at most, with its alignment.
    ///
    /// # Errors
    /// [`MemError::TooLarge`].
    pub fn bytes_for<T: Pod>(len: usize) -> Result<usize, MemError> {
        slab_bytes::<T>(len)?.checked_add(ALIAS + align_of::<T>()).ok_or_else(|| too_large::<T>(len))
    }

    /// Allocates a slab of `len` zeroed elements.
    ///
    /// # Errors
    /// [`MemError::TooLarge`]; [`MemError::ArenaFull`] if the rest of the arena is too small.
    pub fn slab<T: Pod>(&self, len: usize) -> Result<Slab<T>, MemError> {
        let bytes = slab_bytes::<T>(len)?;
        let region = Arc::clone(&self.region);
        if bytes == 0 {
            // No elements, or elements without size: any aligned address is valid.
            return Ok(Slab { start: NonNull::dangling(), len, region, owns: PhantomData });
        }
        // Poisoning is ignored: nothing that can panic runs while the lock is held.
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let base = region.start().as_ptr().addr();
        let residue = NEXT_START.fetch_add(1, Ordering::Relaxed) * STAGGER_LINES * LINE % ALIAS;
        let padding = (residue + ALIAS - (base + *used) % ALIAS) % ALIAS;
        let align = align_of::<T>().max(LINE);
        // No overflow: base + used lies in the mapping, and the last pages of the address space
        // belong to the kernel.
        let offset = (base + *used + padding).next_multiple_of(align) - base;
        let end = offset.checked_add(bytes).filter(|&end| end <= region.bytes());
        let Some(end) = end else {
            return Err(MemError::ArenaFull {
                asked: bytes.saturating_add(offset - *used),
                left: region.bytes() - *used,
                capacity: region.bytes(),
            });
        };
        *used = end;
        // SAFETY: offset <= end <= the size of the region.
        let start = unsafe { region.start().add(offset) }.cast();
        Ok(Slab { start, len, region: Arc::clone(&region), owns: PhantomData })
    }

    /// Bytes of the mapping.
    pub fn capacity_bytes(&self) -> usize {
        self.region.bytes()
    }

    /// What was asked for, what has been granted up to now, and why the two differ.
    pub fn report(&self) -> Report {
        self.region.report()
    }
}

impl<T> Slab<T> {
    /// The report of the arena that the slab belongs to.
    pub fn report(&self) -> Report {
        self.region.report()
    }
}

/// Bytes of `len` elements. At most `isize::MAX`, as for any slice.
fn slab_bytes<T>(len: usize) -> Result<usize, MemError> {
    len.checked_mul(size_of::<T>()).filter(|&bytes| isize::try_from(bytes).is_ok()).ok_or_else(|| too_large::<T>(len))
}

fn too_large<T>(len: usize) -> MemError {
    MemError::TooLarge { what: format!("a slab of {len} elements of {} bytes", size_of::<T>()) }
}

impl<T> Deref for Slab<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `start` is aligned and starts `len` elements that lie in the live mapping (or
        // have no size), and belong to this slab alone; every element is initialised, because
        // the mapping was zeroed and `Pod` types allow any bits. At most `isize::MAX` bytes
        // (`slab_bytes`). `&self` keeps them from being written.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for Slab<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; `&mut self` makes this the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T> fmt::Debug for Slab<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slab({} x {})", self.len, std::any::type_name::<T>())
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arena({} bytes)", self.region.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RowTable;

    /// 512-byte rows of the same number in three tables, as in an optimiser step, must not collide
    /// modulo 4096 bytes, whether the tables share an arena or have a mapping each. (No other unit
    /// test may cut slabs: the counter is shared.)
    #[test]
    fn tables_are_staggered_against_aliasing() {
        let assert_apart = |starts: [usize; 3]| {
            for (a, b) in [(0, 1), (0, 2), (1, 2)] {
                let distance = starts[a].abs_diff(starts[b]) % ALIAS;
                assert!((1024..=ALIAS - 1024).contains(&distance), "{starts:x?}");
            }
        };
        let placement = Placement::default();
        let tables = [(); 3].map(|()| RowTable::<f32>::zeroed(4, 128, placement).unwrap());
        assert_apart(tables.each_ref().map(|table| table.as_slice().as_ptr().addr()));
        let arena = Arena::new(3 * Arena::bytes_for::<f32>(512).unwrap(), placement).unwrap();
        let slabs = [(); 3].map(|()| arena.slab::<f32>(512).unwrap());
        assert_apart(slabs.each_ref().map(|slab| slab.as_ptr().addr()));
    }
}
