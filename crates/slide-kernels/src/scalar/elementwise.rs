//! Specification of [`crate::api::elementwise`].

use crate::api::elementwise::Table;
use crate::numerics;

pub(crate) const TABLE: Table = Table { relu, relu_backward, dropout, exp, ln, sigmoid, softplus };

fn relu(x: &mut [f32]) {
    for x in x {
        if *x <= 0.0 {
            *x = 0.0;
        }
    }
}

fn relu_backward(delta: &mut [f32], activation: &[f32]) {
    for (delta, &activation) in delta.iter_mut().zip(activation) {
        if activation <= 0.0 {
            *delta = 0.0;
        }
    }
}

fn dropout(x: &mut [f32], random: &[u32], threshold: u32, scale: f32) {
    for (x, &random) in x.iter_mut().zip(random) {
        *x = if random < threshold { 0.0 } else { *x * scale };
    }
}

fn exp(x: &mut [f32]) {
    for x in x {
        *x = numerics::exp(*x);
    }
}

fn ln(x: &mut [f32]) {
    for x in x {
        *x = numerics::ln(*x);
    }
}

fn sigmoid(x: &mut [f32]) {
    for x in x {
        *x = numerics::sigmoid(*x);
    }
}

fn softplus(x: &mut [f32]) {
    for x in x {
        *x = numerics::softplus(*x);
    }
}
