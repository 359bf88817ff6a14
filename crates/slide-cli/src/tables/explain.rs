//! `slide explain`.

use std::collections::HashMap;

use anyhow::Result;
use serde::Serialize;
use slide_core::{Predictor, Retrieval};
use slide_features::Scratch;

use super::TableModel;
use super::predict::row;
use crate::args::ExplainArgs;
use crate::commands::Show;
use crate::output;
use crate::table::Table;
use crate::usage::Usage;

#[derive(Serialize)]
struct Report {
    model: String,
    label: String,
    probability: Option<f32>,
    /// The logit: the constant and what all features add.
    score: f32,
    constant: f32,
    features: Vec<Feature>,
}

#[derive(Serialize)]
struct Feature {
    feature: String,
    adds: f32,
}

pub(crate) fn run(args: &ExplainArgs, show: Show) -> Result<()> {
    let model = args.runtime.open_model(&args.model)?;
    let Some(table) = TableModel::of(&model)? else {
        return Err(Usage(format!("{}: the model is not of a table", args.model.display())).into());
    };
    let row = row(&args.row, &table)?;
    let predictor = Predictor::with(model, Retrieval::Auto, &args.runtime.start()?)?.ignoring_unknown_features();
    let (mut indices, mut values) = (Vec::new(), Vec::new());
    let field = |column: usize| row.field(0, column);
    table.featurizer.row(field, &mut Scratch::default(), &mut indices, &mut values);
    let labels = &table.schema.labels;
    let asked = args.label.as_ref().map(|name| {
        let number = labels.iter().position(|label| label == name);
        number.ok_or_else(|| Usage(format!("--label: the model has no label `{name}`")))
    });
    let asked = asked.transpose()?.map(|number| number as u32);
    let predictions = predictor.predict((&indices, &values), table.asked(labels.len().min(1000)))?;
    let mut best = Vec::new();
    table.probabilities(&predictions, usize::MAX, &mut best);
    let label = asked.or(best.first().map(|&(label, _)| label)).unwrap_or(0);
    let explained = predictor.explain((&indices, &values), label)?.unwrap_or_default();
    // A feature may be in the row several times, under one name.
    let adds: HashMap<u32, f32> = explained.features.iter().copied().collect();
    let mut names: HashMap<u32, String> = HashMap::new();
    for (feature, name) in table.featurizer.names(field) {
        names.entry(feature).or_insert(name);
    }
    let mut features: Vec<Feature> = names
        .into_iter()
        .map(|(feature, name)| Feature { feature: name, adds: adds.get(&feature).copied().unwrap_or(0.0) })
        .collect();
    features.sort_by(|a, b| b.adds.abs().total_cmp(&a.adds.abs()).then_with(|| a.feature.cmp(&b.feature)));
    features.truncate(args.top.get());
    let report = Report {
        model: args.model.display().to_string(),
        label: labels[label as usize].clone(),
        probability: best.iter().find(|(own, _)| *own == label).map(|&(_, probability)| probability),
        score: explained.score,
        constant: explained.constant,
        features,
    };
    if show.json { output::print_json(&report) } else { output::print(&report.text()) }
}

impl Report {
    fn text(&self) -> String {
        let probability = self.probability.map_or_else(String::new, |one| format!(", {:.1} %", 100.0 * one));
        let mut table = Table::new(["feature", "adds"]);
        for Feature { feature, adds } in &self.features {
            table.row([feature.clone(), format!("{adds:+.3}")]);
        }
        table.row(["(constant)".to_owned(), format!("{:+.3}", self.constant)]);
        table.row(["(score, of all features)".to_owned(), format!("{:+.3}", self.score)]);
        format!("{}{probability}\n\n{table}", self.label)
    }
}
