//! `slide info`.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};
use slide_core::data::{IndexBase, Numbering};
use slide_core::{Choice, IndexReport, Model, TensorInfo, TrainConfig};
use slide_kernels::{Isa, Kernels};
use slide_mem::Topology;

use super::Show;
use super::index::text;
use crate::args::InfoArgs;
use crate::output::{self, bytes, count, pairs};
use crate::settings;
use crate::summary::pages;
use crate::table::Table;
use crate::usage::Usage;

pub(crate) fn run(args: &InfoArgs, show: Show) -> Result<()> {
    match (&args.model, show.json) {
        (None, false) => output::print(&machine()?),
        (None, true) => output::print_json(&machine_json()?),
        (Some(path), json) => {
            let model = show.progress.during("reading the model", || Model::open(path))?;
            if json { output::print_json(&model_json(path, &model)) } else { output::print(&describe(path, &model)) }
        }
    }
}

fn chosen_isa() -> Result<Isa> {
    Ok(Kernels::from_env().map_err(|error| Usage(error.to_string()))?.isa())
}

fn machine() -> Result<String> {
    let chosen = chosen_isa()?;
    let level = |isa: &Isa| match isa {
        isa if *isa == chosen => format!("{isa} (chosen)"),
        isa if isa.is_available() => isa.to_string(),
        isa => format!("{isa} (not available)"),
    };
    let levels: Vec<String> = Isa::ALL.iter().map(level).collect();
    Ok(format!("{}\ninstruction sets: {}\n", Topology::detect(), levels.join(", ")))
}

fn machine_json() -> Result<Value> {
    let topology = Topology::detect();
    let pages = &topology.pages;
    let available: Vec<&str> = Isa::available().map(Isa::name).collect();
    let nodes = topology.nodes.iter().map(|node| json!({ "id": node.id, "memory_bytes": node.memory_bytes }));
    let caches = topology.caches.iter().map(|cache| {
        json!({ "level": cache.level, "kind": format!("{:?}", cache.kind).to_lowercase(), "bytes": cache.bytes, "cpus": cache.cpus })
    });
    let huge =
        pages.huge.iter().map(|pool| json!({ "page_bytes": pool.page_bytes, "total": pool.total, "free": pool.free }));
    Ok(json!({
        "isa": { "chosen": chosen_isa()?.name(), "available": available },
        "processor": topology.model,
        "packages": topology.packages(),
        "cores": topology.cores(),
        "cpus": topology.cpus.len(),
        "offline_cpus": topology.offline_cpus,
        "forbidden_cpus": topology.forbidden_cpus,
        "nodes": nodes.collect::<Vec<_>>(),
        "caches": caches.collect::<Vec<_>>(),
        "memory_bytes": topology.usable_memory_bytes(),
        "pages": {
            "base_bytes": pages.base_bytes,
            "transparent_bytes": pages.transparent_bytes,
            "transparent": pages.transparent.map(|mode| format!("{mode:?}").to_lowercase()),
            "huge": huge.collect::<Vec<_>>(),
        },
    }))
}

fn describe(path: &Path, model: &Model) -> String {
    let config = model.config();
    let hidden = config.network.hidden.iter().copied().filter(|_| model.has_network());
    let layers: Vec<String> =
        std::iter::once(model.features()).chain(hidden).chain([model.labels()]).map(count).collect();
    let tensors = model.tensors();
    let total: usize = tensors.iter().map(|tensor| tensor.bytes).sum();
    let kind = if model.is_resumable() { "checkpoint" } else { "model" };
    let mut rows = vec![
        (kind, format!("{}, {}", path.display(), bytes(total as u64))),
        ("layers", layers.join(" -> ")),
        ("numbers", numbers(model)),
        ("parameters", count(model.parameters())),
        ("linear part", format!("{} weights", count(model.linear_weights()))),
        (
            "trained",
            format!("{} examples, epoch {}, batch {}", count(model.examples()), model.epoch(), count(model.step())),
        ),
        ("memory", pages(&model.report().bytes_by_page)),
    ];
    rows.extend(model.index().map(|report| ("index", text(report))));
    let summary = pairs(&rows);
    let mut table = Table::new(["tensor", "shape", "type", "bytes"]);
    for tensor in &tensors {
        let shape: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
        table.row([tensor.name.clone(), shape.join(" x "), tensor.dtype.clone(), count(tensor.bytes)]);
    }
    let (reasons, settings) = (settings::reasons_as_toml(model.choices()), settings::as_toml(config));
    format!(
        "{summary}\n{table}\n# settings, as a file for --config takes them; what the data decided, and why:\n{reasons}{settings}"
    )
}

/// How the data files of the model number features and labels.
fn numbers(model: &Model) -> String {
    let of = |numbering: &Numbering, what: &str| {
        let first = match numbering.base() {
            IndexBase::Zero => "from 0",
            IndexBase::One => "from 1",
            IndexBase::MinusOne => "from -1",
            _ => "from an unknown number",
        };
        match numbering.occurring() {
            None => format!("{what} {first}"),
            Some(columns) => {
                format!("{what} {first}, {} of {} columns occur", count(columns.len()), count(numbering.width()))
            }
        }
    };
    format!("{}; {}", of(model.feature_numbering(), "features"), of(model.label_numbering(), "labels"))
}

fn model_json<'a>(path: &'a Path, model: &'a Model) -> impl Serialize + 'a {
    #[derive(Serialize)]
    struct Description<'a> {
        #[serde(serialize_with = "output::path_text")]
        model: &'a Path,
        bytes: usize,
        features: usize,
        labels: usize,
        /// Columns of the training files; those that did not occur may have no row.
        feature_columns: usize,
        label_columns: usize,
        /// Number of column 0 in svmlight files; none if it is not known.
        feature_base: Option<i64>,
        label_base: Option<i64>,
        examples: usize,
        parameters: usize,
        linear_weights: usize,
        choices: &'a [Choice],
        index: Option<&'a IndexReport>,
        step: u64,
        epoch: u32,
        resumable: bool,
        tensors: Vec<Value>,
        config: &'a TrainConfig,
    }
    let tensor = |tensor: TensorInfo| json!({ "name": tensor.name, "shape": tensor.shape, "type": tensor.dtype, "bytes": tensor.bytes });
    let base = |numbering: &Numbering| (numbering.base() != IndexBase::Auto).then(|| numbering.number(0));
    let tensors = model.tensors();
    Description {
        model: path,
        bytes: tensors.iter().map(|tensor| tensor.bytes).sum(),
        features: model.features(),
        labels: model.labels(),
        feature_columns: model.feature_numbering().width(),
        label_columns: model.label_numbering().width(),
        feature_base: base(model.feature_numbering()),
        label_base: base(model.label_numbering()),
        examples: model.examples(),
        parameters: model.parameters(),
        linear_weights: model.linear_weights(),
        choices: model.choices(),
        index: model.index(),
        step: model.step(),
        epoch: model.epoch(),
        resumable: model.is_resumable(),
        tensors: tensors.into_iter().map(tensor).collect(),
        config: model.config(),
    }
}
