//! The server of `slide serve`: HTTP in front of a [`Predictor`](slide_core::Predictor).
//!
//! ```text
//!  connection  -> routes -> example: parse, check -> queue -> worker threads: predict, write JSON
//!  (listener)              (on the runtime of tokio)          (threads of their own)
//! ```
//!
//! A few threads of tokio read and write; the prediction of a request is never theirs. What a client asks is checked against the
//! model that is served at that moment, and answered by it, whether another one is taken over meanwhile or not.

mod answer;
mod body;
mod example;
mod failure;
mod listener;
mod metrics;
mod model;
mod openapi;
mod page;
mod queue;
mod reload;
mod routes;
mod service;
mod stream;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use slide_mem::Pinning;

use self::model::Source;
use self::service::Service;
use crate::args::ServeArgs;
use crate::commands::Show;
use crate::output;
use crate::progress::Style;
use crate::usage::Usage;

/// Predicting threads for which one thread of tokio reads and writes.
const THREADS_PER_READER: usize = 4;

pub(crate) fn run(args: &ServeArgs, show: Show) -> Result<()> {
    let progress = show.progress;
    check(args)?;
    let threads = args.runtime.start_with(Pinning::None)?;
    let count = threads.workers().count();
    let source = Source {
        model: args.model.clone(),
        label_names: args.names.clone(),
        ignores_unknown_features: args.ignore_unknown_features,
        feature_names: args.feature_names.clone(),
        retrieval: args.retrieval.retrieval,
        placement: args.runtime.placement(),
        runtime: threads,
    };
    let listener = TcpListener::bind(args.listen).with_context(|| format!("cannot listen on {}", args.listen))?;
    listener.set_nonblocking(true).context("cannot listen without blocking")?;
    let address = listener.local_addr().context("cannot find the address that is listened on")?;
    let state = reload::State::of(&source);
    let model = progress.during("reading the model", || source.load(1))?;
    let (service, workers) = Service::start(model, args.limits.clone(), count)?;
    let service = Arc::new(service);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(count.div_ceil(THREADS_PER_READER))
        .max_blocking_threads(count + 1)
        .thread_name("http")
        .enable_all()
        .build()
        .context("cannot start the threads of the server")?;
    let reloads = reload::start(source, state, args.watch, service.clone(), progress)?;
    let ended = runtime.block_on(async {
        let signals = listener::Signals::watch(reloads)?;
        let listener = tokio::net::TcpListener::from_std(listener).context("cannot listen")?;
        let url = format!("http://{address}");
        match show.json {
            true => output::print(&json!({ "listening": url }).to_string())?,
            false => output::print(&format!("listening on {url}"))?,
        }
        say_who_reaches_it(address, progress);
        listener::run(listener, service.clone(), signals, progress).await
    });
    // Connections that did not end in time are dropped here, and with them what they wait for.
    runtime.shutdown_background();
    service.queue.close();
    ended?;
    workers.into_iter().for_each(|worker| drop(worker.join()));
    progress.note("all requests that were accepted are answered");
    Ok(())
}

fn check(args: &ServeArgs) -> Result<()> {
    if !args.listen.ip().is_loopback() && !args.allow_remote {
        let why = "other machines reach it, and there is neither TLS nor a log-in; --allow-remote allows this";
        return Err(Usage(format!("--listen {}: {why}", args.listen)).into());
    }
    let (most, queue) = (args.limits.max_examples, args.limits.queue);
    if most > queue {
        return Err(Usage(format!("--max-examples {most}: the queue holds only {queue} examples (--queue)")).into());
    }
    if queue.get() > tokio::sync::Semaphore::MAX_PERMITS.min(u32::MAX as usize) {
        bail!(Usage(format!("--queue {queue}: expected less than 2^32")));
    }
    Ok(())
}

/// Says who can use the server; that others than this machine's programs can, in any case.
fn say_who_reaches_it(address: SocketAddr, progress: Style) {
    if address.ip().is_loopback() {
        progress.note("only programs on this machine reach it, all of them: there is neither TLS nor a log-in");
    } else {
        output::say(&format!("warning: whoever reaches {address} may use it: there is neither TLS nor a log-in"));
    }
}
