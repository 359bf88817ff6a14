//! A load test of `slide serve` on the loopback, by wrk and h2load, with clients that misbehave beside them.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use xshell::cmd;

use crate::cli::LoadArguments;
use crate::workspace::{self, on_path};

/// Sends the requests of a file in turn, each connection from another place on.
const SCRIPT: &str = r#"
local requests = {}
local headers = { ["Content-Type"] = "application/json" }
local next = 0
function init(args)
  for body in io.lines(args[1]) do requests[#requests + 1] = wrk.format("POST", "/predict", headers, body) end
  next = math.random(#requests)
end
function request()
  next = next % #requests + 1
  return requests[next]
end
"#;

/// Most examples of the file that are sent.
const EXAMPLES: usize = 5000;
/// Connections of clients at a rate, among which it is divided.
const CLIENTS: u64 = 16;

pub(crate) fn run(arguments: &LoadArguments) -> Result<()> {
    for (program, package) in [("wrk", "wrk"), ("h2load", "nghttp2-client")] {
        ensure!(on_path(&[program]).is_some(), "there is no {program} (Debian: {package})");
    }
    let shell = workspace::shell()?;
    let folder = workspace::scratch("load");
    shell.create_dir(&folder)?;
    let model = std::path::absolute(&arguments.model)?;
    let load = Load { bodies: bodies(&arguments.data, &folder)?, folder, seconds: arguments.seconds };
    fs::write(load.folder.join("requests.lua"), SCRIPT)?;
    cmd!(shell, "cargo build --release --package slide-cli").run()?;

    let others = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("Load average before: {}\n", others.split(' ').next().unwrap_or("unknown"));
    println!("| load | answers/s | p50 ms | p99 ms | processor us an answer: server, client | other than 200 |");
    println!("|---|---|---|---|---|---|");
    let server = Server::start(&model, &[])?;
    let mut peak: f64 = 0.0;
    for connections in [1, 16, 64] {
        peak = peak.max(load.as_fast_as_possible(&server, connections)?);
    }
    let half = load.at_rate(&server, "half of that", CLIENTS, peak / 2.0)?;
    half.check(0)?;
    // The same rate, beside clients that are killed, that are slow, and that send garbage.
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let pests = scope.spawn(|| load.pest(&server, &is_over));
        let beside = load.at_rate(&server, "half, beside killed and slow clients and garbage", CLIENTS, peak / 2.0);
        is_over.store(true, Ordering::Relaxed);
        pests.join().expect("does not panic")?;
        beside?.check(0)
    })?;
    server.end(false)?;

    let server = Server::start(&model, &["--queue", "64", "--max-examples", "64"])?;
    let twice = load.at_rate(&server, "twice what it bears, a queue of 64", 16 * CLIENTS, 2.0 * peak)?;
    twice.check(503)?;
    load.at_rate(&server, "half, behind that", CLIENTS, peak / 2.0)?.check(0)?;
    server.end(false)?;

    // What was accepted is answered, also under load: the server itself says so, and ends without an error.
    let server = Server::start(&model, &[])?;
    let mut client = load.client(&server, 64)?.spawn()?;
    sleep(Duration::from_secs(2));
    server.end(true)?;
    client.kill()?;
    client.wait()?;
    println!("\nended by SIGTERM under full load, without an error");
    Ok(())
}

/// Writes the examples of a file of the Extreme Classification Repository as bodies of requests.
fn bodies(data: &Path, folder: &Path) -> Result<PathBuf> {
    let file = fs::File::open(data).with_context(|| format!("cannot read {}", data.display()))?;
    let mut text = String::new();
    match data.extension().is_some_and(|ending| ending == "zst") {
        true => zstd::Decoder::new(file)?.read_to_string(&mut text)?,
        false => BufReader::new(file).read_to_string(&mut text)?,
    };
    let mut bodies = String::new();
    for line in text.lines().skip(1).take(EXAMPLES) {
        let mut features = serde_json::Map::new();
        for pair in line.split(' ').skip(1) {
            let (feature, value) = pair.split_once(':').with_context(|| format!("no feature: {pair}"))?;
            features.insert(feature.to_owned(), json!(value.parse::<f64>()?));
        }
        writeln!(bodies, "{}", json!({ "features": features }))?;
    }
    let path = folder.join("bodies.jsonl");
    fs::write(&path, bodies)?;
    Ok(path)
}

