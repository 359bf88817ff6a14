//! What can be wrong with a table.

use slide_core::data::DataError;
use slide_core::{ConfigError, PredictError, TrainError};
use slide_features::FeaturizerError;

/// Why nothing can be learned of a table, or nothing predicted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// No column is named as those of labels are.
    #[error("which column has the labels? It has `{}`", .has.join("`, `"))]
    NoTarget {
        /// The columns of the table.
        has: Vec<String>,
    },
    /// A column that is not in the table.
    #[error("no column `{name}`; it has `{}`", .has.join("`, `"))]
    NoColumn {
        /// Its name.
        name: String,
        /// The columns of the table.
        has: Vec<String>,
    },
    /// The column of the labels is to be a feature.
    #[error("`{name}` is the column of the labels")]
    TargetAsFeature {
        /// Its name.
        name: String,
    },
    /// Every column is ignored.
    #[error("there is no column that features can be made of: say what columns have")]
    NoFeatures,
    /// Fewer than two labels occur.
    #[error("column `{column}` has {labels} labels, expected two or more")]
    FewLabels {
        /// The column of the labels.
        column: String,
        /// How many it has.
        labels: usize,
    },
    /// Labels cannot be balanced.
    #[error("balance: rows have several labels, expected one in each")]
    Balance,
    /// The part of a model's file that describes the table is damaged.
    #[error("the table of the model cannot be read: {0}")]
    Schema(#[from] serde_json::Error),
    /// The names of the labels are not those of the model.
    #[error("the model has {labels} labels and {names} names")]
    Names {
        /// Labels of the model.
        labels: usize,
        /// Names.
        names: usize,
    },
    /// The features of the model are damaged.
    #[error(transparent)]
    Features(#[from] FeaturizerError),
    /// An impossible setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Prediction failed.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// The rows make no data set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Whoever watched the trials ended them.
    #[error("ended before anything was chosen")]
    Stopped,
}
