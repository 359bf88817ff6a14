//! A server that is running, and a plain client that can also do what a proper one never would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Folder, std_slide, word};

/// No answer takes this long, whatever else the machine does.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) const JSON: &str = "application/json";
pub(crate) const NDJSON: &str = "application/x-ndjson";

/// `slide serve`, killed when dropped.
pub(crate) struct Server {
    child: Child,
    stderr: Option<ChildStderr>,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts `slide serve WORDS` in the folder, on a free port.
    pub(crate) fn start(folder: &Folder, words: &str) -> Self {
        Self::start_at(folder, "127.0.0.1:0", words)
    }

    /// The same on another address.
    pub(crate) fn start_at(folder: &Folder, listen: &str, words: &str) -> Self {
        let mut command = std_slide();
        command
            .current_dir(folder.path("."))
            .args(["serve", "--listen", listen])
            .args(words.split_whitespace().map(word));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        let Some(address) = address else {
            let mut said = String::new();
            stderr.unwrap().read_to_string(&mut said).unwrap();
            panic!("{line:?}: no address\n{said}");
        };
        Self { child, stderr, address }
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::to(self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        let mut connection = self.connect();
        connection.write(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        connection.reply()
    }

    pub(crate) fn post(&self, path: &str, kind: &str, body: impl AsRef<[u8]>) -> Reply {
        self.connect().post(path, kind, body)
    }

    /// The answer to a question of JSON, which must succeed.
    pub(crate) fn predict(&self, question: &Value) -> Value {
        let reply = self.post("/predict", JSON, question.to_string());
        assert_eq!(reply.status, 200, "{question}: {}", reply.text());
        reply.json()
    }

    /// The value of a metric, 0 if it is not there.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").text();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or(0.0)
    }

    /// Waits until the condition holds.
    pub(crate) fn wait_until(&self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let status =
            std::process::Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end: the status, and what was said on standard error.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let mut said = String::new();
        self.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap(), said)
    }

    /// Ends it, which must succeed.
    #[cfg(unix)]
    pub(crate) fn end(self) -> String {
        self.signal("TERM");
        let (status, said) = self.wait();
        assert!(status.success(), "{status}: {said}");
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection of HTTP/1.1.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// As [`write`](Self::write); whether the server has taken it.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> bool {
        self.0.get_mut().write_all(bytes).is_ok()
    }

    /// As [`chunk`](Self::chunk); whether the server has taken it.
    pub(crate) fn try_chunk(&mut self, text: &str) -> bool {
        self.try_write(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
    }

    /// Says that nothing more is sent.
    pub(crate) fn finish(&mut self) {
        // The server may have closed the connection.
        let _ = self.0.get_mut().shutdown(std::net::Shutdown::Write);
    }

    /// The head of a request with a body of `length` bytes.
    pub(crate) fn head(path: &str, kind: &str, length: usize) -> String {
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n")
    }

    pub(crate) fn post(&mut self, path: &str, kind: &str, body: impl AsRef<[u8]>) -> Reply {
        let body = body.as_ref();
        let mut request = Self::head(path, kind, body.len()).into_bytes();
        request.extend_from_slice(body);
        self.write(request);
        self.reply()
    }

    /// Begins a request whose body comes in chunks.
    pub(crate) fn begin_chunks(&mut self, path: &str, kind: &str) {
        self.write(format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        ));
    }

    /// Sends a chunk; an empty one ends the body.
    pub(crate) fn chunk(&mut self, text: &str) {
        self.write(format!("{:x}\r\n{text}\r\n", text.len()));
    }

    pub(crate) fn reply(&mut self) -> Reply {
        let (status, headers) = self.reply_head();
        let mut reply = Reply { status, headers, body: Vec::new() };
        if reply.header("transfer-encoding").is_some() {
            while let Some(chunk) = self.reply_chunk() {
                reply.body.extend(chunk);
            }
        } else {
            let length = reply.header("content-length").map_or(0, |length| length.parse().unwrap());
            reply.body.resize(length, 0);
            self.0.read_exact(&mut reply.body).unwrap();
        }
        reply
    }

    pub(crate) fn reply_head(&mut self) -> (u16, Vec<(String, String)>) {
        let status = self.line();
        let status = status.strip_prefix("HTTP/1.1 ").unwrap_or_else(|| panic!("no status: {status:?}"));
        let status = status[..3].parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        (status, headers)
    }

    /// The next chunk of an answer, none at its end.
    pub(crate) fn reply_chunk(&mut self) -> Option<Vec<u8>> {
        let length = usize::from_str_radix(&self.line(), 16).unwrap();
        let mut chunk = vec![0; length];
        self.0.read_exact(&mut chunk).unwrap();
        self.line();
        (length > 0).then_some(chunk)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// All that comes until the server closes the connection, or breaks it off.
    pub(crate) fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("{error}"),
            _ => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The message of an answer that must have this status.
    pub(crate) fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()["error"].as_str().unwrap().to_owned()
    }
}
