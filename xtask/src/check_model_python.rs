//! Reads a model with the reference implementation of the file format, Python's `safetensors`.

use std::env;
use std::path::Path;

use anyhow::{Context as _, Result};
use xshell::cmd;

use crate::cli::CheckModelPythonArguments;
use crate::{python, workspace};

/// Lists metadata and tensors, and reads each tensor in full where NumPy has its type (it has no bf16).
const READ: &str = r#"
import sys, safetensors
with safetensors.safe_open(sys.argv[1], framework="np") as model:
    for key, value in (model.metadata() or {}).items():
        print(f"metadata {key}: {value[:200]}{'...' if len(value) > 200 else ''}")
    for name in model.keys():
        part = model.get_slice(name)
        kind = part.get_dtype()
        shape = "x".join(map(str, part.get_shape())) or "scalar"
        if kind != "BF16":
            tensor = model.get_tensor(name)
            assert list(tensor.shape) == part.get_shape(), (name, tensor.shape)
        print(f"{name}: {kind} {shape}")
    print(f"safetensors {safetensors.__version__} reads {len(model.keys())} tensors")
"#;

pub(crate) fn run(arguments: &CheckModelPythonArguments) -> Result<()> {
    // The caller's folder and not the workspace's root gives a relative path its meaning.
    check(&[&env::current_dir()?.join(&arguments.model)])
}

/// Fails unless Python reads every one of the models.
pub(crate) fn check(models: &[&Path]) -> Result<()> {
    let shell = workspace::shell()?;
    let python = python::environment(&shell, &workspace::scratch("python"))?;
    python::install(&shell, &python, &["safetensors", "numpy"])?;
    for model in models {
        cmd!(shell, "{python} - {model}")
            .stdin(READ)
            .run()
            .with_context(|| format!("Python cannot read {}", model.display()))?;
    }
    Ok(())
}
