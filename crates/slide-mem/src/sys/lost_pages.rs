//! Pages of a mapped file that the system can no longer give: zeros in their place, and a mark, instead of death by `SIGBUS`.
//!
//! Reading a mapped page that lies behind the end of its file, since another process has shortened that, or that the disk does not
//! give back, raises `SIGBUS`. The first [`Watch`] installs one handler for the process. For an address inside a watched
//! mapping it puts zeros in the place of the rest of the mapping, marks the watch, and the reader goes on, to ask
//! [`Watch::lost_from`] when it is done. Any other `SIGBUS` is passed on to the handler that was there before.
//!
//! What the handler does is safe at any instruction of any thread: it takes no lock and allocates nothing. It goes
//! through a list of slots that only grows, and in which it can overlook only what is being changed. The slot of the
//! faulting address is not: its mapping is being read, so its watch lives.

use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering, fence};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::page_bytes;

/// Keeps watch over a mapping from its making to its drop, which must come before the mapping's end.
pub(crate) struct Watch(&'static Slot);

/// A place in the list of watched mappings. Slots are never freed, but used again.
#[derive(Default)]
struct Slot {
    /// Odd while `start` and `end` are being changed.
    version: AtomicUsize,
    /// The addresses of the mapping; none are watched where `end` is 0.
    start: AtomicUsize,
    end: AtomicUsize,
    /// The least byte of the mapping that was lost; `usize::MAX` for none.
    lost_from: AtomicUsize,
    /// Set before the slot is published, never changed.
    next: Option<&'static Slot>,
}

/// The slot that was made last, null for none. Written by who holds `CHANGES`.
static SLOTS: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());
/// Held while slots are taken and given back; never by the handler.
static CHANGES: Mutex<()> = Mutex::new(());
/// What is done about a `SIGBUS` that is not ours.
static PREVIOUS: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());

impl Watch {
    /// Watches the mapping of a file at these addresses, the first of them the start of a page.
    ///
    /// # Safety
    /// Until the watch is dropped the addresses are a private or read-only mapping, of which nobody but the maker of this
    /// watch changes the pages, and every reader of its bytes can bear that they become 0.
    pub(crate) unsafe fn new(addresses: Range<usize>) -> io::Result<Self> {
        install()?;
        let changes = CHANGES.lock().unwrap_or_else(PoisonError::into_inner);
        let free = slots().find(|slot| slot.end.load(Ordering::Relaxed) == 0);
        let slot = free.unwrap_or_else(|| {
            let slot = Box::leak(Box::new(Slot { next: slots().next(), ..Slot::default() }));
            // Release: who sees the slot sees it whole.
            SLOTS.store(slot, Ordering::Release);
            slot
        });
        slot.lost_from.store(usize::MAX, Ordering::Relaxed);
        slot.set(addresses);
        drop(changes);
        Ok(Self(slot))
    }

    /// The first byte of the mapping in whose place, and in that of all behind it, zeros may have been read up to now.
    pub(crate) fn lost_from(&self) -> Option<usize> {
        // No read of the mapping that comes before may be delayed until after this one.
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
    /// Under `CHANGES`, so there is one writer.
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

fn slots() -> impl Iterator<Item = &'static Slot> {
    // SAFETY: the pointer is null or that of a leaked slot, of which only shared references are made.
    let first = unsafe { SLOTS.load(Ordering::Acquire).as_ref() };
    std::iter::successors(first, |slot| slot.next)
}

/// Puts the handler in place, once for the process.
fn install() -> io::Result<()> {
    static DONE: OnceLock<Result<(), i32>> = OnceLock::new();
    // The handler needs the size of a page, which is asked for here.
    page_bytes();
    let done = DONE.get_or_init(|| {
        let failed = || io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL);
        // SAFETY: a `sigaction` of zeros is a valid value of this C structure.
        let mut previous: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: only asks, and writes one `sigaction`.
        if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &mut previous) } != 0 {
            return Err(failed());
        }
        let mut ours = previous;
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_bus_error;
        ours.sa_sigaction = handler as usize;
        // With the signals blocked, or not, that the previous handler expects; on the alternate stack, since a fault may
        // come from a thread with little of its own left (and programs in Go insist).
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | previous.sa_flags & (libc::SA_NODEFER | libc::SA_RESTART);
        // Known before the handler may need it.
        PREVIOUS.store(Box::leak(Box::new(previous)), Ordering::Release);
        // SAFETY: `ours` names a handler that may run at any time.
        let status = unsafe { libc::sigaction(libc::SIGBUS, &ours, ptr::null_mut()) };
        if status == 0 { Ok(()) } else { Err(failed()) }
    });
    done.map_err(io::Error::from_raw_os_error)
}

extern "C" fn on_bus_error(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel gives a handler with `SA_SIGINFO` a valid `info`; an address stands there where the code says so, and
    // not where a process has sent the signal.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    // SAFETY: the thread's own errno, which the interrupted code may be about to read.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let before = unsafe { *errno };
    if code != libc::BUS_ADRERR || !replace(address) {
        pass_on(signal, code, info, context);
    }
    // SAFETY: as above.
    unsafe { *errno = before };
}

/// Puts zeros in the place of the page at `address` and all behind it in the same mapping; false if none is watched there, or the
/// system refuses.
fn replace(address: usize) -> bool {
    let watched = slots().find_map(|slot| Some((slot, slot.addresses()?)).filter(|(_, all)| all.contains(&address)));
    let Some((slot, addresses)) = watched else {
        return false;
    };
    let page = address - address % page_bytes();
    // Before the zeros are there: who reads them has lost them already.
    slot.lost_from.fetch_min(page - addresses.start, Ordering::SeqCst);
    let flags = libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: the range lies in the mapping that the caller of `Watch::new` has given us; the mapping lives, since this
    // thread was reading from it. The readers can bear zeros, as the caller has promised. A plain system call.
    let start =
        unsafe { libc::mmap(ptr::without_provenance_mut(page), addresses.end - page, libc::PROT_READ, flags, -1, 0) };
    start != libc::MAP_FAILED
}

/// What would have happened without us.
fn pass_on(signal: libc::c_int, code: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: set before the handler was installed, to a value that is never freed nor changed.
    let previous = unsafe { &*PREVIOUS.load(Ordering::Acquire) };
    // Sent by a process, not raised by an instruction that will be tried again when the handler returns.
    let sent = code <= 0;
    match previous.sa_sigaction {
        libc::SIG_IGN if sent => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: plain calls, allowed in handlers. The instruction that is tried again, or the signal that is blocked
            // until we return, now kills the process as it does by default.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                if sent {
                    libc::raise(signal);
                }
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: a handler that was installed with `SA_SIGINFO` has this type, and gets what the kernel gave.
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
