//! One file per family: the table of its functions, and the public methods that check and call them.

pub(crate) mod active;
pub(crate) mod dot;
pub(crate) mod elementwise;
pub(crate) mod embedding;
pub(crate) mod gemm;
pub(crate) mod hash;
pub(crate) mod loss;
pub(crate) mod random;
pub(crate) mod row_dot;
pub(crate) mod row_update;
pub(crate) mod softmax;
pub(crate) mod topk;
pub(crate) mod transpose;
