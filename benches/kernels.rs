//! Every kernel on every instruction set of the machine, on arguments that stay in the caches.
//!
//! ```text
//! cargo bench -p slide-benches --bench kernels -- [OPTIONS OF CRITERION] [REGULAR EXPRESSION]
//! ```
//!
//! Before a case is timed, its bits are compared with those of the scalar level. How near the times are to what the core
//! can do is the subject of `limits.rs`; kernels that wait for memory are in `memory.rs`.

use std::time::Duration;

use criterion::{Criterion, Throughput};
use slide_benches::cases;
use slide_kernels::{Isa, Kernels};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500))
        .sample_size(20)
        .configure_from_args();
    let scalar = Kernels::for_isa(Isa::Scalar).expect("the scalar level is everywhere");
    for mut case in cases::all() {
        let expected = case.result_of_one_call(scalar);
        let mut group = criterion.benchmark_group(format!("{} {}", case.kernel, case.shape));
        match (case.cost.operations, case.cost.bytes) {
            (0, 0) => {}
            (0, bytes) => {
                group.throughput(Throughput::Bytes(bytes));
            }
            (operations, _) => {
                group.throughput(Throughput::Elements(operations));
            }
        }
        for isa in Isa::available() {
            let kernels = Kernels::for_isa(isa).expect("an available level");
            let found = case.result_of_one_call(kernels);
            assert!(found == expected, "{} {} on {isa} has other bits than scalar", case.kernel, case.shape);
            group.bench_function(isa.name(), |bencher| bencher.iter(|| case.call(kernels)));
        }
        group.finish();
    }
    criterion.final_summary();
}
