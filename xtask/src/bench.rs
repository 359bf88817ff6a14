//! How fast it is: from the build to the report, on this machine or another.

pub(crate) mod figures;
mod measured;
mod modelled;
pub(crate) mod plot;
pub(crate) mod record;
pub(crate) mod remote;
mod store;
mod table;
mod target;

use anyhow::Result;
use slide_benches::machine;

use crate::cli::{BenchArguments, name_of};
use crate::program;
use crate::workspace;
use record::Record;
use remote::Remote;
use store::Store;
pub(crate) use target::{Suite, Target};

pub(crate) fn run(arguments: &BenchArguments) -> Result<()> {
    let store = Store::open();
    let suites = arguments.target.suites(arguments.suite)?;
    for name in arguments.save.iter().chain(&arguments.compare) {
        store::check_name(name)?;
    }
    if is_here(&arguments.target) {
        let machine = machine::detect();
        if let Some(name) = &arguments.compare {
            // An unknown name is better told now than after the run.
            for suite in &suites {
                store.load(&machine.name, name, &name_of(*suite))?;
            }
        }
        machine
            .notes
            .iter()
            .filter(|note| note.contains(machine::BUSY_NOTE))
            .for_each(|note| eprintln!("bench: {note}"));
    }
    for suite in suites {
        let record = find(arguments, suite)?;
        let old = arguments
            .compare
            .as_ref()
            .map(|name| store.load(&record.origin.machine.name, name, &name_of(suite)))
            .transpose()?;
        if arguments.json {
            println!("{}", serde_json::to_string_pretty(&record)?);
        } else {
            println!("{}", table::terminal(&record, old.as_ref()));
        }
        keep(&store, arguments, &record, old.as_ref())?;
    }
    Ok(())
}

/// Whether it is this machine that is measured.
fn is_here(target: &Target) -> bool {
    matches!(target, Target::Native | Target::Level(_) | Target::Xeon)
}

fn find(arguments: &BenchArguments, suite: Suite) -> Result<Record> {
    let shell = workspace::shell()?;
    let (built_for, remote) = match &arguments.target {
        Target::Model(graviton) => return modelled::record(*graviton, arguments),
        Target::Ssh(host) => {
            let remote = Remote::new(host);
            (remote.target()?, Some(remote))
        }
        Target::Native | Target::Level(_) | Target::Xeon => (program::Target::Native, None),
    };
    let request = measured::request(arguments)?;
    let program = measured::build(&shell, built_for, suite)?;
    let lines = match remote {
        Some(remote) => remote.measure(&program, request)?,
        None => measured::run_here(&program, request)?,
    };
    let mut record = measured::assemble(&shell, arguments, suite, built_for, lines)?;
    if suite == Suite::Kernels && arguments.target == Target::Xeon {
        modelled::add_xeons(&mut record.entries)?;
    } else if suite == Suite::Kernels {
        measured::add_counts(&shell, built_for, &mut record.entries)?;
    }
    Ok(record)
}

/// Keeps what is asked for, and the record of the target unless a filter has left parts of it out.
fn keep(store: &Store, arguments: &BenchArguments, record: &Record, old: Option<&Record>) -> Result<()> {
    let is_whole = arguments.filter.is_none() && !arguments.every_shape;
    let names = is_whole.then(|| arguments.target.name()).into_iter().chain(arguments.save.as_deref());
    for name in names {
        let folder = store.of_machine(&record.origin.machine.name);
        let drawings = plot::draw(record, &folder, &format!("{name}-{}", record.suite))?;
        let path = store.save(record, name, &table::markdown(record, old, &drawings))?;
        eprintln!("bench: kept in {}", path.display());
    }
    Ok(())
}
