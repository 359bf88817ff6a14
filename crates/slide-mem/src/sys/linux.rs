//! Linux: anonymous mappings with guard pages, huge pages, `mbind`, thread affinity.

use std::fs;
use std::io;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::OnceLock;

use super::BindMode;

/// A private anonymous mapping of this process: zeroed, readable and writable, unmapped on drop.
pub(crate) struct Memory {
    start: NonNull<u8>,
    bytes: usize,
    /// Bytes of inaccessible address space on either side, part of the mapping.
    guard: usize,
}

// SAFETY: `Memory` owns its pages and never reads or writes them; code that makes references to them ensures that they do not
// conflict.
unsafe impl Send for Memory {}
// SAFETY: as above; a shared `Memory` gives its address and length, and the advice that it passes on changes where pages are
// placed, never their content.
unsafe impl Sync for Memory {}

impl Memory {
    /// `bytes` > 0, a multiple of the base page, at a multiple of `align` (a power of two, at least a base page), on
    /// pages of the kernel's choice.
    ///
    /// A guard page on either side makes accesses outside of the mapping fault, and keeps the kernel from merging it with other
    /// mappings, which `smaps` would then report as one.
    pub(crate) fn plain(bytes: usize, align: usize) -> io::Result<Self> {
        let guard = page_bytes();
        let slack = align + guard;
        let reserve =
            bytes.checked_add(slack).and_then(|sum| sum.checked_add(guard)).ok_or(io::ErrorKind::OutOfMemory)?;
        let mapped = map(reserve, libc::PROT_NONE, 0)?.as_ptr();
        let start = (mapped.addr() + guard).next_multiple_of(align);
        let head = start - guard - mapped.addr();
        let tail = reserve - head - guard - bytes - guard;
        // SAFETY: head + guard + bytes + guard + tail == reserve, so both parts lie in the new
        // mapping, which no other code uses, and so does `start`. Unmapping a part of it can
        // only fail for lack of mapping entries, and then leaks address space.
        let memory = unsafe {
            libc::munmap(mapped.cast(), head);
            libc::munmap(mapped.add(reserve - tail).cast(), tail);
            Self { start: NonNull::new_unchecked(mapped.add(head + guard)), bytes, guard }
        };
        // SAFETY: start..start + bytes is page-aligned and in our own mapping.
        check(unsafe { libc::mprotect(memory.pointer(), bytes, libc::PROT_READ | libc::PROT_WRITE) })?;
        Ok(memory)
    }

