//! Pages of a mapped file that can no longer be read: they are replaced by zeros and the loss is recorded, where the process
//! would otherwise be ended by `SIGBUS`.
//!
//! Reading a mapped page raises `SIGBUS` if it lies behind the end of its file, which another process has shortened, or if the
//! disk fails. The first [`Watch`] installs one handler for the process. If the address lies in a watched mapping, the handler
//! replaces the page and all pages behind it by zeros and records that in the watch; reading continues, and
//! [`Watch::lost_from`] reports it afterwards. Any other `SIGBUS` is passed on to the handler that was installed before.
//!
//! The handler may interrupt any instruction of any thread: it takes no lock and allocates nothing. It searches a list of slots
//! that only grows. It may miss a slot that is being changed at that moment, but that is never the slot of the faulting address:
//! the mapping is being read, so its watch exists.
//!
//! # Stack
//! The handler runs on the alternate stack of the thread, if that has one, and needs at most 1 KiB of it besides what the kernel
//! stores there (96 bytes when optimised, 600 when not; `tests/lost_pages.rs` measures it). A handler to which
//! it passes on is not included. The standard library (1.95) gives each of its threads max(`SIGSTKSZ`, `AT_MINSIGSTKSZ`) bytes.
//! - On x86-64 `SIGSTKSZ` is 8 KiB, and the kernel stores about 3 KiB there with AVX-512 (`AT_MINSIGSTKSZ` on Zen 4: 3,376).
//! - With AMX `AT_MINSIGSTKSZ` is 11 KiB, but the kernel stores so much only for a thread whose tile registers are in use. Such a
//!   thread must set up a larger alternate stack to read a mapped file: that of the standard library has no room for any handler.
//! - On 64-bit Arm `SIGSTKSZ` is 16 KiB, and the kernel stores 4.6 KiB at least.

use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering, fence};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::page_bytes;

/// Watches a mapping until it is dropped, which must happen before the mapping is removed.
pub(crate) struct Watch(&'static Slot);

/// An entry of the list of watched mappings. Entries are never freed, but used again.
#[derive(Default)]
struct Slot {
    /// Odd while `start` and `end` are being changed.
    version: AtomicUsize,
    /// The addresses of the mapping; none are watched where `end` is 0.
    start: AtomicUsize,
    end: AtomicUsize,
    /// Offset of the first byte that was lost; `usize::MAX` for none.
    lost_from: AtomicUsize,
    /// Set before the slot is published, never changed.
    next: Option<&'static Slot>,
}

/// The newest slot, null for none. Written only while `CHANGES` is held.
static SLOTS: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());
/// Held while slots are taken and returned; never by the handler.
static CHANGES: Mutex<()> = Mutex::new(());
/// What was installed for `SIGBUS` before.
static PREVIOUS: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());

impl Watch {
    /// Watches the mapping of a file at these addresses, which start at the start of a page.
    ///
    /// # Safety
    /// Until the watch is dropped, the addresses are a private or read-only mapping that is neither removed nor replaced by
    /// others, and it is acceptable to all readers that bytes of it become 0.
    pub(crate) unsafe fn new(addresses: Range<usize>) -> io::Result<Self> {
        install()?;
        let changes = CHANGES.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slots = std::iter::successors(first_slot(), |slot| slot.next);
        let free = slots.find(|slot| slot.end.load(Ordering::Relaxed) == 0);
        let slot = free.unwrap_or_else(|| {
            let slot = Box::leak(Box::new(Slot { next: first_slot(), ..Slot::default() }));
            // Release: a thread that sees the slot sees its contents.
            SLOTS.store(slot, Ordering::Release);
            slot
        });
        slot.lost_from.store(usize::MAX, Ordering::Relaxed);
        slot.set(addresses);
        drop(changes);
        Ok(Self(slot))
    }

    /// Offset of the first byte that was lost up to now: from there on, zeros may have been read.
    pub(crate) fn lost_from(&self) -> Option<usize> {
        // Earlier reads of the mapping may not be reordered after this one.
        fence(Ordering::SeqCst);
        Some(self.0.lost_from.load(Ordering::Relaxed)).filter(|&offset| offset != usize::MAX)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _changes = CHANGES.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.set(0..0);
    }
}

