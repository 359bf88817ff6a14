//! One file per family of kernels: calls of its kernels on arguments that stay in the caches.

use serde::{Deserialize, Serialize};
use slide_kernels::{AdamStep, Isa, Kernels, Precision, RowIds, list};

/// An Adam step that changes values so little that they can be updated again and again.
pub const ADAM_STEP: AdamStep = AdamStep {
    beta1: 0.9,
    beta2: 0.999,
    step_size: 1e-6,
    inverse_sqrt_correction: 1.0,
    epsilon: 1e-8,
    weight_decay: 0.0,
};

mod axpy;
mod blocks;
mod byte_gemm;
mod codes;
mod convert;
mod csr_to_csc;
mod dot;
mod elementwise;
mod embedding;
mod from_memory;
mod gemm;
mod hadamard;
mod hash;
mod kinds;
mod loss;
mod optimiser;
mod probe;
mod projection;
mod quant;
mod random;
mod row_dot;
mod row_update;
mod sddmm;
mod softmax;
mod sparse_dot;
mod sparse_hash;
mod topk;
mod transpose;

/// A call of one kernel on fixed arguments.
///
/// The arguments belong to the case. Every call does the same work: a kernel that changes its arguments in place gets
/// such that a million calls change little (an update whose step is tiny) or is given a fresh copy, whose cost counts.
pub struct Case {
    /// `family::name`, as in [`slide_kernels::list`].
    pub kernel: &'static str,
    /// Formats and sizes, such as `f32 1024`.
    pub shape: String,
    /// The minimum cost of a call.
    pub cost: Cost,
    work: Box<dyn Work>,
}

/// The minimum cost of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// The divisor of instructions and cycles: multiply-adds of the products, elements of the others.
    pub elements: u64,
    /// Bytes read and written, each once.
    pub bytes: u64,
    /// Arithmetic operations (a multiply-add is two); 0 where they are not the bottleneck.
    pub operations: u64,
}

trait Work {
    fn call(&mut self, kernels: &Kernels);
    fn result_of_one_call(&self, kernels: &Kernels) -> Vec<u32>;
}

struct On<A, C, R> {
    fresh: A,
    arguments: A,
    call: C,
    result: R,
}

impl<A: Clone, C: Fn(&Kernels, &mut A), R: Fn(&A) -> Vec<u32>> Work for On<A, C, R> {
    fn call(&mut self, kernels: &Kernels) {
        (self.call)(kernels, &mut self.arguments);
    }

    fn result_of_one_call(&self, kernels: &Kernels) -> Vec<u32> {
        let mut arguments = self.fresh.clone();
        (self.call)(kernels, &mut arguments);
        (self.result)(&arguments)
    }
}

impl Case {
    /// `call` runs the kernel on the arguments; `result` is the bits of what it wrote there.
    fn new<A: Clone + 'static>(
        kernel: &'static str,
        shape: impl Into<String>,
        cost: Cost,
        arguments: A,
        call: impl Fn(&Kernels, &mut A) + 'static,
        result: impl Fn(&A) -> Vec<u32> + 'static,
    ) -> Case {
        Case {
            kernel,
            shape: shape.into(),
            cost,
            work: Box::new(On { fresh: arguments.clone(), arguments, call, result }),
        }
    }

    /// Calls the kernel once.
    pub fn call(&mut self, kernels: &Kernels) {
        self.work.call(kernels);
    }

    /// The bits that one call on fresh arguments writes: on every level those of `scalar`.
    pub fn result_of_one_call(&self, kernels: &Kernels) -> Vec<u32> {
        self.work.result_of_one_call(kernels)
    }
}

/// A list that is validated once, as users of the kernels do; calls are timed without the check. Never freed.
fn checked(ids: Vec<u32>, bound: usize) -> RowIds<'static> {
    RowIds::new(ids.leak(), bound).expect("numbers below the bound")
}

/// The bits of `f32` results.
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// How the shapes of [`from_memory`] begin.
const FROM_MEMORY: &str = "from memory";

