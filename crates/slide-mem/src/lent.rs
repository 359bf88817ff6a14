//! Slices of a caller that are shared for the time of a call.

use std::ptr::NonNull;
use std::sync::Arc;

/// A slice that [`lend`] has lent.
#[derive(Debug)]
pub struct Lent<T>(NonNull<[T]>);

// SAFETY: it gives out `&[T]` only, which may be sent and shared if `T` is `Sync`.
unsafe impl<T: Sync> Send for Lent<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Lent<T> {}

impl<T> AsRef<[T]> for Lent<T> {
    fn as_ref(&self) -> &[T] {
        // SAFETY: the pointer was made of a slice whose borrow lasts until `lend` returns. `lend` returns only when it has dropped the
        // last owner of this value, so the slice is borrowed now.
        unsafe { self.0.as_ref() }
    }
}

/// Calls `f` with `slice` as memory that has owners, as interfaces want it that share memory without a lifetime. The slice is not copied.
/// All owners must be gone when `f` returns or panics.
///
/// ```
/// let numbers = [1, 2, 3];
/// let sum: i32 = slide_mem::lend(&numbers, |lent| lent.as_ref().as_ref().iter().sum());
/// assert_eq!(sum, 6);
/// ```
///
/// # Aborts
/// The process ends if an owner is left: it could use the slice when its borrow has ended.
pub fn lend<T: Sync, R>(slice: &[T], f: impl FnOnce(Arc<Lent<T>>) -> R) -> R {
    struct Last<T>(Option<Arc<Lent<T>>>);

    impl<T> Drop for Last<T> {
        fn drop(&mut self) {
            // With `into_inner` no weak reference can become an owner any more.
            if self.0.take().and_then(Arc::into_inner).is_none() {
                std::process::abort();
            }
        }
    }

    let last = Last(Some(Arc::new(Lent(NonNull::from(slice)))));
    let lent = last.0.clone().expect("there is one until the end");
    f(lent)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_slice_is_lent_and_not_copied() {
        let numbers = vec![1_u32, 2, 3];
        let address = lend(&numbers, |lent| {
            let other = Arc::clone(&lent);
            let length = std::thread::spawn(move || other.as_ref().as_ref().len()).join();
            assert_eq!(length.ok(), Some(3));
            lent.as_ref().as_ref().as_ptr()
        });
        assert_eq!(address, numbers.as_ptr());
        assert!(catch_unwind(AssertUnwindSafe(|| lend(&numbers, |_| panic!("a task")))).is_err());
    }
}
