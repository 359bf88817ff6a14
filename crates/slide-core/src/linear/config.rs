//! The settings of the linear part.

use crate::setting::settings;

settings! {
    /// The sparse linear part: how it is trained.
    pub struct LinearConfig in "linear" {
        /// Weight of the losses of the linear part against its regularisation (C of support vector machines)
        cost: f32 = 1.0, "C";
        /// Rounds in which the linear part looks for wrong labels that it scores high, each in a third of the examples [default:
        /// 4, or as --budget allows]
        mining_rounds: Option<u32> = None, "N";
        /// Wrong labels that are found for an example in such a round, besides as many as it has labels
        hard_negatives: usize = 60, "LABELS";
        /// Smallest absolute weight of the linear part that is kept, of a feature with values of the usual size; of features with
        /// larger values smaller ones are kept too, of others only larger ones
        prune: f32 = 0.15, "WEIGHT";
    }
}
