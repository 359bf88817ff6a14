//! Instruction-set levels, their detection, and quirks: instructions that a processor has but executes slowly.

use core::fmt;
use core::str::FromStr;
use core::sync::atomic::{AtomicU8, Ordering};

/// An instruction-set level for which this crate has a back end.
///
/// Every level exists on every architecture; [`is_available`](Isa::is_available) says whether it can run here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Isa {
    /// Plain Rust: runs anywhere, and is the specification of every other level.
    Scalar,
    /// x86-64 with AVX2, FMA, F16C, BMI1, BMI2, LZCNT and POPCNT (Haswell and Zen 1 onwards).
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ, VL and CD (Skylake-X and Zen 4 onwards).
    Avx512,
    /// [`Avx512`](Isa::Avx512) with VNNI (Cascade Lake and Zen 4 onwards).
    Avx512Vnni,
    /// [`Avx512Vnni`](Isa::Avx512Vnni) with VPOPCNTDQ (Ice Lake and Zen 4 onwards).
    Avx512Popcnt,
    /// [`Avx512Popcnt`](Isa::Avx512Popcnt) with BF16 (Sapphire Rapids and Zen 4 onwards).
    Avx512Bf16,
    /// 64-bit Arm with NEON (all of them; Graviton2).
    Neon,
    /// [`Neon`](Isa::Neon) with the extensions `dotprod`, `i8mm` and `bf16` (Neoverse V1 onwards: Graviton3).
    NeonBf16,
    /// [`NeonBf16`](Isa::NeonBf16) with SVE in vectors of 256 bits (Neoverse V1: Graviton3).
    ///
    /// Detection reads the vector length of the calling thread; the kernels do not read it again. Linux can set another length
    /// for a thread (`prctl(PR_SVE_SET_VL)`): such a thread must not call kernels of this level.
    Sve,
}

impl Isa {
    /// All levels, from the least to the most capable.
    pub const ALL: &'static [Isa] = &[
        Isa::Scalar,
        Isa::Avx2,
        Isa::Avx512,
        Isa::Avx512Vnni,
        Isa::Avx512Popcnt,
        Isa::Avx512Bf16,
        Isa::Neon,
        Isa::NeonBf16,
        Isa::Sve,
    ];

    /// The name that [`FromStr`] and `SLIDE_ISA` understand.
    pub const fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Avx512Vnni => "avx512vnni",
            Isa::Avx512Popcnt => "avx512popcnt",
            Isa::Avx512Bf16 => "avx512bf16",
            Isa::Neon => "neon",
            Isa::NeonBf16 => "neonbf16",
            Isa::Sve => "sve",
        }
    }

    /// Whether this machine (processor and operating system) can run the level.
    ///
    /// Every feature that the level uses is tested by itself; none is inferred from another.
    /// Without the feature `std` the answer depends only on the target features of the compilation.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Scalar => true,
            Isa::Avx2 => x86::avx2(),
            Isa::Avx512 => x86::avx512(),
            Isa::Avx512Vnni => x86::avx512() && x86::vnni(),
            Isa::Avx512Popcnt => x86::avx512() && x86::vnni() && x86::popcnt(),
            Isa::Avx512Bf16 => x86::avx512() && x86::vnni() && x86::popcnt() && x86::bf16(),
            Isa::Neon => arm::neon(),
            Isa::NeonBf16 => arm::neon() && arm::dot_products(),
            Isa::Sve => arm::neon() && arm::dot_products() && arm::sve_256(),
        }
    }

    /// The most capable level that is available.
    pub fn detect() -> Isa {
        Isa::available().last().unwrap_or(Isa::Scalar)
    }

    /// The available levels, from the least to the most capable.
    pub fn available() -> impl Iterator<Item = Isa> {
        Isa::ALL.iter().copied().filter(|isa| isa.is_available())
    }
}