impl Slot {
    /// `CHANGES` is held, so there is one writer.
    fn set(&self, addresses: Range<usize>) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        self.start.store(addresses.start, Ordering::Relaxed);
        self.end.store(addresses.end, Ordering::Relaxed);
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }

    /// The watched addresses; `None` while they change.
    fn addresses(&self) -> Option<Range<usize>> {
        let version = self.version.load(Ordering::Acquire);
        let addresses = self.start.load(Ordering::Relaxed)..self.end.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        (version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version).then_some(addresses)
    }
}

fn first_slot() -> Option<&'static Slot> {
    // SAFETY: the pointer is null or that of a leaked slot, of which only shared references are made.
    unsafe { SLOTS.load(Ordering::Acquire).as_ref() }
}

/// Installs the handler, once for the process.
fn install() -> io::Result<()> {
    static DONE: OnceLock<Result<(), i32>> = OnceLock::new();
    // The handler needs the size of a page: found out now, stored for later.
    page_bytes();
    let done = DONE.get_or_init(|| {
        let failed = || io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL);
        // SAFETY: a `sigaction` of zeros is a valid value of this C structure.
        let mut previous: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: changes nothing and writes one `sigaction`.
        if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &mut previous) } != 0 {
            return Err(failed());
        }
        let mut ours = previous;
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_bus_error;
        ours.sa_sigaction = handler as usize;
        // The same signals are blocked as for the previous handler. On the alternate stack, because the thread may have little
        // of its own left, and because programs in Go require it.
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | previous.sa_flags & (libc::SA_NODEFER | libc::SA_RESTART);
        // Stored before the handler can run.
        PREVIOUS.store(Box::leak(Box::new(previous)), Ordering::Release);
        // SAFETY: `ours` names a handler that may run at any time.
        let status = unsafe { libc::sigaction(libc::SIGBUS, &ours, ptr::null_mut()) };
        if status == 0 { Ok(()) } else { Err(failed()) }
    });
    done.map_err(io::Error::from_raw_os_error)
}

extern "C" fn on_bus_error(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid `info` to a handler with `SA_SIGINFO`. The address is used only if the code says that there
    // is one.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    // SAFETY: the errno of this thread, which the interrupted code may read next.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let before = unsafe { *errno };
    if code != libc::BUS_ADRERR || !replace(address) {
        pass_on(signal, code, info, context);
    }
    // SAFETY: as above.
    unsafe { *errno = before };
}

/// Replaces the page at `address`, and all pages behind it in the same mapping, by zeros. False if no watched mapping has the
/// address, or the system refuses.
fn replace(address: usize) -> bool {
    // A plain loop: chained iterators took 0.5 KiB of stack more where they were not optimised.
    let mut next = first_slot();
    while let Some(slot) = next {
        match slot.addresses() {
            Some(addresses) if addresses.start <= address && address < addresses.end => {
                return replace_rest(slot, &addresses, address);
            }
            _ => next = slot.next,
        }
    }
    false
}

fn replace_rest(slot: &Slot, addresses: &Range<usize>, address: usize) -> bool {
    let page = address - address % page_bytes();
    // Before the zeros are there: a thread that reads one finds the mark.
    slot.lost_from.fetch_min(page - addresses.start, Ordering::SeqCst);
    let flags = libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: the range lies in the mapping that the caller of `Watch::new` has given; the mapping is still there, since this
    // thread was reading from it. The caller has promised that readers accept zeros. A plain system call.
    let start =
        unsafe { libc::mmap(ptr::without_provenance_mut(page), addresses.end - page, libc::PROT_READ, flags, -1, 0) };
    start != libc::MAP_FAILED
}

/// Does what would have happened without this handler.
fn pass_on(signal: libc::c_int, code: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: set before the handler was installed, to a value that is never freed or changed.
    let previous = unsafe { &*PREVIOUS.load(Ordering::Acquire) };
    // Sent by a process, not raised by an instruction, which is executed again when the handler returns.
    let sent = code <= 0;
    match previous.sa_sigaction {
        libc::SIG_IGN if sent => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: plain calls, allowed in handlers. The instruction that is executed again, or the signal that is blocked
            // until this handler returns, ends the process by the default action.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                if sent {
                    libc::raise(signal);
                }
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: a handler that was installed with `SA_SIGINFO` has this type; the arguments are those of the kernel.
            unsafe {
                let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                    std::mem::transmute(handler);
                handler(signal, info, context);
            }
        }
        handler => {
            // SAFETY: a handler that was installed without `SA_SIGINFO` has this type.
            unsafe {
                let handler: extern "C" fn(libc::c_int) = std::mem::transmute(handler);
                handler(signal);
            }
        }
    }
}
