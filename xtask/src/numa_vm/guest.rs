//! A machine of a chosen shape, and programs that run on it one after another.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Shell, cmd};

use super::NumaVm;
use super::console::{Console, begin_mark, end_mark};
use crate::process::{Running, quoted, start};
use crate::workspace::{self, make_executable};

/// Far more than all steps of a machine take, on a busy host too.
const TIME_LIMIT: Duration = Duration::from_secs(20 * 60);

/// The distance between any two nodes, as the firmware states it; to itself a node has 10.
const DISTANCE: u32 = 21;

/// A NUMA node. One without CPUs or without memory is a node all the same.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) cpus: u32,
    pub(crate) memory_mib: u32,
}

/// The shape of a machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) nodes: Vec<Node>,
}

/// A program to run on the machine, as root.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    /// Printed before its output.
    pub(crate) name: String,
    /// Lines of shell that come first. Where one fails, so does the step.
    pub(crate) preparation: Vec<String>,
    /// A file of this host. Shared libraries are taken along.
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
}

impl NumaVm {
    /// Boots the machine, runs the steps, whose output it prints, and gives their exit codes.
    ///
    /// # Errors
    /// If the machine does not get to the end of the steps.
    pub(crate) fn run(&self, machine: &Machine, steps: &[Step]) -> Result<Vec<i32>> {
        let shell = workspace::shell()?;
        let folder = shell.create_temp_dir()?;
        let archive = self.initramfs(&shell, folder.path(), steps)?;
        let console = watch(self.emulator(machine, &archive)?, TIME_LIMIT)?;
        let done = console.statuses.len();
        ensure!(
            done == steps.len(),
            "the machine stopped in step {} of {}, {}; the end of its console:\n{}",
            done + 1,
            steps.len(),
            steps[done].name,
            console.last_lines()
        );
        Ok(console.statuses)
    }

    fn emulator(&self, machine: &Machine, initramfs: &Path) -> Result<Command> {
        let mut command = Command::new(self.root.join("usr/bin/qemu-system-x86_64"));
        let libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"].map(|path| self.root.join(path));
        command.env("LD_LIBRARY_PATH", env::join_paths(libraries)?);
        for firmware in ["usr/share/qemu", "usr/share/seabios"] {
            command.arg("-L").arg(self.root.join(firmware));
        }
        command.args(["-accel", "tcg", "-cpu", "max", "-no-reboot"]);
        command.args(["-nodefaults", "-display", "none", "-serial", "stdio"]);
        command.args(machine.options());
        command.arg("-kernel").arg(&self.kernel).arg("-initrd").arg(initramfs);
        // Memory stays where the programs have put it.
        command.args(["-append", "console=ttyS0 quiet panic=-1 numa_balancing=disable"]);
        Ok(command)
    }

    /// An archive that the kernel unpacks into memory: the shell and its tools, the programs with their libraries, and the script
    /// that runs them.
    fn initramfs(&self, shell: &Shell, folder: &Path, steps: &[Step]) -> Result<PathBuf> {
        let root = folder.join("root");
        for folder in ["bin", "dev", "proc", "programs", "sys", "tmp"] {
            shell.create_dir(root.join(folder))?;
        }
        let inside = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
        shell.copy_file(&self.busybox, root.join("bin/busybox"))?;
        for step in steps {
            let (program, copy) = (&step.program, inside(&place(&step.program)?));
            if copy.exists() {
                continue;
            }
            // Without the tens of megabytes that only a debugger reads.
            cmd!(shell, "strip --strip-debug -o {copy} {program}").quiet().run()?;
            for library in libraries(shell, program)? {
                let copy = inside(&library);
                shell.create_dir(copy.parent().context("a library lies in a folder")?)?;
                shell.copy_file(library, copy)?;
            }
        }
        shell.write_file(root.join("init"), init(steps)?)?;
        make_executable(&root.join("init"))?;
        let (busybox, archive, _root) = (&self.busybox, folder.join("initramfs"), shell.push_dir(&root));
        let files = cmd!(shell, "find .").quiet().read()?;
        let packed = cmd!(shell, "{busybox} cpio -o -H newc").stdin(files).quiet().ignore_stderr().output()?.stdout;
        fs::write(&archive, packed)?;
        Ok(archive)
    }
}