/// Instructions that a processor has but executes so slowly that kernels should avoid them. Quirks change no result of
/// [`Precision::Reproducible`](crate::Precision::Reproducible).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Quirks {
    /// Gather instructions are slower than as many scalar loads: on all AMD processors so far, on Intel's before Skylake, and on
    /// Intel's from Skylake to Rocket Lake, whose microcode mitigates Downfall (CVE-2022-40982).
    pub slow_gather: bool,
    /// `vdpbf16ps` has no more throughput than `f32` multiply-adds: on all Intel processors so far it issues once in two cycles,
    /// multiply-adds twice per cycle. So it helps only where loads are the bottleneck.
    pub slow_bf16_pairs: bool,
}

impl Quirks {
    /// The quirks of this machine's processor, by vendor and model. The result is cached.
    pub fn detect() -> Quirks {
        const DETECTED: u8 = 1;
        const SLOW_GATHER: u8 = 2;
        const SLOW_BF16_PAIRS: u8 = 4;
        static CACHED: AtomicU8 = AtomicU8::new(0);
        let mut bits = CACHED.load(Ordering::Relaxed);
        if bits == 0 {
            let quirks = x86::quirks();
            bits = DETECTED
                | if quirks.slow_gather { SLOW_GATHER } else { 0 }
                | if quirks.slow_bf16_pairs { SLOW_BF16_PAIRS } else { 0 };
            CACHED.store(bits, Ordering::Relaxed);
        }
        Quirks { slow_gather: bits & SLOW_GATHER != 0, slow_bf16_pairs: bits & SLOW_BF16_PAIRS != 0 }
    }

    /// The quirks of the x86-64 processor with this vendor's name (leaf 0 of `cpuid`: `ebx`, `edx`, `ecx`) and this signature
    /// (leaf 1: `eax`), as used by [`detect`](Self::detect).
    #[must_use]
    pub fn of_x86(vendor: &[u8; 12], signature: u32) -> Quirks {
        match vendor {
            b"AuthenticAMD" | b"HygonGenuine" => Quirks { slow_gather: true, slow_bf16_pairs: false },
            b"GenuineIntel" => Quirks { slow_gather: x86::intel_gathers_slowly(signature), slow_bf16_pairs: true },
            _ => Quirks::default(),
        }
    }

    /// These quirks, but with gathers to be avoided or not.
    #[must_use]
    pub fn with_slow_gather(self, slow_gather: bool) -> Quirks {
        Quirks { slow_gather, ..self }
    }

    /// These quirks, but with products of `bf16` pairs to be avoided or not.
    #[must_use]
    pub fn with_slow_bf16_pairs(self, slow_bf16_pairs: bool) -> Quirks {
        Quirks { slow_bf16_pairs, ..self }
    }
}

/// Feature detection on x86-64. Each feature is tested by itself.
#[cfg_attr(not(target_arch = "x86_64"), allow(clippy::nonminimal_bool, reason = "everything is false there"))]
mod x86 {
    use super::Quirks;

    #[cfg(all(target_arch = "x86_64", feature = "std"))]
    macro_rules! all {
        ($($feature:tt),*) => { $(std::arch::is_x86_feature_detected!($feature))&&* };
    }
    #[cfg(not(all(target_arch = "x86_64", feature = "std")))]
    macro_rules! all {
        ($($feature:tt),*) => { cfg!(target_arch = "x86_64") $(&& cfg!(target_feature = $feature))* };
    }

    pub(super) fn avx2() -> bool {
        // Those of pulp's token `V3`, and F16C.
        all!(
            "fxsr", "sse", "sse2", "sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "avx", "avx2", "bmi1", "bmi2", "fma",
            "lzcnt"
        ) && all!("f16c")
    }

    pub(super) fn avx512() -> bool {
        avx2() && all!("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd")
    }

    pub(super) fn vnni() -> bool {
        all!("avx512vnni")
    }

    pub(super) fn popcnt() -> bool {
        all!("avx512vpopcntdq")
    }

    pub(super) fn bf16() -> bool {
        all!("avx512bf16")
    }

