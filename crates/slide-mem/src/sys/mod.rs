//! The operating system: one back end is compiled in, both have the same functions.

#[cfg(all(target_os = "linux", not(any(miri, slide_portable))))]
mod linux;
#[cfg(all(target_os = "linux", not(any(miri, slide_portable))))]
pub(crate) use linux::*;
#[cfg(all(target_os = "linux", not(any(miri, slide_portable))))]
mod lost_pages;
#[cfg(all(target_os = "linux", not(any(miri, slide_portable))))]
pub(crate) use lost_pages::Watch;

#[cfg(not(all(target_os = "linux", not(any(miri, slide_portable)))))]
mod portable;
#[cfg(not(all(target_os = "linux", not(any(miri, slide_portable)))))]
pub(crate) use portable::*;

/// How pages are bound to nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(all(target_os = "linux", not(any(miri, slide_portable)))), allow(dead_code))]
pub(crate) enum BindMode {
    /// On the node if it has room, elsewhere otherwise.
    Preferred,
    /// Round the nodes, page by page.
    Interleave,
}