/// A server that is running, on a free port.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(model: &Path, options: &[&str]) -> Result<Self> {
        let mut command = Command::new(workspace::target().join("release/slide"));
        command.args(["--quiet", "serve", "--listen", "127.0.0.1:0"]).arg(model).args(options);
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("piped above")?).read_line(&mut line)?;
        let url = line.trim().strip_prefix("listening on ").context("the server does not start")?.to_owned();
        Ok(Self { child, url })
    }

    fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Ends it by SIGTERM, which must succeed; `is_busy` while clients ask.
    fn end(mut self, is_busy: bool) -> Result<()> {
        let id = self.child.id().to_string();
        ensure!(Command::new("kill").args(["-TERM", &id]).status()?.success(), "cannot send a signal");
        let status = self.child.wait()?;
        ensure!(status.success(), "the server ended with {status}{}", if is_busy { " under load" } else { "" });
        Ok(())
    }
}

struct Load {
    folder: PathBuf,
    bodies: PathBuf,
    seconds: u32,
}

impl Load {
    /// wrk: each connection asks again as soon as it has its answer.
    fn client(&self, server: &Server, connections: u64) -> Result<Command> {
        let mut command = Command::new("wrk");
        command.args(["--threads=1", "--latency"]).arg(format!("--connections={connections}"));
        command.arg(format!("--duration={}s", self.seconds)).arg("--script").arg(self.folder.join("requests.lua"));
        command.arg(&server.url).arg("--").arg(&self.bodies).stdout(Stdio::piped());
        Ok(command)
    }

    /// Answers per second.
    fn as_fast_as_possible(&self, server: &Server, connections: u64) -> Result<f64> {
        let before = Spent::now(server)?;
        let output = self.client(server, connections)?.output()?;
        let spent = Spent::now(server)?.since(&before);
        let text = String::from_utf8(output.stdout)?;
        let field = |name: &str| text.lines().find_map(|line| Some(line.trim().strip_prefix(name)?.trim().to_owned()));
        let rate = field("Requests/sec:").with_context(|| format!("wrk says: {text}"))?;
        let [half, most] = ["50%", "99%"].map(|name| field(name).unwrap_or_default());
        ensure!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "wrk says: {text}");
        let requests = text.lines().find_map(|line| line.trim().split_once(" requests in ")).context("wrk counts")?.0;
        let spent = spent.each(requests.parse()?);
        let plain = |time: &str| milliseconds(time).map_or_else(|| time.to_owned(), |time| format!("{time:.2}"));
        let (half, most) = (plain(&half), plain(&most));
        println!("| {connections} connections, as fast as possible | {rate} | {half} | {most} | {spent} | 0 |");
        Ok(rate.parse()?)
    }

    /// h2load: requests at a rate, whether earlier ones have been answered or not, as far as there are connections.
    fn at_rate(&self, server: &Server, what: &str, clients: u64, rate: f64) -> Result<Answers> {
        let rate_of_client = (rate / clients as f64).max(1.0).round() as u64;
        let requests = rate_of_client * clients * u64::from(self.seconds);
        // One body for all: the first of the file.
        let body = self.folder.join("body.json");
        let first = fs::read_to_string(&self.bodies)?.lines().next().unwrap_or_default().to_owned();
        fs::write(&body, first)?;
        let (log, url) = (self.folder.join("h2load.log"), format!("{}/predict", server.url));
        // h2load appends.
        let _ = fs::remove_file(&log);
        let mut h2load = Command::new("h2load");
        h2load.args(["--h1", "--header=Content-Type: application/json"]).arg(format!("--clients={clients}"));
        h2load.arg(format!("--rps={rate_of_client}")).arg(format!("--requests={requests}"));
        h2load.arg("--data").arg(&body).arg("--log-file").arg(&log).arg(url).stdout(Stdio::null());
        let before = Spent::now(server)?;
        ensure!(h2load.status()?.success(), "h2load failed");
        let spent = Spent::now(server)?.since(&before);
        let answers = Answers::read(&log)?;
        let (spent, others) = (spent.each(answers.statuses.len()), answers.statuses.len() - answers.microseconds.len());
        println!("| {what}: {} requests/s | {answers} | {spent} | {others} |", rate_of_client * clients);
        Ok(answers)
    }

    /// Does what no client should until `is_over`: is slow, sends garbage, and is killed in the middle of requests.
    fn pest(&self, server: &Server, is_over: &AtomicBool) -> Result<()> {
        let mut slow = Vec::new();
        for text in ["POST /predict HT", "POST /predict HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"] {
            for _ in 0..20 {
                let mut stream = TcpStream::connect(server.address())?;
                stream.write_all(text.as_bytes())?;
                slow.push(stream);
            }
        }
        let mut state = 1_u32;
        while !is_over.load(Ordering::Relaxed) {
            let mut killed = self.client(server, 8)?.spawn()?;
            for _ in 0..10 {
                let garbage: Vec<u8> = std::iter::repeat_with(|| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .take(1000)
                .collect();
                // The server may close the connection before it has all of it.
                let _ = TcpStream::connect(server.address())?.write_all(&garbage);
                sleep(Duration::from_millis(50));
            }
            killed.kill()?;
            killed.wait()?;
        }
        Ok(())
    }
}

