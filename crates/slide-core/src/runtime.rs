//! How the work is done: nothing here changes the result.

use std::num::NonZeroUsize;
use std::sync::Arc;

use slide_kernels::{Isa, IsaError, Kernels};
use slide_mem::{MemError, Pinning, Placement, Topology, Workers};

/// Kernels, threads and memory. A clone shares the threads.
#[derive(Clone, Debug)]
pub struct Runtime {
    kernels: &'static Kernels,
    workers: Arc<Workers>,
    placement: Placement,
}

/// How a [`Runtime`] is made. The default suits a library: a thread for each core, the best instruction set, no thread
/// bound to a CPU.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct RuntimeOptions {
    /// Threads that work; `None`: one per core allowed to this process.
    pub threads: Option<NonZeroUsize>,
    /// Instruction set; `None`: the variable `SLIDE_ISA`, else the best of the machine.
    pub isa: Option<Isa>,
    /// Pages and NUMA nodes of the tables.
    pub placement: Placement,
    /// Which threads are bound to a CPU.
    pub pinning: Pinning,
}

/// A runtime that cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The requested instruction set is unknown or not on this machine.
    #[error(transparent)]
    Isa(#[from] IsaError),
    /// The worker threads could not be started.
    #[error(transparent)]
    Memory(#[from] MemError),
}

impl Runtime {
    /// Starts the threads.
    ///
    /// # Errors
    /// An instruction set that is not there, or no threads.
    pub fn new(options: &RuntimeOptions) -> Result<Self, RuntimeError> {
        let kernels = match options.isa {
            Some(isa) => Kernels::for_isa(isa)?,
            None => Kernels::from_env()?,
        };
        let workers = Workers::new(options.threads, options.pinning, &Topology::detect())?;
        Ok(Self { kernels, workers: Arc::new(workers), placement: options.placement })
    }

    /// The kernels of the chosen instruction set.
    #[must_use]
    pub fn kernels(&self) -> &'static Kernels {
        self.kernels
    }

    /// The threads.
    #[must_use]
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Pages and nodes of the tables.
    #[must_use]
    pub fn placement(&self) -> &Placement {
        &self.placement
    }
}
