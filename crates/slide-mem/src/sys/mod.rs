//! The operating system: one of two implementations with the same functions is compiled.

cfg_if::cfg_if! {
    if #[cfg(all(target_os = "linux", not(any(miri, slide_portable))))] {
        mod linux;
        mod lost_pages;
        pub(crate) use linux::*;
        pub(crate) use lost_pages::Watch;
    } else {
        mod portable;
        pub(crate) use portable::*;
    }
}

/// How pages are bound to nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(all(target_os = "linux", not(any(miri, slide_portable)))), allow(dead_code))]
pub(crate) enum BindMode {
    /// On the node while it has free memory, then on others.
    Preferred,
    /// Distributed over the nodes, page by page.
    Interleave,
}
