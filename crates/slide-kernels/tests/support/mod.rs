//! What the kernel tests share: the back ends to compare, values to feed them, and memory that ends at a guard page.
#![allow(dead_code, reason = "every test program uses its part")]

use std::ops::{Deref, DerefMut};

use half::bf16;
use slide_kernels::{Isa, Kernels, Table, TableMut, Values, ValuesMut};

/// The specification.
pub(crate) fn scalar() -> &'static Kernels {
    Kernels::for_isa(Isa::Scalar).unwrap()
}

/// Every back end of this machine except the specification. Says which are skipped; `SLIDE_REQUIRE_ISA=avx512` (or more,
/// separated by commas) makes a skip of these a failure.
pub(crate) fn others() -> Vec<&'static Kernels> {
    let required = std::env::var("SLIDE_REQUIRE_ISA").unwrap_or_default();
    for name in required.split(',').filter(|name| !name.is_empty()) {
        let isa: Isa = name.parse().unwrap_or_else(|error| panic!("SLIDE_REQUIRE_ISA={required}: {error}"));
        assert!(isa.is_available(), "SLIDE_REQUIRE_ISA={required}, but this machine has no {isa}");
    }
    let mut kernels = Vec::new();
    for &isa in Isa::ALL.iter().filter(|&&isa| isa != Isa::Scalar) {
        match Kernels::for_isa(isa) {
            Ok(found) => kernels.push(found),
            Err(error) => println!("skipped: {error}"),
        }
    }
    kernels
}

/// How many random cases a test tries: `full`, or at most `SLIDE_TEST_CASES`, the budget of a slow (emulated) machine.
pub(crate) fn cases(full: u32) -> proptest::test_runner::Config {
    let budget =
        std::env::var("SLIDE_TEST_CASES").ok().map(|cases| cases.parse().expect("SLIDE_TEST_CASES is a number"));
    proptest::test_runner::Config::with_cases(budget.map_or(full, |budget: u32| full.min(budget)))
}

/// This test program, to be started once more: under the emulator that cargo was told to run it with, if there is one.
pub(crate) fn this_program() -> std::process::Command {
    let program = std::env::current_exe().unwrap();
    let architecture = std::env::consts::ARCH.to_uppercase();
    let Ok(runner) = std::env::var(format!("CARGO_TARGET_{architecture}_UNKNOWN_LINUX_GNU_RUNNER")) else {
        return std::process::Command::new(program);
    };
    let mut words = runner.split_whitespace();
    let mut command = std::process::Command::new(words.next().expect("the runner is a command"));
    command.args(words).arg(program);
    command
}

/// Equal bits, or both NaN.
pub(crate) fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// Fails at the first element that differs.
#[track_caller]
pub(crate) fn assert_same(what: &str, kernels: &Kernels, expected: &[f32], found: &[f32]) {
    assert_eq!(expected.len(), found.len());
    for (i, (&e, &f)) in expected.iter().zip(found).enumerate() {
        assert!(
            same(e, f),
            "{what} on {}: element {i} of {} is {f:e} ({:#x}), scalar has {e:e} ({:#x})",
            kernels.isa(),
            expected.len(),
            f.to_bits(),
            e.to_bits()
        );
    }
}

