//! The choice of a level, and the status of a call.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_char};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Once, OnceLock};

use slide_kernels::{Isa, Kernels, Precision};

/// The kernels of one instruction-set level. Values live as long as the program; they are never freed.
pub struct SlideKernels {
    _opaque: [u8; 0],
}

/// The status of a call.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlideStatus {
    /// Success.
    Ok = 0,
    /// An argument is invalid; nothing was written, unless the function says otherwise. See `slide_last_error`.
    InvalidArgument = 1,
}

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::default();
    static IN_CALL: Cell<bool> = const { Cell::new(false) };
}

/// An invalid argument, with a message.
pub(crate) struct Invalid(pub(crate) String);

impl<E: std::error::Error> From<E> for Invalid {
    fn from(error: E) -> Self {
        Invalid(error.to_string())
    }
}

fn remember(message: &str) {
    // Messages do not contain zero bytes.
    let message = CString::new(message.replace('\0', " ")).unwrap_or_default();
    LAST_ERROR.with(|last| *last.borrow_mut() = message);
}

/// Runs the body of an exported function. The checks of the kernels are panics; here they become a status, and print nothing.
pub(crate) fn call(body: impl FnOnce() -> Result<(), Invalid>) -> SlideStatus {
    static HOOK: Once = Once::new();
    // A thread that is panicking already may not change the hook.
    if !std::thread::panicking() {
        HOOK.call_once(|| {
            let previous = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                if !IN_CALL.get() {
                    previous(info);
                }
            }));
        });
    }
    IN_CALL.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    IN_CALL.set(false);
    let message = match result {
        Ok(Ok(())) => return SlideStatus::Ok,
        Ok(Err(Invalid(message))) => message,
        Err(payload) => match (payload.downcast_ref::<String>(), payload.downcast_ref::<&str>()) {
            (Some(message), _) => message.clone(),
            (_, Some(message)) => (*message).to_owned(),
            _ => "an argument is invalid".to_owned(),
        },
    };
    remember(&message);
    SlideStatus::InvalidArgument
}

/// The kernels behind a handle.
///
/// # Safety
/// `kernels` is null or came from one of the functions of this module.
pub(crate) unsafe fn resolve(kernels: *const SlideKernels) -> Result<&'static Kernels, Invalid> {
    // SAFETY: a handle is the address of a `&'static Kernels`' target, as guaranteed by the caller.
    unsafe { kernels.cast::<Kernels>().as_ref() }.ok_or_else(|| Invalid("kernels is NULL".into()))
}

fn handle(kernels: &'static Kernels) -> *const SlideKernels {
    std::ptr::from_ref(kernels).cast()
}

/// The kernels of the most capable level that this machine has.
#[unsafe(no_mangle)]
pub extern "C" fn slide_kernels_best() -> *const SlideKernels {
    handle(Kernels::best())
}

/// The kernels of the level of that name ("scalar", "avx2", "avx512", "avx512vnni", "avx512popcnt", "avx512bf16", "neon",
/// "neonbf16", "sve"); NULL if there is no such level on this machine, and `slide_last_error` lists the available ones.
///
/// # Safety
/// `name` points to a string that ends with a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_kernels_for_isa(name: *const c_char) -> *const SlideKernels {
    if name.is_null() {
        remember("name is NULL");
        return std::ptr::null();
    }
    // SAFETY: not null; the rest is guaranteed by the caller.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
    match name.parse::<Isa>().and_then(Kernels::for_isa) {
        Ok(kernels) => handle(kernels),
        Err(error) => {
            remember(&format!("{name}: {error}"));
            std::ptr::null()
        }
    }
}

/// The kernels of the level that the environment variable SLIDE_ISA names, or the best ones where it is not set; NULL if
/// this machine lacks the level.
#[unsafe(no_mangle)]
pub extern "C" fn slide_kernels_from_env() -> *const SlideKernels {
    match Kernels::from_env() {
        Ok(kernels) => handle(kernels),
        Err(error) => {
            remember(&error.to_string());
            std::ptr::null()
        }
    }
}

/// The kernels of the same level with native precision (`vdpbf16ps`, `bfdot`): faster on `bf16`, but results differ between
/// levels. NULL for NULL.
///
/// # Safety
/// `kernels` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_kernels_native_precision(kernels: *const SlideKernels) -> *const SlideKernels {
    // SAFETY: upheld by the caller.
    match unsafe { resolve(kernels) } {
        Ok(kernels) => handle(kernels.with_precision(Precision::Native)),
        Err(_) => std::ptr::null(),
    }
}

/// The name of the level of these kernels, as `slide_kernels_for_isa` takes it; NULL for NULL.
///
/// # Safety
/// `kernels` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slide_kernels_isa(kernels: *const SlideKernels) -> *const c_char {
    // SAFETY: upheld by the caller.
    let Ok(kernels) = (unsafe { resolve(kernels) }) else { return std::ptr::null() };
    static NAMES: OnceLock<Vec<CString>> = OnceLock::new();
    let names = NAMES.get_or_init(|| Isa::ALL.iter().filter_map(|isa| CString::new(isa.name()).ok()).collect());
    let name = names.iter().find(|name| name.to_bytes() == kernels.isa().name().as_bytes());
    name.map_or(c"unknown".as_ptr(), |name| name.as_ptr())
}

/// The message of the last failed call on this thread; empty if none failed. Valid until the next call on this thread.
#[unsafe(no_mangle)]
pub extern "C" fn slide_last_error() -> *const c_char {
    LAST_ERROR.with(|last| last.borrow().as_ptr())
}
