//! One file per family: the table of its functions, and the public methods that check and call them.

pub(crate) mod dot;