/// A small generator (SplitMix64), so that a failing case is a seed and a shape.
#[derive(Clone)]
pub(crate) struct Random {
    state: u64,
    /// One value in so many is special; 0 for none.
    pub(crate) special: u32,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random { state: seed, special: 0 }
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.word() % bound as u64) as usize
    }

    /// In (-1, 1), or, if asked for, now and then a value that breaks careless kernels.
    pub(crate) fn value(&mut self) -> f32 {
        const SPECIAL: [f32; 12] = [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            0.0,
            -0.0,
            f32::MIN_POSITIVE,
            -1e-40,
            1e-45,
            f32::MAX,
            f32::MIN,
            1e20,
            -1e-20,
        ];
        if self.special > 0 && self.below(self.special as usize) == 0 {
            return SPECIAL[self.below(SPECIAL.len())];
        }
        (self.word() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    pub(crate) fn values(&mut self, count: usize) -> Guarded<f32> {
        let mut values = Guarded::new(count, self.below(2) == 0);
        values.fill_with(|| self.value());
        values
    }

    pub(crate) fn weights(&mut self, count: usize, bf16: bool) -> Weights {
        if bf16 { Weights::Bf16(self.halves(count)) } else { Weights::F32(self.values(count)) }
    }

    pub(crate) fn halves(&mut self, count: usize) -> Guarded<bf16> {
        let mut halves = Guarded::new(count, self.below(2) == 0);
        halves.fill_with(|| bf16::from_f32(self.value()));
        halves
    }

    /// Numbers below `bound` in any order, some more than once.
    pub(crate) fn ids(&mut self, count: usize, bound: usize) -> Guarded<u32> {
        let mut ids = Guarded::new(count, false);
        ids.fill_with(|| self.below(bound) as u32);
        ids
    }

    /// About `count` different numbers below `bound`, ascending.
    pub(crate) fn ascending(&mut self, count: usize, bound: usize) -> Vec<u32> {
        let mut ids: Vec<u32> = (0..count).map(|_| self.below(bound) as u32).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Elements of a table in either format.
#[derive(Clone)]
pub(crate) enum Weights {
    F32(Guarded<f32>),
    Bf16(Guarded<bf16>),
}

impl Weights {
    pub(crate) fn table(&self, stride: usize, width: usize) -> Table<'_> {
        match self {
            Weights::F32(values) => Table::new(Values::F32(values), stride, width),
            Weights::Bf16(values) => Table::new(Values::Bf16(values), stride, width),
        }
        .unwrap()
    }

    pub(crate) fn table_mut(&mut self, stride: usize, width: usize) -> TableMut<'_> {
        match self {
            Weights::F32(values) => TableMut::new(ValuesMut::F32(values), stride, width),
            Weights::Bf16(values) => TableMut::new(ValuesMut::Bf16(values), stride, width),
        }
        .unwrap()
    }

    pub(crate) fn widened(&self) -> Vec<f32> {
        match self {
            Weights::F32(values) => values.to_vec(),
            Weights::Bf16(values) => values.iter().map(|value| value.to_f32()).collect(),
        }
    }
}

/// A slice that lies flush against a page that must not be touched: behind its end, or before its start. One touch of
/// the wrong byte kills the test program.
pub(crate) struct Guarded<T: Copy + Default> {
    map: *mut u8,
    map_bytes: usize,
    start: *mut T,
    len: usize,
    at_end: bool,
}

/// Bytes of a page at most: on some Arm systems.
const PAGE: usize = if cfg!(target_arch = "aarch64") { 65536 } else { 4096 };

impl<T: Copy + Default> Guarded<T> {
    pub(crate) fn new(len: usize, at_end: bool) -> Self {
        let inner = (len * size_of::<T>()).next_multiple_of(PAGE);
        let map_bytes = inner + 2 * PAGE;
        // SAFETY: a new private mapping, of which only the pages between the guards are made accessible; `start` and
        // `len` lie between them, and the kernel zeroed them, which is a value of the plain types used here.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let map = libc::mmap(std::ptr::null_mut(), map_bytes, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(map, libc::MAP_FAILED, "mmap of {map_bytes} bytes failed");
            let map = map.cast::<u8>();
            if inner > 0 {
                let result = libc::mprotect(map.add(PAGE).cast(), inner, libc::PROT_READ | libc::PROT_WRITE);
                assert_eq!(result, 0, "mprotect failed");
            }
            let offset = if at_end { inner - len * size_of::<T>() } else { 0 };
            Guarded { map, map_bytes, start: map.add(PAGE + offset).cast(), len, at_end }
        }
    }
}

impl<T: Copy + Default> Clone for Guarded<T> {
    fn clone(&self) -> Self {
        let mut copy = Guarded::new(self.len, self.at_end);
        copy.copy_from_slice(self);
        copy
    }
}

impl<T: Copy + Default> Deref for Guarded<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `new` made them accessible and initialised; the mapping lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

impl<T: Copy + Default> DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

impl<T: Copy + Default> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping that `new` made.
        unsafe { libc::munmap(self.map.cast(), self.map_bytes) };
    }
}
