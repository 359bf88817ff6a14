//! The instructions of a program, as llvm-objdump prints them.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::program::{Architecture, Program, Symbols, demangle};

/// An instruction, in the syntax of llvm-objdump (AT&T's on x86), with single spaces and without comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) address: u64,
    pub(crate) text: String,
    pub(crate) flow: Flow,
}

/// Where control goes after an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// To the next one.
    Next,
    /// To that address.
    Jump(u64),
    /// To one that was computed.
    ComputedJump,
    /// To that address or to the next one.
    Branch(u64),
    /// To the function of this name, and then to the next instruction; the operand, where nothing tells the name.
    Call(String),
    /// Not to any of this function.
    End,
}

pub(crate) struct Disassembly(Vec<Instruction>);

impl Disassembly {
    pub(crate) fn of(shell: &Shell, tool: &Path, program: &Program) -> Result<Self> {
        let path = &program.path;
        // All extensions are known for x86 without being asked for.
        let features = (program.architecture == Architecture::Arm).then_some("--mattr=+all");
        let text = cmd!(shell, "{tool} --disassemble --no-show-raw-insn {features...} {path}").quiet().read()?;
        Self::parse(&text, program.architecture, &program.symbols)
            .with_context(|| format!("what {} prints is not understood", tool.display()))
    }

    fn parse(text: &str, architecture: Architecture, symbols: &Symbols) -> Result<Self> {
        let mut instructions: Vec<Instruction> = Vec::new();
        for line in text.lines() {
            // `   72440:      	pushq	%rbp`; the lines between have no tab, but for that with the file's format.
            let parts = line.split_once(':').filter(|(_, text)| text.contains('\t') && !text.contains("file format"));
            let Some((address, text)) = parts else { continue };
            let address = hexadecimal(address.trim()).with_context(|| format!("no address in `{line}`"))?;
            ensure!(instructions.last().is_none_or(|last| last.address < address), "`{line}` is out of order");
            let words: Vec<&str> = text.split_whitespace().collect();
            let text = words.join(" ");
            let flow = flow(&text, architecture, symbols);
            let text = without_comment(&text).to_owned();
            instructions.push(Instruction { address, text, flow });
        }
        ensure!(!instructions.is_empty(), "it lists no instructions");
        Ok(Self(instructions))
    }

    /// The instructions of a function, or of another range of addresses.
    pub(crate) fn range(&self, addresses: &Range<u64>) -> &[Instruction] {
        let from = self.0.partition_point(|instruction| instruction.address < addresses.start);
        let to = self.0.partition_point(|instruction| instruction.address < addresses.end);
        &self.0[from..to]
    }
}