    #[cfg(target_arch = "x86_64")]
    pub(super) fn quirks() -> Quirks {
        use core::arch::x86_64::__cpuid;
        let leaf = __cpuid(0);
        let mut vendor = [0; 12];
        for (bytes, word) in vendor.as_chunks_mut().0.iter_mut().zip([leaf.ebx, leaf.edx, leaf.ecx]) {
            *bytes = word.to_le_bytes();
        }
        Quirks::of_x86(&vendor, __cpuid(1).eax)
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn quirks() -> Quirks {
        Quirks::default()
    }

    pub(super) fn intel_gathers_slowly(signature: u32) -> bool {
        let family = (signature >> 8) & 0xF;
        let model = ((signature >> 4) & 0xF) | ((signature >> 12) & 0xF0);
        family == 6
            && matches!(
                model,
                0x3C | 0x3F | 0x45 | 0x46 // Haswell
                    | 0x3D | 0x47 | 0x4F | 0x56 // Broadwell
                    | 0x4E | 0x5E | 0x55 // Skylake, Cascade Lake, Cooper Lake
                    | 0x8E | 0x9E | 0xA5 | 0xA6 // Kaby Lake to Comet Lake
                    | 0x66 | 0x7D | 0x7E | 0x6A | 0x6C // Cannon Lake, Ice Lake
                    | 0x8C | 0x8D | 0xA7 // Tiger Lake, Rocket Lake
            )
    }
}

/// Feature detection on 64-bit Arm. Each feature is tested by itself.
mod arm {
    #[cfg(all(target_arch = "aarch64", feature = "std"))]
    macro_rules! all {
        ($($feature:tt),*) => { $(std::arch::is_aarch64_feature_detected!($feature))&&* };
    }
    #[cfg(not(all(target_arch = "aarch64", feature = "std")))]
    macro_rules! all {
        ($($feature:tt),*) => { cfg!(target_arch = "aarch64") $(&& cfg!(target_feature = $feature))* };
    }

    pub(super) fn neon() -> bool {
        all!("neon")
    }

    pub(super) fn dot_products() -> bool {
        all!("dotprod", "i8mm", "bf16")
    }

    /// Whether SVE is available with a vector length of 256 bits on this thread; see [`Isa::Sve`](super::Isa::Sve).
    pub(super) fn sve_256() -> bool {
        all!("sve") && sve_bytes() == 32
    }

    #[cfg(target_arch = "aarch64")]
    fn sve_bytes() -> u64 {
        let bytes: u64;
        // SAFETY: called only where SVE was detected; the instruction writes one register.
        unsafe {
            core::arch::asm!(
                ".arch_extension sve", "cntb {}", ".arch_extension nosve", out(reg) bytes,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        bytes
    }

    #[cfg(not(target_arch = "aarch64"))]
    fn sve_bytes() -> u64 {
        0
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Isa {
    type Err = IsaError;

    fn from_str(name: &str) -> Result<Isa, IsaError> {
        Isa::ALL.iter().copied().find(|isa| isa.name() == name).ok_or(IsaError::Unknown)
    }
}

/// Why a level cannot be used. The message lists the available levels.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IsaError {
    /// No level has this name.
    Unknown,
    /// The level exists, but this machine lacks it.
    Unavailable(Isa),
    /// `SLIDE_ISA` holds this value, which names no level.
    #[cfg(feature = "std")]
    Environment(std::string::String),
}

impl fmt::Display for IsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IsaError::Unknown => f.write_str("unknown instruction-set level")?,
            IsaError::Unavailable(isa) => write!(f, "this machine has no {isa}")?,
            #[cfg(feature = "std")]
            IsaError::Environment(value) => write!(f, "SLIDE_ISA={value} names no instruction-set level")?,
        }
        f.write_str("; available here:")?;
        for (i, isa) in Isa::available().enumerate() {
            write!(f, "{}{isa}", if i == 0 { " " } else { ", " })?;
        }
        Ok(())
    }
}

impl core::error::Error for IsaError {}