    /// `bytes` rounded up to whole reserved huge pages of `page_bytes` (a power of two).
    /// The pages are reserved at once: fails if there are too few.
    pub(crate) fn reserved(bytes: usize, page_bytes: usize) -> io::Result<Self> {
        let bytes = bytes.checked_next_multiple_of(page_bytes).ok_or(io::ErrorKind::OutOfMemory)?;
        let flags = libc::MAP_HUGETLB | (page_bytes.ilog2() as libc::c_int) << libc::MAP_HUGE_SHIFT;
        let start = map(bytes, libc::PROT_READ | libc::PROT_WRITE, flags)?;
        Ok(Self { start, bytes, guard: 0 })
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn pointer(&self) -> *mut libc::c_void {
        self.start.as_ptr().cast()
    }

    /// Asks for transparent huge pages, or for none.
    pub(crate) fn advise_transparent(&self, huge: bool) -> io::Result<()> {
        self.advise(if huge { libc::MADV_HUGEPAGE } else { libc::MADV_NOHUGEPAGE })
    }

    /// Touches every page, so that a lack of pages is an error here and not a signal later.
    pub(crate) fn populate(&self) -> io::Result<()> {
        self.advise(libc::MADV_POPULATE_WRITE)
    }

    fn advise(&self, advice: libc::c_int) -> io::Result<()> {
        // SAFETY: the range is this mapping, and no advice passed here changes the content of its pages.
        check(unsafe { libc::madvise(self.pointer(), self.bytes, advice) })
    }

    /// Sets the nodes of the pages of `range` (byte offsets, page-aligned) that are not yet touched.
    pub(crate) fn bind(&self, range: Range<usize>, mode: BindMode, nodes: &[u32]) -> io::Result<()> {
        assert!(range.start <= range.end && range.end <= self.bytes);
        let mode = match mode {
            BindMode::Preferred => libc::MPOL_PREFERRED,
            BindMode::Interleave => libc::MPOL_INTERLEAVE,
        };
        let mask = bit_mask(nodes);
        // The kernel uses one bit less than the number that it is given (mbind(2), BUGS).
        let bits = mask.len() * WORD_BITS + 1;
        // SAFETY: `range` lies in our own mapping (asserted above); the kernel reads `bits` - 1
        // bits of `mask`, which has them; placing untouched pages changes no content.
        let status = unsafe {
            libc::syscall(
                libc::SYS_mbind,
                self.start.as_ptr().add(range.start),
                range.len(),
                mode as libc::c_ulong,
                mask.as_ptr(),
                bits as libc::c_ulong,
                0 as libc::c_uint,
            )
        };
        check(status as libc::c_int)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: `guard` bytes on either side belong to this mapping (established by the
        // constructors), and no reference into it outlives its owner.
        unsafe {
            let start = self.start.as_ptr().sub(self.guard);
            libc::munmap(start.cast(), self.bytes + 2 * self.guard);
        }
    }
}

/// A new private anonymous mapping.
fn map(bytes: usize, protection: libc::c_int, flags: libc::c_int) -> io::Result<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | flags;
    // SAFETY: without MAP_FIXED a new mapping changes no memory that is in use.
    let start = unsafe { libc::mmap(ptr::null_mut(), bytes, protection, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(start.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

fn check(status: libc::c_int) -> io::Result<()> {
    if status == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Bytes of a base page.
pub(crate) fn page_bytes() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| {
        // SAFETY: `sysconf` has no precondition.
        let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(bytes).unwrap_or(4096)
    })
}

/// Bytes of a transparent huge page; `None` if the kernel has none.
pub(crate) fn transparent_page_bytes() -> Option<usize> {
    static BYTES: OnceLock<Option<usize>> = OnceLock::new();
    *BYTES.get_or_init(|| {
        let text = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size").ok()?;
        text.trim().parse().ok().filter(|bytes: &usize| bytes.is_power_of_two())
    })
}

const WORD_BITS: usize = libc::c_ulong::BITS as usize;

/// A set of CPUs or nodes as the kernel represents it: member n is bit n of an array of words.
fn bit_mask(members: &[u32]) -> Vec<libc::c_ulong> {
    let words = members.iter().max().map_or(1, |&last| last as usize / WORD_BITS + 1);
    let mut mask = vec![0; words];
    for &member in members {
        mask[member as usize / WORD_BITS] |= 1 << (member as usize % WORD_BITS);
    }
    mask
}

/// The CPUs on which the calling thread may run, ascending.
pub(crate) fn allowed_cpus() -> io::Result<Vec<u32>> {
    let mut mask: Vec<libc::c_ulong> = vec![0; 1024 / WORD_BITS];
    loop {
        // SAFETY: the kernel writes at most the stated number of bytes, which `mask` has. The raw
        // call takes masks of any size, where `cpu_set_t` ends at 1024 CPUs.
        let bytes = unsafe { libc::syscall(libc::SYS_sched_getaffinity, 0, size_of_val(&mask[..]), mask.as_mut_ptr()) };
        if bytes >= 0 {
            break;
        }
        let error = io::Error::last_os_error();
        // EINVAL: the kernel supports more CPUs than fit.
        if error.raw_os_error() != Some(libc::EINVAL) || mask.len() > 1 << 12 {
            return Err(error);
        }
        mask.resize(mask.len() * 2, 0);
    }
    let bit = |&member: &usize| mask[member / WORD_BITS] >> (member % WORD_BITS) & 1 == 1;
    Ok((0..mask.len() * WORD_BITS).filter(bit).map(|member| member as u32).collect())
}

/// Restricts the calling thread to `cpus`.
pub(crate) fn set_allowed_cpus(cpus: &[u32]) -> io::Result<()> {
    let mask = bit_mask(cpus);
    // SAFETY: the kernel reads the stated number of bytes, which `mask` has.
    let status = unsafe { libc::syscall(libc::SYS_sched_setaffinity, 0, size_of_val(&mask[..]), mask.as_ptr()) };
    check(status as libc::c_int)
}
