//! Any other system, Miri, and `--cfg slide_portable`: plain memory from the allocator, no placement, no pinning.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::io;
use std::ops::Range;
use std::ptr::NonNull;

use super::BindMode;

/// Zeroed memory of this process, freed on drop.
pub(crate) struct Memory {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: `Memory` owns its bytes and never reads or writes them; code that makes references to them ensures that they do not
// conflict.
unsafe impl Send for Memory {}
// SAFETY: as above; a shared `Memory` gives only its address and length.
unsafe impl Sync for Memory {}

impl Memory {
    /// `bytes` > 0 zeroed bytes at a multiple of `align` (a power of two).
    pub(crate) fn plain(bytes: usize, align: usize) -> io::Result<Self> {
        let layout = Layout::from_size_align(bytes.max(1), align)
            .map_err(|error| io::Error::new(io::ErrorKind::OutOfMemory, error))?;
        // SAFETY: the layout's size is at least 1.
        let start = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(start).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, layout })
    }

    pub(crate) fn reserved(_bytes: usize, _page_bytes: usize) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn bytes(&self) -> usize {
        self.layout.size()
    }

    pub(crate) fn advise_transparent(&self, _huge: bool) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn populate(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn bind(&self, _range: Range<usize>, _mode: BindMode, _nodes: &[u32]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: `start` came from `alloc_zeroed` with this layout and is freed once.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

/// Does nothing on these systems.
pub(crate) struct Watch;

impl Watch {
    /// # Safety
    /// Nothing is required here; see the one for Linux.
    pub(crate) unsafe fn new(_addresses: Range<usize>) -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn lost_from(&self) -> Option<usize> {
        None
    }
}

pub(crate) fn page_bytes() -> usize {
    4096
}

pub(crate) fn transparent_page_bytes() -> Option<usize> {
    None
}

pub(crate) fn allowed_cpus() -> io::Result<Vec<u32>> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn set_allowed_cpus(_cpus: &[u32]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