/// Kernel, shape and elements of cases whose tables do not fit the caches, so that prefetching matters. Each allocates some
/// hundred megabytes, so [`all`] does not include them; [`find`] does.
pub fn from_memory() -> impl Iterator<Item = (&'static str, String, u64)> {
    from_memory::CASES.iter().map(|&(kernel, _)| (kernel, from_memory::shape(from_memory::ROWS), from_memory::ELEMENTS))
}

/// A family, and what makes its cases.
type Family = (&'static str, fn() -> Vec<Case>);

const FAMILIES: &[Family] = &[
    ("axpy", axpy::cases),
    ("blocks", blocks::cases),
    ("byte_gemm", byte_gemm::cases),
    ("codes", codes::cases),
    ("convert", convert::cases),
    ("csr_to_csc", csr_to_csc::cases),
    ("dot", dot::cases),
    ("elementwise", elementwise::cases),
    ("embedding", embedding::cases),
    ("gemm", gemm::cases),
    ("hadamard", hadamard::cases),
    ("hash", hash::cases),
    ("loss", loss::cases),
    ("probe", probe::cases),
    ("projection", projection::cases),
    ("quant", quant::cases),
    ("random", random::cases),
    ("row_dot", row_dot::cases),
    ("row_update", row_update::cases),
    ("sddmm", sddmm::cases),
    ("softmax", softmax::cases),
    ("sparse_dot", sparse_dot::cases),
    ("sparse_hash", sparse_hash::cases),
    ("topk", topk::cases),
    ("transpose", transpose::cases),
];

/// Every case, by family.
pub fn all() -> Vec<Case> {
    FAMILIES.iter().flat_map(|(_, cases)| cases()).collect()
}

/// One case per kernel and kind: the others differ from it only in size.
pub fn typical() -> Vec<Case> {
    let cases = all();
    let kept = kinds::typical(cases.iter().map(|case| (case.kernel, &*case.shape, case.cost.elements)));
    cases.into_iter().enumerate().filter(|(place, _)| kept.contains(place)).map(|(_, case)| case).collect()
}

/// The name of a level and precision in records.
#[must_use]
pub fn level(isa: Isa, precision: Precision) -> String {
    let precision = if precision == Precision::Native { " native" } else { "" };
    format!("{isa}{precision}")
}

/// The kernel of this name, `family::name`.
#[must_use]
pub fn kernel(name: &str) -> Option<&'static list::Kernel> {
    let (family, name) = name.split_once("::")?;
    list::KERNELS.iter().find(|kernel| kernel.family == family && kernel.name == name)
}

/// The case of a kernel, `family::name`, with this shape; the cases of other families are not built.
pub fn find(kernel: &str, shape: &str) -> Option<Case> {
    if shape.starts_with(FROM_MEMORY) {
        return from_memory::case(kernel, shape);
    }
    let family = kernel.split("::").next()?;
    let (_, cases) = FAMILIES.iter().find(|(name, _)| *name == family)?;
    cases().into_iter().find(|case| case.kernel == kernel && case.shape == shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_has_a_case() {
        let cases = all();
        for case in &cases {
            assert!(kernel(case.kernel).is_some(), "{} is not in the list of kernels", case.kernel);
        }
        for kernel in list::KERNELS {
            let name = format!("{}::{}", kernel.family, kernel.name);
            assert!(cases.iter().any(|case| case.kernel == name), "{name} has no case");
        }
    }

    #[test]
    fn every_case_is_found() {
        for Case { kernel, shape, .. } in all() {
            assert!(find(kernel, &shape).is_some(), "{kernel} {shape}");
        }
        assert!(find("dot::dot", "").is_none());
    }

    #[test]
    fn every_case_has_the_bits_of_the_scalar_level() {
        let scalar = Kernels::for_isa(Isa::Scalar).expect("everywhere");
        for case in all() {
            let expected = case.result_of_one_call(scalar);
            assert!(!expected.is_empty(), "{} {}: a result", case.kernel, case.shape);
            for isa in Isa::available() {
                let found = case.result_of_one_call(Kernels::for_isa(isa).expect("available"));
                assert!(found == expected, "{} {} on {isa} has other bits than scalar", case.kernel, case.shape);
            }
        }
    }
}