/// Milliseconds of what wrk prints, such as `70.00us`.
fn milliseconds(time: &str) -> Option<f64> {
    let number = time.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match &time[number.len()..] {
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        _ => return None,
    };
    Some(factor * number.parse::<f64>().ok()?)
}

/// Processor time, in clock ticks, of the server and of all clients that have ended. Other than the rate it does not depend on what
/// else the machine does.
struct Spent {
    server: u64,
    clients: u64,
}

impl Spent {
    /// Microseconds of a clock tick: Linux has 100 a second.
    const TICK: f64 = 1e4;

    fn now(server: &Server) -> Result<Self> {
        // Fields as proc(5) numbers them, the name of the program left out: 14 and 15 are the process's own, 16 and 17 its children's.
        let ticks = |process: &str, first: usize| -> Result<u64> {
            let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
            let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
            Ok(fields[first - 3].parse::<u64>()? + fields[first - 2].parse::<u64>()?)
        };
        Ok(Self { server: ticks(&server.child.id().to_string(), 14)?, clients: ticks("self", 16)? })
    }

    fn since(&self, before: &Self) -> Self {
        Self { server: self.server - before.server, clients: self.clients - before.clients }
    }

    /// For each of `answers`.
    fn each(&self, answers: usize) -> String {
        let each = |ticks: u64| Self::TICK * ticks as f64 / answers as f64;
        format!("{:.0}, {:.0}", each(self.server), each(self.clients))
    }
}

/// What h2load says of each request.
struct Answers {
    statuses: Vec<i32>,
    /// Of answers with status 200, ascending.
    microseconds: Vec<u64>,
    seconds: f64,
}

impl Answers {
    fn read(log: &Path) -> Result<Self> {
        let (mut statuses, mut microseconds) = (Vec::new(), Vec::new());
        let (mut first, mut last) = (u64::MAX, 0);
        for line in fs::read_to_string(log)?.lines() {
            let fields: Vec<i64> = line.split('\t').map(str::parse).collect::<Result<_, _>>()?;
            let &[start, status, time] = &fields[..] else { anyhow::bail!("h2load says: {line}") };
            statuses.push(status as i32);
            (first, last) = (first.min(start as u64), last.max((start + time) as u64));
            if status == 200 {
                microseconds.push(time as u64);
            }
        }
        microseconds.sort_unstable();
        Ok(Self { statuses, microseconds, seconds: last.saturating_sub(first) as f64 / 1e6 })
    }

    /// Each answer has status 200, or `other`.
    fn check(&self, other: i32) -> Result<()> {
        let wrong = self.statuses.iter().find(|&&status| status != 200 && status != other);
        ensure!(wrong.is_none(), "status {}", wrong.unwrap_or(&0));
        ensure!(!self.microseconds.is_empty(), "no answer");
        Ok(())
    }
}

impl std::fmt::Display for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.microseconds.len();
        let at =
            |share: f64| self.microseconds.get((share * count as f64) as usize).map_or(0.0, |&time| time as f64 / 1e3);
        write!(f, "{:.0} | {:.2} | {:.2}", count as f64 / self.seconds, at(0.5), at(0.99))
    }
}