/// The instructions of a listing, for tests.
#[cfg(test)]
pub(crate) fn listing(text: &str, architecture: Architecture) -> Vec<Instruction> {
    Disassembly::parse(text, architecture, &Symbols::default()).unwrap().0
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

/// Without `# 0x1234 <name>` (x86), `// =16` (Arm) and `<name+0x10>`.
fn without_comment(text: &str) -> &str {
    let end = [" # ", " // ", " <"].iter().filter_map(|mark| text.find(mark)).min();
    &text[..end.unwrap_or(text.len())]
}

fn flow(text: &str, architecture: Architecture, symbols: &Symbols) -> Flow {
    let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
    let operands_alone = without_comment(operands);
    // The address stands last: `jne 0x10`, `tbnz w8, #0x0, 0x10`.
    let target =
        operands_alone.rsplit([' ', ',']).next().and_then(|word| word.strip_prefix("0x")).and_then(hexadecimal);
    let jump = |target: Option<u64>| target.map_or(Flow::ComputedJump, Flow::Jump);
    let branch = |target: Option<u64>| target.map_or(Flow::Next, Flow::Branch);
    match (architecture, mnemonic) {
        (Architecture::X86, "callq" | "call" | "addr32") | (Architecture::Arm, "bl" | "blr") => {
            let name = callee(operands, target, symbols);
            if never_returns(&name) { Flow::End } else { Flow::Call(name) }
        }
        (Architecture::X86, "retq" | "ret" | "ud2" | "hlt" | "int3") => Flow::End,
        (Architecture::X86, "jmp" | "jmpq") => jump(target),
        (Architecture::X86, _) if mnemonic.starts_with('j') => branch(target),
        (Architecture::Arm, "ret" | "brk" | "udf") => Flow::End,
        (Architecture::Arm, "b" | "br") => jump(target),
        (Architecture::Arm, "cbz" | "cbnz" | "tbz" | "tbnz") => branch(target),
        (Architecture::Arm, _) if mnemonic.starts_with("b.") || mnemonic.starts_with("bc.") => branch(target),
        _ => Flow::Next,
    }
}

/// The name of what is called.
fn callee(operands: &str, target: Option<u64>, symbols: &Symbols) -> String {
    let known = target.and_then(|target| symbols.at(target)).map(|function| function.name.clone());
    // `callq *0x1234(%rip) # 0x5678 <something near>` takes the function's address from there.
    let place = || operands.split_once("# ").and_then(|(_, place)| hexadecimal(place.split_whitespace().next()?));
    let pointed_to = || symbols.pointed_to(place()?).map(str::to_owned);
    let written = || Some(demangle(operands.split_once('<')?.1.strip_suffix('>')?.trim_end_matches("@plt")));
    let written = || if operands.starts_with('*') { None } else { written() };
    known.or_else(pointed_to).or_else(written).unwrap_or_else(|| without_comment(operands).to_owned())
}

/// Functions of the standard library that panic. The compiler puts anything behind such a call.
fn never_returns(name: &str) -> bool {
    const PARTS: &[&str] = &[
        "panic",
        "unwrap_failed",
        "expect_failed",
        "_fail",
        "handle_error",
        "handle_alloc_error",
        "Unwind_Resume",
        "abort",
    ];
    PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const X86: &str = "
run-case:	file format elf64-x86-64

Disassembly of section .text:

000000000008a1c0 <_ZN13slide_kernels3x864avx23dot3dot17h006f0b1e88068c7dE>:
   8a1c0:      	vxorps	%xmm0, %xmm0, %xmm0
   8a1c4:      	jae	0x8a1d0 <_ZN13slide_kernels3x864avx23dot3dot17h006f0b1e88068c7dE+0x10>
   8a1c6:      	callq	0x1000 <_ZN4core9panicking18panic_bounds_check17h006f0b1e88068c7dE>
   8a1cb:      	callq	*0x1234(%rip)           # 0x5678 <writev+0x5678>
   8a1d0:      	vfmadd231ps	(%rdi,%rax,4), %ymm1, %ymm0
   8a1d6:      	vmovss	0x1234(%rip), %xmm0     # 0x5678 <anon>
   8a1da:      	jmpq	*%rax
   8a1dc:      	retq
";

    #[test]
    fn listings_of_x86_are_read() {
        let instructions = listing(X86, Architecture::X86);
        let flows: Vec<&Flow> = instructions.iter().map(|instruction| &instruction.flow).collect();
        let call = Flow::Call("*0x1234(%rip)".to_owned());
        assert_eq!(
            flows,
            [
                &Flow::Next,
                &Flow::Branch(0x8a1d0),
                &Flow::End,
                &call,
                &Flow::Next,
                &Flow::Next,
                &Flow::ComputedJump,
                &Flow::End
            ]
        );
        assert_eq!(instructions[0].address, 0x8a1c0);
        assert_eq!(instructions[1].text, "jae 0x8a1d0");
        assert_eq!(instructions[4].text, "vfmadd231ps (%rdi,%rax,4), %ymm1, %ymm0");
        assert_eq!(instructions[5].text, "vmovss 0x1234(%rip), %xmm0");
    }

    #[test]
    fn listings_of_arm_are_read() {
        let text = "
   26440:      	cbz	x1, 0x26594 <_ZN13slide_kernels6scalar4topk5top_k17h573503c709a975ffE+0x17c>
   26444:      	fmla	v0.4s, v1.4s, v2.4s
   26474:      	b.eq	0x26444 <_ZN13slide_kernels6scalar4topk5top_k17h573503c709a975ffE+0x17c>
   264fc:      	bl	0xd9c0 <memmove@plt>
   26500:      	blr	x8
   26504:      	tbnz	w8, #0x0, 0x26444 <x>
   26508:      	b	0x26444 <x>
   2650c:      	add	x9, x9, #0x10           // =16
   26510:      	br	x9
";
        let instructions = listing(text, Architecture::Arm);
        let flows: Vec<Flow> = instructions.iter().map(|instruction| instruction.flow.clone()).collect();
        assert_eq!(
            flows,
            [
                Flow::Branch(0x26594),
                Flow::Next,
                Flow::Branch(0x26444),
                Flow::Call("memmove".to_owned()),
                Flow::Call("x8".to_owned()),
                Flow::Branch(0x26444),
                Flow::Jump(0x26444),
                Flow::Next,
                Flow::ComputedJump
            ]
        );
        assert_eq!(instructions[7].text, "add x9, x9, #0x10");
    }

    #[test]
    fn other_output_is_an_error() {
        let parse = |text| Disassembly::parse(text, Architecture::X86, &Symbols::default()).map(|_| ());
        assert!(parse("").unwrap_err().to_string().contains("no instructions"));
        assert!(parse("here:\tnop").unwrap_err().to_string().contains("no address"));
        assert!(parse("  20:\tnop\n  10:\tnop").unwrap_err().to_string().contains("out of order"));
    }
}
