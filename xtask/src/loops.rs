//! The loops of a function.

use std::collections::BTreeSet;

use petgraph::Direction::Incoming;
use petgraph::algo::kosaraju_scc;
use petgraph::graphmap::DiGraphMap;

use crate::disassembly::{Flow, Instruction};

/// Instructions among which control may go round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loop {
    /// By their number in the function, in order; without those of the loops within.
    pub(crate) instructions: Vec<usize>,
    /// Whether no other loop lies within.
    pub(crate) innermost: bool,
}

/// All loops of a function.
pub(crate) fn loops(function: &[Instruction]) -> Vec<Loop> {
    let mut loops = Vec::new();
    let graph = graph(function);
    nest(&graph, &graph, &mut loops);
    loops
}

/// Which instruction may follow which.
fn graph(function: &[Instruction]) -> DiGraphMap<usize, ()> {
    let place = |address: u64| function.binary_search_by_key(&address, |instruction| instruction.address).ok();
    let mut graph = DiGraphMap::new();
    let mut computed = Vec::new();
    for (i, instruction) in function.iter().enumerate() {
        graph.add_node(i);
        let (next, target) = match &instruction.flow {
            Flow::Next | Flow::Call(_) => (true, None),
            Flow::Branch(target) => (true, Some(*target)),
            Flow::Jump(target) => (false, Some(*target)),
            Flow::ComputedJump => {
                computed.push(i);
                (false, None)
            }
            Flow::End => (false, None),
        };
        if next && i + 1 < function.len() {
            graph.add_edge(i, i + 1, ());
        }
        // A jump out of the function is a call that does not come back here.
        if let Some(target) = target.and_then(place) {
            graph.add_edge(i, target, ());
        }
    }
    // What nothing else leads to is where computed jumps go. No-operations stand there to fill up.
    let mut orphans = Vec::new();
    for (i, instruction) in function.iter().enumerate().skip(1) {
        if graph.neighbors_directed(i, Incoming).next().is_none() {
            match instruction.text.contains("nop") {
                true => _ = graph.remove_edge(i, i + 1),
                false => orphans.push(i),
            }
        }
    }
    for &from in &computed {
        for &to in &orphans {
            graph.add_edge(from, to, ());
        }
    }
    graph
}

/// Adds the loops of a part of a graph; the result is the nodes that are in any.
///
/// A set of nodes that all reach each other is a loop; without its header, what still does is the loops within.
fn nest(graph: &DiGraphMap<usize, ()>, part: &DiGraphMap<usize, ()>, loops: &mut Vec<Loop>) -> BTreeSet<usize> {
    let mut looping = BTreeSet::new();
    for component in kosaraju_scc(part) {
        let within: BTreeSet<usize> = component.into_iter().collect();
        let first = *within.first().expect("components have nodes");
        if within.len() == 1 && !part.contains_edge(first, first) {
            continue;
        }
        let entered = |node: &&usize| graph.neighbors_directed(**node, Incoming).any(|from| !within.contains(&from));
        let header = within.iter().find(entered).copied().unwrap_or(first);
        let mut inner = DiGraphMap::new();
        for (from, to, ()) in part.all_edges() {
            if within.contains(&from) && within.contains(&to) && from != header && to != header {
                inner.add_edge(from, to, ());
            }
        }
        let deeper = nest(graph, &inner, loops);
        let instructions = within.difference(&deeper).copied().collect();
        loops.push(Loop { instructions, innermost: deeper.is_empty() });
        looping.extend(within);
    }
    looping
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disassembly::listing;
    use crate::program::Architecture;

    fn found(text: &str) -> Vec<Loop> {
        let mut loops = loops(&listing(text, Architecture::X86));
        loops.sort_by_key(|one| (one.instructions.len(), one.instructions[0]));
        loops
    }

    #[test]
    fn straight_code_has_none() {
        assert_eq!(found("0:\tnop\n1:\tje\t0x3\n2:\tnop\n3:\tretq"), []);
    }

    #[test]
    fn a_loop_in_a_loop() {
        let loops = found(
            "0:\tpushq\t%rbp\n1:\txorl\t%eax, %eax\n2:\taddps\t%xmm0, %xmm0\n3:\tjne\t0x2\n4:\tjne\t0x1\n5:\tretq",
        );
        assert_eq!(
            loops,
            [Loop { instructions: vec![1, 4], innermost: false }, Loop { instructions: vec![2, 3], innermost: true },]
        );
    }

    #[test]
    fn what_panics_is_in_no_loop_wherever_it_lies() {
        let loops =
            found("0:\tincq\t%rax\n1:\tje\t0x3\n2:\tcallq\t0x100 <core::panicking::panic>\n3:\tjne\t0x0\n4:\tretq");
        assert_eq!(loops, [Loop { instructions: vec![0, 1, 3], innermost: true }]);
    }

    #[test]
    fn a_loop_through_a_computed_jump() {
        let loops = found("0:\tjmpq\t*%rax\n1:\tnopw\t(%rax)\n2:\taddq\t%rax, %rbx\n3:\tjmp\t0x0\n4:\tretq");
        assert_eq!(loops, [Loop { instructions: vec![0, 2, 3], innermost: true }]);
    }
}
