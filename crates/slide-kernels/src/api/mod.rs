//! One file per family: the table of its functions, and the public methods that check and call them.

/// Defines the table of a family: one function per kernel.
macro_rules! table {
    ($($(#[$attribute:meta])* $name:ident: $function:ty),* $(,)?) => {
        /// The functions of the family.
        #[derive(Clone, Copy)]
        pub(crate) struct Table {
            $($(#[$attribute])* pub(crate) $name: $function,)*
        }

        impl Table {
            /// Calls `visit` with the family, name and address of each function.
            pub(crate) fn visit(&self, family: &'static str, visit: &mut dyn FnMut(&'static str, &'static str, usize)) {
                $(visit(family, stringify!($name), self.$name as *const () as usize);)*
            }
        }
    };
}

pub(crate) mod axpy;
pub(crate) mod blocks;
pub(crate) mod byte_gemm;
pub(crate) mod codes;
pub(crate) mod convert;
pub(crate) mod csr_to_csc;
pub(crate) mod dot;
pub(crate) mod elementwise;
pub(crate) mod embedding;
pub(crate) mod gemm;
pub(crate) mod hadamard;
pub(crate) mod hash;
pub(crate) mod loss;
pub(crate) mod optimiser;
pub(crate) mod probe;
pub(crate) mod projection;
pub(crate) mod quant;
pub(crate) mod random;
pub(crate) mod row_dot;
pub(crate) mod row_update;
pub(crate) mod sddmm;
pub(crate) mod softmax;
pub(crate) mod sparse_dot;
pub(crate) mod sparse_hash;
pub(crate) mod topk;
pub(crate) mod transpose;
