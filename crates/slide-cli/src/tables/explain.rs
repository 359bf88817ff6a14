//! `slide explain`.

use anyhow::Result;
use serde::Serialize;
use slide_core::{Predictor, Retrieval};
use slide_tables::{TableModel, explain};

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
    let labels = table.labels();
    let asked = args.label.as_ref().map(|name| {
        let number = labels.iter().position(|label| label == name);
        number.ok_or_else(|| Usage(format!("--label: the model has no label `{name}`")))
    });
    let asked = asked.transpose()?.map(|number| number as u32);
    let explained = explain(&table, &predictor, |column| row.field(0, column), asked)?;
    let features = explained.features.into_iter().take(args.top.get());
    let report = Report {
        model: args.model.display().to_string(),
        label: labels[explained.label as usize].clone(),
        probability: explained.probability,
        score: explained.score,
        constant: explained.constant,
        features: features.map(|(feature, adds)| Feature { feature, adds }).collect(),
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
