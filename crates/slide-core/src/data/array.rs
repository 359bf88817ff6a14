//! The arrays of a data set: owned, or shared with another owner.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A read-only array that a data set shares with others: with its own clones, or with the owner of memory that came from
/// elsewhere (a mapped file, an array of another library), which is then not copied.
///
/// ```
/// use std::sync::Arc;
/// use slide_core::data::Array;
///
/// let owned: Array<u32> = vec![1, 2, 3].into();
/// let elsewhere: Arc<[u32]> = Arc::from([4, 5]);
/// let shared = Array::shared(Arc::new(elsewhere));
/// assert_eq!((owned.len(), &shared[..]), (3, &[4, 5][..]));
/// ```
pub struct Array<T>(Arc<dyn AsRef<[T]> + Send + Sync>);

impl<T> Array<T> {
    /// The array of `owner`, which is kept alive and not copied. `as_ref` must return the same contents each time.
    pub fn shared(owner: Arc<dyn AsRef<[T]> + Send + Sync>) -> Self {
        Self(owner)
    }
}

impl<T> Deref for Array<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        (*self.0).as_ref()
    }
}

impl<T: Send + Sync + 'static> From<Vec<T>> for Array<T> {
    fn from(values: Vec<T>) -> Self {
        Self(Arc::new(values))
    }
}

impl<T: Send + Sync + 'static> Default for Array<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: PartialEq> PartialEq for Array<T> {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl<T: fmt::Debug> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self[..].fmt(f)
    }
}