impl Machine {
    /// The emulator's options. A processor (socket) for each node that has CPUs.
    fn options(&self) -> Vec<String> {
        let cpus: u32 = self.nodes.iter().map(|node| node.cpus).sum();
        let memory: u32 = self.nodes.iter().map(|node| node.memory_mib).sum();
        let sockets = self.nodes.iter().filter(|node| node.cpus > 0).count();
        let mut options = vec![
            "-smp".to_owned(),
            format!("{cpus},sockets={sockets},cores={}", cpus / sockets as u32),
            "-m".to_owned(),
            format!("{memory}M"),
        ];
        let mut cpu = 0;
        for (id, node) in self.nodes.iter().enumerate() {
            let mut option = format!("node,nodeid={id}");
            if node.cpus > 0 {
                let _ = write!(option, ",cpus={cpu}-{}", cpu + node.cpus - 1);
                cpu += node.cpus;
            }
            if node.memory_mib > 0 {
                let _ = write!(option, ",memdev=memory{id}");
                options.push("-object".to_owned());
                options.push(format!("memory-backend-ram,id=memory{id},size={}M", node.memory_mib));
            }
            options.extend(["-numa".to_owned(), option]);
        }
        for (id, other) in (0..self.nodes.len()).flat_map(|id| (0..id).map(move |other| (other, id))) {
            options.extend(["-numa".to_owned(), format!("dist,src={id},dst={other},val={DISTANCE}")]);
        }
        options
    }
}

