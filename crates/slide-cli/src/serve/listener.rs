//! Connections: accepting them, their time-outs, and the end of the server.
//!
//! The end has three steps. First whatever the system has accepted is taken, and each answer tells its client that the connection is
//! closed behind it. A client that is about to use an idle connection has a moment to do so; then idle connections are closed, and
//! those in use when they have been answered. What is not answered after the time of grace is given up.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_util::task::TaskTracker;

use super::routes;
use super::service::Service;
use crate::progress::Style;

/// How long idle connections can still be used after the signal to end. A client that has a connection open may have sent a request
/// that has not arrived yet.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// After an error of accepting, such as too many open files.
const PAUSE: Duration = Duration::from_millis(50);

/// Signals to end.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    /// No signal asks for it there, but the thread that reads models ends with it.
    #[cfg(not(unix))]
    _reload: mpsc::Sender<()>,
}

impl Signals {
    /// Watches for signals from now on; SIGHUP asks for a `reload`.
    #[cfg(unix)]
    pub(crate) fn watch(reload: mpsc::Sender<()>) -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let watch = |kind| signal(kind).context("cannot watch for signals");
        let mut hang_up = watch(SignalKind::hangup())?;
        tokio::spawn(async move { while hang_up.recv().await.is_some() && reload.send(()).is_ok() {} });
        Ok(Self { terminate: watch(SignalKind::terminate())?, interrupt: watch(SignalKind::interrupt())? })
    }

    /// Waits for SIGTERM or SIGINT.
    #[cfg(unix)]
    async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn watch(reload: mpsc::Sender<()>) -> Result<Self> {
        Ok(Self { _reload: reload })
    }

    /// Waits for Ctrl-C.
    #[cfg(not(unix))]
    async fn end(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Serves connections until a signal, and then ends as the documentation of the module says.
///
/// # Errors
/// If something was not answered within the time of grace, or a second signal came before that.
pub(crate) async fn run(listener: TcpListener, service: Arc<Service>, mut signals: Signals, show: Style) -> Result<()> {
    let mut connections = Connections {
        router: routes::router(service.clone()),
        service: service.clone(),
        tasks: TaskTracker::new(),
        graceful: GracefulShutdown::new(),
    };
    let places = Arc::new(Semaphore::new(service.limits.max_connections.get().min(Semaphore::MAX_PERMITS)));
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place.expect("never closed"))
        };
        tokio::select! {
            (accepted, place) = accepted => match accepted {
                Ok((stream, _)) => connections.open(stream, Some(place)),
                Err(error) if is_of_connection(&error) => {}
                Err(error) => {
                    show.note(&format!("cannot accept a connection: {error}"));
                    tokio::time::sleep(PAUSE).await;
                }
            },
            () = signals.end() => break,
        }
    }
    service.end();
    // Of the standard library: it tells what is there now, where tokio's tells what it has heard of.
    let listener = listener.into_std().context("cannot take the last connections")?;
    while let Ok((stream, _)) = listener.accept() {
        if stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            connections.open(stream, None);
        }
    }
    drop(listener);
    let Connections { tasks, graceful, .. } = connections;
    let grace = service.limits.grace;
    show.note(&format!("ending: {} connections, at most {} s", tasks.len(), grace.as_secs_f64()));
    tasks.close();
    let ended = async {
        if tokio::time::timeout(LAST_REQUESTS, tasks.wait()).await.is_err() {
            graceful.shutdown().await;
            tasks.wait().await;
        }
    };
    tokio::select! {
        ended = tokio::time::timeout(grace, ended) => match ended {
            Ok(()) => Ok(()),
            Err(_) => bail!("{} connections did not end within {} s", tasks.len(), grace.as_secs_f64()),
        },
        () = signals.end() => bail!("ended by a second signal, with {} connections open", tasks.len()),
    }
}

/// Errors of a connection that was closed before it was accepted.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

struct Connections {
    router: Router,
    service: Arc<Service>,
    tasks: TaskTracker,
    graceful: GracefulShutdown,
}

impl Connections {
    /// Serves a connection, and gives its `place` back at its end.
    fn open(&mut self, stream: TcpStream, place: Option<OwnedSemaphorePermit>) {
        let time = self.service.limits.timeout;
        // Answers are small and complete.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        // A client that does not take its answer.
        stream.set_write_timeout(Some(time));
        let stream: Pin<Box<TimeoutStream<TcpStream>>> = Box::pin(stream);
        let (router, service) = (self.router.clone(), self.service.clone());
        let metrics = service.metrics.clone();
        let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let answer = routes::answer(router.clone(), service.clone(), request.map(Body::new));
            async { Ok::<_, std::convert::Infallible>(answer.await) }
        });
        let mut builder = http1::Builder::new();
        // The time-out of a request's head is also that of an idle connection.
        builder.timer(TokioTimer::new()).header_read_timeout(time).pipeline_flush(true);
        let connection = self.graceful.watch(builder.serve_connection(TokioIo::new(stream), answer));
        metrics.connections.inc();
        self.tasks.spawn(async move {
            // Errors are those of the client: it broke off, was too slow, or does not speak HTTP.
            let _ = connection.await;
            metrics.connections.dec();
            drop(place);
        });
    }
}
