//! A training batch: its blocks, and the matrices of activations and gradients that they share.

use super::Network;
use super::block::{Block, block_size};
use crate::layer::dense::BlockDeltas;

/// The blocks of a batch and its matrices, `[batch][columns]` for each hidden layer, kept between batches.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) blocks: Vec<Block>,
    /// Activations of each hidden layer after ReLU and dropout.
    pub(crate) activations: Vec<Vec<f32>>,
    /// Gradient of the loss with respect to the sums of each hidden layer before ReLU.
    pub(crate) gradients: Vec<Vec<f32>>,
}

/// A block and its rows of the batch's matrices.
pub(crate) struct BlockItem<'a> {
    pub(crate) block: &'a mut Block,
    pub(crate) activations: Vec<&'a mut [f32]>,
    pub(crate) gradients: Vec<&'a mut [f32]>,
}

impl Batch {
    /// Cuts a batch of `examples` into blocks for `workers`, and makes room for it.
    pub(crate) fn resize(&mut self, network: &Network, examples: usize, workers: usize) {
        let padded = examples.next_multiple_of(16);
        // A power of two: then a block lies in one group of examples with a common set.
        let size = block_size(examples, workers).next_power_of_two();
        self.blocks.resize_with(padded.div_ceil(size), Block::default);
        for (index, block) in self.blocks.iter_mut().enumerate() {
            block.first = index * size;
            block.padded = size.min(padded - block.first);
            block.feature_runs = workers;
        }
        for matrices in [&mut self.activations, &mut self.gradients] {
            network.resize_hidden(padded, matrices);
        }
    }

    /// Examples, padding included.
    pub(crate) fn padded(&self) -> usize {
        self.blocks.iter().map(|block| block.padded).sum()
    }

    /// Each block with its rows.
    pub(crate) fn items(&mut self) -> Vec<BlockItem<'_>> {
        let padded = self.padded();
        let Self { blocks, activations, gradients } = self;
        let columns: Vec<usize> = activations.iter().map(|layer| layer.len() / padded).collect();
        let mut activations: Vec<&mut [f32]> = activations.iter_mut().map(Vec::as_mut_slice).collect();
        let mut gradients: Vec<&mut [f32]> = gradients.iter_mut().map(Vec::as_mut_slice).collect();
        let items = blocks.iter_mut().map(|block| {
            let activations = take(&mut activations, &columns, block.padded);
            let gradients = take(&mut gradients, &columns, block.padded);
            BlockItem { block, activations, gradients }
        });
        items.collect()
    }

    /// What the blocks bring to the gradient of dense layer `layer` (the output's number follows the last), whose inputs
    /// are the activations of hidden layer `layer`; `rows` gives the rows of the block that begins with an example.
    pub(crate) fn deltas<'a>(
        &'a self,
        layer: usize,
        rows: impl Fn(usize) -> &'a [u32] + Clone,
    ) -> impl Iterator<Item = BlockDeltas<'a>> + Clone {
        let inputs = &self.activations[layer];
        let columns = inputs.len() / self.padded();
        self.blocks.iter().map(move |block| BlockDeltas {
            rows: rows(block.first),
            deltas: block.deltas(layer),
            inputs: &inputs[block.first * columns..(block.first + block.padded) * columns],
            examples: block.padded,
        })
    }
}

/// The next `examples` rows of each matrix.
fn take<'a>(matrices: &mut [&'a mut [f32]], columns: &[usize], examples: usize) -> Vec<&'a mut [f32]> {
    let matrices = matrices.iter_mut().zip(columns);
    matrices.map(|(matrix, columns)| matrix.split_off_mut(..examples * columns).expect("sized to the batch")).collect()
}