/// Starts the emulator and reads its console until it ends, or kills it at the limit.
fn watch(mut emulator: Command, limit: Duration) -> Result<Console> {
    let program = emulator.get_program().to_owned();
    let mut running = Running(start(emulator.stdin(Stdio::null()).stdout(Stdio::piped()))?);
    let output = running.0.stdout.take().context("the emulator has no standard output")?;
    let (sender, lines) = mpsc::channel();
    // Ends with the emulator's output, or when nobody listens any more.
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let (start, mut console) = (Instant::now(), Console::default());
    loop {
        match lines.recv_timeout(limit.saturating_sub(start.elapsed())) {
            Ok(line) => {
                if let Some(line) = console.read(&line) {
                    println!("{line}");
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => bail!(
                "the machine has not come to an end in {} seconds; the end of its console:\n{}",
                limit.as_secs(),
                console.last_lines()
            ),
        }
    }
    let status = running.0.wait()?;
    ensure!(
        status.success(),
        "{} failed ({status}); the end of its output:\n{}",
        program.display(),
        console.last_lines()
    );
    Ok(console)
}

/// The first program of the machine, which runs the steps and switches it off.
fn init(steps: &[Step]) -> Result<String> {
    let mut script = "\
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
"
    .to_owned();
    for (number, step) in steps.iter().enumerate() {
        let _ = writeln!(
            script,
            "echo; echo {}\necho {}\n(",
            quoted(&begin_mark(number)),
            quoted(&format!("== {}", step.name))
        );
        for line in &step.preparation {
            let _ = writeln!(script, "{line} || {{ echo preparation failed: {}; exit 125; }}", quoted(line));
        }
        for (name, value) in &step.environment {
            let _ = writeln!(script, "export {name}={}", quoted(value));
        }
        let words = step.arguments.iter().map(|argument| format!(" {}", quoted(argument)));
        let _ = writeln!(
            script,
            "exec {}{}\n)",
            quoted(&place(&step.program)?.to_string_lossy()),
            words.collect::<String>()
        );
        // An empty line first, as the program may have left one unfinished.
        let _ = writeln!(script, "status=$?; echo; echo \"{}\"", end_mark(number, "$status"));
    }
    Ok(script + "poweroff -f\n")
}

/// Where a program of this host lies on the machine.
fn place(program: &Path) -> Result<PathBuf> {
    let name = program.file_name().with_context(|| format!("{} is no program", program.display()))?;
    Ok(Path::new("/programs").join(name))
}

/// The shared libraries of a program, its loader among them.
fn libraries(shell: &Shell, program: &Path) -> Result<Vec<PathBuf>> {
    // Fails for a program without any.
    let printed = cmd!(shell, "ldd {program}").quiet().ignore_stderr().ignore_status().read()?;
    parse_libraries(&printed).with_context(|| format!("the libraries of {}", program.display()))
}

fn parse_libraries(ldd: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for line in ldd.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [name, "=>", "not", "found"] => bail!("this system has no {name}"),
            [_, "=>", path, _] | [path, _] if path.starts_with('/') => found.push(PathBuf::from(path)),
            // `linux-vdso.so.1`, which the kernel brings, and `statically linked`.
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_nodes_of_every_kind() {
        let node = |cpus, memory_mib| Node { cpus, memory_mib };
        let machine = Machine { nodes: vec![node(2, 64), node(0, 32), node(2, 0)] };
        let expected = "-smp 4,sockets=2,cores=2 -m 96M \
            -object memory-backend-ram,id=memory0,size=64M -numa node,nodeid=0,cpus=0-1,memdev=memory0 \
            -object memory-backend-ram,id=memory1,size=32M -numa node,nodeid=1,memdev=memory1 \
            -numa node,nodeid=2,cpus=2-3 \
            -numa dist,src=0,dst=1,val=21 -numa dist,src=0,dst=2,val=21 -numa dist,src=1,dst=2,val=21";
        assert_eq!(machine.options().join(" "), expected);
    }

    #[test]
    fn libraries_from_ldd() {
        let ldd = "\tlinux-vdso.so.1 (0x00007ffc5a5f2000)\n\
            \tlibgcc_s.so.1 => /lib/x86_64-linux-gnu/libgcc_s.so.1 (0x00007f3)\n\
            \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f1)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f2)\n";
        let expected =
            ["/lib/x86_64-linux-gnu/libgcc_s.so.1", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(parse_libraries(ldd).unwrap(), expected.map(PathBuf::from));
        assert_eq!(parse_libraries("\tstatically linked\n").unwrap(), [""; 0].map(PathBuf::from));
        assert_eq!(parse_libraries("").unwrap(), [""; 0].map(PathBuf::from));
        let error = parse_libraries("\tlibhwloc.so.15 => not found\n").unwrap_err();
        assert_eq!(error.to_string(), "this system has no libhwloc.so.15");
    }

    /// The script, with the shell of this host in the place of the machine's.
    #[cfg(unix)]
    #[test]
    fn steps_run_in_their_environment() {
        let temporary = tempfile::tempdir().unwrap();
        let program = temporary.path().join("it's");
        fs::write(&program, "").unwrap();
        let (name, head) = ("the step's name", "== the step's name");
        let step = |preparation: &str| Step {
            name: name.to_owned(),
            preparation: vec![preparation.to_owned()],
            program: program.clone(),
            arguments: vec!["a b".to_owned(), "'$HOME'".to_owned()],
            environment: vec![("NAME".to_owned(), "x; y".to_owned())],
        };
        let script = init(&[step("true"), step("test -e /no/such/file")]).unwrap();
        let start = script.find("echo;").unwrap();
        let script =
            script[start..].replace("exec '/programs/it'\\''s'", "printf '<%s>' \"$NAME\"").replace("poweroff -f", "");
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        let mut console = Console::default();
        let shown: Vec<_> = output.stdout.split(|&byte| byte == b'\n').filter_map(|line| console.read(line)).collect();
        assert_eq!(console.statuses, [0, 125], "{shown:?}");
        assert_eq!(shown, [head, "<x; y><a b><'$HOME'>", head, "preparation failed: test -e /no/such/file", ""]);
    }

    #[cfg(unix)]
    #[test]
    fn an_emulator_that_fails_shows_its_last_words() {
        let mut emulator = Command::new("sh");
        emulator.args(["-c", "echo no such machine; exit 3"]);
        let error = watch(emulator, TIME_LIMIT).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("| no such machine"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn an_emulator_without_end_is_killed() {
        let mut emulator = Command::new("sh");
        emulator.args(["-c", "echo booting; exec sleep 1000"]);
        let error = watch(emulator, Duration::from_secs(2)).unwrap_err().to_string();
        assert!(error.contains("in 2 seconds") && error.ends_with("  | booting\n"), "{error}");
    }
}
