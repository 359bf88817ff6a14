//! The test of `--target ssh:HOST` against a real server of ssh on this machine, with keys and settings of its own.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use slide_benches::machine;
use xshell::{Shell, cmd};

use super::SSH;
use crate::bench::record::Record;
use crate::debian_packages::{Folder, Purpose};
use crate::process::{Running, start};
use crate::workspace::{self, on_path};

static PURPOSE: Purpose = Purpose {
    task: "remote",
    content: "a server of ssh",
    name: "slide-sshd",
    variable: "SLIDE_SSHD_DIR",
    revision: "1",
};

/// A case that is soon measured, counted and told.
const FILTER: &str = "dot::dot f32 1024";

/// Measures this machine as if it were another one.
pub(crate) fn check(shell: &Shell) -> Result<()> {
    ensure!(on_path(&["ssh"]).is_some(), "there is no ssh here; the package is openssh-client");
    let folder = workspace::scratch("loopback");
    shell.remove_path(&folder)?;
    let temporary = folder.join("temporary");
    fs::create_dir_all(&temporary).with_context(|| format!("cannot create {}", temporary.display()))?;
    let server = Server::start(shell, &folder, &temporary)?;
    let bench = |host: &str, filter: &str| {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "--target", &format!("ssh:{host}"), "--filter", filter, "--json"]);
        command.env(SSH, format!("ssh -F {}", server.client.display()));
        command.output().context("cannot start xtask")
    };
    let output = bench("loopback", FILTER)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the server says:\n{}\nxtask says:\n{said}", server.log());
    let record: Record = serde_json::from_slice(&output.stdout).context("what it printed is no record")?;
    ensure!(record.origin.machine.name == machine::detect().name, "another machine: {}", record.origin.machine.name);
    let is_measured =
        |subject: &str| record.entries.iter().any(|entry| entry.subject == subject && entry.median() > Some(0.0));
    ensure!(is_measured("dot::dot") && record.roofs.iter().all(|roof| roof.value > 0.0), "not measured: {record:?}");
    let counted = record.entries.iter().filter(|entry| entry.counted.is_some()).count();
    ensure!(counted == record.entries.len(), "{counted} of {} were counted", record.entries.len());

    let fails = |host, filter, because: &str| {
        let output = bench(host, filter)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(!output.status.success() && said.contains(because), "instead of `{because}` it says:\n{said}");
        Ok(())
    };
    fails("loopback", "no such kernel", "no case of a kernel")?;
    fails("elsewhere", FILTER, "ssh does not get through to elsewhere")?;
    let left = fs::read_dir(&temporary)?.count();
    ensure!(left == 0, "{left} files are left in {}", temporary.display());
    println!("remote: {} entries measured through ssh; failures told; nothing left behind", record.entries.len());
    drop(server);
    Ok(fs::remove_dir_all(folder)?)
}

/// A server that listens on the loopback until it is dropped.
struct Server {
    process: Running,
    log: PathBuf,
    /// Settings for the client.
    client: PathBuf,
}

impl Server {
    /// `temporary` is TMPDIR of whoever logs in.
    fn start(shell: &Shell, folder: &Path, temporary: &Path) -> Result<Self> {
        let (sshd, libraries) = find_or_unpack(shell)?;
        let [host_key, user_key] = ["host", "user"].map(|name| folder.join(name));
        for key in [&host_key, &user_key] {
            cmd!(shell, "ssh-keygen -q -t ed25519 -N '' -f {key}").quiet().run()?;
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let [settings, client, known, log] = ["server", "client", "known", "log"].map(|name| folder.join(name));
        fs::write(
            &settings,
            format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nSetEnv TMPDIR={}\nPidFile none\n\
                 UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
                 PermitRootLogin prohibit-password\n{}",
                host_key.display(),
                user_key.with_extension("pub").display(),
                temporary.display(),
                helpers(&sshd),
            ),
        )?;
        // Nobody listens on the port of discarding.
        fs::write(
            &client,
            format!(
                "Host loopback\n  Port {port}\nHost elsewhere\n  Port 9\nHost *\n  HostName 127.0.0.1\n  IdentityFile {}\n  \
                 IdentitiesOnly yes\n  BatchMode yes\n  StrictHostKeyChecking accept-new\n  UserKnownHostsFile {}\n",
                user_key.display(),
                known.display(),
            ),
        )?;
        let mut command = if is_root() { privileged(&sshd, folder)? } else { Command::new(&sshd) };
        command.args(["-D", "-e", "-f"]).arg(&settings).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(fs::File::create(&log)?);
        command.envs(libraries.map(|libraries| ("LD_LIBRARY_PATH", libraries)));
        let mut server = Self { process: Running(start(&mut command)?), log, client };
        server.wait(port)?;
        Ok(server)
    }

    fn wait(&mut self, port: u16) -> Result<()> {
        for _ in 0..600 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.process.0.try_wait()? {
                bail!("the server ended with {status}; it says:\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("the server does not listen; it says:\n{}", self.log())
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// The system's server, or else one unpacked from Debian's packages, with the folder of its libraries.
fn find_or_unpack(shell: &Shell) -> Result<(PathBuf, Option<PathBuf>)> {
    let installed = on_path(&["sshd"]).or_else(|| Some(PathBuf::from("/usr/sbin/sshd")).filter(|path| path.exists()));
    if let Some(installed) = installed {
        return Ok((installed, None));
    }
    let folder = Folder::chosen(&PURPOSE)?;
    folder
        .provide_packages(shell, &["openssh-server", "libwrap0", "libnsl2", "libtirpc3"])
        .context("there is no sshd here: install openssh-server")?;
    let root = folder.root();
    Ok((root.join("usr/sbin/sshd"), Some(root.join("usr/lib/x86_64-linux-gnu"))))
}

/// Newer servers consist of several programs, which are looked for where the package would have been installed.
fn helpers(sshd: &Path) -> String {
    let Some(root) = sshd.ancestors().nth(3).filter(|root| *root != Path::new("/")) else { return String::new() };
    let programs = [("SshdSessionPath", "sshd-session"), ("SshdAuthPath", "sshd-auth")];
    let found = programs.map(|(option, name)| (option, root.join("usr/lib/openssh").join(name)));
    found
        .iter()
        .filter(|(_, path)| path.exists())
        .map(|(option, path)| format!("{option} {}\n", path.display()))
        .collect()
}

fn is_root() -> bool {
    #[cfg(target_os = "linux")]
    return fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    #[cfg(not(target_os = "linux"))]
    false
}

/// The server of root wants a user and a folder of its own, which it gets in a view of the file system that ends with it.
fn privileged(sshd: &Path, folder: &Path) -> Result<Command> {
    let users = folder.join("passwd");
    let own = "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n";
    fs::write(&users, fs::read_to_string("/etc/passwd")? + own)?;
    let script = "mount --bind \"$1\" /etc/passwd && mount -t tmpfs none /run && mkdir -m 755 /run/sshd || exit\n\
                  sshd=$2; shift 2; exec \"$sshd\" \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]).arg(users).arg(sshd);
    Ok(command)
}
